"""Indexing of tracers: ``x[...]`` and ``x[...] = v`` in all of NumPy's forms.

An index is first made full (one entry per axis, ellipsis and missing axes filled in). Basic indices become views, which
compose, so that ``A[i][1:]`` is one view of A; boolean masks of the whole array become ``select`` where they can; integer
arrays become ``take`` and ``put``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..ir import ArrayType, Dim, Size, Var
from ..ir.types import BOOL, I64
from ..ops.indexing import spec_shape
from .context import active_trace
from .elementwise import (
    as_tracer,
    assign,
    assume_shape,
    broadcast_shapes,
    broadcast_to,
    check_equal,
    convert,
    elementwise,
)
from .tracer import Cell, TracedSize, Tracer, View, as_dim, describe, handles, named, new


@dataclass(frozen=True, slots=True)
class Position:
    """A place along an axis: a dim, and the variable that holds it if it is known at run time only."""

    dim: Dim
    var: Var | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """Places along an axis: the first, their number, and the step."""

    start: Position
    length: Dim
    step: int


@handles("getitem")
def getitem(x: Tracer, index: Any) -> Any:
    """``x[index]``."""
    mask = _whole_mask(x, index)
    if mask is not None:
        return _take_masked(x, mask)
    entries, new_axes, advanced = _full(x, index)
    if advanced:
        return _advanced(x, entries, new_axes, None)
    result = _basic(x, entries)
    if new_axes:
        result = _insert_axes(result, new_axes)
    if not result.type.shape and not _has_ellipsis(index):
        return _scalar(result)
    return result


@handles("setitem")
def setitem(x: Tracer, index: Any, value: Any) -> None:
    """``x[index] = value``."""
    if x.is_scalar:
        raise TypeError(f"{x.type.dtype.name} scalar does not support item assignment")
    mask = _whole_mask(x, index)
    if mask is not None:
        _put_masked(x, mask, value)
        return
    entries, new_axes, advanced = _full(x, index)
    if advanced:
        _advanced(x, entries, new_axes, value)
        return
    target = _basic(x, entries)
    if isinstance(value, Tracer) and target.same_place(value):
        return  # x[i] += v has already written in place
    if new_axes:
        target = _insert_axes(target, new_axes)
    assign(target, value, "item assignment")


def _scalar(x: Tracer) -> Tracer:
    """The NumPy scalar that an element read is: a copy of its present value."""
    return new(x.var)


def _has_ellipsis(index: Any) -> bool:
    return index is Ellipsis or (isinstance(index, tuple) and any(entry is Ellipsis for entry in index))


# the full form of an index


def _full(x: Tracer, index: Any) -> tuple[list[Any], list[int], bool]:
    """One entry per axis (Position, Range or an integer tracer), where new axes go in the result, and whether any is advanced."""
    items = list(index) if isinstance(index, tuple) else [index]
    items = [_item(x, item) for item in items]
    items = [part for item in items for part in (item if isinstance(item, _Expanded) else [item])]
    used = sum(item is not None and item is not Ellipsis for item in items)
    if used > x.type.rank:
        raise IndexError(
            f"too many indices for {describe(x)}: it is {x.type.rank}-dimensional, but {used} were indexed"
        )
    fill = [slice(None)] * (x.type.rank - used)
    if any(item is Ellipsis for item in items):
        at = next(k for k, item in enumerate(items) if item is Ellipsis)
        items[at : at + 1] = fill
        if any(item is Ellipsis for item in items):
            raise IndexError("an index can only have a single ellipsis ('...')")
    else:
        items += fill
    entries: list[Any] = []
    new_axes: list[int] = []
    advanced = any(isinstance(item, Tracer) and item.type.shape for item in items)
    place = axis = 0
    for item in items:
        if item is None:
            new_axes.append(place)
            place += 1
            continue
        entry = _entry(x, item, axis)
        entries.append(entry)
        axis += 1
        place += not isinstance(entry, Position)
    return entries, new_axes, advanced


class _Expanded(list):
    """One item of an index that stands for several."""


def _item(x: Tracer, item: Any) -> Any:
    """Bring one item of an index to None, Ellipsis, a slice, an integer or an integer tracer."""
    if item is None or item is Ellipsis or isinstance(item, (slice, TracedSize)):
        return item
    if isinstance(item, (bool, np.bool_)):
        raise UnsupportedError("an index that is True or False; write x[None] or np.where")
    if isinstance(item, (int, np.integer)):
        return int(item)
    if isinstance(item, (list, np.ndarray)):
        array = np.asarray(item) if not _has_tracers(item) else None
        if array is not None and array.ndim == 0 and array.dtype.kind in "iu":
            return int(array)
        if array is not None and array.size == 0 and isinstance(item, list):
            array = array.astype(np.int64)
        item = as_tracer(array if array is not None else item, "an index")
    if isinstance(item, Tracer):
        if item.type.dtype.kind == "b":
            return _Expanded(nonzero(item))
        if item.type.dtype.kind not in "iu":
            raise IndexError(
                f"only integers, slices, ellipsis, None and integer or boolean arrays are valid indices; found {describe(item)}"
            )
        return item
    if hasattr(item, "__index__"):
        return item.__index__()
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and integer or boolean arrays are valid indices; "
        f"found {type(item).__name__} in an index of {describe(x)}"
    )


def _has_tracers(item: Any) -> bool:
    if isinstance(item, (list, tuple)):
        return any(_has_tracers(part) for part in item)
    return isinstance(item, (Tracer, TracedSize))


def _entry(x: Tracer, item: Any, axis: int) -> Any:
    size = x.type.shape[axis]
    if isinstance(item, slice):
        return _range(item, size)
    if isinstance(item, Tracer) and item.type.shape:
        return item
    return _position(x, item, size, axis)


def _position(x: Tracer, item: Any, size: Dim, axis: int) -> Position:
    """A place along an axis, counted from the start, that is proved or checked to be within bounds."""
    trace = active_trace()
    sizing = trace.sizing
    dim = item.dim if isinstance(item, Tracer) else as_dim(item)
    if dim is not None:
        low, high = sizing.decide(dim, ">=", 0), sizing.decide(dim, "<", size)
        if low and high:
            return _place(dim, item)
        if low is False and sizing.decide(dim + size, ">=", 0):
            return _place(dim + size, None)
        if (high is False or low is False) and sizing.is_static(dim) and sizing.is_static(size):
            raise IndexError(
                f"index {sizing.text(dim)} is out of bounds for axis {axis} of {describe(x)} with size {sizing.text(size)}"
            )
    index = convert(as_tracer(item), I64)
    message = f"index out of bounds for axis {axis} of {named(x)}"
    var = trace.emit("wrap_index", index.var, size=size, message=message)
    return Position(0, var)


def _place(dim: Dim, item: Any) -> Position:
    """A position at a dim; where the dim is known at run time only, the variable that holds it."""
    trace = active_trace()
    if trace.sizing.is_static(dim):
        return Position(dim)
    if isinstance(item, Tracer) and item.type.dtype == I64:
        return Position(dim, item.var)
    return Position(dim, trace.emit("size", value=dim))


def _range(item: slice, size: Dim) -> Range:
    """The start, length and step of a slice of an axis of a given size, clipped as Python clips."""
    sizing = active_trace().sizing
    step = 1 if item.step is None else _static_step(item.step)
    if step > 0:
        start = 0 if item.start is None else _bound(item.start, size, 0, size)
        stop = size if item.stop is None else _bound(item.stop, size, 0, size)
        length = (stop - start + (step - 1)) // step
    else:
        start = size - 1 if item.start is None else _bound(item.start, size, -1, size - 1)
        stop = -1 if item.stop is None else _bound(item.stop, size, -1, size - 1)
        length = (start - stop + (-step - 1)) // (-step)
    nonempty = sizing.decide(length, ">=", 0)
    if nonempty is False:
        return Range(Position(0), 0, 1)
    if nonempty is None:
        length = sizing.clamp(length, 0, size)
    return Range(_place(start, None), length, step)


def _static_step(step: Any) -> int:
    dim = as_dim(step)
    if dim is None:
        raise TypeError(f"slice indices must be integers or None, found {step!r}")
    number = active_trace().sizing.pin(dim)
    if number is None:
        raise UnsupportedError("a slice whose step is known only when the program runs; write x[np.arange(a, b, step)]")
    if number == 0:
        raise ValueError("slice step cannot be zero")
    return number


def _bound(value: Any, size: Dim, low: Dim, high: Dim) -> Dim:
    """A slice's bound, counted from the start and clipped to the axis."""
    dim = as_dim(value)
    if dim is None:
        raise TypeError(f"slice indices must be integers or None, found {describe(value)}")
    sizing = active_trace().sizing
    negative = False if sizing.decide(dim, ">=", 0) else sizing.decide(dim, "<", 0)
    if negative is None:
        from ..ir.sizes import maximum, minimum

        # sign known only at run time: dim + size where dim < 0; min(max(dim, -1), 0) is -1 just there
        dim = dim - minimum(maximum(dim, -1), 0) * size
    elif negative:
        dim = dim + size
    return sizing.clamp(dim, low, high)


# basic indexing: views


def _basic(x: Tracer, entries: Sequence[Position | Range]) -> Tracer:
    """The view that a basic index is; composed with a basic view that x already is."""
    if all(
        isinstance(e, Range) and e.start == Position(0) and e.step == 1 and e.length == dim
        for e, dim in zip(entries, x.type.shape, strict=True)
    ):
        return Tracer(x.cell, x.type, x.views)
    spec, _ = _spec(entries)
    type = x.type.with_shape(spec_shape(spec))
    if x.views and isinstance(x.views[-1].key, tuple) and x.views[-1].key[0] == "basic":
        _, outer = x.views[-1].key
        combined = _compose(outer, entries)
        parent = Tracer(x.cell, x.type, x.views[:-1])
        return Tracer(x.cell, type, (*parent.views, _view(combined)))
    return x.through(_view(tuple(entries)), type)


def _view(entries: tuple[Position | Range, ...]) -> View:
    spec, starts = _spec(entries)

    def read(base: Var) -> Var:
        return active_trace().emit("index", base, *starts, spec=spec)

    def write(base: Var, value: Var) -> Var:
        return active_trace().emit("update", base, value, *starts, spec=spec)

    return View(read, write, ("basic", entries))


def _spec(entries: Sequence[Position | Range]) -> tuple[tuple[Any, ...], list[Var]]:
    spec: list[Any] = []
    starts: list[Var] = []
    for entry in entries:
        position = entry if isinstance(entry, Position) else entry.start
        if position.var is not None:
            starts.append(position.var)
        place = None if position.var is not None else position.dim
        spec.append(place if isinstance(entry, Position) else (place, entry.length, entry.step))
    return tuple(spec), starts


def _compose(outer: Sequence[Position | Range], inner: Sequence[Position | Range]) -> tuple[Position | Range, ...]:
    """The one basic index that selects what inner selects of what outer selects."""
    remaining = iter(inner)
    combined: list[Position | Range] = []
    for entry in outer:
        if isinstance(entry, Position):
            combined.append(entry)
            continue
        part = next(remaining)
        if isinstance(part, Position):
            combined.append(_along(entry, part))
        else:
            combined.append(Range(_along(entry, part.start), part.length, entry.step * part.step))
    return tuple(combined)


def _along(outer: Range, place: Position) -> Position:
    """The place in the array of the place-th element of a range."""
    if outer.start.var is None and place.var is None:
        return Position(outer.start.dim + place.dim * outer.step)
    if outer.start == Position(0) and outer.step == 1:
        return place
    trace = active_trace()
    offset = _value(place)
    if outer.step != 1:
        offset = trace.emit("mul", offset, trace.emit("constant", value=outer.step, dtype=I64))
    return Position(outer.start.dim + place.dim * outer.step, trace.emit("add", _value(outer.start), offset))


def _value(place: Position) -> Var:
    trace = active_trace()
    return trace.scope.resolve(place.var) if place.var is not None else trace.emit("size", value=place.dim)


def _insert_axes(x: Tracer, places: list[int]) -> Tracer:
    from .shaping import reshaped

    shape = list(x.type.shape)
    for place in places:
        shape.insert(place, 1)
    return reshaped(x, tuple(shape))


# boolean masks


def _whole_mask(x: Tracer, index: Any) -> Tracer | None:
    """The mask, if the index is one boolean array over leading axes of x."""
    if isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    if isinstance(index, list) and index and all(isinstance(v, (bool, np.bool_)) for v in index):
        index = np.asarray(index)
    if isinstance(index, np.ndarray) and index.dtype == BOOL:
        index = as_tracer(index)
    if not (isinstance(index, Tracer) and index.type.dtype == BOOL and 0 < index.type.rank <= x.type.rank):
        return None
    sizing = active_trace().sizing
    for axis, (size, dim) in enumerate(zip(index.type.shape, x.type.shape)):
        equal = sizing.decide(size, "==", dim)
        if equal is False:
            raise IndexError(
                f"boolean index did not match {describe(x)} along axis {axis}: its size is {sizing.text(dim)}, "
                f"the mask's is {sizing.text(size)}"
            )
        if equal is None:
            check_equal(size, dim, "boolean index did not match")
    return index


def _aligned_mask(x: Tracer, mask: Tracer) -> Var:
    """A mask over leading axes repeated over the rest."""
    rank = mask.type.rank
    var = assume_shape(active_trace().scope.resolve(mask.var), x.type.shape[:rank])
    if rank == x.type.rank:
        return var
    return active_trace().emit("broadcast", var, axes=tuple(range(rank)), shape=x.type.shape)


def _put_masked(x: Tracer, mask: Tracer, value: Any) -> None:
    """``x[mask] = value``: a select where the value does not depend on the position among the true ones."""
    source = convert(as_tracer(value), x.type.dtype)
    rest = x.type.shape[mask.type.rank :]
    if source.type.rank <= len(rest):
        var = active_trace().emit("select", _aligned_mask(x, mask), broadcast_to(source, x.type.shape), x.var)
        x.assign(var)
        return
    put(x, list(nonzero(mask)), tuple(range(mask.type.rank)), source)


def _take_masked(x: Tracer, mask: Tracer) -> Tracer:
    return take(x, list(nonzero(mask)), tuple(range(mask.type.rank)))


def nonzero(mask: Tracer) -> tuple[Tracer, ...]:
    """The positions of the true elements along each axis; their number is known at run time only."""
    trace = active_trace()
    if not mask.type.shape:
        raise UnsupportedError("nonzero of a 0-d array; write np.atleast_1d(x).nonzero()")
    size = trace.sizing.dynamic("count", 0, mask.type.size)
    flat = trace.emit("nonzero", trace.emit("reshape", mask.var, shape=(mask.type.size,)), symbol=str(size))
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


def _advanced(x: Tracer, entries: list[Any], new_axes: list[int], value: Any) -> Any:
    """Read (value None) or write with integer arrays among the entries."""
    if new_axes:
        raise UnsupportedError("an index with both None and integer arrays; index first, then add the axis")
    arrays = [k for k, entry in enumerate(entries) if isinstance(entry, Tracer)]
    scalars = [k for k, entry in enumerate(entries) if isinstance(entry, Position)]
    axes = sorted(arrays + scalars)
    between = axes != list(range(axes[0], axes[-1] + 1))
    basic = [
        Range(Position(0), dim, 1) if k in axes else entry
        for k, (entry, dim) in enumerate(zip(entries, x.type.shape, strict=True))
    ]
    base = _basic(x, basic)
    positions = _positions(x, entries, axes)
    front = len(positions[0].type.shape)
    where = 0 if between else axes[0]
    if value is None:
        taken = take(base, positions, tuple(axes))
        return _moved(taken, list(range(front)), list(range(where, where + front)))
    source = convert(as_tracer(value), x.type.dtype)
    rest = tuple(d for k, d in enumerate(base.type.shape) if k not in axes)
    shape = (*rest[:where], *positions[0].type.shape, *rest[where:])
    full = new(broadcast_to(_fit(source, shape), shape), scalar=False)
    put(base, positions, tuple(axes), _moved(full, list(range(where, where + front)), list(range(front))))
    return None


def _fit(value: Tracer, shape: tuple[Dim, ...]) -> Tracer:
    """Check that a value can be broadcast to a shape."""
    sizing = active_trace().sizing
    extra = value.type.rank - len(shape)
    if extra > 0 and all(sizing.decide(d, "==", 1) for d in value.type.shape[:extra]):
        value = new(active_trace().emit("reshape", value.var, shape=value.type.shape[extra:]), scalar=False)
    target = Tracer(value.cell, value.type.with_shape(shape))
    found = broadcast_shapes([target, value], "item assignment") if value.type.rank <= len(shape) else None
    if found != shape and (found is None or not all(sizing.decide(a, "==", b) for a, b in zip(found, shape, strict=True))):
        raise ShapeError(
            f"shape mismatch: value of shape {sizing.shape_text(value.type.shape)} could not be written to an "
            f"indexing result of shape {sizing.shape_text(shape)}"
        )
    return value


def _positions(x: Tracer, entries: list[Any], axes: list[int]) -> list[Tracer]:
    """The index arrays of the given axes, all of one shape, within bounds."""
    trace = active_trace()
    wrapped = []
    for axis in axes:
        entry = entries[axis]
        if isinstance(entry, Position):
            wrapped.append(new(_value(entry)))
            continue
        message = f"index out of bounds for axis {axis} of {named(x)}"
        wrapped.append(new(trace.emit("wrap_index", convert(entry, I64).var, size=x.type.shape[axis], message=message)))
    shape = broadcast_shapes(wrapped, "indexing")
    return [new(broadcast_to(p, shape), scalar=False) for p in wrapped]


def take(x: Tracer, positions: Sequence[Tracer], axes: tuple[int, ...]) -> Tracer:
    """The elements at positions along axes; the positions' axes come first."""
    trace = active_trace()
    return new(trace.emit("take", x.var, *(p.var for p in positions), axes=axes), scalar=False)


def put(x: Tracer, positions: Sequence[Tracer], axes: tuple[int, ...], value: Tracer, op: str = "put") -> None:
    """Write (or with ``put_add`` add) a value at positions along axes."""
    trace = active_trace()
    variables = [trace.scope.resolve(p.var) for p in positions]
    rest = tuple(d for k, d in enumerate(x.type.shape) if k not in axes)
    shape = (*positions[0].type.shape, *rest)
    source = broadcast_to(_fit(value, shape), shape)
    x.assign(trace.emit(op, x.var, source, *variables, axes=axes))


def _moved(x: Tracer, source: list[int], target: list[int]) -> Tracer:
    if source == target:
        return x
    order = [k for k in range(x.type.rank) if k not in source]
    for place, axis in sorted(zip(target, source, strict=True)):
        order.insert(place, axis)
    return new(active_trace().emit("transpose", x.var, axes=tuple(order)), scalar=False)


def add_at(x: Tracer, index: Any, value: Any) -> None:
    """``np.add.at(x, index, value)``: repeated positions add up."""
    entries, new_axes, advanced = _full(x, index)
    if new_axes:
        raise UnsupportedError("np.add.at with None in the index")
    if not advanced:
        target = _basic(x, entries)
        assign(target, target + value, "np.add.at")
        return
    axes = sorted(k for k, entry in enumerate(entries) if isinstance(entry, (Tracer, Position)))
    basic = [
        Range(Position(0), dim, 1) if k in axes else entry
        for k, (entry, dim) in enumerate(zip(entries, x.type.shape, strict=True))
    ]
    base = _basic(x, basic)
    positions = _positions(x, entries, axes)
    front = positions[0].type.rank
    where = 0 if axes != list(range(axes[0], axes[-1] + 1)) else axes[0]
    rest = tuple(d for k, d in enumerate(base.type.shape) if k not in axes)
    shape = (*rest[:where], *positions[0].type.shape, *rest[where:])
    full = new(broadcast_to(_fit(convert(as_tracer(value), x.type.dtype), shape), shape), scalar=False)
    put(base, positions, tuple(axes), _moved(full, list(range(where, where + front)), list(range(front))), "put_add")
