"""Optimal transport between two clouds of points with entropy: Sinkhorn's scaling.

Method: Sinkhorn (1964); Cuturi, Sinkhorn Distances (2013); Peyre and Cuturi, Computational
Optimal Transport, section 4.2.
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True


def program(x, y, mass, regularisation, iterations):
    """Return the cost to carry `mass` (n,) at `x` (n, d) evenly onto `y` (m, d)."""
    cost = ((x[:, np.newaxis, :] - y[np.newaxis, :, :]) ** 2).sum(axis=-1)
    K = np.exp(-cost / regularisation)
    target = np.full(len(y), mass.sum() / len(y))
    v = np.ones(len(y))
    for _ in range(iterations):
        u = mass / (K @ v)
        v = target / (K.T @ u)
    plan = u[:, None] * K * v
    return (plan * cost).sum()


def problem(rng, n, m, d, iterations):
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)), rng.uniform(0.5, 1.5, n), 1.0, iterations


def arguments(rng):
    return problem(rng, 5, 6, 2, 8)


def large_arguments(rng):
    return problem(rng, 200, 220, 3, 100)
