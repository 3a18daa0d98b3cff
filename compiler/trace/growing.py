"""Lists that a loop makes longer: what ``append`` in a loop of the program gives.

Their items are rows of arrays that are made before the loop, as large as the list may become (``appending``), of which the first
``size`` are in use. The user's program sees a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..ir import Dim
from ..ir.types import I64
from ..tree import flatten
from .blocks import NotStaged
from .context import active_trace
from .elementwise import elementwise
from .exchanging import forget_looks, look
from .items import Grows, Items, held_in_arrays, items_like, joined
from .maybe import Maybe
from .mutation import note_put, remember
from .promotion import as_tracer, convert
from .rows import Rows
from .tracer import Concretize, Tracer, as_dim, new
from .unbound import emit_check
from .views import Position, Range, basic, entry

if TYPE_CHECKING:
    from .trials import Trial


RECENT = 8  # so many items of a list are kept, the first and the last, while it is counted how many it gets


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
            self.write(self.size, flatten(held_in_arrays(item))[0])
            self.size = self.size + 1

    def write(self, position: Any, leaves: Sequence[Any]) -> None:
        """Put the leaves of an item into a row."""
        row = self._row(position)
        for array, leaf in zip(self.arrays, leaves, strict=True):
            array[row] = leaf
            if isinstance(leaf, Tracer) and not leaf.is_scalar:
                leaf.cell.listed = True

    def _row(self, position: Any) -> Any:
        """The row of the arrays that holds an item; any, where there are fewer, since a loop was made for fewer items than it adds."""
        if self.first is None:
            last = self.arrays[0].shape[0] - 1
            is_there = not isinstance(position, int) or active_trace().sizing.proves(as_dim(last), ">=", position)
            return position if is_there else elementwise("minimum", position, last)
        return elementwise("select", position < self.first, position, self.first + position % RECENT)

    def length(self) -> Any:
        return self.size - self.start

    def settled(self, length: Dim | None = None) -> Rows:
        """The items that are in use, in arrays of just that length, which may be known by a name."""
        self._require_all()
        used = [
            array[self.start : self.size] if length is None else _rows_from(array, self.start, length) for array in self.arrays
        ]
        return self.in_rows([rows.copy() for rows in used])

    def put(self, arrays: Sequence[Any]) -> None:
        """Put as many other items in the place of all."""
        self._require_all()
        forget_looks(self)
        for array, rows in zip(self.arrays, arrays, strict=True):
            array[self.start : self.size] = rows

    def in_rows(self, arrays: Sequence[Tracer]) -> Rows:
        """The list whose items the rows of some arrays are, all of them."""
        for array in arrays:
            array.cell.listed = array.ndim > 1 and not self.has_lists
        rows = Rows(arrays, self.tree, list(self.weak))
        rows.kind, rows.family = self.kind, self.family
        return rows

    def as_array(self) -> Tracer:
        return self.settled().as_array()

    def items(self) -> list[Any]:
        if not isinstance(self.length(), int):
            raise Concretize("a list that a loop makes longer has a length that is known only when the program runs")
        return [self.item(k) for k in range(self.length())]

    def item(self, index: Any) -> Any:
        found = self.at(self._position(index))
        if isinstance(found, Rows):
            look(self, index, found)
        return found

    def row_of(self, index: Any) -> Any:
        return self._row(self._position(index))

    def at(self, position: Any) -> Any:
        """The item in a row."""
        row = self._row(position)
        leaves = [array[row] if self.has_lists else _as_item(array[row]) for array in self.arrays]
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
        held = held_in_arrays(item)
        self.weaken(held)
        self.write(self.size, flatten(held)[0])
        note_put(item, self.family)
        self._resize(self.size + 1)
        self.pushed = self.pushed + 1
        self._drop(first=True)

    def _drop(self, first: bool) -> None:
        """Drop the first items of a deque, or the last ones, that are more than it may have."""
        if self.maxlen is None:
            return
        self._require_all()
        if first:
            remember(self.front, "attribute", "taken")
            self.front.taken = elementwise("maximum", self.start, self.size - self.maxlen)
        else:
            self._resize(elementwise("minimum", self.size, self.start + self.maxlen))

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
        forget_looks(self)
        row, end = self._row_of_bound(index, self.size), self.size
        kind, self.kind = self.kind, None
        self.append(item)
        self.kind = kind
        self._move(row, row + 1, end - row)
        self.write(row, flatten(held_in_arrays(item))[0])

    def pop(self, index: Any = -1) -> Any:
        """``list.pop``."""
        is_first, is_last = (isinstance(index, int) and index == end for end in (0, -1))
        if not is_first:
            self._require_all()
        empty = "pop from empty list" if self.kind is None else "pop from an empty deque"
        row = self._position(index, empty if is_first or is_last else "pop index out of range")
        item = copied(self.at(row))
        forget_looks(self)
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
        forget_looks(self)
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
        forget_looks(self)
        self._resize(self.start)

    def _resize(self, size: Any) -> None:
        remember(self, "attribute", "size")
        self.size = size if self.trial is None else _within(size, self.start, self.arrays[0].shape[0])

    def __len__(self) -> int:
        return self.length().__index__()  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Any:
        return self.settled()[index] if isinstance(index, slice) else self.item(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, slice) and self._put_list(index, value):
            return
        if isinstance(index, slice) or flatten(value)[1] != self.tree:
            raise Concretize("a list that a loop makes longer gets items of another kind, or several at once")
        own, found = self._items(), items_like(value)
        both = joined(own, found)
        assert both is not None
        if both.dtypes != own.dtypes:
            raise Grows(self, found, 0)
        self.weak[:] = both.weak
        self.write(self._position(index), flatten(value)[0])

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
