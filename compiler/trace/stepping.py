"""Slices whose step is known only when the program runs: views whose places are computed."""

from __future__ import annotations

from typing import Any

from ..ir import Dim, Var
from ..ir.types import I64
from .cells import View
from .context import active_trace
from .creation import counting
from .elementwise import elementwise
from .maybe import where_there
from .promotion import as_tracer, convert
from .tracer import Tracer, as_dim, new


def stepped(x: Tracer, items: list[Any]) -> tuple[Tracer, list[Any]]:
    """An array seen at the places of such slices in a full index, and the index with whole axes in their stead."""
    axis, rest = 0, []
    for item in items:
        if isinstance(item, slice) and _is_unknown(item.step):
            x = _along(x, axis, item)
            item = slice(None)
        axis += item is not None
        rest.append(item)
    return x, rest


def _is_unknown(step: Any) -> bool:
    dim = None if step is None else as_dim(step)
    return dim is not None and active_trace().sizing.hint(dim) is None


def _along(x: Tracer, axis: int, part: slice) -> Tracer:
    """The view of the places of a slice along one axis."""
    places, length = _places(part, x.type.shape[axis])
    others = [k for k in range(x.type.rank) if k != axis]
    back = tuple(others.index(k) + 1 if k != axis else 0 for k in range(x.type.rank))  # from the places' axis first

    def read(base: Var) -> Var:
        trace = active_trace()
        taken = trace.emit("take", base, trace.scope.resolve(places), axes=(axis,))
        return trace.emit("transpose", taken, axes=back) if axis else taken

    def write(base: Var, value: Var) -> Var:
        trace = active_trace()
        source = trace.emit("transpose", value, axes=(axis, *others)) if axis else value
        return trace.emit("put", base, source, trace.scope.resolve(places), axes=(axis,))

    shape = (*x.type.shape[:axis], length, *x.type.shape[axis + 1 :])
    key = ("stepped", axis, *(None if bound is None else as_dim(bound) for bound in (part.start, part.stop, part.step)))
    return x.through(View(read, write, key), x.type.with_shape(shape))


def _places(part: slice, size: Dim) -> tuple[Var, Dim]:
    """The places of a slice of an axis, and their number; bounds are clipped as Python clips them."""
    trace = active_trace()
    step, end = convert(as_tracer(part.step), I64), new(trace.emit("size", value=size))
    trace.emit("check", elementwise("ne", step, 0).value, kind="ValueError", message="slice step cannot be zero")
    back = elementwise("lt", step, 0)
    low, high = elementwise("select", back, -1, 0), elementwise("select", back, end - 1, end)

    def bound(given: Any, default: Tracer) -> Tracer:
        if given is None:
            return default
        place = convert(as_tracer(where_there(given, default)), I64)
        place = elementwise("select", elementwise("lt", place, 0), place + end, place)
        return elementwise("maximum", elementwise("minimum", place, high), low)

    first = bound(part.start, elementwise("select", back, high, low))
    last = bound(part.stop, elementwise("select", back, low, high))
    count = (last - first + step - elementwise("select", back, -1, 1)) // step
    length = trace.sizing.dynamic("k", 0, size)
    trace.emit("bind_size", elementwise("maximum", count, 0).value, symbol=str(length))
    return (first + step * counting(length, I64)).value, length
