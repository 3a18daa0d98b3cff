"""What a linear program will be asked for, found before it is transposed.

In: a linear program and which of its results have cotangents. Out: which of its variables will get cotangents, and which
of these may be *masked*: zero because a ``select`` chose the other branch. A product with a masked cotangent must give 0 even
if the other factor is infinite or NaN, as the derivative of a branch that was not taken may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir import StackType, Var
from .linear import LinearItem


class Demand:
    """The variables of a linear program that get cotangents, and those whose cotangents may be masked."""

    def __init__(self, useful: Iterable[Var], masked: Iterable[Var]) -> None:
        self.useful = set(useful)
        self.masked = set(masked)
        self.has_stacks = False

    def run(self, items: Sequence[LinearItem]) -> Demand:
        """Go backwards through the program, again while stacks spread what is known."""
        size = -1
        while size != len(self.useful) + len(self.masked):
            size = len(self.useful) + len(self.masked)
            for item in reversed(items):
                item.demand(self)
            if not self.has_stacks:
                break
        return self

    def need(self, var: Var, masked: bool) -> None:
        """A variable gets a cotangent."""
        self.useful.add(var)
        if masked:
            self.masked.add(var)

    def any_useful(self, variables: Iterable[Var | None]) -> bool:
        """Whether one of them gets a cotangent."""
        return not self.useful.isdisjoint(variables)

    def any_masked(self, variables: Iterable[Var | None]) -> bool:
        """Whether the cotangent of one of them may be masked."""
        return not self.masked.isdisjoint(variables)

    def join(self, stacks: Sequence[Var]) -> None:
        """States of one stack: if one is needed, all are, because pushes and pops must match."""
        self.has_stacks = self.has_stacks or bool(stacks)
        if self.any_useful(stacks):
            self.useful.update(stacks)
        if self.any_masked(stacks):
            self.masked.update(stacks)

    @staticmethod
    def is_stack(var: Var | None) -> bool:
        """Whether a variable is a stack."""
        return var is not None and isinstance(var.type, StackType)
