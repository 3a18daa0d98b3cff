"""Basic indices: positions and ranges along axes, and the views that they are. Views compose: ``A[i][1:]`` is one view of A."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..ir import Dim, Var
from ..ir.sizes import maximum, minimum
from ..ir.types import I64
from ..ops.indexing import spec_shape
from .cells import View
from .context import active_trace
from .maybe import known, where_there
from .promotion import as_tracer, convert
from .tracer import Tracer, as_dim, describe, named, python_size
from .windows import every


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


def entry(x: Tracer, item: Any, axis: int) -> Any:
    """One item of an index as a position, a range, or an integer tracer."""
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
    var = trace.emit("wrap_index", index.value, size=size, message=message)
    return Position(0, var)


def _place(dim: Dim, item: Any) -> Position:
    """A position at a dim; where the dim is known at run time only, the variable that holds it."""
    trace = active_trace()
    if trace.sizing.is_static(dim):
        return Position(dim)
    if isinstance(item, Tracer) and item.type.dtype == I64:
        return Position(dim, item.value)
    return Position(dim, trace.emit("size", value=dim))


def _range(item: slice, size: Dim) -> Range:
    """The start, length and step of a slice of an axis of a given size, clipped as Python clips."""
    sizing = active_trace().sizing
    step = 1 if item.step is None else _static_step(item.step)
    if step > 0:
        start = 0 if item.start is None else _bound(where_there(item.start, 0), size, 0, size)
        stop = size if item.stop is None else _bound(where_there(item.stop, python_size(size)), size, 0, size)
        length = (stop - start + (step - 1)) // step
    else:
        start = size - 1 if item.start is None else _bound(where_there(item.start, python_size(size)), size, -1, size - 1)
        stop = -1 if item.stop is None else _bound(where_there(item.stop, python_size(-size - 1)), size, -1, size - 1)
        length = (start - stop + (-step - 1)) // (-step)
    nonempty = sizing.decide(length, ">=", 0)
    if nonempty is False:
        return Range(Position(0), 0, 1)
    if nonempty is None:
        length = sizing.clamp(length, 0, size)
    return Range(_place(start, None), length, step)


def _static_step(step: Any) -> int:
    dim = as_dim(known(step))
    if dim is None:
        raise TypeError(f"slice indices must be integers or None, found {step!r}")
    number = active_trace().sizing.pin(dim)
    assert number is not None, "``stepping`` has what is known only when the program runs"
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
        # sign known only at run time: dim + size where dim < 0; min(max(dim, -1), 0) is -1 just there
        dim = dim - minimum(maximum(dim, -1), 0) * size
    elif negative:
        dim = dim + size
    return sizing.clamp(dim, low, high)


def basic(x: Tracer, entries: Sequence[Position | Range]) -> Tracer:
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
        return Tracer(x.cell, type, (*parent.views, view_at(combined)))
    if x.views and isinstance(x.views[-1].key, tuple) and x.views[-1].key[0] == "windows":
        found = every(x, entries)
        if found is not None:
            return found
    return x.through(view_at(tuple(entries)), type)


def view_at(entries: tuple[Position | Range, ...]) -> View:
    """The view that a basic index is."""
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
    offset = value_of(place)
    if outer.step != 1:
        offset = trace.emit("mul", offset, trace.emit("constant", value=outer.step, dtype=I64))
    return Position(outer.start.dim + place.dim * outer.step, trace.emit("add", value_of(outer.start), offset))


def value_of(place: Position) -> Var:
    trace = active_trace()
    return trace.scope.resolve(place.var) if place.var is not None else trace.emit("size", value=place.dim)
