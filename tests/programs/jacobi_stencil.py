"""Jacobi sweeps for the Poisson equation on the unit square, with two buffers that change places.

Method: Saad, Iterative Methods for Sparse Linear Systems, section 4.1.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def program(u, f, sweeps):
    """Return `u` of shape (n, n) after `sweeps` Jacobi sweeps; its border stays as given."""
    h2 = 1.0 / (u.shape[0] - 1) ** 2
    old = u.copy()
    new = u.copy()
    for _ in range(sweeps):
        neighbours = old[:-2, 1:-1] + old[2:, 1:-1] + old[1:-1, :-2] + old[1:-1, 2:]
        new[1:-1, 1:-1] = 0.25 * (neighbours + h2 * f[1:-1, 1:-1])
        old, new = new, old
    return old


def loss(u, f, sweeps):
    result = program(u, f, sweeps)
    return np.sum(result**2 * np.cos(np.arange(result.size)).reshape(result.shape))


def problem(rng, n, sweeps):
    return rng.normal(size=(n, n)), 10.0 * rng.normal(size=(n, n)), sweeps


def arguments(rng):
    return problem(rng, 7, 5)


def large_arguments(rng):
    return problem(rng, 256, 100)
