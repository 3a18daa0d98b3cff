"""A noisy series smoothed twice: by a moving mean and by exponential smoothing.

Method: Chatfield, The Analysis of Time Series, sections 2.5 and 5.2.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def moving_mean(x, window):
    """Return the mean of every `window` neighbours, by differences of running sums."""
    sums = np.zeros(len(x) + 1)
    sums[1:] = np.cumsum(x)
    return (sums[window:] - sums[:-window]) / window


def program(x, alpha, window):
    """Return the smoothed series, of length len(x) - window + 1, and its one-step error."""
    smooth = moving_mean(x, window)
    error = 0.0
    level = smooth[0]
    for t in range(1, len(smooth)):
        error += (smooth[t] - level) ** 2
        level += alpha * (smooth[t] - level)
        smooth[t] = level
    return smooth, error / len(smooth)


def loss(x, alpha, window):
    smooth, error = program(x, alpha, window)
    return np.cos(np.arange(smooth.size)) @ smooth + error


def problem(rng, n, window):
    return np.sin(0.1 * np.arange(n)) + 0.3 * rng.normal(size=n), 0.3, window


def arguments(rng):
    return problem(rng, 12, 4)


def large_arguments(rng):
    return problem(rng, 500_000, 24)
