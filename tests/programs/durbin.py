"""Yule-Walker equations of an autoregressive process by Durbin's recursion.

Method: Durbin (1960); Golub and Van Loan, Matrix Computations, algorithm 4.7.1.
"""

import numpy as np

ARGNUMS = (0,)
SMOOTH = True
NUMBA = True


def program(r):
    """Return y with T @ y = -r, where T is the Toeplitz matrix of (1, r[0], ..., r[n - 2])."""
    n = len(r)
    y = np.empty(n)
    y[0] = -r[0]
    alpha = -r[0]
    beta = 1.0
    for k in range(1, n):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + r[:k][::-1] @ y[:k]) / beta
        y[:k] += alpha * y[:k][::-1]
        y[k] = alpha
    return y


def loss(r):
    y = program(r)
    return np.cos(np.arange(y.size)) @ y


def problem(rng, n):
    lags = np.arange(1, n + 1)
    return (0.7**lags * np.cos(0.4 * lags) + 0.02 * rng.normal(size=n) / lags,)


def arguments(rng):
    return problem(rng, 8)


def large_arguments(rng):
    return problem(rng, 1500)
