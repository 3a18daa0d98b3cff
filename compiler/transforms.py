"""Derivatives of functions that are being traced.

A function under a transform is traced into a scope of its own; the IR function that comes of it is differentiated, and its
derivative is inlined where the transform was called. So transforms nest in each other and in the rest of the
program in any order, and what they close over is followed as well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .diff import jvp as differentiate_forward
from .diff import vjp as differentiate_backward
from .ir import ArrayType, Function, Var
from .passes import compute_what_is_kept, run_side_by_side_for_gradients
from .trace.calls import call
from .trace.context import active_trace
from .trace.inner import Inner, apply, as_like, outcome, shaped_like, trace_inner
from .trace.maybe import known
from .trace.promotion import as_tracer
from .trace.tracer import Tracer, new
from .tree import Tree, flatten, is_held


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
    if not all(isinstance(k, (int, np.integer)) for k in chosen):
        raise TypeError(f"argnums is the number of an argument or a tuple of such numbers, found {argnums!r}")
    chosen = tuple(_argument_number(k, len(args), name) for k in chosen)
    leaves, tree = flatten((args, kwargs))
    inputs = {
        k: differentiable(leaf, _leaf_name(name, path))
        for k, (leaf, path) in enumerate(zip(leaves, tree.paths(), strict=True))
        if path[0] == 0 and path[1] in chosen and not is_held(path) and not _is_label(leaf, path)
    }

    @functools.wraps(function)
    def result(*args: Any, **kwargs: Any) -> Any:
        found = call(function)(*args, **kwargs)
        return (known(found[0]), *found[1:]) if has_aux and isinstance(found, tuple) else known(found)

    inner = trace_inner(result, args, kwargs, inputs)
    position = _scalar_loss(inner, name, has_aux)
    gradient_program = _with_gradient(inner.function, len(inputs), (position,))
    loss = inner.function.results[position]
    seed = active_trace().scope.builder.constant(1, loss.type)  # type: ignore[arg-type]
    results = apply(inner, list(inputs.values()), gradient_program, (seed,))
    count = len(inner.function.results)
    gradients = {k: new(v, scalar=leaf.is_scalar) for (k, leaf), v in zip(inputs.items(), results[count:], strict=True)}
    return outcome(inner, results[:count]), _by_argument(leaves, tree, argnums, chosen, gradients)


def _with_gradient(function: Function, count: int, cotangents: tuple[int, ...]) -> Function:
    """A function and its gradient for its first ``count`` parameters; what can run side by side does so backwards too."""
    prepared = compute_what_is_kept(run_side_by_side_for_gradients(function))
    return differentiate_backward(prepared, tuple(range(count)), cotangents)


def _by_argument(leaves: Sequence[Any], tree: Tree, argnums: Any, chosen: Sequence[int], gradients: dict[int, Tracer]) -> Any:
    """Gradients in the structure of the arguments that they belong to, as these were when the function was called."""
    kept = [None if is_held(path) else leaf for leaf, path in zip(leaves, tree.paths(), strict=True)]
    args, _ = tree.unflatten([gradients.get(k, leaf) for k, leaf in enumerate(kept)])
    if isinstance(argnums, (int, np.integer)):
        return args[chosen[0]]
    return tuple(args[k] for k in chosen)


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
    inputs = {
        k: differentiable(leaf, _leaf_name(name, path)) for k, (leaf, path) in enumerate(zip(leaves, tree.paths(), strict=True))
    }
    directions = [shaped_like(t, inputs[k], f"jvp: tangent {k} of {name}") for k, t in enumerate(tangent_leaves)]
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


def pullback(function: Callable[..., Any], primals: Sequence[Any], has_aux: bool = False) -> tuple[Any, ...]:
    """``(results, pullback)`` or ``(results, pullback, aux)``, in the trace under way."""
    name = getattr(function, "__name__", "the function")
    leaves, tree = flatten((tuple(primals), {}))
    inputs = {
        k: differentiable(leaf, _leaf_name(name, path)) for k, (leaf, path) in enumerate(zip(leaves, tree.paths(), strict=True))
    }
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
                seeds[position] = shaped_like(ct, as_tracer(like), f"vjp: cotangent {k} of {name}")
        order = tuple(sorted(seeds))
        program = _with_gradient(inner.function, len(inputs), order)
        arguments = [trace.scope.resolve(v) for v in (*sources, *inner.captured, *(seeds[k] for k in order))]
        results = trace.scope.builder.inline(program, arguments)
        gradients = results[len(inner.function.results) :]
        wrapped = [new(g, scalar=t.is_scalar) for g, t in zip(gradients, inputs.values(), strict=True)]
        return tree.unflatten(wrapped)[0]

    return (value[0], pull, value[1]) if has_aux else (value, pull)
