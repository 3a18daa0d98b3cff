"""Inviscid Burgers equation, periodic: a MUSCL scheme with a slope limiter chosen by name.

Method: LeVeque, Finite Volume Methods for Hyperbolic Problems, chapters 6 and 12.
"""

import numpy as np

ARGNUMS = (0,)
SMOOTH = False
NUMBA = True


def slopes(u, limiter):
    """Return the limited difference of every cell."""
    left = u - np.roll(u, 1)
    right = np.roll(u, -1) - u
    if limiter == "minmod":
        smaller = np.where(np.abs(left) < np.abs(right), left, right)
        return np.where(left * right > 0.0, smaller, 0.0)
    product = left * right
    return np.where(product > 0.0, 2.0 * product / (left + right + 1e-12), 0.0)


def godunov_flux(left, right):
    """Return the exact flux of u**2 / 2 between two constant states."""
    from_left = np.maximum(left, 0.0) ** 2
    from_right = np.minimum(right, 0.0) ** 2
    return 0.5 * np.maximum(from_left, from_right)


def program(u, dx, t_end, limiter):
    """Return the cell means of shape (n,) at `t_end`; the time step follows the fastest wave."""
    u = u.copy()
    t = 0.0
    while t < t_end:
        dt = min(0.4 * dx / np.max(np.abs(u)), t_end - t)
        half = 0.5 * slopes(u, limiter)
        flux = godunov_flux(u + half, np.roll(u - half, -1))
        u -= dt / dx * (flux - np.roll(flux, 1))
        t += dt
    return u


def loss(u, dx, t_end, limiter):
    result = program(u, dx, t_end, limiter)
    return np.cos(np.arange(result.size)) @ result


def problem(rng, n, t_end):
    x = (np.arange(n) + 0.5) / n
    u = 1.0 + 0.5 * np.sin(2.0 * np.pi * x + 0.3) + 0.05 * rng.normal(size=n)
    return u, 1.0 / n, t_end, "minmod"


def arguments(rng):
    return problem(rng, 16, 0.12)


def large_arguments(rng):
    return problem(rng, 400, 0.2)
