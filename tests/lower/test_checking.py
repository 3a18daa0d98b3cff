"""Positions that go evenly through a loop are looked at before it; every error and every number stays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg


def shifted(x: Any, y: Any, k: int) -> Any:
    for i in range(len(y)):
        y[i] += x[i + k]
    return y


def backwards(x: Any, y: Any, k: int) -> Any:
    for i in range(len(y) - 1, -1, -1):
        y[i] += x[k - i]
    return y


def strided(x: Any, y: Any, k: int) -> Any:
    for i in range(len(y)):
        y[i] += x[i * k] * x[k]
    return y


def outcome(function: Callable[..., Any], n: int, m: int, k: int) -> Any:
    try:
        return function(np.arange(float(n)), np.ones(m), k)
    except IndexError:
        return "error"


@pytest.mark.parametrize("function", [shifted, backwards, strided])
def test_numbers_and_errors_are_the_same(function: Callable[..., Any]) -> None:
    compiled = jg.jit(function)
    assert "inside" in str(jg.source(compiled, np.ones(3), np.ones(3), 1))
    for n, m in ((6, 3), (3, 3), (1, 1), (4, 0), (9, 2)):
        for k in range(-n - 3, n + 3):
            np.testing.assert_array_equal(outcome(compiled, n, m, k), outcome(function, n, m, k), err_msg=f"{n} {m} {k}")


def waits(x: Any, y: Any, k: int) -> Any:
    """A sum cannot be vectorised."""
    total = 0.0
    for i in range(len(y)):
        total += x[i + k]
    return total


def jumps(x: Any, y: Any, k: int) -> Any:
    """Positions that do not go evenly."""
    for i in range(len(y)):
        y[i] += x[i * i - k]
    return y


@pytest.mark.parametrize("function", [waits, jumps])
def test_other_loops_are_left_alone(function: Callable[..., Any]) -> None:
    assert "inside" not in str(jg.source(jg.jit(function), np.ones(3), np.ones(3), 1))
