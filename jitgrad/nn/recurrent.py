"""Cells of recurrent networks: one step from input and state to the next state. A loop over time is a loop in Python."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..numpy import logistic
from . import init
from .activations import relu
from .linear import linear
from .module import Module


class Cell(Module):
    """What cells share: weights of ``gates`` blocks of ``hidden_size`` rows, uniform within 1 / sqrt(hidden_size)."""

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, *, rng: init.Rng = None, dtype: Any = np.float32
    ) -> None:
        rng, bound = init.generator(rng), 1 / sqrt(hidden_size)
        rows = self.gates * hidden_size
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = init.uniform((rows, input_size), rng, bound, dtype)
        self.weight_hh = init.uniform((rows, hidden_size), rng, bound, dtype)
        self.bias_ih = init.uniform((rows,), rng, bound, dtype) if bias else None
        self.bias_hh = init.uniform((rows,), rng, bound, dtype) if bias else None

    def zeros(self, x: Any) -> Any:
        """The state to start from, for inputs of shape (n, input_size) or (input_size,)."""
        return np.zeros((*x.shape[:-1], self.hidden_size), x.dtype)

    def check(self, x: Any, h: Any) -> None:
        """Refuse inputs and states of the wrong size."""
        if x.shape[-1] != self.input_size:
            raise ValueError(f"{self!r}: the last axis of the input has size {x.shape[-1]}")
        if h.shape[-1] != self.hidden_size:
            raise ValueError(f"{self!r}: the last axis of the state has size {h.shape[-1]}")

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias_ih is not None else ", bias=False")


class RNNCell(Cell):
    """``h = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or with ``nonlinearity="relu"`` relu in place of tanh.

    >>> RNNCell(3, 4, rng=0)(np.ones((2, 3), np.float32)).shape
    (2, 4)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *, rng: init.Rng = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f'RNNCell: nonlinearity is "tanh" or "relu", found {nonlinearity!r}')
        super().__init__(input_size, hidden_size, bias, rng=rng, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, x: Any, h: Any = None) -> Any:
        h = self.zeros(x) if h is None else h
        self.check(x, h)
        total = linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)
        return np.tanh(total) if self.nonlinearity == "tanh" else relu(total)


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates): ``(h, c)`` from an input and ``(h, c)``.

    The rows of the weights are those of the gates input, forget, cell and output, in this order.
    """

    gates = 4

    def forward(self, x: Any, state: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
        h, c = (self.zeros(x), self.zeros(x)) if state is None else state
        self.check(x, h)
        total = linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)
        size = self.hidden_size
        i, f = logistic(total[..., :size]), logistic(total[..., size : 2 * size])
        g, o = np.tanh(total[..., 2 * size : 3 * size]), logistic(total[..., 3 * size :])
        c = f * c + i * g
        return o * np.tanh(c), c


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al., arXiv:1406.1078), in the form of PyTorch: the reset gate acts on ``W_hn h + b_hn``.

    The rows of the weights are those of the gates reset and update and of the new state, in this order.
    """

    gates = 3

    def forward(self, x: Any, h: Any = None) -> Any:
        h = self.zeros(x) if h is None else h
        self.check(x, h)
        ours, theirs = linear(x, self.weight_ih, self.bias_ih), linear(h, self.weight_hh, self.bias_hh)
        size = self.hidden_size
        reset = logistic(ours[..., :size] + theirs[..., :size])
        update = logistic(ours[..., size : 2 * size] + theirs[..., size : 2 * size])
        new = np.tanh(ours[..., 2 * size :] + reset * theirs[..., 2 * size :])
        return new + update * (h - new)
