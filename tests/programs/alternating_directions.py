"""Diffusion on a square in alternating directions, sizes given as arguments: two sweeps of tridiagonal systems a step.

Method: Peaceman and Rachford (1955); the systems are solved by Thomas's elimination, all rows at once.
"""

import numpy as np

ARGNUMS = (2,)
SMOOTH = True
NUMBA = True


def half_step(old, new, n, ratio):
    """Solve (1 - ratio D_y) new = (1 + ratio D_x) old inside the square, in which new's border is given."""
    upper = np.zeros((n, n))
    right = np.zeros((n, n))
    right[1 : n - 1, 0] = new[1 : n - 1, 0]
    for j in range(1, n - 1):
        pivot = 1.0 + 2.0 * ratio - ratio * upper[1 : n - 1, j - 1]
        explicit = old[j, 1 : n - 1] + ratio * (old[j - 1, 1 : n - 1] - 2.0 * old[j, 1 : n - 1] + old[j + 1, 1 : n - 1])
        upper[1 : n - 1, j] = ratio / pivot
        right[1 : n - 1, j] = (explicit + ratio * right[1 : n - 1, j - 1]) / pivot
    for j in range(n - 2, 0, -1):
        new[1 : n - 1, j] = upper[1 : n - 1, j] * new[1 : n - 1, j + 1] + right[1 : n - 1, j]


def program(steps, n, u):
    """Return the field after some steps."""
    u = u.copy()
    for _ in range(steps):
        between = u.T.copy()
        half_step(u, between, n, 0.4)
        after = between.T.copy()
        half_step(between, after, n, 0.4)
        u = after
    return u


def loss(steps, n, u):
    final = program(steps, n, u)
    return np.sum(np.cos(np.arange(n)) * final**2)


def problem(rng, steps, n):
    return steps, n, rng.normal(size=(n, n))


def arguments(rng):
    return problem(rng, 3, 7)


def large_arguments(rng):
    return problem(rng, 20, 100)
