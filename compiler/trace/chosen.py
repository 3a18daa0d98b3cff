"""Arrays and views that a branch of an if chooses.

``row = A[i] if c else A[j]`` is a view of ``A`` as well: the branches hand on the place rather than the elements. ``row = A[i] if c else B`` is
an array of its own; what is written to it is written to the one that was chosen, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..ir import Var
from .blocks import made_in
from .context import Scope, active_trace
from .tracer import Tracer
from .views import Position, Range, value_of, view_at


@dataclass(slots=True)
class Choice:
    """Views of one array that differ in their places along some ``axes`` of it."""

    one: Tracer
    axes: tuple[int, ...]

    def places(self, view: Tracer) -> list[Var]:
        """Where the view of a branch begins along these axes."""
        entries = _entries(view)
        return [value_of(_start(entries[axis])) for axis in self.axes]

    def view(self, places: Sequence[Var]) -> Tracer:
        """The view after the if."""
        if not self.axes:
            return self.one
        entries = list(_entries(self.one))
        for axis, place in zip(self.axes, places, strict=True):
            entry = entries[axis]
            start = Position(0, place)
            entries[axis] = start if isinstance(entry, Position) else Range(start, entry.length, entry.step)
        return Tracer(self.one.cell, self.one.type, (*self.one.views[:-1], view_at(tuple(entries))))


def choice_of(one: Any, other: Any, scopes: tuple[Scope, Scope]) -> Choice | None:
    """The choice between what two branches leave, if these are views of one array from outside that differ in their places alone."""
    if not (isinstance(one, Tracer) and isinstance(other, Tracer) and one.views and other.views):
        return None
    if one.cell is not other.cell or not active_trace().scope.inside(one.cell.scope):
        return None
    first, second = _entries(one), _entries(other)
    outer = [Tracer(view.cell, view.type, view.views[:-1]) for view in (one, other)]
    if not first or len(first) != len(second) or not outer[0].same_place(outer[1]):
        return None
    made = made_in(scopes[0]) | made_in(scopes[1])
    if (one.type.symbols() | other.type.symbols()) & made or not all(map(_are_alike, first, second)):
        return None
    return Choice(one, tuple(axis for axis, (a, b) in enumerate(zip(first, second, strict=True)) if _start(a) != _start(b)))


@dataclass(slots=True)
class Ways:
    """The arrays one of which another one is: the first where the test holds, or the second; None for one that only a branch knew."""

    test: Tracer
    arrays: tuple[Tracer | None, ...]

    @property
    def cells(self) -> list[Any]:
        """The cells that a write reaches."""
        own = [array.cell for array in self.arrays if array is not None]
        return [*own, *(cell for chosen in own if chosen.ways is not None for cell in chosen.ways.cells)]

    def write(self, cell: Any) -> None:
        """Hand on what a cell holds to the array that it is."""
        from .operators import OPERATORS

        def put(array: Tracer | None) -> tuple[()]:
            if array is not None:
                array.assign(Tracer(cell, cell.value.type).value)
            return ()

        trace = active_trace()
        trace.writing.append(cell)
        try:
            OPERATORS.if_(self.test, lambda: put(self.arrays[0]), lambda: put(self.arrays[1]), (), ())
        finally:
            trace.writing.pop()


def way_of(leaf: Tracer, scope: Scope) -> Choice | None:
    """An array that a branch leaves, if it is one from outside of it, or a basic view of one; its place may be computed in the branch."""
    if not active_trace().scope.inside(leaf.cell.scope) or len(leaf.views) > 1 or leaf.type.symbols() & made_in(scope):
        return None
    entries = _entries(leaf)
    if leaf.views and not entries:
        return None
    return Choice(leaf, tuple(range(len(entries))))


def _entries(view: Tracer) -> tuple[Position | Range, ...]:
    """What the last view picks along each axis; nothing where it is no basic index, or the whole array."""
    key = view.views[-1].key if view.views else None
    return key[1] if isinstance(key, tuple) and key[0] == "basic" else ()  # type: ignore[no-any-return]


def _start(entry: Position | Range) -> Position:
    return entry if isinstance(entry, Position) else entry.start


def _are_alike(one: Position | Range, other: Position | Range) -> bool:
    """Whether two entries differ in their place alone."""
    if isinstance(one, Range) and isinstance(other, Range):
        return one.step == other.step and active_trace().sizing.decide(one.length, "==", other.length) is True
    return isinstance(one, Position) and isinstance(other, Position)


__all__ = ["Choice", "Ways", "choice_of", "way_of"]
