"""What errors of the user's own say: with values that only the run knows, next to plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from tests.interpreted import interpreting

V = np.array([1.0, -2.0, 3.0])


def in_a_branch(x):
    if x < 0:
        raise ValueError(f"bad {x}")
    return x * 2


def in_the_other_branch(x):
    if x > 0:
        return x * 2
    raise ValueError("bad %g and %s" % (x, x))  # noqa: UP031


def in_a_loop(x):
    for i in range(4):
        y = x * i
        if y < -3:
            raise ValueError(f"bad at {i}: {y:.3e}")
    return x


def of_an_array(x):
    v = V * x
    if np.any(v < -5):
        raise IndexError(f"{v} has {v.min()}", 3)
    return v


def over_an_array(x):
    total = 0.0
    for v in V * x:
        if v < -5:
            raise RuntimeError("{} after {total}".format(v, total=total))  # noqa: UP032
        total += v
    return total


def in_an_assertion(x):
    assert x > 0, f"x is {x:.2f}"
    return np.sqrt(x)


def in_an_assertion_in_a_while_loop(x):
    n = 0
    while n < 4:
        n += 1
        assert n * x > -5, ("never", n * x)
    return x


def a_number_alone(x):
    if x < 0:
        raise ValueError(np.float32(x) * 2)
    return x


def with_braces(x):
    if x < 0:
        raise ValueError("plain {x} %s {}")
    return x


def with_braces_and_a_value(x):
    if x < 0:
        raise ValueError(f"{{x}} = {x}, 100 %")
    return x


def by_a_helper(x):
    def require(value, low, name):
        if value < low:
            raise ValueError(f"{name} = {value} < {low}")
        return value

    return require(x, -10.0, "x") + require(x + 1, 0, "x + 1")


RAISING = [
    in_a_branch, in_the_other_branch, in_a_loop, of_an_array, over_an_array, in_an_assertion, in_an_assertion_in_a_while_loop, a_number_alone,
    with_braces, with_braces_and_a_value, by_a_helper,
]  # fmt: skip


def outcome(program: Callable[..., Any], x: float) -> Any:
    try:
        return np.asarray(program(x)).tolist()
    except Exception as error:
        return type(error), str(error).split("\n")[0]  # pytest adds to what assertions say


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("program", RAISING, ids=lambda program: program.__name__)
def test_messages_have_the_values(program: Callable[..., Any], compiled: bool) -> None:
    with nullcontext() if compiled else interpreting():
        run = jg.jit(program)
        for x in (-2.5, 2.5, -7.25):
            assert outcome(run, x) == outcome(program, x)


def test_compiled_messages_have_the_values() -> None:
    run = jg.jit(in_a_branch)
    for x in (-2.5, 2.5, -7.25):
        assert outcome(run, x) == outcome(in_a_branch, x)


def test_gradients_raise_them_too() -> None:
    with interpreting():
        assert outcome(jg.grad(in_a_branch), -2.5) == (ValueError, "bad -2.5")
        assert outcome(jg.grad(in_a_branch), 2.5) == 2.0


def test_what_was_printed_before_is_printed(capfd: Any) -> None:
    def program(x: Any) -> Any:
        if x < 0:
            print("about to fail at", x)
            raise ValueError("failed")
        return x

    with interpreting():
        run = jg.jit(program)
        assert outcome(run, 1.0) == 1.0 and outcome(run, -1.0) == (ValueError, "failed")
    assert capfd.readouterr().out == "about to fail at -1.0\n"


def test_the_source_raises_them() -> None:
    source = jg.source(in_a_branch, -2.5)
    assert "tell('bad {}', (x,))" in source and "raise ValueError('bad {}')" in source


# integers of floats that have none


WHOLE: list[Callable[..., Any]] = [
    int,
    round,
    math.floor,
    math.ceil,
    math.trunc,
    lambda x: int(x) if x != 3.0 else 1,
    lambda x: int(np.float32(x)),
]


@pytest.mark.parametrize("function", WHOLE)
def test_there_is_no_integer_of_nan_and_infinity(function: Callable[..., Any]) -> None:
    def program(x: Any) -> Any:
        return function(x)

    with interpreting():
        run = jg.jit(program)
        assert [run(x) for x in (2.5, -2.5, -(2.0**63), 2.0**62)] == [function(x) for x in (2.5, -2.5, -(2.0**63), 2.0**62)]
        for x, error in ((np.nan, ValueError), (np.inf, OverflowError), (-np.inf, OverflowError), (2.0**63, OverflowError)):
            with pytest.raises(error, match="cannot convert float"):
                run(x)


def test_gradients_of_what_has_no_integer_raise_too() -> None:
    with interpreting(), pytest.raises(ValueError, match="cannot convert float NaN to integer"):
        jg.grad(lambda x: x * int(x))(np.nan)


def test_numpy_converts_what_has_no_integer() -> None:
    x = np.array([np.nan, 1.5])
    with interpreting(), np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(jg.jit(lambda x: x.astype(int))(x), x.astype(int))
