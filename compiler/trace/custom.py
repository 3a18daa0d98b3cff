"""Calls of functions whose backward pass the user has written: the ``custom_vjp`` equation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import Function, Var
from ..ops import Builder
from ..tree import Tree, flatten
from .calls import call
from .cells import Cell
from .context import active_trace
from .inner import Inner, outcome, shaped_like, trace_inner
from .promotion import as_tracer
from .tracer import Tracer, new


def custom_call(
    primal: Callable[..., Any], forward: Callable[..., Any], backward: Callable[..., Any], args: Sequence[Any]
) -> Any:
    """Call a function whose backward pass the user has written."""
    leaves, tree = flatten((tuple(args), {}))
    inputs = {k: as_tracer(leaf) for k, leaf in enumerate(leaves) if isinstance(leaf, (Tracer, np.ndarray, np.generic, float))}
    name = getattr(primal, "__name__", "the function")
    run = trace_inner(primal, args, {}, inputs)
    ahead = trace_inner(lambda *a: forward(*a), args, {}, inputs)
    pair = ahead.tree.unflatten(list(range(len(ahead.leaves))))
    if not (isinstance(pair, tuple) and len(pair) == 2):
        raise TypeError(f"the forward function of {name} must return a pair (result, what the backward function needs)")
    back = _trace_backward(name, backward, run, ahead, pair, inputs, tree)
    return _emit_custom(run, ahead, back, inputs)


def _trace_backward(
    name: str,
    backward: Callable[..., Any],
    run: Inner,
    ahead: Inner,
    pair: tuple[Any, Any],
    inputs: dict[int, Tracer],
    tree: Tree,
) -> Inner:
    """Trace ``backward(saved, cotangents)``; its results are made to fit the arguments."""
    saved = [ahead.leaves[k] for k in flatten(pair[1])[0]]
    saved_tree = flatten(pair[1])[1]

    def step(saved_leaves: Any, cotangents: Any) -> Any:
        full = list(saved)
        for (k, _), value in zip(_variables(saved), saved_leaves, strict=True):
            full[k] = value
        result = call(backward)(saved_tree.unflatten(full), cotangents)
        return _gradients(name, result, inputs, tree)

    with active_trace().open_scope() as scope:
        stand_ins = tuple(_stand_in(leaf) for _, leaf in _variables(saved))
        results = run.tree.unflatten(
            [_stand_in(leaf) if p is not None else leaf for leaf, p in zip(run.leaves, run.positions, strict=True)]
        )
        flat, _ = flatten(((stand_ins, results), {}))
        numbered = {k: leaf for k, leaf in enumerate(flat) if isinstance(leaf, Tracer)}
        back = trace_inner(step, (stand_ins, results), {}, numbered)
    outside = {parameter: var for var, parameter in scope.captured.items()}
    back.captured = [outside[var] for var in back.captured]
    return back


def _variables(leaves: list[Any]) -> list[tuple[int, Any]]:
    return [(k, leaf) for k, leaf in enumerate(leaves) if isinstance(leaf, (Tracer, np.ndarray, float, np.generic))]


def _stand_in(leaf: Any) -> Tracer:
    """A value of the type of a leaf, for tracing only."""
    tracer = leaf if isinstance(leaf, Tracer) else as_tracer(leaf)
    scope = active_trace().scope
    return Tracer(Cell(scope.builder.parameter("v", tracer.type), scope), tracer.type, is_scalar=tracer.is_scalar)


def _gradients(name: str, result: Any, inputs: dict[int, Tracer], tree: Tree) -> tuple[Any, ...]:
    """What the user's backward function returned, one gradient per input; None is zero."""
    arguments = tree.unflatten(list(range(tree.count)))[0]
    parts = result if isinstance(result, tuple) else (result,)
    if len(parts) != len(arguments):
        raise TypeError(
            f"the backward function of {name} must return {len(arguments)} gradients, one per argument; found {len(parts)}"
        )
    gradients: dict[int, Any] = {}
    for argument, part in zip(arguments, parts, strict=True):
        numbers, _ = flatten(argument)
        found = [None] * len(numbers) if part is None else flatten(part)[0]
        gradients.update(zip(numbers, found, strict=True))
    fitted = []
    for k, like in inputs.items():
        value = gradients.get(k)
        zero = value is None or like.dtype.kind != "f"
        var = (
            active_trace().scope.builder.zeros(like.type)
            if zero
            else shaped_like(value, like, f"gradient {k} from the backward function of {name}")
        )
        fitted.append(new(var, scalar=like.is_scalar))
    return tuple(fitted)


def _emit_custom(run: Inner, ahead: Inner, back: Inner, inputs: dict[int, Tracer]) -> Any:
    """The ``custom_vjp`` equation: its regions take the union of what they capture, as further arguments."""
    trace = active_trace()
    captured = list(dict.fromkeys([*run.captured, *ahead.captured, *back.captured]))
    saved = [Var(f"saved_{k}", v.type) for k, v in enumerate(back.captured)]
    primal = _with_captured(run, captured)
    forward = _with_captured(ahead, captured)
    count = len(run.function.results)
    # the backward function finds what it captured among the saved values
    forward = forward.replace(
        results=(
            *forward.results[:count],
            *forward.results[count:],
            *(_captured_parameter(forward, captured, v) for v in back.captured),
        )
    )
    own = len(back.function.parameters) - len(back.captured)
    ct_count = count
    kept = back.function.parameters[: own - ct_count]
    cotangents = back.function.parameters[own - ct_count : own]
    extra = back.function.parameters[own:]
    backward = back.function.replace(parameters=(*kept, *extra, *cotangents))
    assert len(saved) == len(extra)
    results_back = _pad_with_zeros(backward, captured)
    outputs = trace.emit("custom_vjp", *(t.value for t in inputs.values()), *captured, regions=(primal, forward, results_back))
    return outcome(run, outputs if isinstance(outputs, tuple) else (outputs,))


def _with_captured(inner: Inner, captured: list[Var]) -> Function:
    """The function with one parameter for each of all captured variables, used or not."""
    own = inner.function.parameters[: len(inner.function.parameters) - len(inner.captured)]
    given = dict(zip(inner.captured, inner.function.parameters[len(own) :], strict=True))
    parameters = [given.get(v) or Var(f"unused_{k}", v.type) for k, v in enumerate(captured)]
    return inner.function.replace(parameters=(*own, *parameters))


def _captured_parameter(function: Function, captured: list[Var], var: Var) -> Var:
    return function.parameters[len(function.parameters) - len(captured) + captured.index(var)]


def _pad_with_zeros(backward: Function, captured: list[Var]) -> Function:
    """Captured variables are arguments of the op as well; their cotangents are zero."""
    b = Builder(backward.parameters)
    results = list(b.inline(backward, backward.parameters))
    results += [b.zeros(v.type) for v in captured]  # type: ignore[arg-type]
    return b.finish(backward.name, results)
