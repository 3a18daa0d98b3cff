"""A network whose layers are found by name in a dict, with skips from the layer before, and its parameters' statistics by name."""

# ruff: noqa: F821, F841
import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = False
DEPTH = 3


def program(params, x):
    """Return the output (n, k), and by the name of each layer the mean of its squares."""
    h, spread = x, {}
    for k in range(DEPTH):
        z = h @ params[f"w{k}"] + params["b%d" % k]  # noqa: UP031
        if k > 0:
            z = z + skipped * params.get(f"gate{k}", 0.5)
        if k < DEPTH - 1:
            h = np.tanh(z)
        else:
            h = z
        skipped = z
        spread["layer " + str(k)] = np.mean(z**2)
    return h, spread


def loss(params, x):
    y, spread = program(params, x)
    return np.sum(y * np.arange(1.0, y.size + 1).reshape(y.shape)) + sum(spread[name] for name in sorted(spread))


def arguments(rng):
    params = {f"w{k}": rng.normal(size=(4, 4)) for k in range(DEPTH)} | {f"b{k}": rng.normal(size=4) for k in range(DEPTH)}
    params["gate2"] = np.array(0.3)
    return params, rng.normal(size=(5, 4))


def large_arguments(rng):
    params = {f"w{k}": rng.normal(size=(64, 64)) / 8 for k in range(DEPTH)} | {
        f"b{k}": rng.normal(size=64) for k in range(DEPTH)
    }
    params["gate2"] = np.array(0.3)
    return params, rng.normal(size=(500, 64))
