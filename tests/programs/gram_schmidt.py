"""QR factors of a tall matrix by modified Gram-Schmidt, column by column through views.

Method: Golub and Van Loan, Matrix Computations, section 5.2.8.
"""

import numpy as np

ARGNUMS = (0,)
SMOOTH = True
NUMBA = True


def program(A):
    """Return Q of shape (m, n) with orthonormal columns and upper triangular R with Q @ R = A."""
    n = A.shape[1]
    Q = A.copy()
    R = np.zeros((n, n))
    for j in range(n):
        column = Q[:, j]
        for i in range(j):
            R[i, j] = np.dot(Q[:, i], column)
            column -= R[i, j] * Q[:, i]
        R[j, j] = np.sqrt(np.dot(column, column))
        column /= R[j, j]
    return Q, R


def loss(A):
    Q, R = program(A)
    return np.sum(Q * np.cos(np.arange(Q.size)).reshape(Q.shape)) + np.sum(np.log(np.diag(R)))


def arguments(rng):
    return (rng.normal(size=(6, 4)),)


def large_arguments(rng):
    return (rng.normal(size=(120, 80)),)
