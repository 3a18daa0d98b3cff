"""Sets that loops fill with what only the run knows, and membership in lists of tuples, next to plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import same_slope
from interpreted import interpreting

import jitgrad as jg

RNG = np.random.default_rng(8)
EDGES = RNG.random((7, 7)) < 0.35
MAZE = RNG.random((4, 5)) < 0.3
KINDS = np.array([2, 0, 1, 1, 4, 0, 3, 2, 1])


def depth_first(x):
    visited, stack, total = set(), [0], 0.0
    while stack:
        v = stack.pop()
        if v in visited:
            continue
        visited.add(v)
        total += np.sin(x * v) * len(visited)
        for w in range(len(EDGES)):
            if EDGES[v, w] and w not in visited:
                stack.append(w)
    return total, visited


def cells(x):
    """Cells of a maze that are reached, as pairs."""
    seen, waiting, total = {(0, 0)}, [(0, 0)], 0.0
    while waiting:
        i, j = waiting.pop(0)
        total += x * i + x * x * j
        for k in range(4):
            di, dj = [(0, 1), (1, 0), (0, -1), (-1, 0)][k]
            cell = i + di, j + dj
            if 0 <= cell[0] < 4 and 0 <= cell[1] < 5 and not MAZE[cell] and cell not in seen:
                seen.add(cell)
                waiting.append(cell)
    return total, seen


def first_of_each(x):
    seen, total = set(), 0.0
    for k in KINDS:
        if k not in seen:
            seen.add(int(k))
            total += x**k
        if k == 4:
            seen.discard(1)
            seen.discard(7)
    return total + max(seen) + sum(seen) + sorted(seen)[1], seen


def in_a_short_loop(x):
    seen, total = set(), 0.0
    for k in range(4):
        if int(3 * x * k) % 3 not in seen:
            total += x * k
        seen.add(int(3 * x * k) % 3)
    return total, seen


LONG = pytest.param(cells, marks=pytest.mark.slow)


@pytest.mark.parametrize("program", [depth_first, first_of_each, in_a_short_loop, LONG], ids=lambda p: p.__name__)
def test_gives_what_python_gives(program: Any) -> None:
    with interpreting():
        found, expected = jg.jit(program)(0.7), program(0.7)
    assert found[0] == pytest.approx(expected[0], rel=1e-12)
    assert found[1] == expected[1]
    assert type(found[1]) is set
    same_slope(program, 0.7)


def test_a_tuple_is_in_a_list_where_all_of_it_is() -> None:
    def among(values, a, b):
        pairs = [(v, 2 * v) for v in values]
        grown = []
        for v in values:
            if v > 1:
                grown.append((v, 2 * v))
        return (a, b) in pairs, (a, b) in grown, (a, b, 1) in pairs

    with interpreting():
        compiled = jg.jit(among)
        for a, b in ((1, 2), (2, 4), (1, 4), (5, 6)):
            assert compiled(np.arange(3), a, b) == among(np.arange(3), a, b)


def filled(values):
    seen = set()
    for v in values:
        seen.add(int(v))
    return seen


def gone_through(values):
    return [3 * v for v in filled(values)]


def compared(values):
    return filled(values) == {1, 2}


@pytest.mark.parametrize(
    ("program", "words"),
    [(gone_through, "in an order that is not followed"), (compared, "compared, added or repeated as a whole")],
)
def test_what_is_not_followed_is_refused_in_words(program: Any, words: str) -> None:
    with interpreting(), pytest.raises(NotImplementedError, match=words):
        jg.jit(program)(KINDS)
