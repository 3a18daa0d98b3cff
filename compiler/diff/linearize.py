"""Walking a function: each equation is repeated, and the tangents of its results follow from those of its operands.

In: a function, variables for its parameters and, for some of them, tangents. Out: its results and their tangents, in the
builder. Forward and reverse mode differ in the builder (see ``linear``) and in what they do with regions: each brings one
function per op that holds regions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..ir import ArrayType, Equation, Function, Var, symbol
from .activity import Activity, activity
from .leaving import Lasting
from .linear import DiffBuilder
from .tangents import tangents_of, zeros

RegionRule = Callable[["Linearizer", Equation], None]


class Linearizer:
    """Repeats the equations of one function in a builder and keeps the tangents of its variables."""

    def __init__(self, builder: DiffBuilder, rules: Mapping[str, RegionRule], lasting: Mapping[int, int] | None = None) -> None:
        self.builder = builder
        self.rules = rules
        self.lasting = lasting or {}  # see there; of the whole function, with all regions inside
        self.values: dict[Var, Var] = {}  # variables of the function -> of the builder
        self.tangents: dict[Var, Var] = {}  # variables of the function -> tangents
        self.active: frozenset[Var] = frozenset()
        self._writes: dict[Var, Equation] = {}

    def run(
        self, function: Function, arguments: Sequence[Var], tangents: Sequence[Var | None], known: Activity | None = None
    ) -> tuple[list[Var], list[Var | None]]:
        """Repeat a whole function; returns its results and their tangents."""
        self.active = (known or activity(function, [t is not None for t in tangents])).active
        self.values.update(zip(function.parameters, arguments, strict=True))
        self.set_tangents(function.parameters, tangents)
        for equation in function.equations:
            self.builder.source, self.builder.hint = equation.source, equation.hint
            self._visit(equation)
        return [self.values[v] for v in function.results], [self.tangents.get(v) for v in function.results]

    def operands(self, equation: Equation) -> list[Var]:
        """The operands, in the builder."""
        return self._of(equation.operands)

    def tangents_of_operands(self, equation: Equation) -> list[Var | None]:
        """The tangents of the operands."""
        return [self.tangents.get(v) for v in equation.operands]

    def set_results(self, equation: Equation, results: Sequence[Var], tangents: Sequence[Var | None]) -> None:
        """Say what the results of an equation are, and their tangents."""
        self.values.update(zip(equation.results, results, strict=True))
        self.set_tangents(equation.results, tangents)

    def set_tangents(self, variables: Sequence[Var], tangents: Sequence[Var | None]) -> None:
        """Keep those tangents that are not zero."""
        self.tangents.update((v, t) for v, t in zip(variables, tangents, strict=True) if t is not None)

    def _note_size(self, equation: Equation) -> None:
        """Remember which scalar holds the value of a size that an equation binds."""
        name = equation.get("symbol")
        if name is not None and equation.op == "bind_size":
            self.builder.sizes[name] = self.values[equation.operands[0]]
        elif name is not None:
            self.builder.sizes[name] = self.builder.emit("size", value=symbol(name))
            self.builder.measured.add(self.builder.sizes[name])

    def _known(self, equation: Equation) -> Var | None:
        """What was written right before where an equation reads, or writes it again: no access is needed, nor is one of tangents."""
        if equation.op not in ("index", "update"):
            return None
        if equation.op == "update":
            self._writes[equation.result] = equation
        if (write := self._writes.get(equation.operands[0])) is None or write["spec"] != equation["spec"]:
            return None
        place, (array, *others) = self._of(write.operands[2:]), equation.operands
        if equation.op == "index":
            return write.operands[1] if place == self._of(others) else None
        return array if [self.values[write.operands[1]], *place] == self._of(others) else None

    def _of(self, variables: Sequence[Var]) -> list[Var]:
        return [self.values[v] for v in variables]

    def _note_lasting(self, equation: Equation, results: Sequence[Var]) -> None:
        """Remember what is read or written and stays until regions around have ended."""
        if (regions := self.lasting.get(id(equation))) is None:
            return
        operands = self.operands(equation)
        state, value, starts = operands[0], results[0], operands[1:]
        if equation.op == "update":
            state, value, starts = results[0], operands[1], operands[2:]
        reading = Equation("index", (state, *starts), (value,), equation.attributes, (), equation.source, equation.hint)
        self.builder.lasting.setdefault(value, Lasting(reading, regions))

    def tangents_or_zeros(self, variables: Sequence[Var]) -> list[Var]:
        """The tangents of variables, zeros where there is none."""
        found = ((v, self.tangents.get(v)) for v in variables)
        return [zeros(self.builder, v.type) if t is None else t for v, t in found]

    def _visit(self, equation: Equation) -> None:
        inactive = not self.active.intersection((*equation.operands, *equation.results))
        rule = self.rules.get(equation.op)
        if rule is not None and not inactive:
            rule(self, equation)
            return
        if (known := self._known(equation)) is not None:
            self.set_results(equation, [self.values[known]], [self.tangents.get(known)])
            return
        results = self.builder.repeat(equation, self.operands(equation))
        self._note_size(equation)
        self._note_lasting(equation, results)
        self.builder.hint = f"d_{equation.hint}" if equation.hint else ""
        new = equation.replace(operands=tuple(self.operands(equation)), results=results)
        self.set_results(equation, results, tangents_of(self.builder, new, self.tangents_of_operands(equation)))


def same_loop_without_identities(e: Equation) -> tuple[Equation, dict[Var, Var]]:
    """A loop in which what the body hands on unchanged is a constant; with it, the results that are then operands."""
    body, consts = e.regions[0], e["consts"]
    operands, carried = e.operands[2:], body.parameters[1 + consts :]
    counts = e.results[: len(e.results) - len(carried)]
    results = e.results[len(counts) :]
    fixed = [k for k, (p, r) in enumerate(zip(carried, body.results, strict=True)) if p == r]
    if not fixed:
        return e, {}
    moving = [k for k in range(len(carried)) if k not in fixed]

    def reorder(values: Sequence[Var]) -> tuple[Var, ...]:
        constants, rest = values[:consts], values[consts:]
        return (*constants, *(rest[k] for k in fixed), *(rest[k] for k in moving))

    def reordered(region: Function) -> Function:
        return region.replace(parameters=(region.parameters[0], *reorder(region.parameters[1:])))

    new_body = reordered(body).replace(results=tuple(body.results[k] for k in moving))
    loop = e.replace(
        operands=(*e.operands[:2], *reorder(operands)),
        results=(*counts, *(results[k] for k in moving)),
        attributes=tuple((name, consts + len(fixed) if name == "consts" else value) for name, value in e.attributes),
        regions=(new_body, *map(reordered, e.regions[1:])),
    )
    return loop, {results[k]: operands[consts + k] for k in fixed}


def is_differentiable(var: Var) -> bool:
    """Whether a parameter or result of a function can be differentiated."""
    return isinstance(var.type, ArrayType) and var.type.is_float
