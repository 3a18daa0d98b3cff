"""Polynomials given by their coefficients, highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import F64
from .calculus import convolve
from .context import active_trace
from .creation import arange, ones, zeros
from .joining import concatenate, stack
from .linalg import FUNCTIONS as LINALG
from .promotion import as_array, convert
from .shaping import leading_axes


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
    """``np.polyfit``: the coefficients alone."""
    if full or cov:
        raise UnsupportedError("np.polyfit with full= or cov=; use np.linalg.lstsq on np.vander(x, deg + 1)")
    places, values = convert(as_array(x), F64), convert(as_array(y), F64)
    powers = vander(places, deg + 1)
    if w is not None:
        weights = as_array(w).reshape((-1, 1))
        powers = powers * weights
        values = values * (weights if values.ndim == 2 else weights[:, 0])
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    found = LINALG[np.linalg.lstsq](powers / scale, values, rcond)[0]
    return found / (scale if found.ndim == 1 else scale.reshape((-1, 1)))


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
