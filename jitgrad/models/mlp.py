"""Fully connected networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU, "silu": nn.SiLU}


class TwoLayerNet(nn.Module):
    """Linear, ReLU, linear.

    >>> TwoLayerNet(1000, 100, 10, rng=0)(np.zeros((64, 1000), np.float32)).shape
    (64, 10)
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, *, rng: nn.init.Rng = None, dtype: Any = np.float32) -> None:
        rng = nn.init.generator(rng)
        self.linear1 = nn.Linear(inputs, hidden, rng=rng, dtype=dtype)
        self.linear2 = nn.Linear(hidden, outputs, rng=rng, dtype=dtype)

    def forward(self, x: Any) -> Any:
        return self.linear2(nn.functional.relu(self.linear1(x)))


class MLP(nn.Sequential):
    """Linear layers of the given sizes, an activation between each two: "relu", "tanh", "sigmoid", "gelu" or "silu".

    >>> MLP([1, 32, 32, 1], "tanh", rng=0)(np.zeros((200, 1), np.float32)).shape
    (200, 1)
    """

    def __init__(
        self, sizes: Sequence[int], activation: str = "relu", *, rng: nn.init.Rng = None, dtype: Any = np.float32
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"MLP: activation is one of {', '.join(ACTIVATIONS)}; found {activation!r}")
        if len(sizes) < 2:
            raise ValueError(f"MLP: sizes must name the inputs and the outputs at least, found {list(sizes)}")
        rng = nn.init.generator(rng)
        super().__init__()
        for k in range(len(sizes) - 1):
            if k:
                self.append(ACTIVATIONS[activation]())
            self.append(nn.Linear(sizes[k], sizes[k + 1], rng=rng, dtype=dtype))
