"""Memory that loops need anew in each iteration, allocated once before them.

    for i in range(steps):                              y = empty(n)
        y = empty(n)                                    for i in range(steps):
        double(y, x)                                        double(y, x)
        x = y                                               x, y = y, x

In: the statements of a driver. Out: the same, with buffers of known size allocated outside of loops, and views made there. A buffer that a
loop carries to its next iteration changes places with the one that it replaces.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from ..ir import ArrayType, Dim, Size
from ..ir.sizes import maximum, symbols
from .program import Allocate, Bind, Call, For, If, Launch, Let, Load, Pop, Product, Statement, View, Wrap


def allocate_outside(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Move allocations and views out of loops, inner loops first."""
    done: list[Statement] = []
    for statement in statements:
        match statement:
            case For(body=body):
                loop = dataclasses.replace(statement, body=allocate_outside(body))
                moved, loop = _take_out(loop)
                done += [*moved, loop]
            case If(then=then, orelse=orelse):
                done.append(dataclasses.replace(statement, then=allocate_outside(then), orelse=allocate_outside(orelse)))
            case _:
                done.append(statement)
    return tuple(done)


def _take_out(loop: For) -> tuple[list[Statement], For]:
    """What can stand before a loop, and the loop without it."""
    inside = {loop.index} | {name for statement in (*loop.test, *loop.body) for name in bound_names(statement)}
    carried = _carried(loop)
    leaving = {value for s in _deep(loop.body) if isinstance(s, Bind) for value in s.values if isinstance(value, str)}
    moved: list[Statement] = []
    body: list[Statement] = []
    swapped: set[str] = set()
    for s in loop.body:
        if _may_move(s, inside) and (s.name not in leaving or s.name in carried):  # type: ignore[union-attr]
            moved.append(_with_sizes_from_zero(s))
            inside.discard(s.name)  # type: ignore[union-attr]
            if s.name in leaving:  # type: ignore[union-attr]
                swapped.add(s.name)  # type: ignore[union-attr]
                inside.add(s.name)  # type: ignore[union-attr]
        else:
            body.append(s)
    if swapped:
        body[-1] = _swap(body[-1], swapped)
    return moved, dataclasses.replace(loop, body=tuple(body))


def _carried(loop: For) -> set[str]:
    """The buffers that the last statement of a loop binds to names that it carries, once each."""
    last = loop.body[-1] if loop.body else None
    if not isinstance(last, Bind):
        return set()
    others = [v for s in _deep(loop.body) if isinstance(s, Bind) and s is not last for v in s.values]
    once = [v for v in last.values if isinstance(v, str) and last.values.count(v) == 1 and v not in others]
    return {v for v in once if v not in last.names}


def _swap(last: Statement, swapped: set[str]) -> Statement:
    """Let the new buffers change places with those that they replace."""
    assert isinstance(last, Bind)
    pairs = [(n, v) for n, v in zip(last.names, last.values, strict=True) if v in swapped]
    return dataclasses.replace(
        last, names=(*last.names, *(str(v) for _, v in pairs)), values=(*last.values, *(n for n, _ in pairs))
    )


def _may_move(s: Statement, inside: set[str]) -> bool:
    match s:
        case Allocate(type=type, zero=False):
            return _is_known(type.shape, inside)
        case View(type=type, base=base, positions=()):
            return base not in inside and _is_known(type.shape, inside)
    return False


def _is_known(shape: tuple[Dim, ...], inside: set[str]) -> bool:
    return all(symbols(dim).isdisjoint(inside) for dim in shape)


def _with_sizes_from_zero(s: Statement) -> Statement:
    """Sizes may be negative where the loop makes no iteration."""
    if not isinstance(s, Allocate):
        return s
    return dataclasses.replace(s, type=ArrayType(s.type.dtype, tuple(map(_from_zero, s.type.shape))))


def _from_zero(dim: Dim) -> Dim:
    return maximum(0, dim) if isinstance(dim, Size) and any(count < 0 for _, count in dim.terms) else dim


def bound_names(statement: Statement) -> Iterator[str]:
    """The names that a statement, and those inside it, give values."""
    for s in _deep((statement,)):
        match s:
            case Let(name=name) | Load(name=name) | Wrap(name=name) | Allocate(name=name) | View(name=name) | Pop(name=name):
                yield name
            case Bind(names=names) | Launch(results=names) | Call(results=names):
                yield from names
            case Product(out=name):
                yield name
            case For(index=index, count=count):
                yield index
                yield count


def _deep(statements: Iterable[Statement]) -> Iterator[Statement]:
    for s in statements:
        yield s
        match s:
            case For(test=test, body=body):
                yield from _deep((*test, *body))
            case If(then=then, orelse=orelse):
                yield from _deep((*then, *orelse))
