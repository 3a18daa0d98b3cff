"""Functions that put arrays together, take them apart, tile and shift them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import Var
from ..ir.sizes import maximum
from .broadcasting import assume_shape, repeated
from .context import active_trace
from .elementwise import into
from .promotion import as_array, common_dtype, convert
from .rows import Rows
from .shaping import at_least, dims_of, dims_user, expand_dims, leading_axes, moveaxis, normal_axis, ravel, reshape, reshaped
from .tracer import Concretize, Tracer, describe, new, python_size
from .unbound import emit_check


def _in_rows(arrays: Any) -> Tracer | None:
    """The array whose rows some arrays are, if they are."""
    if isinstance(arrays, Rows) and arrays.listed is None:
        return arrays.as_array()
    return arrays if isinstance(arrays, Tracer) and arrays.ndim else None


def _each(shaped: Callable[[Any], Tracer], arrays: Any) -> Any:
    """Arrays after something that gives each another shape."""
    rows = _in_rows(arrays)
    if rows is None:
        return [shaped(a) for a in arrays]
    sample = new(active_trace().scope.builder.zeros(rows.type.with_shape(rows.type.shape[1:])))
    return reshaped(rows, (rows.type.shape[0], *shaped(sample).type.shape))


def concatenate(arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> Tracer:
    """``np.concatenate``."""
    rows = _in_rows(arrays)
    if rows is not None:
        return into(out, _rows_concatenated(rows, axis, dtype), "concatenate")
    parts = [as_array(a) for a in arrays]
    if not parts:
        raise ValueError("need at least one array to concatenate")
    if axis is None:
        parts, axis = [ravel(p) for p in parts], 0
    rank = parts[0].type.rank
    if rank == 0:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    if any(p.type.rank != rank for p in parts):
        raise ShapeError(
            "all the input array dimensions must match: " + " and ".join(describe(p) for p in parts) + " differ in rank"
        )
    axis = normal_axis(axis, rank)
    target = np.dtype(dtype) if dtype is not None else common_dtype(parts)
    parts = [convert(p, target) for p in parts]
    variables = [_matching(p, parts[0], axis) for p in parts]
    return into(out, new(active_trace().emit("concatenate", *variables, axis=axis), scalar=False), "concatenate")


def _rows_concatenated(rows: Tracer, axis: Any, dtype: Any) -> Tracer:
    """The rows of an array one after the other, in a new one."""
    emit_check(rows.shape[0] > 0, ValueError("need at least one array to concatenate"))
    if axis is None:
        joined = ravel(rows)
    elif rows.ndim == 1:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    else:
        axis = normal_axis(axis, rows.ndim - 1)
        moved = moveaxis(rows, 0, axis)
        shape = moved.type.shape
        joined = reshaped(moved, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))
    return convert(joined, np.dtype(dtype if dtype is not None else rows.dtype)).copy()


def _matching(part: Tracer, first: Tracer, axis: int) -> Var:
    """The part with its sizes, but along the axis, written as the first part's."""
    sizing = active_trace().sizing
    for k, (dim, expected) in enumerate(zip(part.type.shape, first.type.shape, strict=True)):
        if k != axis and sizing.decide(dim, "==", expected) is False:
            raise ShapeError(
                f"all the input array dimensions except for the concatenation axis must match exactly: along axis {k}, "
                f"{describe(first)} and {describe(part)} differ"
            )
    shape = tuple(dim if k == axis else first.type.shape[k] for k, dim in enumerate(part.type.shape))
    return assume_shape(active_trace().scope.resolve(part.value), shape)


def stack(arrays: Any, axis: int = 0, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> Tracer:
    """``np.stack``."""
    parts = arrays if _in_rows(arrays) is not None else [as_array(a) for a in arrays]
    if isinstance(parts, list) and not parts:
        raise ValueError("need at least one array to stack")
    text = active_trace().sizing.shape_text
    if isinstance(parts, list) and any(p.type.rank != parts[0].type.rank for p in parts):
        raise ShapeError("all input arrays must have the same shape: " + ", ".join(text(p.type.shape) for p in parts))

    def with_axis(part: Tracer) -> Tracer:
        return expand_dims(part, normal_axis(axis, part.ndim + 1))

    return concatenate(_each(with_axis, parts), axis, out, dtype)


def vstack(arrays: Any, *, dtype: Any = None, casting: str = "same_kind") -> Tracer:
    """``np.vstack``."""
    return concatenate(_each(lambda a: at_least(2, a), arrays), 0, dtype=dtype)


def hstack(arrays: Any, *, dtype: Any = None, casting: str = "same_kind") -> Tracer:
    """``np.hstack``."""
    parts = _each(lambda a: at_least(1, a), arrays)
    rank = parts.ndim - 1 if isinstance(parts, Tracer) else parts[0].ndim if parts else 1
    return concatenate(parts, 0 if rank == 1 else 1, dtype=dtype)


def dstack(arrays: Any) -> Tracer:
    """``np.dstack``."""
    return concatenate(_each(lambda a: at_least(3, a), arrays), 2)


def column_stack(arrays: Any) -> Tracer:
    """``np.column_stack``."""

    def column(part: Any) -> Tracer:
        part = as_array(part)
        return part if part.type.rank >= 2 else reshaped(part, (part.type.size, 1))

    return concatenate(_each(column, arrays), 1)


def block(arrays: Any) -> Tracer:
    """``np.block``: nested lists of blocks; the innermost lists go along the last axis."""
    depth = _depth(arrays)
    rank = max(depth, *(as_array(a).type.rank for a in _blocks(arrays)))
    return _joined(arrays, depth, rank)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, (list, Rows)) else 0


def _blocks(arrays: Any) -> list[Any]:
    if isinstance(arrays, Rows):
        return [arrays.item(0)]  # the others are like it
    return [inner for a in arrays for inner in _blocks(a)] if isinstance(arrays, list) else [arrays]


def _joined(arrays: Any, depth: int, rank: int) -> Tracer:
    if isinstance(arrays, Rows):
        return concatenate(_each(lambda a: leading_axes(rank, a), arrays), -depth)
    if not isinstance(arrays, list):
        found = leading_axes(rank, arrays)
        return new(found.value, scalar=False)
    return concatenate([_joined(a, depth - 1, rank) for a in arrays], -depth)


def append(arr: Any, values: Any, axis: Any = None) -> Tracer:
    """``np.append``."""
    return concatenate([ravel(arr), ravel(values)] if axis is None else [arr, values], axis or 0)


# taking apart


def split(x: Any, sections: Any, axis: int = 0) -> list[Tracer]:
    """``np.split``: views."""
    x = as_array(x)
    axis = normal_axis(axis, x.type.rank)
    length = x.shape[axis]
    sections = _sections(sections)
    if isinstance(sections, (list, tuple, np.ndarray)):
        bounds = [0, *sections, length]
    else:
        if length % sections != 0:
            raise ValueError("array split does not result in an equal division")
        bounds = [k * (length // sections) for k in range(sections + 1)]
    return [x[(*up_to(axis), slice(low, high))] for low, high in pairwise(bounds)]


def _sections(sections: Any) -> Any:
    """Where to split, or into how many parts, which must be known while tracing."""
    if isinstance(sections, Tracer) and sections.ndim:
        return list(sections)
    if isinstance(sections, Tracer):
        count = None if sections.dim is None else active_trace().sizing.pin(sections.dim)
        if count is None:
            raise Concretize(
                f"an array is split into {describe(sections)} parts, which is known only when the program runs; give a number that is "
                "known when tracing (jit has static_argnums)",
                sections,
            )
        return count
    return sections


def array_split(x: Any, sections: Any, axis: int = 0) -> list[Tracer]:
    """``np.array_split``: the first parts are one longer where it does not divide."""
    x = as_array(x)
    sections = _sections(sections)
    if isinstance(sections, (list, tuple, np.ndarray)):
        return split(x, sections, axis)
    if sections <= 0:
        raise ValueError("number sections must be larger than 0.")
    each, extra = divmod(int(x.shape[axis]), sections)
    sizes = [each + 1] * extra + [each] * (sections - extra)
    return split(x, list(np.cumsum(sizes)[:-1]), axis)


def split_along(axis: int, rank: int) -> Callable[..., list[Tracer]]:
    """``np.hsplit``, ``np.vsplit`` and ``np.dsplit``."""

    def apply(ary: Any, indices_or_sections: Any) -> list[Tracer]:
        x = as_array(ary)
        if x.type.rank < rank:
            raise ValueError(f"splitting along axis {axis} only works on arrays of {rank} or more dimensions")
        return split(x, indices_or_sections, axis if x.type.rank > 1 else 0)

    return apply


def unstack(x: Any, *, axis: int = 0) -> tuple[Tracer, ...]:
    """``np.unstack``: pins the size of the axis."""
    moved = moveaxis(x, axis, 0)
    return tuple(moved[k, ...] for k in range(len(moved)))


# tiling and shifting


def tile(x: Any, reps: Any) -> Tracer:
    """``np.tile``."""
    x = as_array(x)
    counts = dims_user(reps)
    rank = max(x.type.rank, len(counts))
    x = leading_axes(rank, x)
    dims = dims_of((1,) * (rank - len(counts)) + counts)
    paired = tuple(d for count, dim in zip(dims, x.type.shape, strict=True) for d in (count, dim))
    alternate = reshaped(x, tuple(d for dim in x.type.shape for d in (1, dim)))
    return reshaped(repeated(alternate, paired), tuple(c * d for c, d in zip(dims, x.type.shape, strict=True)))


def arranged(x: Tracer, axis: int, places: Callable[[np.ndarray], np.ndarray]) -> Tracer:
    """Elements along an axis in an arrangement that NumPy gives of their positions; pins the size of the axis."""
    found = places(np.arange(int(x.shape[axis])))
    return x[(*up_to(axis), found)]


def up_to(axis: int) -> tuple[slice, ...]:
    """An index of all that is in front of an axis."""
    return (slice(None),) * axis


def roll(x: Any, shift: Any, axis: Any = None) -> Tracer:
    """``np.roll``."""
    x = as_array(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    if isinstance(axis, (tuple, list)) or isinstance(shift, (tuple, list)):
        for s, a in np.broadcast(dims_user(shift), dims_user(axis)) if not isinstance(shift, Tracer) else [(shift, axis)]:
            x = roll(x, int(s), int(a))
        return x
    axis = normal_axis(axis, x.type.rank)
    length = x.shape[axis]
    is_empty = length == 0
    if not isinstance(is_empty, Tracer) and is_empty:
        return new(x.value, scalar=False)
    cut = length - shift % python_size(maximum(1, x.type.shape[axis]))
    return concatenate([x[(*up_to(axis), slice(cut, None))], x[(*up_to(axis), slice(None, cut))]], axis)


def resize(a: Any, new_shape: Any) -> Tracer:
    """``np.resize``: elements repeated as often as needed; pins the sizes."""
    x = ravel(as_array(a))
    shape = tuple(int(n) for n in dims_user(new_shape))
    if x.shape[0] == 0:
        return new(active_trace().scope.builder.zeros(x.type.with_shape(shape)), scalar=False)
    return reshape(arranged(x, 0, lambda places: np.resize(places, shape).ravel()), shape)
