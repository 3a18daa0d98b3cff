"""Linear equations by Gaussian elimination with partial pivoting, written out by hand.

Method: Golub and Van Loan, Matrix Computations, algorithm 3.4.1.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def factorise(A, b):
    """Overwrite `A` with its LU factors and apply the row swaps to `b` as well."""
    n = A.shape[0]
    for k in range(n - 1):
        pivot = k + np.argmax(np.abs(A[k:, k]))
        if pivot != k:
            b[k], b[pivot] = b[pivot], b[k]
            for j in range(n):
                A[k, j], A[pivot, j] = A[pivot, j], A[k, j]
        for i in range(k + 1, n):
            A[i, k] /= A[k, k]
            A[i, k + 1 :] -= A[i, k] * A[k, k + 1 :]


def program(A, b):
    """Return x with A @ x = b for `A` of shape (n, n); the arguments stay as they are."""
    n = A.shape[0]
    lu = A.copy()
    x = b.copy()
    factorise(lu, x)
    for i in range(1, n):
        x[i] -= lu[i, :i] @ x[:i]
    for i in range(n - 1, -1, -1):
        x[i] = (x[i] - lu[i, i + 1 :] @ x[i + 1 :]) / lu[i, i]
    return x


def loss(A, b):
    x = program(A, b)
    return np.cos(np.arange(x.size)) @ x


def problem(rng, n):
    return rng.normal(size=(n, n)) + 2.0 * np.eye(n)[::-1], rng.normal(size=n)


def arguments(rng):
    return problem(rng, 6)


def large_arguments(rng):
    return problem(rng, 150)
