"""What the drivers of CUDA programs call on the host: sizes of grids, single elements, and the results of reductions.

In: device arrays and sizes. Out: numbers, or new device arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .device import cuda

MOST_BLOCKS = 1024
"""Enough to fill any GPU; more points than threads are visited one after the other."""


def blocks(points: int, threads: int) -> int:
    """How many blocks visit the points of a domain; one if there are none."""
    return max(1, min(MOST_BLOCKS, -(-points // threads)))


def groups(results: int, slots: int) -> int:
    """How many blocks have a slot for each of the results of a reduction; one if there are none."""
    return max(1, -(-results // slots))


def tiles(rows: int, columns: int, tile: int) -> tuple[int, int]:
    """How many tiles cover a matrix each way; one if it is empty."""
    return max(1, -(-rows // tile)), max(1, -(-columns // tile))


def count(grid: tuple[int, int]) -> int:
    """The number of blocks of a grid."""
    return math.prod(grid)


def combine(op: str, parts: Any) -> Any:
    """What the parts that blocks left of a reduction come to; waits for the device."""
    found = parts.copy_to_host()
    match op:
        case "sum" if found.dtype.kind == "f":
            return found.dtype.type(np.sum(found, dtype=np.float64))
        case "sum" | "any" if found.dtype.kind == "b":
            return np.any(found)
        case "all":
            return np.all(found)
        case "sum" | "prod":
            return getattr(np, op)(found, dtype=found.dtype)
        case "argmax" | "argmin":
            return int(found[0])
    return getattr(np, op)(found)


def zeros(shape: Any, dtype: Any) -> Any:
    """A device array of zeros."""
    return cuda.to_device(np.zeros(shape, dtype))


def copy(x: Any) -> Any:
    """A new device array with the same elements."""
    out = cuda.device_array(x.shape, x.dtype)
    out.copy_to_device(x)
    return out


def read(x: Any, *index: int) -> Any:
    """An element of a device array; waits for the device."""
    return x.dtype.type(x[index])


def write(x: Any, value: Any, *index: int) -> None:
    """Set an element of a device array."""
    x[index] = value


def add(x: Any, value: Any, *index: int) -> None:
    """Add to an element of a device array; truth values are joined by or."""
    old = read(x, *index)
    x[index] = old | value if x.dtype.kind == "b" else old + value
