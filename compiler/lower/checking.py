"""Positions that are checked once for a loop instead of in each of its iterations.

    for i in range(n):                                  inside = 0 <= k < m and 0 <= k + n - 1 < m
        position = i + k                                for i in range(n):
        if not 0 <= position < m: ...                       position = i + k
        y[i] = x[position]                                  if not (inside or 0 <= position < m): ...
                                                            y[i] = x[position]

In: the statements of a driver. Out: the same, with a look at the first and the last position before an innermost loop through which all
positions go evenly. Mostly both are inside; LLVM then runs the loop without checks, and vectorises it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from ..ir import Dim, symbol
from ..ir.sizes import substitute, symbols
from ..ir.types import I64
from .program import Atom, For, If, Inside, Let, Literal, Load, Local, Position, Push, Span, Statement, Store, Wrap, walk
from .reusing import bound_names

_ARITHMETIC = {"add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y}


def check_ends(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Look at the first and the last position before loops."""
    return _within(statements, {name for s in walk(statements) for name in bound_names(s)})


def _within(statements: Iterable[Statement], taken: set[str]) -> tuple[Statement, ...]:
    done: list[Statement] = []
    for statement in statements:
        match statement:
            case For(body=body) if (spans := _spans(statement)) is not None:
                name = next(name for k in range(len(taken) + 1) if (name := f"inside_{k + 1}" if k else "inside") not in taken)
                taken.add(name)
                checked = tuple(dataclasses.replace(s, unless=name) if isinstance(s, Wrap) else s for s in body)
                done += [Inside(name, spans), dataclasses.replace(statement, body=checked)]
            case For(body=body):
                done.append(dataclasses.replace(statement, body=_within(body, taken)))
            case If(then=then, orelse=orelse):
                done.append(dataclasses.replace(statement, then=_within(then, taken), orelse=_within(orelse, taken)))
            case _:
                done.append(statement)
    return tuple(done)


def _spans(loop: For) -> tuple[Span, ...] | None:
    """Through which positions a loop goes, if it does so evenly and does nothing that would keep it from being vectorised."""
    if loop.test or abs(loop.step) != 1 or not all(isinstance(s, Let | Load | Store | Wrap | Push) for s in loop.body):
        return None
    inside = {loop.index} | {name for s in loop.body for name in bound_names(s)}
    known: dict[str, Dim] = {}
    start, end = known_dim(loop.start, known), known_dim(loop.stop, known)
    if start is None or end is None:
        return None
    spans: dict[Span, None] = {}
    for s in loop.body:
        if isinstance(s, Let) and s.dtype == I64 and s.op in _ARITHMETIC:
            operands = [known_dim(operand, known) for operand in s.operands]
            if None not in operands:
                known[s.name] = _ARITHMETIC[s.op](*operands)
        elif isinstance(s, Wrap):
            position = known_dim(s.value, known)
            if position is None or not _is_even(position, loop.index, inside) or not symbols(s.size).isdisjoint(inside):
                return None
            first, last = (substitute(position, {loop.index: at}) for at in (start, end - loop.step))
            spans[Span(first, last, s.size)] = None
    return tuple(spans) if any(span.first != span.last for span in spans) else None


def _is_even(position: Dim, index: str, inside: set[str]) -> bool:
    """Whether a position grows by the same number from one iteration of a loop to the next; ``inside`` are the names that it binds."""
    growth = substitute(position, {index: symbol(index) + 1}) - position
    return symbols(growth).isdisjoint(inside) and symbols(position) & inside <= {index}


def known_dim(atom: Atom, known: Mapping[str, Dim]) -> Dim | None:
    """An integer as a dim over what is bound outside, as far as it is known."""
    match atom:
        case Position(dim):
            return substitute(dim, known)
        case Literal(value, dtype) if dtype == I64:
            return int(value)
        case Local(name, dtype) if dtype == I64:
            return known.get(name, symbol(name))
    return None
