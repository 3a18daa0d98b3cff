"""Distance between two curves that run at different speed.

Method: Sakoe and Chiba, Dynamic Programming Algorithm Optimization for Spoken Word
Recognition (1978), with their band around the diagonal.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = False
NUMBA = True


def program(a, b, band):
    """Return the warped distance of `a` (n,) and `b` (m,), no further than `band` off the diagonal."""
    n, m = len(a), len(b)
    previous = np.full(m + 1, np.inf)
    previous[0] = 0.0
    for i in range(1, n + 1):
        current = np.full(m + 1, np.inf)
        centre = i * m // n
        for j in range(max(1, centre - band), min(m, centre + band) + 1):
            distance = (a[i - 1] - b[j - 1]) ** 2
            current[j] = distance + min(previous[j], current[j - 1], previous[j - 1])
        previous = current
    return np.sqrt(previous[m])


def problem(rng, n, m, band):
    return np.cumsum(rng.normal(size=n)), np.cumsum(rng.normal(size=m)), band


def arguments(rng):
    return problem(rng, 8, 7, 3)


def large_arguments(rng):
    return problem(rng, 1000, 1100, 100)
