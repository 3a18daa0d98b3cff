"""Carrying out a plan of ``residuals``: the pushes of the forward region and the pops of the backward one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..ir import ArrayType, Equation, Function, StackType, Var
from ..ir.sizes import Dim, symbols
from .activity import activity
from .linear import DiffBuilder, LinearItem
from .linearize import Linearizer
from .residuals import Plan
from .trips import Bounds, upper_bound
from .undoing import in_order


class LinearRegion:
    """A region that was linearized: its forward equations in a builder and its linear program."""

    def __init__(self, outer: Linearizer, function: Function, parameters: Sequence[bool], results: Sequence[bool]) -> None:
        self.function = function
        self.builder = DiffBuilder(function.parameters, outer.builder.numbers)
        self.builder.guards = list(function.guards)
        self.tangents: list[Var | None] = [
            self.builder.linear_variable(p.type, p.name) if flag else None
            for p, flag in zip(function.parameters, parameters, strict=True)
        ]
        known = activity(function, parameters, results)
        self.results, self.result_tangents = Linearizer(self.builder, outer.rules, outer.lasting).run(
            function, function.parameters, self.tangents, known
        )
        self.builder.source, self.builder.hint = None, ""

    @property
    def items(self) -> list[LinearItem]:
        """The linear program."""
        return self.builder.items

    @property
    def parameters(self) -> list[Var]:
        """The parameters of the forward region."""
        return self.builder.parameters


def push_saved(b: DiffBuilder, empty: Mapping[Var, Var]) -> dict[Var, Var]:
    """Push each saved value right where it is defined; ``empty`` are the stacks at the start. Returns the stacks at the end.

    Early, because an array may be overwritten later.
    """
    equations = b.equations
    filled = dict(empty)
    b.equations = []
    _push(b, [v for v in b.parameters if v in empty], filled)
    for e in equations:
        b.append(e)
        _push(b, [r for r in e.results if r in empty], filled)
    return filled


def _push(b: DiffBuilder, values: Iterable[Var], stacks: dict[Var, Var]) -> None:
    for v in values:
        stacks[v] = b.emit("push", stacks[v], v)


def adopt_stacks(b: DiffBuilder, plan: Plan) -> list[tuple[Var, Equation]]:
    """Stacks that inner regions fill start outside: drop the equations that make them empty; returns roots and those."""
    adopted = []
    for stack in plan.stacks:
        root = b.stack_roots[stack]
        equation = b.definitions[root]
        b.replace(equation, [])
        adopted.append((root, equation))
    return adopted


def restore(b: DiffBuilder, forward: DiffBuilder, plan: Plan, stacks: Mapping[Var, Var]) -> dict[Var, Var]:
    """Emit what makes the values of a plan available under their forward names; returns what is left of the stacks."""
    rests = dict(stacks)
    waiting = set(plan.saved)

    def give(values: Iterable[Var], hint: str = "") -> None:
        for v in values:
            if v in waiting:
                waiting.remove(v)
                b.hint = hint or v.name.removeprefix("%")
                rests[v] = _pop(b, rests[v], v)

    instead = plan.undoing.instead
    give(forward.parameters)
    for state in forward.parameters:
        if state in plan.again:
            b.append(instead[state])
    for e in forward.equations:
        b.source = e.source
        symbol = e.get("symbol")
        if symbol in plan.symbols:
            give([plan.symbols[symbol]])
            b.append(Equation("bind_size", (plan.symbols[symbol],), (), (("symbol", symbol),)))
        again = [instead.get(r, e) for r in e.results if r in plan.again]
        for equation in again:
            _repeat(b, equation)
        made = {r for equation in again for r in equation.results}
        give([r for r in e.results if r not in made], e.hint or e.op)
    b.source, b.hint = None, ""
    b.equations = in_order((), b.equations, (), ())  # where a value is read may be computed after it was
    return rests


def _pop(b: DiffBuilder, stack: Var, v: Var) -> Var:
    assert isinstance(v.type, ArrayType)
    rest = b.fresh(stack.type)
    b.append(Equation("pop", (stack,), (rest, v), (("shape", v.type.shape),), source=b.source, hint=b.hint))
    return rest


def _repeat(b: DiffBuilder, e: Equation) -> None:
    """The same equation again; a position that was checked is not checked again."""
    if e.op != "wrap_index":
        b.append(e)
        return
    (position,) = e.operands
    assert isinstance(position.type, ArrayType)
    size = b.broadcast(b.emit("size", value=e["size"]), (), position.type.shape)
    negative = b.emit("lt", position, b.constant(0, position.type))
    b.append(e.replace(op="select", operands=(negative, b.add(position, size), position), attributes=()))


def stack_type(v: Var) -> StackType:
    """The type of the stack that holds a value."""
    assert isinstance(v.type, ArrayType)
    return StackType(v.type.dtype)


def stack_equation(result: Var, dtype: np.dtype, room: Dim | None) -> Equation:
    """An empty stack with room for so many numbers; None if that is not known."""
    return Equation("stack_new", (), (result,), (("dtype", dtype), ("capacity", room)))


def room_outside(inside: Dim | None, times: Dim | None, body: DiffBuilder, bounds: Bounds) -> Dim | None:
    """The room for what is pushed in so many runs of a loop's body, given that for one run.

    Where that depends on the index, there is room for the most that it can be.
    """
    most = None if inside is None or times is None else upper_bound(inside, bounds)
    return most * times if most is not None and times is not None and symbols(most).isdisjoint(body.sizes) else None
