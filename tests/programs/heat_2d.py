"""Heat in an insulated plate whose conductivity varies: explicit Euler with face fluxes.

Method: LeVeque, Finite Difference Methods for Ordinary and Partial Differential Equations, ch. 9.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def divergence_of_flux(u, k):
    """Return div(k grad u) in units of the cell; no heat passes the border."""
    rate = np.zeros_like(u)
    flux = 0.5 * (k[1:] + k[:-1]) * (u[1:] - u[:-1])
    rate[:-1] += flux
    rate[1:] -= flux
    flux = 0.5 * (k[:, 1:] + k[:, :-1]) * (u[:, 1:] - u[:, :-1])
    rate[:, :-1] += flux
    rate[:, 1:] -= flux
    return rate


def program(u, k, dt, steps):
    """Return the plate's temperature and the history of its hottest corner."""
    u = u.copy()
    history = np.empty(steps)
    for step in range(steps):
        u += dt * divergence_of_flux(u, k)
        history[step] = u[0, 0]
    return u, history


def loss(u, k, dt, steps):
    final, history = program(u, k, dt, steps)
    weights = np.cos(np.arange(final.size)).reshape(final.shape)
    return np.sum(weights * final**2) + np.mean(history)


def problem(rng, rows, columns, steps):
    return rng.normal(size=(rows, columns)), rng.uniform(0.5, 1.5, (rows, columns)), 0.1, steps


def arguments(rng):
    return problem(rng, 5, 6, 7)


def large_arguments(rng):
    return problem(rng, 96, 96, 60)
