"""Averages, spreads, quantiles, and reductions that pass over NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import F64, I64
from .creation import full
from .elementwise import elementwise, into
from .products import matmul
from .promotion import as_array, common_dtype, convert, operand
from .reductions import given, mean, position, reduce, root_of_squares, running, var
from .shaping import expand_dims, given_axes, leading_axes, squeeze, transpose
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
    w = weights_along(w, x, axis)
    total = reduce("sum", np.broadcast_to(w, x.shape), axis, keepdims=keepdims)
    result = reduce("sum", x * w, axis, keepdims=keepdims) / total
    return (result, total) if returned else result


def weights_along(w: Tracer, x: Tracer, axis: Any) -> Tracer:
    """Weights of all elements, or of those along some axes, so that they broadcast against the elements."""
    if w.ndim == x.ndim:
        return w
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = given_axes(axis, x.ndim)
    if w.ndim != len(axes) or any(w.shape[k] != x.shape[number] for k, number in enumerate(axes)):
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
    in_order = transpose(w, np.argsort(axes).tolist())
    return expand_dims(in_order, tuple(k for k in range(x.ndim) if k not in axes))


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    """``np.cov``."""
    x = _variables(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar)])
    lost = (0 if bias else 1) if ddof is None else ddof
    weights = [_of_observations(w, name, x) for w, name in ((fweights, "fweights"), (aweights, "aweights")) if w is not None]
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


def _of_observations(weights: Any, name: str, x: Tracer) -> Tracer:
    """Weights as floats, one for each observation; numbers of observations are whole."""
    w = convert(as_array(weights), F64)
    if name == "fweights":
        emit_check(np.all(w == np.rint(w)), TypeError("fweights must be integer"))
    if w.ndim > 1:
        raise RuntimeError(f"cannot handle multidimensional {name}")
    if w.shape[0] != x.shape[1]:
        raise RuntimeError(f"incompatible numbers of samples and {name}")
    emit_check(np.all(w >= 0), ValueError(f"{name} cannot be negative"))
    return w


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
    if x.dtype.kind != "f":
        return mean(x, axis, dtype, out, keepdims, where=where)
    _require_floats(dtype)
    return mean(x, axis, dtype, out, keepdims, where=_present(x, where))


def _require_floats(dtype: Any) -> None:
    """NumPy's error for results of floats that are to be none."""
    if given(dtype) and np.dtype(dtype).kind != "f":
        raise TypeError("If a is inexact, then dtype must be inexact")


def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **kwargs: Any
) -> Any:
    """``np.nanvar``; NaN where too few elements are left."""
    x = as_array(a)
    if x.dtype.kind != "f":
        return var(x, axis, dtype, out, ddof, keepdims, **kwargs)
    _require_floats(dtype)
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
