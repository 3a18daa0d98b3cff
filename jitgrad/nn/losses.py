"""Losses, as functions and as layers, with PyTorch's names, arguments and reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..numpy import softplus
from .activations import log_softmax
from .module import Module


def reduced(losses: Any, reduction: str) -> Any:
    """The mean or the sum of losses, or with "none" the losses themselves."""
    match reduction:
        case "mean":
            return np.mean(losses)
        case "sum":
            return np.sum(losses)
        case "none":
            return losses
    raise ValueError(f'reduction is "mean", "sum" or "none", found {reduction!r}')


def _same_shape(input: Any, target: Any, name: str) -> None:
    if input.ndim != target.ndim or any(a != b for a, b in zip(input.shape, target.shape, strict=True)):
        raise ValueError(f"{name}: the input has shape {input.shape}, the target {target.shape}; they must be the same")


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Squares of the differences.

    >>> round(float(mse_loss(np.zeros(3), np.array([1.0, 0.0, -1.0]))), 4)
    0.6667
    """
    _same_shape(input, target, "mse_loss")
    return reduced((input - target) ** 2, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Absolute values of the differences."""
    _same_shape(input, target, "l1_loss")
    return reduced(np.abs(input - target), reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """Half the squares of differences up to ``delta``, linear beyond (Huber, Annals of Mathematical Statistics 35, 1964)."""
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be positive, found {delta}")
    _same_shape(input, target, "huber_loss")
    error = input - target
    size = np.abs(error)
    return reduced(np.where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta)), reduction)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """Minus the log probability of targets in [0, 1] under the logistic function of the input."""
    _same_shape(input, target, "binary_cross_entropy_with_logits")
    if pos_weight is None:
        losses = softplus(input) - input * target
    else:
        losses = (1 - target) * input + (1 + (pos_weight - 1) * target) * softplus(-input)
    return reduced(losses if weight is None else losses * weight, reduction)


def nll_loss(log_probs: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """Minus the log probability of each target class; log_probs (n, classes, ...) and target (n, ...), or (classes,) and ().

    The mean is weighted; targets equal to ``ignore_index`` do not count.
    """
    rows, classes, shape = _rows(log_probs, target, "nll_loss")
    return _of_classes(rows, classes, shape, weight, ignore_index, reduction, 0.0, "nll_loss")


def cross_entropy(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
) -> Any:
    """Minus the log probability of the targets under the softmax of the input over axis 1.

    Parameters
    ----------
    input : floats (n, classes, ...), or (classes,).
    target : integers (n, ...), the class of each; or floats of the input's shape, the probability of each class.
    weight : of each class.
    ignore_index : the integer that marks targets to be left out.
    label_smoothing : the share of the targets that is spread evenly over all classes.

    >>> round(float(cross_entropy(np.array([[-1.0, 1], [-1, 1], [1, -1]]), np.array([1, 1, 0]))), 4)
    0.1269
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing is between 0 and 1, found {label_smoothing}")
    if target.dtype.kind == "f":
        return _of_probabilities(input, target, weight, reduction, label_smoothing)
    rows, classes, shape = _rows(input, target, "cross_entropy")
    return _of_classes(log_softmax(rows), classes, shape, weight, ignore_index, reduction, label_smoothing, "cross_entropy")


def _rows(input: Any, target: Any, name: str) -> tuple[Any, Any, tuple[Any, ...]]:
    """Input as (n, classes), target as (n,), and the target's shape."""
    if target.dtype.kind not in "iu":
        raise TypeError(f"{name}: the target has dtype {target.dtype}, expected the integers of classes")
    if input.ndim == 1 and target.ndim == 0:
        return input[None], target.reshape(1), ()
    expected = (*input.shape[:1], *input.shape[2:])
    if input.ndim < 2 or target.ndim != len(expected) or any(a != b for a, b in zip(target.shape, expected, strict=True)):
        raise ValueError(
            f"{name}: the input has shape {input.shape}, the target {target.shape}; expected (n, classes, ...) and (n, ...)"
        )
    if input.ndim == 2:
        return input, target, expected
    return np.moveaxis(input, 1, -1).reshape(-1, input.shape[1]), target.reshape(-1), expected


def _of_classes(
    log_probs: Any,
    target: Any,
    shape: tuple[Any, ...],
    weight: Any,
    ignore_index: int,
    reduction: str,
    smoothing: float,
    name: str,
) -> Any:
    count = log_probs.shape[1]
    counted = target != ignore_index
    is_class = (target >= 0) & (target < count)
    if np.any(counted & ~is_class):
        raise IndexError(f"{name}: a target is not the number of a class, nor ignore_index {ignore_index}")
    weights = counted.astype(log_probs.dtype)
    chosen = np.where(counted & is_class, target, 0)
    if weight is not None:
        weights = weights * weight[chosen]
    picked = np.sum(np.where(chosen[:, None] == np.arange(count), log_probs, 0), axis=1)
    losses = -weights * picked
    if smoothing:
        spread = np.sum(log_probs if weight is None else log_probs * weight, axis=1)
        losses = (1 - smoothing) * losses - (smoothing / count) * np.where(counted, spread, 0)
    if reduction == "mean":
        return np.sum(losses) / np.sum(weights)
    return reduced(losses.reshape(shape), reduction)


def _of_probabilities(input: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    _same_shape(input, target, "cross_entropy")
    axis = 0 if input.ndim == 1 else 1
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.shape[axis]
    losses = log_softmax(input, axis) * target
    if weight is not None:
        losses = losses * weight.reshape(tuple(-1 if k == axis else 1 for k in range(input.ndim)))
    losses = -np.sum(losses, axis=axis)
    if reduction == "mean":
        return np.sum(losses) / losses.size
    return reduced(losses, reduction)


class Loss(Module):
    """A loss of an input and a target, with a reduction: "mean", "sum" or "none"."""

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f'{type(self).__name__}: reduction is "mean", "sum" or "none", found {reduction!r}')
        self.reduction = reduction


class MSELoss(Loss):
    """``mse_loss``."""

    def forward(self, input: Any, target: Any) -> Any:
        return mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """``l1_loss``."""

    def forward(self, input: Any, target: Any) -> Any:
        return l1_loss(input, target, self.reduction)


class HuberLoss(Loss):
    """``huber_loss``."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        return huber_loss(input, target, self.reduction, self.delta)


class BCEWithLogitsLoss(Loss):
    """``binary_cross_entropy_with_logits``."""

    weight: Any
    pos_weight: Any

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        return binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class NLLLoss(Loss):
    """``nll_loss``."""

    weight: Any

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        return nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(NLLLoss):
    """``cross_entropy``.

    >>> round(float(CrossEntropyLoss()(np.array([[-1.0, 1], [-1, 1], [1, -1]]), np.array([1, 1, 0]))), 4)
    0.1269
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        return cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)
