"""Lists of lists of which only the run knows how long each becomes: the items of all in one list, and for each the number of its list.

They are made like tables (``tables``): where ``[[] for ...]`` was seen to be asked for a list at a place that only the run knows, or a dict to get
lists as values, in a trace that failed. ``buckets[k]`` is a ``Bucket``, to which items are added, and whose items are looked for
among those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from ..tree import register
from .calls import call
from .context import active_trace, user_line
from .iterables import Indexed
from .rows import present
from .state import current_trace
from .tracer import Concretize


class Buckets:
    """So many lists of the program: ``items_[j]`` is an item of the list with number ``owners_[j]``."""

    def __init__(self, count: Any = 0) -> None:
        self.count = count
        self.walks = 0  # how many loops around go through items
        self.owners_: list[Any] = []
        self.items_: list[Any] = []

    def __len__(self) -> Any:
        return self.count

    def __getitem__(self, k: Any) -> Any:
        number = k + self.count if k < 0 else k
        if number < 0 or number >= self.count:
            raise IndexError("list index out of range")
        return Bucket(self, number)

    def _refuse(self, *_: Any) -> NoReturn:
        raise Concretize(
            "lists of which only the run knows how long each becomes are shown, compared, sorted, set or joined as a whole; add items to each, and go "
            "through them"
        )

    __eq__ = __repr__ = __setitem__ = __delitem__ = __add__ = __radd__ = __iadd__ = __mul__ = __reversed__ = _refuse  # type: ignore[assignment]
    __iter__ = append = extend = insert = pop = remove = clear = sort = reverse = copy = index = count_ = _refuse
    __hash__ = object.__hash__


class Bucket:
    """One of these lists."""

    def __init__(self, of: Buckets, number: Any) -> None:
        self.of = of
        self.number = number

    def append(self, value: Any) -> None:
        """``list.append``."""
        require_no_walk(self.of)
        self.of.owners_.append(self.number)
        self.of.items_.append(value)

    def extend(self, values: Any) -> None:
        """``list.extend``."""
        for value in values:
            self.append(value)

    def listed(self) -> Any:
        """The items, in a list of their own."""
        return [item for owner, item in zip(self.of.owners_, self.of.items_, strict=True) if owner == self.number]

    def __len__(self) -> Any:
        found = 0
        for owner in self.of.owners_:
            if owner == self.number:
                found += 1
        return found

    def __getitem__(self, k: Any) -> Any:
        return self.listed()[k]

    def __contains__(self, value: Any) -> Any:
        return value in self.listed()

    __eq__ = __repr__ = __setitem__ = __delitem__ = __add__ = __radd__ = __iadd__ = __mul__ = __reversed__ = Buckets._refuse  # type: ignore[assignment]
    __iter__ = insert = pop = remove = clear = sort = reverse = copy = index = count = Buckets._refuse  # type: ignore[assignment]
    __hash__ = object.__hash__


def require_no_walk(buckets: Buckets) -> None:
    """Python goes through what is added to a list while a loop goes through it, too."""
    if buckets.walks:
        raise Concretize(
            "a list, of which only the run knows which one it is, gets an item in a loop that may go through that list; go through a copy of it"
        )


@contextmanager
def walking(value: Any) -> Iterator[None]:
    """While a loop goes through a value, which may be one of the lists."""
    if isinstance(value, Bucket):
        value.of.walks += 1
    try:
        yield
    finally:
        if isinstance(value, Bucket):
            value.of.walks -= 1


def made_of_lists(lists: Any) -> Any:
    """Lists that a comprehension of the user's makes: buckets, where they are known to be needed."""
    if not lists or not all(map(_is_new, lists)):
        return lists
    trace, site = active_trace(), _site()
    if site in trace.foreseen:
        return Buckets(len(lists))
    trace.dicts[id(lists)] = lists, site
    return lists


def many_lists(count: Any, element: Callable[[], Any]) -> Buckets | None:
    """The same of so many lists, a number that only the run may know; None where others are made, or it is not known that they are needed."""
    trace = active_trace()
    if _site() not in trace.foreseen:
        trace.wanted.add(_site())
        return None
    with trace.open_scope():
        is_new = _is_new(element())
    return Buckets(count) if is_new else None


def _is_new(item: Any) -> bool:
    return type(item) is list and not item


def _site() -> Any:
    return user_line(), "lists"


def buckets_by_number(buckets: Buckets) -> Indexed:
    """The lists, one after the other."""
    return Indexed(0, buckets.count, 1, lambda k: Bucket(buckets, k))


def contents(bucket: Bucket) -> Any:
    """The items of one of the lists."""
    return call(bucket.listed)()


class Ragged:
    """Such lists, as they are returned."""

    def __init__(self, count: Any, owners: Any, items: Any) -> None:
        self.count, self.owners, self.items = count, owners, items


def ragged(buckets: Buckets) -> Ragged:
    """The lists as they are taken apart."""
    return Ragged(buckets.count, present(buckets.owners_), present(buckets.items_))


def _take_apart(lists: Ragged) -> tuple[tuple[Any, Any, Any], None]:
    return (lists.count, lists.owners, lists.items), None


def _put_together(_: None, children: Sequence[Any]) -> Any:
    """The lists again; of what a compiled program returned lists of Python's."""
    count, owners, items = children
    if current_trace() is not None or not isinstance(owners, list) or not isinstance(items, list):
        return Ragged(count, owners, items)
    made: list[list[Any]] = [[] for _ in range(int(count))]
    for owner, item in zip(owners, items, strict=True):
        made[int(owner)].append(item)
    return made


register(Ragged, _take_apart, _put_together)

__all__ = ["Bucket", "Buckets", "Ragged", "buckets_by_number", "contents", "made_of_lists", "ragged"]
