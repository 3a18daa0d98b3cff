"""Replaces equations that only mark something for differentiation by what they stand for."""

from __future__ import annotations

from ..ir import Equation, Function
from ..ops import Builder

_CALLS = ("custom_vjp", "formula", "checkpoint")


def inline_calls(function: Function) -> Function:
    """Put the function of a custom_vjp, formula or checkpoint in its place, and drop stop_gradient.

    %0: f64[] = checkpoint x                          %0: f64[] = sin x
      (fn g(x: f64[]) -> (f64[]) {
        %0: f64[] = sin x
        return %0
      })
    """
    return _inline(function, (*_CALLS, "stop_gradient"))


def remove_barriers(function: Function) -> Function:
    """Drop barriers, once the passes that must not look through them are done.

    %0: f64[], %1: f64[] = barrier x y                %0: f64[] = add x y
    %2: f64[] = add %0 %1
    """
    return _inline(function, ("barrier",))


def _inline(function: Function, ops: tuple[str, ...]) -> Function:
    if not any(equation.op in ops for equation in function.walk()):
        return function
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        operands = [environment[v] for v in equation.operands]
        if equation.op in _CALLS and equation.op in ops:
            results = builder.inline(_inline(equation.regions[0], ops), operands)
            environment.update(zip(equation.results, results, strict=True))
        elif equation.op in ops:
            environment.update(zip(equation.results, operands, strict=True))
        else:
            builder.copy(_inside(equation, ops), environment)
    outcome = [environment[v] for v in function.results]
    return builder.finish(function.name, outcome).replace(guards=function.guards)


def _inside(equation: Equation, ops: tuple[str, ...]) -> Equation:
    return equation.replace(regions=tuple(_inline(region, ops) for region in equation.regions))
