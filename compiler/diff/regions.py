"""Closing regions: from equations collected in a builder to a function of what they read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir import Equation, Function, Guard, Var
from ..ops import OPS, renumber

Input = tuple[Var, str]  # a variable that becomes a parameter, and the name that a reader sees


def has_effect(equation: Equation) -> bool:
    """Whether an equation prints or raises, itself or in its regions."""
    return OPS[equation.op].effect or any(has_effect(inner) for region in equation.regions for inner in region.equations)


def live_equations(equations: Sequence[Equation], results: Iterable[Var]) -> list[Equation]:
    """The equations that results depend on, and those with effects."""
    live = set(results)
    symbols = set().union(*(v.type.symbols() for v in live))
    kept = []
    for equation in reversed(equations):
        if not live.isdisjoint(equation.results) or equation.get("symbol") in symbols or has_effect(equation):
            live.update(equation.operands)
            symbols |= equation.symbols()
            kept.append(equation)
    return kept[::-1]


def without_dead_equations(function: Function) -> Function:
    """Drop equations whose results nobody reads; regions are left as they are."""
    return renumber(function.replace(equations=tuple(live_equations(function.equations, function.results))))


def without_effects(function: Function) -> Function:
    """The same function, printing and checking nothing: for running it again."""
    kept = [e for e in function.equations if not OPS[e.op].effect]
    return function.replace(equations=tuple(e.replace(regions=tuple(without_effects(r) for r in e.regions)) for e in kept))


def free_variables(equations: Iterable[Equation], results: Iterable[Var]) -> set[Var]:
    """The variables that equations and results read and none of the equations defines."""
    read: set[Var] = set(results)
    defined: set[Var] = set()
    for equation in equations:
        read.update(equation.operands)
        defined.update(equation.results)
    return read - defined


def close_region(
    name: str, inputs: Sequence[Input], equations: Sequence[Equation], results: Sequence[Var], guards: Sequence[Guard] = ()
) -> Function:
    """The function of these inputs; what it does not need is dropped, and names are made unique."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for var, wanted in inputs:
        unique, number = wanted, 1
        while unique in taken:
            number += 1
            unique = f"{wanted}_{number}"
        taken.add(unique)
        names[var.name] = unique
    function = Function(
        name, tuple(var for var, _ in inputs), tuple(live_equations(equations, results)), tuple(results), tuple(guards)
    )
    return renumber(function, lambda old: names[old])


def as_tuple(results: Var | tuple[Var, ...]) -> tuple[Var, ...]:
    """What ``emit`` returns, as a tuple."""
    return results if isinstance(results, tuple) else (results,)
