"""One-dimensional Euler equations of gas dynamics with the Rusanov flux: a shock tube.

Method: Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, section 10.5;
initial data of Sod (1978).
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def primitive(q, gamma):
    """Return density, velocity and pressure of one cell's conserved state."""
    density, momentum, energy = q
    velocity = momentum / density
    pressure = (gamma - 1.0) * (energy - 0.5 * momentum * velocity)
    return density, velocity, pressure


def rusanov(left, right, gamma):
    """Return the flux between two neighbouring cells."""
    rho_l, u_l, p_l = primitive(left, gamma)
    rho_r, u_r, p_r = primitive(right, gamma)
    flux_l = np.array([rho_l * u_l, rho_l * u_l**2 + p_l, u_l * (left[2] + p_l)])
    flux_r = np.array([rho_r * u_r, rho_r * u_r**2 + p_r, u_r * (right[2] + p_r)])
    speed_l = abs(u_l) + np.sqrt(gamma * p_l / rho_l)
    speed_r = abs(u_r) + np.sqrt(gamma * p_r / rho_r)
    return 0.5 * (flux_l + flux_r) - 0.5 * max(speed_l, speed_r) * (right - left)


def program(q, gamma, ratio, steps):
    """Advance the conserved states `q` of shape (n, 3) by `steps` steps of dt / dx = `ratio`."""
    n = len(q)
    q = q.copy()
    flux = np.empty((n - 1, 3))
    for _ in range(steps):
        for i in range(n - 1):
            flux[i] = rusanov(q[i], q[i + 1], gamma)
        for i in range(1, n - 1):
            q[i] -= ratio * (flux[i] - flux[i - 1])
    return q


def loss(q, gamma, ratio, steps):
    density = program(q, gamma, ratio, steps)[:, 0]
    return np.cos(np.arange(density.size)) @ density


def problem(rng, n, steps):
    left = np.arange(n) < n // 2
    density = np.where(left, 1.0, 0.125) * rng.uniform(0.9, 1.1, n)
    momentum = density * rng.uniform(0.1, 0.3, n)
    energy = np.where(left, 2.5, 0.25) * rng.uniform(0.9, 1.1, n)
    return np.column_stack([density, momentum, energy]), 1.4, 0.2, steps


def arguments(rng):
    return problem(rng, 10, 5)


def large_arguments(rng):
    return problem(rng, 300, 60)
