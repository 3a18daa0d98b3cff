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
LITTLE = 1024  # numbers for which a loop that may end early still makes room ahead


def trip_count(start: Dim, stop: Dim, step: int) -> Dim:
    """The number of iterations of a range."""
    distance = stop - start if step > 0 else start - stop
    return maximum(0, (distance + (abs(step) - 1)) // abs(step))


def is_little(size: Dim) -> bool:
    """Whether so much room may be made even if most of it will not be used."""
    return isinstance(size, int) and size <= LITTLE


def pushes(function: Function, stack: Var, known: Known) -> Dim | None:
    """An upper bound of the numbers that one run of a function pushes onto the stack that is its parameter."""
    values: dict[Var, Dim] = dict(known)
    total: Dim = 0
    current = stack
    for equation in function.equations:
        _learn(equation, values)
        if current not in equation.operands:
            continue
        added = _pushed(equation, current, values)
        if added is None or not added_is_free(added, function):
            return None
        total = total + added
        current = _after(equation, current)
    return total


def added_is_free(added: Dim, function: Function) -> bool:
    """Whether a number is made of sizes that are known outside of the function."""
    bound = {e.get("symbol") for e in function.walk()}
    return bound.isdisjoint(symbols(added))


def _pushed(equation: Equation, stack: Var, values: dict[Var, Dim]) -> Dim | None:
    """How many numbers an equation pushes."""
    position = equation.operands.index(stack)
    match equation.op:
        case "push":
            pushed = equation.operands[1].type
            assert isinstance(pushed, ArrayType)
            return pushed.size
        case "loop":
            return _pushed_by_loop(equation, position, values)
        case "cond":
            then, orelse = (_enter(region, position - 1, equation.operands[1:], values, 0) for region in equation.regions)
            return None if then is None or orelse is None else maximum(then, orelse)
    return None


def _pushed_by_loop(equation: Equation, position: int, values: dict[Var, Dim]) -> Dim | None:
    start, stop, *inner = equation.operands
    if len(equation.regions) > 1 or start not in values or stop not in values:
        return None
    each = _enter(equation.regions[0], position - 1, inner, values, 1)
    return None if each is None else trip_count(values[start], values[stop], equation["step"]) * each


def _after(equation: Equation, stack: Var) -> Var:
    """The stack as an equation that takes it leaves it."""
    position = equation.operands.index(stack)
    match equation.op:
        case "loop":
            return equation.results[position - 2 - equation["consts"] + len(equation.regions) - 1]
        case "cond":
            region = equation.regions[0]
            current = region.parameters[position - 1]
            for inner in region.equations:
                if current in inner.operands:
                    current = _after(inner, current)
            return equation.results[region.results.index(current)]
    return equation.results[0]


def _enter(region: Function, position: int, operands: Sequence[Var], values: dict[Var, Dim], skip: int) -> Dim | None:
    """The pushes of one run of a region; ``skip`` parameters come before those that stand for operands."""
    parameters = region.parameters[skip:]
    known = {p: values[v] for p, v in zip(parameters, operands, strict=True) if v in values}
    return pushes(region, region.parameters[position], known)


def _learn(equation: Equation, values: dict[Var, Dim]) -> None:
    """Remember the value of an integer that is made of known ones."""
    if len(equation.results) != 1 or equation.result.type != ArrayType(I64):
        return
    if equation.op in ("constant", "size"):
        values[equation.result] = equation["value"]
    elif equation.op in ("add", "sub", "mul") and all(v in values for v in equation.operands):
        x, y = (values[v] for v in equation.operands)
        values[equation.result] = x + y if equation.op == "add" else x - y if equation.op == "sub" else x * y
