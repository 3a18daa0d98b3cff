"""Lists that are read, written to, or made longer or shorter where only the run knows which item, or how often: arrays take their place.

Where that is for a loop or branch around to do, ``Grows`` tells it (``appending``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tree import flatten
from .blocks import NotStaged, is_number
from .context import Scope, active_trace
from .elementwise import elementwise
from .exchanging import store, taken
from .growing import Growing, copied
from .identity import relate_to_all
from .items import NOT_ARRAYS, Grows, Items, arrays_for, held_in_arrays, items_like, joined, known_items, same_shape
from .lookups import item_at
from .mutation import TWICE, Change, note_listed, note_put, remember
from .promotion import as_tracer, convert
from .rows import LISTED_AT_MOST, Rows
from .tracer import Concretize, Tracer, describe, new
from .unbound import emit_check


def picked(container: Sequence[Any], index: Tracer) -> Any:
    """An item of a list or tuple at an index that is known only when the program runs: a copy of it."""
    if not container:
        raise IndexError(f"{type(container).__name__} index out of range")
    try:
        items = joined(*map(items_like, container))
    except NotStaged:
        items = None
    if items is None:
        if len(container) <= LISTED_AT_MOST and not any(isinstance(item, (list, dict, set, deque, Rows)) for item in container):
            return item_at(container, index, type(container).__name__)
        raise Concretize(
            f"a {type(container).__name__} is indexed by {describe(index)}, which is known only when the program runs, and its items are "
            "not alike; put them into one array, or loop over the items themselves",
            index,
        )
    row = Growing(arrays_for(items, len(container)), items)
    row.fill(container)
    for array in row.arrays if row.has_lists else ():
        array.cell.listed = Picked(container, index, items)
    found = row.item(index)
    if isinstance(found, Rows):
        relate_to_all(found, container)
    return found


@dataclass(frozen=True, slots=True)
class Picked:
    """A list of lists of which a copy is looked at."""

    container: Any
    index: Tracer
    items: Items | None

    def error(self) -> Exception:
        """What is to be done to write to it: a loop or branch around has to hold it in arrays."""
        from .holders import holds  # which knows these lists

        trace = active_trace()
        if any(holds(around, self.container) for around in trace.staging):
            return Grows(self.container, self.items, 0)
        trace.foreseen.update(trace.unrolled)  # where it is done in a loop that is not unrolled, when all is traced anew
        return Concretize(
            "an item of a list, at an index that is known only when the program runs, is written to; put the items into one array with np.stack, "
            "or do it in a loop",
            self.index,
        )


def put(container: list[Any] | deque[Any], index: Tracer, value: Any) -> None:
    """Write to a list at an index that only the run knows: in a loop that is being staged it has to be in arrays, where it is not short."""
    trace, count = active_trace(), len(container)
    if all(type(item) in (list, Rows) for item in container):
        raise Picked(container, index, joined(*map(items_like, (*container, value)))).error()
    if trace.staging and not (trace.short and count <= LISTED_AT_MOST):
        raise Grows(container, items_like(value), 0)
    if count > LISTED_AT_MOST or not all(is_number(item) and not np.ndim(item) for item in (*container, value)):
        raise Concretize(
            f"a list is indexed by {describe(index)}, which is known only when the program runs; put its items into one array with "
            "np.stack, or loop over the items themselves"
        )
    place = elementwise("select", index < 0, index + count, index)
    emit_check(elementwise("and", place >= 0, place < count), IndexError("list assignment index out of range"))
    for k, item in enumerate(container):
        remember(container, "item", k)
        is_it = new(elementwise("eq", place, k).value, weak=True)  # a number of Python's stays one
        container[k] = elementwise("select", is_it, value, item)


def in_rows(items: Sequence[Any], weak: Sequence[bool]) -> Rows:
    """The items of a list as rows of arrays; ``weak`` as in ``Rows``, where they are Python numbers as well."""
    known = joined(*map(items_like, items))
    if known is None:
        raise NotStaged(NOT_ARRAYS)
    rows = Growing(arrays_for(known, len(items)), known)
    rows.fill(items)
    for item in items:
        note_listed(item, [rows.family])
    rows.weak[:] = map(min, known.weak, weak)
    return rows.in_rows(rows.arrays)


def listed_alike(state: Sequence[Any], other: Sequence[Any]) -> tuple[Any, ...]:
    """A state in which a list is in arrays where it is so in another state, and of numbers that are Python's where those are."""
    return tuple(
        _listed_alike(a, b) if isinstance(b, Rows) and b.listed is None else a for a, b in zip(state, other, strict=True)
    )


def _listed_alike(value: Any, other: Rows) -> Any:
    if type(value) is list:
        return in_rows(value, other.weak)
    if isinstance(value, Rows) and value.listed is None and value.tree == other.tree:
        return Rows(value.arrays, value.tree, list(map(min, value.weak, other.weak)))
    return value


def grown(rows: Rows, item: Any) -> tuple[Tracer, ...] | None:
    """The arrays of a list with one more item; None where they cannot hold it."""
    if rows.listed is not None or rows.owner is not None:
        return None
    try:
        found = items_like(item)
        both = joined(known_items(rows), found)
    except NotStaged:
        return None
    if active_trace().scope is not rows.scope:
        raise Grows(rows, found, 1)
    assert both is not None
    rows.weak[:] = both.weak
    rows.added.append(found)
    note_put(item, rows.family)
    held = held_in_arrays(item)
    rows.weaken(held)
    leaves = flatten(held)[0]
    return tuple(
        np.concatenate([convert(array, dtype), convert(as_tracer(leaf), dtype)[np.newaxis]])  # type: ignore[arg-type, misc]
        for array, leaf, dtype in zip(rows.arrays, leaves, both.dtypes, strict=True)
    )


def put_list(rows: Rows, index: Any, value: Any) -> bool:
    """Put a list in the place of an item that is a list, where that has to be done in the arrays; whether it was."""
    if isinstance(index, int) and not isinstance(rows, Growing) and not rows.is_bound_to_arrays():
        return False
    given = taken(rows, value)
    if isinstance(given, Rows) and given.owner is not None and given.owner[0].arrays[0].cell is not rows.arrays[0].cell:
        raise NotStaged(TWICE)
    held, like = held_in_arrays(given), rows.tree.unflatten(list(rows.arrays))
    shapes = [array.type.shape[1:] for array in rows.arrays]
    if held.tree != like.tree or not all(same_shape(a.type.shape, s) for a, s in zip(held.arrays, shapes, strict=True)):
        return False
    wider = tuple(np.promote_types(a.dtype, b.dtype) for a, b in zip(rows.arrays, held.arrays, strict=True))
    if any(array.dtype != dtype for array, dtype in zip(rows.arrays, wider, strict=True)):
        raise Grows(rows, Items(rows.tree, tuple(shapes), wider, tuple(rows.weak)), 0)
    rows.weaken(held)
    store(rows, index, value, [array.renewed() for array in held.arrays])
    if given is value and getattr(value, "owner", None) is None:
        note_put(value, rows.family)
        for array in held.arrays:
            array.cell.listed = True
    return True


def shortened(rows: Rows, index: int) -> tuple[Any, tuple[Tracer, ...]]:
    """The first or last item of a list, and the arrays without it."""
    if active_trace().scope is not rows.scope:
        raise Grows(rows, known_items(rows), 0)
    rows.added.append(None)
    emit_check(rows.length() > 0, IndexError("pop from empty list"))
    left = slice(1, None) if index == 0 else slice(-1)
    return copied(rows.item(index)), tuple(rows.in_part([array[left].copy() for array in rows.arrays]).arrays)


def refuse_whole(changes: Sequence[Change], *scopes: Scope) -> None:
    """A list that grows has no place in a region, but in arrays; containers that are changed otherwise have none at all."""
    for change in changes:
        if change.kind != "whole":
            continue
        if not isinstance(change.thing, (list, deque)):
            raise NotStaged(
                f"a {type(change.thing).__name__} is changed in a loop or branch that depends on values known only when the program "
                "runs; make an array of the right size with np.empty and write to its elements"
            )
        added = [(scope, _added(scope.changes[change.name])) for scope in scopes if change.name in scope.changes]
        items = _items_of(added) or joined(*map(items_like, change.before))  # those that are taken away tell as well
        raise Grows(change.thing, items, max(len(items) for _, items in added))


def refuse_grown(state: Sequence[Any], given: Sequence[Any], scope: Scope) -> None:
    """A list among the values of variables, which a block was given as other objects, has become longer or shorter in its scope."""
    for value, inside in zip(state, given, strict=True):
        if isinstance(inside, Rows) and inside.added and inside is not value:
            raise Grows(value, joined(known_items(value), *inside.added), sum(items is not None for items in inside.added))
        change = scope.changes.get((id(inside), "whole", None)) if isinstance(inside, (list, deque)) else None
        if change is not None and len(change.before) != len(change.after):
            added = _added(change)
            raise Grows(value, _items_of([(scope, added)]), len(added))


def _items_of(groups: Sequence[tuple[Scope, Sequence[Any]]]) -> Items | None:
    """What items have in common that were made in several scopes."""
    known = []
    for scope, items in groups:
        with active_trace().reopen(scope):
            known += [items_like(_as_left(item, scope)) for item in items]
    return joined(*known)


def _as_left(item: Any, scope: Scope) -> Any:
    """An item as it was when a scope was closed, which put back lists that were made longer there."""
    if isinstance(item, tuple) and type(item) is tuple:
        return tuple(_as_left(part, scope) for part in item)
    if type(item) is not list:
        return item
    change = scope.changes.get((id(item), "whole", None))
    return [_as_left(part, scope) for part in (item if change is None else change.after)]


def _added(change: Change) -> list[Any]:
    """The items that are in a list after a change and were not before."""
    known = {id(item) for item in change.before}
    return [item for item in change.after if id(item) not in known]
