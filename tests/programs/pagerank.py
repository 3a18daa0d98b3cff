"""Importance of linked pages by power iteration.

Method: Page, Brin, Motwani and Winograd, The PageRank Citation Ranking (1999).
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def program(links, damping, tolerance):
    """Return the rank of each page for link strengths (n, n), row to column."""
    n = links.shape[0]
    transition = links.T / links.sum(axis=1)
    rank = np.full(n, 1.0 / n)
    change = 1.0
    while change > tolerance:
        previous = rank
        rank = damping * (transition @ previous) + (1.0 - damping) / n
        change = np.abs(rank - previous).sum()
    return rank


def loss(links, damping, tolerance):
    rank = program(links, damping, tolerance)
    return np.cos(np.arange(rank.size)) @ rank


def problem(rng, n):
    return rng.uniform(0.1, 1.0, (n, n)) ** 2, 0.85, 1e-13


def arguments(rng):
    return problem(rng, 6)


def large_arguments(rng):
    return problem(rng, 600)
