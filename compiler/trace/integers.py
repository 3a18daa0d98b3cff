"""What ``math`` knows of integers, in Python that is traced as the user's is: sizes are checked, for ints have 64 bits here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

_LARGEST = 2**63 - 1


def _gcd(a: int, b: int) -> int:
    a, b = abs(a), abs(b)
    while b:
        a, b = b, a % b
    return a


def _lcm(a: int, b: int) -> int:
    divisor = math.gcd(a, b)
    return abs(a) // divisor * abs(b) if divisor else 0


def _isqrt(n: int) -> int:
    if n < 0:
        raise ValueError("isqrt() argument must be nonnegative")
    root = int(math.sqrt(n))  # off by one where n has more bits than a float
    if root > 0 and root > n // root:
        root -= 1
    elif root + 1 <= n // (root + 1):
        root += 1
    return root


def _factorial(n: int) -> int:
    if n < 0:
        raise ValueError("factorial() not defined for negative values")
    if n > 20:
        raise OverflowError("the factorial of more than 20 has more than 64 bits; math.gamma(n + 1) gives it as a float")
    product = 1
    for factor in range(2, n + 1):
        product *= factor
    return product


def _comb(n: int, k: int) -> int:
    if n < 0 or k < 0:
        raise ValueError("comb() takes integers that are not negative")
    ways = 1 if k <= n else 0
    for chosen in range(min(k, n - k)):
        if ways > _LARGEST // (n - chosen):
            raise OverflowError("comb(n, k) has more than 64 bits here; scipy.special.comb gives it as a float")
        ways = ways * (n - chosen) // (chosen + 1)
    return ways


def _perm(n: int, k: int | None = None) -> int:
    if k is None:
        return math.factorial(n)
    if n < 0 or k < 0:
        raise ValueError("perm() takes integers that are not negative")
    ways = 1 if k <= n else 0
    for chosen in range(min(k, n)):
        if ways > _LARGEST // (n - chosen):
            raise OverflowError("perm(n, k) has more than 64 bits here; scipy.special.perm gives it as a float")
        ways *= n - chosen
    return ways


INTEGERS: dict[Any, Callable[..., Any]] = {
    math.isqrt: _isqrt, math.factorial: _factorial, math.comb: _comb, math.perm: _perm,
}  # fmt: skip

OF_MANY: dict[Any, tuple[Callable[[int, int], int], int]] = {math.gcd: (_gcd, 0), math.lcm: (_lcm, 1)}
"""Functions of any number of integers, each with what it gives for none."""

__all__ = ["INTEGERS", "OF_MANY"]
