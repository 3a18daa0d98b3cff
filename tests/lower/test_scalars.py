"""Small arrays become variables where nobody asks for the whole of them, and every number stays the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import ArrayType
from jitgrad.compiler.ir.types import F64
from jitgrad.compiler.lower.program import Allocate, Bind, Kernel, Literal, Load, Local, Program, Store
from jitgrad.compiler.lower.scalars import name_elements

import jitgrad as jg


def written_once(x: Any) -> Any:
    """A small array per iteration, whose elements are read in a branch and after it."""
    total = 0.0
    for i in range(len(x)):
        part = np.array([x[i], x[i] * x[i], 1.0 / (1.0 + x[i] ** 2)])
        if x[i] > 0:
            total += part[0] * part[2]
        total += part[1] - part[2]
    return total


def added_up(x: Any) -> Any:
    """Elements that are zeros at first, and written again and again."""
    acc = np.zeros(3)
    for i in range(len(x)):
        acc[0] += x[i]
        acc[1] = acc[0] * x[i] - acc[2]
        if x[i] > 0.5:
            acc[2] -= acc[1]
    return acc[0] + 2 * acc[1] + 3 * acc[2]


def exchanged(x: Any) -> Any:
    """What is read stays as it was when its place is written."""
    pair = np.empty(2)
    pair[0], pair[1] = x[0], x[1]
    for i in range(2, len(x)):
        pair[0], pair[1] = pair[1], 0.5 * pair[0] + x[i]
    return pair[0] - 3 * pair[1]


def found_by_position(x: Any) -> Any:
    """An element is asked for by a number of the run."""
    table = np.empty(3)
    table[0], table[1], table[2] = x[0], -x[1], 2.0
    total = 0.0
    for i in range(len(x)):
        total += table[i % 3] * x[i]
    return total


def returned(x: Any) -> Any:
    """The whole array is a result."""
    pair = np.empty(2)
    pair[0] = x[0]
    pair[1] = x[-1] * pair[0]
    return pair


PROGRAMS = (written_once, added_up, exchanged, found_by_position, returned)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_the_numbers_are_those_of_numpy(program: Callable, dtype: type) -> None:
    compiled = jg.jit(program)
    rng = np.random.default_rng(0)
    for n in (2, 5, 40):
        x = rng.normal(size=n).astype(dtype)
        result, expected = compiled(x), program(x)
        assert result.dtype == expected.dtype
        np.testing.assert_allclose(result, expected, rtol=1e-13 if dtype == np.float64 else 1e-4)


@pytest.mark.parametrize("program", (written_once, added_up, exchanged), ids=lambda f: f.__name__)
def test_gradients(program: Callable) -> None:
    rng = np.random.default_rng(1)
    x, direction = rng.normal(size=(2, 7))
    slope = (program(x + 1e-6 * direction) - program(x - 1e-6 * direction)) / 2e-6
    assert jg.grad(program)(x) @ direction == pytest.approx(slope, rel=1e-7)


def test_only_arrays_that_are_asked_for_as_a_whole_are_left() -> None:
    sources = {program: jg.source(program, np.zeros(5)) for program in PROGRAMS}
    assert {program for program, text in sources.items() if "empty(" in text or "zeros(" in text} == {
        found_by_position,
        returned,
    }


def test_no_variable_has_the_name_of_a_kernel() -> None:
    one, two = Literal(1.0, F64), Literal(2.0, F64)
    body = (
        Allocate("part", ArrayType(F64, (2,))),
        Store("part", (0,), one, F64),
        Store("part", (0,), two, F64),
        Load("x", F64, "part", (0,)),
    )
    kernels = (Kernel("part_2", (), (), (), ()), Kernel("part", (), (), (), ()))
    program = Program("run", (), (), body, (Local("x", F64),), kernels)
    assert {name for s in name_elements(program).body if isinstance(s, Bind) for name in s.names} == {"part_3", "x"}
