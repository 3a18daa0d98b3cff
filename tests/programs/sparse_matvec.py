"""Repeated product of a sparse matrix in compressed rows with a vector.

Method: Saad, Iterative Methods for Sparse Linear Systems, section 3.4.
"""

import numpy as np

ARGNUMS = (0, 3)
SMOOTH = True
NUMBA = True


def multiply(values, columns, row_starts, x):
    """Return A @ x for the matrix whose row i lies at row_starts[i]:row_starts[i + 1]."""
    y = np.zeros(len(row_starts) - 1)
    for i in range(len(y)):
        for k in range(row_starts[i], row_starts[i + 1]):
            y[i] += values[k] * x[columns[k]]
    return y


def program(values, columns, row_starts, x, repeats):
    """Return tanh(A @ ...) applied `repeats` times to `x` of shape (n,)."""
    for _ in range(repeats):
        x = np.tanh(multiply(values, columns, row_starts, x))
    return x


def loss(values, columns, row_starts, x, repeats):
    y = program(values, columns, row_starts, x, repeats)
    return np.cos(np.arange(y.size)) @ y


def problem(rng, n, per_row, repeats):
    lengths = rng.integers(0, 2 * per_row + 1, size=n)
    row_starts = np.concatenate([[0], np.cumsum(lengths)])
    columns = rng.integers(n, size=row_starts[-1])
    return rng.normal(size=row_starts[-1]), columns, row_starts, rng.normal(size=n), repeats


def arguments(rng):
    return problem(rng, 8, 3, 3)


def large_arguments(rng):
    return problem(rng, 20_000, 10, 10)
