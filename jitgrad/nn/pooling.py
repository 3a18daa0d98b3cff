"""Pooling of images: the largest or the mean pixel of each window."""

from __future__ import annotations

from typing import Any

import numpy as np

from .module import Module
from .windows import Pair, extent, offsets, pad, pair, strided


def max_pool2d(x: Any, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, dilation: Pair = 1) -> Any:
    """The largest pixel of each window of images (n, c, h, w); at ties the first one has the gradient, as in PyTorch.

    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    kernel, spread = pair(kernel_size, "max_pool2d", "kernel_size", 1), pair(dilation, "max_pool2d", "dilation", 1)
    margin = pair(padding, "max_pool2d", "padding")
    if 2 * margin[0] > kernel[0] or 2 * margin[1] > kernel[1]:
        raise ValueError(f"max_pool2d: padding {margin} is more than half of the kernel {kernel}")
    first, *rest = _pixels(x, kernel, stride, margin, spread, -np.inf, "max_pool2d")
    largest = first
    for pixel in rest:
        largest = np.where((pixel > largest) | np.isnan(pixel), pixel, largest)
    return largest


def avg_pool2d(x: Any, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, count_include_pad: bool = True) -> Any:
    """The mean pixel of each window of images (n, c, h, w); zeros of the padding count unless told otherwise."""
    kernel, margin = pair(kernel_size, "avg_pool2d", "kernel_size", 1), pair(padding, "avg_pool2d", "padding")
    if 2 * margin[0] > kernel[0] or 2 * margin[1] > kernel[1]:
        raise ValueError(f"avg_pool2d: padding {margin} is more than half of the kernel {kernel}")
    total = _sum(_pixels(x, kernel, stride, margin, (1, 1), 0.0, "avg_pool2d"))
    if count_include_pad or margin == (0, 0):
        return total * (1.0 / (kernel[0] * kernel[1]))
    return total / _sum(_pixels(np.ones((1, 1, *x.shape[2:]), x.dtype), kernel, stride, margin, (1, 1), 0.0, "avg_pool2d"))


def _pixels(
    x: Any, kernel: tuple[int, int], stride: Any, margin: tuple[int, int], dilation: tuple[int, int], fill: float, layer: str
) -> list[Any]:
    """For each place in a window the pixels there, of all windows."""
    if x.ndim != 4:
        raise ValueError(f"{layer}: the input has {x.ndim} axes, expected 4: (n, channels, height, width)")
    steps = kernel if stride is None else pair(stride, layer, "stride", 1)
    x = pad(x, margin, fill)
    rows = extent(x.shape[2], kernel[0], steps[0], dilation[0], layer)
    columns = extent(x.shape[3], kernel[1], steps[1], dilation[1], layer)
    return [strided(x, i, j, rows, columns, steps) for i, j in list(offsets(kernel, dilation))]


def _sum(pixels: list[Any]) -> Any:
    total = pixels[0]
    for pixel in pixels[1:]:
        total = total + pixel
    return total


class MaxPool2d(Module):
    """``max_pool2d``; the stride is the kernel's size if not given.

    >>> MaxPool2d(2)
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1)
    """

    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, dilation: Pair = 1) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation

    def forward(self, x: Any) -> Any:
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}"


class AvgPool2d(Module):
    """``avg_pool2d``; the stride is the kernel's size if not given."""

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, *, count_include_pad: bool = True
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.count_include_pad = padding, count_include_pad

    def forward(self, x: Any) -> Any:
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
