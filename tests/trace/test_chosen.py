"""Arrays and views that a branch chooses, next to plain NumPy: reads, writes that reach the one that was chosen, derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import same
from interpreted import interpreting

import jitgrad as jg

A = np.random.default_rng(0).random((4, 3))


def of_an_argument(a, t):
    row = a[0] if t > 0 else a[1]
    row += 1
    row[0] = 9.0
    return row * 2


def of_columns(a, t):
    a = a.copy()
    if t > 0:
        column = a[:, 1]
    else:
        column = a[:, 2]
    column[:] = 0
    total = column.sum()
    a[0] = 5.0 * t
    return a, total, column * 1.0


def in_a_loop(a, t):
    a = a * t
    for k in range(len(a) - 1):
        one, other = (a[k], a[k + 1]) if a[k, 0] > a[k + 1, 0] else (a[k + 1], a[k])
        one *= 0.5
        other += 0.1 * one
    return a


def of_ranges(a, t):
    x = a[0] * t
    part = x[:2] if t > 1 else x[1:]
    part -= x[0]
    return x, part + 0


def of_a_view(a, t):
    a = a * t
    for i in range(len(a)):
        row = a[i, ::-1]
        part = row[1:] if row[0] > 0.5 else row[:-1]
        part[0] = part[1] * 2
        part[...] += 1
    return a


def written_under_it(a, t):
    a = a * 1.0
    row = a[0] if t > 0 else a[1]
    a[0] = 3.0 * t
    return row.sum()


def of_two_arrays(a, t):
    b = a * 2
    row = a[0] if t > 0 else b[0]
    return row.sum()


def one_after_the_other(a, t):
    a = a * t
    i = 2 if t > 1 else 0
    first = a[i, 1:] if t > 1.2 else a[1, :2]
    second = first if t > 0.9 else a[0, 1:]
    second *= 3
    return a


def row_of_either(a, t):
    b = a * 2
    row = a[0] if t > 0 else b[1]
    row[:] = 0
    row[1] += t
    return a, b, row + 1


def either(a, t):
    a = a * t
    b = a + 1
    c = a if t > 1 else b
    c += 1
    c[1, 2] = 7.0 * t
    return a, b, c * 1


def copied_at_times(a, t):
    row = a[2]
    other = row if t > 0 else row.copy()
    other[0] = 5.0
    return row * t, other * 1


def of_each_iteration(a, t):
    a = a * t
    b = a * 0.5
    for k in range(len(a)):
        row = a[k] if a[k, 0] > 0.5 else b[k]
        row[:2] *= 2
        row += 1
    return a, b


def written_in_a_loop(a, t):
    a = a * t
    b = a * 0.5
    row = a[0] if t > 1 else b[1]
    for k in range(70):
        row[k % 3] += 0.1 * k
        if row[0] > 3:
            row[1] = 0.5
    return a, b, row * 1


def chosen_twice(a, t):
    a = a * t
    b = a * 0.5
    row = a[0] if t > 0 else b[1]
    other = row if t > 1 else a[2]
    other *= other
    return a, b, other * 1


def of_no_rows(a, t):
    none = a[:0]
    rows = none if t > 0 else none * 1
    rows[:] = 1
    return a, rows * 1


PROGRAMS = [
    of_an_argument, of_columns, in_a_loop, of_ranges, of_a_view, written_under_it, of_two_arrays, one_after_the_other,
    row_of_either, either, copied_at_times, of_each_iteration, written_in_a_loop, chosen_twice, of_no_rows,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gives_what_numpy_gives(program: Any) -> None:
    with interpreting():
        compiled = jg.jit(program)
        for t in (1.3, 0.95, -1.0):
            ours, theirs = A.copy(), A.copy()
            same(compiled(ours, t), program(theirs, t))
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "program", [in_a_loop, of_ranges, of_a_view, row_of_either, either, written_in_a_loop], ids=lambda f: f.__name__
)
def test_derivatives_go_through_them(program: Any) -> None:
    def loss(a, t):
        found = program(a.copy(), t)
        return sum(np.sum(np.sin(part)) for part in (found if isinstance(found, tuple) else (found,)))

    with interpreting():
        jg.check_grads(loss, (A, 1.31), order=1)


def test_the_kernels_do_what_the_interpreter_does() -> None:
    ours, theirs = A.copy(), A.copy()
    same(jg.jit(row_of_either)(ours, 1.3), row_of_either(theirs, 1.3))
    np.testing.assert_array_equal(ours, theirs)


def test_what_was_chosen_is_not_read_after_a_write_under_its_other_name() -> None:
    def stale(a, t):
        b = a * 2
        row = a[0] * 1 if t > 0 else b[1]
        b[1] = 3.0
        return row.sum()

    with interpreting(), pytest.raises(NotImplementedError, match="write to a copy"):
        jg.jit(stale)(A, 1.3)
