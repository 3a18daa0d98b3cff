"""Negative log-likelihood of a Gaussian vector, with a Cholesky factor computed by hand.

Method: Golub and Van Loan, Matrix Computations, section 4.2; Rasmussen and Williams,
Gaussian Processes for Machine Learning, algorithm 2.1.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def cholesky(A):
    """Return lower triangular L with L @ L.T = A."""
    n = A.shape[0]
    L = np.zeros_like(A)
    for i in range(n):
        for j in range(i):
            L[i, j] = (A[i, j] - L[i, :j] @ L[j, :j]) / L[j, j]
        L[i, i] = np.sqrt(A[i, i] - L[i, :i] @ L[i, :i])
    return L


def program(A, y):
    """Return -log N(y; 0, A) for the covariance `A` of shape (n, n)."""
    n = len(y)
    L = cholesky(A)
    z = np.empty(n)
    for i in range(n):
        z[i] = (y[i] - L[i, :i] @ z[:i]) / L[i, i]
    return 0.5 * z @ z + np.log(np.diag(L)).sum() + 0.5 * n * np.log(2.0 * np.pi)


def problem(rng, n):
    factor = rng.normal(size=(n, n)) / np.sqrt(n)
    return factor @ factor.T + np.eye(n), rng.normal(size=n)


def arguments(rng):
    return problem(rng, 6)


def large_arguments(rng):
    return problem(rng, 250)
