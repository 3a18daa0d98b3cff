"""Python's iterators, ranges, ``pow`` and the module ``operator`` on traced values, next to plain Python."""

from __future__ import annotations

import functools
import itertools
import operator
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_alike
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X, EMPTY = np.array([0.5, -1.5, 2.0, 0.25, -0.75]), np.array([])


class Thing:
    pass


def first_index(x, t):
    return next((i for i, v in enumerate(x) if v > t), -1)


def first_item(x, t):
    return next(v * 2 for v in x if v > t)


def filtered(x, t):
    return sum(filter(lambda v: v > t, x)), list(filter(None, [1, 0, 2])), list(filter(lambda k: k > 1, range(4)))


def accumulated(x, t):
    runs = itertools.accumulate([x[0], t, x[1]], lambda a, b: a if a > b else b, initial=0.0)
    return list(itertools.accumulate(x, max)), list(runs), list(itertools.accumulate(x))


def from_itertools(x, t):
    pairs = itertools.starmap(lambda a, b: a if a > b else b, [(x[0], x[1]), (t, x[2])])
    groups = [(k, len(list(g))) for k, g in itertools.groupby([1, 1, 2], lambda k: k * 2)]
    return list(pairs), list(itertools.takewhile(lambda k: k < 3, range(5))), groups, list(itertools.filterfalse(bool, [0, 1]))


def from_operator(x, t):
    y = x.copy()
    operator.setitem(y, 1, 5.0)
    sums = functools.reduce(operator.add, [x, x]), operator.iadd(y, 1), operator.getitem(x, 1)
    return operator.not_(x[0]), operator.truth(x[1]), operator.lt(x[0], t), operator.contains([1, 2], t), *sums, operator.neg(t)


def attributes_by_name(x, t):
    thing = Thing()
    for v in x:
        thing.total = getattr(thing, "total", 0.0) + v
        thing.last = v
        delattr(thing, "last")
    return thing.total, hasattr(thing, "last")


def ends(x, t):
    return max(x, default=t), min(x, default=-t), max((v * v for v in x), default=t)


def some_of_a_list(x, t):
    items = [x[0], x[2], t, 0.5]
    pairs = {"first": x[0], "second": x[1]}
    chosen = (v for v in items if v > t)
    return (
        sum(v * v for v in items if v > t), max((v for v in items if v > t), default=9.0), any(v > 1 for v in items if v < t),
        all(v > 0 for v in items if v > t), next((v for v in items if v > t), -1.0), sum(v for v in pairs.values() if v > t),
        sum(a * b for a, b in itertools.pairwise(items) if a > b), sum(2 * v for v in chosen if v < 2),
        list(filter(lambda v: v > t, items)), sorted(v for v in items if v > t), 0.5 in (v for v in items if v > t),
        sum(v for row in (items, [t]) for v in row if v > 0),
    )  # fmt: skip


ON_ARRAYS = [
    some_of_a_list, first_index, first_item, filtered, accumulated, from_itertools, from_operator, attributes_by_name, ends,
]  # fmt: skip


@pytest.mark.parametrize("program", ON_ARRAYS, ids=lambda program: program.__name__)
def test_of_arrays_gives_what_python_gives(program: Callable[..., Any]) -> None:
    compiled = jg.jit(program)
    for t in (-2.0, 0.3, 1.0):
        with interpreting():
            assert_alike(compiled(X, t), program(X, t))


def test_nothing_to_give() -> None:
    with interpreting():
        assert jg.jit(first_index)(X, 10.0) == -1
        assert jg.jit(ends)(EMPTY, 3.0) == (3.0, -3.0, 3.0)
        with pytest.raises(StopIteration):
            jg.jit(first_item)(X, 10.0)


def powers(a, n, m):
    return pow(a, n, m), pow(a, 2), pow(a, n % 3)


def in_ranges(a, n, m):
    return m in range(a, n), m not in range(a, n, 2), m in range(10), m in range(n, a, -1)


def listed_ranges(a, n, m):
    return sum(list(range(a, n))), [i * m for i in list(range(n))]


def stepping(a, n, m):
    total = 0
    for i in range(a, n, m):
        total = total * 3 + i
    return total


@pytest.mark.parametrize("program", [powers, in_ranges, listed_ranges, stepping], ids=lambda program: program.__name__)
def test_of_integers_gives_what_python_gives(program: Callable[..., Any]) -> None:
    compiled = jg.jit(program)
    for arguments in [(3, 8, 5), (3, 8, 8), (2, 20, 7), (8, 3, 5), (5, 0, 1), (9, 2, 3), (1, 1, 1)]:
        with interpreting():
            assert_alike(compiled(*arguments), program(*arguments))


def test_of_floats() -> None:
    with interpreting():
        compiled = jg.jit(lambda v: v.is_integer())
        assert [compiled(v) for v in (8.5, 8.0, -3.0, np.inf, np.nan)] == [False, True, True, False, False]


RAISING = {
    "a step of zero": (lambda n, m: sum(range(n, 5, m - 2)), "range\\(\\) arg 3 must not be zero"),
    "fewer in the second": (
        lambda n, m: sum(a + b for a, b in zip(range(n), range(m - 1), strict=True)),
        "zip\\(\\) argument 2 is shorter",
    ),
    "more in the third": (
        lambda n, m: sum(a + b + c for a, b, c in zip(range(n), range(n), range(m + 1), strict=True)),
        "zip\\(\\) argument 3 is longer than arguments 1-2",
    ),
    "a negative exponent": (lambda n, m: pow(3, -n, 7), "exponents that are not negative"),
}


@pytest.mark.parametrize(("program", "message"), RAISING.values(), ids=RAISING)
def test_errors(program: Callable[..., Any], message: str) -> None:
    with interpreting(), pytest.raises(ValueError, match=message):
        jg.jit(program)(2, 2)


REFUSED = {
    "taking while": (lambda x: sum(itertools.takewhile(lambda v: v < 1, x)), "itertools.takewhile of values .* write a loop"),
    "two firsts": (
        lambda x: [next(g) + next(g) for g in [(v for v in x if v > 0)]],
        "an iterator is used again after a part of its items was taken from it at .*, and how many those are is not followed",
    ),
    "keys of a dict": (lambda x: dict.fromkeys(x, 1), "is the key of a dict or an item of a set"),
    "items of a set": (lambda x: len(set(x)), "is the key of a dict or an item of a set"),
    "bits": (lambda x: int(x[0]).bit_length(), r"the method .bit_length\(\) of a value of type int64\(\)"),
    "random numbers": (lambda x: x + random.random(), "random numbers drawn by Random.random while tracing"),
    "uniform numbers": (lambda x: x + random.uniform(0, 1), "random numbers drawn by Random.uniform while tracing"),
}


@pytest.mark.parametrize(("program", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(program: Callable[..., Any], message: str) -> None:
    with interpreting(), pytest.raises(UnsupportedError, match=message):
        jg.jit(program)(X)


def test_large_integers() -> None:
    with (
        interpreting(),
        pytest.raises(OverflowError, match=r"does not fit into the 64 bits .* write np.uint64\(18446744073709551615\)"),
    ):
        jg.jit(lambda n: n & 0xFFFFFFFFFFFFFFFF)(1)


def nodes(tree: list[Any]) -> Any:
    """Numbers in nested lists, and how what is no list is called."""
    names = {float: "float", tuple: "tuple"}
    for node in tree:
        if isinstance(node, list):
            yield from nodes(node)
        elif type(node) is tuple or type(node) in (int, dict):
            yield float(len(names.get(type(node), "other")))
        elif issubclass(type(node), (np.floating, float)):
            yield np.sum(np.full(2, node, dtype=float)) + node.astype(np.float32) if isinstance(node, np.generic) else node * 3


def test_generators_ask_for_classes() -> None:
    def program(x: Any) -> Any:
        return [v * 2.0 for v in nodes([x[0], [x[1], [(1, 2)]], 3, 0.5])]

    x = np.array([1.5, 2.5])
    with interpreting():
        np.testing.assert_array_equal(jg.jit(program)(x), program(x))
