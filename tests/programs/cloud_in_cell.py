"""Charged particles spread over a periodic grid, and the field energy they store.

Method: Hockney and Eastwood, Computer Simulation Using Particles, section 5-3 (cloud in cell).
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def program(positions, charges, cells):
    """Return the field energy of particles at `positions` in [0, 1), shape (n,)."""
    density = np.zeros(cells)
    for p in range(len(positions)):
        place = positions[p] * cells
        left = int(np.floor(place))
        fraction = place - left
        density[left % cells] += charges[p] * (1.0 - fraction)
        density[(left + 1) % cells] += charges[p] * fraction
    density -= density.mean()
    field = np.cumsum(density) / cells
    field -= field.mean()
    return 0.5 * np.sum(field**2)


def problem(rng, particles, cells):
    whole = rng.integers(cells, size=particles)
    return (whole + rng.uniform(0.1, 0.9, particles)) / cells, rng.normal(size=particles), cells


def arguments(rng):
    return problem(rng, 12, 5)


def large_arguments(rng):
    return problem(rng, 500_000, 1000)
