"""Flow on a periodic plane by the lattice Boltzmann method with nine velocities.

Method: Qian, d'Humieres and Lallemand, Lattice BGK Models for Navier-Stokes Equation (1992).
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = False
NUMBA_REASON = "np.roll along an axis and np.tensordot"

VELOCITIES = [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]
WEIGHTS = [4 / 9] + 4 * [1 / 9] + 4 * [1 / 36]


def moments(f):
    """Return density and the two velocity components of the populations (9, nx, ny)."""
    density = f.sum(axis=0)
    ux, uy = np.tensordot(np.array(VELOCITIES, dtype=float).T, f, axes=1) / density
    return density, ux, uy


def program(f, relaxation, steps):
    """Return the populations `f` of shape (9, nx, ny) after some steps."""
    f = f.copy()
    for _ in range(steps):
        density, ux, uy = moments(f)
        speed2 = ux**2 + uy**2
        for i, ((cx, cy), weight) in enumerate(zip(VELOCITIES, WEIGHTS)):
            along = cx * ux + cy * uy
            equilibrium = weight * density * (1.0 + 3.0 * along + 4.5 * along**2 - 1.5 * speed2)
            f[i] += relaxation * (equilibrium - f[i])
        for i, shift in enumerate(VELOCITIES):
            f[i] = np.roll(f[i], shift, axis=(0, 1))
    return f


def loss(f, relaxation, steps):
    density, ux, uy = moments(program(f, relaxation, steps))
    return np.sum(density * (ux**2 - uy) * np.cos(np.arange(ux.size)).reshape(ux.shape))


def problem(rng, nx, ny, steps):
    weights = np.array(WEIGHTS).reshape(9, 1, 1)
    return weights * rng.uniform(0.9, 1.1, (9, nx, ny)), 1.2, steps


def arguments(rng):
    return problem(rng, 4, 5, 3)


def large_arguments(rng):
    return problem(rng, 64, 64, 50)
