"""Causal multi-head softmax attention with a residual connection.

Method: Vaswani et al., Attention Is All You Need (2017), section 3.2.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = False
NUMBA_REASON = "a dict of parameters, keepdims and products of four-dimensional arrays"


def softmax(scores):
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def split_heads(x, heads):
    """Return (batch, heads, length, width / heads) from (batch, length, width)."""
    batch, length, width = x.shape
    return x.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)


def program(params, x, heads=2):
    """Return `x` of shape (batch, length, width) plus what its positions read from earlier ones."""
    batch, length, width = x.shape
    q, k, v = [split_heads(x @ params[name], heads) for name in ("query", "key", "value")]
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(width // heads)
    future = np.triu(np.ones((length, length), dtype=bool), k=1)
    scores = np.where(future, -np.inf, scores)
    mixed = (softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(batch, length, width)
    return x + mixed @ params["out"]


def loss(params, x):
    y = program(params, x)
    return np.sum(y * np.cos(np.arange(y.size)).reshape(y.shape))


def problem(rng, batch, length, width):
    names = ("query", "key", "value", "out")
    params = {name: rng.normal(size=(width, width)) / np.sqrt(width) for name in names}
    return params, rng.normal(size=(batch, length, width))


def arguments(rng):
    return problem(rng, 2, 4, 6)


def large_arguments(rng):
    return problem(rng, 8, 128, 64)
