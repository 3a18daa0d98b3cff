"""Damped least squares by conjugate gradients on the normal equations, stopped by a tolerance.

Method: Hestenes and Stiefel (1952); Golub and Van Loan, Matrix Computations, section 11.3.
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True


def program(A, b, damping, tolerance):
    """Return the x that minimises |A @ x - b|**2 + damping * |x|**2 for `A` of shape (m, n)."""
    n = A.shape[1]
    x = np.zeros(n)
    r = A.T @ b
    p = r.copy()
    rr = r @ r
    for _ in range(10 * n):
        Ap = A.T @ (A @ p) + damping * p
        alpha = rr / (p @ Ap)
        x += alpha * p
        r -= alpha * Ap
        rr_new = r @ r
        if np.sqrt(rr_new) < tolerance:
            break
        p = r + (rr_new / rr) * p
        rr = rr_new
    return x


def loss(A, b, damping, tolerance):
    x = program(A, b, damping, tolerance)
    return np.cos(np.arange(x.size)) @ x


def problem(rng, m, n, tolerance):
    return rng.normal(size=(m, n)) / np.sqrt(n), rng.normal(size=m), 0.5, tolerance


def arguments(rng):
    return problem(rng, 10, 8, 1e-9)


def large_arguments(rng):
    return problem(rng, 500, 400, 1e-9)
