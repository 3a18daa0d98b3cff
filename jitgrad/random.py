"""Random numbers as functions of a key: plain NumPy arithmetic on integers, the same eager and compiled.

A key is an array of one uint64. Number k of a stream is a hash of ``key + (k + 1) * STEP``: the generator SplitMix64 (Steele,
Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014, figures 16 and 17). Nothing is hidden: who draws
twice from one key gets the same numbers, so move on with ``advance``, in place, or make further keys with ``split``.

>>> generator = key(7)
>>> a = uniform(generator, (2, 3))
>>> advance(generator, 6)
>>> b = uniform(generator, (2, 3))
>>> a.dtype, bool(np.all(a == b))
(dtype('float32'), False)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

STEP = np.uint64(0x9E3779B97F4A7C15)
"""The odd integer nearest to 2**64 divided by the golden ratio."""

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def key(seed: int | np.random.Generator) -> np.ndarray:
    """A key for a seed, or one drawn from a NumPy generator."""
    start = seed.integers(2**64, dtype=np.uint64) if isinstance(seed, np.random.Generator) else seed % 2**64
    return mixed(np.full(1, start, np.uint64))


def mixed(z: Any) -> Any:
    """A hash of each integer: one to one, and every bit of the result depends on every bit of the integer."""
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))


def bits(key: Any, count: Any) -> Any:
    """``count`` random integers of 64 bits.

    >>> [hex(v) for v in bits(np.zeros(1, np.uint64), 2)]  # as the reference implementation gives from seed 0
    ['0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4']
    """
    return mixed(key + (np.arange(count).astype(np.uint64) + np.uint64(1)) * STEP)


def advance(key: Any, count: Any) -> None:
    """Move a key past ``count`` numbers, in place."""
    key += np.full(1, count, np.uint64) * STEP


def split(key: Any, count: int) -> list[Any]:
    """Keys of further streams."""
    numbers = mixed(bits(key, count) ^ _FIRST)
    return [numbers[k : k + 1] for k in range(count)]


def _size(shape: int | Sequence[int]) -> tuple[Any, Any]:
    """The shape as a tuple, and the number of elements."""
    lengths = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    count: Any = 1
    for length in lengths:
        count = count * length
    return lengths, count


def uniform(key: Any, shape: int | Sequence[int], dtype: Any = np.float32) -> Any:
    """Floats in [0, 1), of 24 random bits for float32 and 53 for float64; uses one number of the stream for each."""
    shape, count = _size(shape)
    if np.dtype(dtype) == np.float32:
        return ((bits(key, count) >> np.uint64(40)).astype(np.int32).astype(np.float32) * np.float32(2.0**-24)).reshape(shape)
    return ((bits(key, count) >> np.uint64(11)).astype(np.int64).astype(np.float64) * 2.0**-53).reshape(shape)


def bernoulli(key: Any, p: float, shape: int | Sequence[int]) -> Any:
    """Truth values that are True with probability p, to 24 bits."""
    shape, count = _size(shape)
    return ((bits(key, count) >> np.uint64(40)).astype(np.int32) < np.int32(round(p * 2**24))).reshape(shape)


def normal(key: Any, shape: int | Sequence[int], dtype: Any = np.float32) -> Any:
    """Normal floats, mean 0 and variance 1 (Box and Muller, Ann. Math. Statist. 29, 1958); uses two numbers for each."""
    shape, count = _size(shape)
    pairs = uniform(key, (2, count), dtype)
    radius = np.sqrt(-2 * np.log(1 - pairs[0]))
    return (radius * np.cos(pairs.dtype.type(2 * np.pi) * pairs[1])).reshape(shape)


def permutation(key: Any, count: Any) -> Any:
    """The integers from 0 to ``count`` - 1 in random order.

    >>> sorted(permutation(key(0), 5).tolist())
    [0, 1, 2, 3, 4]
    """
    return np.argsort((bits(key, count) >> np.uint64(1)).astype(np.int64), kind="stable")
