"""``try`` in traced functions: what is known while tracing is handled, what only the run tells is refused, and no refusal is swallowed."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([0.5, -1.5, 2.0])


class OwnError(Exception):
    pass


def missing_key(x, n):
    table = {"a": 1.0}
    try:
        value = table["b"]
    except KeyError as error:
        value = table["a"] * len(error.args)
    else:
        value = 5.0
    finally:
        table["a"] = 7.0
    return x * value + table["a"]


def known_error_in_a_branch(x, n):
    total = 0.0
    for v in x:
        try:
            total = total + v * {"a": 2.0}["b" if n is None else "a"]
        except (KeyError, ValueError):
            total = total - v
    return total


def other_errors(x, n):
    try:
        if x[0] > 100:
            raise OwnError("large")
        y = x[n]
    except (FileNotFoundError, ZeroDivisionError):
        y = 0.0
    return y


def inner_errors_of_the_caller(x, n):
    with contextlib.suppress(ImportError):
        import a_module_that_is_not_there

        return a_module_that_is_not_there.f(x)
    with contextlib.suppress(KeyError):
        return x * {}["a"]
    return x * 2


@pytest.mark.parametrize(
    "program", [missing_key, known_error_in_a_branch, other_errors, inner_errors_of_the_caller], ids=lambda p: p.__name__
)
def test_gives_what_python_gives(program: Callable[..., Any]) -> None:
    with interpreting():
        np.testing.assert_allclose(jg.jit(program)(X, 1), program(X, 1), rtol=1e-14)


def own_error(x, n):
    try:
        if x[0] > 0:
            raise OwnError
        y = x
    except OwnError:
        y = -x
    return y


def index(x, n):
    try:
        return x[n]
    except IndexError:
        return 0.0


def of_a_callee(x, n):
    try:
        return other_errors(x, n)
    except Exception:
        return 0.0


def assertion(x, n):
    try:
        assert n > x[0] * 0 + 2
    except AssertionError:
        return -x
    return x


def quotient(x, n):
    try:
        return 1 / n
    except ZeroDivisionError:
        return 0.0


def remainder(x, n):
    try:
        return 7 % n
    except ArithmeticError:
        return 0


def domain(x, n):
    try:
        return math.sqrt(n - 5)
    except ValueError:
        return 0.0


def logarithm(x, n):
    try:
        return math.log(n - 5)
    except (TypeError, ValueError):
        return 0.0


def factor(x, n):
    try:
        return np.linalg.cholesky(np.outer(x, x))
    except np.linalg.LinAlgError:
        return np.eye(3)


def anything(x, n):
    try:
        return x[n]
    except:  # noqa: E722
        return 0.0


def suppressed(x, n):
    y = 0.0
    with contextlib.suppress(IndexError):
        y = x[n]
    return y


RUN_TIME = [
    own_error, index, of_a_callee, assertion, quotient, remainder, domain, logarithm, factor, anything, suppressed,
]  # fmt: skip


@pytest.mark.parametrize("program", RUN_TIME, ids=lambda program: program.__name__)
def test_errors_of_the_run_are_not_caught(program: Callable[..., Any]) -> None:
    with (
        interpreting(),
        pytest.raises(UnsupportedError, match=r"whether this raises .* known only when the program runs") as caught,
    ):
        jg.jit(program)(X, 1)
    assert any(str(entry.path) == __file__ and entry.name == program.__name__ for entry in caught.traceback)


def swallows(x, n):
    try:
        y = x * float(str(x[0]))
    except Exception:
        y = x * 0
    return y


def swallows_not_implemented(x, n):
    try:
        return tuple(v for v in x if v > 0)
    except NotImplementedError:
        return x * 0


def suppresses(x, n):
    with contextlib.suppress(Exception):
        return tuple(v for v in x if v > 0)
    return x * 0


@pytest.mark.parametrize("program", [swallows, swallows_not_implemented, suppresses], ids=lambda program: program.__name__)
def test_no_handler_catches_what_is_refused(program: Callable[..., Any]) -> None:
    with interpreting(), pytest.raises(UnsupportedError, match=r"(is|are) known only when the program runs"):
        jg.jit(program)(X, 1)
