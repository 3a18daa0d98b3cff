"""Functions that users have decorated with numba are followed as the plain functions that they are."""

import numba
import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg


@numba.njit
def summed(x):
    total = 0.0
    for k in range(len(x)):
        if x[k] > 0:
            total += x[k]
    return total


@numba.vectorize
def leaky(x, slope):
    if x > 0:
        return x
    return slope * x


@numba.vectorize(["float64(float64)"])
def hinge(x):
    return x * x if x > 1 else 0.0


@numba.vectorize(["float32(float32)"])
def narrow(x):
    return x * x + 1


X = np.array([1.5, -2.0, 0.5, 3.0])


@pytest.mark.parametrize(
    "program",
    [
        lambda x: summed(x) * 2,
        lambda x: leaky(x, 0.1),
        lambda x: leaky(x[:, None], x),
        lambda x: hinge(x).sum(),
        lambda x: hinge(x[0]),
    ],
)
def test_values_and_gradients(program):
    with interpreting():
        np.testing.assert_allclose(jg.jit(program)(X), program(X), rtol=1e-14)
        jg.check_grads(lambda x: np.sum(program(x)), (X,), order=1)


@pytest.mark.parametrize("ufunc", [hinge, narrow])
@pytest.mark.parametrize("x", [np.float32(2.5), np.array(2.5, np.float32), np.array([2.5, 0.5], np.float32)])
def test_the_type_of_a_result(ufunc, x):
    """Of numbers a number, in the dtype of the loop that takes them."""
    with interpreting():
        found, expected = jg.jit(lambda x: ufunc(x))(x), ufunc(x)
    assert type(found) is type(expected) and found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_a_dtype_that_no_loop_takes():
    with interpreting(), pytest.raises(TypeError, match="'narrow' has no loop for float64"):
        jg.jit(lambda x: narrow(x))(X)


@pytest.mark.parametrize("program", [lambda n: range(n), lambda n: (n, [range(n)]), lambda n: (k for k in range(n))])
def test_a_range_is_no_result(program):
    with interpreting(), pytest.raises(TypeError, match="returns a range or an iterator; make an array or a list of it"):
        jg.jit(program)(4)
