"""Averages, spreads, quantiles, and reductions that pass over NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import BOOL, F64, I64
from .creation import arange, full
from .elementwise import elementwise, into
from .products import matmul
from .promotion import as_array, common_dtype, convert, operand
from .reductions import given, joined_axes, mean, position, reduce, root_of_squares, running, sort, var
from .shaping import expand_dims, given_axes, leading_axes, reshape, reshaped, squeeze, transpose
from .tracer import Tracer, new
from .unbound import emit_check


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    """``np.average``; weights that sum to zero give NaN or infinity."""
    x = as_array(a)
    if weights is None:
        result = mean(x, axis, keepdims=keepdims)
        return (result, full(result.shape, x.size / result.size, result.dtype)[()]) if returned else result
    w = as_array(weights)
    dtype = common_dtype([x, w]) if x.dtype.kind == "f" else common_dtype([x, w, operand(0.0, F64)])
    x, w = convert(x, dtype), convert(w, dtype)
    if w.ndim != x.ndim:
        if axis is None:
            raise TypeError("Axis must be specified when shapes of a and weights differ.")
        axes = given_axes(axis, x.ndim)
        if w.ndim != len(axes) or any(w.shape[k] != x.shape[number] for k, number in enumerate(axes)):
            raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
        in_order = transpose(w, np.argsort(axes).tolist())
        w = expand_dims(in_order, tuple(k for k in range(x.ndim) if k not in axes))
    total = reduce("sum", np.broadcast_to(w, x.shape), axis, keepdims=keepdims)
    result = reduce("sum", x * w, axis, keepdims=keepdims) / total
    return (result, total) if returned else result


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    """``np.cov``."""
    x = _variables(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar)])
    lost = (0 if bias else 1) if ddof is None else ddof
    weights = [convert(as_array(w), F64) for w in (fweights, aweights) if w is not None]
    if not weights:
        centered = x - mean(x, -1, keepdims=True)
        weighted, count = centered, operand(x.shape[-1] - lost, F64)
    else:
        w = weights[0] * weights[-1] if len(weights) == 2 else weights[0]
        total = reduce("sum", w)
        centered = x - reduce("sum", x * w, -1, keepdims=True) / total
        weighted = centered * w
        count = total - (lost if aweights is None else lost * reduce("sum", w * weights[-1]) / total)
    scaled = matmul(centered, transpose(weighted)) / np.maximum(count, 0.0)
    return convert(squeeze(scaled), F64 if dtype is None else np.dtype(dtype))


def _variables(m: Any, rowvar: bool) -> Tracer:
    x = convert(as_array(m), F64)
    if x.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    x = leading_axes(2, x)
    return x if rowvar or as_array(m).ndim == 1 else transpose(x)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, **kwargs: Any) -> Any:
    """``np.corrcoef``."""
    c = cov(x, y, rowvar, **kwargs)
    if c.ndim == 0:
        return c / c
    spread = np.sqrt(np.diagonal(c))
    return np.clip(c / spread[:, None] / spread[None, :], -1, 1)


# quantiles

_BETWEEN = {
    "linear": (1.0, 1.0), "hazen": (0.5, 0.5), "weibull": (0.0, 0.0), "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8), "interpolated_inverted_cdf": (0.0, 1.0),
}  # fmt: skip
"""Methods that interpolate, by alpha and beta: the place of q among n elements is q (n + 1 - alpha - beta) + alpha - 1."""
_METHODS = (*_BETWEEN, "lower", "higher", "nearest", "midpoint")


def quantile_of(scale: float, skip_nan: bool) -> Any:
    """``np.quantile`` and its like; ``scale`` is 1, or 100 for percentages."""

    def apply(a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
              keepdims: bool = False, **_: Any) -> Any:  # fmt: skip
        if method not in _METHODS:
            raise UnsupportedError(f"a quantile with method {method!r}; {', '.join(_METHODS)} are compiled")
        x, axes = joined_axes(a, axis)
        if x.dtype == BOOL and method in (*_BETWEEN, "midpoint"):
            raise TypeError("quantiles of booleans are not defined; convert them first, as in x.astype(float)")
        x = convert(x, F64) if x.dtype.kind in "iub" and method in (*_BETWEEN, "midpoint") else x
        _check_fractions(q, scale)
        fraction = as_array(q)
        own = np.promote_types(fraction.dtype, x.dtype) if fraction.dtype.kind == "f" else F64
        fraction = convert(fraction, own if fraction.ndim or x.dtype.kind != "f" else x.dtype) / scale
        result = _quantile(x, fraction, method, skip_nan)
        if keepdims:
            kept = tuple(1 if k in axes else d for k, d in enumerate(as_array(a).type.shape))
            result = reshaped(result, (*fraction.type.shape, *kept))
        return into(out, result if result.type.rank else new(result.value), "quantile")

    return apply


def _check_fractions(q: Any, scale: float) -> None:
    """Raise NumPy's error where a fraction is none."""
    values = q if isinstance(q, (int, float)) else as_array(q)
    inside = (values >= 0) & (values <= scale)
    message = "Quantiles must be in the range [0, 1]" if scale == 1 else "Percentiles must be in the range [0, 100]"
    emit_check(inside if isinstance(q, (int, float)) else np.all(inside), ValueError(message))


def _quantile(x: Tracer, q: Tracer, method: str, skip_nan: bool) -> Tracer:
    """Quantiles along the last axis; the axes of q come first."""
    ordered = sort(x, -1)
    is_float = x.dtype.kind == "f"
    if skip_nan and is_float:
        count = reduce("sum", ~np.isnan(x), -1, I64)
    else:
        count = full(x.shape[:-1], x.shape[-1], dtype=I64)
    alpha, beta = _BETWEEN.get(method, (1.0, 1.0))
    fraction = reshape(q, q.shape + (1,) * count.ndim)
    if alpha == beta == 1:
        place = fraction * convert(count - 1, q.dtype)
    else:
        place = fraction * (convert(count, q.dtype) + (1 - alpha - beta)) + (alpha - 1)
    result = _between(ordered, place, count, method)
    if not is_float:
        return result
    bad = count == 0 if skip_nan else np.any(np.isnan(x), axis=-1)
    return np.where(bad, x.dtype.type(np.nan), result)


def _between(ordered: Tracer, place: Tracer, count: Tracer, method: str) -> Tracer:
    low, high = np.floor(place), np.ceil(place)
    if method in ("lower", "higher", "nearest"):
        return _picked(ordered, {"lower": low, "higher": high, "nearest": np.rint(place)}[method], count)
    first, last = _picked(ordered, low, count), _picked(ordered, high, count)
    weight = operand(0.5, place.dtype) if method == "midpoint" else place - low
    if method == "midpoint":
        weight = np.where(low == high, place.dtype.type(0), weight)
    step = last - first
    return np.where(weight >= 0.5, last - step * (1 - weight), first + step * weight)


def _picked(ordered: Tracer, place: Tracer, count: Tracer) -> Tracer:
    """The elements along the last axis at places (as floats) whose trailing axes are those before it."""
    rank = count.ndim
    is_empty = ordered.shape[-1] == 0
    if isinstance(is_empty, Tracer):  # an item more, which is found where there is no other
        ordered = np.concatenate([ordered, full((*ordered.shape[:-1], 1), np.nan)], -1)
    elif is_empty:
        return full(place.shape, np.nan, dtype=ordered.dtype if ordered.dtype.kind == "f" else F64)
    index = convert(np.clip(place, 0, np.maximum(count - 1, 0)), I64)
    rows = tuple(arange(n).reshape((-1,) + (1,) * (rank - k - 1)) for k, n in enumerate(count.shape))
    return ordered[(*rows, index)]


def median_of(skip_nan: bool) -> Any:
    """``np.median`` and ``np.nanmedian``."""
    find = quantile_of(1.0, skip_nan)

    def apply(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
        x = as_array(a)
        x = convert(x, F64) if x.dtype == BOOL else x
        return find(x, 0.5, axis, out, method="midpoint", keepdims=keepdims)

    return apply


# passing over NaN


def _replaced(a: Any, neutral: float) -> tuple[Tracer, Any]:
    """The array with a neutral value in place of NaN, and where NaN was (None for integers)."""
    x = as_array(a)
    if x.dtype.kind != "f":
        return x, None
    missing = np.isnan(x)
    return elementwise("select", missing, x.dtype.type(neutral), x), missing


def nan_reduction(op: str, neutral: float) -> Any:
    """``np.nansum``, ``np.nanprod``, ``np.nanmax``, ``np.nanmin``."""

    def extreme(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = None
    ) -> Any:
        x, missing = _replaced(a, neutral)
        result = reduce(op, x, axis, None, None, keepdims, initial, where)
        if missing is not None:
            result = np.where(reduce("all", missing, axis, keepdims=keepdims), x.dtype.type(np.nan), result)
        return into(out if given(out) else None, result if result.ndim else new(result.value), f"nan{op}")

    def total(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None,
              where: Any = None) -> Any:  # fmt: skip
        return reduce(op, _replaced(a, neutral)[0], axis, dtype, out, keepdims, initial, where)

    return extreme if op in ("max", "min") else total


def nan_running(op: str, neutral: float) -> Any:
    """``np.nancumsum`` and ``np.nancumprod``."""
    return lambda a, axis=None, dtype=None, out=None: running(op)(_replaced(a, neutral)[0], axis, dtype, out)


def nan_position(op: str, neutral: float) -> Any:
    """``np.nanargmax`` and ``np.nanargmin``."""

    def apply(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        present, missing = _replaced(a, neutral)
        if missing is not None:
            emit_check(~np.any(np.all(missing, axis)), ValueError("All-NaN slice encountered"))
        return position(op)(present, axis, out, keepdims=keepdims)

    return apply


def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Any:
    """``np.nanmean``."""
    x = as_array(a)
    return mean(x, axis, dtype, out, keepdims, where=where if x.dtype.kind != "f" else _present(x, where))


def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **kwargs: Any
) -> Any:
    """``np.nanvar``; NaN where too few elements are left."""
    x = as_array(a)
    if x.dtype.kind != "f":
        return var(x, axis, dtype, out, ddof, keepdims, **kwargs)
    present = _present(x, kwargs.pop("where", None))
    result = var(x, axis, dtype, None, ddof, keepdims, where=present, **kwargs)
    few = reduce("sum", np.broadcast_to(present, x.shape), axis, I64, keepdims=keepdims) <= ddof
    result = np.where(few, result.dtype.type(np.nan), result)
    return into(out if given(out) else None, result if result.ndim else new(result.value), "nanvar")


def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **kwargs: Any
) -> Any:
    """``np.nanstd``."""
    return into(out if given(out) else None, root_of_squares(nanvar(a, axis, dtype, None, ddof, keepdims, **kwargs)), "nanstd")


def _present(x: Tracer, where: Any) -> Tracer:
    present = ~np.isnan(x)
    return present & where if given(where) and where is not True else present
