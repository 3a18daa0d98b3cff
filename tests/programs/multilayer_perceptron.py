"""Cross-entropy of a small classifier whose layers are a Python list.

Method: Rumelhart, Hinton and Williams (1986); Bishop, Pattern Recognition and Machine Learning,
section 5.2.
"""

import itertools

import numpy as np

ARGNUMS = (0,)
SMOOTH = True
NUMBA = False
NUMBA_REASON = "a list of pairs of arrays, and keepdims"


def program(layers, x, labels):
    """Return the mean cross-entropy for `x` of shape (n, inputs) and integer `labels` (n,)."""
    h = x
    for depth, (w, b) in enumerate(layers):
        h = h @ w + b
        if depth < len(layers) - 1:
            h = np.tanh(h)
    h = h - h.max(axis=1, keepdims=True)
    log_probabilities = h - np.log(np.exp(h).sum(axis=1, keepdims=True))
    picked = log_probabilities[np.arange(len(labels)), labels]
    penalty = sum(np.sum(w**2) for w, _ in layers)
    return -picked.mean() + 1e-3 * penalty


def problem(rng, n, widths):
    layers = [(rng.normal(size=(a, b)) / np.sqrt(a), 0.1 * rng.normal(size=b)) for a, b in itertools.pairwise(widths)]
    return layers, rng.normal(size=(n, widths[0])), rng.integers(widths[-1], size=n)


def arguments(rng):
    return problem(rng, 5, [4, 6, 5, 3])


def large_arguments(rng):
    return problem(rng, 128, [100, 200, 100, 10])
