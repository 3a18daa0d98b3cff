"""Learning rates as functions of a count of updates or epochs.

A schedule is called with a count from zero and gives a rate. As the ``lr`` of an optimiser it counts updates and is compiled
with them; as the ``schedule`` of ``fit`` it counts epochs.

>>> halved = StepLR(0.1, step_size=2, gamma=0.5)
>>> [halved(t) for t in range(5)]
[0.1, 0.1, 0.05, 0.05, 0.025]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiler.trace.state import current_trace


@dataclass(frozen=True)
class Schedule:
    """Base of the schedules: a rate to start from, and ``__call__(t)``, the rate after t counts."""

    lr: float

    def __call__(self, t: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__")


@dataclass(frozen=True)
class StepLR(Schedule):
    """Multiplied by ``gamma`` every ``step_size`` counts."""

    step_size: int
    gamma: float = 0.1

    def __call__(self, t: Any) -> Any:
        return self.lr * self.gamma ** (t // self.step_size * 1.0)


@dataclass(frozen=True)
class MultiStepLR(Schedule):
    """Multiplied by ``gamma`` at each milestone.

    >>> [MultiStepLR(1.0, (1, 3), 0.5)(t) for t in range(5)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    milestones: Sequence[int]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(self.milestones))

    def __call__(self, t: Any) -> Any:
        return self.lr * self.gamma ** sum((t >= milestone) * 1.0 for milestone in self.milestones)


@dataclass(frozen=True)
class ExponentialLR(Schedule):
    """Multiplied by ``gamma`` at each count."""

    gamma: float

    def __call__(self, t: Any) -> Any:
        return self.lr * self.gamma ** (t * 1.0)


@dataclass(frozen=True)
class CosineAnnealingLR(Schedule):
    """Half a cosine wave from ``lr`` down to ``eta_min`` over ``T_max`` counts, and up again after.

    Loshchilov and Hutter, arXiv:1608.03983.
    """

    T_max: int
    eta_min: float = 0.0

    def __call__(self, t: Any) -> Any:
        wave = np.cos if current_trace() is not None else math.cos
        return self.eta_min + (self.lr - self.eta_min) * (1 + wave(math.pi * t / self.T_max)) / 2


@dataclass(frozen=True)
class LinearLR(Schedule):
    """A warm-up: a multiple of ``lr`` that goes from ``start_factor`` to ``end_factor`` over ``total_iters`` counts.

    >>> [LinearLR(1.0, 0.5, total_iters=2)(t) for t in range(4)]
    [0.5, 0.75, 1.0, 1.0]
    """

    start_factor: float = 1.0 / 3
    end_factor: float = 1.0
    total_iters: int = 5

    def __call__(self, t: Any) -> Any:
        count = np.minimum(t, self.total_iters) if current_trace() is not None else min(t, self.total_iters)
        done = count / self.total_iters
        return self.lr * (self.start_factor + (self.end_factor - self.start_factor) * done)


@dataclass(frozen=True)
class LambdaLR(Schedule):
    """``lr`` times a function of the count."""

    lr_lambda: Callable[[Any], Any]

    def __call__(self, t: Any) -> Any:
        return self.lr * _traceable(self.lr_lambda)(t)


@dataclass(frozen=True)
class SequentialLR:
    """One schedule after another, each counting from zero; the k-th ends at the k-th milestone.

    >>> warm = SequentialLR((LinearLR(1.0, 0.5, total_iters=1), ExponentialLR(1.0, 0.1)), milestones=(2,))
    >>> [round(warm(t), 3) for t in range(5)]
    [0.5, 1.0, 1.0, 0.1, 0.01]
    """

    schedules: Sequence[Callable[[Any], Any]]
    milestones: Sequence[int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedules", tuple(self.schedules))
        object.__setattr__(self, "milestones", tuple(self.milestones))
        if len(self.milestones) != len(self.schedules) - 1:
            raise ValueError(f"SequentialLR: {len(self.schedules)} schedules need {len(self.schedules) - 1} milestones")

    def __call__(self, t: Any) -> Any:
        starts = (0, *self.milestones)
        if current_trace() is None:
            k = max(k for k, start in enumerate(starts) if t >= start)
            return self.schedules[k](t - starts[k])
        rate = self.schedules[0](t)
        for start, schedule in zip(self.milestones, self.schedules[1:], strict=True):
            rate = np.where(t >= start, _traceable(schedule)(np.maximum(t - start, 0)), rate)
        return rate


def _traceable(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A user's function as it is called in a trace."""
    if current_trace() is None:
        return function
    from ..compiler.trace.calls import call

    return call(function)
