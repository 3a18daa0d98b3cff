"""The module ``heapq`` in programs whose numbers only the run knows, next to plain Python: values, lists, derivatives, errors."""

from __future__ import annotations

import heapq
from heapq import heappop, heappush
from typing import Any

import numpy as np
import pytest
from alike import same, same_slope
from interpreted import interpreting

import jitgrad as jg

RNG = np.random.default_rng(3)
LENGTHS = RNG.random((5, 5)) + 0.1


def shortest_paths(x):
    """Dijkstra's algorithm."""
    distance = [float("inf")] * len(LENGTHS)
    distance[0] = 0.0
    heap = [(0.0, 0)]
    while heap:
        d, v = heappop(heap)
        if d > distance[v]:
            continue
        for w in range(len(LENGTHS)):
            through = d + x * LENGTHS[v, w]
            if through < distance[w]:
                distance[w] = through
                heappush(heap, (through, w))
    return np.array(distance)


def huffman(x):
    heap = [x * v for v in LENGTHS[0]]
    heapq.heapify(heap)
    cost = 0.0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        cost += both
        heapq.heappush(heap, both)
    return cost


def largest(x):
    heap = []
    for v in LENGTHS.ravel():
        if len(heap) < 4:
            heapq.heappush(heap, np.sin(x * v))
        elif np.sin(x * v) > heap[0]:
            heapq.heapreplace(heap, np.sin(x * v))
    return np.array(heap)


def kept(x):
    heap = [0.1 * x, 0.2, 0.3]
    out = []
    for v in LENGTHS[1]:
        out.append(heapq.heappushpop(heap, x * v))
    return np.array(out), heap


def first_and_last(x):
    values = x * LENGTHS.ravel()
    return np.array(heapq.nlargest(3, values) + heapq.nsmallest(2, values)), heapq.nsmallest(
        2, range(9), key=lambda k: values[k]
    )


def with_ties(x):
    """What compares equal comes in Python's order."""
    heap, out = [], []
    for k in range(8):
        heappush(heap, (float(k % 2), -k, x * k))
    while heap:
        out.append(heappop(heap)[2])
    return np.array(out)


LONG = [pytest.param(program, marks=pytest.mark.slow) for program in (shortest_paths, largest)]
PROGRAMS = [huffman, kept, first_and_last, with_ties, *LONG]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_gives_what_python_gives(program: Any) -> None:
    with interpreting():
        same(jg.jit(program)(0.7), program(0.7))
    same_slope(program, 0.7)


@pytest.mark.slow
def test_the_kernels_do_what_the_interpreter_does() -> None:
    same(jg.jit(huffman)(0.7), huffman(0.7))


def test_the_list_has_the_items_in_pythons_places() -> None:
    def places(x):
        heap = list(x)
        heapq.heapify(heap)
        heapq.heappush(heap, x[2])
        heapq.heappop(heap)
        return heap

    for values in (RNG.integers(0, 4, 9).astype(float), np.array([2.0, np.nan, 1.0, np.inf, np.nan, -0.0, 0.0, -np.inf, 3.0])):
        with interpreting():
            np.testing.assert_array_equal(jg.jit(places)(values), places(values))


def test_an_empty_heap_is_an_error_of_the_run() -> None:
    def emptied(x):
        heap = [x, 2.0 * x]
        while x > 0.0:
            x -= heappop(heap)
        return x

    with interpreting():
        assert jg.jit(emptied)(1.0) == emptied(1.0)
        with pytest.raises(IndexError):
            jg.jit(emptied_after)(3)


def emptied_after(n):
    heap = []
    for k in range(n):
        heappush(heap, k)
    for _ in range(n + 1):
        heappop(heap)
    return len(heap)
