"""Functions of ``math`` on integers, and others that its users call, against Python; what has too many bits is an error."""

import math
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg


def divisors(n, k):
    return math.gcd(n, k), math.gcd(n, -k, 6), math.lcm(n, k), math.lcm(n, 0), math.gcd(n), math.lcm(-n)


def ways(n, k):
    return math.factorial(n), math.comb(n, k), math.comb(k, n), math.perm(n, k), math.perm(n), math.perm(k, n)


def roots(n, k):
    return math.isqrt(n), math.isqrt(n * n - 1), math.isqrt(n * n + 2 * n), math.isqrt(k)


def series_of_cosine(n, k):
    """In a loop, where Python's integers meet floats."""
    total = 0.0
    for j in range(n):
        total += (-1) ** j * 0.3 ** (2 * j) / math.factorial(2 * j)
    return total + math.ldexp(0.3, k) + sum(math.gcd(j, k) for j in range(n))


@pytest.mark.parametrize("program", [divisors, ways, roots, series_of_cosine], ids=lambda f: f.__name__)
def test_integers(program):
    with interpreting():
        compiled = jg.jit(program)
        for n, k in [(9, 6), (1, 1), (5, 7), (8, 0), (10, 10)]:
            assert compiled(n, k) == pytest.approx(program(n, k), rel=1e-15)


def test_large_integers():
    with interpreting():
        root, choose = jg.jit(math.isqrt), jg.jit(lambda n, k: (math.comb(n, k), math.factorial(20)))
        for n in (2**62, 2**62 - 1, 3037000499**2, 3037000499**2 - 1, 2**63 - 1, 10**18, (10**9 + 7) ** 2 - 1):
            assert root(n) == math.isqrt(n)
        assert choose(60, 30) == (math.comb(60, 30), math.factorial(20))


@pytest.mark.parametrize(
    ("program", "error", "words"),
    [
        (lambda n: math.factorial(n + 10), OverflowError, "more than 64 bits; math.gamma"),
        (lambda n: math.factorial(-n), ValueError, "negative"),
        (lambda n: math.comb(10 * n, 5 * n), OverflowError, "more than 64 bits"),
        (lambda n: math.perm(10 * n, 5 * n), OverflowError, "more than 64 bits"),
        (lambda n: math.isqrt(-n), ValueError, "nonnegative"),
        (lambda n: math.gcd(n, n / 2), TypeError, "takes integers"),
    ],
)
def test_errors(program, error, words):
    with interpreting(), pytest.raises(error, match=words):
        jg.jit(program)(11)


def of_floats(x, y):
    return (
        math.modf(x), math.frexp(x), math.hypot(x, y, 0.5), math.hypot(x), math.remainder(x, y), math.remainder(-x, 0.4), math.gamma(x % 7 + 0.5),
        math.remainder(2.5 * y, y), math.remainder(3.5 * y, y), math.remainder(x, math.inf), math.ldexp(x, -3),
    )  # fmt: skip


def smooth(x, y):
    return math.hypot(x, y, 0.5) * math.remainder(x, y) + math.gamma(x + 1) + math.ldexp(y, 2) + math.modf(x + y)[0]


def test_floats():
    with interpreting():
        compiled = jg.jit(of_floats)
        for x, y in [(0.7, 0.3), (-1.9, 0.25), (2.5, -1.0), (1e17, 3.0), (-0.0, 2.0)]:
            np.testing.assert_allclose(np.hstack(compiled(x, y)), np.hstack(of_floats(x, y)), rtol=2e-15)
        jg.check_grads(smooth, (0.7, 0.27), order=1)


def ranges(n, k):
    backward = range(k, -n, -n)
    return (
        backward.start,
        backward.stop,
        backward.step,
        len(backward),
        range(n).stop,
        len(range(k, n, 2)),
        sum(backward),
        list(backward),
    )


def test_what_ranges_tell_of_themselves():
    with interpreting():
        compiled = jg.jit(ranges)
        for n, k in [(9, 6), (2, 30), (1, -5)]:
            assert compiled(n, k) == ranges(n, k)


def test_modules_whose_names_begin_as_a_library_s_are_the_user_s():
    def walk(x):
        return x if x > 0 else -x

    def start(x):
        return walk(x) + walk(-x)

    walk.__module__ = start.__module__ = "random_walk"
    with interpreting():
        assert jg.jit(start)(1.5) == 3.0


SMALL = np.array([1, -2, 100], np.int8)
BYTES = np.array([1, 2, 250], np.uint8)


def written(x, n):
    x[1] = n
    return x


def added(x, n):
    x += n
    return x


@pytest.mark.parametrize("n", [3, -3, 200, 300, 2**40])
@pytest.mark.parametrize("x", [SMALL, BYTES, np.arange(3, dtype=np.int32), np.array([1, 2**63], np.uint64)])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, n: x + n,
        lambda x, n: n * x,
        lambda x, n: np.maximum(x, n),
        lambda x, n: (x < n, x >= n, x == n, n != x, n <= x) if x.itemsize < 8 else (x * 0 + n,),
        lambda x, n: np.full(3, n, x.dtype),
        lambda x, n: np.array([n, 1], x.dtype),
        lambda x, n: x.dtype.type(n),
        lambda x, n: np.where(x > 1, x, n),
        lambda x, n: np.choose(x % 2 == 0, [x, n]),
        written,
        added,
    ],
)
def test_ints_of_the_run_meet_arrays_of_smaller_integers(function: Any, x: np.ndarray, n: int) -> None:
    with interpreting(), np.errstate(over="ignore"):
        try:
            expected = function(x.copy(), n)
        except OverflowError:
            with pytest.raises(OverflowError, match="Python integer out of bounds for"):
                jg.jit(function)(x.copy(), n)
        else:
            found = jg.jit(function)(x.copy(), n)
            for one, other in zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]:
                np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("digits", [1, 2, 3, 5, 10, 15, 22, -1, -2, -3])
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_floats_are_rounded_by_the_number_that_they_are(digits: int, compiled: bool) -> None:
    def rounded(x):
        out = np.zeros(len(x))
        for k in range(len(x)):
            out[k] = round(float(x[k]), digits)
        return out

    rng = np.random.default_rng(abs(digits))
    drawn = [rng.integers(-(10**6), 10**6, 200) / 1000, rng.integers(-9999, 9999, 50) * 5.0, 10.0 ** rng.uniform(-9, 18, 50)]
    chosen = [
        2.675,
        1.005,
        -2.675,
        0.125,
        2.5,
        25.0,
        35.0,
        1e15 + 0.3,
        -57228519375038.984,
        5e-324,
        1e300,
        -0.0,
        np.nan,
        -np.inf,
    ]
    x = np.concatenate([chosen, *drawn])
    with nullcontext() if compiled else interpreting(), np.errstate(all="ignore"):
        found = jg.jit(rounded)(x)
    expected = rounded(x)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
