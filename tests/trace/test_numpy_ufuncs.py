"""Ufuncs and operators with the promotion of dtypes, out= and where=, against NumPy."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from against_numpy import check, programs, some_variants

import jitgrad as jg
from tests.interpreted import interpreting

PROGRAMS = programs("""
np.negative(A)
np.negative(z), np.negative(g), np.negative(f), np.negative(k)
np.positive(A)
np.positive(z), np.positive(g), np.positive(f), np.positive(k)
np.absolute(A)
np.absolute(z), np.absolute(g), np.absolute(f), np.absolute(k)
np.fabs(A)
np.fabs(z), np.fabs(g), np.fabs(f), np.fabs(k)
np.sign(A)
np.sign(z), np.sign(g), np.sign(f), np.sign(k)
np.square(A)
np.square(z), np.square(g), np.square(f), np.square(k)
np.sqrt(A)
np.sqrt(z), np.sqrt(g), np.sqrt(f), np.sqrt(k)
np.cbrt(A)
np.cbrt(z), np.cbrt(g), np.cbrt(f), np.cbrt(k)
np.exp(A)
np.exp(z), np.exp(g), np.exp(f), np.exp(k)
np.exp2(A)
np.exp2(z), np.exp2(g), np.exp2(f), np.exp2(k)
np.expm1(A)
np.expm1(z), np.expm1(g), np.expm1(f), np.expm1(k)
np.log(A)
np.log(z), np.log(g), np.log(f), np.log(k)
np.log2(A)
np.log2(z), np.log2(g), np.log2(f), np.log2(k)
np.log10(A)
np.log10(z), np.log10(g), np.log10(f), np.log10(k)
np.log1p(A)
np.log1p(z), np.log1p(g), np.log1p(f), np.log1p(k)
np.sin(A)
np.sin(z), np.sin(g), np.sin(f), np.sin(k)
np.cos(A)
np.cos(z), np.cos(g), np.cos(f), np.cos(k)
np.tan(A)
np.tan(z), np.tan(g), np.tan(f), np.tan(k)
np.arcsin(A)
np.arcsin(z), np.arcsin(g), np.arcsin(f), np.arcsin(k)
np.arccos(A)
np.arccos(z), np.arccos(g), np.arccos(f), np.arccos(k)
np.arctan(A)
np.arctan(z), np.arctan(g), np.arctan(f), np.arctan(k)
np.sinh(A)
np.sinh(z), np.sinh(g), np.sinh(f), np.sinh(k)
np.cosh(A)
np.cosh(z), np.cosh(g), np.cosh(f), np.cosh(k)
np.tanh(A)
np.tanh(z), np.tanh(g), np.tanh(f), np.tanh(k)
np.arcsinh(A)
np.arcsinh(z), np.arcsinh(g), np.arcsinh(f), np.arcsinh(k)
np.arccosh(A)
np.arccosh(z), np.arccosh(g), np.arccosh(f), np.arccosh(k)
np.arctanh(A)
np.arctanh(z), np.arctanh(g), np.arctanh(f), np.arctanh(k)
np.floor(A)
np.floor(z), np.floor(g), np.floor(f), np.floor(k)
np.ceil(A)
np.ceil(z), np.ceil(g), np.ceil(f), np.ceil(k)
np.trunc(A)
np.trunc(z), np.trunc(g), np.trunc(f), np.trunc(k)
np.rint(A)
np.rint(z), np.rint(g), np.rint(f), np.rint(k)
np.isnan(A)
np.isnan(z), np.isnan(g), np.isnan(f), np.isnan(k)
np.isinf(A)
np.isinf(z), np.isinf(g), np.isinf(f), np.isinf(k)
np.isfinite(A)
np.isfinite(z), np.isfinite(g), np.isfinite(f), np.isfinite(k)
np.signbit(A)
np.signbit(z), np.signbit(g), np.signbit(f), np.signbit(k)
np.invert(A)
np.invert(z), np.invert(g), np.invert(f), np.invert(k)
np.bitwise_not(A)
np.bitwise_not(z), np.bitwise_not(g), np.bitwise_not(f), np.bitwise_not(k)
np.logical_not(A)
np.logical_not(z), np.logical_not(g), np.logical_not(f), np.logical_not(k)
np.reciprocal(A)
np.reciprocal(z), np.reciprocal(g), np.reciprocal(f), np.reciprocal(k)
np.deg2rad(A)
np.deg2rad(z), np.deg2rad(g), np.deg2rad(f), np.deg2rad(k)
np.radians(A)
np.radians(z), np.radians(g), np.radians(f), np.radians(k)
np.rad2deg(A)
np.rad2deg(z), np.rad2deg(g), np.rad2deg(f), np.rad2deg(k)
np.degrees(A)
np.degrees(z), np.degrees(g), np.degrees(f), np.degrees(k)
np.conjugate(A)
np.conjugate(z), np.conjugate(g), np.conjugate(f), np.conjugate(k)
np.conj(A)
np.conj(z), np.conj(g), np.conj(f), np.conj(k)
np.modf(A)
np.frexp(A)
np.frexp(z), np.frexp(g), np.frexp(f), np.frexp(k)
np.modf(z), np.modf(g), np.modf(f), np.modf(k)
np.bitwise_count(z), np.bitwise_count(g), np.bitwise_count(f), np.bitwise_count(k)
np.add(A, B)
np.add(A, 2), np.add(A, 1.5), np.add(2, A), np.add(A, f), np.add(k, A), np.add(A, g)
np.add(z, f), np.add(g, k), np.add(f, k), np.add(A, True)
np.subtract(A, B)
np.subtract(A, 2), np.subtract(A, 1.5), np.subtract(2, A), np.subtract(A, f), np.subtract(k, A), np.subtract(A, g)
np.subtract(z, f), np.subtract(g, k), np.subtract(f, k), np.subtract(A, True)
np.multiply(A, B)
np.multiply(A, 2), np.multiply(A, 1.5), np.multiply(2, A), np.multiply(A, f), np.multiply(k, A), np.multiply(A, g)
np.multiply(z, f), np.multiply(g, k), np.multiply(f, k), np.multiply(A, True)
np.divide(A, B)
np.divide(A, 2), np.divide(A, 1.5), np.divide(2, A), np.divide(A, f), np.divide(k, A), np.divide(A, g)
np.divide(z, f), np.divide(g, k), np.divide(f, k), np.divide(A, True)
np.true_divide(A, B)
np.true_divide(A, 2), np.true_divide(A, 1.5), np.true_divide(2, A), np.true_divide(A, f), np.true_divide(k, A), np.true_divide(A, g)
np.true_divide(z, f), np.true_divide(g, k), np.true_divide(f, k), np.true_divide(A, True)
np.floor_divide(A, B)
np.floor_divide(A, 2), np.floor_divide(A, 1.5), np.floor_divide(2, A), np.floor_divide(A, f), np.floor_divide(k, A), np.floor_divide(A, g)
np.floor_divide(z, f), np.floor_divide(g, k), np.floor_divide(f, k), np.floor_divide(A, True)
np.remainder(A, B)
np.remainder(A, 2), np.remainder(A, 1.5), np.remainder(2, A), np.remainder(A, f), np.remainder(k, A), np.remainder(A, g)
np.remainder(z, f), np.remainder(g, k), np.remainder(f, k), np.remainder(A, True)
np.mod(A, B)
np.mod(A, 2), np.mod(A, 1.5), np.mod(2, A), np.mod(A, f), np.mod(k, A), np.mod(A, g)
np.mod(z, f), np.mod(g, k), np.mod(f, k), np.mod(A, True)
np.fmod(A, B)
np.fmod(A, 2), np.fmod(A, 1.5), np.fmod(2, A), np.fmod(A, f), np.fmod(k, A), np.fmod(A, g)
np.fmod(z, f), np.fmod(g, k), np.fmod(f, k), np.fmod(A, True)
np.divmod(A, B)
np.divmod(A, 2), np.divmod(A, 1.5), np.divmod(2, A), np.divmod(A, f), np.divmod(k, A), np.divmod(A, g)
np.divmod(z, f), np.divmod(g, k), np.divmod(f, k), np.divmod(A, True)
np.power(A, B)
np.power(A, 2), np.power(A, 1.5), np.power(2, A), np.power(A, f), np.power(k, A), np.power(A, g)
np.power(z, f), np.power(g, k), np.power(f, k), np.power(A, True)
np.float_power(A, B)
np.float_power(A, 2), np.float_power(A, 1.5), np.float_power(2, A), np.float_power(A, f), np.float_power(k, A), np.float_power(A, g)
np.float_power(z, f), np.float_power(g, k), np.float_power(f, k), np.float_power(A, True)
np.pow(A, B)
np.pow(A, 2), np.pow(A, 1.5), np.pow(2, A), np.pow(A, f), np.pow(k, A), np.pow(A, g)
np.pow(z, f), np.pow(g, k), np.pow(f, k), np.pow(A, True)
np.logaddexp(A, B)
np.logaddexp(A, 2), np.logaddexp(A, 1.5), np.logaddexp(2, A), np.logaddexp(A, f), np.logaddexp(k, A), np.logaddexp(A, g)
np.logaddexp(z, f), np.logaddexp(g, k), np.logaddexp(f, k), np.logaddexp(A, True)
np.logaddexp2(A, B)
np.logaddexp2(A, 2), np.logaddexp2(A, 1.5), np.logaddexp2(2, A), np.logaddexp2(A, f), np.logaddexp2(k, A), np.logaddexp2(A, g)
np.logaddexp2(z, f), np.logaddexp2(g, k), np.logaddexp2(f, k), np.logaddexp2(A, True)
np.arctan2(A, B)
np.arctan2(A, 2), np.arctan2(A, 1.5), np.arctan2(2, A), np.arctan2(A, f), np.arctan2(k, A), np.arctan2(A, g)
np.arctan2(z, f), np.arctan2(g, k), np.arctan2(f, k), np.arctan2(A, True)
np.hypot(A, B)
np.hypot(A, 2), np.hypot(A, 1.5), np.hypot(2, A), np.hypot(A, f), np.hypot(k, A), np.hypot(A, g)
np.hypot(z, f), np.hypot(g, k), np.hypot(f, k), np.hypot(A, True)
np.copysign(A, B)
np.copysign(A, 2), np.copysign(A, 1.5), np.copysign(2, A), np.copysign(A, f), np.copysign(k, A), np.copysign(A, g)
np.copysign(z, f), np.copysign(g, k), np.copysign(f, k), np.copysign(A, True)
np.maximum(A, B)
np.maximum(A, 2), np.maximum(A, 1.5), np.maximum(2, A), np.maximum(A, f), np.maximum(k, A), np.maximum(A, g)
np.maximum(z, f), np.maximum(g, k), np.maximum(f, k), np.maximum(A, True)
np.minimum(A, B)
np.minimum(A, 2), np.minimum(A, 1.5), np.minimum(2, A), np.minimum(A, f), np.minimum(k, A), np.minimum(A, g)
np.minimum(z, f), np.minimum(g, k), np.minimum(f, k), np.minimum(A, True)
np.fmax(A, B)
np.fmax(A, 2), np.fmax(A, 1.5), np.fmax(2, A), np.fmax(A, f), np.fmax(k, A), np.fmax(A, g)
np.fmax(z, f), np.fmax(g, k), np.fmax(f, k), np.fmax(A, True)
np.fmin(A, B)
np.fmin(A, 2), np.fmin(A, 1.5), np.fmin(2, A), np.fmin(A, f), np.fmin(k, A), np.fmin(A, g)
np.fmin(z, f), np.fmin(g, k), np.fmin(f, k), np.fmin(A, True)
np.equal(A, B)
np.equal(A, 2), np.equal(A, 1.5), np.equal(2, A), np.equal(A, f), np.equal(k, A), np.equal(A, g)
np.equal(z, f), np.equal(g, k), np.equal(f, k), np.equal(A, True)
np.not_equal(A, B)
np.not_equal(A, 2), np.not_equal(A, 1.5), np.not_equal(2, A), np.not_equal(A, f), np.not_equal(k, A), np.not_equal(A, g)
np.not_equal(z, f), np.not_equal(g, k), np.not_equal(f, k), np.not_equal(A, True)
np.less(A, B)
np.less(A, 2), np.less(A, 1.5), np.less(2, A), np.less(A, f), np.less(k, A), np.less(A, g)
np.less(z, f), np.less(g, k), np.less(f, k), np.less(A, True)
np.less_equal(A, B)
np.less_equal(A, 2), np.less_equal(A, 1.5), np.less_equal(2, A), np.less_equal(A, f), np.less_equal(k, A), np.less_equal(A, g)
np.less_equal(z, f), np.less_equal(g, k), np.less_equal(f, k), np.less_equal(A, True)
np.greater(A, B)
np.greater(A, 2), np.greater(A, 1.5), np.greater(2, A), np.greater(A, f), np.greater(k, A), np.greater(A, g)
np.greater(z, f), np.greater(g, k), np.greater(f, k), np.greater(A, True)
np.greater_equal(A, B)
np.greater_equal(A, 2), np.greater_equal(A, 1.5), np.greater_equal(2, A), np.greater_equal(A, f), np.greater_equal(k, A), np.greater_equal(A, g)
np.greater_equal(z, f), np.greater_equal(g, k), np.greater_equal(f, k), np.greater_equal(A, True)
np.bitwise_and(A, B)
np.bitwise_and(A, 2), np.bitwise_and(A, 1.5), np.bitwise_and(2, A), np.bitwise_and(A, f), np.bitwise_and(k, A), np.bitwise_and(A, g)
np.bitwise_and(z, f), np.bitwise_and(g, k), np.bitwise_and(f, k), np.bitwise_and(A, True)
np.bitwise_or(A, B)
np.bitwise_or(A, 2), np.bitwise_or(A, 1.5), np.bitwise_or(2, A), np.bitwise_or(A, f), np.bitwise_or(k, A), np.bitwise_or(A, g)
np.bitwise_or(z, f), np.bitwise_or(g, k), np.bitwise_or(f, k), np.bitwise_or(A, True)
np.bitwise_xor(A, B)
np.bitwise_xor(A, 2), np.bitwise_xor(A, 1.5), np.bitwise_xor(2, A), np.bitwise_xor(A, f), np.bitwise_xor(k, A), np.bitwise_xor(A, g)
np.bitwise_xor(z, f), np.bitwise_xor(g, k), np.bitwise_xor(f, k), np.bitwise_xor(A, True)
np.logical_and(A, B)
np.logical_and(A, 2), np.logical_and(A, 1.5), np.logical_and(2, A), np.logical_and(A, f), np.logical_and(k, A), np.logical_and(A, g)
np.logical_and(z, f), np.logical_and(g, k), np.logical_and(f, k), np.logical_and(A, True)
np.logical_or(A, B)
np.logical_or(A, 2), np.logical_or(A, 1.5), np.logical_or(2, A), np.logical_or(A, f), np.logical_or(k, A), np.logical_or(A, g)
np.logical_or(z, f), np.logical_or(g, k), np.logical_or(f, k), np.logical_or(A, True)
np.logical_xor(A, B)
np.logical_xor(A, 2), np.logical_xor(A, 1.5), np.logical_xor(2, A), np.logical_xor(A, f), np.logical_xor(k, A), np.logical_xor(A, g)
np.logical_xor(z, f), np.logical_xor(g, k), np.logical_xor(f, k), np.logical_xor(A, True)
np.left_shift(A, B)
np.left_shift(A, 2), np.left_shift(A, 1.5), np.left_shift(2, A), np.left_shift(A, f), np.left_shift(k, A), np.left_shift(A, g)
np.left_shift(z, f), np.left_shift(g, k), np.left_shift(f, k), np.left_shift(A, True)
np.right_shift(A, B)
np.right_shift(A, 2), np.right_shift(A, 1.5), np.right_shift(2, A), np.right_shift(A, f), np.right_shift(k, A), np.right_shift(A, g)
np.right_shift(z, f), np.right_shift(g, k), np.right_shift(f, k), np.right_shift(A, True)
np.heaviside(A, B)
np.heaviside(A, 2), np.heaviside(A, 1.5), np.heaviside(2, A), np.heaviside(A, f), np.heaviside(k, A), np.heaviside(A, g)
np.heaviside(z, f), np.heaviside(g, k), np.heaviside(f, k), np.heaviside(A, True)
np.gcd(A, 2), np.gcd(A, 1.5), np.gcd(2, A), np.gcd(A, f), np.gcd(k, A), np.gcd(A, g)
np.gcd(z, f), np.gcd(g, k), np.gcd(f, k), np.gcd(A, True)
np.lcm(A, 2), np.lcm(A, 1.5), np.lcm(2, A), np.lcm(A, f), np.lcm(k, A), np.lcm(A, g)
np.lcm(z, f), np.lcm(g, k), np.lcm(f, k), np.lcm(A, True)
np.ldexp(A, B)
np.ldexp(A, 2), np.ldexp(A, 1.5), np.ldexp(2, A), np.ldexp(A, f), np.ldexp(k, A), np.ldexp(A, g)
np.ldexp(z, f), np.ldexp(g, k), np.ldexp(f, k), np.ldexp(A, True)
np.add(A, B, out=A)
    np.add(A, B, out=A)
    return A
    out = np.empty((3, 4))
    np.multiply(A, B, out=out)
    return out
    out = np.ones(4, dtype=np.float32)
    np.add(v, 1.0, out=out)
    return out
    out = np.empty(3)
    return np.add(A, 1, out=out)
    out = np.empty((3, 4), int)
    return np.divide(A, 2, out=out)
np.add(A, B, dtype=np.float32)
np.add(A, B, dtype=float)
np.sqrt(A, dtype=np.float64)
    q = np.zeros(3)
    np.sum(A, axis=1, out=q)
    return q
    q = np.zeros((), float)
    r2 = np.mean(A, out=q)
    return q
    q = np.zeros((3, 5))
    np.matmul(A, C, out=q)
    return q
    q = np.zeros((3, 5))
    A.dot(C, out=q) if A.dtype == np.float64 else 0
    return q
A + B
A - B
A * B
A / B
A // B
A % B
A ** 2
A ** 3
A ** 0
A ** 1
A ** -1
A ** 0.5
A ** -0.5
A ** 2.0
A ** 1.5
A ** -2
A ** f
A ** k
A ** B
2 ** A
f ** A
g ** 2
g ** f
f ** 2
k ** 2
k ** k
f ** -1
z ** 2
divmod(A, 2)
divmod(f, k)
divmod(k, 3)
divmod(g, k)
-A
+A
abs(A)
~M
M & ~M
A & 3
A | B
A ^ 1
M ^ True
A << 1
A >> 1
1 << k
A == B
A != 0
A < B
A <= 1
0 < A
A == None
A is None
A == "a"
(A > 0) & (A < 2)
(A > 0) | (B > 0)
not f
f or k
f < k
f == 1.5
k == 2
f + k
f * k
f / k
f // k
f % k
-f % 1.0
k // 3
k % 3
-k // 3
k / 3
k - 5
-f
abs(-f)
f > 1 and k > 1
g + f
g + k
g * A
z + f
z + A
z * 2
g / 2
g // 2
g % 2
g - 1
k + A
A + np.float32(1)
A + np.float64(1)
A * np.int8(2)
A + True
A + np.array(1.0)
A + np.array(1, dtype=np.int8)
A + np.ones(4, np.float32)
A * len(A)
A / len(A)
x.sum() / len(x)
A + A.shape[0]
A.shape[0] / 2
A.shape[0] ** 0.5
np.sqrt(len(A))
np.float32(2) * f
np.float32(2) * k
np.float64(2) * g
np.int64(2) + k
1.0 * k
A + [1, 2, 3, 4]
[1, 2, 3, 4] + A
A + (1, 2, 3, 4)
A + x
A @ 2
A + "a"
A + None
A + 1j
A * 10**3
A + 2**40
A - 2**70
np.maximum(A, 0)
np.maximum(0, A)
np.maximum(A, np.nan)
np.maximum(x, [0, 1, 0, 1, 0])
min(f, k)
max(f, 2.0)
max(k, 1)
min(x[0], x[1]) if x.dtype == np.float64 and len(x) > 1 else 0
sum(x) if x.dtype != bool else 0
sum([f, k])
int(f)
float(k)
bool(f)
int(g) if g == g and abs(g) < 100 else 0
float(g)
round(f)
np.sum(x > 0)
np.mean(A > 0)
(A > 0).sum() / A.size
(A > 0) * A
(A > 0).astype(float)
np.sign(A) * A
A.sum() + f
A.mean() + k
A.max() - A.min()
A.sum(axis=0) / A.sum()
np.exp(A - A.max(axis=1, keepdims=True))
np.log(np.abs(A) + 1)
    A += 1
    return A
    A += B
    A -= 2
    A *= B
    return A
    A /= 2
    return A
    A //= 2
    A %= 3
    return A
    A **= 2
    return A
    A += f
    return A
    A += v
    return A
    v += A[0]
    return v
    v += A
    return v
    M &= True
    M |= A > 0
    M ^= M
    return M
    A <<= 1
    return A
    z += 1
    return z
    g += 1
    return g
    f += 1
    k -= 1
    f /= k
    return f, k
    A @= np.eye(4)
    return A
    A = A + 1
    A += 1
    return A
    B = A
    B += 1
    return A, B
np.gcd(i, J[0, 0] * 6), np.gcd(12, k), np.lcm(i * 4, 6), np.lcm(k, 12 * k)
np.gcd(np.arange(-6, 6) * k, np.int8(4)), np.lcm(np.arange(-6, 6) * k, 4), np.gcd.reduce(np.array([12, 18, 30]) * k)
np.gcd(x, 3)
np.gcd(A, v), np.lcm(v, A)
np.nextafter(A, B), np.nextafter(x, f), np.spacing(A), np.nextafter(f, k)
np.spacing(f), np.spacing(z)
np.nextafter(z, z + 1)
""")


@pytest.mark.parametrize("text", PROGRAMS)
def test_some_variants(text: str) -> None:
    check(text, some_variants(text))


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ldexp_at_the_ends_of_the_range(dtype: type, compiled: bool) -> None:
    values = np.array([0, -0.0, 1, -1.5, 0.7, 5e-324, 1e-45, 3e-310, 1e38, 1e300, np.inf, -np.inf, np.nan])
    with np.errstate(over="ignore"):
        x, ends = values.astype(dtype), (126, 127, 128, 149, 150, 276, 277, 1022, 1023, 1024, 1074, 1075, 2097, 2098, 5000)
    exponents = np.array([0, 1, *ends, *(-n for n in ends)])[:, np.newaxis]
    with np.errstate(all="ignore"):
        expected = np.ldexp(x, exponents)
    with nullcontext() if compiled else interpreting(), np.errstate(all="ignore"):
        found = jg.jit(lambda x, n: np.ldexp(x, n))(x, exponents)
    np.testing.assert_array_equal(found, expected, strict=True)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_frexp_next_to_powers_of_two(dtype: type, compiled: bool) -> None:
    limits = np.finfo(dtype)
    powers = dtype(2) ** np.arange(limits.minexp - limits.nmant, limits.maxexp, dtype=dtype)
    x = np.concatenate(
        [powers, np.nextafter(powers, dtype(0)), -np.nextafter(powers, limits.max), [limits.max, np.inf, np.nan, -0.0]]
    )
    x = x.astype(dtype)
    with nullcontext() if compiled else interpreting(), np.errstate(all="ignore"):
        found, gradient = jg.jit(np.frexp)(x), jg.grad(lambda x: np.sum(np.frexp(x)[0]))(dtype([0.75, -3.0, 100.0]))
    for one, other in zip(found, np.frexp(x), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    np.testing.assert_array_equal(gradient, dtype([1.0, 0.25, 1 / 128]), strict=True)


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_floats_next_to_others(dtype: type, compiled: bool) -> None:
    limits = np.finfo(dtype)
    powers = dtype(2) ** np.arange(limits.minexp - limits.nmant, limits.maxexp, dtype=dtype)
    ends = dtype([0, -0.0, np.inf, -np.inf, np.nan, limits.max, -limits.max])
    x = np.concatenate([powers, powers * dtype(1.3), -powers, np.nextafter(powers, dtype(0)), ends])
    with nullcontext() if compiled else interpreting(), np.errstate(all="ignore"):
        program = jg.jit(lambda x, y: (np.nextafter(x, y), np.spacing(x)))
        for y in ends:
            found, gaps = program(x, np.full_like(x, y))
            np.testing.assert_array_equal(found, np.nextafter(x, y), strict=True)
            np.testing.assert_array_equal(np.signbit(found), np.signbit(np.nextafter(x, y)) & ~np.isnan(found))
        assert jg.grad(lambda x: 2 * np.nextafter(x, dtype(3)))(dtype(1)) == 2
        np.testing.assert_array_equal(gaps, np.spacing(x), strict=True)


def test_gradients_at_zeros_with_a_sign_and_where_a_power_is_infinite() -> None:
    x = np.array([0.0, -0.0, 2.0, -0.5])
    with interpreting(), np.errstate(all="ignore"):
        parts = jg.grad(lambda x: np.sum(np.modf(x)[0]))(x)
        powers = jg.grad(lambda x: np.sum(x**-2))(x)
        angles = jg.grad(lambda x: np.sum(np.angle(x)))(x)
    np.testing.assert_array_equal(parts, np.ones(4))
    np.testing.assert_array_equal(powers, [-np.inf, np.inf, -0.25, 16.0])
    np.testing.assert_array_equal(angles, np.zeros(4))
