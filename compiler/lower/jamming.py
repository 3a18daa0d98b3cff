"""Loops that launch a kernel for four of their iterations at once: unroll and jam.

    for k in range(m):                                  for k in range(0, m - 3, 4):
        subtract(y, x[k], a, k)                             subtract_by_4(y, x[k], x[k + 1], x[k + 2], x[k + 3], a, k)
                                                        for k in range(m//4*4, m):
                                                            subtract(y, x[k], a, k)

In: a program. Out: the same, where a loop's launches go through the same elements again in each iteration, as rows that are subtracted from
one row do: a launch for four iterations reads and writes these elements once. An element is computed from the same numbers in the same order.

What the iterations do in the driver comes before or after their common launch. So nothing of an iteration may touch elements that an earlier
one writes, or the other way round, other than the elements of one point of the kernel: there the four follow each other.

Method: Allen and Kennedy, Optimizing Compilers for Modern Architectures (2002), section 8.4.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..ir import Dim, Size, symbol
from ..ir.sizes import maximum, substitute, symbols
from ..ir.types import I64
from .checking import known_dim
from .jammed import jammed
from .kernels import rename_step
from .names import RESERVED
from .program import (
    Atom,
    Bind,
    For,
    If,
    Index,
    Kernel,
    Launch,
    Let,
    Load,
    Local,
    Pop,
    Position,
    Program,
    Push,
    Reduce,
    Statement,
    Step,
    Store,
    View,
    walk,
)  # fmt: skip
from .reusing import bound_names, taken_names

TOGETHER = 4  # enough that what they share costs little, few enough for the registers
MOST_STEPS = 16  # in a kernel: larger ones compute more than they read


def jam_loops(program: Program) -> Program:
    """Launch kernels for several iterations of a loop at once."""
    jamming = _Jamming(program)
    body = jamming.within(program.body, {})
    return dataclasses.replace(program, body=body, kernels=(*program.kernels, *jamming.kernels.values()))


class _RefusedError(Exception):
    """A loop stays as it is."""


def _require(condition: bool) -> None:
    if not condition:
        raise _RefusedError


@dataclass(frozen=True, slots=True)
class _Access:
    """An element that one iteration reads or writes; ``part`` says whether before (0), in (1) or after (2) the launch."""

    buffer: str
    index: Index
    writes: bool
    part: int


class _Jamming:
    """What is known of a program, and the kernels that were made for it."""

    def __init__(self, program: Program) -> None:
        self.statements = tuple(walk(program.body))
        self.bindings = Counter(name for s in self.statements if not isinstance(s, For | If) for name in bound_names(s))
        self.names = taken_names(program) | RESERVED
        self.memory = _memory(self.statements)
        self.kernels: dict[Hashable, Kernel] = {}

    def within(self, statements: Iterable[Statement], known: Mapping[str, Dim]) -> tuple[Statement, ...]:
        """The statements of a block; ``known`` are integers that others stand for."""
        done: list[Statement] = []
        known = dict(known)
        for s in statements:
            changed = set(bound_names(s))
            known = {n: d for n, d in known.items() if n not in changed and symbols(d).isdisjoint(changed)}
            match s:
                case Bind(names=(name,), values=(Position(dim),)) if name not in symbols(dim):
                    known[name] = substitute(dim, known)
                    done.append(s)
                case For(body=body):
                    done += self.loop(s, known) or [dataclasses.replace(s, body=self.within(body, known))]
                case If(then=then, orelse=orelse):
                    done.append(dataclasses.replace(s, then=self.within(then, known), orelse=self.within(orelse, known)))
                case _:
                    done.append(s)
        return tuple(done)

    def loop(self, loop: For, known: Mapping[str, Dim]) -> list[Statement]:
        """The loop for several iterations at once, and the one for the rest; nothing if there is no such launch."""
        body = self.without_names(loop.body)
        launches = [k for k, s in enumerate(body) if isinstance(s, Launch)]
        if len(launches) != 1 or loop.test or abs(loop.step) != 1:
            return []
        try:
            return _Jam(self, dataclasses.replace(loop, body=body), launches[0], known).loops()
        except _RefusedError:
            return []

    def without_names(self, statements: Iterable[Statement]) -> tuple[Statement, ...]:
        """The statements with integers in place of names that stand for them, and for nothing else before or after."""
        done: list[Statement] = []
        known: dict[str, Dim] = {}
        for s in statements:
            match s:
                case Bind(names=(name,), values=(Position(dim),)) if self.bindings[name] == 1:
                    known[name] = substitute(dim, known)
                case _:
                    done.append(_renamed(s, {}, known))
        return tuple(done)

    def fresh(self, wish: str) -> str:
        name, number = wish, 1
        while name in self.names:
            number += 1
            name = f"{wish}_{number}"
        self.names.add(name)
        return name


def _memory(statements: Iterable[Statement]) -> dict[str, str]:
    """Under one name all buffers and stacks that may share memory, for those that others are seen or bound as."""
    known: dict[str, str] = {}

    def find(name: str) -> str:
        while name in known:
            name = known[name]
        return name

    for s in statements:
        pairs: list[tuple[str, str]] = []
        match s:
            case View(name=name, base=base) | Pop(name=name, stack=base):
                pairs = [(name, base)]
            case Bind(names=names, values=values):
                pairs = [(n, v) for n, v in zip(names, values, strict=True) if isinstance(v, str)]
        for one, other in pairs:
            if find(one) != find(other):
                known[find(one)] = find(other)
    return {name: find(name) for name in known}


class _Jam:
    """A loop with one launch."""

    def __init__(self, jamming: _Jamming, loop: For, place: int, known: Mapping[str, Dim]) -> None:
        self.jamming, self.loop, self.known = jamming, loop, known
        self.before, self.after = loop.body[:place], loop.body[place + 1 :]
        launch = loop.body[place]
        assert isinstance(launch, Launch)
        self.launch, self.kernel = launch, launch.kernel
        self.bound = {name for s in loop.body for name in bound_names(s)}
        start, stop = known_dim(loop.start, {}), known_dim(loop.stop, {})
        if start is None or stop is None:
            raise _RefusedError
        self.start, self.stop = start, stop
        self.trips = stop - start if loop.step > 0 else start - stop

    def loops(self) -> list[Statement]:
        _require(not isinstance(self.trips, int) or self.trips >= 2 * TOGETHER)
        _require(all(isinstance(s, Let | Load | Store | Push | Pop) for s in (*self.before, *self.after)))
        _require(
            not any((isinstance(s, Push) and s.size != 1) or (isinstance(s, Pop) and s.type.shape) for s in self.loop.body)
        )
        stacks = [{s.stack for s in part if isinstance(s, Push | Pop)} for part in (self.before, self.after)]
        _require(stacks[0].isdisjoint(stacks[1]))
        self.require_simple()
        accesses = tuple(self.accesses())
        self.require_apart(accesses)
        _require(any(a.part == 1 and not self.moves(a.index) and self.varies(a.index) for a in accesses))
        last = self.loop.step * (TOGETHER - 1)
        done = self.loop.step * TOGETHER * (maximum(0, self.trips) // TOGETHER)
        first = dataclasses.replace(
            self.loop, stop=Position(self.stop - last), step=self.loop.step * TOGETHER, body=tuple(self.body())
        )
        return [first, dataclasses.replace(self.loop, start=Position(self.start + done))]

    def require_simple(self) -> None:
        """Give up unless the kernel has one axis, of the same extent in all iterations, and does simple things."""
        kernel, varying = self.kernel, self.varying()
        _require(len(kernel.axes) == 1 and not kernel.sequential and len(kernel.body) <= MOST_STEPS)
        _require(symbols(kernel.axes[0].extent).isdisjoint(varying))
        _require(all(isinstance(s, Let | Load | Store) or _is_total(s) for s in kernel.body))
        _require(not any(isinstance(s, Store) and s.dtype.kind == "b" for s in kernel.body))
        made = {step.name for step in kernel.body if isinstance(step, Let | Load)}
        _require(made.isdisjoint(n for s in kernel.body if isinstance(s, Load | Store) for d in s.index for n in symbols(d)))
        _require(all(isinstance(x, Position) for s, x in self.scalars() if s.dtype == I64 and s.name in varying))

    def scalars(self) -> Iterator[tuple[Local, Atom]]:
        """The kernel's parameters that are numbers, and what the launch gives for them."""
        return zip(self.kernel.scalars, self.launch.scalars, strict=True)

    def varying(self) -> set[str]:
        """Those that differ from iteration to iteration."""
        return {s.name for s, x in self.scalars() if not self.is_same(x)}

    def is_same(self, atom: Atom) -> bool:
        names = {atom.name} if isinstance(atom, Local) else symbols(atom.dim) if isinstance(atom, Position) else set()
        return names.isdisjoint({self.loop.index, *self.bound})

    # what iterations touch

    def accesses(self) -> Iterator[_Access]:
        """All elements, in the driver's terms; the point of the kernel is ``@``, and what is not known begins with ``$``."""
        for part, statements in ((0, self.before), (2, self.after)):
            for s in statements:
                if isinstance(s, Load | Store):
                    yield _Access(s.buffer, tuple(substitute(d, self.known) for d in s.index), isinstance(s, Store), part)
        buffers = {p.name: name for p, name in zip(self.kernel.buffers, self.launch.buffers, strict=True)}
        given: dict[str, Dim] = {s.name: x.dim for s, x in self.scalars() if isinstance(x, Position)}
        given[self.kernel.axes[0].name] = symbol("@")
        for step in self.kernel.body:
            if isinstance(step, Load | Store):
                others = {n: symbol(f"${n}") for d in step.index for n in symbols(d) if n not in given}
                index = tuple(substitute(substitute(d, {**others, **given}), self.known) for d in step.index)
                yield _Access(buffers[step.buffer], index, isinstance(step, Store), 1)

    def require_apart(self, accesses: Sequence[_Access]) -> None:
        """Give up unless what changes places touches other elements."""
        for early in accesses:
            for late in accesses:
                if (early.writes or late.writes) and self.meet(early.buffer, late.buffer):
                    is_moved = late.part < early.part or early.part == late.part == 1
                    _require(not is_moved or (early.buffer == late.buffer and self.are_apart(early, late)))

    def meet(self, one: str, other: str) -> bool:
        """Whether two names may stand for the same memory."""
        return self.jamming.memory.get(one, one) == self.jamming.memory.get(other, other)

    def are_apart(self, early: _Access, late: _Access) -> bool:
        """Whether an element of one iteration is never that of a later one, or the same one at the same point of the kernel only."""
        if early.index == late.index and early.part == late.part == 1 and not self.moves(early.index):
            return self.varies(early.index)
        return any(self.differ(p, q) for p, q in zip(early.index, late.index, strict=True))

    def moves(self, index: Index) -> bool:
        """Whether an element is another one in each iteration, for all that is known."""
        return any(not symbols(d).isdisjoint({self.loop.index, *self.bound}) for d in index)

    def varies(self, index: Index) -> bool:
        """Whether an element is another one at each point of the kernel: it goes along an axis step by step."""
        return any(substitute(d, {"@": symbol("@") + 1}) - d in (1, -1) for d in index)

    def differ(self, p: Dim, q: Dim) -> bool:
        """Whether two positions along an axis are never the same, the second in a later iteration."""
        index, gap = self.loop.index, p - q
        if index in symbols(p) and index in symbols(q):
            later = substitute(q, {index: symbol(index) + self.loop.step * symbol("@later")})
            gap = substitute(p - later, {"@later": symbol("@later") + 1})
        if "@" in symbols(p) and "@" in symbols(q):
            return False
        made = symbol("@made")
        ends = (self.start, self.stop - self.loop.step)
        outer = [substitute(end, self.known) for end in ends]
        places = (outer[0] + self.loop.step * made, outer[1] - self.loop.step * made)
        found = [gap, *(substitute(gap, {index: place}) for place in places)]
        return any(_is_positive(d) or _is_positive(-d) for d in found)

    # what is written

    def body(self) -> Iterator[Statement]:
        """The statements for several iterations."""
        copies = [self.copy(number) for number in range(TOGETHER)]
        for names, dims in copies:
            yield from (_renamed(s, names, dims) for s in self.before)
        yield self.common(copies)
        for names, dims in copies:
            yield from (_renamed(s, names, dims) for s in self.after)

    def copy(self, number: int) -> tuple[dict[str, str], dict[str, Dim]]:
        """The names of an iteration's numbers, and what stands for them in positions."""
        bound = [name for s in self.loop.body if not isinstance(s, Push) for name in bound_names(s)] if number else []
        names = {name: self.jamming.fresh(name) for name in bound}
        return names, {
            **{name: symbol(new) for name, new in names.items()},
            self.loop.index: symbol(self.loop.index) + number * self.loop.step,
        }

    def common(self, copies: Sequence[tuple[dict[str, str], dict[str, Dim]]]) -> Launch:
        """The launch for several iterations."""
        varying = self.varying()
        scalars = [x for s, x in self.scalars() if s.name not in varying]
        for k, (s, x) in enumerate(self.scalars()):
            if s.name in varying:
                scalars += [_renamed_atom(x, *copy) for copy in copies[: 1 if self.steps(k) is not None else TOGETHER]]
        results = tuple(names.get(name, name) for names, _ in copies for name in self.launch.results)
        steps = tuple((k, step) for k in range(len(self.kernel.scalars)) if (step := self.steps(k)) is not None)
        key = self.kernel, frozenset(varying), steps
        if key not in self.jamming.kernels:
            name = self.jamming.fresh(f"{self.kernel.name}_by_{TOGETHER}")
            self.jamming.kernels[key] = jammed(self.kernel, name, TOGETHER, varying, dict(steps))
        return dataclasses.replace(self.launch, kernel=self.jamming.kernels[key], scalars=tuple(scalars), results=results)

    def steps(self, k: int) -> int | None:
        """By how much an integer grows from iteration to iteration, if that is a number."""
        given = self.launch.scalars[k]
        if not isinstance(given, Position) or self.loop.index not in symbols(given.dim):
            return None
        step = substitute(given.dim, {self.loop.index: symbol(self.loop.index) + self.loop.step}) - given.dim
        return step if isinstance(step, int) and symbols(given.dim).isdisjoint(self.bound) else None


def _renamed(s: Statement, names: Mapping[str, str], dims: Mapping[str, Dim]) -> Statement:
    """A statement with other names for numbers, and what stands for them in positions; as it is if iterations with it cannot go together."""
    match s:
        case Let() | Load() | Store():
            return rename_step(s, names, dims)  # type: ignore[return-value]
        case Pop():
            return dataclasses.replace(s, name=names.get(s.name, s.name))
        case Push(value=value) if value is not None and not isinstance(value, str):
            return dataclasses.replace(s, value=_renamed_atom(value, names, dims))
        case Launch():
            return dataclasses.replace(s, scalars=tuple(_renamed_atom(x, names, dims) for x in s.scalars))
    return s


def _renamed_atom(atom: Atom, names: Mapping[str, str], dims: Mapping[str, Dim]) -> Atom:
    match atom:
        case Local(name, dtype):
            return Local(names.get(name, name), dtype)
        case Position(dim):
            return Position(substitute(dim, dims))
    return atom


def _is_total(step: Step) -> bool:
    """Whether a step reduces to a number, and raises no error where there is nothing to reduce."""
    return isinstance(step, Reduce) and not step.index and step.op in ("sum", "prod", "all", "any")


def _is_positive(dim: Dim) -> bool:
    """Whether a number is greater than 0, where numbers of iterations and points, which are not negative, are all that it depends on."""
    if not isinstance(dim, Size):
        return dim > 0
    constant = sum(c for monomial, c in dim.terms if not monomial)
    return constant > 0 and all(c > 0 and all(str(a).startswith("@") for a in monomial) for monomial, c in dim.terms)
