"""What emitted programs call where neither Python's operators nor `elementary` say what NumPy does.

In: numbers, or C-contiguous arrays. Out: NumPy's results, those for zeros, NaN and overflow included. Each function is plain Python that
numba compiles as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable

from .buffers import empty, view
from .linking import stands_for
from .reducing import rounding_error, with_error


def compiled_once(allocates: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function that stays plain Python, and is a kernel of its own where compiled code calls it."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__kernel__ = stands_for(function, allocates)(function)  # numba itself holds it weakly
        return function

    return register


# numbers


@register_jitable
def sign(x: Any) -> Any:
    """-1, 0 or 1; NaN for NaN."""
    return x if x != x else type(x)(1) if x > 0 else type(x)(-1) if x < 0 else type(x)(0)


@register_jitable
def remainder(x: Any, y: Any) -> Any:
    """x % y, without a division where x is at most one period outside of 0, ..., y - 1, as an index on a ring mostly is."""
    if y > 0:
        if x < 0:
            if x >= -y:
                return x + y
        elif x < y:
            return x
        elif x - y < y:
            return x - y
    return x % y


@register_jitable
def fmod(x: Any, y: Any) -> Any:
    """The remainder of integers with the sign of x; 0 where y is 0."""
    floored = x % y
    return floored - y if (floored != 0) & ((x < 0) != (y < 0)) else floored


@register_jitable
def shift_left(x: Any, y: Any) -> Any:
    """x << y; 0 where there is no such bit."""
    return x << y if 0 <= y < 64 else x & 0


@register_jitable
def shift_right(x: Any, y: Any) -> Any:
    """x >> y; 0, or -1 for negative x, where there is no such bit."""
    return x >> y if 0 <= y < 64 else (x >> 63) >> 1


@register_jitable
def erfc(x: Any) -> Any:
    """1 - erf(x), accurate where that is small."""
    return math.erfc(x)


@register_jitable
def lgamma(x: Any) -> Any:
    """log(abs(gamma(x))); infinite at the poles 0, -1, -2, ..."""
    if x == -np.inf:
        return x
    if x <= 0 and x == np.floor(x):
        return np.inf
    return math.lgamma(x)


@register_jitable
def digamma(x: Any) -> Any:
    """The derivative of lgamma: recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.18)."""
    if x == 0:
        return -math.copysign(np.inf, x)
    if x < 0:
        if x == np.floor(x):
            return np.nan
        return digamma_positive(1.0 - x) - math.pi / math.tan(math.pi * (x - np.floor(x)))
    return digamma_positive(x)


@register_jitable
def digamma_positive(x: Any) -> Any:
    """digamma for positive numbers."""
    total = 0.0
    while x < 10:
        total -= 1.0 / x
        x += 1.0
    z = 1.0 / (x * x)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * (691 / 32760 - z / 12))))))
    return total + math.log(x) - 0.5 / x - series


@register_jitable
def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of digamma (Abramowitz and Stegun 6.4.10), below 0 by sums from both sides of 0; n is 1, 2, ... 170."""
    if not 1 <= n <= 170 or n != np.floor(n):
        return np.nan
    s = n + 1.0
    sign = 1.0 if s % 2 == 0 else -1.0
    if x <= 0 and x == np.floor(x):
        return sign * np.inf
    if x > 0:
        total = hurwitz_zeta(s, x)
    else:
        part = x - np.floor(x)
        total = hurwitz_zeta(s, part) + sign * (hurwitz_zeta(s, 1.0 - part) - hurwitz_zeta(s, 1.0 - x))
    return sign * math.gamma(s) * total


@register_jitable
def hurwitz_zeta(s: Any, x: Any) -> Any:
    """The sum over k = 0, 1, ... of (x + k)**-s for x > 0: the first terms, then by Euler and Maclaurin."""
    total = 0.0
    while x < 10 + s:
        total += x**-s
        x += 1.0
    z = 1.0 / (x * x)
    series = (s + 9) * (s + 10) * z * (-691 / 1307674368000) + 1 / 47900160
    series = (s + 7) * (s + 8) * z * series - 1 / 1209600
    series = (s + 5) * (s + 6) * z * series + 1 / 30240
    series = (s + 3) * (s + 4) * z * series - 1 / 720
    series = (s + 1) * (s + 2) * z * series + 1 / 12
    return total + x ** (1.0 - s) / (s - 1) + x**-s * (0.5 + s / x * series)


# arrays


@compiled_once()
def add_errors(total: Any, lost: Any) -> None:
    """Add to each element of a sum what it lost."""
    flat, errors = view(total, total.size), view(lost, lost.size)
    for i in range(flat.size):
        flat[i] = with_error(flat[i], errors[i])


@compiled_once()
def add_parts(total: Any, lost: Any, parts: Any) -> None:
    """Add a part to each element of a sum, keep what that loses, and begin new parts."""
    flat, errors, found = view(total, total.size), view(lost, lost.size), view(parts, parts.size)
    for i in range(flat.size):
        part = found[i]
        errors[i] += rounding_error(flat[i], part)
        flat[i] += part
        found[i] = 0


@compiled_once()
def copy_into(out: Any, x: Any) -> None:
    """Copy all elements."""
    target, source = view(out, out.size), view(x, x.size)
    for i in range(target.size):
        target[i] = source[i]


@compiled_once(allocates=True)
def copied(x: Any) -> Any:
    """The array in memory of its own."""
    out = empty(x.shape, x.dtype)
    copy_into(out, x)
    return out


@compiled_once()
def write_flat(buffer: Any, start: int, x: Any) -> None:
    """Write a one-dimensional array into a buffer."""
    for i in range(x.size):
        buffer[start + i] = x[i]


@compiled_once(allocates=True)
def nonzero(x: Any) -> Any:
    """The positions of the true elements, and how many they are."""
    count = 0
    for i in range(x.size):
        count += x[i]
    out = empty(count, np.int64)
    count = 0
    for i in range(x.size):
        if x[i]:
            out[count] = i
            count += 1
    return out, count


# along the middle axis of three


@register_jitable
def position(k: int, length: int, reverse: bool) -> int:
    """The k-th position from the start, or from the end."""
    return length - 1 - k if reverse else k


@compiled_once()
def cumsum(out: Any, x: Any, reverse: bool) -> None:
    """Running sums."""
    outer, length, inner = x.shape
    for i in range(outer):
        for j in range(inner):
            total = x.dtype.type(0)
            for k in range(length):
                at = position(k, length, reverse)
                total += x[i, at, j]
                out[i, at, j] = total


@compiled_once()
def cumprod(out: Any, x: Any, reverse: bool) -> None:
    """Running products."""
    outer, length, inner = x.shape
    for i in range(outer):
        for j in range(inner):
            total = x.dtype.type(1)
            for k in range(length):
                at = position(k, length, reverse)
                total *= x[i, at, j]
                out[i, at, j] = total


@compiled_once()
def cumprod_before(out: Any, x: Any, reverse: bool) -> None:
    """The product of all elements before each one."""
    outer, length, inner = x.shape
    for i in range(outer):
        for j in range(inner):
            total = x.dtype.type(1)
            for k in range(length):
                at = position(k, length, reverse)
                out[i, at, j] = total
                total *= x[i, at, j]


@compiled_once()
def linear_recurrence(out: Any, a: Any, x: Any, reverse: bool, shifted: bool) -> None:
    """r[k] = a[k] r[k-1] + x[k]; r[k-1] if shifted."""
    outer, length, inner = x.shape
    for i in range(outer):
        for j in range(inner):
            state = x.dtype.type(0)
            for k in range(length):
                at = position(k, length, reverse)
                if shifted:
                    out[i, at, j] = state
                state = a[i, at, j] * state + x[i, at, j]
                if not shifted:
                    out[i, at, j] = state


RUN = 16  # so many elements are sorted by insertion


@register_jitable
def belongs_behind(x: Any, y: Any) -> Any:
    """Whether an element comes after one that it stands before; NaN comes last."""
    return x > y or (x != x and y == y)


@register_jitable
def in_order(keys: Any, order: Any) -> Any:
    """Elements and their numbers in stable order, by merging: numba's own sort takes a second to compile."""
    length = keys.shape[0]
    merged, merged_order = empty(length, keys.dtype), empty(length, np.int64)
    for start in range(0, length, RUN):
        for k in range(start + 1, min(start + RUN, length)):
            key, number, place = keys[k], order[k], k
            while place > start and belongs_behind(keys[place - 1], key):
                keys[place] = keys[place - 1]
                order[place] = order[place - 1]
                place -= 1
            keys[place] = key
            order[place] = number
    width = min(RUN, length)
    while width < length:
        for start in range(0, length, 2 * width):
            middle, end = min(start + width, length), min(start + 2 * width, length)
            left, right = start, middle
            for k in range(start, end):
                if left < middle and not (right < end and belongs_behind(keys[left], keys[right])):
                    merged[k] = keys[left]
                    merged_order[k] = order[left]
                    left += 1
                else:
                    merged[k] = keys[right]
                    merged_order[k] = order[right]
                    right += 1
        keys, merged = merged, keys
        order, merged_order = merged_order, order
        width *= 2
    return keys, order


@compiled_once(allocates=True)
def argsort(out: Any, x: Any) -> None:
    """The stable order; NaN comes last."""
    outer, length, inner = x.shape
    for i in range(outer):
        for j in range(inner):
            keys, order = empty(length, x.dtype), empty(length, np.int64)
            for k in range(length):
                keys[k] = x[i, k, j]
                order[k] = k
            keys, order = in_order(keys, order)
            for k in range(length):
                out[i, k, j] = order[k]


@compiled_once(allocates=True)
def sort(out: Any, x: Any) -> None:
    """Growing; NaN comes last."""
    outer, length, inner = x.shape
    for i in range(outer):
        for j in range(inner):
            ordered = np.sort(x[i, :, j].copy())
            for k in range(length):
                out[i, k, j] = ordered[k]


@compiled_once()
def take_along(out: Any, x: Any, order: Any) -> None:
    """The elements at positions along the axis."""
    outer, length, inner = order.shape
    for i in range(outer):
        for k in range(length):
            for j in range(inner):
                out[i, k, j] = x[i, order[i, k, j], j]


@compiled_once()
def put_along_add(x: Any, value: Any, order: Any) -> None:
    """Add at positions along the axis."""
    outer, length, inner = order.shape
    for i in range(outer):
        for k in range(length):
            for j in range(inner):
                x[i, order[i, k, j], j] += value[i, k, j]
