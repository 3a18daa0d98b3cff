"""Medians, quantiles and percentiles, with and without NaN, by all of NumPy's methods.

The methods are those of Hyndman and Fan (1996), Sample quantiles in statistical packages: a place among the sorted elements, and
a weight between the two elements next to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import BOOL, F64, I64
from .creation import arange, full
from .elementwise import into
from .promotion import as_array, convert, is_python, result_dtype
from .reductions import argsort, joined_axes, reduce, running, sort
from .shaping import normal_axes, reshape, reshaped
from .statistics import weights_along
from .tracer import Tracer, new
from .unbound import emit_check

_BETWEEN = {
    "interpolated_inverted_cdf": (0, 1), "hazen": (0.5, 0.5), "weibull": (0, 0), "linear": (1, 1),
    "median_unbiased": (1 / 3, 1 / 3), "normal_unbiased": (3 / 8, 3 / 8),
}  # fmt: skip
"""Methods that interpolate, by alpha and beta: the place of q among n elements is q (n + 1 - alpha - beta) + alpha - 1."""
_AT_ENDS = ("linear", "weibull", "interpolated_inverted_cdf", "averaged_inverted_cdf")
"""Methods that give elements as they are for fractions that are integers, 0 and 1."""
_ELEMENTS = ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")
_METHODS = (*_BETWEEN, *_ELEMENTS, "midpoint", "averaged_inverted_cdf")


def quantile_of(scale: int, skip_nan: bool) -> Any:
    """``np.quantile`` and its like; ``scale`` is 1, or 100 for percentages."""

    def apply(a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
              keepdims: bool = False, *, weights: Any = None, interpolation: Any = None) -> Any:  # fmt: skip
        method = method if interpolation is None else interpolation
        if method not in _METHODS:
            raise ValueError(f"{method!r} is not a valid method. Use one of: {', '.join(_METHODS)}")
        x, _ = joined_axes(a, axis)
        _check_fractions(q, scale)
        fraction = as_array(q if scale == 1 else np.true_divide(q, scale))
        if fraction.ndim > 2:
            raise ValueError("q must be a scalar or 1d")
        if not skip_nan:
            emit_check(x.shape[-1] != 0, IndexError("a quantile of no elements"))
        if weights is None:
            found = _quantile(x, fraction, is_python(q), method, skip_nan)[()]
        else:
            found = _weighted(x, fraction, method, _spread(weights, a, axis), skip_nan)
        return into(out, _with_axes(found, a, axis, keepdims), "quantile")

    return apply


def median_of(skip_nan: bool) -> Any:
    """``np.median`` and ``np.nanmedian``: the element in the middle, or the mean of the two there."""

    def apply(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
        x, _ = joined_axes(a, axis)
        x = convert(x, F64) if x.dtype.kind != "f" else x
        ordered, count = sort(x, -1), _counted(x, skip_nan)
        low, high = _picked(ordered, (count - 1) // 2, count), _picked(ordered, count // 2, count)
        middle = np.where(count % 2 == 1, low, (low + high) / 2)
        return into(out, _with_axes(_or_nan(middle, x, count, skip_nan)[()], a, axis, keepdims), "median")

    return apply


def _check_fractions(q: Any, scale: int) -> None:
    """Raise NumPy's error where a fraction is none."""
    values = q if isinstance(q, (int, float)) else as_array(q)
    inside = (values >= 0) & (values <= scale)
    message = "Quantiles must be in the range [0, 1]" if scale == 1 else "Percentiles must be in the range [0, 100]"
    emit_check(inside if isinstance(q, (int, float)) else np.all(inside), ValueError(message))


def _with_axes(found: Tracer, a: Any, axis: Any, keepdims: bool) -> Tracer:
    """Results whose last axes are those of the array that were kept; with ``keepdims`` all of them."""
    if keepdims:
        x = as_array(a)
        axes = normal_axes(axis, x.ndim)
        first = found.type.shape[: found.ndim - x.ndim + len(axes)]
        found = reshaped(found, (*first, *(1 if k in axes else d for k, d in enumerate(x.type.shape))))
    return found


def _counted(x: Tracer, skip_nan: bool) -> Tracer:
    """How many elements there are along the last axis."""
    if skip_nan and x.dtype.kind == "f":
        return reduce("sum", ~np.isnan(x), -1, I64)  # type: ignore[no-any-return]
    return full(x.shape[:-1], x.shape[-1], dtype=I64)


def _or_nan(found: Tracer, x: Tracer, count: Tracer, skip_nan: bool) -> Tracer:
    """Results, and NaN where an element is NaN, or where all are that are passed over."""
    if x.dtype.kind != "f":
        return found
    bad = count == 0 if skip_nan else np.any(np.isnan(x), axis=-1)
    return np.where(bad, x.dtype.type(np.nan), found)  # type: ignore[return-value]


def _quantile(x: Tracer, q: Tracer, weak: bool, method: str, skip_nan: bool) -> Tracer:
    """Quantiles along the last axis; the axes of q come first. A ``weak`` q leaves the dtype to the elements."""
    if q.dtype.kind != "f" and (method == "linear" or (method in _AT_ENDS and not weak and x.dtype != BOOL)):
        method = "lower"
    if method not in _ELEMENTS:
        if x.dtype == BOOL:
            raise TypeError("quantiles of booleans are not defined; convert them first, as in x.astype(float)")
        if x.dtype.kind != "f":
            x = convert(x, F64 if weak or q.dtype.kind != "f" else result_dtype(x, q))
    ordered, count = sort(x, -1), _counted(x, skip_nan)
    q = convert(q, F64) if q.dtype.kind != "f" else q
    place = _place(method, reshape(q, q.shape + (1,) * count.ndim), convert(count, q.dtype))
    if method in _ELEMENTS:
        found = _picked(ordered, _element(method, place), count)
    else:
        found = _between(ordered, place, count, method, weak)
    return _or_nan(found, x, count, skip_nan)


def _place(method: str, q: Tracer, n: Tracer) -> Tracer:
    """The place of q among n elements, counted from 0."""
    if method in ("inverted_cdf", "averaged_inverted_cdf"):
        return n * q - 1
    if method == "closest_observation":
        return n * q - 1.5
    alpha, beta = _BETWEEN.get(method, (1, 1))
    if alpha == beta == 1:
        return (n - 1) * q
    return n * q + (alpha + q * (1 - alpha - beta)) - 1


def _element(method: str, place: Tracer) -> Tracer:
    """The position of the one element that a method takes at a place."""
    low = np.floor(place)
    if method == "closest_observation":
        return np.where((place == low) & (low % 2 == 1), low, low + 1)  # type: ignore[return-value]
    return {"lower": low, "nearest": np.rint(place)}.get(method, np.ceil(place))


def _between(ordered: Tracer, place: Tracer, count: Tracer, method: str, weak: bool) -> Tracer:
    """What lies between the element at a place and the one after it."""
    if method == "midpoint":
        place = 0.5 * (np.floor(place) + np.ceil(place))
    low = np.floor(place)
    weight = place - low
    if method == "averaged_inverted_cdf":
        weight = np.where(weight == 0, place.dtype.type(0.5), place.dtype.type(1))
    weight = convert(weight, ordered.dtype) if weak else weight
    is_inside = (place >= 0) & (place < count - 1)
    first, last = _picked(ordered, low, count), _picked(ordered, np.where(is_inside, low + 1, low), count)
    step = last - first
    return np.where(weight >= 0.5, last - step * (1 - weight), first + step * weight)  # type: ignore[return-value]


def _picked(ordered: Tracer, place: Tracer, count: Tracer) -> Tracer:
    """The elements along the last axis at places whose trailing axes are those before it."""
    rank = count.ndim
    is_empty = ordered.shape[-1] == 0
    if isinstance(is_empty, Tracer):  # an item more, which is found where there is no other
        ordered = np.concatenate([ordered, full((*ordered.shape[:-1], 1), np.nan)], -1)
    elif is_empty:
        return full(place.shape, np.nan, dtype=ordered.dtype if ordered.dtype.kind == "f" else F64)
    index = convert(np.clip(place, 0, np.maximum(count - 1, 0)), I64)
    rows = tuple(arange(n).reshape((-1,) + (1,) * (rank - k - 1)) for k, n in enumerate(count.shape))
    return ordered[(*rows, index)]


# weights


def _spread(weights: Any, a: Any, axis: Any) -> Tracer:
    """Weights of all elements, arranged as ``joined_axes`` arranges these."""
    x = as_array(a)
    all_of_them = np.broadcast_to(weights_along(as_array(weights), x, axis), x.shape)
    return convert(joined_axes(all_of_them, axis)[0], F64)


def _weighted(x: Tracer, q: Tracer, method: str, weights: Tracer, skip_nan: bool) -> Tracer:
    """The first elements at which the share of the weights so far reaches q."""
    if method != "inverted_cdf":
        raise ValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
    emit_check(np.all(weights >= 0), ValueError("Weights must be non-negative."))
    if skip_nan and x.dtype.kind == "f":
        weights = np.where(np.isnan(x), 0.0, weights)
    order = argsort(x, -1)
    ordered: Tracer = np.take_along_axis(x, order, -1)
    count = _counted(x, skip_nan)
    total = running("cumsum")(np.take_along_axis(weights, order, -1), -1)
    share = total / total[..., -1:]
    emit_check(~np.any(np.isnan(share)), ValueError("Weights included NaN, inf or were all zero."))
    share = convert(share, q.dtype) if q.dtype.kind == "f" else share
    wanted = reshape(q, q.shape + (1,) * x.ndim)
    place = reduce("sum", (share < wanted) | (share == 0), -1, I64)
    return new(_or_nan(_picked(ordered, place, count), x, count, skip_nan).value, scalar=False)
