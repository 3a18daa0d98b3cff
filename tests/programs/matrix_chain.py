"""Cheapest order to multiply a chain of matrices, with real-valued sizes.

Method: Cormen et al., Introduction to Algorithms, section 15.2.
"""

import numpy as np

ARGNUMS = (0,)
SMOOTH = False
NUMBA = True


def program(sizes):
    """Return the least cost of the product of n matrices of shapes (sizes[i], sizes[i + 1])."""
    n = len(sizes) - 1
    cost = np.zeros((n, n))
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            best = np.inf
            for k in range(i, j):
                candidate = cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                if candidate < best:
                    best = candidate
            cost[i, j] = best
    return cost[0, n - 1]


def arguments(rng):
    return (rng.uniform(1.0, 5.0, 8),)


def large_arguments(rng):
    return (rng.uniform(1.0, 5.0, 200),)
