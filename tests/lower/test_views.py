"""Memory is allocated in the shape under which it is used, and each view of it is made once."""

import numpy as np

import jitgrad as jg


def source_of(function, *arguments) -> str:
    return jg.source(function, *arguments).rpartition("@njit")[2]


def test_memory_gets_the_shape_under_which_it_is_written() -> None:
    def f(x):
        y = np.exp(x)  # flat in its kernel
        return np.sum(y.reshape(-1, 3) @ np.ones((3, 2)))

    x = np.arange(24.0).reshape(2, 4, 3)
    source = source_of(f, x)
    assert "exp = empty(k*m*n, np.float64)" in source and source.count("view(exp, ") == 1
    assert np.isclose(jg.jit(f)(x), f(x))


def test_a_view_is_made_once() -> None:
    def f(x, a, b):
        rows = x.reshape(-1, 3)
        return rows @ a, x.reshape(-1, 3) @ b

    x, a, b = np.arange(24.0).reshape(2, 4, 3), np.ones((3, 2)), np.ones((3, 5))
    assert source_of(f, x, a, b).count("view(x, ") == 1
    for found, expected in zip(jg.jit(f)(x, a, b), f(x, a, b), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_is_returned_keeps_its_shape() -> None:
    def f(x):
        y = np.exp(x)
        return y.reshape(-1), y.reshape(3, -1)

    x = np.arange(6.0).reshape(2, 3)
    flat, other = jg.jit(f)(x)
    np.testing.assert_allclose(flat, np.exp(x).reshape(-1))
    np.testing.assert_allclose(other, np.exp(x).reshape(3, 2))


def test_views_in_a_loop_that_exchanges_memory() -> None:
    def f(x, steps):
        y = np.exp(x).reshape(-1)
        for _ in range(steps):
            y = np.concatenate((y[1:], y[:1])) * 2
        return y.reshape(x.shape)

    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(jg.jit(f)(x, 3), f(x, 3))
    np.testing.assert_allclose(jg.jit(f)(x, 0), f(x, 0))


def test_places_that_are_counted_in_a_loop() -> None:
    def assembled(a, rows):
        whole = np.zeros((6, 6))
        for k in range(len(rows)):
            whole[np.ix_(rows[k], rows[k])] += a[k] * np.outer(a[:2], a[:2])
        return np.sum(whole**2)

    a, rows, step = np.arange(1.0, 6.0), np.array([[0, 1], [1, 2]]), 1e-6
    expected = [(assembled(a + e, rows) - assembled(a - e, rows)) / (2 * step) for e in step * np.eye(5)]
    np.testing.assert_allclose(jg.grad(assembled)(a, rows), expected, rtol=1e-6)
