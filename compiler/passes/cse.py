"""Computes equal things once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ..ir import Equation, Function, StackType
from ..ops import OPS
from .rewriting import Replacement, Rewriter, rewrite

_SAID_ONCE = frozenset(("message",))  # what has raised no error does not raise it the second time, whatever that would say
_KEPT = frozenset(("barrier", "nonzero", "bind_size", "copy", "stack_new", "push", "pop"))


def eliminate_common_subexpressions(function: Function) -> Function:
    """Replace an equation that repeats an earlier one by the earlier one's results.

    %0: f64[] = mul x y                               %0: f64[] = mul x y
    %1: f64[] = mul y x                               %1: f64[] = add %0 %0
    %2: f64[] = add %0 %1
    """
    return rewrite(function, _repeat)


def _repeat(r: Rewriter, equation: Equation) -> Replacement:
    """The results of an equal equation before this one."""
    if not is_repeatable(equation):
        return None
    key = _key(equation)
    if key not in r.known:
        r.known[key] = tuple(r.builder.fresh(result.type) for result in equation.results)
        r.builder.append(equation.replace(results=r.known[key]))
    return r.known[key]


def is_repeatable(equation: Equation) -> bool:
    """Whether an equation gives the same each time: no effect, no stack, no new symbol, no barrier."""
    if equation.op in _KEPT or OPS[equation.op].effect:
        return False
    if any(isinstance(v.type, StackType) for v in (*equation.operands, *equation.results)):
        return False
    return all(is_repeatable(inner) for region in equation.regions for inner in region.equations)


def _key(equation: Equation) -> Hashable:
    operands = equation.operands
    if OPS[equation.op].commutative:
        operands = tuple(sorted(operands, key=lambda v: v.name))
    attributes = tuple((name, _exact(value)) for name, value in equation.attributes if name not in _SAID_ONCE)
    return equation.op, operands, attributes, equation.regions


def _exact(value: Any) -> Hashable:
    """A key that tells 0.0 from -0.0 and 1 from True."""
    if isinstance(value, bool | float):
        return type(value).__name__, repr(value)
    if isinstance(value, tuple):
        return tuple(map(_exact, value))
    return value
