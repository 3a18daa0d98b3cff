"""New arrays stay unfilled where a loop gives all of their elements values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg


def elements(x: Any, y: Any) -> Any:
    """Both gradients are written once, from the last element to the first; ``y`` may be longer."""
    total = 0.0
    for i in range(len(x)):
        total += np.sin(x[i]) * y[i]
    return total


def grid(x: Any, y: Any) -> Any:
    """Rows in an outer loop, columns in an inner one, which read an element twice."""
    total = y[0]
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += x[i, j] * np.sin(x[i, j])
    return total


def columns(x: Any, y: Any) -> Any:
    """The same, the other way round, in a loop that repeats it."""
    total = y[0]
    for k in range(3):
        out = np.zeros(x.shape)
        for j in range(x.shape[1]):
            for i in range(x.shape[0]):
                out[i, j] = x[i, j] * k
        total += np.sum(out * out)
    return total


def first_half(x: Any, y: Any) -> Any:
    """What no iteration reaches is 0."""
    total = y[0]
    for i in range(len(x) // 2):
        total += x[i] ** 3
    return total


FILLED = {elements: 0, grid: 1, columns: 2, first_half: 1}  # how many arrays are filled nevertheless


def run_with_nan(source: str, name: str, arguments: tuple[Any, ...]) -> Any:
    """The emitted program as plain Python, on memory that is full of NaN."""

    def empty(shape: Any, dtype: Any) -> np.ndarray:
        return np.full(shape, np.nan, dtype) if np.dtype(dtype).kind == "f" else np.full(shape, 99, dtype)

    namespace: dict[str, Any] = {}
    exec(source.replace("from numba import njit", "njit = lambda **options: lambda function: function"), namespace)
    namespace["empty"] = empty
    return namespace[name](*arguments)


def problem(function: Callable, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (size, 3) if function in (grid, columns) else size
    return rng.normal(size=shape), rng.normal(size=size + 2)


def zeros(source: str) -> int:
    """How many arrays the driver fills with zeros."""
    return source.partition("nogil=True")[2].count(" zeros(")


@pytest.mark.parametrize("function", FILLED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_gradients_are_the_same_on_any_memory(function: Callable, size: int) -> None:
    x, y = problem(function, size)
    program = jg.value_and_grad(function, (0, 1))
    source = jg.source(program, x, y)
    assert size < 7 or zeros(source) == FILLED[function]
    value, (dx, dy) = program(x, y)
    plain = run_with_nan(source, f"value_and_grad_{function.__name__}", (x, y))
    for found, expected in zip(plain, (value, dx, dy), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(value, function(x, y), rtol=1e-12)
    directions = [np.random.default_rng(1).normal(size=v.shape) for v in (x, y)]
    ahead, behind = (function(x + h * directions[0], y + h * directions[1]) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(
        np.sum(dx * directions[0]) + np.sum(dy * directions[1]), (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-8
    )


def test_the_source() -> None:
    x, y = problem(elements, 4)
    source = jg.source(jg.grad(elements, (0, 1)), x, y)
    lines = [line.partition("  #")[0].strip() for line in source.splitlines()]
    start = lines.index("ct_y = empty(n_2, np.float64)")
    assert lines[start - 1 : start + 4] == [
        "ct_x = empty(n, np.float64)",
        "ct_y = empty(n_2, np.float64)",
        "ct_y_rest = within(ct_y, max(0, n), max(-max(0, n) + n_2, 0))",
        "clear(ct_y_rest)",
        "for i in range(n - 1, -1, -1):",
    ]
    assert "ct_x[i] = 0.0 + " in source and "ct_y[i] = 0.0 + " in source


def read_before(x: Any) -> Any:
    """An element is read before it is written."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = out[i] + x[i]
        out[i] = out[i] * 2.0
    return out


def some(x: Any) -> Any:
    """Not every iteration writes."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        if x[i] > 0:
            out[i] = x[i]
    return out


def until(x: Any) -> Any:
    """The loop may end early."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        if x[i] > 1:
            break
        out[i] = x[i]
    return out


def neighbours(x: Any) -> Any:
    """Elements are read that other iterations write."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = x[i] + out[i - 1]
    return out


def triangle(x: Any) -> Any:
    """The inner loop does not reach all elements."""
    out = np.zeros((len(x), len(x)))
    for i in range(len(x)):
        for j in range(i):
            out[i, j] = x[j]
    return out


def every_other(x: Any) -> Any:
    out = np.zeros(len(x))
    for i in range(0, len(x), 2):
        out[i] = x[i]
    return out


def diagonal(x: Any) -> Any:
    out = np.zeros((len(x), len(x)))
    for i in range(len(x)):
        out[i, i] = x[i]
    return out


@pytest.mark.parametrize(
    "function", [read_before, some, until, neighbours, triangle, every_other, diagonal], ids=lambda f: f.__name__
)
def test_other_arrays_are_filled(function: Callable) -> None:
    x = np.array([0.5, -1.0, 0.25, 2.0, 0.75])
    program = jg.jit(function)
    found = run_with_nan(jg.source(program, x), function.__name__, (x,))
    np.testing.assert_array_equal(found, function(x))
    np.testing.assert_array_equal(program(x), function(x))


def test_what_is_added_to_zero_is_not_minus_zero() -> None:
    gradient = jg.grad(elements)(np.array([0.0, 1.0]), np.array([-0.0, 2.0]))
    assert not np.signbit(gradient[0])
