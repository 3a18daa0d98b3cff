"""Log-likelihood of a Gaussian mixture with full covariances, given as inverse factors.

Method: Bishop, Pattern Recognition and Machine Learning, section 9.2; the factor is packed as
in Srajer, Kukelova and Fitzgibbon, A Benchmark of Selected Algorithmic Differentiation Tools
(2018).
"""

import numpy as np

ARGNUMS = (0,)
SMOOTH = True
NUMBA = True


def unpack(log_diagonal, below):
    """Return the lower triangular matrix with exp(log_diagonal) and the packed rows `below`."""
    d = len(log_diagonal)
    L = np.diag(np.exp(log_diagonal))
    position = 0
    for i in range(1, d):
        for j in range(i):
            L[i, j] = below[position]
            position += 1
    return L


def log_sum_exp(x):
    largest = np.max(x)
    return largest + np.log(np.sum(np.exp(x - largest)))


def program(params, points):
    """Return the log-likelihood of `points` of shape (n, d).

    `params` is the tuple of log-weights (k,), means (k, d), log-diagonals (k, d) and packed
    triangles (k, d * (d - 1) / 2).
    """
    log_weights, means, log_diagonals, triangles = params
    n, d = points.shape
    k = len(log_weights)
    scores = np.empty((n, k))
    for c in range(k):
        L = unpack(log_diagonals[c], triangles[c])
        white = (points - means[c]) @ L.T
        scores[:, c] = log_weights[c] + log_diagonals[c].sum() - 0.5 * np.sum(white**2, axis=1)
    total = -n * (log_sum_exp(log_weights) + 0.5 * d * np.log(2.0 * np.pi))
    for row in scores:
        total += log_sum_exp(row)
    return total


def problem(rng, n, d, k):
    params = (
        rng.normal(size=k),
        rng.normal(size=(k, d)),
        0.3 * rng.normal(size=(k, d)),
        0.3 * rng.normal(size=(k, d * (d - 1) // 2)),
    )
    return params, rng.normal(size=(n, d))


def arguments(rng):
    return problem(rng, 6, 3, 2)


def large_arguments(rng):
    return problem(rng, 2000, 10, 10)
