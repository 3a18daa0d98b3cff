"""First values of parameters, with the bounds and deviations that PyTorch's layers and ``torch.nn.init`` have.

Each function takes a shape and a ``numpy.random.Generator`` (or a seed, or None for one that differs at each run).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod, sqrt
from typing import Any

import numpy as np

Rng = np.random.Generator | int | None
_STATE = threading.local()


@contextmanager
def without_random() -> Iterator[None]:
    """Make arrays of zeros in place of random ones, for models whose values are read from a file."""
    before = getattr(_STATE, "zeros", False)
    _STATE.zeros = True
    try:
        yield
    finally:
        _STATE.zeros = before


def generator(rng: Rng) -> np.random.Generator:
    """The generator given, or one for the seed given."""
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """How many inputs each output of a weight (out, in, *kernel) has, and how many outputs each input."""
    if len(shape) < 2:
        raise ValueError(f"fan in and fan out need a weight of two axes or more, found shape {tuple(shape)}")
    field = prod(shape[2:])
    return shape[1] * field, shape[0] * field


def uniform(shape: Sequence[int], rng: Rng, bound: float, dtype: Any = np.float32) -> np.ndarray:
    """Uniform between -bound and bound.

    >>> bool(np.abs(uniform((3, 2), 0, bound=0.5)).max() < 0.5)
    True
    """
    if getattr(_STATE, "zeros", False):
        return np.zeros(shape, dtype)
    return generator(rng).uniform(-bound, bound, tuple(shape)).astype(dtype)


def normal(shape: Sequence[int], rng: Rng, mean: float = 0.0, std: float = 1.0, dtype: Any = np.float32) -> np.ndarray:
    """Normally distributed."""
    if getattr(_STATE, "zeros", False):
        return np.zeros(shape, dtype)
    return (mean + std * generator(rng).standard_normal(tuple(shape))).astype(dtype)


def fan_in_uniform(shape: Sequence[int], rng: Rng, fan_in: int, dtype: Any = np.float32) -> np.ndarray:
    """Uniform within 1 / sqrt(fan_in): the default of PyTorch's linear and convolution layers, weight and bias."""
    return uniform(shape, rng, 1 / sqrt(fan_in) if fan_in else 0.0, dtype)


def xavier_uniform(shape: Sequence[int], rng: Rng, gain: float = 1.0, dtype: Any = np.float32) -> np.ndarray:
    """Uniform within gain * sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, AISTATS 2010, equation 16)."""
    return uniform(shape, rng, gain * sqrt(6 / sum(fans(shape))), dtype)


def xavier_normal(shape: Sequence[int], rng: Rng, gain: float = 1.0, dtype: Any = np.float32) -> np.ndarray:
    """Normal with deviation gain * sqrt(2 / (fan_in + fan_out))."""
    return normal(shape, rng, std=gain * sqrt(2 / sum(fans(shape))), dtype=dtype)


def kaiming_uniform(shape: Sequence[int], rng: Rng, gain: float = sqrt(2), dtype: Any = np.float32) -> np.ndarray:
    """Uniform within gain * sqrt(3 / fan_in) (He et al., ICCV 2015); the default gain is that of ReLU."""
    return uniform(shape, rng, gain * sqrt(3 / fans(shape)[0]), dtype)


def kaiming_normal(shape: Sequence[int], rng: Rng, gain: float = sqrt(2), dtype: Any = np.float32) -> np.ndarray:
    """Normal with deviation gain / sqrt(fan_in) (He et al., ICCV 2015)."""
    return normal(shape, rng, std=gain / sqrt(fans(shape)[0]), dtype=dtype)
