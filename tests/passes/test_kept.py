"""The gradient of a search goes through what it kept alone, and is the same as through all it looked at."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import parse
from jitgrad.compiler.passes import compute_what_is_kept

import jitgrad as jg


def nearest(x: Any, y: Any) -> Any:
    """The candidate is computed by a loop of its own; the first value is one of them."""
    best, where = (x[0] - y[0]) ** 2, 0
    for k in range(1, len(x)):
        distance = 0.0
        for j in range(len(y)):
            distance += (x[k] - y[j]) ** 2
        if distance < best:
            best, where = distance, k
    return best * (1 + where) + np.sum(y)


def pooled(x: Any, y: Any) -> Any:
    """Two loops, a branch within a branch, counted downwards."""
    largest = y[0]
    for i in range(len(x) - 1, -1, -1):
        for j in range(len(y)):
            if i != j:
                value = x[i] * y[j]
                if value > largest:
                    largest = value
    return largest


def labelled(x: Any, y: Any) -> Any:
    """Several candidates, and several values that are kept together."""
    value, other, flag = y[1], x[0], 0
    for k in range(len(x)):
        if x[k] > 0.6:
            value, other, flag = np.sin(x[k]), x[k] * y[0], 1
        elif x[k] < -0.6:
            value, other, flag = x[k] ** 2, y[0], 2
    return value * other + flag


def bounded(x: Any, y: Any) -> Any:
    """A loop of unknown length, whose candidates need a number that it carries."""
    best, k, scale = 0.5 * y[0], 0, 1
    while k < len(x):
        candidate = x[k] * scale
        if candidate > best:
            best = candidate
        if best > 1.5:
            break
        k += 1
        scale += k
    return best + scale


def chosen_row(x: Any, y: Any) -> Any:
    """An array is kept, and a number by an expression."""
    table = np.outer(x, y)
    row, most = table[0], -np.inf
    for k in range(len(x)):
        row = table[k] if x[k] > most else row
        most = max(most, x[k])
    return np.sum(row**2) * most


def runner_up(x: Any, y: Any) -> Any:
    """What is kept moves on: all iterations matter."""
    first, second = y[0], y[1]
    for k in range(len(x)):
        if x[k] > first:
            second = first
            first = x[k]
        elif x[k] > second:
            second = x[k]
    return first + 3 * second


def drawdown(x: Any, y: Any) -> Any:
    """The largest so far is read by what is added up."""
    peak, total = y[0], 0.0
    for k in range(len(x)):
        if x[k] > peak:
            peak = x[k]
        total += (peak - x[k]) ** 2
    return total


def written(x: Any, y: Any) -> Any:
    """Candidates are read from an array that the loop writes."""
    a, best = x.copy(), y[0]
    for k in range(len(x) - 1):
        if a[k] > best:
            best = a[k]
        a[k + 1] += 0.5 * best
    return best * a[-1]


def shrinking(x: Any, y: Any) -> Any:
    """The candidate is what was kept, and something else."""
    best = y[0]
    for k in range(len(x)):
        if x[k] > best:
            best = 0.5 * best + x[k]
    return best


PROGRAMS = (nearest, pooled, labelled, bounded, chosen_row, runner_up, drawdown, written, shrinking)
KEEP_ONE = (nearest, pooled, labelled, bounded, chosen_row)
WITHOUT_STACKS = (nearest, pooled, bounded)


def difference(f: Callable, x: np.ndarray, y: np.ndarray, direction: np.ndarray) -> float:
    dx, dy = direction[: len(x)], direction[len(x) :]
    return (f(x + 1e-6 * dx, y + 1e-6 * dy) - f(x - 1e-6 * dx, y - 1e-6 * dy)) / 2e-6


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients_of_searches(program: Callable) -> None:
    both = jg.value_and_grad(program, argnums=(0, 1))
    rng = np.random.default_rng(0)
    for n in (2, 3, 7):
        for _ in range(6):
            x, y, direction = rng.normal(size=n), rng.normal(size=2), rng.normal(size=n + 2)
            value, gradients = both(x, y)
            assert value == pytest.approx(program(x, y), rel=1e-14)
            assert np.concatenate(gradients) @ direction == pytest.approx(
                difference(program, x, y, direction), rel=1e-6, abs=1e-7
            )


@pytest.mark.parametrize("program", (nearest, labelled), ids=lambda f: f.__name__)
def test_second_derivatives_of_searches(program: Callable) -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 5))
    slope = jg.grad(lambda x, y, v: jg.grad(program)(x, y) @ v)
    v, d = np.random.default_rng(2).normal(size=(2, 5))
    expected = (jg.grad(program)(x + 1e-6 * d, y) - jg.grad(program)(x - 1e-6 * d, y)) @ v / 2e-6
    assert slope(x, y, v) @ d == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_nothing_kept_and_nan() -> None:
    gradient = jg.grad(nearest, argnums=(0, 1))
    x, y = np.array([0.1, np.nan, np.nan]), np.array([0.3])
    assert [g.tolist() for g in gradient(x, y)] == [[pytest.approx(-0.4), 0.0, 0.0], [pytest.approx(1.4)]]
    x, y = np.array([0.1, np.inf, 0.2]), np.array([0.3])
    assert [g.tolist() for g in gradient(x, y)] == [[0.0, 0.0, pytest.approx(-0.6)], [pytest.approx(1.6)]]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_nothing_is_saved_where_one_iteration_is_kept(program: Callable) -> None:
    arguments = np.zeros(3), np.zeros(2)
    traced = parse(jg.ir(program, *arguments))
    assert (compute_what_is_kept(traced) != traced) == (program in KEEP_ONE)
    if program in WITHOUT_STACKS:
        assert "saved" not in jg.source(jg.grad(program), *arguments)
