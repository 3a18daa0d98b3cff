"""Lists of many items: what ``[f(x) for x in xs]`` gives where the number of items is large or varies.

One loop of the program makes all items and writes each into a row of an array. The user's program sees a list: adding
concatenates, ``append`` makes it longer. What an array cannot follow makes a Python list of it, of the length that it has in
the call being traced.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..tree import Tree, flatten, register
from .context import active_trace
from .exchanging import forget_looks, look
from .mutation import Change, note_written, redo
from .outdated import Moved, Outdated, may_be_written, outdated_in
from .state import current_trace
from .tracer import HANDLERS, Concretize, Tracer, describe, new


class Weakness(list):
    """Whether each leaf of an item is a Python number; a write of another number makes it none, wherever the list is seen."""

    def __eq__(self, other: object) -> bool:
        return self is other or list.__eq__(self, other)  # type: ignore[arg-type]

    def __hash__(self) -> int:  # type: ignore[override]
        return len(self)


LISTED_AT_MOST = 64  # so many items of a list are held one by one, where it matters little how


@dataclass(frozen=True, slots=True)
class Queue:
    """What tells a deque from a list: how many items it has at most."""

    maxlen: int | None


@dataclass(frozen=True, slots=True)
class Unordered:
    """What tells a set from a list."""


class Family:
    """Is the same for all lists that hold the items of one list (``mutation.note_listed``)."""


class Rows:
    """A list, a deque or a set, whose item k is made of row k of some arrays: one for each leaf of an item."""

    __slots__ = ("__weakref__", "_family", "_listed", "added", "arrays", "kind", "owner", "parts", "scope", "tree", "weak")

    def __init__(self, arrays: Sequence[Tracer], tree: Tree, weak: Sequence[bool]) -> None:
        self.arrays = tuple(arrays)
        self.tree = tree  # of one item
        self.weak = weak if isinstance(weak, Weakness) else Weakness(weak)
        self.added: list[Any] = []  # what is known of the items appended to this very object; None for one that was taken away
        self._listed: list[Any] | None = None
        self.kind: Queue | Unordered | None = None
        self.parts: dict[int, Any] = {}  # lists that are items and were looked at
        self.owner: tuple[Rows, Any] | None = None  # the list that this one is such an item of
        self._family = Family()
        trace = current_trace()  # none where the list is taken apart outside of a trace, to learn its structure
        self.scope = trace.scope if trace is not None else None

    @property
    def listed(self) -> list[Any] | None:
        """The items, once an array cannot follow."""
        outdated = outdated_in(self._listed)
        if outdated is not None:
            raise outdated.error()
        return self._listed

    def spoil(self, mark: Outdated) -> None:
        """Refuse to look at the list from here on: another object is the list, or may be."""
        redo(Change(self, "attribute", "_listed", None), [mark])

    @property
    def family(self) -> Any:
        """The same for those that hold the items of one list (``mutation.note_listed``)."""
        if not self.arrays:
            return self._family
        cell = self.arrays[0].cell
        cell.family = cell.family or self._family
        return cell.family

    @family.setter
    def family(self, family: Any) -> None:
        self._family = family
        if self.arrays:
            self.arrays[0].cell.family = family

    def length(self) -> Any:
        """The number of items."""
        return len(self.listed) if self.listed is not None else self.arrays[0].shape[0]

    def settled(self) -> Rows:
        """The list, whose arrays have a row for each item and no others."""
        return self

    def put(self, arrays: Sequence[Any]) -> None:
        """Put as many other items in the place of all."""
        if all(array.ndim == 1 for array in self.arrays) or self.has_lists:
            self._note_change()
            forget_looks(self)
            for array, rows in zip(self.arrays, arrays, strict=True):
                array[:] = rows
            return
        from .items import Grows, known_items  # arrays at which others may look

        if active_trace().scope is not self.scope:
            raise Grows(self, known_items(self), 0)
        self.replace(self.in_part(arrays).arrays)

    def item(self, index: Any) -> Any:
        """One item."""
        if self.listed is not None:
            return self.listed[index]
        leaves = [array[index] for array in self.arrays]
        found = self.tree.unflatten([new(v.value, weak=True) if w else v for v, w in zip(leaves, self.weak, strict=True)])
        if isinstance(found, Rows):
            known = self.parts.get(index) if isinstance(index, int) else None
            if known is not None and active_trace().scope.inside(known.scope):
                return known
            look(self, index, found)
            if isinstance(index, int) and index >= 0:
                self.parts[index] = found
        return found

    def row_of(self, index: Any) -> Any:
        """The row of the arrays that an item is made of."""
        return index

    def weaken(self, item: Any) -> None:
        """Numbers in items that are lists are Python's only as long as they are so in each."""
        if isinstance(item, Rows):
            own = self.tree.unflatten(list(self.arrays))
            own.weak[:] = map(min, own.weak, item.weak)

    @property
    def has_lists(self) -> bool:
        """Whether the items are lists, at which one can look."""
        return isinstance(self.tree.unflatten([None] * self.tree.count), Rows)

    def as_array(self) -> Tracer:
        """What NumPy makes of the list: an array of its own."""
        if self.listed is not None:
            return HANDLERS["function"](np.array)(self.listed)
        if self.tree.paths() == [()]:
            return new(self.arrays[0].value, scalar=False)
        columns = self.tree.unflatten(list(self.arrays))
        return _stacked(columns)

    def items(self) -> list[Any]:
        """All items in a Python list."""
        if self.listed is not None:
            return self.listed
        return [self.item(k) for k in range(len(self.arrays[0]))]

    def append(self, item: Any) -> None:
        """``list.append``: the arrays get a row more, where the item is like the others."""
        from .relisting import grown

        self._note_change()
        forget_looks(self)
        longer, family = grown(self, item), self.family
        if longer is None:
            self._as_list("list.append() is called").append(item)
        else:
            self.arrays = longer
            self.family = family
            self._drop(first=True)

    def pop(self, index: int = -1) -> Any:
        """``list.pop``: of the first or last item the arrays get a row less."""
        from .relisting import shortened

        at_an_end = index in (0, -1) and self.listed is None and self.owner is None
        if not at_an_end or (self._holds_arrays() and not self.is_bound_to_arrays()):
            return self._as_list("list.pop() is called").pop(index)
        self._note_change()
        forget_looks(self)
        family = self.family
        taken, self.arrays = shortened(self, index)
        self.family = family
        return taken

    def _drop(self, first: bool) -> None:
        """Drop the first items of a deque, or the last ones, that are more than it may have."""
        most = self.maxlen
        if most is not None:
            kept = slice(np.maximum(self.length() - most, 0), None) if first else slice(most)
            self.arrays = tuple(array[kept] for array in self.arrays)

    def popleft(self) -> Any:
        """``deque.popleft``."""
        return self.pop(0)

    def appendleft(self, item: Any) -> None:
        """``deque.appendleft``."""
        from .calls import call

        if self.maxlen == 0:
            return
        call(self.insert)(0, item)  # type: ignore[attr-defined]
        self._drop(first=False)

    def extendleft(self, items: Any) -> None:
        """``deque.extendleft``."""
        from .operators import OPERATORS

        def push(item: Any, items: Any) -> tuple[Any]:
            items.appendleft(item)
            return (items,)

        OPERATORS.for_(items, push, (self,), ("the deque",), ("the deque",))

    def contains(self, item: Any) -> Any:
        """``item in items``: a bool, or a traced one."""
        leaves, tree = flatten(item)
        if tree != self.tree:
            return False
        rows = self.settled()
        if any(np.ndim(leaf) for leaf in leaves) or any(array.ndim != 1 for array in rows.arrays):
            raise Concretize(f"whether {describe(item)} is in a list of arrays or lists; write a loop")
        equal = [array == leaf for array, leaf in zip(rows.arrays, leaves, strict=True)]
        found: Any = np.any(functools.reduce(np.logical_and, equal))
        return new(found.value, weak=True)

    def add(self, item: Any) -> None:
        """``set.add``."""
        from .operators import OPERATORS

        def push(items: Any) -> tuple[Any]:
            items.append(item)
            return (items,)

        OPERATORS.if_(self.contains(item), lambda items: (items,), push, (self,), ("the set",), ("the set",))

    def discard(self, item: Any) -> None:
        """``set.discard``."""
        from .calls import call
        from .operators import OPERATORS

        def drop(items: Any) -> tuple[Any]:
            call(items.remove)(item)
            return (items,)

        OPERATORS.if_(self.contains(item), drop, lambda items: (items,), (self,), ("the set",), ("the set",))

    def rotate(self, steps: Any = 1) -> None:
        """``deque.rotate``."""
        from .creation import arange

        count = self.length()
        places = (arange(count) - steps) % np.maximum(count, 1)
        self.put([array[places] for array in self.settled().arrays])

    @property
    def maxlen(self) -> int | None:
        """``deque.maxlen``."""
        return self.kind.maxlen if isinstance(self.kind, Queue) else None

    def replace(self, arrays: Sequence[Tracer]) -> None:
        """Have other items, of which there may be more or fewer."""
        self._note_change()
        forget_looks(self)
        self.added.append(None)
        family = self.family
        self.arrays = tuple(arrays)
        self.family = family

    def _note_written(self) -> None:
        """An item of a list is written to; that list may have copies of others."""
        if self.owner is not None:
            note_written(self.owner[0].family)

    def _note_change(self) -> None:
        """The list gets other items; those that may be the same list are outdated."""
        self._note_written()
        box = active_trace().boxes.get(id(self))
        for other in (box.kin or ()) if box is not None else ():
            if isinstance(other.thing, Rows):
                other.thing.spoil(Outdated(may_be_written([]), whole=True))

    def _as_list(self, what: str) -> list[Any]:
        """The items for a change that arrays cannot follow."""
        if self.listed is None and self.owner is not None:
            rows, index = self.owner
            if isinstance(index, int) and rows.parts.get(index) is self:
                rows._as_list(what)
                self.owner = None
        if self.owner is not None or active_trace().scope is not self.scope:
            raise Concretize(
                f"{what} in a loop or branch that becomes a part of the program, or where it is an item of a list itself; make an "
                "array with np.empty instead"
            )
        self._note_change()
        if self.listed is None:
            self._listed = self.items()
        return self._listed  # type: ignore[return-value]

    def __len__(self) -> int:
        return len(self.arrays[0]) if self.listed is None else len(self.listed)

    def __bool__(self) -> bool:
        return bool(self.length() != 0)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items())

    def __getitem__(self, index: Any) -> Any:
        if self.listed is not None:
            return self.listed[index]
        if not isinstance(index, slice):
            return self.item(index)
        if self._holds_arrays():
            return self.items()[index]
        return self.in_part([array[index].copy() for array in self.arrays])

    def in_part(self, arrays: Sequence[Tracer]) -> Rows:
        """A list of some of the items."""
        part = Rows(arrays, self.tree, list(self.weak))
        part.kind, part.family = self.kind, self.family
        for array in part.arrays:
            array.cell.listed = array.ndim > 1 and not self.has_lists
        return part

    def _holds_arrays(self) -> bool:
        """Whether items are arrays or lists, which may be held elsewhere as well."""
        return any(array.ndim > 1 and not array.cell.listed for array in self.arrays)

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.listed is None and not isinstance(index, slice):
            if self._put_list(index, value):
                return
            if self.arrays[0].cell.listed not in (True, False):  # the copy of an item
                raise self.arrays[0].cell.listed.error()
            if self.is_bound_to_arrays() and not self._follows(value):
                self._widen(value)
                if not self._follows(value) and self._put_arrays(index, value):
                    return
            if self._follows(value):
                self._note_written()
                for array, leaf in zip(self.arrays, flatten(value)[0], strict=True):
                    array[index] = leaf
                return
        self._as_list(f"a list gets {describe(value)} in place of {describe(self.item(0))}")[index] = value

    def _put_list(self, index: Any, value: Any) -> bool:
        """Put a list in the place of an item, where the items are lists; whether that is done."""
        from .relisting import put_list

        return self.has_lists and isinstance(value, (list, Rows)) and put_list(self, index, value)

    def _follows(self, value: Any) -> bool:
        """Whether a value can be written into the rows and be read from there unchanged; where there must be arrays, integers may become floats."""
        from .promotion import as_tracer, is_python  # which knows lists

        leaves, tree = flatten(value)  # an array in the list would be the very array that is put there, and change with it
        if tree != self.tree or not all(isinstance(v, (Tracer, int, float, np.generic, np.ndarray)) for v in leaves):
            return False
        is_bound = self.is_bound_to_arrays()
        for v, array in zip(map(as_tracer, leaves), self.arrays, strict=True):
            is_wider = is_bound and array.dtype.kind + v.dtype.kind == "fi"
            if v.ndim or array.ndim != 1 or (v.dtype != array.dtype and not is_wider):
                return False
        self.weak[:] = [w and is_python(leaf) for w, leaf in zip(self.weak, leaves, strict=True)]
        return True

    def is_bound_to_arrays(self) -> bool:
        """Whether the list cannot become one of Python's: its length is that of a run, or a loop or branch is staged in which it is written to."""
        if self.owner is not None:
            return self.owner[0].is_bound_to_arrays()
        trace = active_trace()
        return trace.scope is not self.scope or trace.sizing.hint(self.arrays[0].type.shape[0]) is None

    def _widen(self, value: Any) -> None:
        """Have floats in place of integers, where a float takes the place of one; what is staged around begins again with such a list."""
        from .items import Grows, items_like, joined, known_items

        leaves, tree = flatten(value)
        if tree != self.tree or not all(isinstance(v, (Tracer, int, float, np.generic)) and not np.ndim(v) for v in leaves):
            return
        found = items_like(value)
        wider = joined(known_items(self), found)
        pairs = [(array, dtype) for array, dtype in zip(self.arrays, wider.dtypes, strict=True) if array.dtype != dtype]  # type: ignore[union-attr]
        if not pairs or any(array.ndim != 1 or array.dtype.kind + dtype.kind != "if" for array, dtype in pairs):
            return
        whole, index = self.owner or (self, None)
        if active_trace().scope is not whole.scope:
            raise Grows(whole, replace(known_items(whole), dtypes=wider.dtypes), 0)  # type: ignore[type-var, union-attr]
        whole._note_change()
        forget_looks(whole)
        family = whole.family
        whole.arrays = tuple(array.astype(dtype) for array, dtype in zip(whole.arrays, wider.dtypes, strict=True))  # type: ignore[union-attr]
        whole.family = family
        if whole is not self:
            self.arrays, self._listed = whole.item(index).arrays, None
            look(whole, index, self)

    def _put_arrays(self, index: Any, value: Any) -> bool:
        """Put arrays in the place of others, at which others may look, where there must be arrays; whether that was done."""
        from .items import Grows, items_like, joined, known_items

        leaves, tree = flatten(value)
        if self.owner is not None or tree != self.tree or not self.is_bound_to_arrays():
            return False
        own, found = known_items(self), items_like(value)
        if active_trace().scope is not self.scope or joined(own, found).dtypes != own.dtypes:  # type: ignore[union-attr]
            raise Grows(self, found, 0)
        arrays = [array.copy() for array in self.arrays]
        for array, leaf in zip(arrays, leaves, strict=True):
            array[index] = leaf
            if isinstance(leaf, Tracer) and leaf.ndim:
                leaf.cell.listed = True
        self.replace(self.in_part(arrays).arrays)
        return True

    def __delitem__(self, index: Any) -> None:
        del self._as_list("an item of a list is deleted")[index]

    def __add__(self, other: Any) -> Any:
        if isinstance(other, (list, Rows)):
            return [*self, *other]
        return self.as_array() + other if isinstance(other, (Tracer, np.ndarray)) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, list):
            return [*other, *self]
        return other + self.as_array() if isinstance(other, (Tracer, np.ndarray)) else NotImplemented

    def __iadd__(self, other: Any) -> Any:
        self._as_list("a list grows").extend(other)
        return self

    def __mul__(self, times: Any) -> Any:
        return self.as_array() * times if isinstance(times, (Tracer, np.ndarray)) else self.items() * times

    __rmul__ = __mul__

    def require_list(self) -> None:
        """Refuse what is done with lists alone."""
        if self.kind is not None:
            raise Concretize(
                "a deque or set of items that only the run knows is compared, added or repeated as a whole; write a loop"
            )

    def __eq__(self, other: object) -> bool:
        self.require_list()
        return isinstance(other, (list, Rows)) and self.items() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.items()) if isinstance(self.arrays[0], Tracer) else "[*, ...]"

    def described(self) -> str:
        """The list in the words of an error message."""
        if self.listed is not None:
            return repr(self.listed)
        return f"a list of items that are rows of {' and '.join(map(describe, self.arrays))}"

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*(v.as_array() if isinstance(v, Rows) else v for v in inputs), **kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return func(*(as_arrays(a) for a in args), **kwargs)

    def copy(self) -> Any:
        return self[:]

    def index(self, value: Any, *between: int) -> int:
        return self.items().index(value, *between)

    def count(self, value: Any) -> int:
        return self.items().count(value)


def _method(name: str) -> Callable[..., Any]:
    def change(self: Rows, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._as_list(f"list.{name}() is called"), name)(*args, **kwargs)

    change.__name__ = name
    return change


for _name in ("clear", "extend", "insert", "remove", "reverse", "sort"):
    setattr(Rows, _name, _method(_name))


def present(value: Any) -> Any:
    """A value, or of a list, deque or set that others have taken the place of the last one."""
    while type(value) in (list, deque, set) or isinstance(value, Rows):
        mark = next(iter((value._listed if isinstance(value, Rows) else value) or ()), None)
        if not isinstance(mark, Moved) or not active_trace().scope.inside(mark.scope):
            break
        value = mark.target
    return value


def as_arrays(value: Any) -> Any:
    """A value in which lists of this kind have become arrays."""
    value = present(value)
    if isinstance(value, Rows):
        return value.as_array()
    return type(value)(map(as_arrays, value)) if type(value) in (list, tuple) else value


def _stacked(columns: Any) -> Any:
    """The array whose rows are made of the rows of several."""
    if isinstance(columns, Tracer):
        return columns
    if isinstance(columns, Rows):
        return columns.as_array()
    if not isinstance(columns, (list, tuple)):
        raise TypeError(
            f"np.array of a list of {type(columns).__name__} gives an object array; jitgrad compiles arrays of numbers only"
        )
    return np.stack([_stacked(column) for column in columns], axis=1)


def _take_apart(rows: Rows) -> tuple[tuple[Any, ...], Any]:
    if rows._listed is not None:
        return tuple(rows._listed), None
    return rows.arrays, (rows.tree, rows.weak, rows.kind)


def _put_together(metadata: Any, children: Sequence[Any]) -> Any:
    """The list again; a Python list of what a compiled program returned."""
    if metadata is None:
        return list(children)
    tree, weak, kind = metadata
    if not any(isinstance(child, np.ndarray) for child in children):
        made = Rows(children, tree, weak)
        made.kind = kind
        return made
    columns = [child.tolist() if w else list(child) for child, w in zip(children, weak, strict=True)]
    items = [tree.unflatten(item) for item in zip(*columns, strict=True)]
    return items if kind is None else deque(items, kind.maxlen) if isinstance(kind, Queue) else set(items)


register(Rows, _take_apart, _put_together)

__all__ = ["Queue", "Rows", "Unordered", "as_arrays", "present"]
