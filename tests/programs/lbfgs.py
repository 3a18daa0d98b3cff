"""Rosenbrock's function minimised by L-BFGS: the steps and changes of slope of the last iterations lie in rings of rows.

Method: Nocedal (1980); Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5, with Armijo's backtracking.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def objective(p, curvature):
    """Return Rosenbrock's function of `p`, whose valley is as steep as `curvature`."""
    return np.sum(curvature * (p[1:] - p[:-1] ** 2) ** 2 + (1.0 - p[:-1]) ** 2)


def slope(p, curvature):
    """Return the gradient of `objective` in `p`, derived by hand."""
    g = np.zeros_like(p)
    inner = p[1:] - p[:-1] ** 2
    g[1:] += 2.0 * curvature * inner
    g[:-1] -= 4.0 * curvature * inner * p[:-1] + 2.0 * (1.0 - p[:-1])
    return g


def program(p, curvature, memory, steps):
    """Return the point reached from `p` (n,) after at most so many steps, remembering `memory` of them."""
    n = len(p)
    s, y = np.zeros((memory, n)), np.zeros((memory, n))
    rho, alpha = np.zeros(memory), np.zeros(memory)
    known = 0
    g = slope(p, curvature)
    for _ in range(steps):
        direction = g.copy()
        for back in range(1, min(known, memory) + 1):
            k = (known - back) % memory
            alpha[k] = rho[k] * (s[k] @ direction)
            direction -= alpha[k] * y[k]
        if known > 0:
            k = (known - 1) % memory
            direction *= (s[k] @ y[k]) / (y[k] @ y[k])
        for back in range(min(known, memory), 0, -1):
            k = (known - back) % memory
            direction += (alpha[k] - rho[k] * (y[k] @ direction)) * s[k]
        rate, value = 1.0, objective(p, curvature)
        while objective(p - rate * direction, curvature) > value - 1e-4 * rate * (g @ direction):
            rate *= 0.5
            if rate < 1e-8:
                break
        after = p - rate * direction
        change = slope(after, curvature) - g
        if change @ (after - p) > 1e-10:
            s[known % memory] = after - p
            y[known % memory] = change
            rho[known % memory] = 1.0 / (change @ (after - p))
            known += 1
        p, g = after, g + change
        if np.max(np.abs(g)) < 1e-9:
            break
    return p


def loss(p, curvature, memory, steps):
    reached = program(p, curvature, memory, steps)
    return np.cos(np.arange(reached.size)) @ reached


def arguments(rng):
    return np.array([-0.5, 0.8, 0.3, 0.1]) + 0.01 * rng.normal(size=4), 5.0, 3, 6


def large_arguments(rng):
    return 0.1 * rng.normal(size=200), 5.0, 8, 60
