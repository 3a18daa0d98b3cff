"""Van der Pol oscillator by an embedded Runge-Kutta pair that chooses its own steps.

Method: Bogacki and Shampine, A 3(2) pair of Runge-Kutta formulas (1989); Hairer, Norsett and
Wanner, Solving Ordinary Differential Equations I, section II.4.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = False
NUMBA = True


def program(y0, mu, t_end, tolerance):
    """Return the state of shape (2,) at `t_end` and the number of accepted steps."""

    def rate(y):
        return np.array([y[1], mu * (1.0 - y[0] ** 2) * y[1] - y[0]])

    t = 0.0
    h = 0.05
    y = y0.copy()
    accepted = 0
    k1 = rate(y)
    while t_end - t > 1e-12:
        h = min(h, t_end - t)
        k2 = rate(y + h * (0.5 * k1))
        k3 = rate(y + h * (0.75 * k2))
        y_new = y + h * (2.0 * k1 + 3.0 * k2 + 4.0 * k3) / 9.0
        k4 = rate(y_new)
        difference = h * (-5.0 * k1 / 72.0 + k2 / 12.0 + k3 / 9.0 - k4 / 8.0)
        error = np.sqrt(np.mean((difference / (1.0 + np.abs(y_new))) ** 2)) / tolerance
        if error <= 1.0:
            t += h
            y = y_new
            k1 = k4
            accepted += 1
        h *= min(4.0, max(0.2, 0.9 * error ** (-1.0 / 3.0)))
    return y, accepted


def loss(y0, mu, t_end, tolerance):
    y, _ = program(y0, mu, t_end, tolerance)
    return y[0] ** 2 + 0.5 * y[1]


def problem(rng, t_end, tolerance):
    return np.array([2.0, 0.1]) + 0.1 * rng.normal(size=2), 1.5, t_end, tolerance


def arguments(rng):
    return problem(rng, 2.0, 1e-4)


def large_arguments(rng):
    return problem(rng, 30.0, 1e-7)
