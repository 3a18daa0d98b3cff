"""Dicts whose keys only the run knows: two lists, of keys and of values in the order in which they came.

Their methods are followed like those of a class of the user's, and a key is looked for from the first one on. A dict is made so where it is
seen to get such a key: the program is traced anew, and what the same line makes is a ``Table``. A program returns it as a dict.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..tree import register
from .buckets import Bucket, Buckets, Ragged, buckets_by_number, contents, ragged
from .calls import OPERATORS, call, has_traced
from .context import active_trace, user_line
from .iterables import Indexed
from .rows import present
from .state import current_trace
from .tracer import Concretize

_NOTHING: Any = object()


class Table:
    """A dict of the program, ``keys_[k]`` of which stands for ``values_[k]``."""

    def __init__(self, kind: type, factory: Any = None) -> None:
        self.kind = kind
        self.factory = factory
        self.lists: Buckets | None = (
            Buckets() if factory is list else None
        )  # where the values are lists, which are known by number
        self.keys_: list[Any] = []
        self.values_: list[Any] = []

    def place(self, key: Any) -> Any:
        """Where a key is; where it would be put if there is none."""
        k = 0
        while k < len(self.keys_) and self.keys_[k] != key:
            k += 1
        return k

    def __len__(self) -> Any:
        return len(self.keys_)

    def __iter__(self) -> Any:
        return iter(self.keys_)

    def __contains__(self, key: Any) -> Any:
        return self.place(key) < len(self.keys_)

    def __getitem__(self, key: Any) -> Any:
        k = self.place(key)
        if k == len(self.keys_):
            if self.kind is Counter:
                return 0
            if self.factory is None:
                raise KeyError(key)
            self.keys_.append(key)
            self.values_.append(self.held(self.factory()))
        return self.value_at(k)

    def __setitem__(self, key: Any, value: Any) -> None:
        k = self.place(key)
        value = self.held(value)
        if k == len(self.keys_):
            self.keys_.append(key)
            self.values_.append(value)
        else:
            self.values_[k] = value

    def held(self, value: Any) -> Any:
        """A value as it is kept: a list by the number of a new one, with the same items."""
        if not isinstance(value, list):
            return value
        lists = lists_of(self)
        lists.count += 1
        Bucket(lists, lists.count - 1).extend(value)
        return lists.count - 1

    def value_at(self, k: Any) -> Any:
        """The value at a place."""
        return self.values_[k] if self.lists is None else Bucket(self.lists, self.values_[k])

    def __delitem__(self, key: Any) -> None:
        self.pop(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """``dict.get``."""
        k = self.place(key)
        return self.values_[k] if k < len(self.keys_) else default

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """``dict.setdefault``."""
        k = self.place(key)
        if k == len(self.keys_):
            self.keys_.append(key)
            self.values_.append(self.held(default))
        return self.value_at(k)

    def pop(self, key: Any, default: Any = _NOTHING) -> Any:
        """``dict.pop``."""
        k = self.place(key)
        if k == len(self.keys_):
            if default is _NOTHING:
                raise KeyError(key)
            return default
        self.keys_.pop(k)
        return self.values_.pop(k)

    def put_all(self, pairs: Any) -> None:
        """Have items that are given as pairs."""
        for key, value in pairs:
            self[key] = value

    def count_all(self, items: Any) -> None:
        """``Counter.update`` with items to be counted."""
        for item in items:
            self[item] = self.get(item, 0) + 1

    def add_all(self, pairs: Any) -> None:
        """``Counter.update`` with counts."""
        for item, count in pairs:
            self[item] = self.get(item, 0) + count

    def update(self, other: Any = ()) -> None:
        """``dict.update``, and that of ``Counter``."""
        if self.kind is not Counter:
            self.put_all(pairs_of(other))
        elif hasattr(other, "items"):
            self.add_all(other.items())
        else:
            self.count_all(other)

    def most_common(self, n: Any = None) -> Any:
        """``Counter.most_common``."""
        found = sorted(self.items(), key=lambda pair: pair[1], reverse=True)
        return found if n is None else found[:n]

    def total(self) -> Any:
        """``Counter.total``."""
        return sum(self.values_)

    def copy(self) -> Table:
        """``dict.copy``."""
        return copied(self)

    def clear(self) -> None:
        """``dict.clear``."""
        self.keys_ = []
        self.values_ = []

    def keys(self) -> Any:
        """``dict.keys``."""
        return self.keys_

    def values(self) -> Any:
        """``dict.values``."""
        return values_of(self)

    def items(self) -> Any:
        """``dict.items``."""
        return together(self)

    def _refuse(self, *_: Any) -> NoReturn:
        raise Concretize(
            "a dict with keys that only the run knows is shown, compared or joined to another as a whole; go through its items"
        )

    __eq__ = __repr__ = __or__ = __ior__ = __ror__ = __reversed__ = _refuse  # type: ignore[assignment]
    __hash__ = object.__hash__


def together(table: Table) -> Any:
    """The items of a table, as pairs."""
    keys, values = present(table.keys_), present(table.values_)
    if table.lists is not None:
        return Indexed(0, call(len)(keys), 1, lambda k: (keys[k], call(table.value_at)(k)))
    if isinstance(keys, list) and isinstance(values, list):
        return list(zip(keys, values, strict=True))
    return OPERATORS[0].listcomp(Indexed(0, call(len)(keys), 1, lambda k: (keys[k], values[k])), lambda pair: pair)


def values_of(table: Table) -> Any:
    """The values of a table."""
    values = present(table.values_)
    return values if table.lists is None else Indexed(0, call(len)(values), 1, call(table.value_at))


def lists_of(table: Table) -> Buckets:
    """The lists that are the values of a table."""
    if table.lists is None:
        if len(table.values_):
            raise Concretize("some values of a dict are lists, and others are none")
        table.lists = Buckets()
    return table.lists


def copied(table: Table) -> Table:
    """Another table of the same items."""
    if table.lists is not None:
        raise Concretize("a dict of lists is copied, whose keys only the run knows")
    copy = Table(table.kind, table.factory)
    copy.keys_, copy.values_ = (call(list)(present(part)) for part in (table.keys_, table.values_))
    return copy


def pairs_of(items: Any) -> Any:
    """What a dict is made of, or gets, as pairs."""
    return items.items() if isinstance(items, (dict, Table)) else items


def made(container: dict[Any, Any], column: int = -1) -> Any:
    """A dict that the user's program makes: a table, where it is known to get keys that only the run knows."""
    trace, site = active_trace(), (user_line(), column)
    if site not in trace.foreseen:
        trace.dicts[id(container)] = container, site
        return container
    table = Table(type(container), getattr(container, "default_factory", None))
    table.keys_, table.values_ = list(container), list(container.values())
    return table


def _maker(kind: type) -> Callable[..., Any]:
    """What makes dicts of a class."""

    def make(*args: Any, **kwargs: Any) -> Any:
        factory, given = args[:1] if kind is defaultdict else (), args[1:] if kind is defaultdict else args
        traced = has_traced([part for part in given if not isinstance(part, dict)]) or any(
            isinstance(part, Table) for part in given
        )
        if not traced:
            return made(kind(*args, **kwargs))
        table = made(kind(*factory, **kwargs))
        if not isinstance(table, Table):
            note_key(table)
            return kind(*args, **kwargs)
        call(table.update)(*given)
        return table

    return make


def note_key(container: Any, *keys: Any) -> None:
    """A dict is asked for keys, or gets some, that only the run may know: where that is refused, it may be a table."""
    trace = active_trace()
    if id(container) in trace.dicts and (not keys or has_traced(keys)):
        trace.wanted.add(trace.dicts[id(container)][1])


def of_counter(method: Any, *args: Any, **kwargs: Any) -> Any:
    """A method of Python's ``Counter``."""
    note_key(method.__self__, *args)
    return method(*args, **kwargs)


def collected(pairs: Any) -> Any:
    """The dict of some pairs."""
    table = made({})
    if not isinstance(table, Table):
        note_key(table)
        return dict(pairs)
    call(table.put_all)(pairs)
    return table


def as_items(value: Any) -> Any:
    """A value as something to go through: of a table its keys."""
    if isinstance(value, Table):
        return present(value.keys_)
    return buckets_by_number(value) if isinstance(value, Buckets) else contents(value) if isinstance(value, Bucket) else value


def returned(value: Any) -> Any:
    """A table, or lists of the run's, as what is taken apart; other values as they are."""
    if isinstance(value, Bucket):
        return contents(value)
    if isinstance(value, Buckets):
        return ragged(value)
    if not isinstance(value, Table):
        return value
    values = present(value.values_)
    return Mapping(value.kind, present(value.keys_), values if value.lists is None else (values, ragged(value.lists)))


class Mapping:
    """A table that is returned."""

    def __init__(self, kind: type, keys: Any, values: Any) -> None:
        self.kind, self.keys, self.values = kind, keys, values


def _take_apart(mapping: Mapping) -> tuple[tuple[Any, Any], Any]:
    return (mapping.keys, mapping.values), mapping.kind


def _put_together(kind: Any, children: Sequence[Any]) -> Any:
    """The table again; the dict of what a compiled program returned."""
    keys, values = children
    numbers, lists = values if isinstance(values, tuple) else (values, None)
    if current_trace() is not None or not isinstance(keys, list) or isinstance(lists, Ragged) or not isinstance(numbers, list):
        return Mapping(kind, keys, values)
    values = numbers if lists is None else [lists[int(number)] for number in numbers]
    items = dict(zip(keys, values, strict=True))
    return defaultdict(None, items) if kind is defaultdict else kind(items)


register(Mapping, _take_apart, _put_together)

MAKERS: dict[Any, Callable[..., Any]] = {kind: _maker(kind) for kind in (dict, OrderedDict, defaultdict, Counter)}

OF_OBJECTS = {*MAKERS, isinstance, type, hasattr, getattr}
"""Functions that look at an object, and not at what is in it."""

__all__ = ["MAKERS", "Mapping", "Table", "as_items", "collected", "made", "note_key", "returned"]
