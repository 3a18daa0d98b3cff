"""Windows of images: what convolution and pooling see at each place.

Channels, heights and widths are taken as numbers, so a compiled program is for images of one size, in batches of any size:
its loops have fixed bounds, which is what makes them fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import index
from typing import Any

import numpy as np

Pair = int | tuple[int, int]


def pair(value: Any, layer: str, name: str, least: int = 0) -> tuple[int, int]:
    """One number for both axes of an image, or two."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(isinstance(v, (int, np.integer)) and v >= least for v in both):
        raise ValueError(f"{layer}: {name} is one integer or a pair of them, at least {least}; found {value!r}")
    return int(both[0]), int(both[1])


def pad(x: Any, padding: tuple[int, int], value: float = 0.0) -> Any:
    """Images (n, c, h, w) with rows and columns of a value around them."""
    if padding == (0, 0):
        return x
    return np.pad(x, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])), constant_values=value)


def extent(size: Any, kernel: int, stride: int, dilation: int, layer: str) -> int:
    """How many windows fit into an axis, padding included."""
    size, span = index(size), dilation * (kernel - 1) + 1
    if size < span:
        raise ValueError(
            f"{layer}: a kernel that spans {span} does not fit into an image that is {size} wide or high, padding included"
        )
    return (size - span) // stride + 1


def strided(x: Any, i: Any, j: Any, rows: Any, columns: Any, stride: tuple[int, int]) -> Any:
    """The pixels at a place (i, j) of all windows: (n, c, rows, columns)."""
    below, right = stride[0] * (rows - 1) + 1, stride[1] * (columns - 1) + 1
    return x[:, :, i : i + below : stride[0], j : j + right : stride[1]]


def offsets(kernel: tuple[int, int], dilation: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The places in a window, row by row."""
    return ((i * dilation[0], j * dilation[1]) for i in range(kernel[0]) for j in range(kernel[1]))


def windows(x: Any, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], layer: str) -> Any:
    """All windows of images (n, c, h, w): an array (n, c, kernel rows, kernel columns, rows, columns)."""
    extent(x.shape[2], kernel[0], stride[0], dilation[0], layer)
    extent(x.shape[3], kernel[1], stride[1], dilation[1], layer)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    every = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(2, 3))
    return every[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]].transpose(0, 1, 4, 5, 2, 3)
