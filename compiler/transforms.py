"""Derivatives of functions that are being traced.

A function under a transform is traced into a scope of its own; the IR function that comes of it is differentiated, and its
derivative is inlined where the transform was called. So transforms nest in each other and in the rest of the
program in any order, and what they close over is followed as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .diff import jvp as differentiate_forward
from .diff import vjp as differentiate_backward
from .errors import ShapeError
from .ir import ArrayType, Function, Var
from .trace.calls import call
from .trace.context import Scope, active_trace
from .trace.broadcasting import broadcast_shapes, broadcast_to
from .trace.mutation import Change, redo
from .trace.promotion import as_tracer, convert
from .trace.staging import close
from .trace.tracer import Cell, TracedSize, Tracer, new
from .tree import Tree, flatten, is_held


@dataclass(slots=True)
class Inner:
    """A function traced into a scope of its own, closed over nothing."""

    function: Function
    captured: list[Var]  # variables of the outer scope, passed after the inputs
    leaves: list[Any]  # of the result: tracers of the inner scope, or static values
    positions: list[int | None]  # of each leaf among the function's results
    tree: Tree
    written: list[Callable[[Var], None]]  # gives each outer array written to its new value
    effects: list[Effect]  # what it does to Python objects


@dataclass(slots=True)
class Effect:
    """A change that a traced function makes to a Python object; the positions of its leaves among the function's results."""

    change: Change
    leaves: list[Any]
    positions: list[int | None]
    tree: Tree

    def make(self, results: Sequence[Var]) -> None:
        """Make the change where the function's results have been computed."""
        redo(self.change, self.tree.unflatten(_outer_leaves(self.leaves, self.positions, results)))


def trace_inner(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], inputs: dict[int, Tracer], keep: bool = False
) -> Inner:
    """Trace ``function(*args, **kwargs)``, whose leaves numbered in ``inputs`` become parameters.

    With ``keep``, arrays of outer scopes that the function returns are the result themselves, not copies of their value.
    """
    trace = active_trace()
    leaves, tree = flatten((tuple(args), kwargs))
    with trace.open_scope() as scope:
        for k, tracer in inputs.items():
            var = scope.builder.parameter(tracer.cell.argument.isidentifier() and tracer.cell.argument or "x", tracer.type)
            leaves[k] = Tracer(Cell(var, scope, tracer.cell.argument), tracer.type, is_scalar=tracer.is_scalar)
        own = list(scope.builder.parameters)
        inner_args, inner_kwargs = tree.unflatten(leaves)
        result = call(function)(*inner_args, **inner_kwargs)
        found, result_tree = flatten(result)
        results, positions = _results(scope, found, keep)
        changed = [k for k in inputs if leaves[k].cell.value not in own]
        effects = [_effect(change, scope, results) for change in scope.changes.values()]
        results += [leaves[k].cell.value for k in changed]
    with trace.reopen(scope):
        results += [scope.resolve(cell.value) for cell in scope.final]
    written = [*(inputs[k].assign for k in changed), *(cell.assign for cell in scope.final)]
    captured = list(scope.captured)
    parameters = [*own, *(scope.captured[v] for v in captured)]
    name = getattr(function, "__name__", "function")
    closed = close(scope, name if name.isidentifier() else "function", parameters, results)
    return Inner(closed, captured, found, positions, result_tree, written, effects)


def _effect(change: Change, scope: Scope, results: list[Var]) -> Effect:
    """What the function does to a Python object, with the traced values in it among the results."""
    leaves, tree = flatten(change.read())
    found, positions = _results(scope, leaves, keep=True)
    places = [None if p is None else p + len(results) for p in positions]
    results += found
    return Effect(change, leaves, places, tree)


def _results(scope: Scope, leaves: list[Any], keep: bool) -> tuple[list[Var], list[int | None]]:
    results: list[Var] = []
    positions: list[int | None] = []
    for leaf in leaves:
        if keep and isinstance(leaf, Tracer) and not leaf.cell.scope.inside(scope):
            positions.append(None)
        elif isinstance(leaf, (Tracer, TracedSize)) or (isinstance(leaf, (np.ndarray, float, np.generic))):
            positions.append(len(results))
            results.append(scope.resolve(as_tracer(leaf).value))
        else:
            positions.append(None)
    return results, positions


def outcome(inner: Inner, results: Sequence[Var]) -> Any:
    """The user's result of a traced function whose results have been computed in the current scope."""
    for effect in inner.effects:
        effect.make(results)
    count = len(inner.function.results) - len(inner.written)
    for assign, var in zip(inner.written, results[count:], strict=False):
        assign(var)
    return inner.tree.unflatten(_outer_leaves(inner.leaves, inner.positions, results))


def _outer_leaves(leaves: Sequence[Any], positions: Sequence[int | None], results: Sequence[Var]) -> list[Any]:
    """Leaves of an inner function as the outer one sees them."""
    outer = list(leaves)
    for k, position in enumerate(positions):
        if position is not None:
            weak, scalar = as_like(leaves[k])
            outer[k] = new(results[position], weak=weak, scalar=scalar)
    return outer


def as_like(leaf: Any) -> tuple[bool, bool]:
    """Whether a leaf is weak, and whether it is a scalar."""
    if isinstance(leaf, Tracer):
        return leaf.weak, leaf.is_scalar
    return isinstance(leaf, (TracedSize, float)), not isinstance(leaf, np.ndarray)


def apply(inner: Inner, inputs: Sequence[Tracer], function: Function, extra: Sequence[Var] = ()) -> tuple[Var, ...]:
    """Inline a function made from a traced one; returns its results."""
    trace = active_trace()
    arguments = [trace.scope.resolve(v) for v in (*(t.value for t in inputs), *inner.captured, *extra)]
    return trace.scope.builder.inline(function, arguments)


def differentiable(value: Any, what: str) -> Tracer:
    """A leaf that can be differentiated, or the error that says why not."""
    if isinstance(value, bool) or not isinstance(value, (Tracer, np.ndarray, np.generic, float, int)):
        raise TypeError(f"{what} is {value!r}, not an array of floats; exclude it with argnums")
    tracer = as_tracer(value)
    if tracer.dtype.kind != "f":
        raise TypeError(
            f"{what} has dtype {tracer.dtype.name}; only float32 and float64 can be differentiated. "
            f"Convert it, as in x.astype(np.float64), or exclude it with argnums"
        )
    return tracer


def value_and_gradients(
    function: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    """``((value, aux) or value, gradients)`` of a scalar function, in the trace under way."""
    chosen = (argnums,) if isinstance(argnums, (int, np.integer)) else tuple(argnums)
    name = getattr(function, "__name__", "the function")
    chosen = tuple(_argument_number(k, len(args), name) for k in chosen)
    leaves, tree = flatten((args, kwargs))
    inputs = {
        k: differentiable(leaf, _leaf_name(name, path))
        for k, (leaf, path) in enumerate(zip(leaves, tree.paths(), strict=True))
        if path[0] == 0 and path[1] in chosen and not is_held(path) and not _is_label(leaf, path)
    }
    inner = trace_inner(function, args, kwargs, inputs)
    position = _scalar_loss(inner, name, has_aux)
    gradient_program = differentiate_backward(inner.function, tuple(range(len(inputs))), (position,))
    loss = inner.function.results[position]
    seed = active_trace().scope.builder.constant(1, loss.type)  # type: ignore[arg-type]
    results = apply(inner, list(inputs.values()), gradient_program, (seed,))
    count = len(inner.function.results)
    gradients = {k: new(v, scalar=leaf.is_scalar) for (k, leaf), v in zip(inputs.items(), results[count:], strict=True)}
    return outcome(inner, results[:count]), _by_argument(args, argnums, chosen, gradients)


def _by_argument(args: tuple[Any, ...], argnums: Any, chosen: Sequence[int], gradients: dict[int, Tracer]) -> Any:
    """Gradients in the structure of the arguments that they belong to."""
    grouped: dict[int, Any] = {}
    offset = 0
    for number, argument in enumerate(args):
        leaves, tree = flatten(argument)
        if number in chosen:
            kept = [None if is_held(path) else leaf for leaf, path in zip(leaves, tree.paths(), strict=True)]
            grouped[number] = tree.unflatten([gradients.get(offset + k, leaf) for k, leaf in enumerate(kept)])
        offset += len(leaves)
    if isinstance(argnums, (int, np.integer)):
        return grouped[chosen[0]]
    return tuple(grouped[k] for k in chosen)


def _is_label(leaf: Any, path: tuple[Any, ...]) -> bool:
    """Whether a leaf within an argument is no number at all (a name, a flag): gradients keep it as it is."""
    return len(path) > 2 and (isinstance(leaf, bool) or not isinstance(leaf, (Tracer, np.ndarray, np.generic, float, int)))


def _argument_number(number: int, count: int, name: str) -> int:
    if not -count <= number < count:
        raise ValueError(
            f"argnums asks for positional argument {number} of {name}, which was called with {count} positional arguments"
        )
    return number % count


def _leaf_name(name: str, path: tuple[Any, ...]) -> str:
    return f"argument {path[1]} of {name}" + "".join(f"[{key!r}]" for key in path[2:])


def _scalar_loss(inner: Inner, name: str, has_aux: bool) -> int:
    """The position of the loss among the results, or the error that says what came instead."""
    loss_leaves = list(range(len(inner.leaves)))
    if has_aux:
        value = inner.tree.unflatten(list(range(len(inner.leaves))))
        if not (isinstance(value, tuple) and len(value) == 2):
            raise TypeError(f"with has_aux=True, {name} must return a pair (loss, aux)")
        loss_leaves = flatten(value[0])[0]
    if len(loss_leaves) != 1:
        raise TypeError(
            f"grad needs a function that returns one scalar; {name} returns {inner.tree}. "
            "Return the loss alone, or (loss, aux) with has_aux=True; for several results there is vjp"
        )
    leaf = inner.leaves[loss_leaves[0]]
    position = inner.positions[loss_leaves[0]]
    if position is None:
        raise TypeError(f"grad needs a function that returns one scalar; {name} returns {leaf!r}")
    found = inner.function.results[position].type
    assert isinstance(found, ArrayType)
    if found.dtype.kind != "f":
        raise TypeError(f"grad needs a floating-point loss; {name} returns {found.dtype.name}")
    if found.shape:
        shape = active_trace().sizing.shape_text(found.shape)
        raise TypeError(
            f"grad needs a function that returns one scalar; {name} returns an array of shape {shape}. "
            "Sum it, or use vjp, which takes a cotangent of that shape"
        )
    return position


def forward(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """``(results, tangents of results)``, in the trace under way."""
    name = getattr(function, "__name__", "the function")
    leaves, tree = flatten((tuple(primals), {}))
    tangent_leaves, tangent_tree = flatten((tuple(tangents), {}))
    if tree != tangent_tree:
        raise TypeError(f"jvp: the tangents of {name} have the structure {tangent_tree}, its arguments {tree}")
    inputs = {k: differentiable(leaf, _leaf_name(name, path)) for k, (leaf, path) in enumerate(zip(leaves, tree.paths(), strict=True))}
    directions = [_same_shape(t, inputs[k], f"jvp: tangent {k} of {name}") for k, t in enumerate(tangent_leaves)]
    inner = trace_inner(function, primals, {}, inputs)
    program = differentiate_forward(inner.function, tuple(range(len(inputs))))
    count = len(inner.function.results)
    # tangents come after what was captured
    results = apply(inner, list(inputs.values()), program, directions)
    value = outcome(inner, results[:count])
    tangent_of: dict[int, Var] = {}
    floats = [k for k, r in enumerate(inner.function.results) if r.type.dtype.kind == "f"]
    for k, var in zip(floats, results[count:], strict=True):
        tangent_of[k] = var
    out_leaves = [
        new(tangent_of[p], scalar=as_like(leaf)[1]) if p is not None and p in tangent_of else _zero_like(leaf)
        for p, leaf in zip(inner.positions, inner.leaves, strict=True)
    ]
    tangent_out = inner.tree.unflatten(out_leaves)
    if has_aux:
        return value[0], tangent_out[0], value[1]
    return value, tangent_out


def _zero_like(leaf: Any) -> Any:
    return 0.0 if not isinstance(leaf, Tracer) else np.zeros((), np.float64)[()]


def _same_shape(value: Any, like: Tracer, what: str) -> Var:
    """A tangent or cotangent, of the shape and dtype of what it belongs to."""
    tracer = as_tracer(value, what)
    trace = active_trace()
    if tracer.dtype != like.dtype and not tracer.weak:
        raise TypeError(f"{what} has dtype {tracer.dtype.name}, expected {like.dtype.name}")
    same = len(tracer.type.shape) == len(like.type.shape) and all(
        trace.sizing.decide(a, "==", b) is not False for a, b in zip(tracer.type.shape, like.type.shape, strict=True)
    )
    if not same:
        text = trace.sizing.shape_text
        raise ShapeError(f"{what} has shape {text(tracer.type.shape)}, expected {text(like.type.shape)}")
    broadcast_shapes([tracer, like], what)
    return broadcast_to(convert(tracer, like.dtype), like.type.shape)


def pullback(function: Callable[..., Any], primals: Sequence[Any], has_aux: bool = False) -> tuple[Any, ...]:
    """``(results, pullback)`` or ``(results, pullback, aux)``, in the trace under way."""
    name = getattr(function, "__name__", "the function")
    leaves, tree = flatten((tuple(primals), {}))
    inputs = {k: differentiable(leaf, _leaf_name(name, path)) for k, (leaf, path) in enumerate(zip(leaves, tree.paths(), strict=True))}
    inner = trace_inner(function, primals, {}, inputs)
    trace = active_trace()
    sources = [t.value for t in inputs.values()]
    value = outcome(inner, apply(inner, list(inputs.values()), inner.function))
    result_leaves = list(range(len(inner.leaves)))
    if has_aux:
        result_leaves = flatten(inner.tree.unflatten(result_leaves)[0])[0]
    positions = [inner.positions[k] for k in result_leaves]
    expected, result_tree = flatten(value[0] if has_aux else value)

    def pull(cotangents: Any) -> Any:
        given, given_tree = flatten(cotangents)
        if given_tree != result_tree:
            raise TypeError(f"vjp: the cotangent of {name} has the structure {given_tree}, its result {result_tree}")
        seeds = {}
        for k, (ct, like, position) in enumerate(zip(given, expected, positions, strict=True)):
            if position is not None and as_tracer(like).dtype.kind == "f":
                seeds[position] = _same_shape(ct, as_tracer(like), f"vjp: cotangent {k} of {name}")
        order = tuple(sorted(seeds))
        program = differentiate_backward(inner.function, tuple(range(len(inputs))), order)
        arguments = [trace.scope.resolve(v) for v in (*sources, *inner.captured, *(seeds[k] for k in order))]
        results = trace.scope.builder.inline(program, arguments)
        gradients = results[len(inner.function.results) :]
        wrapped = [new(g, scalar=t.is_scalar) for g, t in zip(gradients, inputs.values(), strict=True)]
        return tree.unflatten(wrapped)[0]

    return (value[0], pull, value[1]) if has_aux else (value, pull)


def checkpointed(function: Callable[..., Any], args: Sequence[Any] = ()) -> Any:
    """Call a function of which reverse mode keeps only the arguments; it computes the rest again."""
    leaves, _ = flatten((tuple(args), {}))
    inputs = {k: as_tracer(leaf) for k, leaf in enumerate(leaves) if isinstance(leaf, (Tracer, np.ndarray, np.generic))}
    inner = trace_inner(function, args, {}, inputs, keep=True)
    trace = active_trace()
    results = trace.emit("checkpoint", *(t.value for t in inputs.values()), *inner.captured, regions=(inner.function,))
    return outcome(inner, results if isinstance(results, tuple) else (results,))


def custom_call(primal: Callable[..., Any], forward: Callable[..., Any], backward: Callable[..., Any], args: Sequence[Any]) -> Any:
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
    name: str, backward: Callable[..., Any], run: Inner, ahead: Inner, pair: tuple[Any, Any], inputs: dict[int, Tracer], tree: Tree
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
        results = run.tree.unflatten([_stand_in(leaf) if p is not None else leaf for leaf, p in zip(run.leaves, run.positions, strict=True)])
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
        raise TypeError(f"the backward function of {name} must return {len(arguments)} gradients, one per argument; found {len(parts)}")
    gradients: dict[int, Any] = {}
    for argument, part in zip(arguments, parts, strict=True):
        numbers, _ = flatten(argument)
        found = [None] * len(numbers) if part is None else flatten(part)[0]
        gradients.update(zip(numbers, found, strict=True))
    fitted = []
    for k, like in inputs.items():
        value = gradients.get(k)
        zero = value is None or like.dtype.kind != "f"
        var = active_trace().scope.builder.zeros(like.type) if zero else _same_shape(value, like, f"gradient {k} from the backward function of {name}")
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
        results=(*forward.results[:count], *forward.results[count:], *(_captured_parameter(forward, captured, v) for v in back.captured))
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
    from .ops import Builder

    b = Builder(backward.parameters)
    results = list(b.inline(backward, backward.parameters))
    results += [b.zeros(v.type) for v in captured]  # type: ignore[arg-type]
    return b.finish(backward.name, results)
