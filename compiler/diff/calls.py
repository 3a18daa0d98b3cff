"""Reverse mode of calls: functions with a backward rule of the user's own, and functions to be run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..ir import Equation, Function, SourceLine, Var
from .demand import Demand
from .lasting import lasting
from .linearize import Linearizer, RegionRule
from .regions import as_tuple, without_effects
from .tangents import has_tangent
from .transpose import Transposer


@dataclass(frozen=True, slots=True)
class LinearCustom:
    """The derivative of a function that the user gave a backward function."""

    equation: Equation
    backward: Function
    saved: tuple[Var, ...]
    operands: tuple[Var | None, ...]  # linear variables
    results: tuple[Var | None, ...]

    @property
    def source(self) -> SourceLine | None:
        """The user's line."""
        return self.equation.source

    def demand(self, demand: Demand) -> None:
        """The backward function gives every cotangent."""
        _demand_all(demand, self.operands, self.results, self.backward)

    def transpose(self, transposer: Transposer) -> None:
        """Run the backward function."""
        if not any(transposer.has(r) for r in self.results):
            return
        b = transposer.builder
        cotangents = [
            b.zeros_like(value) if linear is None else transposer.take_or_zeros(linear)
            for value, linear in zip(self.equation.results, self.results, strict=True)
        ]
        contributions = b.inline(self.backward, [*self.saved, *cotangents])
        for operand, contribution in zip(self.operands, contributions, strict=True):
            transposer.add(operand, contribution)


@dataclass(frozen=True, slots=True)
class LinearCheckpoint:
    """The derivative of a function whose inner values are computed again."""

    equation: Equation
    operands: tuple[Var | None, ...]
    results: tuple[Var | None, ...]
    rules: Mapping[str, RegionRule]

    @property
    def source(self) -> SourceLine | None:
        """The user's line."""
        return self.equation.source

    def demand(self, demand: Demand) -> None:
        """What the function reads is not known before it runs again: all of it may count."""
        _demand_all(demand, self.operands, self.results, self.equation.regions[0])

    def transpose(self, transposer: Transposer) -> None:
        """Linearize the function behind a barrier, here in the backward pass, and transpose."""
        b = transposer.builder
        present = {k: r for k, r in enumerate(self.results) if r is not None and transposer.has(r)}
        if not present:
            return
        cotangents = [transposer.take_or_zeros(r) for r in present.values()]
        count = len(self.equation.operands)
        apart = as_tuple(b.emit("barrier", *self.equation.operands, *cotangents))
        tangents = [None if v is None else b.linear_variable(v.type) for v in self.operands]
        items, b.items = b.items, []
        function = without_effects(self.equation.regions[0])
        _, found = Linearizer(b, self.rules, lasting(function)).run(function, apart[:count], tangents)
        again, b.items = b.items, items
        seeds = [found[k] for k in present]
        masked = [tangent for tangent, k in zip(seeds, present, strict=True) if transposer.demand.any_masked([present[k]])]
        inner = Transposer(b, Demand(filter(None, seeds), filter(None, masked)).run(again))
        for tangent, cotangent in zip(seeds, apart[count:], strict=True):
            inner.add(tangent, cotangent)
        inner.run(again)
        for operand, tangent in zip(self.operands, tangents, strict=True):
            if tangent is not None:
                transposer.add(operand, inner.take(tangent))


def linearize_custom(linearizer: Linearizer, e: Equation) -> None:
    """Run the forward function in place of the function; keep what it saves for the backward one."""
    _, forward, backward = e.regions
    b, count = linearizer.builder, len(e.results)
    values = b.inline(forward, linearizer.operands(e))
    tangents = [b.linear_variable(v.type) if has_tangent(v.type) else None for v in e.results]
    new = e.replace(operands=tuple(linearizer.operands(e)), results=values[:count])
    operands = tuple(linearizer.tangents_of_operands(e))
    b.items.append(LinearCustom(new, backward, values[count:], operands, tuple(tangents)))
    linearizer.set_results(e, values[:count], tangents)


def linearize_checkpoint(linearizer: Linearizer, e: Equation) -> None:
    """Run the function now; the backward pass runs it again."""
    b = linearizer.builder
    results = b.repeat(e, linearizer.operands(e))
    tangents = [b.linear_variable(v.type) if v in linearizer.active else None for v in e.results]
    new = e.replace(operands=tuple(linearizer.operands(e)), results=results)
    operands = tuple(linearizer.tangents_of_operands(e))
    b.items.append(LinearCheckpoint(new, operands, tuple(tangents), linearizer.rules))
    linearizer.set_results(e, results, tangents)


def _demand_all(demand: Demand, operands: tuple[Var | None, ...], results: tuple[Var | None, ...], region: Function) -> None:
    if demand.any_useful(results):
        masked = demand.any_masked(results) or any(e.op == "select" for e in region.walk())
        for operand in operands:
            if operand is not None:
                demand.need(operand, masked)
