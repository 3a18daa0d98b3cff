"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .optimizer import Optimizer, check_range, fitting


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    With gradient ``g``, to which ``weight_decay * p`` is added, and velocity ``v``: ``v = momentum * v + (1 - dampening) * g``,
    at the first update ``v = g``; then ``p -= lr * v``, or with ``nesterov`` ``p -= lr * (g + momentum * v)``.
    """

    lr: Any = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("SGD", 0.0, np.inf, momentum=self.momentum, weight_decay=self.weight_decay)
        if self.nesterov and (self.momentum <= 0 or self.dampening != 0):
            raise ValueError("SGD: nesterov needs a momentum above 0 and a dampening of 0")

    def slots(self) -> tuple[str, ...]:
        return ("momentum",) if self.momentum else ()

    def move(self, p: Any, g: Any, slots: dict[str, Any], step: Any, lr: Any) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * p
        if self.momentum:
            v = slots["momentum"]
            v *= self.momentum
            v += g * self._share(p, step) if self.dampening else g
            g = g + self.momentum * v if self.nesterov else v
        p -= lr * g

    def _share(self, p: Any, step: Any) -> Any:
        """How much of the gradient goes into the velocity: all of the first."""
        return fitting(np.where(step == 1, 1.0, 1.0 - self.dampening), p)
