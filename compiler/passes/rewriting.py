"""Rewriting a function equation by equation: what most passes share.

A rule gets an equation whose operands are variables of the new function. It returns what stands for the results, or None to keep the
equation. What a rule emits is offered to the rule again, so small rules add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from ..ir import Equation, Function, Var
from ..ops import Builder
from ..ops.builder import infer

Replacement = Var | tuple[Var, ...] | None
Rule = Callable[["Rewriter", Equation], Replacement]


class Rewriter:
    """The new function under construction: its builder, and the equation that defines each variable."""

    def __init__(self, function: Function, rule: Rule) -> None:
        self.builder = Builder(function.parameters)
        self.rule = rule
        self.definition: dict[Var, Equation] = {}
        self.known: dict[Hashable, tuple[Var, ...]] = {}  # for rules that remember what they have seen
        self.uses = Counter(v for e in function.equations for v in e.operands)
        self.uses.update(function.results)
        self._old: dict[Var, Var] = {}

    def add(self, equation: Equation) -> tuple[Var, ...]:
        """Add an equation over variables of the new function, or what the rule makes of it."""
        replacement = self.rule(self, equation)
        if replacement is not None:
            return replacement if isinstance(replacement, tuple) else (replacement,)
        results = tuple(self.builder.fresh(r.type) for r in equation.results)
        kept = equation.replace(results=results)
        self.builder.append(kept)
        for result in results:
            self.definition[result] = kept
        return results

    def emit(self, op: str, *operands: Var, like: Equation | None = None, **attributes: Any) -> Var:
        """Add an equation with one result; source and hint are taken from the equation that it replaces."""
        results = tuple(Var("", t) for t in infer(op, operands, attributes, ()))
        equation = Equation(op, operands, results, tuple(attributes.items()))
        if like is not None:
            equation = equation.replace(source=like.source, hint=like.hint)
        return self.add(equation)[0]

    def defined_by(self, var: Var, *ops: str) -> Equation | None:
        """The equation that defines a variable, if it is of one of these ops."""
        equation = self.definition.get(var)
        return equation if equation is not None and equation.op in ops else None

    def used_once(self, var: Var) -> bool:
        """Whether a new variable stands for an old one that is read once."""
        return self.uses.get(self._old.get(var, var), 0) <= 1

    def stands_for(self, new: Var, old: Var) -> None:
        """Remember which variable of the old function a new one replaces."""
        self._old.setdefault(new, old)


def rewrite(function: Function, rule: Rule) -> Function:
    """Apply a rule to every equation, inside regions first."""
    rewriter = Rewriter(function, rule)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        operands = tuple(environment[v] for v in equation.operands)
        regions = tuple(rewrite(region, rule) for region in equation.regions)
        results = rewriter.add(equation.replace(operands=operands, regions=regions))
        environment.update(zip(equation.results, results, strict=True))
        for old, new in zip(equation.results, results, strict=True):
            rewriter.stands_for(new, old)
    outcome = [environment[v] for v in function.results]
    return rewriter.builder.finish(function.name, outcome).replace(guards=function.guards)
