"""Misfit of a predator-prey model to counts of hares and lynxes: classical Runge-Kutta.

Method: Lotka (1925), Volterra (1926); Hairer, Norsett and Wanner, Solving Ordinary
Differential Equations I, section II.1.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def program(rates, start, counts, dt, substeps):
    """Return the mean squared error in the logarithms of `counts` of shape (years, 2)."""
    birth, predation, growth, death = rates

    def change(state):
        prey, predators = state
        prey_rate = prey * (birth - predation * predators)
        predator_rate = predators * (growth * prey - death)
        return np.array([prey_rate, predator_rate])

    state = start
    misfit = 0.0
    for observed in counts:
        for _ in range(substeps):
            k1 = change(state)
            k2 = change(state + 0.5 * dt * k1)
            k3 = change(state + 0.5 * dt * k2)
            k4 = change(state + dt * k3)
            state = state + dt / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
        misfit += np.sum((np.log(state) - np.log(observed)) ** 2)
    return misfit / counts.size


def problem(rng, years, substeps):
    rates = np.array([0.55, 0.28, 0.24, 0.8]) * rng.uniform(0.9, 1.1, 4)
    return rates, np.array([3.0, 1.2]), rng.uniform(1.0, 5.0, (years, 2)), 0.5 / substeps, substeps


def arguments(rng):
    return problem(rng, 5, 3)


def large_arguments(rng):
    return problem(rng, 100, 100)
