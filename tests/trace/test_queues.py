"""``collections.deque`` in loops of the program, next to plain Python: values, derivatives, errors, and the deque itself."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest
from alike import same_slope
from interpreted import interpreting

import jitgrad as jg

RNG = np.random.default_rng(4)
EDGES = RNG.random((7, 7)) < 0.35
VALUES = RNG.random(11)


def moving_mean(x, values):
    window, out = deque(maxlen=3), []
    for v in values:
        window.append(x * v)
        out.append(sum(window) / len(window))
    return np.array(out), window


def moving_median(x, values):
    window, out = deque(), np.zeros(len(values))
    for i, v in enumerate(values):
        window.append(np.sin(x * v))
        if len(window) > 4:
            window.popleft()
        in_order = sorted(window)
        out[i] = in_order[len(in_order) // 2]
    return out, window


def breadth_first(x, values):
    distance = [-1.0] * len(EDGES)
    distance[0] = 0.0
    queue = deque([0])
    while queue:
        v = queue.popleft()
        for w in range(len(EDGES)):
            if EDGES[v, w] and distance[w] < 0:
                distance[w] = distance[v] + x * values[w]
                queue.append(w)
    return np.array(distance), len(queue)


def largest_in_windows(x, values):
    """The indices of those that may still be the largest of a window, in order."""
    candidates, out = deque(), []
    for i in range(len(values)):
        while candidates and values[candidates[-1]] <= values[i]:
            candidates.pop()
        candidates.append(i)
        if candidates[0] <= i - 3:
            candidates.popleft()
        if i >= 2:
            out.append(x * values[candidates[0]])
    return np.array(out), candidates


def delayed(x, values):
    line = deque([0.0] * 4, maxlen=4)
    y = 0.0
    for v in values:
        y = 0.5 * y + 0.3 * line[0] + v * line[-1]
        line.append(np.sin(x * v) + 0.1 * y)
        line[1] = 0.9 * line[1]
    return y, line


def at_the_left(x, values):
    recent, y = deque(maxlen=3), 0.0
    for v in values:
        recent.appendleft(x * v)
        for k, w in enumerate(recent):
            y += w / (k + 1)
    return y, recent


def turned(x, values):
    wheel, y = deque([1.0, 2.0, x]), 0.0
    for k, v in enumerate(values):
        y += v * wheel[0]
        wheel.rotate(1 if v > 0.5 else -k)
    return y, wheel


def both_ends(x, values):
    """Vertices at distance zero go to the front."""
    queue, total = deque([(0, x)]), 0.0
    while queue:
        k, v = queue.popleft()
        total += k * v
        if k < len(values) - 1:
            if values[k] < 0.5:
                queue.appendleft((k + 1, 0.5 * v))
            else:
                queue.append((k + 2, v * values[k]))
    return total, len(queue)


def extended(x, values):
    queue = deque(x * values)
    for _ in range(len(values) // 2):
        queue.extend([queue.popleft() + queue.popleft()])
    queue.extendleft(values)
    return queue[0] + queue[3] * x, queue


LONG = pytest.param(breadth_first, marks=pytest.mark.slow)
PROGRAMS = [moving_mean, moving_median, largest_in_windows, delayed, at_the_left, turned, both_ends, extended, LONG]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_gives_what_python_gives(program: Any) -> None:
    compiled = jg.jit(program)
    with interpreting():
        for values in (VALUES, VALUES[:7]):
            found, expected = compiled(0.7, values), program(0.7, values)
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
            assert type(found[1]) is type(expected[1])
            np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)
            assert getattr(found[1], "maxlen", None) == getattr(expected[1], "maxlen", None)
    same_slope(lambda x: program(x, VALUES), 0.7)


@pytest.mark.parametrize("program", [moving_mean, moving_median, delayed, at_the_left], ids=lambda p: p.__name__)
def test_one_program_serves_all_lengths(program: Any) -> None:
    assert "n" in str(jg.ir(program, jg.spec("f64[]"), jg.spec("f64[n]")))


@pytest.mark.slow
def test_the_kernels_do_what_the_interpreter_does() -> None:
    np.testing.assert_allclose(jg.jit(breadth_first)(0.7, VALUES)[0], breadth_first(0.7, VALUES)[0])


def test_an_empty_deque_gives_nothing() -> None:
    def emptied(n):
        queue = deque([1.0, 2.0])
        total = 0.0
        for _ in range(n):
            total += queue.popleft()
        return total

    with interpreting():
        assert jg.jit(emptied)(2) == 3.0
        with pytest.raises(IndexError, match="pop from an empty deque"):
            jg.jit(emptied)(3)


def test_it_is_a_deque() -> None:
    def asked(values):
        queue = deque(maxlen=4)
        for v in values:
            queue.append(v)
        return isinstance(queue, deque), isinstance(queue, list), type(queue) is deque, hasattr(queue, "sort"), queue.maxlen

    with interpreting():
        assert jg.jit(asked)(VALUES) == asked(VALUES)


def test_the_greatest_length_may_be_an_argument() -> None:
    def moving_maximum(values, length):
        window, total = deque(maxlen=length), 0.0
        for v in values:
            window.append(v)
            total += max(window)
        return total

    with interpreting():
        compiled = jg.jit(moving_maximum)
        for length in (1, 3, 20):
            assert compiled(VALUES, length) == pytest.approx(moving_maximum(VALUES, length), rel=1e-14)
