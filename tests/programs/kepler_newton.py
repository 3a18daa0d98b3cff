"""Positions of planets on their ellipses: Kepler's equation by Newton's method.

Method: Danby, Fundamentals of Celestial Mechanics, section 6.6.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def eccentric_anomaly(mean_anomaly, eccentricity, tolerance):
    """Return E with E - eccentricity * sin(E) = mean_anomaly."""
    E = mean_anomaly
    step = 1.0
    while abs(step) > tolerance:
        step = (E - eccentricity * np.sin(E) - mean_anomaly) / (1.0 - eccentricity * np.cos(E))
        E -= step
    return E


def program(mean_anomalies, eccentricities, tolerance=1e-8):
    """Return positions of shape (n, 2) in units of the major half-axis."""
    n = len(mean_anomalies)
    positions = np.empty((n, 2))
    for i in range(n):
        e = eccentricities[i]
        E = eccentric_anomaly(mean_anomalies[i], e, tolerance)
        positions[i, 0] = np.cos(E) - e
        positions[i, 1] = np.sqrt(1.0 - e * e) * np.sin(E)
    return positions


def loss(mean_anomalies, eccentricities):
    positions = program(mean_anomalies, eccentricities)
    return np.sum(positions * np.cos(np.arange(positions.size)).reshape(positions.shape))


def problem(rng, n):
    return rng.uniform(0.2, 6.0, n), rng.uniform(0.1, 0.6, n)


def arguments(rng):
    return problem(rng, 6)


def large_arguments(rng):
    return problem(rng, 50_000)
