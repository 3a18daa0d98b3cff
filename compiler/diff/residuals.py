"""What a region hands to its backward pass, and how: saved on stacks, passed from outside, or computed again.

In: the forward equations of a loop's body or a branch, and the variables of it that the backward equations read. Out: a plan
that makes all of them available at the least price: a minimum cut through the graph of those equations that are cheap to repeat, where
a value costs the bytes that are saved of it per run of the region, or the work of computing it again. Where writes are undone
(``undoing``), earlier states of arrays are had like values that are computed again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..ir import ArrayType, Equation, StackType, Var
from ..ir.sizes import Dim, Size
from ..ops import OPS
from .linear import DiffBuilder
from .mincut import cheapest_cut
from .regions import free_variables
from .undoing import Undoing

TYPICAL_SIZE = 100  # of a dim that is not known, for comparing prices
PRECISION = 1 << 30  # of prices, as parts of a byte

NUMBER = 8  # bytes, of a number alone

# how many simple operations cost as much as saving their result: on a number alone, on one of many, on an integer alone
SCALAR_WORK, ARRAY_WORK, INTEGER_WORK = 8, 32, 64
FEW = 8  # elements that are worked on alone, as no vector is filled

_MOVES = frozenset(
    ("constant", "size", "iota", "broadcast", "reshape", "assume_shape", "transpose", "convert", "copy", "stop_gradient")
)
_READS = frozenset(("index", "take", "wrap_index"))
_SIMPLE_CALLS = frozenset(
    ("abs", "sign", "floor", "ceil", "trunc", "rint", "copysign", "maximum", "minimum", "fmax", "fmin", "not", "isnan",
     "isinf", "isfinite", "signbit", "shift_left", "shift_right")
)  # fmt: skip
_DIVISIONS = frozenset(("div", "sqrt", "floor_divide", "remainder", "fmod"))


@dataclass(frozen=True, slots=True)
class Plan:
    """How each variable that a backward region reads becomes available in it."""

    saved: tuple[Var, ...]  # pushed when the region runs, in this order
    outside: tuple[Var, ...]  # parameters of the region that the backward region gets too
    left: tuple[Var, ...]  # arrays that loops and branches around leave
    stacks: tuple[Var, ...]  # stacks that inner regions filled
    again: frozenset[Var]  # results of equations that are repeated
    symbols: Mapping[str, Var]  # sizes bound inside, and the scalars that give them
    undoing: Undoing
    price: float  # of all that is given, per run


def plan_residuals(
    b: DiffBuilder, backward: Sequence[Equation], results: Sequence[Var], outside: Sequence[Var], undoing: Undoing | None = None
) -> Plan | None:
    """Find the cheapest plan for what these backward equations read; ``outside`` are the parameters that can be given.

    None if the states that ``undoing`` arrives at would be needed before they are there.
    """
    own = own_variables(b)
    undoing = undoing or Undoing()
    had = _Had(b, backward, own, undoing)
    if had.pinned is None:
        return None
    required = free_variables(backward, [*results, *undoing.starts]) & own
    symbols = set().union(*(e.symbols() for e in backward)) & set(b.sizes)
    while True:
        used = {name: b.sizes[name] for name in b.sizes if name in symbols}
        plan = _plan(b, {*required, *used.values()}, outside, used, had)
        further = _symbols_of(b, plan) & set(b.sizes)
        if further <= symbols:
            return plan
        symbols |= further


def own_variables(b: DiffBuilder) -> set[Var]:
    """The variables of a region."""
    return {*b.parameters, *(r for e in b.equations for r in e.results)}


class _Had:
    """Which variables a backward region has otherwise: from its own inner loops, or by undoing writes."""

    def __init__(self, b: DiffBuilder, backward: Sequence[Equation], own: set[Var], undoing: Undoing) -> None:
        self.undoing = undoing
        self.definitions = {r: e for e in b.equations for r in e.results} | dict(undoing.instead)
        self.made = {r: e for e in backward for r in e.results}
        self.provided = own & set(self.made)
        self.costs = {v: cost_of_repeating(e) or 0.0 for v, e in undoing.instead.items()}
        for e in b.equations:
            cost = cost_of_repeating(e)
            if cost is not None and undoing.instead.keys().isdisjoint(e.results) and e.result not in b.measured:
                self.costs[e.result] = cost
        self.repeatable = set(self.costs)
        self.pinned: set[Var] | None = set()
        for state in sorted(self.provided, key=lambda v: v.name):
            self._pin(state)
        self.repeatable -= undoing.kept | (self.pinned or set())

    def _pin(self, state: Var) -> None:
        """Do not read a state, nor an earlier one, for what the loop that provides it needs."""
        late = {state}
        for before, e in reversed(tuple(self.undoing.instead.items())):
            if e.op == "update" and e.operands[0] in late:
                late.add(before)
        pending, seen = self._needed_by(self.made[state]), set()
        while pending:
            v = pending.pop()
            if v in late or self.pinned is None:
                self.pinned = None
                return
            if v in seen or v not in self.repeatable or v in self.undoing.kept:
                continue
            seen.add(v)
            operands = self.definitions[v].operands
            if late.isdisjoint(operands):
                pending += operands
            else:
                self.pinned.add(v)

    def _needed_by(self, e: Equation) -> list[Var]:
        """What an equation reads of the forward region, directly and through other backward equations."""
        found, pending, seen = [], list(e.operands), set()
        while pending:
            v = pending.pop()
            if v in seen:
                continue
            seen.add(v)
            if v in self.made:
                pending += self.made[v].operands
            else:
                found.append(v)
        return found


def _plan(b: DiffBuilder, wanted: set[Var], outside: Sequence[Var], symbols: Mapping[str, Var], had: _Had) -> Plan:
    own = [*b.parameters, *(r for e in b.equations for r in e.results)]
    order = {v: k for k, v in enumerate(dict.fromkeys([*own, *had.undoing.ends]))}
    stacks = {v for v in wanted if isinstance(v.type, StackType)}
    wanted = wanted - stacks - had.provided
    graph = _Graph(b, wanted, had)
    cut = cheapest_cut(graph.prices, graph.costs, graph.edges, wanted & set(graph.prices))
    again, given = graph.closure(wanted, cut)
    return Plan(
        tuple(sorted(given.difference(outside, had.undoing.ends), key=order.__getitem__)),
        tuple(v for v in outside if v in given),
        tuple(v for v in had.undoing.ends if v in given.difference(own)),
        tuple(sorted(stacks, key=order.__getitem__)),
        frozenset(again),
        symbols,
        had.undoing,
        sum(graph.price(v) for v in sorted(given, key=order.__getitem__))
        + sum(had.costs[v] for v in sorted(again, key=order.__getitem__)),
    )


def _symbols_of(b: DiffBuilder, plan: Plan) -> set[str]:
    """The sizes that saved values and repeated equations mention."""
    found = set().union(*(v.type.symbols() for v in plan.saved))
    return found.union(*(e.symbols() for e in b.equations if not plan.again.isdisjoint(e.results)))


class _Graph:
    """The part of a region's data flow that can be repeated, from what must be given to what is wanted."""

    def __init__(self, b: DiffBuilder, wanted: set[Var], had: _Had) -> None:
        self.builder, self.had = b, had
        self.repeatable, self.definitions = had.repeatable, had.definitions
        self.prices: dict[Var, int] = {}  # exact: sums must not depend on the order
        self.costs: dict[Var, int] = {}
        self.edges: list[tuple[Var, Var]] = []
        forced = {v for v in wanted if not self._is_free(v) and v not in self.repeatable}
        pending = list(wanted)
        while pending:
            v = pending.pop()
            if v in self.prices or self._is_free(v):
                continue
            self.prices[v] = 1 + int(self.price(v) * PRECISION)
            if v not in self.repeatable:
                continue
            self.costs[v] = int(self.had.costs[v] * PRECISION)
            for operand in self.definitions[v].operands:
                if operand not in forced and not self._is_free(operand):
                    self.edges.append((operand, v))
                pending.append(operand)

    def closure(self, wanted: set[Var], cut: set[Var]) -> tuple[set[Var], set[Var]]:
        """What is computed again, and from what, once the variables of the cut are given."""
        again: set[Var] = set()
        given: set[Var] = set()
        pending = list(wanted)
        while pending:
            v = pending.pop()
            if v in again or v in given or v in self.had.provided:
                continue
            if v in cut or v not in self.repeatable or self._is_free(v):
                given.add(v)
            else:
                again.add(v)
                pending += self.definitions[v].operands
        return again, given

    def _is_free(self, v: Var) -> bool:
        return v in self.had.provided or self.price(v) == 0

    def price(self, v: Var) -> float:
        """What one run pays to be given a variable."""
        if v in self.had.undoing.ends:
            return self.had.undoing.ends[v]
        if isinstance(v.type, StackType):
            return 0.0
        return self.builder.prices.get(v, weight(v))


def weight(v: Var) -> float:
    """About how many bytes a variable holds; a truth value alone is no less trouble than a number."""
    assert isinstance(v.type, ArrayType)
    return float(v.type.dtype.itemsize * _elements(v)) if v.type.shape else float(max(v.type.dtype.itemsize, NUMBER))


def _elements(v: Var) -> int:
    assert isinstance(v.type, ArrayType)
    return math.prod(map(typical, v.type.shape))


def price_outside(outer: DiffBuilder, v: Var) -> float:
    """What it costs an outer region to give a value of its own to a backward region inside."""
    if outer.free is None or v in outer.free:
        return 0.0
    return min(outer.prices.get(v, weight(v)), outer.states.get(v, math.inf))


def typical(dim: Dim) -> int:
    """A guess at a dim: what is subtracted is half as large as what it is subtracted from."""
    if not isinstance(dim, Size):
        return max(dim, 1)
    added = _added(dim)
    sizes = {name: TYPICAL_SIZE if name in added else TYPICAL_SIZE // 2 for name in dim.symbols()}
    return max(dim.evaluate(sizes), 1)


def _added(dim: Dim) -> set[str]:
    """The symbols of the terms that are not subtracted."""
    if not isinstance(dim, Size):
        return set()
    found: set[str] = set()
    for atom in (atom for monomial, coefficient in dim.terms if coefficient > 0 for atom in monomial):
        found |= {atom} if isinstance(atom, str) else set().union(*map(_added, atom.operands))
    return found


def cost_of_repeating(e: Equation) -> float | None:
    """The work of an equation, in bytes that it would cost as much to save; None if it must not be repeated."""
    work = _work(e)
    if work is None or len(e.results) != 1:
        return None
    measure = e.result if e.op in _READS else _of_most_bytes((e.result, *e.operands))
    assert isinstance(measure.type, ArrayType)
    dtype, elements = measure.type.dtype, _elements(measure)
    alone = min(elements, FEW)
    single = alone / (SCALAR_WORK if dtype.kind == "f" else INTEGER_WORK)
    return work * dtype.itemsize * (single + (elements - alone) / ARRAY_WORK)


def _of_most_bytes(variables: Iterable[Var]) -> Var:
    return max((v for v in variables if isinstance(v.type, ArrayType)), key=weight)


def free_variables_of(b: DiffBuilder) -> frozenset[Var]:
    """What can be had in the backward region without saving anything: it follows from free parameters, for less than it weighs."""
    free = {v for v, price in b.prices.items() if price == 0}
    total: dict[Var, float] = {}
    for e in b.equations:
        cost = cost_of_repeating(e)
        if cost is None or not free.issuperset(e.operands) or e.result in b.measured:
            continue
        total[e.result] = cost + sum(total.get(v, 0.0) for v in e.operands)
        if total[e.result] <= weight(e.result):
            free.add(e.result)
    return frozenset(free)


def _work(e: Equation) -> int | None:
    """How many simple operations an equation amounts to; None if it must not be repeated."""
    op = OPS[e.op]
    if e.op in _MOVES:
        return 0
    if e.op in _READS:
        return 1
    if e.op == "concatenate":
        return 4
    if not op.elementwise:
        return None
    is_array = bool(e.result.type.shape)  # type: ignore[union-attr]
    if e.op in _DIVISIONS:
        return 8 if is_array else 4
    simple = op.python or e.op in _SIMPLE_CALLS
    return 1 if simple else (16 if is_array else SCALAR_WORK + 1)
