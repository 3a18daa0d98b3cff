"""Elements that last: what a loop or branch reads from an array, or writes into it, and nothing overwrites until it ends.

They need not be saved for the backward loop, which reads them from the array as the loop left it. So a triangular solve, a
factorisation or a recurrence saves nothing of the array that it fills.

In: a function. Out: for each equation in its loops and branches that reads or writes elements of an array, how many of those around
it may end before these elements are written again.

The proof. A loop carries an array; in one iteration a chain of writes leads from the array at the start to that at the end. What
was read from a state within the chain is there when the loop ends if it is apart from

- the later writes of the chain in the same iteration, and
- all writes of the chain in all later iterations.

A write by an inner loop, or by a branch, stands for all that it may write. In a branch only the later writes of the same run count.
An array that a loop or a branch takes and does not hand on is left as it was. If what is left is itself a state in a chain of the region around, the
same is asked there, for the same elements. Two places are apart if along one axis the greatest position of the one is less than the
least of the other. Positions are sums of sizes, of the indices of loops and of integers of which bounds may be known (``argmax``); an
iteration is later than another if its index is, by at least one step.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..ir import ArrayType, Dim, Equation, Function, Var
from ..ir.bounds import Bounds
from ..ir.sizes import maximum, minimum, single_symbol, substitute, symbols
from ..ir.types import I64
from .undoing import WRITES, Write, carried_place

MOST_COMPARISONS = 4000  # of places, in one function

Place = tuple[tuple[Dim, Dim], ...]  # along each axis the least and the greatest position


def lasting(function: Function) -> dict[int, int]:
    """How many regions around an equation (by its ``id``) may end while the elements that it reads or writes stay; never 0."""
    proof = _Proof()
    if any(e.op == "loop" for e in function.walk()):
        arrays = [p.type for p in function.parameters if isinstance(p.type, ArrayType)]
        sizes = {name for array in arrays for dim in array.shape if (name := single_symbol(dim)) is not None}
        known = {name: proof.number(0) for name in sorted(sizes)}
        proof.visit(_Run(proof, function, {}, known), ())
    return proof.found


def way_of(makers: Mapping[Var, Equation], end: Var) -> tuple[Var, list[Write]]:
    """The array from which writes alone lead to another one, and these writes."""
    writes: list[Write] = []
    state = end
    while (before := _before(makers, state)) is not None:
        writes.append(Write(before, state, makers[state]))
        state = before
    return state, writes[::-1]


def states_of(makers: Mapping[Var, Equation], start: Var, end: Var) -> tuple[Var, ...]:
    """The states of an array from one to another, both included; none if not writes alone lead there."""
    first, writes = way_of(makers, end)
    return _states(start, writes) if first == start else ()


def _states(start: Var, writes: Sequence[Write]) -> tuple[Var, ...]:
    return (start, *(write.after for write in writes))


def _before(makers: Mapping[Var, Equation], state: Var) -> Var | None:
    """The array before the write that gives it; None if no write does."""
    e = makers.get(state)
    if e is None or not isinstance(state.type, ArrayType) or not state.type.shape:
        return None
    if e.op in WRITES:
        return e.operands[0]
    if e.op == "loop" and (place := carried_place(e, state)) >= 0:
        body, first = e.regions[0], e["consts"]
        found = _start(body, body.results[place])
        return e.operands[2 + first + place] if found == 1 + first + place else None
    if e.op == "cond":
        found, *others = {_start(region, region.results[e.results.index(state)]) for region in e.regions}
        return e.operands[1 + found] if found is not None and not others else None
    return None


def _start(region: Function, end: Var) -> int | None:
    """The place of the parameter from which writes alone lead to a result."""
    start, _ = way_of(_makers(region), end)
    return region.parameters.index(start) if start in region.parameters else None


def _makers(region: Function) -> dict[Var, Equation]:
    return {r: e for e in region.equations for r in e.results}


class _Run:
    """One run of a region: its integers, as dims of symbols that stand for one number each."""

    def __init__(self, proof: _Proof, region: Function, values: Mapping[Var, Dim], known: Mapping[str, Dim]) -> None:
        self.proof, self.region, self.makers = proof, region, _makers(region)
        self.values, self.known = dict(values), dict(known)
        for e in region.equations:
            self._learn(e)

    def of(self, v: Var) -> Dim:
        """An i64 scalar."""
        if v not in self.values:
            self.values[v] = self.proof.number()
        return self.values[v]

    def dim(self, dim: Dim) -> Dim:
        """A dim that the region mentions."""
        for name in symbols(dim) - self.known.keys():
            self.known[name] = self.proof.number()
        return substitute(dim, self.known)

    def passed(self, parameters: Sequence[Var], operands: Sequence[Var]) -> dict[Var, Dim]:
        """What the integers among operands are to a region inside."""
        return {p: self.of(v) for p, v in zip(parameters, operands, strict=True) if p.type == ArrayType(I64)}

    def place(self, e: Equation) -> Place:
        """The elements that an equation reads or writes."""
        positions = iter(map(self.of, e.operands[2 if e.op in WRITES else 1 :]))
        axes = []
        for entry in e["spec"]:
            start, length, step = entry if isinstance(entry, tuple) else (entry, 1, 1)
            first = next(positions) if start is None else self.dim(start)
            last = first + (self.dim(length) - 1) * step
            axes.append((first, last) if step > 0 else (last, first))
        return tuple(axes)

    def _learn(self, e: Equation) -> None:
        name = e.get("symbol")
        if name is not None:
            self.known[name] = self.of(e.operands[0]) if e.op == "bind_size" else self.proof.number(0)
        if len(e.results) != 1 or e.result.type != ArrayType(I64):
            return
        match e.op:
            case "constant":
                self.values[e.result] = int(e["value"])
            case "size":
                self.values[e.result] = self.dim(e["value"])
            case "add" | "sub" | "mul" | "minimum" | "maximum":
                left, right = map(self.of, e.operands)
                self.values[e.result] = _INTEGER_OPS[e.op](left, right)
            case "floor_divide" if isinstance(divisor := self.of(e.operands[1]), int) and divisor > 0:
                self.values[e.result] = self.of(e.operands[0]) // divisor
            case "select" if (chosen := self._greater_or_less(e)) is not None:
                self.values[e.result] = chosen
            case "wrap_index":
                position, size = self.of(e.operands[0]), self.dim(e["size"])
                is_natural = self.proof.bounds.nonnegative(position)
                self.values[e.result] = position if is_natural else self.proof.number(0, size - 1)
            case "argmax" | "argmin":
                (length,) = e.operands[0].type.shape  # type: ignore[union-attr]
                self.values[e.result] = self.proof.number(0, self.dim(length) - 1)

    def _greater_or_less(self, select: Equation) -> Dim | None:
        """What a choice by comparison is: Python's ``max`` and ``min``."""
        test = self.makers.get(select.operands[0])
        if test is None or test.op not in _COMPARISONS or set(test.operands) != set(select.operands[1:]):
            return None
        is_greater = (test.op in ("gt", "ge")) == (test.operands[0] == select.operands[1])
        return (maximum if is_greater else minimum)(*map(self.of, select.operands[1:]))


_COMPARISONS = ("gt", "ge", "lt", "le")
_INTEGER_OPS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "minimum": minimum,
    "maximum": maximum,
}


@dataclass(frozen=True, slots=True)
class _Chain:
    """The states of an array in one run of a region, what is left of it, and the places that are written."""

    left: Var  # outside
    states: tuple[Var, ...]
    own: list[list[Place]]  # by each write, in this run
    later: list[Place]  # by any write, in later iterations


class _Loop:
    """A loop around: what an iteration writes into the arrays that it carries, and what any later one does; nothing into its constants."""

    def __init__(self, proof: _Proof, outside: _Run, loop: Equation) -> None:
        self.run = proof.iteration(outside, loop)
        body, consts = loop.regions[0], loop["consts"]
        again = proof.iteration(outside, loop, self.run.of(body.parameters[0]))
        self.chains: list[_Chain] = []
        for place, end in enumerate(body.results):
            start, writes = way_of(self.run.makers, end)
            if writes and start == body.parameters[1 + consts + place]:
                own = [list(proof.written(self.run, [write])) for write in writes]
                states, later = _states(start, writes), list(proof.written(again, writes))
                self.chains.append(_Chain(loop.results[place - len(body.results)], states, own, later))
        constants = zip(body.parameters[1 : 1 + consts], loop.operands[2:], strict=False)
        self.chains += [_Chain(v, (p,), [], []) for p, v in constants]


class _Branch:
    """A branch around: what it writes into the arrays that it hands on, and those that it takes."""

    def __init__(self, proof: _Proof, outside: _Run, cond: Equation, region: Function) -> None:
        self.run = proof.branch(outside, cond, region)
        self.chains: list[_Chain] = []
        for result, end in zip(cond.results, region.results, strict=True):
            start, writes = way_of(self.run.makers, end)
            if start in region.parameters:
                own = [list(proof.written(self.run, [write])) for write in writes]
                self.chains.append(_Chain(result, _states(start, writes), own, []))
        self.chains += [_Chain(v, (p,), [], []) for p, v in zip(region.parameters, cond.operands[1:], strict=True)]


class _Proof:
    def __init__(self) -> None:
        self.found: dict[int, int] = {}
        self.bounds = Bounds()
        self.comparisons = 0
        self._numbers = itertools.count()

    def number(self, low: Dim | None = None, high: Dim | None = None) -> Dim:
        """A symbol for a number that is not known."""
        return self.bounds.add(f"#{next(self._numbers)}", low, high)

    def iteration(self, outside: _Run, loop: Equation, after: Dim | None = None) -> _Run:
        """An iteration of a loop; with ``after``, one that comes after the iteration with this index."""
        start, stop = map(outside.of, loop.operands[:2])
        step = loop["step"]
        first = start if after is None else after + step
        index = self.number(first, stop - 1) if step > 0 else self.number(stop + 1, first)
        body, split = loop.regions[0], 1 + loop["consts"]
        values = outside.passed(body.parameters[1:split], loop.operands[2 : 1 + split])
        return _Run(self, body, {body.parameters[0]: index, **values}, outside.known)

    def branch(self, outside: _Run, cond: Equation, region: Function) -> _Run:
        """A run of a branch."""
        return _Run(self, region, outside.passed(region.parameters, cond.operands[1:]), outside.known)

    def written(self, run: _Run, writes: Sequence[Write]) -> Iterator[Place]:
        """The places that writes of a run may change."""
        for write in writes:
            e = write.equation
            if e.op in WRITES:
                yield run.place(e)
            elif e.op == "loop":
                body = e.regions[0]
                yield from self._written_inside(self.iteration(run, e), body.results[carried_place(e, write.after)])
            else:
                for region in e.regions:
                    yield from self._written_inside(self.branch(run, e, region), region.results[e.results.index(write.after)])

    def _written_inside(self, run: _Run, end: Var) -> Iterator[Place]:
        return self.written(run, way_of(run.makers, end)[1])

    def visit(self, run: _Run, around: tuple[_Loop | _Branch, ...]) -> None:
        """Look at all reads and writes of a region and of those inside it."""
        for e in run.region.equations:
            if e.op in ("loop", "cond"):
                insides = [_Loop(self, run, e)] if e.op == "loop" else [_Branch(self, run, e, region) for region in e.regions]
                for inside in insides:
                    self.visit(inside.run, (*around, inside))
            elif around and e.op in ("index", "update"):
                state = e.operands[0] if e.op == "index" else e.result
                if count := self._count(run.place(e), state, around):
                    self.found[id(e)] = count

    def _count(self, place: Place, state: Var, around: Sequence[_Loop | _Branch]) -> int:
        """How many regions, from the innermost, may end."""
        for count, inside in enumerate(reversed(around)):
            chain = next((chain for chain in inside.chains if state in chain.states), None)
            if chain is None or not self._lasts(place, state, chain):
                return count
            state = chain.left
        return len(around)

    def _lasts(self, place: Place, state: Var, chain: _Chain) -> bool:
        same = itertools.chain(*chain.own[chain.states.index(state) :])
        return all(self._are_apart(place, other) for other in (*same, *chain.later))

    def _are_apart(self, one: Place, other: Place) -> bool:
        self.comparisons += 1
        if self.comparisons > MOST_COMPARISONS:
            return False
        return any(self._is_below(a, b) or self._is_below(b, a) for a, b in zip(one, other, strict=True))

    def _is_below(self, one: tuple[Dim, Dim], other: tuple[Dim, Dim]) -> bool:
        return self.bounds.nonnegative(other[0] - one[1] - 1)
