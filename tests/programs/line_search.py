"""Logistic regression fitted by gradient descent with Armijo's backtracking line search.

Method: Armijo (1966); Nocedal and Wright, Numerical Optimization, algorithm 3.1.
"""

import numpy as np

ARGNUMS = (0, 1, 3)
SMOOTH = True
NUMBA = True


def objective(w, x, signs, ridge):
    """Return the mean logistic loss plus the ridge penalty."""
    return np.mean(np.log1p(np.exp(-signs * (x @ w)))) + 0.5 * ridge * (w @ w)


def slope(w, x, signs, ridge):
    """Return the gradient of `objective` in `w`, derived by hand."""
    weights = -signs / (1.0 + np.exp(signs * (x @ w)))
    return x.T @ weights / len(signs) + ridge * w


def program(w, x, signs, ridge, steps):
    """Return the weights (d,) after some steps on `x` of shape (n, d) with `signs` of +-1."""
    for _ in range(steps):
        value = objective(w, x, signs, ridge)
        g = slope(w, x, signs, ridge)
        rate = 8.0
        while objective(w - rate * g, x, signs, ridge) > value - 0.3 * rate * (g @ g):
            rate *= 0.5
        w = w - rate * g
    return w


def loss(w, x, signs, ridge, steps):
    fitted = program(w, x, signs, ridge, steps)
    return np.cos(np.arange(fitted.size)) @ fitted


def problem(rng, n, d, steps):
    x = rng.normal(size=(n, d))
    signs = np.where(x[:, 0] + 0.5 * rng.normal(size=n) > 0.0, 1.0, -1.0)
    return 0.1 * rng.normal(size=d), x, signs, 0.1, steps


def arguments(rng):
    return problem(rng, 10, 3, 4)


def large_arguments(rng):
    return problem(rng, 500, 20, 20)
