"""Lists that are items of a list in arrays: looks at them, and what happens where they change places.

``rows[k]`` of a list of lists is a look at a row of the arrays, which can be written to. Where ``rows[k]`` is set, the arrays get a copy of what
is in the other list. A look that was made before may then be of a list that is elsewhere, or nowhere; nobody may look at it again, but to
put it in its new place: ``rows[i], rows[j] = rows[j], rows[i]``. A list that is at two places for longer than that is refused, since the rows
are two.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..ir import Var
from ..tree import flatten
from .context import NotStaged, Scope, active_trace
from .mutation import TWICE
from .outdated import Outdated, outdated_in
from .tracer import Tracer, as_dim

if TYPE_CHECKING:
    from .cells import Cell
    from .rows import Rows

ELSEWHERE = (
    "an item of a list of lists is looked at here under a name that it got before items of that list were set, moved or taken away; look it up "
    "again, as in row = rows[k]"
)


@dataclass(slots=True, eq=False)
class Exchange:
    """Stores of items into one list, between which nothing else happens."""

    cell: Cell
    scope: Scope
    taken: dict[int, tuple[Rows, Rows]] = field(default_factory=dict)  # looks, and what was in them before the first store
    stored: set[Any] = field(default_factory=set)  # places that were written to
    doubled: set[Any] = field(default_factory=set)  # places of lists that were put elsewhere and are still there

    def end(self) -> None:
        """Nothing may be at two places when something else happens."""
        if self.doubled:
            raise NotStaged(TWICE)


def look(rows: Rows, index: Any, item: Rows) -> None:
    """Note that an item of a list is looked at."""
    item.owner = rows, index
    cell = rows.arrays[0].cell
    cell.looks = [known for known in cell.looks or () if known() is not None]
    cell.looks.append(weakref.ref(item))


def looks_at(rows: Rows) -> list[Rows]:
    """The items of a list that are looked at."""
    found = [known() for known in rows.arrays[0].cell.looks or ()]
    scope = active_trace().scope
    return [item for item in found if item is not None and scope.inside(item.scope) and outdated_in(item._listed) is None]


def forget_looks(rows: Rows) -> None:
    """Items of a list are about to be at other places: refuse to look at those that were looked at before."""
    if rows.arrays and rows.has_lists:
        rows.parts.clear()
        for item in looks_at(rows):
            _spoil(item)


def _spoil(item: Rows) -> None:
    mark = Outdated(ELSEWHERE, whole=True)
    if item.scope is active_trace().scope:  # and ends with it
        item._listed = [mark]
    else:
        item.spoil(mark)


def taken(rows: Rows, value: Any) -> Any:
    """A list that is put into another one: what was in it, where it was an item of that until just before."""
    exchange = _exchange(rows)
    return exchange.taken[id(value)][1] if exchange is not None and id(value) in exchange.taken else value


def store(rows: Rows, index: Any, value: Any, leaves: Sequence[Any]) -> None:
    """Put a list, made of these leaves, in the place of an item."""
    trace, cell = active_trace(), rows.arrays[0].cell
    exchange = _exchange(rows) or Exchange(cell, trace.scope)
    for item in looks_at(rows):
        exchange.taken[id(item)] = item, _copied(item)
    place = _place(index)
    source = exchange.taken[id(value)][0].owner if id(value) in exchange.taken else None
    forget_looks(rows)
    trace.exchange = None
    row = rows.row_of(index)
    for array, leaf in zip(rows.arrays, leaves, strict=True):
        array[row] = leaf
    if source is not None and _place(source[1]) not in exchange.stored | {place}:
        exchange.doubled.add(_place(source[1]))
    exchange.stored.add(place)
    exchange.doubled.discard(place)
    trace.exchange = exchange


def _exchange(rows: Rows) -> Exchange | None:
    """The stores that have just been made into a list."""
    trace = active_trace()
    if trace.exchange is not None and (
        trace.exchange.cell is not rows.arrays[0].cell or trace.exchange.scope is not trace.scope
    ):
        trace.end_exchange()
    return trace.exchange  # type: ignore[no-any-return]


def _copied(item: Rows) -> Rows:
    leaves, tree = flatten(item)
    return tree.unflatten([leaf.renewed() if isinstance(leaf, Tracer) else leaf for leaf in leaves])  # type: ignore[no-any-return]


def _place(index: Any) -> Any:
    """What tells places apart that are not known to be the same: how a number has been computed."""
    if not isinstance(index, Tracer) or index.dim is not None:
        return as_dim(index)
    made = {var: equation for equation in active_trace().scope.builder.equations for var in equation.results}

    def computed(var: Var) -> Any:
        equation = made.get(var)
        if equation is None or equation.regions or len(equation.results) > 1:
            return var
        return equation.op, equation.attributes, *map(computed, equation.operands)

    return computed(index.value)


__all__ = ["forget_looks", "look", "looks_at", "store", "taken"]
