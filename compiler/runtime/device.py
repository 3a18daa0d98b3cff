"""What emitted CUDA kernels call where neither Python's operators nor ``math`` say what NumPy does.

In: numbers. Out: NumPy's results in the precision of the operands: a float32 is never widened. Each function is plain Python
that numba compiles for the GPU as it stands. This module holds the only import of numba's CUDA: numba's own, or the package
numba-cuda, which takes its place where it is installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from numba import cuda

from . import numeric, reducing, special

device: Callable[[Any], Any] = cuda.jit(device=True)

sign = device(numeric.sign)
integer_sign = sign
rounding_error = device(reducing.rounding_error)
with_error = device(reducing.with_error)

# what reductions combine with


@device
def plus(x: Any, y: Any) -> Any:
    """x + y"""
    return x + y


@device
def times(x: Any, y: Any) -> Any:
    """x * y"""
    return x * y


@device
def both(x: Any, y: Any) -> Any:
    """Whether both are true."""
    return x & y


@device
def either(x: Any, y: Any) -> Any:
    """Whether one is true."""
    return x | y


@device
def larger(x: Any, y: Any) -> Any:
    """The larger of two; NaN if one is NaN."""
    return x if (x >= y) | (x != x) else y


@device
def smaller(x: Any, y: Any) -> Any:
    """The smaller of two; NaN if one is NaN."""
    return x if (x <= y) | (x != x) else y


@device
def above(x: Any, i: int, y: Any, j: int) -> bool:
    """Whether argmax prefers x at i to y at j: NaN first, then the larger, then the one that comes first; -1 is nowhere."""
    if i < 0 or j < 0:
        return i > j
    if (x == y) | ((x != x) & (y != y)):
        return i < j
    return (x > y) | (x != x)


@device
def below(x: Any, i: int, y: Any, j: int) -> bool:
    """Whether argmin prefers x at i to y at j."""
    if i < 0 or j < 0:
        return i > j
    if (x == y) | ((x != x) & (y != y)):
        return i < j
    return (x < y) | (x != x)


# arithmetic


@device
def floor_divide(x: Any, y: Any) -> Any:
    """x // y"""
    return x // y if y != 0 else x / y


@device
def remainder(x: Any, y: Any) -> Any:
    """x % y with the sign of y."""
    return x % y


@device
def integer_floor_divide(x: Any, y: Any) -> Any:
    """x // y; 0 where y is 0."""
    return x // y if y != 0 else x * 0


@device
def integer_remainder(x: Any, y: Any) -> Any:
    """x % y with the sign of y; 0 where y is 0."""
    return x % y if y != 0 else x * 0


@device
def integer_fmod(x: Any, y: Any) -> Any:
    """The remainder with the sign of x; 0 where y is 0."""
    if y == 0:
        return x * 0
    rest = x % y
    return rest - y if (rest != 0) & ((rest < 0) != (x < 0)) else rest


@device
def pow(x: Any, y: Any) -> Any:
    """x**y"""
    return x**y


@device
def integer_pow(x: Any, y: Any) -> Any:
    """x**y for y not negative, by repeated squaring."""
    result = x * 0 + 1
    while y > 0:
        if y & 1:
            result *= x
        x *= x
        y >>= 1
    return result


@device
def integer_shift_left(x: Any, y: Any) -> Any:
    """x << y; 0 where all bits leave."""
    return x << y if (y >= 0) & (y < 64) else x * 0


@device
def integer_shift_right(x: Any, y: Any) -> Any:
    """x >> y; 0 or -1 where all bits leave."""
    return x >> (y if (y >= 0) & (y < 64) else y * 0 + 63)


@device
def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x))"""
    one = type(x)(1)
    tail = math.exp(-abs(x))
    return (one if x >= 0 else tail) / (one + tail)


@device
def softplus(x: Any) -> Any:
    """log(1 + exp(x))"""
    return (x if (x > 0) | (x != x) else type(x)(0)) + math.log1p(math.exp(-abs(x)))


@device
def logaddexp(x: Any, y: Any) -> Any:
    """log(exp(x) + exp(y))"""
    if x == y:
        return x + type(x)(0.6931471805599453)
    gap = x - y
    return (x if gap > 0 else y) + math.log1p(math.exp(-abs(gap)))


@device
def logaddexp2(x: Any, y: Any) -> Any:
    """log2(2**x + 2**y)"""
    if x == y:
        return x + type(x)(1)
    gap = x - y
    return (x if gap > 0 else y) + math.log1p(type(x)(2) ** -abs(gap)) * type(x)(1.4426950408889634)


@device
def cbrt(x: Any) -> Any:
    """The cube root, with one step of Newton's method after the power."""
    if (x == 0) | (x - x != 0):
        return x
    root = abs(x) ** type(x)(1 / 3)
    root -= (root - abs(x) / (root * root)) / type(x)(3)
    return math.copysign(root, x)


@device
def rint(x: Any) -> Any:
    """The nearest integer, the even one of two."""
    low = math.floor(x)
    gap = x - low
    half = type(x)(0.5)
    up = (gap > half) | ((gap == half) & (low * half != math.floor(low * half)))
    return math.copysign(low + type(x)(1) if up else low, x)


@device
def trunc(x: Any) -> Any:
    """The integer part."""
    return math.floor(x) if x > 0 else math.ceil(x)


@device
def signbit(x: Any) -> bool:
    """Whether the sign is a minus, that of -0.0 included."""
    return math.copysign(type(x)(1), x) < 0


digamma_positive = device(numeric.digamma_positive)

hurwitz_zeta = device(numeric.hurwitz_zeta)
polygamma = device(numeric.polygamma)

polynomial = device(special.polynomial)
chebyshev = device(special.chebyshev)
normal_quantile = device(special.normal_quantile)
log1p_less = device(special.log1p_less)
gamma_density = device(special.gamma_density)
gamma_series = device(special.gamma_series)
gamma_fraction = device(special.gamma_fraction)
beta_fraction = device(special.beta_fraction)
gamma = device(special.gamma)
erfcx = device(special.erfcx)
ndtri = device(special.ndtri)
erfinv = device(special.erfinv)
log_ndtr = device(special.log_ndtr)
i0e = device(special.i0e)
i1e = device(special.i1e)
gammainc = device(special.gammainc)
gammaincc = device(special.gammaincc)
betainc = device(special.betainc)


@device
def digamma(x: Any) -> Any:
    """The derivative of lgamma, in float64."""
    if x > 0:
        return digamma_positive(1.0 * x)
    if x == 0:
        return -math.copysign(math.inf, x)
    if x == math.floor(x):
        return math.nan
    return digamma_positive(1.0 - x) - math.pi / math.tan(math.pi * (x - math.floor(x)))
