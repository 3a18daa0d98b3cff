"""Functions that repeat, leave out and put in elements along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import BOOL, I64
from .broadcasting import fit, repeated
from .creation import arange, has_traced, ones, zeros
from .gathering import nonzero
from .joining import arranged, concatenate, up_to
from .promotion import as_array, convert
from .reductions import argsort
from .rows import Rows
from .shaping import expand_dims, leading_axes, moveaxis, normal_axis, ravel, reshaped
from .tracer import Tracer, as_dim, python_size
from .unbound import emit_check


def is_read_when_run(value: Any) -> bool:
    """Whether integers are read by the program, and not while it is traced: those of an array, or a list of traced ones."""
    return isinstance(value, (Tracer, Rows, np.ndarray)) or (isinstance(value, (list, tuple)) and has_traced(value))


def repeat(x: Any, repeats: Any, axis: Any = None) -> Tracer:
    """``np.repeat``; counts per element that are known when tracing are taken as they are."""
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normal_axis(axis, x.type.rank)
    count = as_dim(repeats)
    if count is None and is_read_when_run(repeats):
        return x[(*up_to(axis), _counted_out(as_array(repeats), x.shape[axis]))]
    if count is None:
        return arranged(x, axis, lambda places: np.repeat(places, repeats))
    if isinstance(count, int) and count < 0:
        raise ValueError("repeats may not contain negative values.")
    shape = x.type.shape
    wide = repeated(expand_dims(x, axis + 1), (*shape[: axis + 1], count, *shape[axis + 1 :]))
    return reshaped(wide, (*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))


def _counted_out(counts: Tracer, length: Any) -> Tracer:
    """Each position as often as its count says: a position of the result stands after as many whole runs as its number."""
    emit_check(np.all(counts >= 0), ValueError("repeats may not contain negative values."))
    counts = np.broadcast_to(counts, (length,))
    ends = np.cumsum(counts)
    total = as_dim(np.sum(counts))
    passed = zeros((python_size(total) + 1,), ends.dtype)  # type: ignore[arg-type]
    np.add.at(passed, ends, 1)
    return np.cumsum(passed[:-1])


def delete(arr: Any, obj: Any, axis: Any = None) -> Tracer:
    """``np.delete``."""
    x = as_array(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normal_axis(axis, x.type.rank)
    if isinstance(obj, (bool, np.bool_)):
        raise ValueError("boolean array argument obj to delete must be one dimensional and match the axis length")
    if as_dim(obj) is not None:
        place = _place(obj, x.shape[axis], axis, x.shape[axis] - 1)
        return concatenate([x[(*up_to(axis), slice(0, place))], x[(*up_to(axis), slice(place + 1, None))]], axis)
    if is_read_when_run(obj):
        left = ones((x.shape[axis],), bool)
        left[as_array(obj)] = False
        return x[(*up_to(axis), left)]
    return arranged(x, axis, lambda places: np.delete(places, obj))


def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Tracer:
    """``np.insert``: all values at one position, or each at one of several."""
    x = as_array(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normal_axis(axis, x.type.rank)
    added = leading_axes(x.type.rank, convert(as_array(values), x.dtype))
    if as_dim(obj) is not None:
        return _insert_at(x, obj, moveaxis(added, 0, axis), axis)
    positions = arange(*obj.indices(int(x.shape[axis]))) if isinstance(obj, slice) else as_array(obj)
    if positions.ndim != 1:
        raise ValueError("index array argument obj to insert must be one dimensional or scalar")
    if positions.dtype == BOOL:
        (positions,) = nonzero(positions)
    if positions.type.shape[0] == 1:
        return _insert_at(x, positions[0], added, axis)
    return _insert_several(x, positions if is_read_when_run(obj) else convert(positions, I64), added, axis)


def _insert_at(x: Tracer, position: Any, added: Tracer, axis: int) -> Tracer:
    """An array with others in front of one position along an axis."""
    place = _place(position, x.shape[axis], axis, x.shape[axis])
    shape = tuple(added.type.shape[axis] if k == axis else d for k, d in enumerate(x.type.shape))
    middle = repeated(fit(added, shape, "np.insert"), shape)
    return concatenate([x[(*up_to(axis), slice(0, place))], middle, x[(*up_to(axis), slice(place, None))]], axis)


def _insert_several(x: Tracer, positions: Tracer, added: Tracer, axis: int) -> Tracer:
    """An array with one of several others in front of each of some positions along an axis, in the order in which they are given."""
    length, count = x.shape[axis], positions.shape[0]
    positions = np.where(positions < 0, positions + length, positions)
    order = argsort(positions)
    positions[order] += arange(count)
    left = ones((length + count,), I64)
    left[positions] = 0
    source = np.cumsum(left) - 1
    source[positions] = arange(length, length + count)
    shape = tuple(positions.type.shape[0] if k == axis else d for k, d in enumerate(x.type.shape))
    both = concatenate([x, repeated(fit(added, shape, "np.insert"), shape)], axis)
    return both[(*up_to(axis), source)]


def _place(position: Any, length: Any, axis: int, last: Any) -> Any:
    """A position counted from the start; raises NumPy's error where it is out of bounds."""
    shown = "" if isinstance(position, Tracer) else f" {position}"
    message = f"index{shown} is out of bounds for axis {axis} with size {as_dim(length)}"
    emit_check(position <= last, IndexError(message))
    emit_check(position + length >= 0, IndexError(message))
    if isinstance(position, Tracer):
        return np.where(position >= 0, position, position + length)
    return position if position >= 0 else position + length
