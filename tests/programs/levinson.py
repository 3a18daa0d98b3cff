"""Symmetric Toeplitz equations with a general right-hand side by Levinson's recursion.

Method: Levinson (1947); Golub and Van Loan, Matrix Computations, algorithm 4.7.2.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def program(r, b):
    """Return x with T @ x = b, where T[i, j] = r[abs(i - j)]."""
    n = len(b)
    x = np.zeros(n)
    predictor = np.zeros(n)
    previous = np.zeros(n)
    x[0] = b[0] / r[0]
    error = r[0]
    for k in range(1, n):
        reflection = -r[k]
        for i in range(1, k):
            reflection -= predictor[i] * r[k - i]
        reflection /= error

        previous[:k] = predictor[:k]
        for i in range(1, k):
            predictor[i] = previous[i] + reflection * previous[k - i]
        predictor[k] = reflection
        error *= 1.0 - reflection**2

        gap = b[k]
        for i in range(k):
            gap -= x[i] * r[k - i]
        gap /= error
        for i in range(k):
            x[i] += gap * predictor[k - i]
        x[k] = gap
    return x


def loss(r, b):
    x = program(r, b)
    return np.cos(np.arange(x.size)) @ x


def problem(rng, n):
    r = 0.6 ** np.arange(n) + 0.02 * rng.normal(size=n) / (1 + np.arange(n))
    return r, rng.normal(size=n)


def arguments(rng):
    return problem(rng, 8)


def large_arguments(rng):
    return problem(rng, 1200)
