"""Zeros that nobody reads: of new arrays to whose elements a loop gives values, each once.

    y = zeros(n)                            y = empty(n)
    for i in range(n):                      for i in range(n):
        y[i] += f(x[i])                         y[i] = 0.0 + f(x[i])

In: a program. Out: the same, with such arrays as they come, and what the loop does not reach cleared. The gradient for an array
whose elements a loop reads in order is made so; to fill memory and to read it again may take as long as the rest of the loop.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from ..ir import Dim, Size, SourceLine
from ..ir.sizes import maximum, symbols
from .checking import known_dim
from .program import Allocate, Clear, For, If, Kernel, Let, Literal, Local, Program, Statement, Store, View
from .reusing import bound_names, taken_names


def leave_unfilled(program: Program) -> Program:
    """Allocate arrays without zeros where a loop gives their elements values."""
    return dataclasses.replace(program, body=_within(program.body, taken_names(program)))


def _within(statements: Sequence[Statement], taken: set[str]) -> tuple[Statement, ...]:
    done = list(statements)
    zeros = [k for k, s in enumerate(done) if isinstance(s, Allocate) and s.zero]
    mentioned = [frozenset(_names(s)) for s in done] if zeros else []
    before: dict[int, list[Statement]] = {}
    for k in zeros:
        array: Allocate = done[k]  # type: ignore[assignment]
        place = next((j for j in range(k + 1, len(done)) if array.name in mentioned[j]), k)
        changed = {name for s in done[k:place] for name in bound_names(s)}
        loop = done[place]
        if isinstance(loop, For) and all(symbols(dim).isdisjoint(changed) for dim in array.type.shape):
            filled = _filled(array, loop, taken)
            if filled is not None:
                rest, done[place] = filled
                before.setdefault(place, []).extend(rest)
                done[k] = dataclasses.replace(array, zero=False)
    return tuple(s for k, statement in enumerate(done) for s in (*before.get(k, ()), _inside(statement, taken)))


def _inside(statement: Statement, taken: set[str]) -> Statement:
    match statement:
        case For(body=body):
            return dataclasses.replace(statement, body=_within(body, taken))
        case If(then=then, orelse=orelse):
            return dataclasses.replace(statement, then=_within(then, taken), orelse=_within(orelse, taken))
    return statement


def _names(part: Any) -> Iterator[str]:
    """All names in a statement; those in a kernel are its own."""
    match part:
        case str():
            yield part
        case Size():
            yield from symbols(part)
        case tuple():
            for inner in part:
                yield from _names(inner)
        case Kernel() | SourceLine():
            return
        case _ if dataclasses.is_dataclass(part):
            for entry in dataclasses.fields(part):
                yield from _names(getattr(part, entry.name))


def _filled(array: Allocate, loop: For, taken: set[str]) -> tuple[list[Statement], For] | None:
    """The loop with its one access to each element of the array as the first, after what clears the elements that it does not reach."""
    loops, store = _path(loop, array.name)
    shape = array.type.shape
    if store is None or sorted(map(str, store.index)) != sorted(inner.index for inner in loops):
        return None
    inside = {inner.index for inner in loops} | {name for inner in loops for s in inner.body for name in bound_names(s)}
    ends = {inner.index: _end(inner, inside) for inner in loops}
    reached = [ends[str(position)] for position in store.index]
    rest: list[Statement] = []
    if reached != list(shape):
        if len(shape) > 1 or reached[0] is None:
            return None
        first = maximum(0, reached[0])
        name = _fresh(f"{array.name}_rest", taken)
        type = array.type.with_shape((maximum(0, shape[0] - first),))
        rest = [View(name, type, array.name, (), first, array.source), Clear(name, array.source)]
    return rest, _rewritten(loops, store, _first(store, array.name, taken))


def _path(loop: For, name: str) -> tuple[list[For], Store | None]:
    """The loops from the outermost one to the only statement that mentions an array, if that writes an element."""
    loops = [loop]
    while True:
        mentioning = [s for s in loops[-1].body if name in _names(s)]
        if len(mentioning) != 1 or loops[-1].condition is not None or loops[-1].test:
            return loops, None
        match mentioning[0]:
            case For():
                loops.append(mentioning[0])
            case Store(buffer=buffer) if buffer == name:
                return loops, mentioning[0]
            case _:
                return loops, None


def _end(loop: For, inside: set[str]) -> Dim | None:
    """The number up to which a loop goes from 0, or down to 0 from the one before, where that is known outside."""
    start, stop = known_dim(loop.start, {}), known_dim(loop.stop, {})
    if start is None or stop is None:
        return None
    end = stop if (loop.step, start) == (1, 0) else start + 1 if (loop.step, stop) == (-1, -1) else None
    return end if end is not None and symbols(end).isdisjoint(inside) else None


def _first(store: Store, name: str, taken: set[str]) -> list[Statement]:
    """The statements that write an element for the first time; what is added to 0 is not -0."""
    if not store.add or store.dtype.kind != "f":
        return [dataclasses.replace(store, add=False)]
    value = _fresh(f"{name}_first", taken)
    added = Let(value, store.dtype, "add", (Literal(0.0, store.dtype), store.value), store.source)
    return [added, dataclasses.replace(store, value=Local(value, store.dtype), add=False)]


def _rewritten(loops: list[For], old: Statement, new: list[Statement]) -> For:
    for loop in reversed(loops):
        body = tuple(s for statement in loop.body for s in (new if statement is old else (statement,)))
        old, new = loop, [dataclasses.replace(loop, body=body)]
    (outermost,) = new
    assert isinstance(outermost, For)
    return outermost


def _fresh(wish: str, taken: set[str]) -> str:
    name, number = wish, 1
    while name in taken:
        number += 1
        name = f"{wish}_{number}"
    taken.add(name)
    return name
