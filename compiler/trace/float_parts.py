"""What ufuncs do with the exponents of floats: scaling by powers of two, taking apart, the floats next to one."""

from __future__ import annotations

import numpy as np

from ..ir.types import I64
from .promotion import convert
from .tracer import Tracer


def scaled(x: Tracer, exponent: Tracer) -> Tracer:
    """``x * 2**exponent``, rounded once; in three steps where that power is no normal number and the product may be one."""
    largest = int(np.finfo(x.dtype).maxexp) - 2
    n = np.clip(exponent, -3 * largest, 3 * largest)
    third = np.where(np.abs(n) > largest, n // 3, 0)
    step = np.exp2(convert(third, x.dtype))
    return x * step * step * np.exp2(convert(n - 2 * third, x.dtype))  # type: ignore[no-any-return]


def taken_apart(x: Tracer) -> tuple[Tracer, Tracer]:
    """``(m, n)`` with ``x == m * 2**n`` and m from 0.5 to 1; ``(x, 0)`` of 0, infinity and NaN."""
    is_plain = np.isfinite(x) & (x != 0)
    size = np.where(is_plain, np.abs(x), x.dtype.type(1))
    near = convert(np.floor(np.log2(size)), I64) + 1  # or one more or less, as the logarithm was rounded
    mantissa = scaled(size, -near)
    n = np.where(is_plain, near + (mantissa >= 1) - (mantissa < 0.5), 0)
    return np.where(is_plain, scaled(x, -n), x), n  # type: ignore[return-value]


def _gap(size: Tracer, below: bool) -> Tracer:
    """The distance from a positive float to the next larger one, or to the next smaller one."""
    limits = np.finfo(size.dtype)
    mantissa, n = taken_apart(size)
    step = n - (limits.nmant + 1) - (convert(mantissa == 0.5, I64) if below else 0)
    return scaled(size.dtype.type(1), np.maximum(step, limits.minexp - limits.nmant))


def next_after(x: Tracer, y: Tracer) -> Tracer:
    """The float next to x on the way to y."""
    kind = x.dtype.type
    limits = np.finfo(x.dtype)
    outward = (x > 0) == (y > x)
    size = np.where(np.isinf(x) | (x == 0), kind(1), np.abs(x))
    moved = np.where(outward, size + _gap(size, False), size - _gap(size, True))
    moved = np.copysign(np.where(np.isinf(x), limits.max, moved), x)
    moved = np.where(x == 0, np.copysign(limits.smallest_subnormal, y), moved)
    return np.where(np.isnan(x) | np.isnan(y), kind(np.nan), np.where(x == y, y, moved))  # type: ignore[return-value]


def spacing(x: Tracer) -> Tracer:
    """The distance to the next float away from zero, with the sign of x."""
    gap = next_after(x, np.copysign(x.dtype.type(np.inf), x)) - x
    return np.where(x == 0, np.finfo(x.dtype).smallest_subnormal, gap)  # type: ignore[return-value]
