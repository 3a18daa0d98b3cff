"""Gradients that are known on paper, and a fit that is known by hand-written backpropagation."""

import numpy as np
from scipy import special

import jitgrad as jg

RATE = 0.02


def test_mean_of_squares():
    gradient = jg.grad(lambda x: np.mean(3 * (x + 2) ** 2))(np.ones((2, 2)))
    np.testing.assert_array_equal(gradient, np.full((2, 2), 4.5))


def test_product_and_cosine():
    gradient = jg.grad(lambda w: 2 * w[0] * w[1] + w[1] * np.cos(w[0]))(np.array([np.pi, 1.0]))
    np.testing.assert_allclose(gradient, [2.0, 2 * np.pi - 1], rtol=1e-15)
    assert f"{gradient[1]:.4f}" == "5.2832"


def test_product_of_two_numbers():
    value, gradients = jg.value_and_grad(lambda a, b: (a + b) * (b + 1), argnums=(0, 1))(2.0, 1.0)
    assert (value, gradients) == (6.0, (2.0, 5.0))


def test_square_of_a_norm():
    rng = np.random.default_rng(0)
    x, w, y = rng.standard_normal((30, 4)), rng.standard_normal(4), rng.standard_normal(30)
    gradient = jg.grad(lambda w, x, y: np.linalg.norm(y - x @ w) ** 2 / len(y))(w, x, y)
    np.testing.assert_allclose(gradient, -2 * x.T @ (y - x @ w) / 30, rtol=1e-12)


def backpropagate(params, x, y):
    """Loss and gradients of the two-layer network below, by hand."""
    w1, b1, w2, b2 = params
    before = x @ w1 + b1
    hidden = np.maximum(before, 0)
    error = hidden @ w2 + b2 - y
    pull = 2 * error / error.size
    pull_hidden = (pull @ w2.T) * (before > 0)
    return np.mean(error**2), (x.T @ pull_hidden, pull_hidden.sum(axis=0), hidden.T @ pull, pull.sum(axis=0))


def difference(found, expected):
    """The largest difference in each array, relative to the array's largest element; the largest of these."""
    return max(np.max(np.abs(f - e)) / np.max(np.abs(e)) for f, e in zip(found, expected, strict=True))


def test_fit_follows_hand_written_backpropagation():
    @jg.value_and_grad
    def loss(params, x, y):
        w1, b1, w2, b2 = params
        hidden = np.maximum(x @ w1 + b1, 0)
        return np.mean((hidden @ w2 + b2 - y) ** 2)

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
    shapes = ((1000, 100), (100,), (100, 10), (10,))
    by_hand = tuple(rng.standard_normal(shape) / np.sqrt(shape[0]) for shape in shapes)
    params = tuple(p.copy() for p in by_hand)
    values = []
    for _ in range(500):
        value, gradients = loss(params, x, y)
        expected, expected_gradients = backpropagate(by_hand, x, y)
        assert abs(value - expected) <= 1e-9 * expected
        assert difference(gradients, expected_gradients) <= 1e-9
        params = tuple(p - RATE * g for p, g in zip(params, gradients, strict=True))
        by_hand = tuple(p - RATE * g for p, g in zip(by_hand, expected_gradients, strict=True))
        assert difference(params, by_hand) <= 1e-9
        values.append(value)
    assert values[-1] < 1e-3 * values[0]


def test_derivatives_of_all_orders_where_a_formula_has_a_hole():
    """sinc(x) = 1 - (pi x)^2 / 6 + (pi x)^4 / 120 - ...; xlogy(x, y) = x log(y), 0 at x = 0."""
    function, orders = np.sinc, [1, 0, -(np.pi**2) / 3, 0, np.pi**4 / 5]
    for expected in orders:
        np.testing.assert_allclose(jg.jit(function)(0.0), expected, rtol=1e-13, atol=1e-14)
        function = jg.grad(function)
    xlogy = special.xlogy
    for point, expected in (((0.0, 3.0), np.log(3.0)), ((0.0, 0.0), 0.0), ((2.0, 3.0), np.log(3.0))):
        np.testing.assert_allclose(jg.jit(xlogy)(*point), xlogy(*point), rtol=1e-15)
        np.testing.assert_allclose(jg.grad(xlogy)(*point), expected)
