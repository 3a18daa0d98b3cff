"""Adam and AdamW."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .optimizer import Optimizer, check_range, fitting


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square (Kingma and Ba, arXiv:1412.6980, algorithm 1).

    ``weight_decay * p`` is added to the gradient. With ``amsgrad`` the largest mean square so far takes the place of the
    present one (Reddi, Kale and Kumar, arXiv:1904.09237, algorithm 2).
    """

    lr: Any = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "betas", tuple(self.betas))
        name = type(self).__name__
        check_range(name, 0.0, 1.0, beta1=self.betas[0], beta2=self.betas[1])
        check_range(name, 0.0, np.inf, eps=self.eps, weight_decay=self.weight_decay)

    def slots(self) -> tuple[str, ...]:
        return ("mean", "square", "largest") if self.amsgrad else ("mean", "square")

    def move(self, p: Any, g: Any, slots: dict[str, Any], step: Any, lr: Any) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * p
        self._step(p, g, slots, step, lr)

    def _step(self, p: Any, g: Any, slots: dict[str, Any], step: Any, lr: Any) -> None:
        beta1, beta2 = self.betas
        mean, square = slots["mean"], slots["square"]
        mean += (1 - beta1) * (g - mean)
        square *= beta2
        square += (1 - beta2) * (g * g)
        if self.amsgrad:
            largest = slots["largest"]
            np.maximum(largest, square, out=largest)
            square = largest
        rate = lr / fitting(1 - beta1 ** (step * 1.0), p)
        scale = fitting(np.sqrt(1 - beta2 ** (step * 1.0)), p)
        p -= rate * (mean / (np.sqrt(square) / scale + self.eps))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam whose weight decay acts on the parameter itself: ``p *= 1 - lr * weight_decay``.

    Loshchilov and Hutter, arXiv:1711.05101.
    """

    weight_decay: float = 1e-2

    def move(self, p: Any, g: Any, slots: dict[str, Any], step: Any, lr: Any) -> None:
        if self.weight_decay:
            p *= 1 - lr * self.weight_decay
        self._step(p, g, slots, step, lr)
