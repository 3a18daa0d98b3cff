"""Activation functions, as functions and as layers."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from ..numpy import erf, logistic, softplus
from ..transforms import stop_gradient
from .module import Module


def relu(x: Any) -> Any:
    """max(x, 0), whose derivative at 0 is 0.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.where(x <= 0, 0, x)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where it is positive, ``negative_slope * x`` elsewhere."""
    return np.where(x > 0, x, negative_slope * x)


def gelu(x: Any, approximate: str = "none") -> Any:
    """x times the normal distribution function of x; with ``approximate="tanh"`` by the formula with tanh (arXiv:1606.08415).

    >>> gelu(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8413])
    """
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * (x * x * x))))
    if approximate != "none":
        raise ValueError(f'gelu: approximate is "none" or "tanh", found {approximate!r}')
    return 0.5 * x * (1 + erf(x * sqrt(0.5)))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(x)


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + exp(-x))."""
    return logistic(x)


def silu(x: Any) -> Any:
    """x times the logistic function of x."""
    return x * logistic(x)


def softmax(x: Any, dim: int = -1) -> Any:
    """exp(x) divided by its sum along an axis, with no overflow.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    powers = np.exp(x - stop_gradient(np.max(x, axis=dim, keepdims=True)))
    return powers / np.sum(powers, axis=dim, keepdims=True)


def log_softmax(x: Any, dim: int = -1) -> Any:
    """The logarithm of ``softmax``, exact where that would be 0."""
    shifted = x - stop_gradient(np.max(x, axis=dim, keepdims=True))
    return shifted - np.log(np.sum(np.exp(shifted), axis=dim, keepdims=True))


class ReLU(Module):
    """``relu``."""

    def forward(self, x: Any) -> Any:
        return relu(x)


class LeakyReLU(Module):
    """``leaky_relu``."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class GELU(Module):
    """``gelu``."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        return np.tanh(x)


class Sigmoid(Module):
    """The logistic function."""

    def forward(self, x: Any) -> Any:
        return logistic(x)


class SiLU(Module):
    """``silu``."""

    def forward(self, x: Any) -> Any:
        return silu(x)


class Softmax(Module):
    """``softmax`` along an axis."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        return softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """``log_softmax`` along an axis."""

    def forward(self, x: Any) -> Any:
        return log_softmax(x, self.dim)


__all__ = [
    "GELU", "LeakyReLU", "LogSoftmax", "ReLU", "SiLU", "Sigmoid", "Softmax", "Tanh", "gelu", "leaky_relu",
    "log_softmax", "relu", "sigmoid", "silu", "softmax", "softplus", "tanh",
]  # fmt: skip
