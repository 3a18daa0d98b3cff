"""Branches on traced values: what they leave, what they raise, and how often they are run."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

x = np.array([0.3, -1.5, 0.8, 2.25, -0.4])


def tuple_returned_from_a_loop(x):
    for i in range(len(x)):
        if x[i] > 0.5:
            return i, x[i]
    return -1, 0.0


def dict_returned_from_a_loop(x):
    for i, v in enumerate(x):
        if v > 0.5:
            return {"index": i, "value": v * 2}
    return {"index": -1, "value": 0.0}


def tuple_assigned_in_a_loop(x):
    best = -np.inf
    for i in range(len(x)):
        if x[i] > best:
            best = x[i]
            where = (i, x[i] * 2)
    return where


def solution_or_error(x):
    for i in range(50):
        if abs(x[0]) < 0.05:
            return x[0], i, True
        x = x * 0.9
    raise RuntimeError("no convergence")


def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


def recursion_on_the_index_of_a_short_loop(x):
    return sum((-1) ** k * x[0] ** (2 * k + 1) / factorial(2 * k + 1) for k in range(6))


@pytest.mark.parametrize(
    "program",
    [tuple_returned_from_a_loop, dict_returned_from_a_loop, tuple_assigned_in_a_loop, solution_or_error,
     recursion_on_the_index_of_a_short_loop],
)  # fmt: skip
def test_gives_what_python_gives(program: Callable[..., Any]) -> None:
    with interpreting():
        compiled = jg.jit(program)
        for arguments in (x, 0.1 * x, x[::-1].copy()):
            np.testing.assert_equal(compiled(arguments), program(arguments))


def test_gradient_of_what_a_loop_returns() -> None:
    with interpreting():
        gradient = jg.grad(lambda x: tuple_returned_from_a_loop(x)[1] ** 2)(x)
    np.testing.assert_array_equal(gradient, [0.0, 0.0, 1.6, 0.0, 0.0])


class Missed(Exception):
    """An error of the user's own."""


@pytest.mark.parametrize(
    ("error", "raised"),
    [(Missed, Exception), (TypeError, TypeError), (KeyError, KeyError), (ArithmeticError, ArithmeticError),
     (AttributeError, AttributeError)],
)  # fmt: skip
def test_errors_of_every_class_are_raised_when_the_program_runs(error: type[Exception], raised: type[Exception]) -> None:
    def program(x):
        if x[0] > 1:
            raise error("too large")
        return 2 * x

    with interpreting():
        compiled = jg.jit(program)
        np.testing.assert_array_equal(compiled(x), 2 * x)
        with pytest.raises(raised, match="too large"):
            compiled(x + 10)


NONE = None
FAILING = {
    lambda: [].pop(): "pop from empty list",
    lambda: {}.pop("b"): "b",
    lambda: deque().popleft(): "pop from an empty deque",
    lambda: [1, 2].index(3): "not in list",
    lambda: "abc".index("z"): "substring not found",
    lambda: max([]): "empty",
    lambda: int("one"): "invalid literal",
    lambda: float("one"): "could not convert",
    lambda: math.sqrt(-1.0): "math domain error",
    lambda: list(zip([1], [1, 2], strict=True)): "longer",
    lambda: divmod(1, 0): "by zero",
    lambda: np.zeros((2, 2))[0, 3]: "out of bounds",
    lambda: np.zeros(2)[0, 0]: "too many indices",
    lambda: np.zeros(0).max(): "zero-size array",
    lambda: np.linalg.inv(np.zeros((2, 3))): "must be square",
    lambda: None.next: "no attribute 'next'",
    lambda: np.zeros(3) + np.zeros(4): "broadcast",
    lambda: np.zeros(3).reshape(2, 2): "cannot reshape",
    lambda: np.zeros((2, 3)) @ np.zeros(2): "sizes do not fit|shapes",
    lambda: np.stack([np.zeros(3), np.zeros(2)]): "must match",
    lambda: np.split(np.zeros(3), 2): "equal division",
    lambda: np.sum(np.zeros(3), axis=2): "axis 2 is out of bounds",
    lambda: np.linalg.inv(np.zeros((2, 3))): "must be square",
    lambda: np.linalg.det(np.zeros(3)): "at least two-dimensional",
    lambda: np.add(np.zeros(3), 0.5, out=np.zeros(3, int)): "same_kind",
    lambda: None + np.zeros(3): "NoneType",
    lambda: None * 2: "NoneType",
    lambda: -None: "NoneType",
    lambda: NONE[0]: "NoneType",
    lambda: NONE(1): "NoneType",
    lambda: None < 3: "NoneType",
    lambda: len(None): "NoneType",
    lambda: [*None]: "NoneType",
    lambda: [k + 1 for k in None]: "NoneType",
    lambda: range(None): "NoneType",
    lambda: np.sin(None): "NoneType",
    lambda: undefined: "undefined",  # noqa: F821
}


def writes_to_none(x, which):
    y = None
    if which == 1:
        y[0] = x[0]
    if which == 2:
        del y[0]
    if which == 3:
        x[:2] = np.zeros(3)
    if which == 4:
        for _ in y:
            x = x + 1
    if which == 5:
        while x[0] > 0:
            x = x + np.zeros(4)
    if which == 6:
        x[0] = y
    return x


def small_before_it_is_large(x, count):
    y = 0.0
    for _ in range(count):
        z = y + np.zeros(7)
        y = x
    return z.sum()


def test_what_fails_in_python_fails_where_the_run_comes_to_it() -> None:
    def program(x, which):
        for k, fails in enumerate(FAILING):
            if which == k:
                fails()
        return 2 * x

    with interpreting():
        compiled = jg.jit(program)
        np.testing.assert_array_equal(compiled(x, np.int64(-1)), 2 * x)
        for k, words in enumerate(FAILING.values()):
            with pytest.raises(
                (ValueError, LookupError, ArithmeticError, AttributeError, TypeError, NameError), match=words
            ) as caught:
                compiled(x, np.int64(k))
            assert not isinstance(caught.value, NotImplementedError)


def test_writes_that_fail_fail_where_the_run_comes_to_them() -> None:
    said = {1: "item assignment", 2: "item deletion", 3: "could not write", 4: "not iterable", 5: "broadcast"}
    with interpreting():
        compiled = jg.jit(writes_to_none)
        for which in range(7):
            if which in said:
                with pytest.raises((TypeError, ValueError), match=said[which]):
                    compiled(x.copy(), np.int64(which))
            else:
                np.testing.assert_array_equal(compiled(x.copy(), np.int64(which)), writes_to_none(x.copy(), which))
        assert jg.jit(small_before_it_is_large)(x, 1) == 0.0


def test_recursion_that_depends_on_a_value_is_refused_in_words() -> None:
    with interpreting(), pytest.raises(NotImplementedError, match=r"calls itself.*write a loop"):
        jg.jit(factorial)(np.float64(3.0))


def test_branches_in_branches_are_each_run_once() -> None:
    runs = itertools.count()

    def seen(value):
        next(runs)
        return value

    def program(x):
        if x > 0:
            return seen(1.0)
        elif x > -1:
            return seen(2.0)
        elif x > -2:
            return seen(3.0)
        elif x > -3:
            return seen(4.0)
        elif x > -4:
            return seen(5.0)
        else:
            return seen(6.0)

    with interpreting():
        assert jg.jit(program)(np.float64(-2.5)) == 4.0
    assert next(runs) == 6


def shrinking_in_a_short_loop(x):
    for i in range(3):
        x = x[x > i - 2]
    return x


def test_a_short_loop_that_makes_an_array_smaller_is_unrolled() -> None:
    with interpreting():
        np.testing.assert_array_equal(jg.jit(shrinking_in_a_short_loop)(x), shrinking_in_a_short_loop(x))


def smaller_until_two_are_left(x):
    while x.size > 2:
        x = x[x > np.min(x)]
    return x


@pytest.mark.parametrize(
    ("program", "message"),
    [(smaller_until_two_are_left, "the size of x changes from one iteration to the next")],
)  # fmt: skip
def test_sizes_that_depend_on_values_are_refused_where_they_would_leave_a_region(program: Any, message: str) -> None:
    with interpreting(), pytest.raises(NotImplementedError, match=message):
        jg.jit(program)(x)


def test_shapes_that_change_in_a_known_number_of_iterations() -> None:
    def program(x):
        for k in range(3):
            x = np.concatenate([x, x[:1] * k])
        return x

    x = np.array([2.0, 3.0])
    with interpreting():
        np.testing.assert_array_equal(jg.jit(program)(x), program(x))


def in_a_loop(n):
    x = np.zeros(2)
    for i in range(n):
        x = np.concatenate([x, [1.0 * i]])
    return x


def in_a_while_loop(n):
    x = np.zeros(2)
    while x.sum() < n:
        x = np.append(x, 1.0)
    return x


@pytest.mark.parametrize("program", [in_a_loop, in_a_while_loop])
def test_shapes_that_only_the_run_knows_are_refused(program) -> None:
    with interpreting(), pytest.raises(NotImplementedError, match=r"is of shape .* make it as large as it becomes"):
        jg.jit(program)(np.int64(3))


def matched(a, b):
    match a, b:
        case 0, y:
            return y
        case x, 2 | 3 if x > 0:
            return x * 10
        case x, y if x > y:
            r = x - y
        case _:
            r = -1.0
    match a * b:
        case v if v > 4:
            return r + v
        case 0.0 | -1.0:
            return r * 2
        case v:
            return v - r


def test_match_on_values() -> None:
    with interpreting():
        compiled = jg.jit(matched)
        for a, b in itertools.product([0.0, 1.0, -1.0, 3.0], [0.0, 2.0, 1.0, -1.0, 5.0]):
            assert compiled(a, b) == matched(a, b)


def test_a_flag_that_decides_a_test_on_values_leaves_a_branch_out():
    """What is known to be left out is not looked at, though the other half of the test is known only when the program runs."""

    def program(x, flag):
        if x > 0 and x < 3 and flag:
            x = np.fft.fft(x)  # refused
        if not flag or x > 1 or x < 0:
            x = x + 1
        else:
            x = np.fft.fft(x)
        return x if (x > 2 or not flag) else np.fft.fft(x)

    with interpreting():
        compiled = jg.jit(program)
        for x in (-1.5, 0.5, 2.5):
            assert compiled(x, False) == program(x, False)


@pytest.mark.parametrize("flag", [False, True])
def test_values_of_tests_with_a_flag(flag):
    def program(x):
        return x > 0 and flag, x > 0 or flag, x and flag, x or flag, (x > 0 and flag) or x, flag and x > 0, not (x > 0 and flag)

    with interpreting():
        compiled = jg.jit(program)
        for x in (-1.5, 0.0, 2.5):
            assert compiled(x) == program(x)


def test_or_none_is_none():
    """What is taken in place of a value stays what it is: ``x[: -k or None]`` is all of x for k = 0, not nothing of it."""

    def program(x):
        total = 0.0
        for k in range(3):
            total += np.sum(x[: -k or None]) * (k + 1)
        return total

    def unknown(x, k):
        return x[: k or None], x[k or None :], x[k or None :: -1], x[: k or None : -1]

    with interpreting():
        assert jg.jit(program)(x) == pytest.approx(program(x))
        for k in (0, 2, -1):
            for ours, theirs in zip(jg.jit(unknown)(x, k), unknown(x, k), strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_objects_in_tests_count_by_their_truth():
    def program(x, items, callback=None):
        total = 0
        if x > 0 and items:
            total += 1
        if x > 0 and callback:
            total += 10
        if not (x > 0 or items) or callback:
            total += 100
        while total < 5 and items and (x > -5 or callback):
            total += 2
        return total if (x > 0 and items) else -total

    with interpreting():
        for items in ([], [1.0]):
            compiled = jg.jit(lambda x, items=items: program(x, items))
            for value in (-1.5, 0.5):
                assert compiled(value) == program(value, items)


def test_a_variable_that_nobody_reads_after_a_branch_may_be_anything():
    """Only its branch sees what becomes of ``limit``: on the other way it stays None."""

    def program(x, limit=None, scale=1.0):
        total = np.sum(x)
        if total < -100:
            return total, 0.0
        if limit is None:
            limit = 2.0
        if total > limit:
            if scale == 1.0:
                scale = "double"
            total = total * (2.0 if scale == "double" else 1.0)
        return total, limit

    with interpreting():
        for shift in (-1.0, 1.0, -100.0):
            for limit in (None, 0.5):
                found = jg.jit(lambda x, limit=limit: program(x, limit))(x + shift)
                np.testing.assert_allclose(found, program(x + shift, limit))


def function_in_an_expression(x):
    return (np.sin if x > 0 else np.cos)(x)


def function_under_a_name(x):
    def twice(v):
        return 2 * v

    apply = np.sin
    if x > 0:
        apply = twice
    return apply(x)


def text_under_a_name(x):
    unit = "m"
    if x > 0:
        unit = "km"
    return x * len(unit)


@pytest.mark.parametrize("program", [function_in_an_expression, function_under_a_name, text_under_a_name])
def test_texts_and_functions_are_chosen(program: Callable[..., Any]) -> None:
    with interpreting():
        compiled = jg.jit(program)
        for x in (0.7, -0.7):
            assert compiled(x) == pytest.approx(program(x), rel=1e-14)
