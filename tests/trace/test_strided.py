"""Views made with as_strided, against NumPy: windows, blocks, diagonals, repeated elements, written to, with gradients."""

import numpy as np
import pytest
from interpreted import interpreting
from numpy.lib.stride_tricks import as_strided

import jitgrad as jg

X = np.array([0.5, -0.2, 0.9, 0.4, 0.7, -1.0])
A = np.linspace(-1, 1, 24).reshape(4, 6) ** 3


def windows(a, n):
    """The moving range of the last axis."""
    shape = (*a.shape[:-1], a.shape[-1] - n + 1, n)
    found = as_strided(a, shape=shape, strides=(*a.strides, a.strides[-1]))
    return found.max(axis=-1) - found.mean(-1)


def blocks(a, n):
    high, wide = a.shape
    found = as_strided(a, (high // 2, wide // n, 2, n), (a.strides[0] * 2, a.strides[1] * n, *a.strides))
    return np.exp(found).sum((2, 3))


def patches(a, n):
    kernel = np.arange(float(n * n)).reshape(n, n)
    sizes = (a.shape[0] - n + 1, a.shape[1] - n + 1, n, n)
    return np.einsum("ijkl,kl->ij", as_strided(a, sizes, a.strides + a.strides), kernel)


def diagonal_written_to(a, n):
    diagonal = as_strided(a, shape=(n,), strides=(a.strides[0] + a.itemsize,))
    diagonal[1:] *= 7.0
    diagonal[0] = a[1, 0]
    return a


def hankel(a, n):
    """Each row one element further."""
    size = a.size // 2
    return as_strided(a.ravel()[1:].copy(), (size, size), (a.itemsize, a.itemsize)) @ np.ones(size)


def repeated_rows(a, n):
    return as_strided(a, (n, *a.shape), (0, *a.strides)).sum(0)


def in_a_loop(a, n):
    total = 0.0
    for k in range(1, n):
        total += np.prod(as_strided(a, (a.shape[-1] // k,), (k * a.itemsize,)) + 1.5)
    return total


def rows_of_a_view(a, n):
    return windows(a[1:], n)


PROGRAMS = [windows, blocks, patches, diagonal_written_to, hankel, repeated_rows, in_a_loop, rows_of_a_view]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_values_and_gradients(program):
    weights = np.cos(np.arange(program(A.copy(), 3).size)).reshape(program(A.copy(), 3).shape)
    with interpreting():
        compiled = jg.jit(program)
        for n in (3, 2):
            for dtype in (np.float64, np.float32):
                mine, expected = A.astype(dtype), A.astype(dtype)
                found, value = compiled(mine, n), program(expected, n)
                assert found.dtype == value.dtype
                np.testing.assert_allclose(found, value, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-14)
                np.testing.assert_allclose(mine, expected, rtol=1e-6)
        jg.check_grads(lambda a: np.sum(program(a, 3) * weights), (A + 0.01,), order=1)


def test_compiled():
    np.testing.assert_allclose(jg.jit(windows)(X, 3), windows(X, 3), rtol=1e-13)


def test_elements_outside_of_the_array_are_an_error():
    with interpreting(), pytest.raises(IndexError, match="outside of the array"):
        jg.jit(lambda x: as_strided(x, (7,), x.strides))(X)


def test_a_view_in_another_order_is_refused():
    with interpreting(), pytest.raises(NotImplementedError, match="make a copy first"):
        jg.jit(lambda a: windows(a.T, 2))(A)
