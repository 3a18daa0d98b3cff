"""Comprehensions and generator expressions over many items, or under conditions that only the run knows, next to plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import same
from interpreted import interpreting

import jitgrad as jg

x3 = np.array([0.3, 0.7, 1.2])


def in_a_loop(x, n):
    total = 0.0
    for v in (x[i % 3] * i for i in range(n) if i > 3):
        total = total + v
    return total


def numbered(x, n):
    total = 0.0
    for k, v in enumerate(x[i % 3] * i for i in range(n)):
        total = total + v * k
    return total


def left(x, n):
    total = 0.0
    for v in (x[i % 3] * j for i in range(n) for j in range(i)):
        if v > 4:
            break
        total = total + v
    return total


def of_lists(x, n):
    big = [v for v in x if v > 0.5]
    return [v * 2 for v in big if v > 1], len(big), [k for k, v in enumerate(x) if v > 0.5]


def conditions_that_bind(x, n):
    """What the condition of an item binds or changes is seen by its element and by the next condition."""
    seen: set = set()
    once = [k for k in (1, 2, 1, 3, 2) if not (k in seen or seen.add(k))]
    return (
        once,
        [y for v in x if (y := v * n) > 3],
        [y for k in range(n) if (y := x[k % 3] * k) > 1],
        [z for k in (1, 2, 3) if (z := k * k) > 1],
    )


PROGRAMS: list[Callable[[np.ndarray, int], Any]] = [
    in_a_loop,
    numbered,
    left,
    of_lists,
    conditions_that_bind,
    lambda x, n: [v for k, v in enumerate(zip(x[:3], (1, 2, 3), strict=True)) if k != 1],
    lambda x, n: [(i, v) for i, v in np.ndenumerate(x)],
    lambda x, n: [v * 2 for v in x if v > 0.5],
    lambda x, n: np.sum([v * 2 for v in x if v > 0.5]),
    lambda x, n: [x[0] * i + j for i in range(n) for j in range(i)],
    lambda x, n: [x[0] * i * j for i in range(n) for j in range(n) if i != j if j % 2 == 0],
    lambda x, n: [x[i % 3] for i in range(n) if i % 2 == 0],
    lambda x, n: [v for v in [x[0], x[1] * 2, x[2]] if v > 1],
    lambda x, n: [[v * i for v in x] for i in range(n) if i > 2],
    lambda x, n: np.array([v for i in range(n) for v in (x[0] * i, x[1])]),
    lambda x, n: sum(x[0] * i * j for i in range(n) for j in range(n)),
    lambda x, n: sum(x[i] * v for i, v in enumerate(x) for k in range(n) if k != i),
    lambda x, n: max(x[i % 3] * i for i in range(n) if i > 2),
    lambda x, n: min(x[i % 3] * (j - 2) for i in range(n) for j in range(n)),
    lambda x, n: sorted(x[i % 3] * i for i in range(n) if i > 2),
    lambda x, n: (any(x[0] * i * j > 8 for i in range(n) for j in range(i)), all(v > 0 for v in x if v > 0.5)),
    lambda x, n: list(x[i % 3] for i in range(n) if i > 3),  # noqa: C400 (what list makes of it)
    lambda x, n: list(enumerate(x[i % 3] for i in range(n))),
    lambda x, n: [a + b for a, b in zip((x[i % 3] for i in range(n)), range(n), strict=True)],
    lambda x, n: [v for v in x if v > 10],
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_comprehensions(program: Callable) -> None:
    with interpreting():
        compiled = jg.jit(program)
        for n in (7, 5):
            same(compiled(x3, n), program(x3, n))
    assert repr(compiled).endswith("compiled for 1 kind of arguments>")


def test_a_range_that_ends_before_it_starts_gives_no_items() -> None:
    def program(x):
        n = int(x[0])
        made = [x[1] * i for i in range(n)]
        places = list(reversed(range(n)))
        return (
            np.array(made),
            places,
            len(made),
            sum((v * 2.0 for v in made), 0.0),
            [i + 0.5 for i in range(2, n)],
            list(enumerate(made)),
        )

    with interpreting():
        compiled = jg.jit(program)
        for n in (3.0, 0.0, -2.0):
            same(compiled(np.array([n, 2.0])), program(np.array([n, 2.0])))


def test_derivatives_go_through_comprehensions() -> None:
    def loss(x, n):
        kept = [np.sin(v) * k for k in range(n) for v in x if v * k > 1.0]
        return np.sum(kept) + sum(x[i % 3] * x[j % 3] for i in range(n) for j in range(i))

    steps = 1e-6 * np.eye(3)
    expected = [(loss(x3 + step, 5) - loss(x3 - step, 5)) / 2e-6 for step in steps]
    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(x3, 5), expected, rtol=1e-6)


def listed(x, n):
    out = []
    for k in range(n):
        out.append(x * k)
    return out


OF_LISTS: list[Callable[[list], Any]] = [
    np.stack,
    lambda out: np.stack(out, axis=1),
    lambda out: np.stack(out, -1),
    np.vstack,
    np.hstack,
    np.concatenate,
    lambda out: np.concatenate(out, axis=-1),
    lambda out: np.concatenate(out, axis=None, dtype=np.float32),
    np.column_stack,
    np.dstack,
    np.block,
    lambda out: np.block([[out], [out]]),
    lambda out: out[::-1],
    lambda out: out[1:],
    lambda out: [a + b for a, b in zip(out[1:], out[:-1], strict=True)],
    lambda out: list(out),
    lambda out: out.copy(),
    lambda out: (out.pop(), out, len(out)),
]


@pytest.mark.parametrize("function", OF_LISTS)
@pytest.mark.parametrize("item", [1.5, x3, np.outer(x3, x3), np.ones((2, 1, 3))], ids=["0-d", "1-d", "2-d", "3-d"])
def test_functions_of_a_list_of_many_items(function: Callable, item: Any) -> None:
    def program(x, n):
        return function(listed(x, n))

    with interpreting():
        try:
            expected = program(item, 4)
        except ValueError as error:
            with pytest.raises(ValueError, match=str(error)):
                jg.jit(program)(item, 4)
        else:
            same(jg.jit(program)(item, 4), expected)


def test_an_empty_list_is_an_error_at_run_time() -> None:
    with interpreting():
        with pytest.raises(ValueError, match="need at least one array"):
            jg.jit(lambda x, n: np.stack(listed(x, n)))(x3, 0)
        with pytest.raises(IndexError, match="pop from empty list"):
            jg.jit(lambda x, n: listed(x, n).pop())(x3, 0)


def test_items_as_long_as_values_say() -> None:
    """Parts of an array between positions that are values: a list of so many, where their number is known, else refused in words."""

    def parts(x, starts, stops):
        return np.array([part.sum() for part in [x[a:b] for a, b in zip(starts, stops, strict=True)]])

    def windows(x, starts):
        return np.array([x[a : a + 3] for a in starts])

    def around_peaks(x):
        return np.array([x[a : a + 2] for a in np.where(x > 0)[0]])

    x, starts = np.random.default_rng(0).normal(size=12), np.array([1, 9, 4])
    with interpreting():
        np.testing.assert_array_equal(jg.jit(windows)(x, starts), windows(x, starts))
        np.testing.assert_allclose(
            jg.jit(parts)(x, starts, starts + np.array([2, 0, 9])), parts(x, starts, starts + np.array([2, 0, 9])), rtol=1e-14
        )
        with pytest.raises(NotImplementedError, match=r"have sizes that depend on values .* take them with one index"):
            jg.jit(around_peaks)(x)
