"""Gradients made small enough, in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.tree import flatten
from .optimizer import fitting


def clip_grad_norm(grads: Any, max_norm: float) -> Any:
    """Scale gradients so that their norm, all leaves taken as one vector, is at most ``max_norm``; returns the norm before.

    >>> grads = [np.array([3.0]), np.array([4.0])]
    >>> float(clip_grad_norm(grads, 1.0))
    5.0
    >>> grads
    [array([0.5999...]), array([0.7999...])]
    """
    leaves, _ = flatten(grads)
    if not leaves:
        return np.float64(0.0)
    norm = np.sqrt(sum(np.sum(g * g) for g in leaves))
    scale = np.minimum(max_norm / (norm + 1e-6), 1.0)
    for g in leaves:
        g *= fitting(scale, g)
    return norm


def clip_grad_value(grads: Any, limit: float) -> None:
    """Limit each element of the gradients to between ``-limit`` and ``limit``.

    >>> grads = {"w": np.array([-3.0, 0.5])}
    >>> clip_grad_value(grads, 1.0)
    >>> grads["w"]
    array([-1. ,  0.5])
    """
    for g in flatten(grads)[0]:
        np.clip(g, -limit, limit, out=g)
