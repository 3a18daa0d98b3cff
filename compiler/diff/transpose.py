"""Running a linear program backwards: from the cotangents of its results to those of its parameters.

A cotangent is absent (zero) until something is added; zeros are made only where an equation needs them as an operand. What
an equation adds to an array by element (``Into``) is added in place to the cotangent there is, so that reading one element
of an array costs one element in the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..ir import Var
from ..ops import OPS, Into
from ..ops.op import Contribution
from .demand import Demand
from .linear import DiffBuilder, LinearEquation, LinearItem
from .tangents import zeros


class Transposer:
    """Holds the cotangents of linear variables while a program is run backwards."""

    def __init__(self, builder: DiffBuilder, demand: Demand) -> None:
        self.builder = builder
        self.demand = demand
        self._totals: dict[Var, Var] = {}
        self._pending: dict[Var, list[Into]] = {}

    def run(self, items: list[LinearItem]) -> None:
        """Transpose all steps, the last first."""
        for item in reversed(items):
            self.builder.source, self.builder.hint = item.source, ""
            item.transpose(self)

    def add(self, linear: Var | None, contribution: Contribution) -> None:
        """Add to the cotangent of a linear variable, if it is one."""
        if linear is None or contribution is None:
            return
        if isinstance(contribution, Into):
            self._pending.setdefault(linear, []).append(contribution)
            return
        value = contribution if isinstance(contribution, Var) else contribution()
        total = self._totals.get(linear)
        self._totals[linear] = value if total is None else self.builder.add(total, value)

    def has(self, linear: Var | None) -> bool:
        """Whether a linear variable has a cotangent."""
        return linear in self._totals or linear in self._pending

    def take(self, linear: Var) -> Var | None:
        """The cotangent of a linear variable, which is then forgotten; None if it is zero."""
        pending = self._pending.pop(linear, [])
        total = self._totals.pop(linear, None)
        if pending and total is None:
            total = zeros(self.builder, linear.type)
        if total is not None and pending:
            cleared = self.builder.cleared_place(total)  # what is added where zeros were just written comes first
            pending.sort(key=lambda into: into.place is None or into.place != cleared)
        for into in pending:
            assert total is not None
            total = into.add(self.builder, total)
        return total

    def take_or_zeros(self, linear: Var) -> Var:
        """The cotangent of a linear variable, made of zeros (an empty stack) if need be."""
        found = self.take(linear)
        return zeros(self.builder, linear.type) if found is None else found

    def take_all(self, linear: Iterable[Var | None], like: Iterable[Var]) -> list[Var]:
        """The cotangents of several variables, zeros of these types where there is none."""
        found = [(None if v is None else self.take(v), other) for v, other in zip(linear, like, strict=True)]
        return [zeros(self.builder, other.type) if v is None else v for v, other in found]

    def transpose_equation(self, item: LinearEquation) -> None:
        """Transpose an equation by the rule of its op."""
        e = item.equation
        if not any(self.has(r) for r in e.results) and not self.demand.any_useful(filter(self.demand.is_stack, e.results)):
            return
        rule = OPS[e.op].transpose
        if rule is None:
            raise NotImplementedError(f"the op {e.op} has no rule for its transpose")
        (name,) = item.names if len(item.names) == 1 else ("",)
        self.builder.hint = f"ct_{name}" if name else ""
        self.builder.masked = self.demand.any_masked(e.results)
        cotangents = [self.take(r) if e.op == "barrier" else self.take_or_zeros(r) for r in e.results]
        for operand, contribution in zip(e.operands, rule(self.builder, e, cotangents), strict=True):
            if operand in item.linear:
                self.add(operand, contribution)
        self.builder.masked = False
