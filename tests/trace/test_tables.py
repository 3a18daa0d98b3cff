"""Dicts whose keys only the run knows."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_alike
from interpreted import interpreting

import jitgrad as jg

KEYS = np.array([1, 3, 1, 2, 3, 3])
X = np.array([0.3, -1.5, 0.8, 2.0, 1.1, 0.5])


def counted(keys, x):
    counts = {}
    for k in keys:
        counts[k] = counts.get(k, 0) + 1
    return counts


def summed(keys, x):
    sums = defaultdict(float)
    for k, v in zip(keys, x):
        sums[k] += v
    best = max(sums, key=sums.get)
    in_order = sorted(sums.items(), key=lambda pair: -pair[1])
    return best, sums[best], in_order, sorted(sums.items()), min(sums.values()), list(sums), len(sums), 99 in sums


def most_common(keys, x):
    counts, more = Counter(keys), Counter()
    for k in keys:
        more.update([k, k + 1])
        more[0] += 1
    return counts.most_common(2), counts.total(), counts[99], more, isinstance(more, dict), type(counts) is Counter


def taken_out(keys, x):
    left = {}
    for i, k in enumerate(keys):
        if k in left and x[i] > 0.6:
            del left[k]
        else:
            left[k] = left.setdefault(-k, i)
    return left, left.pop(-1), left.pop(77, -5), bool(left)


def of_pairs(keys, x):
    first = dict(zip(keys, x))
    second = {k: k * 2 for k in first if k > 1}
    third = OrderedDict(first)
    third.update(second)
    copy = third.copy()
    copy.clear()
    return first, second, third, copy, list(third.items()), list(third.keys())


def of_several_numbers(keys, x):
    cells = {}
    for i in range(len(keys) - 1):
        pair = (keys[i] % 2, int(x[i] // 1))
        n, total = cells.get(pair, (0, 0.0))
        cells[pair] = (n + 1, total + x[i] * x[i + 1])
    return cells, [(pair, total / n) for pair, (n, total) in cells.items()]


class Store:
    def __init__(self):
        self.known = {}
        self.hits = 0

    def square(self, n):
        if n in self.known:
            self.hits += 1
            return self.known[n]
        self.known[n] = n * n + 1
        return self.known[n]


def remembered(keys, x):
    store, total = Store(), 0
    for k in keys:
        total += store.square(k)
    return total, store.hits, store.known


def steps_to_one(keys, x):
    memory, total = {}, 0.0
    for start in range(1, len(keys) + 5):
        m, steps = start, 0
        while m != 1 and m not in memory:
            m = m // 2 if m % 2 == 0 else 3 * m + 1
            steps += 1
        memory[start] = steps + (memory[m] if m != 1 else 0)
        total += memory[start] * x[0]
    return total, len(memory)


def first_seen_twice(keys, x):
    seen = {}
    for i, k in enumerate(keys):
        if k in seen:
            return i, seen[k]
        seen[k] = i
    return -1, -1


def begun(keys, x):
    counts = {0: 0, 1: 10}
    k = int(x[3])
    if x[0] > 2.0:
        x = x + counts[k]
    counts[k] = 1
    counts[1] += 1
    return counts, x


def of_arrays(keys, x):
    table = {}
    for k, v in zip(keys, x):
        table[k] = np.array([v, v * v])
    return table


def nested(keys, x):
    tables = {"all": {}, "positive": {}}
    for k, v in zip(keys, x):
        tables["all"][k] = v
        if v > 0:
            tables["positive"][k] = -v
    return tables


PROGRAMS = [
    counted, summed, most_common, taken_out, of_pairs, of_several_numbers, remembered, steps_to_one, first_seen_twice, begun, of_arrays, nested
]  # fmt: skip


def as_pairs(value: Any) -> Any:
    """A result whose dicts are lists of pairs, in their order."""
    if isinstance(value, dict):
        return [(k, as_pairs(v)) for k, v in value.items() if not isinstance(k, str)] or list(map(as_pairs, value.values()))
    return type(value)(map(as_pairs, value)) if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("program", PROGRAMS)
def test_gives_what_python_gives(program: Callable[..., Any]) -> None:
    with interpreting():
        assert_alike(as_pairs(jg.jit(program)(KEYS, X)), as_pairs(program(KEYS, X)))


def test_compiled() -> None:
    rng = np.random.default_rng(0)
    compiled = jg.jit(counted)
    for n in (10, 200):
        keys = rng.integers(-5, 9, n)
        found, expected = compiled(keys, X), counted(keys, X)
        assert list(found.items()) == list(expected.items())
        assert all(isinstance(k, np.int64) and type(v) is int for k, v in found.items())


def squares_by_key(keys, x):
    sums = {}
    for k, v in zip(keys, x):
        sums[k] = sums.get(k, 0.0) + v
    return sum(v**2 for v in sums.values())


def test_gradient_through_the_values() -> None:
    with interpreting():
        found = jg.grad(squares_by_key, 1)(KEYS, X)
    sums = {k: X[k == KEYS].sum() for k in KEYS}
    np.testing.assert_allclose(found, [2 * sums[k] for k in KEYS])


def test_a_key_that_is_not_there_is_an_error_of_the_run() -> None:
    def program(keys, key):
        table = {}
        for k in keys:
            table[k] = 1
        return table[key]

    def handled(keys, key):
        try:
            return program(keys, key)
        except KeyError:
            return -1

    with interpreting():
        assert jg.jit(program)(KEYS, np.int64(3)) == 1
        with pytest.raises(KeyError):
            jg.jit(program)(KEYS, np.int64(99))
        assert jg.jit(handled)(KEYS, np.int64(99)) == -1
        assert jg.jit(handled)(KEYS, np.int64(2)) == 1


def shown(keys, x):
    return f"{counted(keys, x)}"


def test_a_table_is_not_shown() -> None:
    with interpreting(), pytest.raises(NotImplementedError):
        jg.jit(shown)(KEYS, X)
