"""Lists of lists, and dicts of lists, of which only the run knows which one becomes longer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_alike
from interpreted import interpreting

import jitgrad as jg

EDGES = np.array([[0, 1], [2, 3], [1, 3], [3, 5]])
X = np.array([0.3, -1.5, 0.8, 2.0, 1.1, 0.5])
KEYS = np.array([1, 3, 1, 2, 3, 3])


def neighbours(edges, n):
    found = [[] for _ in range(n)]
    for a, b in edges:
        found[a].append(b)
        found[b].append(a)
    return found


def distances(n):
    near, distance, queue = neighbours(EDGES, n), [-1] * n, [0]
    distance[0] = 0
    while queue:
        u = queue.pop(0)
        for v in near[u]:
            if distance[v] < 0:
                distance[v] = distance[u] + 1
                queue.append(v)
    return distance, near, [len(each) for each in near]


def sizes_of_trees(n):
    parents, children, size = np.array([-1, 0, 0, 1, 1, 2]), [[] for _ in range(n)], [1] * n
    for i in range(1, n):
        children[int(parents[i])].append(i)
    for i in range(n - 1, -1, -1):
        for c in children[i]:
            size[i] += size[c]
    return size, max(len(each) for each in children)


def sorted_in_buckets(n):
    buckets, found = [[] for _ in range(n)], []
    for v in X:
        buckets[int((v + 2) / 4.1 * n)].append(v)
    for bucket in buckets:
        found.extend(sorted(bucket))
    return found, isinstance(buckets, list)


def means(n):
    points = np.array([[v, v * v] for v in X])
    centres = [points[0], points[3]]
    for _ in range(3):
        groups = [[] for _ in range(2)]
        for p in points:
            distance = [np.sum((p - c) ** 2) for c in centres]
            groups[distance.index(min(distance))].append(p)
        centres = [np.mean(group, axis=0) if group else c for group, c in zip(groups, centres)]
    return centres


def grouped(n):
    groups, more, others = {}, defaultdict(list), {}
    for k, v in zip(KEYS, X):
        if k not in groups:
            groups[k] = []
        groups[k].append(v)
        more[k].append((v, k))
        if k in others and len(others[k]) > 1:
            others[k] = [v]
        else:
            others.setdefault(k, []).append(v)
    averages = {k: sum(v) / len(v) for k, v in groups.items()}
    return list(averages.items()), groups[1], groups[3][0], list(groups), list(others.items()), [max(v) for v in more.values()]


@pytest.mark.parametrize("program", [distances, sizes_of_trees, sorted_in_buckets, means, grouped])
def test_gives_what_python_gives(program: Callable[..., Any]) -> None:
    with interpreting():
        assert_alike(jg.jit(program)(np.int64(6)), program(6))


def squares_of_means(x):
    groups = {}
    for k, v in zip(KEYS, x):
        groups.setdefault(k, []).append(v)
    return sum(np.mean(groups[k]) ** 2 for k in groups)


def test_compiled_with_its_gradient() -> None:
    value, found = jg.value_and_grad(squares_of_means)(X)
    of = {k: X[k == KEYS] for k in KEYS}
    np.testing.assert_allclose(value, sum(v.mean() ** 2 for v in of.values()))
    np.testing.assert_allclose(found, [2 * of[k].mean() / len(of[k]) for k in KEYS])
    near = jg.jit(neighbours)(EDGES, np.int64(6))
    assert near == neighbours(EDGES.tolist(), 6)


def test_a_list_that_becomes_longer_while_a_loop_goes_through_it_is_refused() -> None:
    def program(x):
        lists = [[] for _ in range(4)]
        lists[int(x)].append(1)
        for v in lists[int(x)]:
            if v < 5:
                lists[int(x)].append(v + 1)
        return len(lists[int(x)])

    with interpreting(), pytest.raises(NotImplementedError):
        jg.jit(program)(2.5)
