"""Arrays that may be one: what a name holds after a branch or loop that gave it another array on some ways only.

In Python the name is then another name of one of several arrays; in the program it is a value of its own. Nobody sees the difference
unless one of them is written to and another is read after that. So each cell knows its ``kin``, the cells that may be the same array; a
write makes them outdated, and a value that is outdated is refused where it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ..errors import UnsupportedError
from .context import NotStaged, Scope, active_trace, user_line

if TYPE_CHECKING:
    from .cells import Cell


Cells = Sequence[Any]  # a cell, or what stands for a container (``identity``), or None
"""Of each of several values the cell, if it is an array that can be written to."""


@dataclass(slots=True)
class Kinship:
    """For each of several new cells the old ones that may be the same array, and the pairs of new ones that may be the same."""

    old: list[set[Cell]]
    pairs: set[tuple[int, int]]

    def apply(self, cells: Cells) -> None:
        """Note it for the new cells."""
        for cell, old in zip(cells, self.old, strict=True):
            for other in old:
                _relate(cell, other)
        for j, k in self.pairs:
            _relate(cells[j], cells[k])


def _relate(one: Cell | None, other: Cell | None) -> None:
    if one is not None and other is not None and one is not other:
        one.kin = one.kin or WeakSet()
        other.kin = other.kin or WeakSet()
        one.kin.add(other)
        other.kin.add(one)


def _may_be(cell: Cell | None) -> set[Cell]:
    """A cell and those that may be the same array."""
    return set() if cell is None else {cell, *(cell.kin or ())}


def _in_reach(cells: set[Cell]) -> set[Cell]:
    """Those of the cells that were not made in a loop or branch that is closed."""
    scope = active_trace().scope
    return {cell for cell in cells if scope.inside(cell.scope)}


def _pairs(cells: Cells) -> set[tuple[int, int]]:
    kin = [_may_be(cell) for cell in cells]
    return {(j, k) for k in range(len(cells)) for j in range(k) if cells[j] in kin[k]}


def kin_of_branches(ways: Sequence[Cells]) -> Kinship:
    """The kinship of values each of which is one of several: value k is ``ways[n][k]`` in the n-th way."""
    old = [_in_reach(set().union(*map(_may_be, cells))) for cells in zip(*ways, strict=True)]
    return Kinship(old, set().union(*map(_pairs, ways)))


def kin_in_loop(before: Cells, inside: Cells, after: Cells) -> Kinship:
    """The kinship of what a loop carries: before it, where an iteration starts, and where that iteration ends."""
    old = [_in_reach(_may_be(cell)) for cell in before]
    number = {cell: k for k, cell in enumerate(inside) if cell is not None}
    ends = [_may_be(cell) for cell in after]
    for _ in before:  # an array may need an iteration for each place that it passes
        for k, cells in enumerate(ends):
            old[k] = old[k].union(*(old[number[cell]] if cell in number else _in_reach({cell}) for cell in cells))
    return Kinship(old, _pairs(before) | _pairs(after))


def relate_copy(copy: Cell, source: Cell) -> None:
    """Note that one cell stands for another, which is the same array."""
    for cell in _may_be(source):
        _relate(copy, cell)


def note_write(cell: Cell) -> None:
    """A cell is about to be written to: what may be the same array is outdated from here on."""
    trace = active_trace()
    for other in cell.kin or ():
        if other in trace.writing or (cell.ways is not None and other in cell.ways.cells):
            continue
        if other.argument or other.captured:
            name = other.argument or "x"
            raise UnsupportedError(
                f"this array is {f'argument {name}' if other.argument else 'one found outside of the function'} or another one, depending "
                f"on what happened in a loop or branch before, so a write would reach the caller only sometimes; write to a copy: "
                f"{name} = {name}.copy() first"
            )
        trace.outdated.add(other)
        trace.scope.outdated.setdefault(other, user_line())


def note_read(cell: Cell) -> None:
    """A cell is about to be read."""
    trace = active_trace()
    if trace.scope.parent is not None:
        trace.scope.read.add(cell)
    if cell not in trace.outdated:
        return
    scope: Scope | None = trace.scope
    while scope is not None:
        if cell in scope.outdated:
            raise _outdated(scope, cell)
        scope = scope.parent


def adopt(scope: Scope) -> None:
    """What was read and outdated in a region was so where it stands."""
    outer = active_trace().scope
    if outer.parent is not None:
        outer.read |= scope.read
    outer.outdated = {**scope.outdated, **outer.outdated}


def check_iterations(body: Scope, scopes: Iterable[Scope]) -> None:
    """Refuse a loop in which an iteration reads what one before it has outdated."""
    read = set().union(*(scope.read for scope in scopes))
    for cell in body.outdated:
        if cell in read and not cell.scope.inside(body):
            raise _outdated(body, cell)


def _outdated(scope: Scope, cell: Cell) -> UnsupportedError:
    line = scope.outdated[cell]
    where = f" at {line}" if line is not None else ""
    return NotStaged(
        f"an array is written to{where} that may be the one that is read here, or another, depending on what happened in a loop or branch "
        "before; write to a copy, x = x.copy(), or read a copy that was made before the write"
    )
