"""What all optimisers share: the state they keep, and the walk over the leaves of parameters and gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiler.trace.tracer import Tracer
from ..compiler.tree import flatten, map_leaves

Rate = float | Callable[[Any], Any]


@dataclass(frozen=True)
class Optimizer:
    """Base of all optimisers. A subclass says what it remembers of each parameter in ``slots`` and writes ``move``.

    Parameters
    ----------
    lr : the learning rate: a number, or a function of how many updates went before, such as a schedule. A number is kept in the
        state, where ``state["lr"][...] = value`` changes it and compiles nothing.

    >>> @dataclass(frozen=True)
    ... class SignDescent(Optimizer):
    ...     def move(self, p, g, slots, step, lr):
    ...         p -= lr * np.sign(g)
    >>> w = np.zeros(3)
    >>> signs = SignDescent(lr=0.5)
    >>> signs.update(w, np.array([3.0, -2.0, 0.0]), signs.init(w))
    >>> w
    array([-0.5,  0.5,  0. ])
    """

    lr: Rate = 1e-3

    def __post_init__(self) -> None:
        if not callable(self.lr) and self.lr < 0:
            raise ValueError(f"{type(self).__name__}: lr must not be negative, found {self.lr}")

    def slots(self) -> tuple[str, ...]:
        """The names of the arrays that are kept for each parameter."""
        return ()

    def initial(self, slot: str) -> float:
        """The value that a slot starts with."""
        return 0.0

    def init(self, params: Any) -> dict[str, Any]:
        """The state for these parameters: number of updates, learning rate, and for each slot a pytree like ``params``."""
        for path, leaf in zip(flatten(params)[1].paths(), flatten(params)[0], strict=True):
            _check_parameter(path, leaf)
        state: dict[str, Any] = {"step": np.zeros((), np.int64)}
        if not callable(self.lr):
            state["lr"] = np.array(self.lr, np.float64)
        for slot in self.slots():
            value = self.initial(slot)
            state[slot] = map_leaves(lambda leaf, value=value: np.full_like(leaf, value), params)
        return state

    def update(self, params: Any, grads: Any, state: dict[str, Any]) -> None:
        """One step downhill, written into the arrays of ``params`` and ``state``."""
        leaves, tree = flatten(params)
        gradients, found = flatten(grads)
        if tree != found:
            raise ValueError(f"the gradients have the structure {found}, the parameters {tree}")
        kept = {slot: flatten(state[slot])[0] for slot in self.slots()}
        step = state["step"]
        lr = self.lr(step[()] if isinstance(step, np.ndarray) else step) if callable(self.lr) else state["lr"]
        lr = lr * 1.0
        step += 1
        for k, (p, g) in enumerate(zip(leaves, gradients, strict=True)):
            self.move(p, g, {slot: arrays[k] for slot, arrays in kept.items()}, step, fitting(lr, p))

    def move(self, p: Any, g: Any, slots: dict[str, Any], step: Any, lr: Any) -> None:
        """Update one parameter and its slots in place; ``step`` counts from one, ``lr`` has the parameter's dtype."""
        raise NotImplementedError(f"{type(self).__name__} must define move")


def fitting(scalar: Any, like: Any) -> Any:
    """A float64 scalar computed at run time in the dtype of an array, which must not be widened by it."""
    return scalar.astype(like.dtype) if isinstance(scalar, (Tracer, np.ndarray, np.generic)) else like.dtype.type(scalar)


def _check_parameter(path: tuple[Any, ...], leaf: Any) -> None:
    where = "the parameter" + "".join(f"[{key!r}]" for key in path)
    if not isinstance(leaf, (np.ndarray, Tracer)):
        raise TypeError(f"{where} is {leaf!r}, which cannot be updated in place; make it an array, as in np.array({leaf!r})")
    if leaf.dtype.kind != "f":
        raise TypeError(f"{where} has dtype {leaf.dtype}; only floating-point arrays can be optimised")


def check_range(name: str, low: float, high: float, **values: float) -> None:
    """Refuse hyperparameters outside of low <= value < high."""
    for key, value in values.items():
        if not low <= value < high:
            raise ValueError(f"{name}: {key} must be at least {low} and below {high}, found {value}")
