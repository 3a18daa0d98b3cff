"""Normalisation over the batch or over the last axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..transforms import stop_gradient
from .module import Module


def layer_norm(x: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Mean 0 and variance 1 over the last axes, then times weight plus bias (Ba, Kiros and Hinton, arXiv:1607.06450)."""
    count = len(normalized_shape)
    if x.ndim < count or any(x.shape[k - count] != normalized_shape[k] for k in range(count)):
        raise ValueError(f"layer_norm: the last axes of an input of shape {x.shape} are not {tuple(normalized_shape)}")
    axes = tuple(range(x.ndim - count, x.ndim))
    centered = x - np.mean(x, axis=axes, keepdims=True)
    result = centered / np.sqrt(np.mean(centered * centered, axis=axes, keepdims=True) + eps)
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def batch_norm(
    x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: Any = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Normalise each channel (axis 1) over all other axes (Ioffe and Szegedy, arXiv:1502.03167).

    In training by the statistics of the batch, which also move the running ones, in place; else by the running ones, if given.
    """
    axes = tuple(k for k in range(x.ndim) if k != 1)
    shape = tuple(-1 if k == 1 else 1 for k in range(x.ndim))
    if training or running_mean is None:
        count = x.size // x.shape[1]
        if training and count == 1:
            raise ValueError("batch_norm: one value per channel has no variance; train with more, or call eval()")
        mean = np.mean(x, axis=axes)
        centered = x - mean.reshape(shape)
        variance = np.mean(centered * centered, axis=axes)
        if training and running_mean is not None:
            unbiased = stop_gradient(variance) * (count / (count - 1))
            running_mean += momentum * (stop_gradient(mean) - running_mean)
            running_var += momentum * (unbiased - running_var)
    else:
        centered, variance = x - running_mean.reshape(shape), running_var
    scale = 1 / np.sqrt(variance + eps)
    scale = scale if weight is None else scale * weight
    result = centered * scale.reshape(shape)
    return result if bias is None else result + bias.reshape(shape)


class LayerNorm(Module):
    """``layer_norm`` over the last axes, whose sizes are ``normalized_shape``."""

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = np.ones(self.normalized_shape, dtype) if elementwise_affine else None
        self.bias = np.zeros(self.normalized_shape, dtype) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class BatchNorm1d(Module):
    """``batch_norm`` of (n, channels) or (n, channels, length).

    ``running_mean`` and ``running_var`` follow the batches with weight ``momentum``, or with ``momentum=None`` are means over
    all of them; ``eval()`` makes the layer use them.
    """

    ranks: tuple[int, ...] = (2, 3)
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = np.ones(num_features, dtype) if affine else None
        self.bias = np.zeros(num_features, dtype) if affine else None
        self.register_buffer("running_mean", np.zeros(num_features, dtype) if track_running_stats else None)
        self.register_buffer("running_var", np.ones(num_features, dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", np.zeros((), np.int64) if track_running_stats else None)

    def forward(self, x: Any) -> Any:
        if x.ndim not in self.ranks or x.shape[1] != self.num_features:
            axes = " or ".join(str(rank) for rank in self.ranks)
            raise ValueError(f"{self!r}: expected {axes} axes, the second of size {self.num_features}; found shape {x.shape}")
        momentum = self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked[...] += 1
            if momentum is None:
                momentum = (1.0 / self.num_batches_tracked[()]).astype(self.running_mean.dtype)
        return batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, momentum, self.eps)

    def extra_repr(self) -> str:
        affine, tracked = self.affine, self.track_running_stats
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={affine}, track_running_stats={tracked}"


class BatchNorm2d(BatchNorm1d):
    """``batch_norm`` of images (n, channels, height, width)."""

    ranks = (4,)
