"""A damped oscillation integrated by the trapezoid rule, refined until two results agree.

Method: Press et al., Numerical Recipes, sections 4.2 and 4.3 (Romberg's extrapolation).
"""

import numpy as np

ARGNUMS = (0, 1, 2, 3)
SMOOTH = True
NUMBA = True


def integrand(x, decay, frequency):
    return np.exp(-decay * x * x) * np.cos(frequency * x)


def program(decay, frequency, a, b, tolerance):
    """Return the integral from `a` to `b`, with each refinement reusing the older points."""
    n = 4
    h = (b - a) / n
    total = 0.5 * (integrand(a, decay, frequency) + integrand(b, decay, frequency))
    for i in range(1, n):
        total += integrand(a + i * h, decay, frequency)
    coarse = total * h
    extrapolated = coarse
    error = np.inf
    while error > tolerance:
        for i in range(n):
            total += integrand(a + (i + 0.5) * h, decay, frequency)
        n *= 2
        h /= 2.0
        fine = total * h
        better = fine + (fine - coarse) / 3.0
        error = abs(better - extrapolated)
        coarse, extrapolated = fine, better
    return extrapolated


def arguments(rng):
    return rng.uniform(0.5, 1.0), rng.uniform(1.0, 2.0), 0.1, rng.uniform(1.5, 2.5), 1e-7


def large_arguments(rng):
    return rng.uniform(0.5, 1.0), rng.uniform(100.0, 101.0), 0.1, rng.uniform(1.5, 2.5), 1e-15
