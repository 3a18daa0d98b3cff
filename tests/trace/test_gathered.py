"""Lists joined, sorted and gone through where only the run knows how many items pass, next to plain Python: values, slopes, laziness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import same, same_slope
from interpreted import interpreting

import jitgrad as jg

VALUES = np.random.default_rng(6).random(9)
KINDS = np.array([2, 0, 1, 1, 4, 0, 3, 2, 1])


def numbered(x, values):
    total = 0.0
    for i, v in enumerate((x * v for v in values if v > 0.5), start=1):
        total += i * v
        if total > 6.0:
            break
    return total


def numbered_lazily(x, values):
    """What the loop writes is asked by the condition later."""
    left = np.array(values)
    total = 0.0
    for i, k in enumerate(k for k in range(len(left)) if left[k] > 0.3):
        total += (i + 1) * left[k] * x
        if k + 1 < len(left):
            left[k + 1] *= 0.4
    return total, left


def extended(x, values):
    out = [1.0]
    out.extend([x * v for v in values if v > 0.5])
    out += [v * v for v in values if v < 0.3]
    out.extend(values[2:4])
    for i in range(len(values)):
        out.extend(x * values[j] * values[i] for j in range(i) if values[j] > values[i])
    out += [x]
    out.extend(out)
    return sum(out) * len(out), out


def merged(x, values):
    a, b, out = sorted(values), sorted(x * v for v in values if v > 0.2), []
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] <= b[j]:
            out.append(a[i])
            i += 1
        else:
            out.append(b[j])
            j += 1
    out += a[i:]
    out += b[j:]
    return np.array(out)


def by_tuples(x, values):
    pairs = sorted((k, x * v) for k, v in zip(KINDS, values, strict=True))
    back = sorted([(k > 1, k, x * v) for k, v in zip(KINDS, values, strict=True)], reverse=True)
    order = sorted(range(len(values)), key=lambda i: (-KINDS[i], values[i]))
    return sum(v * (i + 1) for i, (_, v) in enumerate(pairs)) + back[0][2] + 2 * back[3][2], order


def spanning_tree(x, values):
    """Kruskal's algorithm."""
    n, edges = len(values), []
    for i in range(n):
        for j in range(i + 1, n):
            edges.append((abs(values[i] - x * values[j]), i, j))
    edges.sort()
    parent = list(range(n))

    def find(u):
        while parent[u] != u:
            u = parent[u]
        return u

    total = 0.0
    for length, i, j in edges:
        a, b = find(i), find(j)
        if a != b:
            parent[a] = b
            total += length
    return total


@pytest.mark.parametrize(
    "program", [numbered, numbered_lazily, extended, merged, by_tuples, spanning_tree], ids=lambda p: p.__name__
)
def test_gives_what_python_gives(program: Any) -> None:
    with interpreting():
        same(jg.jit(program)(0.7, VALUES), program(0.7, VALUES))
    same_slope(lambda x: program(x, VALUES), 0.7)


def test_items_that_are_alike_keep_their_order() -> None:
    def ranked(keys, reverse):
        items = [(k, i) for i, k in enumerate(keys)]
        return [i for _, i in sorted(items, key=lambda item: (item[0], 0.0), reverse=reverse)]

    with interpreting():
        for reverse in (False, True):
            for keys in (KINDS.astype(float), KINDS, np.array([0.0, -0.0, 1.0, -1.0])):
                assert jg.jit(ranked, static_argnums=1)(keys, reverse) == ranked(keys, reverse)
