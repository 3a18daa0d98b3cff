"""Arrays that are one on some ways through the program only: what a write to one of them means for the others, next to plain Python."""

import copy

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([0.5, -1.5, 2.0, 0.25, -0.75])
OUTSIDE = np.zeros(5)


class Pair:
    def __init__(self, one, two):
        self.one, self.two = one, two


# buffers that change places


def buffers_of_the_function(x, n):
    u, v = x * 1, x * 0
    for _ in range(n):
        v[1:-1] = u[:-2] + u[2:]
        u, v = v, u
    return u


def buffers_in_nested_loops(x, n):
    u, v = x * 1, x * 0
    for i in range(n):
        for j in range(i):
            v[j] = u[j + 1] + i
            u, v = v, u
        v[0] = u[1]
    return u, v


def buffers_that_change_places_sometimes(x, n):
    u, v = x * 1, x * 2
    for i in range(n):
        v[i] = u[i] + 1
        if v[i] > 1:
            u, v = v, u
    return u, v


def three_buffers(x, n):
    a, b, c = x * 1, x * 2, x * 3
    for _ in range(n):
        c[:] = a + b
        a, b, c = b, c, a
    return a, b, c


def buffers_in_an_object(x, n):
    pair = Pair(x * 1, x * 0)
    for _ in range(n):
        pair.two[:] = pair.one * 2
        pair.one, pair.two = pair.two, pair.one
    return pair.one, pair.two


def read_before_the_write(x, n):
    a, before = x * 1, x * 0
    for i in range(n):
        a[i] += before[i] + 1
        before = a
    return before, a


def chosen_array_of_which_no_other_is_read(x, n):
    u, v = x * 1, x * 2
    w = u if n > 1 else v
    w[0] = 100.0
    return w


def one_array_in_both_branches(x, n):
    a = x * 1
    if n > 1:
        b, c = a, 1.0
    else:
        b, c = a, 2.0
    b[0] = c
    return a, b


def returned_when_close(x, n):
    u = np.zeros(5)
    for i in range(20 * n):
        change = 0.0
        for j in range(5):
            old = u[j]
            u[j] = 0.3 * (x[j] + (u[j - 1] if j > 0 else 0.0))
            change = max(change, abs(u[j] - old))
        if change < 1e-3:
            return u, i
        u[0] += 1e-9
    return u, -1


def returned_from_an_inner_loop(x, n):
    a, b = x * 1, x * 2
    for _ in range(n):
        for j in range(5):
            a[j] += b[j]
            if a[j] > 2.0:
                return a
    b[0] = n
    return b


def returned_by_a_helper(x, n):
    def scaled(a):
        k = 0
        while True:
            a *= 0.5
            k += 1
            if a[2] < 1.0 / n or k > 5:
                return a, k

    a = x * 1 + n
    b, k = scaled(a)
    return b, k


def written_by_its_new_name(x, n):
    a = x * 1
    b = a.copy() if n > 1 else a
    b[0] = 7.0
    return a


def two_arrays(x, n):
    u, v = x * 1, x * 2
    w = u if n > 1 else v
    w[0] = 100.0
    return u, v


FOLLOWED = [
    returned_when_close, returned_from_an_inner_loop, returned_by_a_helper, buffers_of_the_function, buffers_in_nested_loops, buffers_that_change_places_sometimes, three_buffers, buffers_in_an_object,
    read_before_the_write, chosen_array_of_which_no_other_is_read, one_array_in_both_branches, written_by_its_new_name, two_arrays,
]  # fmt: skip


@pytest.mark.parametrize("program", FOLLOWED, ids=lambda program: program.__name__)
def test_gives_what_python_gives(program):
    compiled = jg.jit(program)
    for n in (0, 1, 3):
        with interpreting(), np.errstate(divide="ignore"):
            found, expected = compiled(X, n), program(X, np.int64(n))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-14)


# what is refused: a value that a write may have been meant for is read


def read_by_its_new_name(x, n):
    a, b = x * 1, x * 2
    if n > 1:
        b = a
    a[0] = 7.0
    return b


def new_in_later_iterations(x, n):
    a = x * 1
    b = a
    for i in range(n):
        b[i] += 1
        b = b * 2
    return a, b


def old_buffer(x, n):
    u, v = x * 1, x * 2
    first = u
    for _ in range(n):
        v[1:] = u[:-1] + 1
        u, v = v, u
    return first


def old_buffer_in_the_loop(x, n):
    u, v = x * 1, x * 2
    first = u
    for _ in range(n):
        u[1:] += first[:-1]
        u, v = v, u
    return u


def the_best_so_far(x, n):
    a = x * 1
    best = a.copy()
    for i in range(n):
        a[i] += 2
        if a[i] > 1:
            best = a
    return best


def attribute(x, n):
    pair = Pair(x * 1, x * 0)
    first = pair.one
    for _ in range(n):
        pair.two[:] = pair.one * 2
        pair.one, pair.two = pair.two, pair.one
    return first


def rows_in_a_list(x, n):
    table = np.ones((len(x), 2)) * x[:, None]
    rows = [table[k] for k in range(len(x))]
    table[0] = 5.0
    return rows[0]


def written_after_it_was_returned(x, n):
    def first(a, b):
        for j in range(n):
            a[j] += 1
            if a[j] > 2:
                return a
        return b

    a, b = x * 1, x * 2
    c = first(a, b)
    a[0] = 7.0
    return c


def written_while_it_is_returned(x, n):
    def first(a):
        for j in range(n):
            try:
                if a[j] > 1:
                    return a
            finally:
                a[0] += 7.0
        return x * 2

    return first(x * 1)


OUTDATED = [
    written_after_it_was_returned, written_while_it_is_returned, read_by_its_new_name, new_in_later_iterations, old_buffer, old_buffer_in_the_loop,
    the_best_so_far, attribute, rows_in_a_list,
]  # fmt: skip


@pytest.mark.parametrize("program", OUTDATED, ids=lambda program: program.__name__)
def test_values_that_may_be_outdated_are_refused(program):
    with (
        interpreting(),
        pytest.raises(UnsupportedError, match=r"an array is written to at .*test_aliasing.py:\d+ that may be the one"),
    ):
        jg.jit(program)(X, np.int64(3))


# what is refused: a write of which it is not known whether the caller sees it


def buffers_of_the_caller(u, n):
    v = np.zeros_like(u)
    for _ in range(n):
        v[1:-1] = u[:-2] + u[2:]
        u, v = v, u
    return u


def buffers_in_a_dict(x, n):
    d = {"u": x, "v": np.zeros(5)}
    for _ in range(n):
        d["v"][:] = d["u"] * 2
        d["u"], d["v"] = d["v"], d["u"]
    return d["u"]


def buffers_in_a_tuple(x, n):
    state = (x, x * 2)
    for i in range(n):
        state[1][i] = 5.0
        state = (state[1], state[0])
    return state[0]


def array_found_outside(x, n):
    a = OUTSIDE if n > 1 else x * 2
    a[0] = 1.0
    return a


OF_THE_CALLER = [buffers_of_the_caller, buffers_in_a_dict, buffers_in_a_tuple, array_found_outside]


@pytest.mark.parametrize("program", OF_THE_CALLER, ids=lambda program: program.__name__)
def test_writes_that_may_be_the_callers_are_refused(program):
    x = copy.copy(X)
    with (
        interpreting(),
        pytest.raises(UnsupportedError, match=r"a write would reach the caller only sometimes; write to a copy"),
    ):
        jg.jit(program)(x, 3)
    np.testing.assert_array_equal(x, X)
