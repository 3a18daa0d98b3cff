"""``np.nditer``: values, what is written, places, and derivatives, next to NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import assert_alike
from interpreted import interpreting
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg

A = np.random.default_rng(0).normal(size=(3, 4))


def squares_of_differences(a, b):
    with np.nditer([a, b, None]) as it:
        for x, y, z in it:
            z[...] = (x - y) ** 2
        return it.operands[2]


def into_another(a, b):
    out = np.zeros(a.shape)
    with np.nditer([a, out], op_flags=[["readonly"], ["writeonly"]]) as it:
        for x, y in it:
            y[...] = 2 * x + 1
    return out


def places_by_hand(a, b):
    out, it = np.zeros_like(a), np.nditer(a, flags=["multi_index"])
    kind = it.shape, it.ndim, it.itersize, it.nop
    while not it.finished:
        i, j = it.multi_index
        out[i, j] = it[0] * (i + 1) + b[j]
        it.iternext()
    return out, it.finished, kind


def places_in_a_loop(a, b):
    it, total = np.nditer(a[:, 1:], flags=["multi_index"]), 0.0
    for x in it:
        i, j = it.multi_index
        total += x * (i + 2 * j)
    return total


def numbers_by_hand(a, b):
    it, total = np.nditer(a, flags=["c_index"]), 0.0
    while True:
        total += it.value * it.index
        if not it.iternext():
            return total


def written_by_hand(a, b):
    it = np.nditer([a, b], [], [["readwrite"], ["readonly"]])
    while not it.finished:
        it[0] = it[0] * it[1] + it[0]
        it.iternext()
    return a


def differences(a, b):
    """A numerical gradient, as it is often written."""
    slope, it = np.zeros_like(a), np.nditer(a, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        place = it.multi_index
        kept = a[place]
        a[place] = kept + 0.5
        above = np.sum(a**3 * b)
        a[place] = kept - 0.5
        slope[place] = above - np.sum(a**3 * b)
        a[place] = kept
        it.iternext()
    return slope


def transposed_in_c_order(a, b):
    return [x * 2 for x in np.nditer(a.T, order="C")]


PROGRAMS = [
    squares_of_differences, into_another, places_by_hand, places_in_a_loop, numbers_by_hand, written_by_hand, differences,
    transposed_in_c_order,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_next_to_numpy(program: Any) -> None:
    compiled = jg.jit(program)
    with interpreting():
        for a in (A, A[:2, :2], A[1:2, 1:3]):
            ours, theirs = a.copy(), a.copy()
            b = np.arange(1.0, 1.0 + a.shape[1])
            assert_alike(compiled(ours, b), program(theirs, b))
            np.testing.assert_array_equal(ours, theirs)


def test_nothing_to_visit() -> None:
    def program(x):
        return [2 * y for y in np.nditer(x, flags=["zerosize_ok"])]

    with interpreting():
        assert len(jg.jit(program)(A[:0])) == len(program(A[:0])) == 0
        with pytest.raises(ValueError, match="Iteration of zero-sized operands is not enabled"):
            jg.jit(lambda x: [2 * y for y in np.nditer(x)])(A[:0])


def test_derivatives() -> None:
    with interpreting():
        for program in (squares_of_differences, places_by_hand, differences):
            jg.check_grads(lambda a, b, program=program: np.sum(np.sin(program(a, b)[0])), (A, np.arange(4.0)), order=1)


REFUSED = {
    "chunks": (lambda x: [np.sum(y) for y in np.nditer(x, flags=["external_loop"])], "np.nditer with flags other than"),
    "dtypes": (lambda x: [y * 2 for y in np.nditer(x, op_dtypes=["f4"])], "or with dtypes, axes or another order than C"),
    "another order": (lambda x: [y * 2 for y in np.nditer(x, order="F")], "another order than C"),
    "transposed": (lambda x: [y * 2 for y in np.nditer(x.T)], "the order in which they lie in memory"),
    "backwards": (lambda x: [y * 2 for y in np.nditer(x[::-1])], "give order='C'"),
}


@pytest.mark.parametrize(("program", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(program: Any, message: str) -> None:
    with interpreting(), pytest.raises(UnsupportedError, match=message):
        jg.jit(program)(A)


@pytest.mark.parametrize(
    "function", [lambda x: [float(v) for v in np.nditer(x)], lambda x: x.ravel("K"), lambda x: x.reshape((-1, 2), order="A")]
)
def test_the_order_in_memory_is_that_of_arguments_in_c_order(function):
    x = np.arange(6.0).reshape(2, 3)
    compiled = jg.jit(function)
    with interpreting():
        np.testing.assert_array_equal(compiled(x), function(x))
        with pytest.raises(ValueError, match=r"argument x is not in C order.* in which they lie in memory"):
            compiled(np.asfortranarray(x))
