"""Indexing with arrays: boolean masks become ``select`` where they can, integer arrays ``take`` and ``put``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir import Dim, Size, Var
from ..ir.types import BOOL, I64
from .broadcasting import assume_shape, broadcast_shapes, broadcast_to, check_equal, fit, repeated
from .context import active_trace
from .elementwise import elementwise
from .promotion import as_tracer, convert, operand
from .tracer import TracedSize, Tracer, describe, named, new
from .views import Position, Range, basic, value_of

# boolean masks


def whole_mask(x: Tracer, index: Any) -> Tracer | None:
    """The mask, if the index is one boolean array over leading axes of x."""
    if isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    if isinstance(index, list) and index and all(isinstance(v, (bool, np.bool_)) for v in index):
        index = np.asarray(index)
    if isinstance(index, np.ndarray) and index.dtype == BOOL:
        index = as_tracer(index)
    if not (isinstance(index, Tracer) and index.type.dtype == BOOL and 0 < index.type.rank <= x.type.rank):
        return None
    check_mask(x, index, 0)
    return index


def check_mask(x: Tracer, mask: Tracer, first: int) -> None:
    """A mask must have the sizes of the axes that it selects from."""
    sizing = active_trace().sizing
    for axis, (size, dim) in enumerate(zip(mask.type.shape, x.type.shape[first:]), start=first):
        equal = sizing.decide(size, "==", dim)
        if equal is False:
            raise IndexError(
                f"boolean index did not match {describe(x)} along axis {axis}: its size is {sizing.text(dim)}, "
                f"the mask's is {sizing.text(size)}"
            )
        if equal is None:
            check_equal(size, dim, "boolean index did not match")


def _aligned_mask(x: Tracer, mask: Tracer) -> Var:
    """A mask over leading axes repeated over the rest."""
    rank = mask.type.rank
    var = assume_shape(active_trace().scope.resolve(mask.value), x.type.shape[:rank])
    if rank == x.type.rank:
        return var
    return active_trace().emit("broadcast", var, axes=tuple(range(rank)), shape=x.type.shape)


def put_masked(x: Tracer, mask: Tracer, value: Any) -> None:
    """``x[mask] = value``: a select where the value does not depend on the position among the true ones."""
    source = operand(value, x.type.dtype)
    rest = x.type.shape[mask.type.rank :]
    if source.type.rank <= len(rest):
        source = repeated(fit(source, rest), x.type.shape)
        x.assign(active_trace().emit("select", _aligned_mask(x, mask), source.value, x.value))
        return
    put(x, list(nonzero(mask)), tuple(range(mask.type.rank)), source)


def take_masked(x: Tracer, mask: Tracer) -> Tracer:
    """``x[mask]``."""
    return take(x, list(nonzero(mask)), tuple(range(mask.type.rank)))


def nonzero(mask: Tracer) -> tuple[Tracer, ...]:
    """The positions of the true elements along each axis; their number is known at run time only."""
    trace = active_trace()
    if not mask.type.shape:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.")
    size = trace.sizing.dynamic("count", 0, mask.type.size)
    flat = trace.emit("nonzero", trace.emit("reshape", mask.value, shape=(mask.type.size,)), symbol=str(size))
    return unravel(new(flat), mask.type.shape)


def unravel(flat: Tracer, shape: tuple[Dim, ...]) -> tuple[Tracer, ...]:
    """Positions along each axis from positions in the flattened array."""
    if len(shape) == 1:
        return (flat,)
    positions: list[Tracer] = []
    for dim in reversed(shape[1:]):
        size = TracedSize(dim) if isinstance(dim, Size) else dim
        positions.append(elementwise("remainder", flat, size, dtype=I64))
        flat = elementwise("floor_divide", flat, size, dtype=I64)
    return (flat, *reversed(positions))


# integer arrays


def take(x: Tracer, positions: Sequence[Tracer], axes: tuple[int, ...]) -> Tracer:
    """The elements at positions along axes; the positions' axes come first."""
    trace = active_trace()
    return new(trace.emit("take", x.value, *(p.value for p in positions), axes=axes), scalar=False)


def put(x: Tracer, positions: Sequence[Tracer], axes: tuple[int, ...], value: Tracer, op: str = "put") -> None:
    """Write (or with ``put_add`` add) a value at positions along axes."""
    trace = active_trace()
    variables = [trace.scope.resolve(p.value) for p in positions]
    rest = tuple(d for k, d in enumerate(x.type.shape) if k not in axes)
    shape = (*positions[0].type.shape, *rest)
    source = broadcast_to(fit(value, shape), shape)
    x.assign(trace.emit(op, x.value, source, *variables, axes=axes))


class Advanced:
    """An index with integer arrays among its entries: the positions along some axes of a basic part of x.

    Axes of the positions come where the first array stood, or first where a slice or None lies between arrays.
    """

    def __init__(self, x: Tracer, entries: Sequence[Any]) -> None:
        self.axes = tuple(k for k, entry in enumerate(entries) if isinstance(entry, (Tracer, Position)))
        contiguous = self.axes == tuple(range(self.axes[0], self.axes[-1] + 1))
        kept = [
            Range(Position(0), dim, 1) if k in self.axes else entry
            for k, (entry, dim) in enumerate(zip(entries, x.type.shape, strict=True))
        ]
        self.base = basic(x, kept)
        self.positions = _positions(x, entries, self.axes)
        self.front = self.positions[0].type.rank
        self.where = self.axes[0] if contiguous else 0
        rest = tuple(d for k, d in enumerate(self.base.type.shape) if k not in self.axes)
        self.shape = (*rest[: self.where], *self.positions[0].type.shape, *rest[self.where :])

    def take(self) -> Tracer:
        """The elements."""
        taken = take(self.base, self.positions, self.axes)
        return _moved(taken, range(self.front), range(self.where, self.where + self.front))

    def put(self, value: Any, op: str = "put") -> None:
        """Write a value there."""
        source = repeated(fit(operand(value, self.base.type.dtype), self.shape), self.shape)
        put(self.base, self.positions, self.axes, self.front_first(source), op)

    def front_first(self, value: Tracer) -> Tracer:
        """A value of the shape of the elements, with the positions' axes first."""
        return _moved(value, range(self.where, self.where + self.front), range(self.front))


def _positions(x: Tracer, entries: Sequence[Any], axes: tuple[int, ...]) -> list[Tracer]:
    """The index arrays of the given axes, all of one shape, within bounds."""
    trace = active_trace()
    wrapped = []
    for axis in axes:
        entry = entries[axis]
        if isinstance(entry, Position):
            wrapped.append(new(value_of(entry)))
            continue
        message = f"index out of bounds for axis {axis} of {named(x)}"
        wrapped.append(new(trace.emit("wrap_index", convert(entry, I64).value, size=x.type.shape[axis], message=message)))
    shape = broadcast_shapes(wrapped, "indexing")
    return [repeated(p, shape) for p in wrapped]


def _moved(x: Tracer, source: range, target: range) -> Tracer:
    if source == target:
        return x
    order = [k for k in range(x.type.rank) if k not in source]
    for place, axis in sorted(zip(target, source, strict=True)):
        order.insert(place, axis)
    return new(active_trace().emit("transpose", x.value, axes=tuple(order)), scalar=False)
