"""Implicit heat steps on a rod: a tridiagonal system solved again in every step.

Method: Thomas (1949); Press et al., Numerical Recipes, section 2.4; Crank and Nicolson (1947).
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def solve_tridiagonal(lower, diagonal, upper, d):
    """Overwrite `d` by the solution; the three diagonals have the length of `d`."""
    n = d.size
    c = upper.copy()
    c[0] /= diagonal[0]
    d[0] /= diagonal[0]
    for i in range(1, n):
        pivot = diagonal[i] - lower[i] * c[i - 1]
        c[i] /= pivot
        d[i] = (d[i] - lower[i] * d[i - 1]) / pivot
    for i in range(n - 2, -1, -1):
        d[i] -= c[i] * d[i + 1]


def program(u, k, dt, steps):
    """Return the temperatures of shape (n,) after `steps` steps with conductivities `k`."""
    n = u.size
    face = np.zeros(n + 1)
    face[1:-1] = 0.25 * dt * (k[1:] + k[:-1])
    lower, upper = -face[:-1], -face[1:]
    diagonal = 1.0 + face[:-1] + face[1:]
    u = u.copy()
    for _ in range(steps):
        right = (2.0 - diagonal) * u
        right[1:] -= lower[1:] * u[:-1]
        right[:-1] -= upper[:-1] * u[1:]
        solve_tridiagonal(lower, diagonal, upper, right)
        u = right
    return u


def loss(u, k, dt, steps):
    result = program(u, k, dt, steps)
    return np.cos(np.arange(result.size)) @ result


def problem(rng, n, steps):
    return rng.normal(size=n), rng.uniform(0.5, 2.0, n), 0.5, steps


def arguments(rng):
    return problem(rng, 9, 4)


def large_arguments(rng):
    return problem(rng, 1000, 200)
