"""Eigenvalues of a symmetric matrix by cyclic Jacobi rotations.

Method: Jacobi (1846); Golub and Van Loan, Matrix Computations, section 8.5.
"""

import numpy as np

ARGNUMS = (0,)
SMOOTH = True
NUMBA = True


def off_diagonal(A):
    """Return the norm of what stands beside the diagonal."""
    return np.sqrt(np.sum((A - np.diag(np.diag(A))) ** 2))


def rotate(A, p, q):
    """Make A[p, q] zero by a rotation of rows and columns `p` and `q`."""
    theta = 0.5 * (A[q, q] - A[p, p]) / A[p, q]
    sign = 1.0 if theta >= 0.0 else -1.0
    t = sign / (abs(theta) + np.sqrt(theta**2 + 1.0))
    c = 1.0 / np.sqrt(t**2 + 1.0)
    s = t * c
    for k in range(A.shape[0]):
        A[k, p], A[k, q] = c * A[k, p] - s * A[k, q], s * A[k, p] + c * A[k, q]
    for k in range(A.shape[0]):
        A[p, k], A[q, k] = c * A[p, k] - s * A[q, k], s * A[p, k] + c * A[q, k]


def program(A, tolerance):
    """Return the eigenvalues of (A + A.T) / 2 in the order in which the rotations leave them."""
    A = 0.5 * (A + A.T)
    n = A.shape[0]
    while off_diagonal(A) > tolerance:
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(A[p, q]) > 1e-3 * tolerance:
                    rotate(A, p, q)
    return np.diag(A).copy()


def loss(A, tolerance):
    eigenvalues = program(A, tolerance)
    return np.cos(np.arange(eigenvalues.size)) @ eigenvalues


def problem(rng, n):
    return np.diag(np.arange(n) - 0.3 * n) + 0.2 * rng.normal(size=(n, n)), 1e-6


def arguments(rng):
    return problem(rng, 5)


def large_arguments(rng):
    return problem(rng, 60)
