"""Views that nobody needs.

    x = empty((n, 4, 1))                                x = empty(4*n)
    y = view(x, 4*n)                                    fill(x)
    fill(y)

In: the statements of a driver and what it returns. Out: the statements without views that no other statement mentions, and with memory
allocated in the shape under which it is seen, where it is seen under one shape only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..ir import ArrayType
from .program import (
    Allocate,
    Atom,
    Bind,
    Call,
    Check,
    For,
    If,
    Kernel,
    Launch,
    Load,
    Print,
    Product,
    Products,
    Push,
    Statement,
    Store,
    View,
    walk,
)


def drop_unused_views(statements: Iterable[Statement], returned: Iterable[Any]) -> tuple[Statement, ...]:
    """Leave out views that neither a statement nor a view in use mentions."""
    statements = tuple(statements)
    uses = [set(names_in(s)) for s in walk(statements) if not isinstance(s, View)]
    used = set().union({r for r in returned if isinstance(r, str)}, *uses)
    bases = {s.name: s.base for s in walk(statements) if isinstance(s, View)}
    waiting = [name for name in used if name in bases]
    while waiting:
        base = bases[waiting.pop()]
        if base not in used:
            used.add(base)
            waiting += [base] if base in bases else []
    return _kept(statements, used)


def _kept(statements: tuple[Statement, ...], used: set[str]) -> tuple[Statement, ...]:
    kept: list[Statement] = []
    for s in statements:
        match s:
            case View(name=name) if name not in used:
                continue
            case For():
                s = dataclasses.replace(s, test=_kept(s.test, used), body=_kept(s.body, used))
            case If():
                s = dataclasses.replace(s, then=_kept(s.then, used), orelse=_kept(s.orelse, used))
        kept.append(s)
    return tuple(kept)


def names_in(value: Any) -> Iterator[str]:
    """The names in a statement, not those inside kernels and other statements."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from names_in(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, Kernel):
        for field in dataclasses.fields(value):
            if field.name not in ("body", "test", "then", "orelse"):
                yield from names_in(getattr(value, field.name))


def allocate_as_seen(
    statements: tuple[Statement, ...], returned: tuple[str | Atom, ...]
) -> tuple[tuple[Statement, ...], tuple[str | Atom, ...]]:
    """Allocate memory in the shape of its views where nothing else mentions it, and give these views its name; returns both anew."""
    mentioned = {name for s in walk(statements) for name in names_in(s) if not isinstance(s, Allocate) and not _is_whole(s)}
    mentioned |= {s.base for s in walk(statements) if isinstance(s, View) and not _is_whole(s)}
    mentioned |= {r for r in returned if isinstance(r, str)}
    rebound = {name for s in walk(statements) if isinstance(s, Bind) for name in s.names}
    types = {s.name: s.type for s in walk(statements) if isinstance(s, Allocate) and s.name not in mentioned}
    seen: dict[str, ArrayType] = {}
    renamed: dict[str, str] = {}
    for s in walk(statements):
        if isinstance(s, View) and s.base in types and s.name not in rebound and seen.setdefault(s.base, s.type) == s.type:
            renamed[s.name] = s.base
    return _renamed(statements, renamed, seen), tuple(renamed.get(r, r) if isinstance(r, str) else r for r in returned)


def _is_whole(s: Statement) -> bool:
    """Whether a statement shows a whole buffer under another shape."""
    return isinstance(s, View) and not s.positions and s.offset is None


def _renamed(
    statements: tuple[Statement, ...], names: Mapping[str, str], types: Mapping[str, ArrayType]
) -> tuple[Statement, ...]:
    """Statements with other names for some buffers, without the views that made these, and with other types for what is allocated."""

    def new(name: Any) -> Any:
        return names.get(name, name) if isinstance(name, str) else name

    def change(s: Statement) -> Statement:
        match s:
            case Allocate(name=name):
                return dataclasses.replace(s, type=types.get(name, s.type))
            case View(base=base):
                return dataclasses.replace(s, base=new(base))
            case Launch(buffers=buffers):
                return dataclasses.replace(s, buffers=tuple(map(new, buffers)))
            case Product() | Products():
                return dataclasses.replace(s, out=new(s.out), a=new(s.a), b=new(s.b))
            case Load(buffer=buffer) | Store(buffer=buffer):
                return dataclasses.replace(s, buffer=new(buffer))
            case Call(arguments=arguments):
                return dataclasses.replace(s, arguments=tuple(map(new, arguments)))
            case Print(operands=operands) | Check(operands=operands):
                return dataclasses.replace(s, operands=tuple(map(new, operands)))
            case Bind(values=values):
                return dataclasses.replace(s, values=tuple(map(new, values)))
            case Push(value=value):
                return dataclasses.replace(s, value=new(value))
            case For(test=test, body=body):
                return dataclasses.replace(s, test=_renamed(test, names, types), body=_renamed(body, names, types))
            case If(then=then, orelse=orelse):
                return dataclasses.replace(s, then=_renamed(then, names, types), orelse=_renamed(orelse, names, types))
        return s

    return tuple(change(s) for s in statements if not (isinstance(s, View) and s.name in names))
