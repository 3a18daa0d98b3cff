"""Which variables of a function have tangents, before any is made.

In: a function and which of its parameters have tangents. Out: the set of its variables that do. Loops need it: whether a
carried value has a tangent is a fixpoint over the body. Stacks are active as a whole: one active value pushed makes every
state of the stack active, earlier ones too, because pushes and pops of tangents must match.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..ir import Equation, Function, StackType, Var
from ..ops import OPS
from .tangents import has_tangent


@dataclass(frozen=True, slots=True)
class Activity:
    """What of a function has tangents: all variables, and a flag per parameter and result."""

    active: frozenset[Var]
    parameters: tuple[bool, ...]
    results: tuple[bool, ...]


def activity(function: Function, parameters: Sequence[bool], results: Sequence[bool] | None = None) -> Activity:
    """Propagate activity from the parameters; from stacks backwards as well, until nothing changes."""
    return _Search().run(function, tuple(parameters), tuple(results or ()))


class _Search:
    """Remembers what it found of regions: those of nested branches are asked for again and again."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, tuple[bool, ...], tuple[bool, ...]], Activity] = {}

    def run(self, function: Function, parameters: tuple[bool, ...], results: tuple[bool, ...]) -> Activity:
        key = (id(function), parameters, results)
        if key not in self.found:
            self.found[key] = self.look(function, parameters, results)
        return self.found[key]

    def look(self, function: Function, parameters: tuple[bool, ...], results: tuple[bool, ...]) -> Activity:
        active = {v for v, flag in zip(function.parameters, parameters, strict=True) if flag and has_tangent(v.type)}
        for v, flag in zip(function.results, results, strict=False):
            if flag and isinstance(v.type, StackType):
                active.add(v)
        size = -1
        while size != len(active):
            size = len(active)
            for equation in function.equations:
                self.visit(equation, active)
        return Activity(
            frozenset(active),
            tuple(v in active for v in function.parameters),
            tuple(v in active for v in function.results),
        )

    def visit(self, e: Equation, active: set[Var]) -> None:
        if e.op == "loop":
            self.visit_loop(e, active)
        elif e.op == "cond":
            self.visit_calls(e.regions, e.operands[1:], e.results, active)
        elif e.op == "checkpoint":
            self.visit_calls(e.regions, e.operands, e.results, active)
        elif not OPS[e.op].no_derivative:
            touched = active.intersection(e.operands)
            touched |= {v for v in e.results if isinstance(v.type, StackType) and v in active}
            if touched:
                _mark(e.results, active)
                _mark([v for v in e.operands if isinstance(v.type, StackType)], active)

    def visit_loop(self, e: Equation, active: set[Var]) -> None:
        body, operands = e.regions[0], e.operands[2:]
        results = e.results[-len(body.results) :] if body.results else ()
        consts = e["consts"]
        for v, r in zip(operands[consts:], results, strict=True):
            if v in active or (isinstance(r.type, StackType) and r in active):
                active.update((v, r))
        flags = [v in active for v in operands[:consts]] + [r in active for r in results]
        while True:
            found = self.run(body, (False, *flags), tuple(flags[consts:]))
            merged = [a or b for a, b in zip(flags, found.parameters[1:], strict=True)]
            merged[consts:] = [a or b for a, b in zip(merged[consts:], found.results, strict=True)]
            if merged == flags:
                break
            flags = merged
        _mark([r for r, flag in zip(results, flags[consts:], strict=True) if flag], active)
        _mark([v for v, flag in zip(operands, flags, strict=True) if flag and isinstance(v.type, StackType)], active)

    def visit_calls(
        self, regions: Sequence[Function], operands: Sequence[Var], results: Sequence[Var], active: set[Var]
    ) -> None:
        for region in regions:
            found = self.run(region, tuple(v in active for v in operands), tuple(r in active for r in results))
            _mark([r for r, flag in zip(results, found.results, strict=True) if flag], active)
            stacks = [v for v, flag in zip(operands, found.parameters, strict=True) if flag and isinstance(v.type, StackType)]
            _mark(stacks, active)


def _mark(variables: Iterable[Var], active: set[Var]) -> None:
    active.update(v for v in variables if has_tangent(v.type))


def loop_activity(e: Equation, active: frozenset[Var]) -> tuple[list[bool], list[bool]]:
    """Which constants and which carried values of a loop have tangents inside."""
    body, consts = e.regions[0], e["consts"]
    results = e.results[-len(body.results) :] if body.results else ()
    return [v in active for v in e.operands[2 : 2 + consts]], [r in active for r in results]
