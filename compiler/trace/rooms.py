"""Arrays whose sizes depend on the branch of an if that is taken.

Either branch hands on an array with room for what any of them leaves, and its own sizes; what comes after sees so many elements of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..ir import Dim, Var
from ..ir.sizes import Call, Size, maximum, symbols
from .blocks import Slot, made_in
from .context import Scope, active_trace
from .promotion import as_tracer, convert, promoted
from .tracer import Tracer, new


@dataclass(slots=True)
class Room:
    """What holds an array that has some sizes after one branch, and others after the other."""

    slot: Slot
    axes: tuple[int, ...]  # whose sizes depend on the branch

    def fill(self, leaf: Any) -> Var:
        """The array of a branch, with zeros around it."""
        trace, value = active_trace(), as_tracer(leaf)
        own = convert(value.renewed() if value.cell.stretched else value, self.slot.dtype)
        spec = tuple((0, dim, 1) for dim in own.type.shape)
        result: Var = trace.emit("update", trace.scope.builder.zeros(self.slot.type()), own.value, spec=spec)
        return result

    def sizes(self, leaf: Any) -> list[Var]:
        """Those of its sizes that depend on the branch."""
        shape = as_tracer(leaf).type.shape
        return [active_trace().emit("size", value=shape[axis]) for axis in self.axes]

    def unfill(self, var: Var, sizes: list[Var]) -> Tracer:
        """The array after the if."""
        trace, shape = active_trace(), list(self.slot.shape)
        for axis, size in zip(self.axes, sizes, strict=True):
            shape[axis] = trace.sizing.dynamic("k", 0, self.slot.shape[axis])
            trace.emit("bind_size", size, symbol=str(shape[axis]))
        return new(trace.emit("index", var, spec=tuple((0, dim, 1) for dim in shape)), scalar=False)


def room_for(first: Slot | None, second: Slot | None, scopes: tuple[Scope, Scope]) -> Room | None:
    """The room for what two branches leave; None where their sizes are the same, or no bound of them is known before the if."""
    if first is None or second is None or not first.shape or len(first.shape) != len(second.shape):
        return None
    sizing = active_trace().sizing
    bounds = [tuple(_bound(dim, scope) for dim in slot.shape) for slot, scope in zip((first, second), scopes, strict=True)]
    shape, axes = [], []
    for axis, (one, other) in enumerate(zip(first.shape, second.shape, strict=True)):
        inside = any(bound != dim for bound, dim in zip((bounds[0][axis], bounds[1][axis]), (one, other), strict=True))
        if not inside and (one == other or 1 in (one, other) or sizing.decide(one, "==", other)):
            shape.append(other if one == 1 else one)
            if one != other and 1 in (one, other):
                return None  # repeated
            continue
        if bounds[0][axis] is None or bounds[1][axis] is None:
            return None
        shape.append(sizing.larger(bounds[0][axis], bounds[1][axis]))
        axes.append(axis)
    dtype = promoted((first.dtype, first.weak), (second.dtype, second.weak))
    return Room(Slot(dtype, tuple(shape), False, False), tuple(axes)) if axes else None


def _bound(dim: Dim, scope: Scope) -> Any:
    """A bound of a size in terms of what is known outside of a branch."""
    made = made_in(scope)
    found = next((bound for bound in active_trace().sizing.upper_bounds(dim) if not symbols(bound) & made), None)
    return _of_clipped(dim, made) if found is None else found


def _of_clipped(dim: Dim, made: set[str]) -> Any:
    """A bound of max(..., min(..., n)), as the sizes of slices are, by any n that is known outside."""
    if not symbols(dim) & made:
        return dim
    atoms = (
        [monomial[0] for monomial, factor in dim.terms if factor == 1 and len(monomial) == 1] if isinstance(dim, Size) else []
    )
    if len(atoms) != 1 or len(dim.terms) != 1 or not isinstance(atoms[0], Call):  # type: ignore[union-attr]
        return None
    bounds = [_of_clipped(operand, made) for operand in atoms[0].operands]
    known = [bound for bound in bounds if bound is not None]
    if atoms[0].function == "min" and known:
        return known[0]
    return maximum(*known) if atoms[0].function == "max" and len(known) == 2 else None
