"""Lists that a loop makes longer: what ``append`` in a loop of the program gives.

Their items are rows of arrays that are made before the loop, as large as the list may become (``appending``), of which the first
``size`` are in use. The user's program sees a list.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import Dim
from ..ir.types import I64
from ..tree import Tree, flatten
from .blocks import NotStaged, is_number
from .context import Scope, active_trace
from .creation import full
from .elementwise import elementwise
from .maybe import Maybe
from .mutation import Change, remember
from .promotion import as_tracer, convert, is_python, promoted
from .rows import Rows
from .tracer import Concretize, Tracer, as_dim, describe, new, python_size
from .unbound import emit_check
from .views import Position, Range, basic, entry

if TYPE_CHECKING:
    from .trials import Trial

NOT_ARRAYS = (
    "the items of a list are not made of numbers, arrays and tuples and lists of them, so that they do not fit into arrays; put numbers in "
    "place of texts, None and objects, and hold lists that become longer apart"
)


RECENT = 8  # so many items of a list are kept, the first and the last, while it is counted how many it gets


@dataclass(frozen=True, slots=True)
class Items:
    """What is known of the items of a list: their structure, and of each leaf the shape, dtype, and whether it is a Python number."""

    tree: Tree
    shapes: tuple[tuple[Dim, ...], ...]
    dtypes: tuple[np.dtype, ...]
    weak: tuple[bool, ...]


def items_like(item: Any) -> Items:
    """What can be learned of the items of a list from one of them."""
    leaves, tree = flatten(held_in_arrays(item))
    tracers = [as_tracer(leaf) for leaf in leaves]
    return Items(
        tree, tuple(t.type.shape for t in tracers), tuple(t.dtype for t in tracers), tuple(is_python(leaf) for leaf in leaves)
    )


def joined(*found: Items | None) -> Items | None:
    """What items have in common; None if there are none."""
    known = [items for items in found if items is not None]
    if not known:
        return None
    first = known[0]
    if not all(items.tree == first.tree and all(map(_same_shape, items.shapes, first.shapes)) for items in known):
        raise NotStaged("the items of a list differ in structure or shape, so that they do not fit into arrays")
    columns = [list(zip(*types, strict=True)) for types in ((i.dtypes for i in known), (i.weak for i in known))]
    dtypes = tuple(promoted(*zip(*both, strict=True)) for both in zip(*columns, strict=True))
    return Items(first.tree, first.shapes, dtypes, tuple(map(all, columns[1])))


def _same_shape(one: tuple[Dim, ...], other: tuple[Dim, ...]) -> bool:
    """Whether two shapes are the same, for the sizes of this call at least, which are all that the program is for then."""
    sizing = active_trace().sizing
    return len(one) == len(other) and all(sizing.decide(a, "==", b) for a, b in zip(one, other, strict=True))


def known_items(contents: Any) -> Items | None:
    """What is known of the items of a list that is there before the loop."""
    if isinstance(contents, Rows):
        types = [array.type for array in contents.arrays]
        return Items(contents.tree, tuple(t.shape[1:] for t in types), tuple(t.dtype for t in types), tuple(contents.weak))
    return joined(*map(items_like, contents))


def held_in_arrays(item: Any) -> Any:
    """An item of a list as it can be put together again from rows of arrays: with lists in it that are rows themselves."""
    if is_number(item) or (type(item) is Rows and item.listed is None):
        return item
    if isinstance(item, tuple):
        parts = [held_in_arrays(part) for part in item]
        if any(isinstance(part, Rows) for part in parts):  # a list that could be changed where it stands
            raise NotStaged(NOT_ARRAYS)
        return type(item)(*parts) if hasattr(item, "_fields") else tuple(parts)
    if not isinstance(item, (list, Rows)) or not len(item):
        raise NotStaged(NOT_ARRAYS)
    flat = [flatten(held_in_arrays(part)) for part in item]
    columns = [[as_tracer(leaf) for leaf in column] for column in zip(*(leaves for leaves, _ in flat), strict=False)]
    weak = [[is_python(leaf) for leaf in column] for column in zip(*(leaves for leaves, _ in flat), strict=False)]
    alike = all(len({c.type for c in column}) == 1 for column in columns) and all(len(set(column)) == 1 for column in weak)
    if any(tree != flat[0][1] for _, tree in flat) or not alike:
        raise NotStaged("the items of a list are lists of different things, which do not fit into arrays")
    arrays: list[Any] = [np.stack(column) for column in columns]
    return Rows(arrays, flat[0][1], [column[0] for column in weak])


class Grows(NotStaged):
    """A list gets further items in a region of the program: at most ``each`` in one run of it, like ``items``."""

    def __init__(self, thing: Any, items: Items | None, each: int) -> None:
        super().__init__(
            "a list is changed in a loop or branch that depends on values known only when the program runs; make an array that is large "
            "enough with np.empty and write to its elements"
        )
        self.thing = thing
        self.items = items
        self.each = each


class NotCounted(NotStaged):
    """The items of a list are but counted, and others are needed than the few that are kept for that."""

    def __init__(self, thing: Growing) -> None:
        super().__init__(
            "a loop that makes a list longer needs items of it that are not there yet; make an array that is large enough with np.empty and "
            "write to its elements"
        )
        self.thing = thing


@dataclass(slots=True, eq=False)
class Front:
    """How many items were taken away from the front of a list: carried through loops even where the length follows from their index."""

    taken: Any = 0


class Growing(Rows):
    """A list whose items are the rows of some arrays from ``start`` to ``size``; ``pushed`` bounds how many one run of a loop's body adds.

    Where the items are counted only, those from number ``first`` on take turns in the ``RECENT`` last rows; or all are kept, in a ``trial``
    that fails where they become more than there are rows.
    """

    __slots__ = ("first", "front", "is_full", "pushed", "size", "trial")

    def __init__(self, arrays: Sequence[Tracer], items: Items, size: Any = 0) -> None:
        super().__init__(arrays, items.tree, items.weak)
        self.size = size
        self.front = Front()
        self.pushed: Any = 0  # a Dim, or infinity
        self.first: Any = None
        self.trial: Trial | None = None
        self.is_full = False  # whether there is no room for further items

    @property
    def start(self) -> Any:
        """The row of the first item."""
        return self.front.taken

    @property
    def is_counted(self) -> bool:
        """Whether its items are but counted."""
        return self.first is not None or self.trial is not None

    def fill(self, items: Iterable[Any]) -> None:
        """Put the first items in place."""
        for item in items:
            self._write(self.size, flatten(held_in_arrays(item))[0])
            self.size = self.size + 1

    def _write(self, position: Any, leaves: Sequence[Any]) -> None:
        row = self._row(position)
        for array, leaf in zip(self.arrays, leaves, strict=True):
            array[row] = leaf
            if isinstance(leaf, Tracer) and not leaf.is_scalar:
                leaf.cell.listed = True

    def _row(self, position: Any) -> Any:
        """The row of the arrays that holds an item."""
        if self.first is None:
            return position
        return elementwise("select", position < self.first, position, self.first + position % RECENT)

    def length(self) -> Any:
        return self.size - self.start

    def settled(self) -> Rows:
        """The items that are in use, in arrays of just that length."""
        self._require_all()
        return self.in_rows([array[self.start : self.size].copy() for array in self.arrays])

    def put(self, arrays: Sequence[Any]) -> None:
        """Put as many other items in the place of all."""
        self._require_all()
        for array, rows in zip(self.arrays, arrays, strict=True):
            array[self.start : self.size] = rows

    def in_rows(self, arrays: Sequence[Tracer]) -> Rows:
        """The list whose items the rows of some arrays are, all of them."""
        for array in arrays:
            array.cell.listed = array.ndim > 1
        return Rows(arrays, self.tree, list(self.weak))

    def as_array(self) -> Tracer:
        return self.settled().as_array()

    def items(self) -> list[Any]:
        if not isinstance(self.length(), int):
            raise Concretize("a list that a loop makes longer has a length that is known only when the program runs")
        return [self.item(k) for k in range(self.length())]

    def item(self, index: Any) -> Any:
        found = self._at(self._position(index))
        if isinstance(found, Rows):
            found.owner = self, index  # so that it cannot be made longer
        return found

    def _at(self, position: Any) -> Any:
        """The item in a row."""
        row = self._row(position)
        leaves = [_as_item(array[row]) for array in self.arrays]
        return self.tree.unflatten([new(v.value, weak=True) if w else v for v, w in zip(leaves, self.weak, strict=True)])

    def _position(self, index: Any, message: str = "list index out of range") -> Any:
        """The row of an item; outside of the list the program raises Python's error."""
        is_first = isinstance(self.start, int) and isinstance(index, int) and 0 <= index < RECENT - self.start
        if not is_first and not (isinstance(index, int) and -RECENT <= index < 0):
            self._require_all()
        negative = index < 0
        if isinstance(negative, Tracer):
            position = elementwise("select", negative, index + self.size, index + self.start)
        else:
            position = index + (self.size if negative else self.start)
        inside = elementwise("and", elementwise("ge", position, self.start), elementwise("lt", position, self.size))
        emit_check(inside, IndexError(message))
        return position

    def append(self, item: Any) -> None:
        """``list.append``."""
        found, own = items_like(item), self._items()
        both = joined(own, found)
        assert both is not None
        if both.dtypes != own.dtypes or self.is_full:
            raise Grows(self, found, 1)
        self.weak[:] = both.weak
        self.leave_room(1)
        self._write(self.size, flatten(held_in_arrays(item))[0])
        self._resize(self.size + 1)
        self.pushed = self.pushed + 1

    def extend(self, items: Iterable[Any]) -> None:
        """``list.extend``."""
        from .operators import OPERATORS

        def push(item: Any) -> tuple[()]:
            self.append(item)
            return ()

        OPERATORS.for_(items, push, (), ())

    def insert(self, index: Any, item: Any) -> None:
        """``list.insert``."""
        self._require_all()
        row, end = self._row_of_bound(index, self.size), self.size
        self.append(item)
        self._move(row, row + 1, end - row)
        self._write(row, flatten(held_in_arrays(item))[0])

    def pop(self, index: Any = -1) -> Any:
        """``list.pop``."""
        is_first, is_last = (isinstance(index, int) and index == end for end in (0, -1))
        if not is_first:
            self._require_all()
        row = self._position(index, "pop from empty list" if is_first or is_last else "pop index out of range")
        item = copied(self._at(row))
        if is_first:
            remember(self.front, "attribute", "taken")
            self.front.taken = self.start + 1
        else:
            if not is_last:
                self._move(row + 1, row, self.size - (row + 1))
            self._resize(self.size - 1)
        return item

    def __delitem__(self, index: Any) -> None:
        if not isinstance(index, slice):
            self.pop(index)
            return
        if index.step not in (None, 1):
            raise Concretize("items that are not next to each other are deleted from a list that a loop makes longer")
        self._require_all()
        low, high = self._row_of_bound(index.start, self.start), self._row_of_bound(index.stop, self.size)
        high = elementwise("maximum", low, high)
        self._move(high, low, self.size - high)
        self._resize(self.size - (high - low))

    def _row_of_bound(self, bound: Any, default: Any) -> Any:
        """The row where a slice begins or ends, clipped as Python clips it."""
        if bound is None:
            return default
        if isinstance(bound, Maybe):
            return elementwise("select", bound.there, self._row_of_bound(bound.value, default), default)
        row = elementwise("select", elementwise("lt", bound, 0), bound + self.size, bound + self.start)
        return _within(row, self.start, self.size)

    def _move(self, source: Any, target: Any, count: Any) -> None:
        """Copy so many rows of the arrays to other places; in a trial that has failed to any."""
        room = self.arrays[0].shape[0]
        source, target = (_within(row, 0, room) for row in (source, target))
        length = as_dim(_within(count, 0, room - elementwise("maximum", source, target)))
        assert length is not None
        for array in self.arrays:
            _rows_from(array, target, length)[...] = _rows_from(array, source, length).copy()

    def clear(self) -> None:
        """``list.clear``."""
        self._resize(self.start)

    def _resize(self, size: Any) -> None:
        remember(self, "attribute", "size")
        self.size = size if self.trial is None else _within(size, self.start, self.arrays[0].shape[0])

    def __len__(self) -> int:
        return self.length().__index__()  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Any:
        return self.settled()[index] if isinstance(index, slice) else self.item(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice) or flatten(value)[1] != self.tree:
            raise Concretize("a list that a loop makes longer gets items of another kind, or several at once")
        if not self._follows(value):
            raise Grows(self, items_like(value), 0)
        self._write(self._position(index), flatten(value)[0])

    def _items(self) -> Items:
        """What is known of the items."""
        types = [array.type for array in self.arrays]
        return Items(self.tree, tuple(t.shape[1:] for t in types), tuple(t.dtype for t in types), tuple(self.weak))

    def __iadd__(self, other: Any) -> Any:
        self.extend(other)
        return self

    def leave_room(self, each: Any) -> None:
        """Fail the trial where there is no room for so many further items."""
        if self.trial is not None:
            self.trial.fail_if(elementwise("gt", self.size + each, self.arrays[0].shape[0]))

    def _require_all(self) -> None:
        """Have all items kept while they are counted."""
        if self.first is not None:
            raise NotCounted(self)

    def _as_list(self, what: str) -> list[Any]:
        raise Concretize(f"{what}, while a loop makes the list longer; make an array with np.empty instead")


def _within(number: Any, low: Any, high: Any) -> Tracer:
    """A number, or the bound that it exceeds."""
    return elementwise("minimum", elementwise("maximum", number, low), high)


def _rows_from(array: Tracer, start: Any, length: Dim) -> Tracer:
    """So many rows of an array, all of which are there: a view."""
    others = [entry(array, slice(None), axis) for axis in range(1, array.ndim)]
    return basic(array, [Range(Position(0, convert(as_tracer(start), I64).value), length, 1), *others])


def _as_item(row: Tracer) -> Tracer:
    """A row that is an item of a list: one of its own, which cannot be written to, since its array would not see it."""
    if not row.ndim:
        return row
    row = row.renewed()
    row.cell.listed = True
    return row


def copied(item: Any) -> Any:
    """An item whose arrays are its own."""
    leaves, tree = flatten(item)
    return tree.unflatten([v.copy() if isinstance(v, Tracer) and v.ndim else v for v in leaves])


def picked(container: Sequence[Any], index: Tracer) -> Any:
    """An item of a list or tuple at an index that is known only when the program runs: a copy of it."""
    if not container:
        raise IndexError(f"{type(container).__name__} index out of range")
    try:
        items = joined(*map(items_like, container))
    except NotStaged:
        items = None
    if items is None:
        raise Concretize(
            f"a {type(container).__name__} is indexed by {describe(index)}, which is known only when the program runs, and its items are "
            "not alike; put them into one array, or loop over the items themselves"
        )
    row = Growing(arrays_for(items, len(container)), items)
    row.fill(container)
    item = row.item(index)
    return item


def refuse_write(container: Any, index: Any, value: Any) -> None:
    """A list that is written to at an index that only the run knows has to be in arrays, in the loop that is being staged."""
    trace = active_trace()
    is_known = not isinstance(index, Tracer) or isinstance(index.dim, int)
    if isinstance(container, list) and not is_known and trace.staging and not trace.short:
        raise Grows(container, items_like(value), 0)


def in_rows(items: Sequence[Any], weak: Sequence[bool]) -> Rows:
    """The items of a list as rows of arrays; ``weak`` as in ``Rows``, where they are Python numbers as well."""
    known = joined(*map(items_like, items))
    if known is None:
        raise NotStaged(NOT_ARRAYS)
    rows = Growing(arrays_for(known, len(items)), known)
    rows.fill(items)
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


def arrays_for(items: Items, room: Any) -> tuple[Tracer, ...]:
    """Arrays that hold so many items."""
    kinds = zip(items.shapes, items.dtypes, strict=True)
    return tuple(full((room, *map(python_size, shape)), 0, dtype) for shape, dtype in kinds)


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
    leaves = flatten(held_in_arrays(item))[0]
    return tuple(
        np.concatenate([convert(array, dtype), convert(as_tracer(leaf), dtype)[np.newaxis]])  # type: ignore[arg-type, misc]
        for array, leaf, dtype in zip(rows.arrays, leaves, both.dtypes, strict=True)
    )


def shortened(rows: Rows, index: int) -> tuple[Any, tuple[Tracer, ...]]:
    """The first or last item of a list, and the arrays without it."""
    if active_trace().scope is not rows.scope:
        raise Grows(rows, known_items(rows), 0)
    rows.added.append(None)
    emit_check(rows.length() > 0, IndexError("pop from empty list"))
    return copied(rows.item(index)), rows[1:].arrays if index == 0 else rows[:-1].arrays


def refuse_whole(changes: Sequence[Change], *scopes: Scope) -> None:
    """A list that grows has no place in a region, but in arrays; containers that are changed otherwise have none at all."""
    for change in changes:
        if change.kind != "whole":
            continue
        if not isinstance(change.thing, list):
            remedy = "make an array of the right size with np.empty and write to its elements"
            if isinstance(change.thing, deque):
                remedy = "use a list, with pop(0) for popleft() and insert(0, x) for appendleft(x)"
            raise NotStaged(
                f"a {type(change.thing).__name__} is changed in a loop or branch that depends on values known only when the program "
                f"runs; {remedy}"
            )
        added = [(scope, _added(scope.changes[change.name])) for scope in scopes if change.name in scope.changes]
        items = _items_of(added) or joined(*map(items_like, change.before))  # those that are taken away tell as well
        raise Grows(change.thing, items, max(len(items) for _, items in added))


def refuse_grown(state: Sequence[Any], given: Sequence[Any], scope: Scope) -> None:
    """A list among the values of variables, which a block was given as other objects, has become longer or shorter in its scope."""
    for value, inside in zip(state, given, strict=True):
        if isinstance(inside, Rows) and inside.added and inside is not value:
            raise Grows(value, joined(known_items(value), *inside.added), sum(items is not None for items in inside.added))
        change = scope.changes.get((id(inside), "whole", None)) if isinstance(inside, list) else None
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
