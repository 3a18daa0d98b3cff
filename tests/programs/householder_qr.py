"""Least squares by Householder reflections, applied to the trailing block.

Method: Householder (1958); Trefethen and Bau, Numerical Linear Algebra, lectures 10 and 11.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def program(A, b):
    """Return x that minimises |A @ x - b| for `A` of shape (m, n), m >= n."""
    n = A.shape[1]
    R = A.copy()
    y = b.copy()
    for k in range(n):
        v = R[k:, k].copy()
        length = np.sqrt(np.sum(v**2))
        v[0] += length if v[0] >= 0.0 else -length
        v /= np.sqrt(np.sum(v**2))
        R[k:, k:] -= 2.0 * np.outer(v, v @ np.ascontiguousarray(R[k:, k:]))
        y[k:] -= 2.0 * v * (v @ y[k:])
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (y[i] - np.sum(R[i, i + 1 :] * x[i + 1 :])) / R[i, i]
    return x


def loss(A, b):
    x = program(A, b)
    return np.cos(np.arange(x.size)) @ x


def problem(rng, m, n):
    return rng.normal(size=(m, n)), rng.normal(size=m)


def arguments(rng):
    return problem(rng, 7, 4)


def large_arguments(rng):
    return problem(rng, 150, 100)
