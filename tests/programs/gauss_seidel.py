"""Gauss-Seidel with over-relaxation for the Poisson equation, element by element and in place.

Method: Young, Iterative Solution of Large Linear Systems (1971), chapter 6.
"""

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True
MUTATES = (0,)


def residual(u, f, h2, i, j):
    """Return what is missing at one grid point for the five-point equation to hold."""
    return u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j] + h2 * f[i, j]


def program(u, f, omega, sweeps):
    """Relax `u` of shape (n, m) in place and return the sum of the squared residuals."""
    rows, columns = u.shape
    h2 = 1.0 / (rows - 1) ** 2
    for _ in range(sweeps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                u[i, j] += 0.25 * omega * residual(u, f, h2, i, j)
    total = 0.0
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            total += residual(u, f, h2, i, j) ** 2
    return total


def problem(rng, rows, columns, sweeps):
    return rng.normal(size=(rows, columns)), rng.normal(size=(rows, columns)), 1.3, sweeps


def arguments(rng):
    return problem(rng, 6, 5, 3)


def large_arguments(rng):
    return problem(rng, 120, 120, 50)
