"""Integer arguments whose numbers Python needs: they become parts of the program, which is traced anew for others."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from alike import same
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


def counted(n):
    for k in range(n):
        yield k * 2.0


def consumed(x, n):
    total = np.zeros_like(x)
    for value in counted(n):
        total += value * x
    return total * len([value for value in counted(n)])  # noqa: C416


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
        (lambda x, n: (n.bit_length(), sum({k // 2 for k in range(n)})), [(A, 7), (A, 8)]),
        (consumed, [(A, 3), (A, 0), (A, 4)]),
    ],
)
def test_numbers_that_python_needs(function: Any, arguments: list[tuple[Any, ...]]) -> None:
    compiled = jg.jit(function)
    for given in arguments:
        with interpreting():
            found, expected = compiled(*given), function(*given)
        assert type(found) is type(expected)
        if isinstance(expected, tuple) and expected[1] is None:
            assert found[1] is None
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
        (lambda x, n: x.reshape((3,) + (2,) * (int(x[0, 0]) + n)), (A, 2)),
        (lambda x, n: np.sum(x, axis=n if x[0, 0] > 0 else 1 - n), (A, 0)),
        (lambda x, t: np.sum(x, axis=int(t)), (A, 0.0)),
    ],
)
def test_what_depends_on_more_than_ints_is_refused(function: Any, arguments: tuple[Any, ...]) -> None:
    with interpreting(), pytest.raises(NotImplementedError, match="known only when the program runs"):
        jg.jit(function)(*arguments)


@pytest.mark.parametrize(
    "function", [lambda x: iter([x, x]), lambda x: (x, map(float, [x])), lambda x: [zip([x], [1])], lambda x: (v for v in [x])]
)
def test_iterators_that_calls_would_share_are_no_results(function: Any) -> None:
    with interpreting(), pytest.raises(TypeError, match="returns a range or an iterator; make an array or a list"):
        jg.jit(function)(2.0)


def test_compiled_programs_ask_for_the_number_at_each_call() -> None:
    compiled = jg.jit(lambda x, axis: np.sum(x, axis))
    for axis in (0, 1, 0, 1, -1):
        np.testing.assert_array_equal(compiled(A, axis), np.sum(A, axis))


def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


def legendre(n, x):
    if n == 0:
        return 1.0
    if n == 1:
        return x
    return ((2 * n - 1) * x * legendre(n - 1, x) - (n - 1) * legendre(n - 2, x)) / n


def matrix(order, x):
    if order == 2:
        rows = [[x, 1.0], [1.0, x]]
    elif order == 3:
        rows = [[x, 1.0, 1.0], [1.0, x, 1.0], [1.0, 1.0, x]]
    else:
        raise ValueError(f"there is no matrix of order {order}")
    return np.array(rows)


def cube(rank, x):
    return (np.arange(8.0)[: 2**rank] * x).reshape((2,) * rank)


def digits(n, x):
    return sum(int(c) * x**k for k, c in enumerate(str(n)))


def half_of_them(n, x):
    if n % 2 == 0:
        x = np.full((2, 2), x) @ np.ones((n // 2, 3))
    return x


def buffers_in_turn(n, x):
    u, v = np.array([x, x, x]), np.array([1.0, x, 2.0])
    first = u
    for _ in range(n):
        u[1:] += first[:-1]
        u, v = v, u
    return u


def longer_and_longer(n, x):
    rows = []
    for k in range(n):
        rows.append(x * np.arange(k))
    return sum((np.sum(row) / (1 + row.size) for row in rows), 0.0)


def pieces(n, x):
    return [np.sum(row) for row in [x * np.arange(k) for k in range(n)]][-1]


@pytest.mark.parametrize(
    ("program", "integers"),
    [
        (legendre, (0, 1, 4)),
        (matrix, (2, 3)),
        (cube, (1, 2, 3)),
        (digits, (7, 153)),
        (half_of_them, (4, 5)),
        (buffers_in_turn, (1, 2, 5)),
        (longer_and_longer, (0, 1, 4)),
        (pieces, (3, 20)),
    ],
)
def test_a_program_for_each_integer(program: Any, integers: tuple[int, ...]) -> None:
    compiled = jg.jit(program)
    with interpreting():
        for n in (*integers, *integers):
            for x in (0.5, 2.0):
                same(compiled(n, x), program(n, x))
            slope = (np.sum(program(n, 0.5 + 1e-6)) - np.sum(program(n, 0.5 - 1e-6))) / 2e-6
            np.testing.assert_allclose(jg.grad(lambda x, n: np.sum(program(n, x)))(0.5, n), slope, rtol=1e-6)
    assert len(next(iter(compiled.programs.values()))) == len(integers)


def test_the_users_error_for_an_integer() -> None:
    with interpreting(), pytest.raises(ValueError, match="there is no matrix of order 4"):
        jg.jit(matrix)(4, 1.0)


def test_a_result_that_depends_on_integers_alone() -> None:
    with interpreting():
        assert jg.jit(factorial)(5) == 120


def test_other_integers_stay_arguments() -> None:
    def program(x, order, steps):
        rows = matrix(order, x)
        for _ in range(steps):
            rows = rows * x
        return rows

    compiled = jg.jit(program)
    with interpreting():
        for steps in (2, 3, 4):
            same(compiled(0.5, 2, steps), program(0.5, 2, steps))
    assert len(next(iter(compiled.programs.values()))) == 1


def test_what_depends_on_other_values_is_refused_as_before() -> None:
    def program(n, x):
        return np.zeros(3) if x > n else np.zeros((3, 3))

    with interpreting(), pytest.raises(NotImplementedError, match="on some ways through a branch or loop only"):
        jg.jit(program)(3, 1.0)


def test_one_integer_after_another_is_warned_of() -> None:
    compiled = jg.jit(digits)
    with interpreting():
        for n in range(15):
            compiled(n, 1.0)
        with pytest.warns(UserWarning, match="digits was compiled 16 times, once for each value of n") as caught:
            compiled(15, 1.0)
    assert [warning.filename for warning in caught] == [__file__]


def test_many_programs_for_sizes_are_not_warned_of() -> None:
    compiled = jg.jit(lambda x, k: np.sum(x) * {len(x): k}[len(x)], static_argnums=1)
    with interpreting(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(1, 18):
            assert compiled(np.ones(n), 2) == 2 * n
    assert [len(programs) for programs in compiled.programs.values()] == [17]


def test_a_loop_that_would_be_unrolled_for_long_is_refused_as_before() -> None:
    with interpreting(), pytest.raises(NotImplementedError, match="differ in structure or shape"):
        jg.jit(longer_and_longer)(1000, 0.5)


def test_what_the_function_does_outside_of_itself_is_done_once() -> None:
    counts, items, box = {"runs": 0}, [], SimpleNamespace(runs=0)

    def program(x, axis):
        counts["runs"] += 1
        box.runs += 1
        items.append(axis)
        return np.sum(x, axis) * counts["runs"] * box.runs * len(items)

    with interpreting():
        same(jg.jit(program)(A, 1), A.sum(1))
        assert (counts, len(items), box.runs) == ({"runs": 1}, 1, 1)
        with pytest.raises(NotImplementedError):
            jg.jit(lambda x, axis: np.fft.fft(program(x, axis)))(A, 0)
    assert (counts, len(items), box.runs) == ({"runs": 1}, 1, 1)
