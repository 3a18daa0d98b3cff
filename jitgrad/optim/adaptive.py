"""RMSprop and Adagrad: steps scaled by the size of past gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .optimizer import Optimizer, check_range, fitting


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradients divided by a running root mean square (Hinton's lecture 6e); ``centered`` subtracts their mean."""

    lr: Any = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(
            "RMSprop", 0.0, np.inf, alpha=self.alpha, eps=self.eps, weight_decay=self.weight_decay, momentum=self.momentum
        )

    def slots(self) -> tuple[str, ...]:
        return ("square", *["mean"] * self.centered, *["momentum"] * bool(self.momentum))

    def move(self, p: Any, g: Any, slots: dict[str, Any], step: Any, lr: Any) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * p
        square = slots["square"]
        square *= self.alpha
        square += (1 - self.alpha) * (g * g)
        spread = square
        if self.centered:
            mean = slots["mean"]
            mean += (1 - self.alpha) * (g - mean)
            spread = square - mean * mean
        g = g / (np.sqrt(spread) + self.eps)
        if self.momentum:
            v = slots["momentum"]
            v *= self.momentum
            v += g
            g = v
        p -= lr * g


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares (Duchi, Hazan and Singer, JMLR 12, 2011)."""

    lr: Any = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(
            "Adagrad", 0.0, np.inf, lr_decay=self.lr_decay, weight_decay=self.weight_decay, eps=self.eps,
            initial_accumulator_value=self.initial_accumulator_value,
        )  # fmt: skip

    def slots(self) -> tuple[str, ...]:
        return ("sum",)

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value

    def move(self, p: Any, g: Any, slots: dict[str, Any], step: Any, lr: Any) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * p
        total = slots["sum"]
        total += g * g
        rate = lr / fitting(1 + (step - 1) * self.lr_decay, p) if self.lr_decay else lr
        p -= rate * (g / (np.sqrt(total) + self.eps))
