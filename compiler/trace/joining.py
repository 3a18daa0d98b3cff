"""Functions that put arrays together, take them apart, repeat and shift them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..ir import Var
from ..ir.sizes import maximum
from .broadcasting import assume_shape, fit, repeated
from .context import active_trace
from .elementwise import into
from .promotion import as_array, as_tracer, common_dtype, convert
from .rows import Rows
from .shaping import at_least, dims_of, dims_user, expand_dims, leading_axes, moveaxis, normal_axis, ravel, reshape, reshaped
from .tracer import Concretize, Tracer, as_dim, describe, new, python_size
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
    return [x[(*_before(axis), slice(low, high))] for low, high in pairwise(bounds)]


def _sections(sections: Any) -> Any:
    """Where to split, or into how many parts, which must be known while tracing."""
    if isinstance(sections, Tracer) and sections.ndim:
        return list(sections)
    if isinstance(sections, Tracer):
        count = None if sections.dim is None else active_trace().sizing.pin(sections.dim)
        if count is None:
            raise Concretize(
                f"an array is split into {describe(sections)} parts, which is known only when the program runs; give a number that is "
                "known when tracing (jit has static_argnums)"
            )
        return count
    return sections


def array_split(x: Any, sections: Any, axis: int = 0) -> list[Tracer]:
    """``np.array_split``: the first parts are one longer where it does not divide."""
    x = as_array(x)
    sections = _sections(sections)
    if isinstance(sections, (list, tuple, np.ndarray)):
        return split(x, sections, axis)
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


# repeating and shifting


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


def repeat(x: Any, repeats: Any, axis: Any = None) -> Tracer:
    """``np.repeat``; counts per element that are known when tracing are taken as they are."""
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normal_axis(axis, x.type.rank)
    count = as_dim(repeats)
    if count is None and _is_traced(repeats):
        return x[(*_before(axis), _counted_out(as_array(repeats), x.shape[axis]))]
    if count is None:
        return arranged(x, axis, lambda places: np.repeat(places, _numbers(repeats, "np.repeat")))
    if isinstance(count, int) and count < 0:
        raise ValueError("repeats may not contain negative values.")
    shape = x.type.shape
    wide = repeated(expand_dims(x, axis + 1), (*shape[: axis + 1], count, *shape[axis + 1 :]))
    return reshaped(wide, (*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))


def _is_traced(value: Any) -> bool:
    """Whether integers are known only when the program runs."""
    captured = active_trace().captured_arrays.values()
    return isinstance(value, Tracer) and not any(t.cell.value == value.cell.value and not value.views for _, t in captured)


def _counted_out(counts: Tracer, length: Any) -> Tracer:
    """Each position as often as its count says: a position of the result stands after as many whole runs as its number."""
    from .creation import zeros

    counts = np.broadcast_to(counts, (length,))
    ends = np.cumsum(counts)
    total = as_dim(np.sum(counts))
    passed = zeros((python_size(total) + 1,), ends.dtype)  # type: ignore[arg-type]
    np.add.at(passed, ends, 1)
    return np.cumsum(passed[:-1])


def arranged(x: Tracer, axis: int, places: Callable[[np.ndarray], np.ndarray]) -> Tracer:
    """Elements along an axis in an arrangement that NumPy gives of their positions; pins the size of the axis."""
    found = places(np.arange(int(x.shape[axis])))
    return x[(*_before(axis), found)]


def _numbers(value: Any, what: str) -> np.ndarray:
    """Integers that are known when tracing."""
    for array, tracer in active_trace().captured_arrays.values():
        if isinstance(value, Tracer) and tracer.cell.value == value.cell.value and not value.views:
            return array
    if isinstance(value, Tracer):
        raise UnsupportedError(f"{what} that is known only when the program runs; pass a list of numbers")
    return np.asarray(value)


def _before(axis: int) -> tuple[slice, ...]:
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
    return concatenate([x[(*_before(axis), slice(cut, None))], x[(*_before(axis), slice(None, cut))]], axis)


def delete(arr: Any, obj: Any, axis: Any = None) -> Tracer:
    """``np.delete``."""
    x = as_array(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normal_axis(axis, x.type.rank)
    if as_dim(obj) is None:
        if _is_traced(obj):
            return _without(x, obj, axis)
        chosen = obj if isinstance(obj, slice) else _numbers(obj, "np.delete of several positions")
        return arranged(x, axis, lambda places: np.delete(places, chosen))
    length = x.shape[axis]
    _check_position(obj, length, axis)
    place = obj if obj >= 0 else obj + length
    return concatenate([x[(*_before(axis), slice(0, place))], x[(*_before(axis), slice(place + 1, None))]], axis)


def _without(x: Tracer, positions: Tracer, axis: int) -> Tracer:
    """What is left along an axis without some positions, or without those where a mask holds."""
    from .creation import ones

    left = ones((x.shape[axis],), bool)
    left[positions] = False
    return x[(*_before(axis), left)]


def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Tracer:
    """``np.insert``: at one position, or at several that are known when tracing."""
    x = as_array(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normal_axis(axis, x.type.rank)
    if as_dim(obj) is None:
        return _insert_several(x, _numbers(obj, "np.insert at several positions"), values, axis)
    length = x.shape[axis]
    if not isinstance(obj, Tracer):
        message = f"index {obj} is out of bounds for axis {axis} with size {as_dim(length)}"
        emit_check(obj + length >= 0, IndexError(message))
        emit_check(length >= obj, IndexError(message))
    place = obj if obj >= 0 else obj + length
    added = convert(as_tracer(values), x.dtype)
    if added.type.rank > 1:
        added = moveaxis(added, 0, axis)
    elif added.type.rank == 1 and x.type.rank > 1:
        added = expand_dims(added, axis)
    count = added.type.shape[axis] if added.type.rank == x.type.rank else 1
    shape = tuple(count if k == axis else d for k, d in enumerate(x.type.shape))
    middle = repeated(fit(added, shape, "np.insert"), shape)
    return concatenate([x[(*_before(axis), slice(0, place))], middle, x[(*_before(axis), slice(place, None))]], axis)


def _insert_several(x: Tracer, places: np.ndarray, values: Any, axis: int) -> Tracer:
    added = convert(as_tracer(values), x.dtype)
    shape = tuple(len(places) if k == axis else d for k, d in enumerate(x.type.shape))
    both = concatenate([x, repeated(fit(added, shape, "np.insert"), shape)], axis)
    size = int(x.shape[axis])
    order = np.insert(np.arange(size), places, np.arange(size, size + len(places)))
    return both[(*_before(axis), order)]


def _check_position(place: Any, length: Any, axis: int) -> None:
    if not isinstance(place, Tracer):
        message = f"index {place} is out of bounds for axis {axis} with size {as_dim(length)}"
        emit_check(length > place, IndexError(message))
        emit_check(length + place >= 0, IndexError(message))


def resize(a: Any, new_shape: Any) -> Tracer:
    """``np.resize``: elements repeated as often as needed; pins the sizes."""
    x = ravel(as_array(a))
    shape = tuple(int(n) for n in dims_user(new_shape))
    if x.shape[0] == 0:
        return new(active_trace().scope.builder.zeros(x.type.with_shape(shape)), scalar=False)
    return reshape(arranged(x, 0, lambda places: np.resize(places, shape).ravel()), shape)


# padding


def pad(
    array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0, end_values: Any = 0,
    stat_length: Any = None, reflect_type: str = "even",
) -> Tracer:  # fmt: skip
    """``np.pad`` with constants, ramps, the array's own elements, or what is found of them."""
    x = as_array(array)
    rank = x.type.rank
    pairs = _pairs_by_axis(pad_width, rank) if isinstance(pad_width, dict) else _pairs(pad_width, rank)
    if mode in ("constant", "empty"):
        return _pad_constant(x, pairs, _pairs(constant_values, rank))
    if mode not in ("edge", "reflect", "symmetric", "wrap", "linear_ramp", *_FOUND):
        shown = repr(mode) if isinstance(mode, str) else "that is a function"
        raise UnsupportedError(f"np.pad with mode {shown}; join the parts with np.concatenate")
    for axis, (low, high) in enumerate(pairs):
        if x.shape[axis] == 0 and (low > 0 or high > 0):
            raise ValueError(f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'")
        before = _before(axis)
        ends = x[(*before, slice(0, 1))], x[(*before, slice(-1, None))]
        if mode == "edge":
            x = concatenate([repeat(ends[0], low, axis), x, repeat(ends[1], high, axis)], axis)
        elif mode == "linear_ramp":
            first, last = _pairs(end_values, rank)[axis]
            x = concatenate([_ramp(ends[0], first, low, axis, False), x, _ramp(ends[1], last, high, axis, True)], axis)
        elif mode in _FOUND:
            few = _pairs(stat_length, rank)[axis]
            parts = [
                x if n is None else x[(*before, s)]
                for n, s in zip(few, (slice(few[0]), slice(-(few[1] or 1), None)), strict=True)
            ]
            found = [convert(_rounded(_FOUND[mode](part, axis=axis, keepdims=True), x.dtype), x.dtype) for part in parts]
            x = concatenate([repeat(found[0], low, axis), x, repeat(found[1], high, axis)], axis)
        elif reflect_type == "odd" and mode in ("reflect", "symmetric"):
            wide = _pad_with_slices(x, axis, low, high, mode)
            sides = wide[(*before, slice(0, low))], wide[(*before, slice(wide.shape[axis] - high, None))]
            found = [convert(2 * end - side, x.dtype) for end, side in zip(ends, sides, strict=True)]
            x = concatenate([found[0], x, found[1]], axis)
        else:
            x = _pad_with_slices(x, axis, low, high, mode)
    return x


_FOUND: dict[str, Callable[..., Any]] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def _rounded(x: Any, dtype: np.dtype) -> Any:
    """What is found of integers, as integers."""
    return x if dtype.kind == "f" or x.dtype == dtype else np.rint(x)


def _ramp(end: Tracer, value: Any, count: Any, axis: int, upwards: bool) -> Tracer:
    """Equal steps from a value to the elements at an end, without these; or from the elements on to the value."""
    from .creation import arange

    steps = arange(count).reshape((-1,) + (1,) * (end.type.rank - axis - 1))
    ramp = value + (end - value) * (steps / count) if not upwards else value + (end - value) * ((count - 1 - steps) / count)
    return convert(np.floor(ramp) if end.dtype.kind in "iu" else ramp, end.dtype)


def _pairs_by_axis(widths: dict[int, Any], rank: int) -> list[tuple[Any, Any]]:
    """One pair per axis from widths by axis; nothing for the others."""
    pairs: list[tuple[Any, Any]] = [(0, 0)] * rank
    for axis, width in widths.items():
        pairs[normal_axis(axis, rank)] = _pairs(width, 1)[0]
    return pairs


def _pad_with_slices(x: Tracer, axis: int, low: Any, high: Any, mode: str) -> Tracer:
    """Mirrored or repeated elements; pads wider than the array pin its size."""
    n = x.shape[axis]
    if low >= n or high >= n:
        return arranged(x, axis, lambda places: np.pad(places, (int(low), int(high)), mode))  # type: ignore[call-overload]
    skipped = 1 if mode == "reflect" else 0
    if mode == "wrap":
        first, last = x[(*_before(axis), slice(n - low, None))], x[(*_before(axis), slice(0, high))]
    else:
        backwards = x[(*_before(axis), slice(None, None, -1))]
        first = backwards[(*_before(axis), slice(n - low - skipped, n - skipped))]
        last = backwards[(*_before(axis), slice(skipped, high + skipped))]
    return concatenate([first, x, last], axis)


def _pad_constant(x: Tracer, pairs: Sequence[Any], values: Sequence[Any]) -> Tracer:
    from .creation import full

    for axis, ((low, high), (before, after)) in enumerate(zip(pairs, values, strict=True)):
        shape = x.shape
        ends = [full((*shape[:axis], n, *shape[axis + 1 :]), v, dtype=x.dtype) for n, v in ((low, before), (high, after))]
        x = concatenate([ends[0], x, ends[1]], axis)
    return x


def _pairs(width: Any, rank: int) -> list[tuple[Any, Any]]:
    """One pair (before, after) per axis from what NumPy takes."""
    if isinstance(width, np.ndarray):
        width = width.tolist()
    if not isinstance(width, (tuple, list)):
        return [(width, width)] * rank
    if not isinstance(width[0], (tuple, list)):
        return [(width[0], width[-1])] * rank
    pairs = [(w[0], w[-1]) for w in width]
    if len(pairs) not in (1, rank):
        raise ValueError(f"operands could not be broadcast together: pairs for {len(pairs)} axes of an array of {rank}")
    return pairs * rank if len(pairs) == 1 else pairs
