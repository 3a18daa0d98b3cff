"""Functions that choose and compare: where, clip, take, isclose; and their counterparts that write."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np

from ..ir.types import BOOL, I64
from ..ops import OPS
from .context import active_trace
from .creation import arange, full, zeros
from .elementwise import elementwise, into, truth_of, write_out
from .gathering import nonzero
from .grids import bounded, grid_along
from .joining import concatenate
from .loops import Bounds, staged_loop
from .promotion import as_array, as_tracer, cast, convert, is_python, operand, result_dtype
from .reductions import argsort, reduce, sort
from .searching import isin
from .shaping import expand_dims, moveaxis, normal_axes, normal_axis, ravel, reshape, transpose
from .tracer import Tracer, as_dim, new, python_size
from .ufuncs import apply_ufunc
from .unbound import emit_check


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """``np.where``; of scalars it gives a 0-d array."""
    if x is None and y is None:
        return nonzero(truth_of(as_array(condition)))
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    result = elementwise("select", truth_of(condition), x, y)
    return new(result.value, scalar=False)


def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None, **_: Any) -> Any:
    """``np.clip``."""
    low, high = a_min if min is None else min, a_max if max is None else max
    result = as_array(a)
    if low is not None:
        result = apply_ufunc(np.maximum, result, _within(low, result.dtype))
    if high is not None:
        result = apply_ufunc(np.minimum, result, _within(high, result.dtype))
    if low is None and high is None:
        result = apply_ufunc(np.positive, result)
    return into(out, result, "clip", exact=False)


def _within(bound: Any, dtype: np.dtype) -> Any:
    """A bound given as a Python integer, brought into the range of the dtype, where it changes nothing."""
    if dtype.kind not in "iu" or not (type(bound) is int or (is_python(bound) and as_tracer(bound).dtype == I64)):
        return bound
    low, high = int(np.iinfo(dtype).min), min(int(np.iinfo(dtype).max), 2**63 - 1)
    return min(max(bound, low), high) if type(bound) is int else convert(np.minimum(np.maximum(bound, low), high), dtype)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """``np.select``."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if any(as_tracer(c).dtype != BOOL for c in condlist):
        raise TypeError("invalid entry in condlist: should be boolean ndarray")
    target = result_dtype(*choicelist, default)
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = elementwise("select", condition, choice, result, dtype=target)
    return new(as_tracer(result).value, scalar=False)


def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """``np.choose``."""
    target = result_dtype(*choices)
    parts = [cast(c, target) for c in choices]
    stacked = np.stack(np.broadcast_arrays(*parts, full(as_array(a).shape, 0))[:-1])
    index = bounded(convert(as_array(a), I64), len(parts), mode)
    if mode == "raise":
        emit_check(np.all((index >= 0) & (index < len(parts))), ValueError("invalid entry in choice array"))
    index = np.broadcast_to(index, stacked.shape[1:])
    return into(out, take_along_axis(stacked, expand_dims(index, 0), 0)[0], "choose")


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """``np.piecewise``; a function of single elements is applied to all of x, and its values taken where its condition holds."""
    from .calls import call

    x = as_array(x)
    conditions = _conditions(condlist, x)
    if len(funclist) == len(conditions) + 1:
        anywhere = conditions[0]
        for condition in conditions[1:]:
            anywhere = anywhere | condition
        conditions.append(~anywhere)
    if len(funclist) != len(conditions):
        raise ValueError(
            f"with {len(conditions)} condition(s), either {len(conditions)} or {len(conditions) + 1} functions are expected"
        )

    def applied(function: Any, values: Tracer) -> Any:
        return call(function)(values, *args, **kw)

    result = zeros(x.shape, x.dtype)
    for condition, found in zip(conditions, funclist, strict=True):
        if callable(found) and x.ndim and not _is_elementwise(functools.partial(applied, found), x):
            result = new(result.value, scalar=False)
            result[condition] = applied(found, x[condition])
        else:
            value = applied(found, x) if callable(found) else operand(found, x.dtype)
            result = elementwise("select", condition, value, result, dtype=x.dtype)
    return new(result.value, scalar=False)


def _is_elementwise(function: Callable[[Tracer], Any], x: Tracer) -> bool:
    """Whether each element of what a function gives depends on the same element of x alone."""
    with active_trace().open_scope() as scope:
        _ = as_tracer(function(x)).value
        return all(OPS[e.op].elementwise or e.op in _OF_ELEMENTS for e in scope.builder.equations)


_OF_ELEMENTS = ("constant", "broadcast", "convert", "size", "formula")


def _conditions(condlist: Any, x: Tracer) -> list[Tracer]:
    """The conditions of ``np.piecewise``: one alone may be given as such, or as a list of the truth values of the elements."""
    if isinstance(condlist, (list, tuple)):
        found = [as_tracer(c) for c in condlist]
        is_one = bool(found) and not found[0].ndim and not isinstance(condlist[0], (np.ndarray, list)) and x.ndim
    else:
        found = list(as_tracer(condlist)) if as_tracer(condlist).ndim > (x.ndim > 0) else [as_tracer(condlist)]
        is_one = False
    return [truth_of(as_array(condlist))] if is_one else [truth_of(c) for c in found]


def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """``np.take``."""
    x = as_array(a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normal_axis(axis, x.ndim)
    index = bounded(as_array(indices), x.shape[axis], mode)
    return into(out, x[(slice(None),) * axis + (index,)], "take")


def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """``np.take_along_axis``."""
    x, order = as_array(arr), as_array(indices)
    if axis is None:
        x, axis = ravel(x), 0
    return x[grid_along(x, order, normal_axis(axis, x.ndim))]


def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """``np.compress``."""
    x = as_array(a)
    if axis is None:
        x, axis = ravel(x), 0
    chosen = nonzero(truth_of(as_array(condition)))[0]
    return into(out, x[(slice(None),) * normal_axis(axis, x.ndim) + (chosen,)], "compress")


def extract(condition: Any, arr: Any) -> Any:
    """``np.extract``."""
    return ravel(arr)[nonzero(truth_of(ravel(condition)))[0]]


def argwhere(a: Any) -> Any:
    """``np.argwhere``."""
    if not as_array(a).ndim:
        return argwhere(reshape(a, (1,)))[:, :0]
    return np.stack(nonzero(truth_of(as_array(a))), axis=-1)


def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: Any = None, *,
    equal_nan: bool = True, **_: Any,
) -> Any:  # fmt: skip
    """``np.unique`` of the elements, or of the parts along an axis."""
    x = as_array(ar)
    number = None if axis is None else normal_axis(axis, x.ndim)
    by_part = number is not None and x.ndim > 1
    items = moveaxis(x, number, 0) if by_part else ravel(x)
    order = _order_of_parts(items) if by_part else argsort(items, kind="stable")
    ordered = items[order]
    differs = ordered[1:] != ordered[:-1]
    if by_part:
        differs = reduce("any", differs, tuple(range(1, x.ndim)))
    elif equal_nan and x.dtype.kind == "f":
        differs = differs & ~np.isnan(ordered[:-1])
    first = concatenate([full((1,), True)[: items.shape[0]], differs])
    starts = nonzero(first)[0]
    results = [moveaxis(ordered[starts], 0, number) if by_part else ordered[starts]]
    if return_index:
        results.append(order[starts])
    if return_inverse:
        inverse = zeros((items.shape[0],), I64)
        inverse[order] = np.cumsum(first) - 1
        results.append(inverse if by_part else reshape(inverse, x.shape))
    if return_counts:
        results.append(np.diff(starts, append=items.shape[0]))
    return results[0] if len(results) == 1 else tuple(results)


def _order_of_parts(parts: Tracer) -> Tracer:
    """The positions of the parts of an array, so that the first elements that differ grow: sorted by the last elements first."""
    count = parts.shape[0]
    columns = transpose(reshape(parts, (count, math.prod(parts.shape[1:]))))
    last = columns.shape[0] - 1

    def sort_by(k: Any, order: Tracer) -> tuple[Tracer]:
        return (order[argsort(columns[last - k][order], kind="stable")],)

    return staged_loop(Bounds(0, last + 1, 1), sort_by, (arange(count),), ("the order",), None)[0]


def union1d(ar1: Any, ar2: Any) -> Any:
    """``np.union1d``."""
    return unique(concatenate([ravel(ar1), ravel(ar2)]))


def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """``np.setdiff1d``."""
    first = ravel(ar1) if assume_unique else unique(ar1)
    return first[isin(first, ar2, invert=True)]


def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """``np.setxor1d``."""
    first, second = ravel(ar1), ravel(ar2)
    return unique(concatenate([first[isin(first, second, invert=True)], second[isin(second, first, invert=True)]]))


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """``np.trim_zeros``."""
    x, ends = as_array(filt), trim.lower()
    if ends not in ("fb", "bf", "f", "b"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    axes = normal_axes(axis, x.ndim)
    if not axes:
        return x
    kept = nonzero(truth_of(x))
    parts = [slice(None)] * x.ndim
    for k in axes:
        first = np.min(kept[k], initial=x.shape[k]) if "f" in ends else 0
        last = np.max(kept[k], initial=-1) + 1 if "b" in ends else x.shape[k]
        parts[k] = slice(first, np.maximum(first, last))
    return x[tuple(parts)]


def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """``np.intersect1d``."""
    if not return_indices:
        first = sort(ravel(ar1)) if assume_unique else unique(ar1)
        return first[isin(first, ar2)]
    (first, places1), (second, places2) = (
        (ravel(a), arange(as_array(a).size)) if assume_unique else unique(a, return_index=True) for a in (ar1, ar2)
    )
    both = concatenate([first, second])
    order = argsort(both, kind="stable")
    both = both[order]
    common = nonzero(both[1:] == both[:-1])[0]
    return both[common], places1[order[common]], places2[order[common + 1] - first.shape[0]]


# counting


def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """``np.bincount``: its length is known at run time only."""
    x = as_array(x)
    if x.dtype.kind not in "iub" or x.ndim != 1:
        raise TypeError(
            f"np.bincount counts the numbers of a one-dimensional array of integers, found {x.dtype} with {x.ndim} axes"
        )
    x = convert(x, I64)
    emit_check(np.all(x >= 0), ValueError("'list' argument must have no negative elements"))
    emit_check(minlength >= 0, ValueError("'minlength' must not be negative"))
    length = as_dim(np.max(x, initial=minlength - 1) + 1)
    out = zeros((python_size(length),), I64 if weights is None else np.float64)  # type: ignore[arg-type]
    np.add.at(out, x, 1 if weights is None else weights)
    return out


# comparing


def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """``np.isclose``."""
    target = result_dtype(a, b, 1.0)
    a, b = operand(a, result_dtype(a, b)), operand(b, target)
    near = np.less_equal(np.abs(a - b), atol + rtol * np.abs(b)) & np.isfinite(b) | np.equal(a, b)
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near


def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """``np.allclose``."""
    return _python_bool(isclose(a, b, rtol, atol, equal_nan))


def _python_bool(test: Any) -> Any:
    """Whether all hold, as the Python bool that NumPy gives."""
    return new(reduce("all", test).value, weak=True)


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """``np.array_equal``."""
    a, b = as_array(a1), as_array(a2)
    if a.ndim != b.ndim or any(m != n for m, n in zip(a.shape, b.shape, strict=True)):
        return False
    same = np.equal(a, b)
    return _python_bool(same | (np.isnan(a) & np.isnan(b)) if equal_nan and a.dtype.kind == "f" else same)


def array_equiv(a1: Any, a2: Any) -> Any:
    """``np.array_equiv``."""
    try:
        return _python_bool(np.equal(as_array(a1), as_array(a2)))
    except ValueError:
        return False


# writing


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """``np.copyto``."""
    write_out(dst, src, where, "copyto", exact=False)


def put(a: Tracer, ind: Any, v: Any, mode: str = "raise") -> None:
    """``np.put``: positions count in the flattened array; values repeat."""
    _require_array(a, "put")
    flat, index = reshape(a, -1), ravel(as_array(ind))
    values = ravel(as_array(v))
    if as_array(v).ndim:
        values = values[arange(index.shape[0]) % values.shape[0]]
    positions = bounded(index, flat.shape[0], mode)
    for_copies(a, flat)[positions] = values


def _require_array(target: Any, name: str) -> None:
    if not isinstance(target, Tracer):
        raise TypeError(f"{name}() argument 1 must be numpy.ndarray, not {type(target).__name__}")


def for_copies(a: Tracer, flat: Tracer) -> Any:
    """Where to write what concerns the flattened array: the view of it, or the array by positions along its axes."""
    return flat if flat.cell is a.cell else _Flat(a)


class _Flat:
    """Writes by position in the flattened array where flattening makes a copy."""

    def __init__(self, array: Tracer) -> None:
        self.array = array

    def __setitem__(self, positions: Tracer, values: Any) -> None:
        self.array[np.unravel_index(positions, self.array.shape)] = values


def put_along_axis(arr: Tracer, indices: Any, values: Any, axis: Any) -> None:
    """``np.put_along_axis``."""
    order = as_array(indices)
    if axis is None:
        arr, axis = for_copies(arr, reshape(arr, -1)), 0
    arr[grid_along(arr, order, normal_axis(axis, arr.ndim))] = values


def place(arr: Tracer, mask: Any, vals: Any) -> None:
    """``np.place``: the values are written in turn where the mask holds."""
    _require_array(arr, "place")
    values, chosen = ravel(as_array(vals)), truth_of(as_array(mask))
    if as_dim(values.shape[0]) == 1:
        arr[chosen] = values[0]
        return
    positions = nonzero(ravel(chosen))[0]
    for_copies(arr, reshape(arr, -1))[positions] = values[arange(positions.shape[0]) % values.shape[0]]


def putmask(a: Tracer, mask: Any, values: Any) -> None:
    """``np.putmask``: the values count in step with the elements."""
    if any(n != m for n, m in zip_longest(as_array(mask).shape, a.shape)):
        raise ValueError("putmask: mask and data must be the same size")
    chosen, source = truth_of(as_array(mask)), convert(as_array(values), a.dtype)
    if source.ndim == 0 or source.type.shape == a.type.shape:
        write_out(a, source, chosen, "putmask", exact=False)
        return
    flat = ravel(source)
    repeated = flat[arange(a.size) % flat.shape[0]].reshape(a.shape)
    write_out(a, repeated, chosen, "putmask")
