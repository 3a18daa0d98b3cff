"""Polynomials given by their coefficients, highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import F64
from .calculus import convolve
from .context import active_trace
from .creation import arange, ones, zeros
from .joining import concatenate, stack
from .linalg import FUNCTIONS as LINALG
from .promotion import as_array, convert
from .shaping import leading_axes
from .unbound import emit_check


def polyval(p: Any, x: Any) -> Any:
    """``np.polyval``, by Horner's rule; pins the number of coefficients."""
    coefficients, x = as_array(p), as_array(x)
    result = np.zeros_like(x)
    for k in range(len(coefficients)):
        result = result * x + coefficients[k]
    return result


def polyadd(a1: Any, a2: Any) -> Any:
    """``np.polyadd``."""
    return np.add(*_aligned(a1, a2))


def polysub(a1: Any, a2: Any) -> Any:
    """``np.polysub``."""
    return np.subtract(*_aligned(a1, a2))


def polymul(a1: Any, a2: Any) -> Any:
    """``np.polymul`` of polynomials whose first coefficients are not zero: NumPy would drop zeros there."""
    factors = [leading_axes(1, as_array(p)) for p in (a1, a2)]
    factors = [zeros(1) if isinstance(p.shape[0], int) and not p.shape[0] else p for p in factors]
    for factor in factors:
        kept = (factor[0] != 0) | (factor.shape[0] == 1)
        message = "np.polymul: a coefficient of the highest power is zero, and NumPy drops it; leave it out"
        active_trace().emit("check", kept.value, kind="ValueError", message=message)
    return convolve(*factors)


def _aligned(*polynomials: Any) -> list[Any]:
    """Coefficients with zeros in front of the shorter."""
    found = [leading_axes(1, as_array(p)) for p in polynomials]
    most = max(len(p) for p in found)
    return [concatenate([zeros(most - len(p), p.dtype), p]) for p in found]


def polyder(p: Any, m: int = 1) -> Any:
    """``np.polyder``."""
    x = as_array(p)
    for _ in range(m):
        x = x[:-1] * arange(x.shape[0] - 1, 0, -1)
    return x


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """``np.polyint``."""
    x = as_array(p)
    constants = np.zeros(m) if k is None else np.broadcast_to(np.atleast_1d(k), (m,))
    for n in range(m):
        x = concatenate([x / arange(x.shape[0], 0, -1), leading_axes(1, as_array(constants[n]))])
    return x


def polyfit(x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    """``np.polyfit``."""
    places, values = (a if a.dtype.kind == "f" else convert(a, F64) for a in map(as_array, (x, y)))
    if places.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if values.ndim not in (1, 2):
        raise TypeError("expected 1D or 2D array for y")
    if deg < 0:
        raise ValueError("expected deg >= 0")
    count, order = places.shape[0], deg + 1
    emit_check(count != 0, TypeError("expected non-empty vector for x"))
    emit_check(values.shape[0] == count, TypeError("expected x and y to have same length"))
    cutoff = count * np.finfo(places.dtype).eps if rcond is None else rcond
    powers = vander(places, order)
    if w is not None:
        weights = as_array(w).reshape((-1, 1))
        powers = powers * weights
        values = values * (weights if values.ndim == 2 else weights[:, 0])
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    powers = powers / scale
    solution, residuals, rank, singular = LINALG[np.linalg.lstsq](powers, values, cutoff)
    found = solution / (scale if solution.ndim == 1 else scale.reshape((-1, 1)))
    if full:
        return found, residuals, rank, singular, cutoff
    if not cov:
        return found
    spread = LINALG[np.linalg.inv](powers.T @ powers) / np.outer(scale, scale)
    if cov != "unscaled":
        message = "the number of data points must exceed order to scale the covariance matrix"
        emit_check((count > order) & (rank == order), ValueError(message))
        squares = np.sum(np.square(values - powers @ solution), axis=0)
        spread = (spread if values.ndim == 1 else spread[:, :, None]) * (squares / (count - order))
    return found, spread if values.ndim == 1 or cov != "unscaled" else spread[:, :, None]


def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """``np.vander``."""
    x = as_array(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    x = convert(x, np.promote_types(x.dtype, int))
    count = int(x.shape[0] if N is None else N)
    if count == 0:
        return ones((x.shape[0], 0), x.dtype)
    powers = [x**k if k else np.ones_like(x) for k in range(count)]
    return stack(powers if increasing else powers[::-1], -1)


__all__ = ["polyadd", "polyder", "polyfit", "polyint", "polymul", "polysub", "polyval", "vander"]
