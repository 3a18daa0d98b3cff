"""Generators and what ``itertools`` makes: next to plain Python, and as many equations whatever the sizes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from alike import assert_alike
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting


def places(a):
    s = a[0, 0] * 0
    for i, j in np.ndindex(a.shape):
        s = 0.9 * s + a[i, j] ** 2 * (i - j)
    for place in np.ndindex(*a.shape):
        s += a[place]
    for (i,) in np.ndindex(len(a)):
        s += a[i, i] * i
    return s


def places_left_early(a):
    s, i, j = 0.0, -1, -1
    for i, j in np.ndindex(*a.shape):
        if a[i, j] < 0:
            continue
        if s > 1.0:
            break
        s += a[i, j]
    else:
        s = -s
    return s, i, j


def places_written(a):
    for i, j in np.ndindex(a.shape):
        a[i, j] = np.sin(a[i - 1, j]) + a[i, j - 1]
    return a


def products(a):
    s = 0.0
    for i, j in itertools.product(range(len(a)), range(1, 3)):
        s += a[i, j] * i
    for p, q in itertools.product(a[0], repeat=2):
        s = 0.9 * s + p * q
    for i, (j, row) in itertools.product(range(2), enumerate(a)):
        s += row[i] * j
    return s


def found_in_a_product(a):
    for i, j, k in itertools.product(range(len(a)), repeat=3):
        if a[i, j] * a[j, k] > 0.2:
            return i, j, k, a[k, i]
    return -1, -1, -1, a[0, 0]


def listed_products(a):
    return np.array([a[i, j] * j for i, j in np.ndindex(a.shape)]), np.array([p - q for p, q in itertools.product(a[0], a[1])])


def numbered_products(a):
    s = 0.0
    for k, (i, j) in enumerate(np.ndindex(a.shape)):
        s += a[i, j] * k
    for (i, j), v in zip(itertools.product(range(len(a)), repeat=2), a[0], strict=False):
        s += a[i, j] * v
    return s


def pairs(a):
    s = 0.0
    for i, j in itertools.combinations(range(len(a)), 2):
        s += a[i, j] * j
    for p, q, r in itertools.combinations(a[0], 3):
        s = 0.9 * s + p * q - r
    for i, j in itertools.combinations_with_replacement(range(len(a)), 2):
        s += a[j, i] * i
    for i, j in itertools.permutations(range(len(a)), 2):
        s += a[i, j] * (i - 2 * j)
    return s


def closest(a):
    best, at = np.inf, (-1, -1)
    for i, j in itertools.combinations(range(len(a)), 2):
        d = np.sum((a[i] - a[j]) ** 2)
        if d < best:
            best, at = d, (i, j)
        if best < 0.01:
            break
    return best, at


def neighbours(a):
    return sum((q - p) ** 2 for p, q in itertools.pairwise(a[0])), [q * p for p, q in itertools.pairwise(a[0, :1])]


def slices(a):
    s = 0.0
    for v in itertools.islice(a[0], 1, None, 2):
        s = 0.5 * s + v
    for v in itertools.islice(a[1], 2):
        s = 0.5 * s + v
    for i in itertools.islice(range(len(a)), 1, 100):
        s += a[i, 0]
    return s


def chains(a):
    s = 0.0
    for v in itertools.chain(a[0], a[1], [3.0]):
        s = 0.5 * s + v
    for i in itertools.chain(range(len(a)), range(len(a) - 1, -1, -1)):
        s = 0.5 * s + a[i, 0]
    for v in itertools.chain.from_iterable(a):
        s = 0.5 * s + v
        if s > 2:
            break
    return s


def mapped(a):
    s = 0.0
    for v in map(lambda p, q: p * q + 1, a[0], a[1]):
        s = 0.3 * s + v
    for v in itertools.starmap(lambda p, q: p - q, zip(a[0], a[1], strict=True)):
        s = 0.3 * s + v
    return s, sum(itertools.starmap(lambda p, q: p * q, zip(a[0], a[1], strict=True)))


def parts_of_ranges(a):
    s, n, k = 0.0, len(a), int(np.argmax(a[0])) % 2 + 1
    for part in (
        range(n)[::2], range(n)[1:-1], range(1, n)[::-1], range(n)[-2:], range(n, 0, -1)[1:2], range(n)[4:1:-2], range(n)[-9:9],
        range(n)[5:2], range(n)[-2::-1], range(n)[:-9:-1], range(n)[k:], range(n)[-k:], range(n)[:-k], range(9)[k - 3 :],
    ):  # fmt: skip
        for i in part:
            s = 0.5 * s + i * a[0, i % n]
    return s, range(n)[-k], range(3, n + 3)[k - 1], range(0, 20, 3)[k], range(9, 0, -2)[-k]


def counted(a):
    s, n = 0.0, len(a)
    for k in itertools.count():
        s += k * a[0, k % n] ** 2
        if s > 5:
            break
    for k, v in zip(itertools.count(1.5, 0.5), a[0], strict=False):
        s = 0.9 * s + k * v
    for v, k in zip(a[1], itertools.repeat(s), strict=False):
        s += k * v
    for v in itertools.repeat(a[0, 1], 3):
        s = 0.5 * s + v
    return s, sum(map(lambda p, q: p * q, a[0], itertools.repeat(3.0)))


def numbered_by_hand(a):
    numbers, found = itertools.count(), 0.0
    first = next(numbers)
    for v in a[0]:
        if v > 0:
            found += next(numbers) * v
    return first, found, next(numbers)


def filtered(a):
    s = 0.0
    for v in filter(lambda v: v > 0, a[0]):
        s = 0.3 * s + v
    for v in (2 * v for v in a[1] if v < 0.5):
        if s > 5:
            continue
        s = 0.3 * s + v
    for v in (2 * v for row in a if row[0] > -0.5 for v in row if v < 0.5):
        s = 0.3 * s + v
        if s > 1:
            break
    return s


def nested(a):
    n = len(a)
    total = sum(a[i, j] * j for i in range(n) for j in range(i) if j != 1)
    return total, any(v > 2 for row in a for v in row), all(v > -9 for row in a for v in row if v < 1), next(
        (v for row in a for v in row if v > 0.3), -1.0
    )  # fmt: skip


def extremes(a):
    return (
        max(abs(v) for row in a for v in row), min(v for v in a[0] if v > -0.5), max((v for v in a[0] if v > 99), default=3.0),
        max((v for row in a for v in row if v < 0.4), key=lambda v: -(v**2)), min((abs(v), i) for i, v in enumerate(a[0])),
        max(enumerate(a[0]), key=lambda pair: pair[1]), max(zip(a[0], a[1], strict=True)),
    )  # fmt: skip


def reduced(a):
    return (
        functools.reduce(lambda p, q: 0.5 * p + q, a[0]), functools.reduce(lambda p, q: p if p > q else q, a[0], 0.0),
        functools.reduce(lambda p, q: 0.5 * p + q, (v for row in a for v in row if v > 0), 1.0),
    )  # fmt: skip


PROGRAMS = [
    places, places_left_early, places_written, products, found_in_a_product, listed_products, numbered_products, pairs, closest,
    neighbours, slices, chains, parts_of_ranges, counted, numbered_by_hand, mapped, filtered, nested, extremes, reduced,
]  # fmt: skip


def matrix(size: int) -> np.ndarray:
    return np.random.default_rng(size).normal(size=(size, size))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_gives_what_python_gives(program: Callable[..., Any]) -> None:
    compiled = jg.jit(program)
    for size in (5, 3, 6):
        with interpreting():
            assert_alike(compiled(matrix(size)), program(matrix(size)))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_sizes_do_not_make_a_longer_program(program: Callable[..., Any]) -> None:
    assert len(jg.ir(program, matrix(5)).splitlines()) == len(jg.ir(program, matrix(70)).splitlines())


@pytest.mark.parametrize(
    "program", [places, products, pairs, closest, chains, filtered, nested, reduced], ids=lambda program: program.__name__
)
def test_gradients(program: Callable[..., Any]) -> None:
    def loss(a: Any) -> Any:
        result = program(a)
        return result[0] if isinstance(result, tuple) else result

    a, direction, h = matrix(5), np.random.default_rng(0).normal(size=(5, 5)), 1e-6
    slope = (loss(a + h * direction) - loss(a - h * direction)) / (2 * h)
    with interpreting():
        assert np.sum(jg.grad(loss)(a) * direction) == pytest.approx(slope, rel=1e-7)
        assert jg.jvp(loss, (a,), (direction,))[1] == pytest.approx(slope, rel=1e-7)


def test_of_no_items() -> None:
    with interpreting():
        for program in (
            lambda x: max(v for v in x if v > 9),
            lambda x: min(v * w for v in x for w in x if w > 9),
            lambda x: functools.reduce(lambda p, q: p + q, x[:0]),
        ):
            kind, message = failure(program, matrix(3)[0])
            assert failure(jg.jit(program), matrix(3)[0]) == (kind, message)


def failure(function: Callable[..., Any], *arguments: Any) -> tuple[type[Exception], str]:
    with pytest.raises((ValueError, TypeError)) as caught:
        function(*arguments)
    return type(caught.value), str(caught.value).splitlines()[0]


def test_a_place_outside_of_a_range() -> None:
    with interpreting():
        for k in (4, -5):
            with pytest.raises(IndexError, match="range object index out of range"):
                jg.jit(lambda n, k: range(n)[k])(4, k)


def test_a_generator_is_gone_through_once() -> None:
    def twice(x: Any) -> Any:
        squares = (v * v for v in x)
        return sum(squares) + sum(squares)

    with interpreting():
        assert_alike(jg.jit(twice)(matrix(3)[0]), twice(matrix(3)[0]))


def test_an_endless_iterator_is_not_unrolled_for_ever() -> None:
    def program(x: Any) -> Any:
        for k in itertools.cycle([1.0, 2.0]):
            x = x * k
            if x[0] > 3:
                break
        return x

    with (
        mock.patch("jitgrad.compiler.trace.context.UNROLL_AT_MOST", 20),
        pytest.raises(UnsupportedError, match="loop over a range"),
    ):
        jg.jit(program)(matrix(3)[0])
