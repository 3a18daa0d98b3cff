"""Loops of launches, four iterations at once: which ones, and that they give the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import parse
from jitgrad.compiler.passes import eliminate_dead_code

import jitgrad as jg

JAMMED = "_by_4("


def subtract_rows(x: Any, a: Any) -> Any:
    x = x.copy()
    for i in range(len(a)):
        for k in range(i):
            x[i] -= a[i, k] * x[k]
    return x


def subtract_from_rows(x: Any, a: Any) -> Any:
    x = x.copy()
    for i in range(len(a)):
        for k in range(i + 1, len(a)):
            x[k] -= a[k, i] * x[i]
    return x


def subtract_backwards(x: Any, a: Any) -> Any:
    x = x.copy()
    for i in range(len(a)):
        for k in range(len(a) - 1, i, -1):
            x[i] -= a[k, i] * x[k]
            a[k, i] = x[k, 0] + 2.0
    return x + a[0, 0]


def sums(x: Any, a: Any) -> Any:
    total = np.zeros(len(x))
    for i in range(len(a)):
        for k in range(len(x)):
            total[k] += a[i, k] * np.sum(x[k] * x[i])
    return total


def in_order(x: Any, a: Any) -> Any:
    """Each row needs the one before."""
    x = x.copy()
    for k in range(1, len(x)):
        x[k] -= a[k, 0] * x[k - 1] + x[0]
    return x


def overwritten(x: Any, a: Any) -> Any:
    """What is read in the driver is written by the iteration before."""
    x = x.copy()
    for k in range(1, len(x)):
        x[0] += x[0, 0] * x[k]
    return x + a[0, 0]


def anywhere(x: Any, a: Any) -> Any:
    """Row i is one of those that are read."""
    x = x.copy()
    for i in range(len(x)):
        for k in range(len(x)):
            x[i] += a[i, k] * x[k]
    return x


def shifted(x: Any, a: Any) -> Any:
    """An iteration reads at one point what the one before wrote at another."""
    x = x.copy()
    for k in range(1, len(x)):
        x[0, 1:] += a[k, 0] * (x[k, 1:] + x[0, :-1])
    return x


def counted(x: Any, a: Any) -> Any:
    """What a row is multiplied by depends on the iteration before."""
    total, at = np.zeros(x.shape[1]), 1
    for k in range(len(x)):
        total += at * x[k]
        at = len(x) - 1 - at
    return total + at


def emitted(check: Any, function: Callable[..., Any], n: int, m: int) -> str:
    rng = np.random.default_rng(n)
    program = parse(str(jg.ir(jg.jit(function), jg.spec("f64[n, m]"), jg.spec("f64[n, n]"))))
    return check(eliminate_dead_code(program), rng.normal(size=(n, m)), rng.normal(size=(n, n))).source


@pytest.mark.parametrize("n", [1, 2, 4, 5, 8, 9, 11])
@pytest.mark.parametrize("function", [subtract_rows, subtract_from_rows, subtract_backwards, sums])
def test_rows_go_together(check: Any, function: Callable[..., Any], n: int) -> None:
    assert JAMMED in emitted(check, function, n, 3)


@pytest.mark.parametrize("function", [in_order, overwritten, anywhere, shifted, counted])
def test_iterations_that_wait_for_each_other_do_not(check: Any, function: Callable[..., Any]) -> None:
    assert JAMMED not in emitted(check, function, 9, 5)


def test_each_element_is_computed_as_before() -> None:
    rng = np.random.default_rng(0)
    x, a = rng.normal(size=(11, 7)), rng.normal(size=(11, 11))
    x[3, 2], x[4, 5], x[9, 1] = np.nan, np.inf, -0.0
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(jg.jit(subtract_rows)(x, a), subtract_rows(x, a))


def test_numbers_kept_for_the_gradient() -> None:
    """The loop pushes one number in each iteration, and the backward loop takes them back in order."""

    def eliminate(a: Any) -> Any:
        a = a.copy()
        for i in range(len(a) - 1):
            for k in range(i + 1, len(a)):
                a[k, i] /= a[i, i]
                a[k, i + 1 :] -= a[k, i] * a[i, i + 1 :]
        return np.sum(np.log(np.diag(a)))

    a = np.random.default_rng(1).normal(size=(11, 11)) + 20.0 * np.eye(11)
    gradient = jg.grad(eliminate)
    assert JAMMED in jg.source(gradient, a)
    np.testing.assert_allclose(gradient(a), np.linalg.inv(a).T, rtol=1e-10)
