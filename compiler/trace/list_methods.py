"""What Python's lists can do, where it depends on values that are known only when the program runs.

In: lists of traced items, and lists that are held in arrays (``Rows``). A list that is sorted, repeated or joined to another is one
that is held in arrays; where an item is, how often, and which of two lists comes first are numbers of the program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .calls import OPERATORS, call, has_traced
from .context import active_trace
from .creation import arange
from .elementwise import elementwise
from .growing import Growing, copied
from .holders import holds
from .items import Grows, items_like, known_items
from .iterables import Comprehension, Indexed, is_by_index
from .mutation import refill, remember
from .python_folds import in_arrays
from .relisting import picked
from .rows import LISTED_AT_MOST, Rows, present
from .symbols import COMPARE
from .tracer import Concretize, TracedSize, Tracer, as_dim, new
from .unbound import emit_check


def repeated(items: Any, times: Any) -> Rows:
    """``items * times``."""
    rows, times = in_arrays(items), np.maximum(times, 0)
    arrays: list[Any] = [np.tile(array, (times, *[1] * (array.ndim - 1))) for array in rows.arrays]
    return Rows(arrays, rows.tree, list(rows.weak))


def joined(left: Any, right: Any) -> Any:
    """``left + right``, of which one at least is held in arrays."""
    if is_known(left) and is_known(right):
        return [*left, *right]
    if _is_empty(left) or _is_empty(right):
        return (right if _is_empty(left) else left)[:]
    first, second = in_arrays(left), in_arrays(right)
    if first.tree != second.tree:
        raise TypeError(
            "the items of two lists that are added differ in structure, and their number is known only when the program runs"
        )
    arrays: list[Any] = [np.concatenate(pair) for pair in zip(first.arrays, second.arrays, strict=True)]
    return Rows(arrays, first.tree, list(map(min, first.weak, second.weak)))


def compared(symbol: str, left: Any, right: Any) -> Any:
    """``left < right``, and so on, of lists of which one at least is held in arrays."""
    operators, lengths = OPERATORS[0], (_length(left), _length(right))
    if not all(_is_empty(items) or in_arrays(items).tree.paths() == [()] for items in (left, right)):
        return operators.compare(symbol, list(left), list(right))
    if symbol == "!=":
        return operators.not_(compared("==", left, right))
    shared = operators.call(min)(*lengths)
    by_length = functools.partial(operators.compare, symbol, *lengths)
    if _is_empty(left) or _is_empty(right):
        return by_length()
    a, b = (in_arrays(items).as_array()[:shared] for items in (left, right))
    differs = a != b
    if symbol == "==":
        return operators.and_(by_length(), lambda: _python(~np.any(differs)))

    def first() -> Any:
        place = np.argmax(differs)
        return _python(COMPARE[symbol].function(a[place], b[place]))

    return operators.ifexp(np.any(differs), first, by_length)


def _sort(items: Any, *, key: Any = None, reverse: bool = False) -> None:
    """``items.sort()``."""
    in_order = call(sorted)(items, key=key, reverse=reverse)
    if isinstance(items, list):
        remember(items, "whole")
        items[:] = list(in_order)
    else:
        items.put(in_order.arrays)


def _reverse(items: Rows) -> None:
    """``items.reverse()``."""
    items.put([array[::-1].copy() for array in items.settled().arrays])


def _index(items: Any, value: Any, *between: Any) -> Tracer:
    """``items.index(value, start, stop)``."""
    equal = _equal(items, value, "index")
    length = equal.shape[0]
    for bound, is_inside in zip(between, (np.greater_equal, np.less)):
        place = OPERATORS[0].ifexp(bound < 0, lambda bound=bound: bound + length, lambda bound=bound: bound)
        equal = equal & is_inside(arange(length), place)
    emit_check(np.any(equal), ValueError("list.index(x): x not in list"))
    return _python(np.argmax(equal))


def _count(items: Any, value: Any) -> Tracer:
    """``items.count(value)``."""
    return _python(np.sum(_equal(items, value, "count")))


def _remove(items: Any, value: Any) -> None:
    """``items.remove(value)``."""
    equal = _equal(items, value, "remove")
    emit_check(np.any(equal), ValueError("list.remove(x): x not in list"))
    list_method(items, items.pop)(_python(np.argmax(equal)))


def _pop(items: Any, index: Any = -1) -> Any:
    """``items.pop(index)``."""
    _require_own(items, known_items(items), 0)
    rows = in_arrays(items)
    length = rows.length()
    place = elementwise("select", elementwise("lt", index, 0), index + length, index)
    inside = elementwise("and", elementwise("ge", place, 0), elementwise("lt", place, length))
    emit_check(inside, IndexError("pop index out of range"))
    left = arange(length - 1 if isinstance(length, int) else np.maximum(length - 1, 0))
    taken = copied(rows.item(place))
    _rearrange(items, rows, left + (left >= place))
    return taken


def _insert(items: Any, index: Any, value: Any) -> None:
    """``items.insert(index, value)``."""
    _require_own(items, items_like(value), 1)
    length = _length(items)
    place = elementwise("select", elementwise("lt", index, 0), index + length, index)
    place = elementwise("minimum", elementwise("maximum", place, 0), length)
    items.append(value)
    after = arange(length + 1)
    _rearrange(items, in_arrays(items), np.where(after == place, length, after - (after > place)))


def _require_own(items: Any, found: Any, each: int) -> None:
    """Have a list that gets other items be one that a loop or branch makes longer, where it is not of the current block."""
    trace = active_trace()
    is_own = (
        trace.scope is items.scope if isinstance(items, Rows) else not any(holds(around, items) for around in trace.staging)
    )
    if not is_own:
        raise Grows(items, found, each)


def _rearrange(items: Any, rows: Rows, order: Any) -> None:
    """Put some items of a list, in an order, in the place of all."""
    arrays: list[Any] = [array[order] for array in rows.arrays]
    if isinstance(items, list):
        remember(items, "whole")
        items[:] = list(Rows(arrays, rows.tree, rows.weak))
    else:
        items.replace(arrays)


def _equal(items: Any, value: Any, method: str) -> Tracer:
    """Which items, all of them numbers, are equal to a number."""
    rows = in_arrays(items)
    if rows.tree.paths() != [()] or rows.arrays[0].ndim != 1 or np.ndim(value):
        raise Concretize(
            f"list.{method}() over items that are known only when the program runs, other than of one number in a list of numbers; "
            "write a loop"
        )
    return rows.as_array() == value  # type: ignore[no-any-return]


_OF_TRACED: dict[str, Callable[..., Any]] = {"sort": _sort, "index": _index, "count": _count, "remove": _remove}
_OF_ROWS = {**_OF_TRACED, "reverse": _reverse}
_AT_INDEX: dict[str, Callable[..., Any]] = {"pop": _pop, "insert": _insert}


def list_method(items: Any, method: Any) -> Callable[..., Any]:
    """What to call for a method of a list."""
    name = method.__name__
    if isinstance(items, Rows) and items.listed is not None:
        items, method = items.listed, getattr(items.listed, name)
    if name == "__getitem__":
        return functools.partial(OPERATORS[0].getitem, items)
    if name == "extend":
        return functools.partial(_extend, items, method)
    if name in _AT_INDEX:
        return functools.partial(_at_index, items, method)
    of_traced = (_OF_ROWS if isinstance(items, Rows) else _OF_TRACED).get(name)
    if of_traced is None or _is_empty(items):
        return method  # type: ignore[no-any-return]

    def apply(*args: Any, **kwargs: Any) -> Any:
        traced = isinstance(items, Rows) or has_traced(items) or has_traced(args)
        return of_traced(items, *args, **kwargs) if traced else method(*args, **kwargs)

    return apply


def is_of_the_run(items: Any) -> bool:
    """Whether only the run knows how many items there are, or they are many."""
    if not isinstance(items, (Tracer, Indexed, Comprehension, Rows)) or (isinstance(items, Rows) and items.listed is not None):
        return False
    if not is_by_index(items):
        return isinstance(items, Comprehension) and not items.is_of_python
    count = (
        items.count()
        if isinstance(items, Indexed)
        else OPERATORS[0].call(len)(items)
        if not isinstance(items, Comprehension)
        else None
    )
    return not isinstance(count, int) or count > LISTED_AT_MOST


def extended(items: Any, more: Any) -> Any:
    """``items.extend(more)``, one by one; returns the list, whose place another may have taken."""

    def push(item: Any, items: Any) -> tuple[Any]:
        call(items.append)(item)
        return (items,)

    more = more[:] if more is items else more
    return OPERATORS[0].for_(more, push, (items,), ("the list",), ("the list",))[0]


def _extend(items: Any, method: Any, more: Any) -> None:
    """``items.extend(more)``."""
    more = present(more)
    if not isinstance(items, Growing) and (isinstance(items, Rows) or is_of_the_run(more)):
        extended(items, more)
    else:
        method(more)


def _at_index(items: Any, method: Any, index: Any = -1, *value: Any) -> Any:
    """A method that changes which items a list has, at an index."""
    if isinstance(index, Tracer) and isinstance(index.dim, int):
        index = index.dim
    if isinstance(items, Growing) or (isinstance(items, list) and not isinstance(index, (Tracer, TracedSize))):
        return method(index, *value)
    is_end = isinstance(index, int) and index in (0, -1) and not value
    return method(index) if isinstance(items, Rows) and is_end else _AT_INDEX[method.__name__](items, index, *value)


def rotated(items: Any, steps: Any) -> None:
    """``deque.rotate`` by a number of the run, of a deque of Python's."""
    remember(items, "whole")
    before = list(items)
    refill(items, [picked(before, (k - steps) % len(before)) for k in range(len(before))])


def _length(items: Any) -> Any:
    return items.length() if isinstance(items, Rows) else len(items)


def _is_empty(items: Any) -> bool:
    return isinstance(items, list) and not items


def is_known(items: Any) -> bool:
    """Whether the number of items is known while tracing."""
    dim = as_dim(_length(items))
    return dim is not None and active_trace().sizing.hint(dim) is not None


def _python(x: Any) -> Any:
    """A result as one of Python's own numbers."""
    return new(x.value, weak=True) if isinstance(x, Tracer) else x
