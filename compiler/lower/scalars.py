"""Small arrays whose elements are only ever accessed one by one become variables.

    part = empty(3)                                 for j in range(n):
    for j in range(n):                                  y[j] = (2.0 * a[j] - 1.0) * b[j]
        part[0] = 2.0 * a[j]
        ...
        y[j] = (part[0] - 1.0) * b[j]

In: a program. Out: the same without such arrays. Of an element that is written once the reader gets the value itself; any
other is a variable. LLVM keeps these in registers; memory it writes and reads again in each iteration.

Method: scalar replacement of aggregates; Muchnick, Advanced Compiler Design and Implementation (1997), section 12.2.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any

from ..ir.types import F32, F64
from .names import Names
from .program import Allocate, Atom, Bind, For, If, Index, Kernel, Let, Literal, Load, Local, Program, Statement, Store, walk
from .reusing import taken_names
from .views import names_in

MOST_ELEMENTS = 16

_Element = tuple[str, Index]


def name_elements(program: Program) -> Program:
    """The program without small arrays that are never used as a whole."""
    arrays = _never_whole(program.body, program.results)
    if not arrays:
        return program
    naming = _Naming(program, arrays)
    return dataclasses.replace(program, body=naming.block(program.body), results=naming.new(program.results))


def _never_whole(statements: Sequence[Statement], returned: Iterable[str | Atom]) -> dict[str, Allocate]:
    """The arrays of which only elements at known positions are read and written, by their names."""
    allocated = [s for s in walk(statements) if isinstance(s, Allocate)]
    times = Counter(s.name for s in allocated)
    arrays = {s.name: s for s in allocated if times[s.name] == 1 and _is_small(s)}
    for s in walk(statements) if arrays else ():
        if isinstance(s, Load | Store) and all(isinstance(dim, int) for dim in s.index):
            continue
        for name in names_in(s) if not isinstance(s, Allocate) else ():
            arrays.pop(name, None)
    return {name: s for name, s in arrays.items() if name not in returned}


def _is_small(s: Allocate) -> bool:
    sizes = [dim for dim in s.type.shape if isinstance(dim, int)]
    return len(sizes) == s.type.rank and prod(sizes) <= MOST_ELEMENTS and s.type.dtype in (F32, F64)


class _Naming:
    """The elements of some arrays: their variables, or the values that they have all the time."""

    def __init__(self, program: Program, arrays: dict[str, Allocate]) -> None:
        self.arrays = arrays
        self.names = Names(taken_names(program))
        statements = program.body
        accesses = [s for s in walk(statements) if isinstance(s, Load | Store) and s.buffer in arrays]
        found = Counter(((s.buffer, s.index), isinstance(s, Store)) for s in accesses)
        once = {element for (element, writes), times in found.items() if writes and times == 1}
        again = {name for s in walk(statements) if isinstance(s, Bind) for name in s.names}
        self.fixed = {
            element
            for element, store, loads in _written(statements, once)
            if not store.add
            and loads == found[element, False]
            and not (isinstance(store.value, Local) and store.value.name in again)
        }
        elements = dict.fromkeys((s.buffer, s.index) for s in accesses)
        self.variables = {e: Local(self.names.fresh(e[0]), arrays[e[0]].type.dtype) for e in elements if e not in self.fixed}
        self.values: dict[_Element, Atom] = {}
        self.known: dict[str, Atom] = {}

    def block(self, statements: Iterable[Statement]) -> tuple[Statement, ...]:
        return tuple(new for s in statements for new in self.statement(s))

    def statement(self, s: Statement) -> Iterator[Statement]:
        """What stands for a statement."""
        match s:
            case Allocate(name=name) if name in self.arrays:
                yield from self.started(s)
            case Store(buffer=buffer) if buffer in self.arrays:
                yield from self.written(s)
            case Load(buffer=buffer) if buffer in self.arrays:
                element = s.buffer, s.index
                if element in self.fixed:
                    self.known[s.name] = self.values[element]
                else:
                    yield Bind((s.name,), (self.variables[element],), s.source)
            case For(test=test, body=body):
                bounds = {"start": self.new(s.start), "stop": self.new(s.stop)}
                test, body = self.block(test), self.block(body)
                yield dataclasses.replace(s, **bounds, test=test, body=body, condition=self.new(s.condition))
            case If(then=then, orelse=orelse):
                yield dataclasses.replace(s, test=self.new(s.test), then=self.block(then), orelse=self.block(orelse))
            case _:
                yield self.new(s)

    def started(self, s: Allocate) -> Iterator[Statement]:
        """The first values of variables."""
        for (name, _), variable in self.variables.items():
            if name == s.name:
                yield Bind((variable.name,), (Literal(0.0, variable.dtype),), s.source)

    def written(self, s: Store) -> Iterator[Statement]:
        """A new value of an element."""
        element, value = (s.buffer, s.index), self.new(s.value)
        if element in self.fixed:
            self.values[element] = value
            return
        variable = self.variables[element]
        if s.add:
            total = Local(self.names.fresh(variable.name), variable.dtype)
            yield Let(total.name, total.dtype, "add", (variable, value), s.source)
            value = total
        yield Bind((variable.name,), (value,), s.source)

    def new(self, part: Any) -> Any:
        """Part of a statement, with values for the names that stand for them."""
        match part:
            case Local(name=name):
                return self.known.get(name, part)
            case tuple():
                return tuple(map(self.new, part))
            case Kernel():
                return part
        if not self.known or not dataclasses.is_dataclass(part):
            return part
        return dataclasses.replace(part, **{f.name: self.new(getattr(part, f.name)) for f in dataclasses.fields(part)})  # type: ignore[type-var]


def _written(statements: Sequence[Statement], once: set[_Element]) -> Iterator[tuple[_Element, Store, int]]:
    """Elements that are written once: where, and how often they are read after that, in the same iteration."""
    for k, s in enumerate(statements):
        match s:
            case Store() if (element := (s.buffer, s.index)) in once:
                later = (t for t in walk(statements[k + 1 :]) if isinstance(t, Load))
                yield element, s, sum((t.buffer, t.index) == element for t in later)
            case For(test=test, body=body):
                yield from _written(test, once)
                yield from _written(body, once)
            case If(then=then, orelse=orelse):
                yield from _written(then, once)
                yield from _written(orelse, once)
