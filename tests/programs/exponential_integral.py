"""The exponential integrals E_n(x): a continued fraction or a series, with early returns.

Method: Abramowitz and Stegun, sections 5.1.12 and 5.1.22; Lentz's evaluation after Press et al.,
Numerical Recipes, section 5.2.
"""

import numpy as np

ARGNUMS = (1,)
SMOOTH = True
NUMBA = True

EULER = 0.5772156649015329


def continued_fraction(n, x):
    """Return E_n(x) for x > 1."""
    b = x + n
    c = 1e300
    d = 1.0 / b
    h = d
    for i in range(1, 200):
        a = -i * (n - 1 + i)
        b += 2.0
        d = 1.0 / (a * d + b)
        c = b + a / c
        delta = c * d
        h *= delta
        if abs(delta - 1.0) < 1e-15:
            return h * np.exp(-x)
    return h * np.exp(-x)


def series(n, x):
    """Return E_n(x) for 0 < x <= 1 and n >= 2."""
    total = 1.0 / (n - 1)
    factor = 1.0
    for i in range(1, 200):
        factor *= -x / i
        if i == n - 1:
            psi = -EULER
            for k in range(1, n):
                psi += 1.0 / k
            term = factor * (psi - np.log(x))
        else:
            term = -factor / (i - n + 1)
        total += term
        if abs(term) < 1e-17 * abs(total):
            return total
    return total


def program(n, x):
    """Return E_n at all of `x`, for an integer n >= 2."""
    result = np.empty_like(x)
    for i in range(x.size):
        result[i] = continued_fraction(n, x[i]) if x[i] > 1.0 else series(n, x[i])
    return result


def loss(n, x):
    result = program(n, x)
    return np.cos(np.arange(result.size)) @ result


def arguments(rng):
    return 3, np.concatenate([rng.uniform(0.2, 0.8, 3), rng.uniform(1.5, 6.0, 3)])


def large_arguments(rng):
    return 3, rng.uniform(0.2, 6.0, 20_000)
