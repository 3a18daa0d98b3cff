"""Newton's steps towards the roots of a polynomial, with value and slope by Horner's scheme.

Method: Knuth, The Art of Computer Programming, volume 2, section 4.6.4.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def horner(coefficients, x):
    """Return the polynomial and its derivative at all of `x`, lowest coefficient first."""
    value = np.zeros_like(x)
    slope = np.zeros_like(x)
    for c in coefficients[::-1]:
        slope = slope * x + value
        value = value * x + c
    return value, slope


def program(coefficients, x, steps):
    """Return `x` of shape (n,) after some damped Newton steps."""
    for _ in range(steps):
        value, slope = horner(coefficients, x)
        x = x - value * slope / (slope**2 + 1.0)
    return x


def loss(coefficients, x, steps):
    result = program(coefficients, x, steps)
    return np.cos(np.arange(result.size)) @ result


def problem(rng, degree, n, steps):
    return rng.normal(size=degree + 1), rng.uniform(-1.0, 1.0, n), steps


def arguments(rng):
    return problem(rng, 5, 6, 2)


def large_arguments(rng):
    return problem(rng, 12, 20_000, 5)
