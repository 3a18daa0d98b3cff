"""Natural cubic spline through given points, evaluated at many places.

Method: de Boor, A Practical Guide to Splines, chapter IV.
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True


def second_derivatives(x, y):
    """Return y'' at the knots `x`: a tridiagonal system, eliminated on the way down."""
    n = len(x)
    h = x[1:] - x[:-1]
    slope = (y[1:] - y[:-1]) / h
    upper = np.zeros(n)
    m = np.zeros(n)
    for i in range(1, n - 1):
        pivot = 2.0 * (h[i - 1] + h[i]) - h[i - 1] * upper[i - 1]
        upper[i] = h[i] / pivot
        m[i] = (6.0 * (slope[i] - slope[i - 1]) - h[i - 1] * m[i - 1]) / pivot
    for i in range(n - 2, 0, -1):
        m[i] -= upper[i] * m[i + 1]
    return m


def program(x, y, places):
    """Return the spline through (x, y) at `places`, each found by halving the interval."""
    m = second_derivatives(x, y)
    values = np.zeros(len(places))
    for k, t in enumerate(places):
        low, high = 0, len(x) - 1
        while high - low > 1:
            middle = (low + high) // 2
            if x[middle] > t:
                high = middle
            else:
                low = middle
        h = x[high] - x[low]
        a = (x[high] - t) / h
        b = (t - x[low]) / h
        bend = (a**3 - a) * m[low] + (b**3 - b) * m[high]
        values[k] = a * y[low] + b * y[high] + bend * h**2 / 6.0
    return values


def loss(x, y, places):
    values = program(x, y, places)
    return np.cos(np.arange(values.size)) @ values


def problem(rng, knots, places):
    x = np.arange(knots) + 0.3 * rng.uniform(size=knots)
    return x, rng.normal(size=knots), rng.uniform(x[0], x[-1], places)


def arguments(rng):
    return problem(rng, 6, 8)


def large_arguments(rng):
    return problem(rng, 500, 50_000)
