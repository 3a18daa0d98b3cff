"""Convolution of images, as a product of the weights with all windows."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from . import init
from .module import Module
from .windows import Pair, pad, pair, windows


def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Pair = 1, padding: Pair | str = 0, dilation: Pair = 1, groups: int = 1
) -> Any:
    """Cross-correlation of images (n, in, h, w) with a weight (out, in / groups, kernel rows, kernel columns).

    ``padding`` is a number of zeros on each side, "valid" (none) or "same" (as many as keep the size, for a stride of 1).

    >>> conv2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)), padding=1)[0, 0]
    array([[4., 6., 6., 4.],
           [6., 9., 9., 6.],
           [6., 9., 9., 6.],
           [4., 6., 6., 4.]])
    """
    steps, spread = pair(stride, "conv2d", "stride", 1), pair(dilation, "conv2d", "dilation", 1)
    outputs, inputs, height, width = map(index, weight.shape)
    kernel = (height, width)
    if x.ndim != 4:
        raise ValueError(f"conv2d: the input has {x.ndim} axes, expected 4: (n, channels, height, width)")
    if x.shape[1] != inputs * groups:
        raise ValueError(f"conv2d: the input has {x.shape[1]} channels, the weight takes {inputs * groups}")
    if outputs % groups != 0:
        raise ValueError(f"conv2d: {outputs} output channels cannot be divided into {groups} groups")
    columns = windows(padded(x, padding, kernel, steps, spread), kernel, steps, spread, "conv2d")
    n, rows, cols = x.shape[0], columns.shape[4], columns.shape[5]
    taps = inputs * kernel[0] * kernel[1]
    if groups == 1:
        product = weight.reshape(outputs, taps) @ columns.reshape(n, taps, rows * cols)
    else:
        product = weight.reshape(groups, outputs // groups, taps) @ columns.reshape(n, groups, taps, rows * cols)
    result = product.reshape(n, outputs, rows, cols)
    return result if bias is None else result + bias[:, None, None]


def padded(x: Any, padding: Any, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> Any:
    """The images with the padding that a number, a pair, "valid" or "same" asks for."""
    if padding == "valid":
        return x
    if padding != "same":
        return pad(x, pair(padding, "conv2d", "padding"))
    if stride != (1, 1):
        raise ValueError(f'conv2d: padding="same" needs a stride of 1, found {stride}')
    (top, bottom), (left, right) = (
        ((d * (k - 1)) // 2, d * (k - 1) - (d * (k - 1)) // 2) for k, d in zip(kernel, dilation, strict=True)
    )
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))


class Conv2d(Module):
    """A convolution of images (n, in_channels, h, w), with a weight (out_channels, in_channels / groups, *kernel_size).

    Parameters
    ----------
    kernel_size, stride, padding, dilation : one integer for both axes, or a pair; padding may be "same" or "valid" too.
    groups : into how many parts the channels are divided, each convolved by itself.
    rng : generator or seed of the first values, uniform within 1 / sqrt(inputs of one output).

    >>> Conv2d(1, 6, 5, rng=0)(np.zeros((2, 1, 32, 32), np.float32)).shape
    (2, 6, 28, 28)
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1, padding: Pair | str = 0,
        dilation: Pair = 1, groups: int = 1, bias: bool = True, *, rng: init.Rng = None, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"Conv2d: {in_channels} and {out_channels} channels cannot both be divided into {groups} groups")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f'Conv2d: padding is a number, a pair, "same" or "valid"; found {padding!r}')
        rng = init.generator(rng)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair(kernel_size, "Conv2d", "kernel_size", 1)
        self.stride, self.dilation = pair(stride, "Conv2d", "stride", 1), pair(dilation, "Conv2d", "dilation", 1)
        self.padding = padding if isinstance(padding, str) else pair(padding, "Conv2d", "padding")
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = init.fan_in_uniform(shape, rng, init.fans(shape)[0], dtype)
        self.bias = init.fan_in_uniform((out_channels,), rng, init.fans(shape)[0], dtype) if bias else None

    def forward(self, x: Any) -> Any:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ValueError(f"{self!r}: expected an input (n, {self.in_channels}, height, width), found shape {x.shape}")
        return conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        defaults = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        parts += [f"{name}={getattr(self, name)!r}" for name, default in defaults.items() if getattr(self, name) != default]
        return ", ".join(parts if self.bias is not None else [*parts, "bias=False"])
