"""Functions traced into scopes of their own: what transforms differentiate and ops hold as regions.

``trace_inner`` runs a function on parameters of a new scope and closes it over nothing: what it takes from outside becomes further
parameters, what it writes to and does to Python objects becomes further results. ``outcome`` makes the user's result, and those
effects, where the function's results have been computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import Function, Var
from ..tree import Tree, flatten
from .blocks import close, make_changes
from .broadcasting import broadcast_shapes, broadcast_to
from .calls import call
from .cells import Cell
from .containers import Contents, containers_of
from .context import Scope, active_trace
from .mutation import Change
from .promotion import as_tracer, convert
from .tracer import TracedSize, Tracer, new
from .unbound import take_perhaps


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
        make_changes([self.change], [self.tree.unflatten(_outer_leaves(self.leaves, self.positions, results))])


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
            var = scope.builder.parameter((tracer.cell.argument.isidentifier() and tracer.cell.argument) or "x", tracer.type)
            leaves[k] = Tracer(Cell(var, scope, tracer.cell.argument), tracer.type, (), tracer.is_scalar, tracer.weak)
        own = list(scope.builder.parameters)
        inner_args, inner_kwargs = tree.unflatten(leaves)
        contents = Contents((inner_args, inner_kwargs))
        pairs = zip(contents.before, containers_of((tuple(args), kwargs)), strict=True)
        originals = {id(inside): outside for (_, inside, _), (_, outside) in pairs}
        with contents.followed():
            result = call(function)(*inner_args, **inner_kwargs)
        found, result_tree = flatten(result)
        results, positions = _results(scope, found, keep)
        changed = [k for k in inputs if leaves[k].cell.value not in own]
        changes = [change for change in scope.changes.values() if change.thing is not contents.lists]
        effects = [_effect(change, scope, results, originals) for change in changes]
        results += [leaves[k].cell.value for k in changed]
    with trace.reopen(scope):
        results += [scope.resolve(cell.value) for cell in scope.final]
    written = [*(inputs[k].assign for k in changed), *(cell.assign for cell in scope.final)]
    captured = list(scope.captured)
    parameters = [*own, *(scope.captured[v] for v in captured)]
    name = getattr(function, "__name__", "function")
    closed = close(scope, name if name.isidentifier() else "function", parameters, results)
    return Inner(closed, captured, found, positions, result_tree, written, effects)


def _effect(change: Change, scope: Scope, results: list[Var], originals: dict[int, Any]) -> Effect:
    """What the function does to a Python object, with the traced values in it among the results; to the original of an argument."""
    leaves, tree = flatten(take_perhaps(change))
    found, positions = _results(scope, leaves, keep=True)
    places = [None if p is None else p + len(results) for p in positions]
    results += found
    change = replace(change, thing=originals.get(id(change.thing), change.thing))
    return Effect(change, leaves, places, tree)


def _results(scope: Scope, leaves: list[Any], keep: bool) -> tuple[list[Var], list[int | None]]:
    results: list[Var] = []
    positions: list[int | None] = []
    for leaf in leaves:
        if keep and isinstance(leaf, Tracer) and not leaf.cell.scope.inside(scope):
            positions.append(None)
        elif isinstance(leaf, (Tracer, TracedSize, np.ndarray, float, np.generic)):
            positions.append(len(results))
            tracer = as_tracer(leaf)
            results.append(scope.resolve(tracer.repeated_value if keep else tracer.value))
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
            outer[k] = found = new(results[position], weak=weak, scalar=scalar)
            if isinstance(leaves[k], Tracer):
                found.cell.stretched = leaves[k].cell.stretched
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


def checkpointed(function: Callable[..., Any], args: Sequence[Any] = ()) -> Any:
    """Call a function of which reverse mode keeps only the arguments; it computes the rest again."""
    leaves, _ = flatten((tuple(args), {}))
    inputs = {k: as_tracer(leaf) for k, leaf in enumerate(leaves) if isinstance(leaf, (Tracer, np.ndarray, np.generic))}
    inner = trace_inner(function, args, {}, inputs, keep=True)
    trace = active_trace()
    results = trace.emit("checkpoint", *(t.value for t in inputs.values()), *inner.captured, regions=(inner.function,))
    return outcome(inner, results if isinstance(results, tuple) else (results,))


def shaped_like(value: Any, like: Tracer, what: str) -> Var:
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
