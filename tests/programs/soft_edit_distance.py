"""A smooth edit distance between two sequences of vectors: a recursion over soft minima.

Method: Wagner and Fischer (1974) for the recursion; Cuturi and Blondel, Soft-DTW (2017), for
the smooth minimum.
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True


def soft_minimum(a, b, c, gamma):
    """Return -gamma log of the sum of exp(-/gamma), computed without overflow."""
    least = min(a, b, c)
    weights = np.exp((least - a) / gamma) + np.exp((least - b) / gamma) + np.exp((least - c) / gamma)
    return least - gamma * np.log(weights)


def program(a, b, gap, gamma):
    """Return the soft cost to turn `a` of shape (n, d) into `b` of shape (m, d)."""
    n, m = len(a), len(b)
    cost = np.zeros((n + 1, m + 1))
    cost[:, 0] = gap * np.arange(n + 1)
    cost[0, :] = gap * np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            substitution = np.sum((a[i - 1] - b[j - 1]) ** 2)
            cost[i, j] = soft_minimum(
                cost[i - 1, j] + gap,
                cost[i, j - 1] + gap,
                cost[i - 1, j - 1] + substitution,
                gamma,
            )
    return cost[n, m]


def problem(rng, n, m, d):
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)), 0.8, 0.3


def arguments(rng):
    return problem(rng, 5, 6, 2)


def large_arguments(rng):
    return problem(rng, 200, 220, 4)
