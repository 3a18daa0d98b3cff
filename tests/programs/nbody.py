"""Stars under their own gravity: leapfrog steps over all pairs, in place.

Method: Aarseth, Gravitational N-Body Simulations, chapter 2; softening of Plummer (1911).
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True
MUTATES = (0, 1)

SOFTENING = 0.05


def accelerations(x, masses):
    """Return the softened gravity on every star, visiting each pair once."""
    n = len(masses)
    a = np.zeros_like(x)
    for i in range(n):
        for j in range(i + 1, n):
            d = x[j] - x[i]
            pull = d / (np.dot(d, d) + SOFTENING) ** 1.5
            a[i] += masses[j] * pull
            a[j] -= masses[i] * pull
    return a


def program(x, v, masses, dt, steps):
    """Move positions `x` and velocities `v` of shape (n, 3); return the spread of the cluster."""
    v += 0.5 * dt * accelerations(x, masses)
    for _ in range(steps):
        x += dt * v
        v += dt * accelerations(x, masses)
    v -= 0.5 * dt * accelerations(x, masses)
    centre = (masses @ x) / masses.sum()
    return np.sum(masses * np.sum((x - centre) ** 2, axis=1)) + np.sum(v[0] * v[1])


def problem(rng, n, steps):
    return rng.normal(size=(n, 3)), 0.3 * rng.normal(size=(n, 3)), rng.uniform(0.5, 1.5, n), 0.02, steps


def arguments(rng):
    return problem(rng, 4, 4)


def large_arguments(rng):
    return problem(rng, 40, 30)
