"""Memory that loops need anew in each iteration, allocated once before them.

    for i in range(steps):                              y = empty(n)
        y = empty(n)                                    for i in range(steps):
        double(y, x)                                        double(y, x)
        x = y                                               x, y = y, x

In: a program. Out: the same, with buffers of known size allocated outside of loops, and views made there. A buffer that a
loop carries to its next iteration changes places with the one that it replaces. Where a size differs from iteration to iteration, but is
the smaller of two one of which is known, there is room for that many.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from math import prod

from ..ir import ArrayType, Dim, Size
from ..ir.sizes import maximum, single_symbol, symbols
from .names import Names
from .program import (
    Allocate,
    Bind,
    Call,
    Clear,
    For,
    If,
    Inside,
    Launch,
    Let,
    Load,
    Local,
    NewStack,
    Pop,
    Position,
    Product,
    Products,
    Program,
    Push,
    Reserve,
    Statement,
    View,
    Wrap,
    walk,
)

MOST_ELEMENTS = 4096  # of arrays whose size is not known, but bounded


def allocate_outside(program: Program) -> Program:
    """Move allocations and views out of loops, inner loops first."""
    return dataclasses.replace(program, body=_outside(program.body, Names(taken_names(program))))


def _outside(statements: Iterable[Statement], names: Names) -> tuple[Statement, ...]:
    done: list[Statement] = []
    for statement in statements:
        match statement:
            case For(body=body):
                loop = dataclasses.replace(statement, body=_with_rooms(_outside(body, names), names))
                moved, loop = _take_out(loop)
                done += [*moved, loop]
            case If(then=then, orelse=orelse):
                done.append(dataclasses.replace(statement, then=_outside(then, names), orelse=_outside(orelse, names)))
            case _:
                done.append(statement)
    return tuple(done)


def _with_rooms(statements: tuple[Statement, ...], names: Names) -> tuple[Statement, ...]:
    """The body of a loop, where arrays of a size that is known to be small take as much of an array of the largest size as they need."""
    most: dict[str, int] = {}
    leaving = {value for s in walk(statements) if isinstance(s, Bind) for value in s.values}
    done: list[Statement] = []
    for s in statements:
        match s:
            case Let(name=name, op="minimum", operands=operands):
                numbers = [x.dim for x in operands if isinstance(x, Position) and isinstance(x.dim, int)]
                most |= dict.fromkeys([name] if numbers else [], min(numbers, default=0))
            case Bind(names=(name,), values=(Local(name=other),)) if other in most:
                most[name] = most[other]
            case Allocate(name=name, type=type, zero=zero) if name not in leaving:
                sizes = [dim if isinstance(dim, int) else most.get(single_symbol(dim) or "") for dim in type.shape]
                known = [size for size in sizes if size is not None]
                if len(known) == type.rank and prod(known) <= MOST_ELEMENTS and not isinstance(type.size, int):
                    room = names.fresh(name)
                    done.append(Allocate(room, ArrayType(type.dtype, (prod(known),)), source=s.source))
                    done.append(View(name, type, room, (), 0, s.source))
                    done += [Clear(name, s.source)] if zero else []
                    continue
        done.append(s)
    return tuple(done)


def _take_out(loop: For) -> tuple[list[Statement], For]:
    """What can stand before a loop, and the loop without it."""
    inside = {loop.index} | {name for statement in (*loop.test, *loop.body) for name in bound_names(statement)}
    leaving = {value for s in walk(loop.body) if isinstance(s, Bind) for value in s.values if isinstance(value, str)}
    exchanges = _exchanges(loop)
    moved: list[Statement] = []
    body: list[Statement] = []
    swapped: dict[str, str] = {}
    for s in loop.body:
        if not _may_move(s, inside) or (s.name in leaving and s.name not in exchanges):  # type: ignore[union-attr]
            body.append(s)
            continue
        moved.append(_undefined(s))
        if isinstance(s, Allocate) and s.zero:
            body.append(Clear(s.name, s.source))
        name: str = s.name  # type: ignore[union-attr]
        if name in exchanges:
            swapped[name] = exchanges[name]
        else:
            inside.discard(name)
    if swapped:
        last = body[-1]
        assert isinstance(last, Bind)
        body[-1] = dataclasses.replace(last, names=(*last.names, *swapped), values=(*last.values, *swapped.values()))
    return moved, dataclasses.replace(loop, body=tuple(body))


def _exchanges(loop: For) -> dict[str, str]:
    """For buffers that the last statement of a loop gives to its next iteration: a carried one of the same type that is replaced."""
    last = loop.body[-1] if loop.body else None
    if not isinstance(last, Bind):
        return {}
    types = {s.name: s.type for s in loop.body if isinstance(s, Allocate)}
    others = [v for s in walk(loop.body) if isinstance(s, Bind) and s is not last for v in s.values]
    types = {name: type for name, type in types.items() if last.values.count(name) == 1 and name not in others}
    given = dict(zip(last.names, last.values, strict=True))
    replaced = {name: _origin(name, given) for name in last.names if name not in last.values}
    exchanges: dict[str, str] = {}
    for new, type in types.items():
        for name, origin in replaced.items():
            if types.get(origin) == type and name not in exchanges.values():
                exchanges[new] = name
                break
    return exchanges


def _origin(name: str, given: Mapping[str, object]) -> str:
    """Follow what a name is given until it is something that is not carried: of the same type as the name."""
    seen: set[str] = set()
    while name in given and name not in seen:  # carried values may change places
        seen.add(name)
        name = str(given[name])
    return name


def _may_move(s: Statement, inside: set[str]) -> bool:
    match s:
        case Allocate(type=type):
            return _is_known(type.shape, inside)
        case View(type=type, base=base, positions=(), offset=offset):
            return base not in inside and _is_known((*type.shape, offset or 0), inside)
    return False


def _is_known(shape: tuple[Dim, ...], inside: set[str]) -> bool:
    return all(symbols(dim).isdisjoint(inside) for dim in shape)


def _undefined(s: Statement) -> Statement:
    """A buffer whose elements the loop will give values. Sizes may be negative where it makes no iteration."""
    if not isinstance(s, Allocate):
        return s
    return dataclasses.replace(s, zero=False, type=ArrayType(s.type.dtype, tuple(map(_from_zero, s.type.shape))))


def _from_zero(dim: Dim) -> Dim:
    return maximum(0, dim) if isinstance(dim, Size) and any(count < 0 for _, count in dim.terms) else dim


def taken_names(program: Program) -> set[str]:
    """All names that a program has given to something."""
    names = {program.name, *(kernel.name for kernel in program.kernels)}
    names |= {name for p in program.parameters for name in (p.name, *(n for dim in p.type.shape for n in symbols(dim)))}
    names |= {s.name for s in walk(program.body) if isinstance(s, NewStack)}
    return names | {name for s in program.body for name in bound_names(s)}


def bound_names(statement: Statement) -> Iterator[str]:
    """The names that a statement, and those inside it, give values."""
    for s in walk((statement,)):
        match s:
            case (
                Let(name=name)
                | Load(name=name)
                | Wrap(name=name)
                | Allocate(name=name)
                | View(name=name)
                | Pop(name=name)
                | Inside(name=name)
            ):
                yield name
            case Bind(names=names) | Launch(results=names) | Call(results=names):
                yield from names
            case Product(out=name) | Products(out=name):
                yield name
            case Push(top=top):
                yield top
            case Reserve(stack=stack):
                yield stack
            case For(index=index, count=count):
                yield index
                yield count
