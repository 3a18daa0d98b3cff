"""Log-likelihood of noisy positions of a moving body under a Kalman filter.

Method: Kalman (1960); Särkkä, Bayesian Filtering and Smoothing, theorem 4.2.
"""

import numpy as np

ARGNUMS = (0, 1, 2, 3)
SMOOTH = True
NUMBA = True


def program(observations, F, Q, R, H):
    """Return log p(observations) for states of size n and observations of shape (steps, m)."""
    n = F.shape[0]
    mean = np.zeros(n)
    covariance = np.eye(n)
    log_likelihood = 0.0
    for z in observations:
        mean = F @ mean
        covariance = F @ covariance @ F.T + Q

        innovation = z - H @ mean
        S = H @ covariance @ H.T + R
        whitened = np.linalg.solve(S, innovation)
        log_likelihood -= 0.5 * (innovation @ whitened + np.log(np.linalg.det(2.0 * np.pi * S)))

        gain = np.linalg.solve(S, H @ covariance).T
        mean = mean + gain @ innovation
        covariance = covariance - gain @ S @ gain.T
    return log_likelihood


def problem(rng, steps):
    F = np.eye(4) + 0.1 * np.eye(4, k=2) + 0.01 * rng.normal(size=(4, 4))
    H = np.eye(2, 4)
    observations = np.cumsum(0.3 * rng.normal(size=(steps, 2)), axis=0)
    return observations, F, 0.05 * np.eye(4), 0.2 * np.eye(2), H


def arguments(rng):
    return problem(rng, 6)


def large_arguments(rng):
    return problem(rng, 1000)
