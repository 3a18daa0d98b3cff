"""Forward and back substitution with several right-hand sides, row by row.

Method: Golub and Van Loan, Matrix Computations, section 3.1.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = False
NUMBA_REASON = "reversed"
MUTATES = (1,)


def program(L, B):
    """Overwrite `B` of shape (n, k) by the solution X of L @ L.T @ X = B and return its trace."""
    n = L.shape[0]
    for i in range(n):
        row = B[i]
        for j in range(i):
            row -= L[i, j] * B[j]
        row /= L[i, i]
    for i in reversed(range(n)):
        row = B[i]
        for j in range(i + 1, n):
            row -= L[j, i] * B[j]
        row /= L[i, i]
    return np.trace(B)


def problem(rng, n, k):
    L = np.tril(rng.normal(size=(n, n)), -1) / n + np.diag(rng.uniform(1.0, 2.0, n))
    return L, rng.normal(size=(n, k))


def arguments(rng):
    return problem(rng, 5, 3)


def large_arguments(rng):
    return problem(rng, 120, 40)
