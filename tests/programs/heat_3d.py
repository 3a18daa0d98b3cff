"""Heat equation in a block with the seven-point stencil: scalar loops, two buffers.

Method: LeVeque, Finite Difference Methods for Ordinary and Partial Differential Equations, ch. 9;
the loop nest is the classic stencil benchmark.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def step(source, target, alpha):
    """Write one explicit Euler step from `source` into the interior of `target`."""
    nx, ny, nz = source.shape
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(1, nz - 1):
                centre = source[i, j, k]
                target[i, j, k] = centre + alpha * (
                    (source[i + 1, j, k] - 2.0 * centre + source[i - 1, j, k])
                    + (source[i, j + 1, k] - 2.0 * centre + source[i, j - 1, k])
                    + (source[i, j, k + 1] - 2.0 * centre + source[i, j, k - 1])
                )


def program(u, alpha, steps):
    """Return the block `u` after an even number of steps: there and back between two buffers."""
    a = u.copy()
    b = u.copy()
    for _ in range(steps // 2):
        step(a, b, alpha)
        step(b, a, alpha)
    return a


def loss(u, alpha, steps):
    result = program(u, alpha, steps)
    return np.sum(result * np.cos(np.arange(result.size)).reshape(result.shape))


def problem(rng, n, steps):
    return rng.normal(size=(n, n + 1, n - 1)), 0.12, steps


def arguments(rng):
    return problem(rng, 5, 4)


def large_arguments(rng):
    return problem(rng, 40, 40)
