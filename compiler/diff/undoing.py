"""Undoing writes: what an array held before a write, from what it holds after it and what the write overwrote.

A loop that writes ``L[i, j]`` and reads slices of ``L`` would have to save each slice, because ``L`` changes. Instead its backward loop
takes ``L`` as the loop left it and walks back: each iteration puts back the one element that was overwritten, and reads the slices
where they are. Only that element is saved.

In: the forward equations of a loop's body. Out: for an array that it carries the chain of its *states*, from write to write; the
equations that give earlier states again; and an order of equations in which states are read before they are undone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..ir import ArrayType, Equation, Var
from .linear import DiffBuilder

WRITES = ("update", "index_add")


@dataclass(frozen=True, slots=True)
class Write:
    """One step of an array from state to state: elements are written, or a loop does so."""

    before: Var
    after: Var
    equation: Equation

    @property
    def by_loop(self) -> bool:
        """Whether a loop writes; its backward loop then gives the state before."""
        return self.equation.op == "loop"


@dataclass(frozen=True, slots=True)
class Undoing:
    """How a backward region has states of arrays again."""

    ends: Mapping[Var, float] = field(default_factory=dict)  # states that it is given, and what one run pays for each
    starts: tuple[Var, ...] = ()  # states that it must arrive at
    instead: Mapping[Var, Equation] = field(default_factory=dict)  # equations for earlier states, and for what was written
    kept: frozenset[Var] = frozenset()  # what was overwritten: nothing but saving gives it again

    def reading(self, ends: Mapping[Var, float], instead: Mapping[Var, Equation]) -> Undoing:
        """The same, and more that is read from arrays as loops left them."""
        return replace(self, ends={**self.ends, **ends}, instead={**self.instead, **instead})


def carried_place(loop: Equation, result: Var) -> int:
    """Which of the carried values a result of a loop is; negative for the count of iterations."""
    return loop.results.index(result) - (len(loop.results) - len(loop.regions[0].results))


def writes_between(b: DiffBuilder, start: Var, end: Var) -> tuple[Write, ...]:
    """The writes that lead from one state of an array to another; none if anything else leads there."""
    writes: list[Write] = []
    state = end
    while state != start:
        e = b.definitions.get(state)
        if e is None or not isinstance(state.type, ArrayType) or not state.type.shape:
            return ()
        if e.op in WRITES:
            before = e.operands[0]
        elif e.op == "loop" and carried_place(e, state) >= 0:
            before = e.operands[2 + e["consts"] + carried_place(e, state)]
        else:
            return ()
        writes.append(Write(before, state, e))
        state = before
    return tuple(reversed(writes))


def undoing(b: DiffBuilder, chains: Sequence[Sequence[Write]], ends: Mapping[Var, float], free: Collection[Var]) -> Undoing:
    """The undoing of chains of writes; what was written is read where it is, unless it is had for nothing."""
    instead: dict[Var, Equation] = {}
    kept: set[Var] = set()
    writes = [write for chain in chains for write in chain if not write.by_loop]
    for write in writes:
        e = write.equation
        old = _overwritten(b, e)
        kept.add(old)
        instead[write.before] = e.replace(op="update", operands=(write.after, old, *e.operands[2:]), results=(write.before,))
    for write in writes:
        e, value = write.equation, write.equation.operands[1]
        if e.op == "update" and value in b.definitions and not (value in kept or value in free or value in instead):
            instead[value] = e.replace(op="index", operands=(write.after, *e.operands[2:]), results=(value,))
    return Undoing(ends, tuple(chain[0].before for chain in chains), instead, frozenset(kept))


def _overwritten(b: DiffBuilder, write: Equation) -> Var:
    """What a write overwrites, read right before it."""
    count = len(b.equations)
    old: Var = b.emit("index", write.operands[0], *write.operands[2:], spec=write["spec"])
    if len(b.equations) > count:
        reading = b.equations.pop()
        b.equations.insert(next(k for k, e in enumerate(b.equations) if e is write), reading)
    return old


def in_order(
    prologue: Sequence[Equation], equations: Sequence[Equation], results: Iterable[Var], states: Collection[Var]
) -> list[Equation]:
    """The equations of a backward region, those of its prologue as late as possible, readers of states before what undoes them."""
    return _Order([*prologue, *equations], states).run([*equations, *_makers([*prologue, *equations], results)])


def _makers(equations: Iterable[Equation], variables: Iterable[Var]) -> list[Equation]:
    makers = {r: e for e in equations for r in e.results}
    return [makers[v] for v in variables if v in makers]


class _Order:
    def __init__(self, equations: Sequence[Equation], states: Collection[Var]) -> None:
        self.states = states
        self.makers = {r: e for e in equations for r in e.results}
        self.binders = {name: e for e in equations if (name := e.get("symbol")) is not None}
        self.readers: dict[Var, list[Equation]] = {}
        for e in equations:
            for v in e.operands:
                if v in states:
                    self.readers.setdefault(v, []).append(e)
        self.open: set[int] = set()  # those on the way that are not placed yet
        self.placed: dict[int, Equation] = {}

    def run(self, wanted: Iterable[Equation]) -> list[Equation]:
        for e in wanted:
            pending = [e]
            while pending:
                top = pending[-1]
                missing = [] if id(top) in self.open else self.first(top)
                self.open.add(id(top))
                pending += reversed(missing)
                if not missing:
                    self.placed.setdefault(id(top), pending.pop())
                    self.open.discard(id(top))
        return list(self.placed.values())

    def first(self, e: Equation) -> list[Equation]:
        """The equations yet to be placed before another one: those that it needs, and those that read what it undoes, if they can."""
        found = [maker for maker in self.needed(e) if id(maker) not in self.placed]
        for state in _undone(e):
            readers = self.readers[state] if state in self.states else []
            found += [r for r in readers if r is not e and id(r) not in self.placed and not self.waits(r, e)]
        return found

    def needed(self, e: Equation) -> list[Equation]:
        """The equations that an equation needs directly."""
        found = [self.makers[v] for v in e.operands if v in self.makers]
        return found + [
            self.binders[name] for name in sorted(e.symbols()) if name in self.binders and self.binders[name] is not e
        ]

    def waits(self, reader: Equation, undoing: Equation) -> bool:
        """Whether a reader needs, directly or not, what undoes its state or anything else that is not placed yet but begun."""
        pending, seen = [reader], set()
        while pending:
            e = pending.pop()
            if e is undoing or id(e) in self.open:
                return True
            if id(e) not in seen and id(e) not in self.placed:
                seen.add(id(e))
                pending += self.needed(e)
        return False


def _undone(e: Equation) -> tuple[Var, ...]:
    """The arrays that an equation may write into."""
    if e.op in WRITES:
        return e.operands[:1]
    return e.operands[2 + e["consts"] :] if e.op == "loop" else ()
