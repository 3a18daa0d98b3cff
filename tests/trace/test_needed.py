"""Integer arguments whose numbers Python needs: they become parts of the program, which is traced anew for others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

A = np.arange(12.0).reshape(3, 4)


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def parts(x, n):
    return (x, x[0], np.sum(x))[n - 1] * 2


def without(x, n, m):
    items = [x * k for k in range(n)]
    del items[m:]
    return np.stack(items)


def either(x, kind):
    if kind == 0:
        return x, None
    return x * 2


def powers(x, n):
    total = {0: x, 1: x + 1}[n % 2]
    return np.linalg.matrix_power(total[:, :3], n)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (lambda x, axis: np.sum(x, axis=axis), [(A, 0), (A, 1), (A, -1), (A, 0)]),
        (lambda x, axis: np.stack([x, 2 * x], axis=axis + 1), [(A, 0), (A, 1)]),
        (lambda x, k: np.diag(x, k) + np.trace(x, k), [(A, 0), (A, -2)]),
        (lambda x, n: np.round(x / 7, n), [(A, 1), (A, 3)]),
        (lambda x, n: f"{n:03d}"[-1], [(A, 7), (A, 12)]),
        (fibonacci, [(10,), (1,)]),
        (parts, [(A, 1), (A, 3), (A, 2)]),
        (without, [(A, 4, 2), (A, 5, 2), (A, 5, 1)]),
        (either, [(A, 0), (A, 1)]),
        (powers, [(A, 2), (A, 3)]),
    ],
)
def test_numbers_that_python_needs(function: Any, arguments: list[tuple[Any, ...]]) -> None:
    compiled = jg.jit(function)
    for given in arguments:
        with interpreting():
            found, expected = compiled(*given), function(*given)
        assert type(found) is type(expected)
        if isinstance(expected, tuple):
            assert found[1] is None and expected[1] is None
            found, expected = found[0], expected[0]
        np.testing.assert_array_equal(found, expected)
    assert sum(map(len, compiled.programs.values())) == len({given[1:] if len(given) > 1 else given for given in arguments})


def test_an_int_that_python_does_not_need_stays_one_of_the_run() -> None:
    compiled = jg.jit(lambda x, axis, n: np.sum(x, axis) * n)
    with interpreting():
        for axis, n in [(0, 2), (0, 3), (1, 4), (0, 5)]:
            np.testing.assert_array_equal(compiled(A, axis, n), np.sum(A, axis) * n)
    assert [len(programs) for programs in compiled.programs.values()] == [2]


def test_gradients_of_programs_with_such_a_number() -> None:
    def loss(x, axis):
        return np.sum(np.cumsum(x, axis=axis)[1, 1] ** 2)

    slope = jg.grad(loss)
    with interpreting():
        for axis in (0, 1):
            expected = np.zeros_like(A)
            expected[(slice(0, 2), 1) if axis == 0 else (1, slice(0, 2))] = 2 * np.cumsum(A, axis=axis)[1, 1]
            np.testing.assert_allclose(slope(A, axis), expected)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (lambda x, n: (x, None)[int(x[0, 0]) + n], (A, 0)),
        (lambda x, n: np.sum(x, axis=n if x[0, 0] > 0 else 1 - n), (A, 0)),
        (lambda x, t: np.sum(x, axis=int(t)), (A, 0.0)),
    ],
)
def test_what_depends_on_more_than_ints_is_refused(function: Any, arguments: tuple[Any, ...]) -> None:
    with interpreting(), pytest.raises(NotImplementedError, match="known only when the program runs"):
        jg.jit(function)(*arguments)


def test_compiled_programs_ask_for_the_number_at_each_call() -> None:
    compiled = jg.jit(lambda x, axis: np.sum(x, axis))
    for axis in (0, 1, 0, 1, -1):
        np.testing.assert_array_equal(compiled(A, axis), np.sum(A, axis))
