"""A long short-term memory layer read over a sequence, with its parameters in a dict.

Method: Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = False
NUMBA_REASON = "the parameters are a dict of arrays of different rank"


def logistic(x):
    return 1.0 / (1.0 + np.exp(-x))


def program(params, xs, targets):
    """Return the mean squared error of one-step predictions for `xs` of shape (steps, inputs)."""
    hidden = params["recurrent"].shape[0]
    h = np.zeros(hidden)
    c = np.zeros(hidden)
    total = 0.0
    for x, target in zip(xs, targets):
        gates = x @ params["input"] + h @ params["recurrent"] + params["bias"]
        i, f, g, o = np.split(gates, 4)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        h = logistic(o) * np.tanh(c)
        total += np.sum((h @ params["output"] - target) ** 2)
    return total / targets.size


def problem(rng, steps, inputs, hidden):
    params = {
        "input": 0.5 * rng.normal(size=(inputs, 4 * hidden)),
        "recurrent": 0.5 * rng.normal(size=(hidden, 4 * hidden)),
        "bias": 0.1 * rng.normal(size=4 * hidden),
        "output": rng.normal(size=(hidden, inputs)),
    }
    return params, rng.normal(size=(steps, inputs)), rng.normal(size=(steps, inputs))


def arguments(rng):
    return problem(rng, 5, 2, 3)


def large_arguments(rng):
    return problem(rng, 200, 16, 64)
