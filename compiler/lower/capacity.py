"""How many numbers a loop pushes onto a stack, where that can be known before it starts.

In: a region and what is known of its integer parameters. Out: an upper bound as a dim, or None. With it the stack grows once before
the loop, and a push inside is a plain store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ir import ArrayType, Dim, Equation, Function, Var
from ..ir.sizes import maximum, symbols
from ..ir.types import I64

Known = Mapping[Var, Dim]


def trip_count(start: Dim, stop: Dim, step: int) -> Dim:
    """The number of iterations of a range."""
    distance = stop - start if step > 0 else start - stop
    return maximum(0, (distance + (abs(step) - 1)) // abs(step))


def pushes(function: Function, stack: Var, known: Known) -> Dim | None:
    """An upper bound of the numbers that one run of a function pushes onto the stack that is its parameter."""
    values: dict[Var, Dim] = dict(known)
    total: Dim = 0
    current = stack
    for equation in function.equations:
        _learn(equation, values)
        if current not in equation.operands:
            continue
        added, current = _pushed(equation, current, values)
        if added is None or not added_is_free(added, function):
            return None
        total = total + added
    return total


def added_is_free(added: Dim, function: Function) -> bool:
    """Whether a number is made of sizes that are known outside of the function."""
    bound = {e.get("symbol") for e in function.walk()}
    return bound.isdisjoint(symbols(added))


def _pushed(equation: Equation, stack: Var, values: dict[Var, Dim]) -> tuple[Dim | None, Var]:
    """What an equation pushes, and the stack as it leaves it."""
    position = equation.operands.index(stack)
    match equation.op:
        case "push":
            pushed = equation.operands[1].type
            assert isinstance(pushed, ArrayType)
            return pushed.size, equation.result
        case "pop":
            return None, equation.results[0]
        case "loop":
            return _pushed_by_loop(equation, position, values)
        case "cond":
            counts = [_enter(region, position - 1, equation.operands[1:], values, 0) for region in equation.regions]
            results = [region.results.index(_last(region, position - 1)) for region in equation.regions]
            if None in counts or results[0] != results[1]:
                return None, stack
            return maximum(counts[0], counts[1]), equation.results[results[0]]  # type: ignore[arg-type]
    return None, stack


def _pushed_by_loop(equation: Equation, position: int, values: dict[Var, Dim]) -> tuple[Dim | None, Var]:
    start, stop, *inner = equation.operands
    result = equation.results[position - 2 - equation["consts"] + len(equation.regions) - 1]
    if len(equation.regions) > 1 or start not in values or stop not in values:
        return None, result
    each = _enter(equation.regions[0], position - 1, inner, values, 1)
    if each is None:
        return None, result
    return trip_count(values[start], values[stop], equation["step"]) * each, result


def _enter(region: Function, position: int, operands: Sequence[Var], values: dict[Var, Dim], skip: int) -> Dim | None:
    """The pushes of one run of a region; ``skip`` parameters come before those that stand for operands."""
    parameters = region.parameters[skip:]
    known = {p: values[v] for p, v in zip(parameters, operands, strict=True) if v in values}
    return pushes(region, region.parameters[position], known)


def _last(region: Function, position: int) -> Var:
    """The stack that a region returns for the one it got."""
    current = region.parameters[position]
    for equation in region.equations:
        if current in equation.operands:
            _, current = _pushed(equation, current, {})
    return current


def _learn(equation: Equation, values: dict[Var, Dim]) -> None:
    """Remember the value of an integer that is made of known ones."""
    if len(equation.results) != 1 or equation.result.type != ArrayType(I64):
        return
    if equation.op in ("constant", "size"):
        values[equation.result] = equation["value"]
    elif equation.op in ("add", "sub", "mul") and all(v in values for v in equation.operands):
        x, y = (values[v] for v in equation.operands)
        values[equation.result] = x + y if equation.op == "add" else x - y if equation.op == "sub" else x * y
