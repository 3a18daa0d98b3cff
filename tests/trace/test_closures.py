"""Variables that functions assign around themselves: traced programs next to plain Python."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([1.0, -2.0, 3.0])
total_of_module = 0.0


def make_counter():
    count = 0.0

    def add(v):
        nonlocal count
        count = count + v
        return count

    return add


def made_elsewhere_and_called_in_a_loop(x):
    add = make_counter()
    for v in x:
        y = add(v)
    return y, add(0.0)


def made_elsewhere_and_called_in_branches(x):
    add = make_counter()
    if x[0] > 0:
        add(2.0)
    else:
        add(3.0)
    return add(x[0])


def called_in_comprehensions(x):
    total = 0.0

    def add(v):
        nonlocal total
        total += v * v
        return total

    return [add(v) for v in x], sum(add(v) for v in x), list(map(add, x)), total


def handed_to_another_function(x):
    calls = 0

    def f(v):
        nonlocal calls
        calls += 1
        return v * v - 2.0

    def bisect(f, low, high):
        for _ in range(20):
            middle = (low + high) / 2
            if f(middle) > 0:
                high = middle
            else:
                low = middle
        return low

    return bisect(f, 0.0, x[2]), calls


def assigned_in_comprehensions(x):
    total = 0.0
    sums = [total := total + v for v in x]
    found = any((hit := v) > 2 for v in x[::-1])
    return sums, total, found, hit


def of_two_functions(x):
    a = 0.0

    def outer(v):
        b = 1.0

        def inner(w):
            nonlocal a, b
            a = a + w
            b = b * w

        for i in range(3):
            inner(v + i)
        return b

    result = 0.0
    for v in x:
        result = result + outer(v)
    return a, result


class Layer:
    def __init__(self):
        self.calls, self.last = 0, 0.0

    def apply(self, v):
        self.calls += 1
        self.last = v
        return v * 2


def methods_in_conditional_expressions(x):
    layer = Layer()
    y = layer.apply(x[0]) if x[1] > 0 else layer.apply(x[2])
    z = x[0] > 0 and layer.apply(x[1]) > 0
    return y, layer.calls, layer.last, z


def global_in_a_loop(x):
    global total_of_module
    total_of_module = 0.0
    for v in x:
        total_of_module = total_of_module + v
    return total_of_module


PROGRAMS: list[Callable[[Any], Any]] = [
    made_elsewhere_and_called_in_a_loop, made_elsewhere_and_called_in_branches, called_in_comprehensions,
    handed_to_another_function, assigned_in_comprehensions, of_two_functions, methods_in_conditional_expressions,
    global_in_a_loop,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_gives_what_python_gives(program: Callable[[Any], Any]) -> None:
    compiled = jg.jit(program)
    with interpreting():
        for x in (X, -X, X[::-1].copy()):
            found, expected = compiled(x.copy()), program(x.copy())
            np.testing.assert_equal(_plain(found), _plain(expected))


def _plain(value: Any) -> Any:
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else np.asarray(value)


def test_gradient() -> None:
    def loss(x):
        add = make_counter()
        for v in x:
            y = add(v * v)
        return y * add(x[0])

    s = np.sum(X**2)
    expected = 2 * X * (2 * s + X[0])
    expected[0] += s
    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(X), expected, rtol=1e-14)
