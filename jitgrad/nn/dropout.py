"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import random
from . import init
from .module import Module


def dropout(x: Any, key: Any, p: float = 0.5, training: bool = True) -> Any:
    """In training, each element 0 with probability p, else divided by 1 - p; the key (see ``jitgrad.random``) moves on."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, found {p}")
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0
    kept = random.bernoulli(key, 1 - p, x.shape)
    random.advance(key, x.size)
    return np.where(kept, x * (1 / (1 - p)), 0)


class Dropout(Module):
    """``dropout``, in training only.

    The layer's key is a buffer, ``key``, which each call in training advances in place, in compiled programs too.

    >>> layer = Dropout(0.5, rng=0)
    >>> layer(np.ones(6, np.float32))
    array([...], dtype=float32)
    >>> layer.eval()(np.ones(3))
    array([1., 1., 1.])
    """

    key: np.ndarray

    def __init__(self, p: float = 0.5, *, rng: init.Rng = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p is a probability, found {p}")
        self.p = p
        self.register_buffer("key", random.key(init.generator(rng)), persistent=False)

    def forward(self, x: Any) -> Any:
        return dropout(x, self.key, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
