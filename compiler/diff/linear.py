"""The builder of derivatives: it keeps equations on linear variables apart.

Forward mode uses it as a plain builder. In reverse mode tangents are *linear variables*: an equation with one of them among
its operands is not appended to the program but to ``items``, the linear program that ``transpose`` runs backwards. So one
rule per op, written with ``emit``, serves both modes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..ir import ArrayType, Equation, Function, SourceLine, Type, Var
from ..ops import OPS, Builder

if TYPE_CHECKING:
    from .demand import Demand
    from .leaving import Around, Lasting
    from .transpose import Transposer


class LinearItem(Protocol):
    """A step of a linear program: an equation, or a loop, branch or call with linear programs inside."""

    @property
    def source(self) -> SourceLine | None:
        """The user's line."""

    def demand(self, demand: Demand) -> None:
        """From what is known of the results, say which operands get cotangents, and which of those are masked."""

    def transpose(self, transposer: Transposer) -> None:
        """Take the cotangents of the results and add to those of the operands."""


@dataclass(frozen=True, slots=True)
class LinearEquation:
    """An equation in which some operands are linear variables."""

    equation: Equation
    linear: frozenset[Var]  # its linear operands
    names: tuple[str, ...]  # the user's names for them

    @property
    def source(self) -> SourceLine | None:
        """The user's line."""
        return self.equation.source

    def demand(self, demand: Demand) -> None:
        """A cotangent that comes out of ``select`` is masked, and so is what is made of it."""
        e = self.equation
        stacks = [v for v in (*self.linear, *e.results) if demand.is_stack(v)]
        demand.join(stacks)
        if not demand.any_useful(e.results):
            return
        masked = e.op == "select" or demand.any_masked(e.results)
        for position, operand in enumerate(e.operands):
            if operand in self.linear:
                demand.need(operand, masked or (e.op == "masked_mul" and position == 1))

    def transpose(self, transposer: Transposer) -> None:
        """By the rule of the op."""
        transposer.transpose_equation(self)


class DiffBuilder(Builder):
    """A builder that shares common elementwise work, and records linear equations apart."""

    def __init__(self, parameters: Iterable[Var] = (), numbers: Iterator[int] | None = None) -> None:
        super().__init__(parameters)
        self.numbers = numbers if numbers is not None else itertools.count()  # shared: names are unique in all regions
        self.items: list[LinearItem] = []
        self.linear: dict[Var, str] = {}  # linear variables, and the user's name for what they are tangents of
        self.masked = False  # whether ``scale`` is applied to masked cotangents
        self.prices: dict[Var, float] = {}  # of parameters, see ``residuals``
        self.states: dict[Var, float] = {}  # what it may cost to have states of arrays again, see ``undoing``
        self.free: frozenset[Var] | None = None  # what a backward region gets for nothing; None means everything
        self.sizes: dict[str, Var] = {}  # symbols bound here, and the scalars that hold their values
        self.measured: set[Var] = set()  # those of them that only the equation itself can tell
        self.definitions: dict[Var, Equation] = {}
        self.around: Around | None = None  # the loop or branch of which this is a region
        self.lasting: dict[Var, Lasting] = {}  # elements of arrays that are still there when that has ended
        self.stack_roots: dict[Var, Var] = {}  # a stack that an equation returns -> the empty one it started as
        self.stack_rests: dict[Var, Var] = {}  # a stack that was read -> what was left of it
        self._known: dict[Any, Var] = {}

    def fresh(self, type: Type) -> Var:
        """A variable whose name no other builder of this derivative uses."""
        return Var(f"%{next(self.numbers)}", type)

    def linear_variable(self, type: Type, name: str = "") -> Var:
        """A new linear variable: the tangent of a parameter, or of a result of an equation with regions."""
        var = self.fresh(type)
        self.linear[var] = name
        return var

    def emit(self, op: str, *operands: Var, regions: Sequence[Function] = (), **attributes: Any) -> Any:
        """Append an equation, or return the result of an equal one."""
        if op == "index_add" and self.cleared_place(operands[0]) == (*operands[2:], attributes["spec"]):
            return self._write_back(*operands, spec=attributes["spec"])
        key = (op, operands, tuple(attributes.items()))
        if key in self._known:
            return self._known[key]
        result = super().emit(op, *operands, regions=regions, **attributes)
        if _is_shared(op):
            self._known[key] = result
        return result

    def cleared_place(self, array: Var) -> Any:
        """Where zeros were just written into an array: the positions and the spec."""
        e = self.definitions.get(array)
        if e is None or e.op != "update" or not self._is_zero(e.operands[1]):
            return None
        return (*e.operands[2:], e["spec"])

    def _write_back(self, array: Var, value: Var, *starts: Var, spec: Any) -> Var:
        """Add to zeros that were just written: write instead, or nothing at all if the value is what stood there.

        So the cotangent of ``a[i] += v`` costs a read, not three accesses.
        """
        before = self.definitions[array].operands[0]
        if self._stands_there(before, value, *starts, spec=spec):
            return before
        written: Var = self.emit("update", before, value, *starts, spec=spec)
        return written

    def _stands_there(self, array: Var, value: Var, *starts: Var, spec: Any) -> bool:
        """Whether a value was read from where it is to be written: ``a[i] += v`` ends so for a slice, which is a view."""
        read = self.definitions.get(value)
        return read is not None and read.op == "index" and read.operands == (array, *starts) and read["spec"] == spec

    def _is_zero(self, value: Var) -> bool:
        e = self.definitions.get(value)
        if e is not None and e.op == "broadcast":
            return self._is_zero(e.operands[0])
        return e is not None and e.op == "constant" and e["value"] == 0

    def append(self, equation: Equation) -> None:
        """Append an equation to the program, or to the linear one."""
        linear = frozenset(v for v in equation.operands if v in self.linear)
        if not linear:
            self.equations.append(equation)
            self.definitions.update((r, equation) for r in equation.results)
            return
        self.linear.update((r, equation.hint.removeprefix("d_")) for r in equation.results)
        self.items.append(LinearEquation(equation, linear, tuple(self.linear[v] for v in equation.operands if v in linear)))

    def repeat(self, equation: Equation, operands: Sequence[Var]) -> tuple[Var, ...]:
        """Append an equation of another function, applied to operands of this one."""
        key = (equation.op, tuple(operands), equation.attributes)
        if key in self._known:
            return (self._known[key],)
        if equation.op == "update" and self._stands_there(*operands, spec=equation["spec"]):
            return (operands[0],)
        results = tuple(self.fresh(v.type) for v in equation.results)
        self.append(equation.replace(operands=tuple(operands), results=results))
        if _is_shared(equation.op):
            (self._known[key],) = results
        return results

    def replace(self, old: Equation, new: Sequence[Equation]) -> None:
        """Put other equations in the place of one; they must define what it defined."""
        (position,) = (k for k, e in enumerate(self.equations) if e is old)
        self.equations[position : position + 1] = new
        self.definitions.update((r, e) for e in new for r in e.results)

    def scale(self, cotangent: Var, factor: Var) -> Var:
        """cotangent * factor; where the cotangent may be masked, its zeros win over infinite factors."""
        return self.emit("masked_mul" if self.masked else "mul", cotangent, factor)

    def scale_down(self, cotangent: Var, divisor: Var) -> Var:
        """cotangent / divisor, likewise."""
        if not self.masked:
            return self.div(cotangent, divisor)
        assert isinstance(divisor.type, ArrayType)
        scaled: Var = self.emit("masked_mul", cotangent, self.div(self.constant(1, divisor.type), divisor))
        return scaled


def _is_shared(op: str) -> bool:
    """Ops of which an equal equation is never emitted twice: computed or read once, saved once."""
    return OPS[op].elementwise or op in ("constant", "size", "convert", "index", "wrap_index")
