"""Iterators give each item once: traced programs that use them twice, or in part, next to plain Python."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X, EMPTY = np.array([0.5, -1.5, 2.0, 0.25, -0.75]), np.array([])


def sums(items):
    return sum(items), sum(items)


def generator(x):
    return sums(v * v for v in x)


def mapped(x):
    return sums(map(abs, x))


def reversed_array(x):
    return sums(reversed(x))


def filtered_numbers(x):
    numbers = filter(None, [1.0, 0.0, x[0]] if len(x) > 9 else [1.0, 0.0, 2.0])
    return list(numbers), list(numbers)


def in_loops(x):
    pairs, total = zip(x, x * 2), 0.0
    for a, b in pairs:
        total += a * b
    for a, b in pairs:
        total += a * b
    return total


def numbered(x):
    items, total = enumerate(x, 2), 0.0
    for k, v in items:
        total += k * v
    return total, len(list(items))


def in_lists(x):
    items = (v * v for v in x)
    return list(items), list(items), max(items, default=-1.0)


def one_then_the_rest(x):
    items = iter(x)
    first = next(items, 7.0)
    return first, next(items, 8.0), sum(items), next(items, 9.0)


def generator_after_its_first(x):
    items = (2 * v for v in x)
    return next(items, 0.0), next(items, 0.0), list(items)


def in_step_with_an_array(x):
    weights, total = iter(x * 3), 0.0
    for v in x:
        total += v * next(weights)
    return total


def in_step_with_a_list(x):
    weights, total = iter([1.0, 2.0, 3.0, 4.0, 5.0]), 0.0
    for k in range(5 if len(x) else 0):
        total += x[k] * next(weights)
    return total


def moved_on_in_a_branch(x):
    items = iter(x)
    total = 0.0
    if len(x) and x[0] > 0:
        total += next(items)
    return total + sum(items)


def through_a_function(x):
    def twice(items):
        return sum(items) + sum(items)

    return twice(v * 2 for v in x)


def made_in_a_loop(x):
    total = 0.0
    for v in x:
        items = enumerate(x)
        for k, w in items:
            total += k * w * v
        for _ in items:
            total += 1000.0
    return total


def within_one_another(x):
    items = enumerate(v * 2 for v in x)
    return [k * v for k, v in items], list(items)


def some_then_the_rest(x):
    items = (v for v in x)
    return list(itertools.islice(items, 2)), list(items)


def found_among_numbers(x):
    items = (v > 1 for v in [0.5, 2.0, 3.0])
    return any(items), list(items), x


def generator_function(x):
    def halves():
        for v in x[:2]:
            yield v / 2

    items = halves()
    return sum(items), sum(items)


def counter_in_a_loop(x):
    count, total = itertools.count(), 0.0
    for v in x:
        total += v * next(count)
    return total


def left_at_a_number(x):
    numbers, found = iter([1.0, 2.0, 3.0, 4.0]), 0.0
    for v in numbers:
        if v > 1.5:
            break
        found += v
    return found, next(numbers), list(numbers), x


def left_in_a_generator(x):
    multiples = (v * (2 * k) for k, v in zip([1, 2, 3, 4], [x, x, x, x]) if k != 2)
    for _ in multiples:
        break
    return next(multiples), any(k > 2 for k in iter([1, 2])), list(multiples)


def found_through_generators(x):
    numbers = iter([1, 2, 3, 4])
    return any(k > 2 for k in (n + 1 for n in numbers)), list(numbers), x


FOLLOWED = [
    generator, mapped, reversed_array, filtered_numbers, in_loops, numbered, in_lists, one_then_the_rest, generator_after_its_first,
    in_step_with_an_array, in_step_with_a_list, moved_on_in_a_branch, through_a_function, made_in_a_loop, within_one_another,
    some_then_the_rest, found_among_numbers, generator_function,
    counter_in_a_loop, left_at_a_number, left_in_a_generator, found_through_generators,
]  # fmt: skip


@pytest.mark.parametrize("x", [X, -X, EMPTY], ids=["x", "minus x", "empty"])
@pytest.mark.parametrize("program", FOLLOWED, ids=lambda program: program.__name__)
def test_gives_what_python_gives(program: Callable[..., Any], x: np.ndarray) -> None:
    with interpreting():
        found = jg.jit(program)(x)
    assert_alike(found, program(x))


def assert_alike(found: Any, expected: Any) -> None:
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_alike(a, b)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_gradients() -> None:
    def loss(x: Any) -> Any:
        items = iter(x)
        total = next(items) ** 3
        for v in items:
            total = total + v**2
        return total + sum(items)

    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(X), [3 * X[0] ** 2, *(2 * X[1:])])


def test_an_iterator_that_has_no_more_raises() -> None:
    def program(x: Any, n: int) -> Any:
        items, total = iter(x), 0.0
        for _ in range(n):
            total += next(items)
        return total

    with interpreting():
        compiled = jg.jit(program)
        assert compiled(X, 5) == X.sum()
        with pytest.raises((StopIteration, RuntimeError)):
            compiled(X, 6)


def left_by_a_break(x):
    items, total = enumerate(x), 0.0
    for _, v in items:
        if v > 1:
            break
    for _, v in items:
        total += v
    return total


def stopped_at_an_item(x):
    items = (v > 1 for v in x)
    return any(items), sum(items)


def listed_numbers_stopped_at_an_item(x):
    items = (v > x[0] for v in [0.1, 0.2, 0.3])
    return any(items), list(items)


def found_among_the_items(x):
    items = iter(x)
    return 0.25 in items, sum(items)


def generator_in_a_branch(x):
    def ones():
        yield 1.0
        yield 2.0

    items, total = ones(), 0.0
    if x[0] > 0:
        total += next(items)
    return total + next(items)


def list_iterator_in_a_branch(x):
    items, total = iter([1.0, 2.0]), 0.0
    if x[0] > 0:
        total += next(items)
    return total + next(items)


def zip_in_a_while_loop(x):
    pairs, total = zip([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]), 0.0
    while total < x[2]:
        a, b = next(pairs)
        total += a * b
    return total


def pairs_of_one_iterator(x):
    items = iter(x)
    return sum(a * b for a, b in zip(items, items))


def list_iterator_left_by_a_break(x):
    items, total = iter([x[0], 2.0, 3.0]), 0.0
    for v in items:
        if v > 1:
            break
        total += v
    return total + next(items, 7.0)


def found_through_a_generator(x):
    items = (v * k for k, v in enumerate([x[0], x[1], 2.0, 3.0]))
    return any(2 * v > 1 for v in items), list(items)


def first_of_some_in_a_list(x):
    items = (v for v in [x[0], x[1], x[2]] if v > 0)
    return next(items), list(items)


REFUSED = [
    left_by_a_break, stopped_at_an_item, listed_numbers_stopped_at_an_item, found_among_the_items, generator_in_a_branch,
    list_iterator_in_a_branch, zip_in_a_while_loop, pairs_of_one_iterator,
    list_iterator_left_by_a_break, found_through_a_generator, first_of_some_in_a_list,
]  # fmt: skip


@pytest.mark.parametrize("program", REFUSED, ids=lambda program: program.__name__)
def test_refuses_what_only_the_run_knows(program: Callable[..., Any]) -> None:
    with interpreting(), pytest.raises(UnsupportedError, match=r"(make a list or array of the items|index an array)"):
        jg.jit(program)(X)
