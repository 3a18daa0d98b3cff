"""Energy of atoms in a periodic box, with pairs beyond a cutoff skipped.

Method: Frenkel and Smit, Understanding Molecular Simulation, section 3.2; the shift makes
energy and force vanish at the cutoff.
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True


def pair_energy(r2, epsilon, sigma):
    s6 = (sigma * sigma / r2) ** 3
    return 4.0 * epsilon * (s6 * s6 - s6)


def program(positions, epsilon, sigma, box, cutoff):
    """Return the potential energy of `positions` of shape (n, 3) in a cube of side `box`."""
    n = positions.shape[0]
    at_cutoff = pair_energy(cutoff**2, epsilon, sigma)
    energy = 0.0
    for i in range(n - 1):
        for j in range(i + 1, n):
            r2 = 0.0
            for axis in range(3):
                d = positions[i, axis] - positions[j, axis]
                d -= box * np.round(d / box)
                r2 += d * d
            if r2 > cutoff**2:
                continue
            energy += pair_energy(r2, epsilon, sigma) - at_cutoff
    return energy


def problem(rng, side, cutoff):
    grid = np.stack(np.meshgrid(*3 * [np.arange(side)], indexing="ij"), axis=-1).reshape(-1, 3)
    return 1.2 * grid + 0.1 * rng.normal(size=grid.shape), 0.8, 1.0, 1.2 * side, cutoff


def arguments(rng):
    return problem(rng, 2, 1.5)


def large_arguments(rng):
    return problem(rng, 8, 3.0)
