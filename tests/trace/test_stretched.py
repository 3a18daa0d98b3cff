"""Values that are numbers, or smaller arrays, on some ways through a branch or loop: Python's result, or a refusal, never another."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([1.0, -2.0, 3.0])
A = np.arange(12.0).reshape(4, 3) - 5


def used_with_arrays(x, n):
    y = x * 2 if n > 0 else 1.5
    z = np.zeros(3)
    z[:] = y
    z += y
    return np.sum(x * y), x + abs(y) * 2.0, np.where(x > y, x, y), z


def summed_up(x, n):
    total, product = 0.0, 1
    for i in range(n + 1):
        total += x * i
        product = product * x
    return total, product, np.sum(total)


def reset_in_some_iterations(x, n):
    total = np.zeros(3)
    for i in range(n):
        if x[i] > 0:
            step = x * 2
        else:
            step = 0.0
        total = total - 0.1 * step
    return total


def item_that_becomes_an_array(x, n):
    state = {"total": 0.0}
    for i in range(n + 1):
        state["total"] = state["total"] + x * i
    return state["total"]


@pytest.mark.parametrize("program", [used_with_arrays, summed_up, reset_in_some_iterations, item_that_becomes_an_array])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_element_by_element_it_does_not_matter(program: Callable[..., Any], n: int) -> None:
    with interpreting():
        found, expected = jg.jit(program)(X, n), program(X, n)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def sum_of_branches(x, n):
    y = 1.0
    if n > 0:
        y = x
    return np.sum(y)


def sum_of_an_expression(x, n):
    return np.mean((x if n > 0 else 0.5) * 2)


def one_row_or_all(x, n):
    y = np.outer(x, x) if n > 0 else x
    return y.sum(axis=0)


def array_of_size_one(x, n):
    y = np.ones(1)
    if n > 0:
        y = x
    return len(y)


def product_in_a_loop(x, n):
    y = 1.0
    for _ in range(n):
        y = np.dot(y, x)
    return y


def number_of_the_first_iteration(x, n):
    y, total = 1.0, 0.0
    for _ in range(n):
        total = total + np.sum(y)
        y = y * x
    return total


def smaller_after_the_loop(x, n):
    y = x
    for i in range(n):
        y = np.ones(1) * i
    return y.sum()


def returned(x, n):
    if n > 0:
        return x
    return 0.0


def written_to(x, n):
    y = np.zeros(3) if n > 0 else np.zeros(1)
    y[0] = 2.0
    return np.sum(y * x)


OF_SOME_SHAPE = [
    sum_of_branches, sum_of_an_expression, one_row_or_all, array_of_size_one, product_in_a_loop, number_of_the_first_iteration,
    returned, written_to,
]  # fmt: skip


@pytest.mark.parametrize("program", [*OF_SOME_SHAPE, smaller_after_the_loop])
def test_what_depends_on_the_shape_is_refused(program: Callable[..., Any]) -> None:
    with interpreting(), pytest.raises(UnsupportedError, match="give it one shape on all of them"):
        jg.jit(program)(X, np.int64(0))


@pytest.mark.parametrize("program", OF_SOME_SHAPE)
def test_python_integers_that_decide_the_shape_are_parts_of_the_program(program: Callable[..., Any]) -> None:
    compiled = jg.jit(program)
    with interpreting():
        for n in (1, 2, 1):
            np.testing.assert_allclose(compiled(X, n), program(X, n), rtol=1e-14, strict=True)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_loops_on_shapes_are_followed_shape_by_shape(size: int) -> None:
    def halved(y):
        while len(y) > 1:
            half = len(y) // 2
            y = np.concatenate([y[:half] + y[half : 2 * half], y[2 * half :]])
        return y[0]

    with interpreting():
        assert jg.jit(halved)(np.arange(float(size))) == halved(np.arange(float(size)))


def test_gradient() -> None:
    def loss(a):
        total = 0.0
        for row in a:
            if row[0] > 0:
                g = row * 2
            else:
                g = 0.5
            total = total + g * row
        return np.sum(total)

    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(A), np.where(A[:, :1] > 0, 4 * A, 0.5))
