"""Lists, sorting and choosing over the items of arrays: traced programs next to plain Python, with the types that it gives."""

# ruff: noqa: C416

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

x = np.array([0.3, -1.5, 0.8, 2.25, -0.4])
A = np.linspace(-1, 2, 12).reshape(4, 3)


def added(x):
    return [2 * v for v in x] + [0.0]


def repeated(x):
    return [2 * v for v in x] * 2


def joined(x):
    return np.array([v for v in x] + [v * v for v in x])


def negated(x):
    try:
        return -[v for v in x]
    except TypeError:
        return x


def extended(x):
    items = [v + 1 for v in x]
    items += [1.0]
    items.append(x[0])
    items.insert(0, 3.0)
    last = items.pop()
    items.reverse()
    del items[1]
    return items, last, len(items)


def assigned(x):
    items = [v * 2 for v in x]
    items[0] = 5.0
    items[-1], items[1] = items[1], items[-1]
    return items, sum(items), items[1:3], items[-1]


def filled_in_a_loop(x, n):
    items = [0.0 for _ in range(n)]
    for k in range(1, n):
        items[k] = items[k - 1] + x[k % 5] ** 2
    return items, sum(items)


def started_with_integers(x):
    items = [0 for _ in x]
    for k in range(len(x)):
        items[k] = x[k] * 0.5
    return sum(items)


def made_anew_in_a_loop(x):
    items = [v for v in x]
    for _ in range(3):
        items = [0.5 * v + 1 for v in items]
    return items


def made_in_branches(x):
    items = [v for v in x] if x[0] > 0 else [2 * v for v in x]
    return sum(items), max(items)


def rows(a):
    items = [np.sin(r) for r in a]
    items[0] = np.zeros(3)
    for r in items:
        r += 1
    return np.stack(items), np.concatenate(items), items[1], np.array(items)


def row_of_another_length(a):
    items = [r * 2 for r in a]
    items[0] = np.zeros(7)
    return len(items[0]), items[1]


def pairs(x):
    items = [(v, v**2) for v in x]
    first, second = zip(*items, strict=True)
    total = 0.0
    for a, b in items:
        total += a * b
    return np.array(items), sum(first) + sum(second), [(*p, 1.0) for p in items], total


def records(x):
    items = [{"value": v, "twice": 2 * v} for v in x]
    return sum(r["value"] * r["twice"] for r in items), items


def nested(x):
    return np.array([[a * b for a in x] for b in x]), [[a + b for a in x] for b in x[:2]]


def numbers(x):
    items = [0.5 for _ in x]
    return x.astype(np.float32) * items[1], items, sum(items), len(items), max(items)


def seen_as_an_array(x):
    items = [v * 2 for v in x]
    other = np.asarray(items)
    other[0] = 100.0
    chosen = x[[k for k in range(len(x))]]
    return items + x, x * items, np.dot(items, x), np.add(items, 1), items[0], other, chosen, np.outer(items, items)


def walked_over(x):
    items = [v * 2 for v in x]
    found = [v for v in reversed(items)], list(items), tuple(items), items.copy()
    return (
        found,
        sum(k * v for k, v in enumerate(items)),
        sum(a * b for a, b in zip(items, x, strict=True)),
        isinstance(items, list),
    )


def truths(x):
    items = [v > 0 for v in x]
    return any(items), all(items), any(v > 1 for v in x), all([x[0] > 0, x[1] < 0]), bool(items)


def sorted_items(x):
    by_size = sorted([v for v in x], key=abs, reverse=True)
    return sorted(x), sorted(x, reverse=True), by_size, sorted([x[0], x[1], x[2]]), sorted([3, 1, 2])


def sorted_pairs(x):
    by_name = {"c": x[0], "a": x[1], "b": x[2]}
    largest_first = sorted([(2, x[0]), (3, x[1]), (1, x[2])], reverse=True)
    ends = sorted(by_name.items(), key=operator.itemgetter(0)), sorted(by_name, reverse=True)
    return (
        [v for _, v in sorted(by_name.items())],
        [v for _, v in largest_first],
        [v for _, v in ends[0]],
        ends[1] == ["c", "b", "a"],
    )


def sorted_rows(a):
    return sorted(a, key=lambda r: -r[0]), sorted([(a[0, 0], 1), (a[1, 1], 2)], key=lambda t: -t[0])


def extremes(x):
    return (
        max(x, key=abs),
        max((x[k] for k in range(len(x))), key=lambda v: -v),
        min([x[0], x[1]], key=abs),
        max([], default=3.0),
    )


def extremes_with_nan(x):
    y = np.where(x == x[1], np.nan, x)
    return (
        max(y), min(y), max(y[1:]), min(y[1:]), max(y[::-1]), max(y[0], y[1]), max(y[1], y[0]), min([y[1], 2.0, y[2]]),
        max(v for v in y), max([v for v in y[1:]]), max(y.astype(np.float32)), max((y > 0).astype(int)),
    )  # fmt: skip


def extremes_of_other_things(a):
    pairs = [(a[0, 0], 1.0), (a[1, 1], 2.0)]
    return max(a, key=np.sum), min(range(4), key=lambda k: a[k, 0]), max(pairs, key=lambda t: t[0]), max("ab", key=str.upper)


def rounded(x):
    return round(x[0]), round(x[0], 1), round(float(x[1]), 2), round(float(x[2])), round(np.sum(x) * 10)


def table_of_lists(a):
    n, m = a.shape
    table = [[0.0] * m for _ in range(n)]
    for i in range(n):
        for j in range(m):
            table[i][j] = a[i][j] * (i + j)
    table[1][0] += 5.0
    return np.array(table), table, [row[0] for row in table], len(table[0]), [sum(row) for row in table]


def lists_of_lists_that_grow(x):
    groups = [[v] for v in x]
    groups[0].append(x[1])
    empty = [[] for _ in x]
    empty[1].append(x[0])
    records = [{"sum": v} for v in x]
    for record in records:
        record["sum"] += 1.0
    return groups, empty, records


def arrays_in_a_list_that_change(a):
    rows = [r * 1.0 for r in a]
    first = np.zeros(3)
    rows[0] = first
    first += 2.0
    return rows[0], rows


def ranges_as_values(a):
    out = np.zeros(a.shape)
    out[:, 0] = range(len(a))
    out[0] = range(3)
    return out * a, np.add(a[0], range(3)), np.sum(range(4)), a[0] * np.array(range(3))


def mathematics(x):
    total = math.fsum(x), math.prod([x[0], 2.0]), math.prod(v + 2 for v in x), math.dist((x[0], 1.0), (0.0, x[1]))
    return total, math.isclose(x[0], x[0] + 1e-12), math.isclose(x[0], x[1]), math.isclose(x[0], 0.0, abs_tol=1.0)


PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    *((program, (x,)) for program in (
        added, repeated, joined, negated, extended, assigned, started_with_integers, made_anew_in_a_loop, made_in_branches,
        pairs, records, nested, numbers, seen_as_an_array, walked_over, truths, sorted_items, sorted_pairs, extremes, extremes_with_nan, rounded, mathematics,
        lists_of_lists_that_grow)),
    *((program, (A,)) for program in (table_of_lists, arrays_in_a_list_that_change, ranges_as_values, rows, row_of_another_length, sorted_rows, extremes_of_other_things)),
    (filled_in_a_loop, (x, 7)),
]  # fmt: skip


def assert_alike(actual: Any, expected: Any) -> None:
    """Demand the same structure and types, and the same numbers."""
    assert isinstance(actual, type(expected)), (actual, expected)  # an np.float64 may stand where Python has a float
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        actual, expected = list(actual.values()), list(expected.values())
    if isinstance(expected, (list, tuple)):
        assert len(actual) == len(expected)
        for a, b in zip(actual, expected, strict=True):
            assert_alike(a, b)
        return
    if isinstance(expected, str):
        assert actual == expected
        return
    assert np.asarray(actual).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("program", "arguments"), PROGRAMS, ids=[p.__name__ for p, _ in PROGRAMS])
def test_gives_what_python_gives(program: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with interpreting():
        compiled = jg.jit(program)
        for scale in (1.0, -0.7):
            assert_alike(compiled(arguments[0] * scale, *arguments[1:]), program(arguments[0] * scale, *arguments[1:]))


@pytest.mark.parametrize("program", [added, extended, assigned, pairs, sorted_items, extremes, rows], ids=lambda p: p.__name__)
def test_gradients(program: Callable[..., Any]) -> None:
    def loss(a):
        return sum(np.sum(np.array(part) ** 2) for part in program(a) if not isinstance(part, int))

    with interpreting():
        jg.check_grads(loss, (A if program is rows else x,), order=1)


def test_compiled_programs_return_lists() -> None:
    compiled = jg.jit(lambda v: (v.tolist(), sorted([q * 2 for q in v])))
    for y in (x, x[:2]):
        assert compiled(y) == (y.tolist(), sorted([q * 2 for q in y]))


def test_a_list_of_a_length_that_varies_is_returned_without_a_new_trace() -> None:
    with interpreting():
        compiled = jg.jit(lambda x: [v * 2 for v in x])
        for size in (5, 8, 100):
            assert compiled(np.ones(size)) == [2.0] * size
    assert repr(compiled) == "<jitgrad function, compiled for 1 kind of arguments>"


def test_a_list_made_by_a_loop_grows_in_another() -> None:
    def growing(x, n):
        items = [v for v in x]
        for _ in range(n):
            items.append(x[0])
        return items

    with interpreting():
        assert jg.jit(growing)(x, 3) == growing(x, 3)


def chunks(x, size):
    for start in range(0, len(x), size):
        yield np.sin(x[start : start + size])


def powers(x):
    value = 1.0
    while True:
        yield value
        value = value * math.cos(x)


def generators(x):
    numbers = powers(x[0])
    return sum(np.sum(part) ** 2 for part in chunks(x, 2)), [next(numbers) for _ in range(4)], list(chunks(x, 3))


@pytest.mark.parametrize("choose", [lambda a: max(a), lambda a: min(a, 2 * a)], ids=["rows", "arrays"])
def test_arrays_are_not_compared_as_wholes(choose: Callable[..., Any]) -> None:
    for run in (choose, jg.jit(choose)):
        with (
            interpreting(),
            pytest.raises(ValueError, match=r"truth value of .* array with more than one element,? is ambiguous"),
        ):
            run(A)


def test_generators_run_in_python() -> None:
    with interpreting():
        assert_alike(jg.jit(generators)(x), generators(x))
        jg.check_grads(lambda x: generators(x)[0], (x,), order=1)


def test_writes_to_parts_of_another_array_are_refused() -> None:
    def program(a):
        rows = [row for row in a]
        rows[0][0] = 5.0  # NumPy writes to the argument
        return rows[0]

    with interpreting(), pytest.raises(NotImplementedError, match="write to a copy"):
        jg.jit(program)(A)


def fibonacci(x, n):
    f = [0] * (n + 1)
    f[1] = x[0]
    for k in range(2, n + 1):
        f[k] = f[k - 1] + 0.5 * f[k - 2]
    return f[n]


def knapsack(x, n):
    best = [0] * (n + 1)
    for weight, worth in zip([2, 3, 1], x[:3] ** 2, strict=True):
        for c in range(n, weight - 1, -1):
            best[c] = max(best[c], best[c - weight] + worth)
    return best[n] + best[0]


def some_of_each(x, n):
    a, k = [0] * n, 0
    while k < n:
        a[k] = x[k % 3] if k % 2 else k
        k += 1
    return a


def under_two_names(x, n):
    a = [0] * n
    b = a
    a[0], b[2] = x[0], 7
    if x[1] > 0:
        a[1] = x[1] ** 3
    return sum(b), len(a)


@pytest.mark.parametrize("program", [fibonacci, knapsack, some_of_each, under_two_names], ids=lambda f: f.__name__)
def test_floats_take_the_place_of_integers_in_a_list_of_unknown_length(program):
    compiled = jg.jit(program)
    with interpreting():
        for x in (np.array([0.5, 1.25, -0.75]), np.array([1.5, -0.25, 2.0])):
            for n in (3, 5, 90):
                np.testing.assert_allclose(compiled(x, n), program(x, n), rtol=1e-13)
    assert len(jg.ir(program, x, 90).splitlines()) < 150


def test_integers_that_stay_in_a_list_of_known_length_stay_integers():
    def program(x):
        a = [2 * v for v in x]
        a[0] = 1
        return x[a[0]], a

    with interpreting():
        found = jg.jit(program)(np.array([0.5, 1.25, -0.75]))
    assert found[0] == 1.25
    assert found[1] == [1, 2.5, -1.5]
    assert type(found[1][0]) is int
