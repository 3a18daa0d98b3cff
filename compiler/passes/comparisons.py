"""Settles comparisons of integers whose outcome is known."""

from __future__ import annotations

from ..ir import Function, Var
from ..ir.integers import COMPARISONS, Integers
from ..ops import Builder


def settle_comparisons(function: Function) -> Function:
    """Say what comes of comparisons, so that a position that is never negative need not be counted from the end; drop checks that hold.

    loop 0 n ... {step=1, consts=0}                   loop 0 n ... {step=1, consts=0}
      (fn body(i, ...) -> (...) {                       (fn body(i, ...) -> (...) {
        %0: i64[] = constant {value=0}                    %0: i64[] = constant {value=0}
        %1: bool[] = lt i %0                              %1: bool[] = constant {value=False}
        ...                                               ...
      })                                                })
    """
    if not any(equation.op in COMPARISONS for equation in function.walk()):
        return function
    return _settle(function, Integers.of(function))


def _settle(function: Function, integers: Integers) -> Function:
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    holding: set[Var] = set()  # comparisons that are true
    for equation in function.equations:
        if equation.op == "check" and equation.operands[0] in holding:
            continue
        integers.learn(equation)
        builder.source, builder.hint = equation.source, equation.hint
        outcome = integers.outcome(equation)
        if outcome is not None:
            environment[equation.result] = builder.constant(outcome, equation.result.type)
            if outcome:
                holding.add(equation.result)
            continue
        regions = tuple(_settle(region, integers.enter(equation, region)) for region in equation.regions)
        builder.copy(equation.replace(regions=regions), environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)
