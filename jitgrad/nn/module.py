"""``Module``: what all layers and models are, with PyTorch's names for what can be done with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import module_state as state
from ..module_layout import Node


class Module(Node):
    """Base of all layers and models: assign arrays, numbers and other modules in ``__init__``, and write ``forward``.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.intercept = np.ones(1), np.zeros(1)
    ...     def forward(self, x):
    ...         return self.slope * x + self.intercept
    >>> line = Line()
    >>> line(np.array([2.0, 3.0]))
    array([2., 3.])
    >>> [name for name, _ in line.named_parameters()]
    ['slope', 'intercept']

    A module goes through ``jit`` and ``grad`` as an argument; its gradient is a module of the same class.

    >>> from jitgrad import grad
    >>> grad(lambda line, x: np.sum(line(x)))(line, np.array([2.0, 3.0])).slope
    array([5.])
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The value of the module for its inputs; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward method")

    # walking

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Name and module for each module directly inside; those in a list have names such as ``layers.0``."""
        return state.children(self)  # type: ignore[return-value]

    def children(self) -> list[Module]:
        """The modules directly inside."""
        return [child for _, child in self.named_children()]

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Name and module for this module, whose name is the prefix, and all inside, each once."""
        return state.distinct(self, prefix)  # type: ignore[return-value]

    def modules(self) -> list[Module]:
        """This module and all inside, each once."""
        return [module for _, module in self.named_modules()]

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Name and array for each parameter, with PyTorch's names; a shared array comes once."""
        return state.arrays(self, held=False)

    def parameters(self) -> list[Any]:
        """The arrays that training changes."""
        return [array for _, array in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """Name and array for each buffer."""
        return state.arrays(self, held=True)

    def buffers(self) -> list[Any]:
        """The arrays that go along without a gradient."""
        return [array for _, array in self.named_buffers()]

    # state

    def state_dict(self) -> dict[str, np.ndarray]:
        """All parameters and persistent buffers by name: the arrays themselves, with PyTorch's names and layouts."""
        return state.state_dict(self)

    def load_state_dict(self, values: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Write arrays, of NumPy or PyTorch, into those of the same name; returns (missing names, unexpected names).

        Raises ValueError for shapes that differ and, if ``strict``, for names that are missing or unexpected; then nothing is
        written.
        """
        return state.load_state_dict(self, values, strict)

    def train(self, mode: bool = True) -> Module:
        """Set this module and all inside to training, or with ``mode=False`` to evaluation; returns the module."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Module:
        """Set to evaluation: dropout passes everything, normalisation uses its running statistics."""
        return self.train(False)

    def astype(self, dtype: Any) -> Module:
        """Convert all parameters and buffers of floats; returns the module."""
        state.convert(self, np.dtype(dtype))
        return self

    # text

    def extra_repr(self) -> str:
        """What ``repr`` shows between the parentheses of a module without children."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {child!r}" for name, child in self.named_children()]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = [line for part in (self.extra_repr(), *children) if part for line in part.split("\n")]
        return "\n".join([f"{type(self).__name__}(", *(f"  {line}" for line in lines), ")"])
