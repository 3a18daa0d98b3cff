"""Stacks of unknown size: what to keep in mind from one call to the next.

In: the statements of a driver. Out: the same, where after the last push onto such a stack the program remembers how many numbers are on
it, so that the next call makes room for them at once. To grow step by step costs as much as to fill a stack twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .program import For, If, NewStack, Pop, Push, Remember, Statement, walk


def remember_rooms(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Remember the sizes of stacks, each right after all its pushes, if its pops come later."""
    after: dict[int, list[Statement]] = {}
    for k, statement in enumerate(statements):
        if isinstance(statement, NewStack) and statement.capacity is None:
            using = {j: uses for j, s in enumerate(statements) if (uses := _uses(s, statement.name))}
            last = max((j for j, uses in using.items() if Push in uses), default=k)
            if all(Pop not in uses for j, uses in using.items() if j <= last):
                after.setdefault(last, []).append(Remember(statement.name, statement.place))
    return tuple(s for k, statement in enumerate(statements) for s in (_inside(statement), *after.get(k, ())))


def _uses(statement: Statement, stack: str) -> set[type]:
    """How a statement, or one inside it, uses a stack."""
    return {type(s) for s in walk((statement,)) if isinstance(s, Push | Pop) and s.stack == stack}


def _inside(statement: Statement) -> Statement:
    match statement:
        case For(body=body):
            return dataclasses.replace(statement, body=remember_rooms(body))
        case If(then=then, orelse=orelse):
            return dataclasses.replace(statement, then=remember_rooms(then), orelse=remember_rooms(orelse))
    return statement
