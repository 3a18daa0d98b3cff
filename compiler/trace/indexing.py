"""Indexing of tracers: ``x[...]`` and ``x[...] = v`` in all of NumPy's forms.

An index is first made full: one entry per axis, ellipsis and missing axes filled in. ``views`` does what is basic, ``gathering``
the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import BOOL, I64
from .creation import zeros
from .elementwise import assign
from .gathering import Advanced, check_mask, nonzero, put_masked, take_masked, whole_mask
from .promotion import as_tracer
from .rows import Rows, as_arrays
from .shaping import reshaped
from .stepping import stepped
from .tracer import TracedSize, Tracer, describe, handles, new
from .views import Position, basic, entry


@handles("getitem")
def getitem(x: Tracer, index: Any) -> Any:
    """``x[index]``."""
    x, index = _with_truths(x, index)
    mask = whole_mask(x, index)
    if mask is not None:
        return take_masked(x, mask)
    part = part_of(x, index)
    if isinstance(part, Advanced):
        return part.take()
    return new(part.value) if not part.type.shape and not _has_ellipsis(index) else part  # an element is a scalar: a copy


@handles("setitem")
def setitem(x: Tracer, index: Any, value: Any) -> None:
    """``x[index] = value``."""
    if x.is_scalar:
        raise TypeError(f"{x.type.dtype.name} scalar does not support item assignment")
    x, index = _with_truths(x, index)
    mask = whole_mask(x, index)
    if mask is not None:
        put_masked(x, mask, value)
        return
    part = part_of(x, index)
    if isinstance(part, Advanced):
        part.put(value)
    elif not (isinstance(value, Tracer) and part.same_place(value)):  # x[i] += v has already written in place
        assign(part, value, "item assignment")


def add_at(x: Tracer, index: Any, value: Any) -> None:
    """``np.add.at(x, index, value)``: repeated positions add up."""
    x, index = _with_truths(x, index)
    part = part_of(x, index)
    if isinstance(part, Advanced):
        part.put(value, "put_add")
    else:
        assign(part, part + value, "np.add.at")


def _with_truths(x: Tracer, index: Any) -> tuple[Tracer, Any]:
    """An index that is True or False, or has such items: each picks, from a new axis of size 1, all or nothing."""
    items = index if isinstance(index, tuple) else (index,)
    if not any(map(_is_truth, items)):
        return x, index
    axes: list[Any] = []
    for item in items:
        if _is_truth(item) or item is Ellipsis:
            axes.append(None if item is not Ellipsis else item)
        elif item is not None:
            rank = item.ndim if isinstance(item, (Tracer, np.ndarray)) and item.dtype == BOOL else 1
            axes += [slice(None)] * rank
    return getitem(x, tuple(axes)), tuple(_along_new_axis(item) if _is_truth(item) else item for item in items)


def _along_new_axis(truth: Any) -> Tracer:
    """The index that picks all or nothing from an axis of size 1."""
    if isinstance(truth, (bool, np.bool_)):
        return zeros((int(truth),), I64)
    return reshaped(as_tracer(truth), (1,))


def _is_truth(item: Any) -> bool:
    if isinstance(item, (Tracer, np.ndarray)):
        return item.dtype == BOOL and item.ndim == 0
    return isinstance(item, (bool, np.bool_))


def part_of(x: Tracer, index: Any) -> Tracer | Advanced:
    """What an index selects: a view, or elements that integer arrays pick."""
    x, items = stepped(x, _full(x, index))
    new_axes = [k for k, item in enumerate(items) if item is None]
    advanced = any(isinstance(item, Tracer) and item.type.shape for item in items)
    if advanced and new_axes:
        x = _with_axes(x, new_axes)
        items = [slice(None) if item is None else item for item in items]
    entries = [entry(x, item, axis) for axis, item in enumerate(item for item in items if item is not None)]
    if advanced:
        return Advanced(x, entries)
    result = basic(x, entries)
    if not new_axes:
        return result
    remaining = iter(entries)
    kept = [item for item in items if item is None or not isinstance(next(remaining), Position)]
    return _with_axes(result, [k for k, item in enumerate(kept) if item is None])


def _with_axes(x: Tracer, places: list[int]) -> Tracer:
    shape = list(x.type.shape)
    for place in places:
        shape.insert(place, 1)
    return reshaped(x, tuple(shape))


def _has_ellipsis(index: Any) -> bool:
    return index is Ellipsis or (isinstance(index, tuple) and any(entry is Ellipsis for entry in index))


def _full(x: Tracer, index: Any) -> list[Any]:
    """The items of an index, one per axis of x: None (a new axis), a slice, an integer or an integer tracer."""
    items: list[Any] = []
    axis = 0
    for given in index if isinstance(index, tuple) else (index,):
        found = _items(x, given, axis)
        items += found
        axis += sum(item is not None and item is not Ellipsis for item in found)
    if axis > x.type.rank:
        raise IndexError(f"too many indices for {describe(x)}: it is {x.type.rank}-dimensional, but {axis} were indexed")
    fill = [slice(None)] * (x.type.rank - axis)
    places = [k for k, item in enumerate(items) if item is Ellipsis]
    if len(places) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not places:
        return items + fill
    return items[: places[0]] + fill + items[places[0] + 1 :]


def _items(x: Tracer, item: Any, axis: int) -> list[Any]:
    """One item of an index as None, Ellipsis, a slice, an integer or an integer tracer; a mask is one per axis."""
    if item is None or item is Ellipsis or isinstance(item, (slice, TracedSize)):
        return [item]
    if isinstance(item, (int, np.integer)):
        return [int(item)]
    if isinstance(item, (list, tuple, np.ndarray, Rows)):
        item = _array(as_arrays(item))
    elif isinstance(item, range) or hasattr(type(item), "as_array"):
        item = as_tracer(item)
    if isinstance(item, Tracer):
        return _array_items(x, item, axis)
    if hasattr(item, "__index__"):
        return [item.__index__()]
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and integer or boolean arrays are valid indices; "
        f"found {type(item).__name__} in an index of {describe(x)}"
    )


def _array_items(x: Tracer, item: Tracer, axis: int) -> list[Any]:
    if item.type.dtype == BOOL:
        if item.type.rank and axis + item.type.rank <= x.type.rank:
            check_mask(x, item, axis)
        return list(nonzero(item))
    if item.type.dtype.kind not in "iu":
        raise IndexError(
            f"only integers, slices, ellipsis, None and integer or boolean arrays are valid indices; found {describe(item)} "
            f"in an index of {describe(x)}"
        )
    return [item]


def _array(item: Any) -> Any:
    """A list or array in an index: an int where it holds just one without axes, else a tracer."""
    if not _has_tracers(item):
        item = np.asarray(item)
        if item.ndim == 0 and item.dtype.kind in "iu":
            return as_tracer(int(item))
        if item.size == 0 and item.dtype.kind == "f":
            item = item.astype(np.int64)
    return as_tracer(item, "an index")


def _has_tracers(item: Any) -> bool:
    if isinstance(item, (list, tuple)):
        return any(_has_tracers(part) for part in item)
    return isinstance(item, (Tracer, TracedSize))
