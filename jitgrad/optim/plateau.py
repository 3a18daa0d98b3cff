"""A learning rate that falls when a measurement stops to improve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ReduceLROnPlateau:
    """Multiply the rate by ``factor`` after more than ``patience`` epochs without improvement.

    Better is lower by the threshold, relative ("rel") or absolute ("abs"); higher with ``mode="max"``. For ``cooldown`` epochs
    after a reduction none is counted, and the rate stays at or above ``min_lr``.

    >>> plateau = ReduceLROnPlateau(0.1, patience=1)
    >>> [round(plateau.step(metric), 3) for metric in (1.0, 1.0, 1.0, 0.5)]
    [0.1, 0.1, 0.01, 0.01]
    """

    lr: float
    mode: str = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    min_lr: float = 0.0
    eps: float = 1e-8
    best: float = field(default=float("nan"), init=False)
    bad_epochs: int = field(default=0, init=False)
    cooldown_left: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max") or self.threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f'mode is "min" or "max" and threshold_mode "rel" or "abs"; found {self.mode!r}, {self.threshold_mode!r}'
            )
        if self.factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, found {self.factor}")
        self.best = float("inf") if self.mode == "min" else -float("inf")

    def step(self, metric: float) -> float:
        """Take the measurement of one epoch; returns the rate for the next."""
        metric = float(metric)
        if self._better(metric):
            self.best, self.bad_epochs = metric, 0
        else:
            self.bad_epochs += 1
        if self.cooldown_left:
            self.cooldown_left -= 1
            self.bad_epochs = 0
        if self.bad_epochs > self.patience:
            self._reduce()
        return self.lr

    def _better(self, metric: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "rel":
            return sign * metric < sign * self.best * (1 - sign * self.threshold)
        return sign * metric < sign * self.best - self.threshold

    def _reduce(self) -> None:
        lower = max(self.lr * self.factor, self.min_lr)
        if self.lr - lower > self.eps:
            self.lr = lower
        self.cooldown_left, self.bad_epochs = self.cooldown, 0

    def state_dict(self) -> dict[str, Any]:
        """What must be kept to go on later."""
        return {"lr": self.lr, "best": self.best, "bad_epochs": self.bad_epochs, "cooldown_left": self.cooldown_left}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave."""
        for name in self.state_dict():
            setattr(self, name, state[name])
