"""Fully connected layers, and the layer that makes images into rows for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import init
from .module import Module


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """``x @ weight.T + bias`` for x of shape (..., in) and a weight of shape (out, in)."""
    if x.shape[-1] != weight.shape[1]:
        raise ValueError(f"linear: the last axis of the input has size {x.shape[-1]}, the weight takes {weight.shape[1]}")
    product = x @ weight.T
    return product if bias is None else product + bias


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """One axis in place of those from ``start_dim`` to ``end_dim``.

    >>> flatten(np.zeros((2, 3, 4)), 1).shape
    (2, 12)
    """
    first, last = start_dim % x.ndim, end_dim % x.ndim
    if first > last:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    size = 1
    for length in x.shape[first : last + 1]:
        size = size * length
    return x.reshape((*x.shape[:first], size, *x.shape[last + 1 :]))


class Linear(Module):
    """An affine map of the last axis: ``x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features : sizes of the last axis of input and output.
    bias : whether to add a bias.
    rng : generator or seed of the first values, which are uniform within 1 / sqrt(in_features).
    dtype : of the parameters.

    >>> Linear(3, 2, rng=0)(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, rng: init.Rng = None, dtype: Any = np.float32
    ) -> None:
        rng = init.generator(rng)
        self.in_features, self.out_features = in_features, out_features
        self.weight = init.fan_in_uniform((out_features, in_features), rng, in_features, dtype)
        self.bias = init.fan_in_uniform((out_features,), rng, in_features, dtype) if bias else None

    def forward(self, x: Any) -> Any:
        if x.shape[-1] != self.in_features:
            raise ValueError(f"{self!r}: the last axis of the input has size {x.shape[-1]}")
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Flatten(Module):
    """Make one axis of those from ``start_dim`` to ``end_dim``; by default all but the first."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        return flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """The input as it is; takes any arguments when made, to stand in for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x
