"""Where traced arrays live: a ``Cell`` holds the present value of one, and a ``View`` is a way to see a part of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..ir import Var
from .context import Scope, active_trace


class Cell:
    """One array of the traced program: the variable that holds its present value."""

    __slots__ = (
        "__weakref__", "argument", "captured", "doubt", "family", "kin", "listed", "looks", "ordered", "origin", "scope", "stretched", "value", "ways"
    )  # fmt: skip

    def __init__(self, value: Var, scope: Scope, argument: str = "") -> None:
        self.value = value
        self.scope = scope
        self.argument = argument  # the user's name, if the caller's array
        self.captured = False  # whether the function found it outside of itself
        self.kin: Any = None  # cells that may be the same array (``aliasing``)
        self.ways: Any = None  # of one of two arrays, as a branch chose it: these (``chosen``)
        self.listed: Any = False  # whether a list in arrays holds a copy of it, where Python's would hold the array itself, or what else forbids writes
        self.looks: Any = None  # of the items of a list in arrays those that are lists and are looked at (``exchanging``)
        self.family: Any = None  # of the rows of a list: what tells it from others (``mutation.note_listed``)
        self.origin: Cell | None = None  # of a copy that would be a view were the array in another order
        self.ordered = (
            False  # whether the program is right only where it lies in C order: a reshaped view is written to (``layout``)
        )
        self.stretched = ""  # its name, where a branch or loop may have repeated a number or smaller array to this shape
        self.doubt: Any = None  # of an item or attribute that is there on some ways only (``unbound``)

    def assign(self, value: Var) -> None:
        """Give the array a new value; inner scopes remember the old one."""
        if self.origin is not None:
            self.origin.ordered = True
        trace = active_trace()
        trace.end_exchange()
        trace.effects += 1
        self.remember(trace.scope)
        self.value = value

    def remember(self, scope: Scope | None) -> None:
        """Note the present value in a scope, and in those around it, which are about to see another."""
        while scope is not None and scope is not self.scope:
            scope.written.setdefault(self, self.value)
            scope = scope.parent


@dataclass(frozen=True, slots=True)
class View:
    """A part of an array, or its elements in another arrangement, that shares the array's storage.

    ``read(base)`` gives the view's value and ``write(base, value)`` the base with the view's value replaced.
    """

    read: Callable[[Var], Var]
    write: Callable[[Var, Var], Var]
    key: Any = field(default=None)  # what tells equal views apart from others
