"""Friction in rough pipes: Colebrook's equation by bisection with one Newton step at the end.

Method: Colebrook (1939) for the equation; Press et al., Numerical Recipes, section 9.1.  The
last step makes the root, and with it the derivative, exact to the square of the bracket.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = False
NUMBA = True


def mismatch(s, reynolds, roughness):
    """Return how far s = 1 / sqrt(friction factor) is from solving the equation."""
    return s + 2.0 * np.log10(roughness / 3.7 + 2.51 * s / reynolds)


def slope(s, reynolds, roughness):
    """Return the derivative of `mismatch` with respect to `s`."""
    inner = roughness / 3.7 + 2.51 * s / reynolds
    return 1.0 + 2.0 * 2.51 / (reynolds * inner * np.log(10.0))


def friction_factor(reynolds, roughness, tolerance):
    """Return the Darcy friction factor of turbulent flow."""
    low, high = 1.0, 20.0
    while high - low > tolerance:
        middle = 0.5 * (low + high)
        if mismatch(middle, reynolds, roughness) > 0.0:
            high = middle
        else:
            low = middle
    s = 0.5 * (low + high)
    s -= mismatch(s, reynolds, roughness) / slope(s, reynolds, roughness)
    return 1.0 / s**2


def program(reynolds, roughness, tolerance):
    """Return the friction factor of each pipe, shape (n,)."""
    factors = np.zeros(len(reynolds))
    for i, (number, wall) in enumerate(zip(reynolds, roughness)):
        factors[i] = friction_factor(number, wall, tolerance)
    return factors


def loss(reynolds, roughness, tolerance):
    factors = program(reynolds, roughness, tolerance)
    return np.cos(np.arange(factors.size)) @ factors


def problem(rng, n):
    return 10.0 ** rng.uniform(4.0, 6.0, n), rng.uniform(0.01, 0.05, n), 1e-9


def arguments(rng):
    return problem(rng, 4)


def large_arguments(rng):
    return problem(rng, 10_000)
