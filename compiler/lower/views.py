"""Views that nobody reads.

In: the statements of a driver and what it returns. Out: the statements without views that no other statement mentions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from .program import For, If, Kernel, Statement, View, walk


def drop_unused_views(statements: Iterable[Statement], returned: Iterable[Any]) -> tuple[Statement, ...]:
    """Leave out views that neither a statement nor a view in use mentions."""
    statements = tuple(statements)
    uses = [set(_names(s)) for s in walk(statements) if not isinstance(s, View)]
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


def _names(value: Any) -> Iterator[str]:
    """The names in a statement, not those inside kernels and other statements."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _names(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, Kernel):
        for field in dataclasses.fields(value):
            if field.name not in ("body", "test", "then", "orelse"):
                yield from _names(getattr(value, field.name))
