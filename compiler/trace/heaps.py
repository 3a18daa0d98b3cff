"""The module ``heapq`` for lists that loops hold: counterparts for ``python_functions``.

The sifting is CPython's (``Lib/heapq.py``), with its comparisons in its order, so that the list has Python's items in Python's places. It is
followed like the user's own loops.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from ..tree import flatten
from .calls import OPERATORS, call, follow
from .elementwise import elementwise
from .growing import Growing
from .python_folds import length


def _sift_down(heap: Any, start: Any, position: Any) -> None:
    """Move the item at a position towards the root at ``start``, until its parent is not larger."""
    item = heap[position]
    while position > start:
        parent = (position - 1) >> 1
        if not item < heap[parent]:
            break
        heap[position] = heap[parent]
        position = parent
    heap[position] = item


def _sift_up(heap: Any, position: Any) -> Any:
    """Move smaller children up until the item at a position is at a leaf; returns its place, from where it goes back."""
    end = len(heap)
    item = heap[position]
    child = 2 * position + 1
    while child < end:
        right = child + 1
        if right < end and not heap[child] < heap[right]:
            child = right
        heap[position] = heap[child]
        position = child
        child = 2 * position + 1
    heap[position] = item
    return position


def _settle(heap: Any, position: Any) -> None:
    """Put the item at a position in its place among those below it."""
    if _is_in_rows(heap):
        _settle_row(heap, position, heap.at(heap.start + position))
    else:
        _down(heap, position, follow(_sift_up)(heap, position))  # type: ignore[arg-type]


def _down(heap: Any, start: Any, position: Any) -> None:
    """Move the item at a position towards the root at ``start``."""
    if _is_in_rows(heap):
        _down_in_rows(heap, start, position, heap.at(heap.start + position))
    else:
        follow(_sift_down)(heap, start, position)  # type: ignore[arg-type]


# The same of items that are rows of arrays, whose places need not be checked.


def _is_in_rows(heap: Any) -> bool:
    """Whether the items of a list are rows of arrays, and are made of numbers."""
    return isinstance(heap, Growing) and heap.first is None and all(array.ndim == 1 for array in heap.arrays)


def _less(one: Any, other: Any) -> Any:
    return OPERATORS[0].truth(OPERATORS[0].compare("<", one, other))


def _move(heap: Growing, source: Any, target: Any) -> None:
    heap.write(heap.start + target, flatten(heap.at(heap.start + source))[0])


def _down_in_rows(heap: Growing, start: Any, position: Any, item: Any) -> None:
    """``_sift_down`` of an item for a position."""

    def goes_on(position: Any) -> tuple[Any, Any]:
        parent = elementwise("maximum", position - 1, 0) // 2
        return elementwise("and", elementwise("gt", position, start), _less(item, heap.at(heap.start + parent))), position

    def step(position: Any) -> tuple[Any]:
        parent = (position - 1) >> 1
        _move(heap, parent, position)
        return (parent,)

    (position,) = OPERATORS[0].while_(goes_on, step, (position,), ("position",))
    heap.write(heap.start + position, flatten(item)[0])


def _settle_row(heap: Growing, start: Any, item: Any) -> None:
    """``_sift_up`` of an item for a position, and ``_sift_down`` from where that ends."""
    last = heap.length() - 1

    def step(position: Any) -> tuple[Any]:
        left = 2 * position + 1
        right = elementwise("minimum", left + 1, last)
        is_left = elementwise(
            "or", elementwise("eq", left, last), _less(heap.at(heap.start + left), heap.at(heap.start + right))
        )
        child = elementwise("select", is_left, left, right)
        _move(heap, child, position)
        return (child,)

    (position,) = OPERATORS[0].while_(lambda k: (elementwise("le", 2 * k + 1, last), k), step, (start,), ("position",))
    _down_in_rows(heap, start, position, item)


def _push(heap: Any, item: Any) -> None:
    """``heapq.heappush``."""
    call(heap.append)(item)
    _down(heap, 0, length(heap) - 1)


def _pop(heap: Any) -> Any:
    """``heapq.heappop``."""
    if _is_in_rows(heap):
        smallest, last = heap.item(0), call(heap.pop)()
        _settle_row(heap, 0, last)  # of an empty list the first row, which is not in use
        return smallest
    last = call(heap.pop)()
    return _if(length(heap) > 0, _replace, heap, last)


def _replace(heap: Any, item: Any) -> Any:
    """``heapq.heapreplace``."""
    smallest = OPERATORS[0].getitem(heap, 0)
    OPERATORS[0].setitem(heap, 0, item)
    _settle(heap, 0)
    return smallest


def _push_and_pop(heap: Any, item: Any) -> Any:
    """``heapq.heappushpop``."""
    operators = OPERATORS[0]
    is_larger = operators.and_(length(heap) > 0, lambda: operators.compare("<", operators.getitem(heap, 0), item))
    return _if(is_larger, _replace, heap, item)


def _if(test: Any, function: Callable[[Any, Any], Any], heap: Any, item: Any) -> Any:
    """``function(heap, item) if test else item``, where the function changes the heap."""
    names = ("the heap", "the item")
    return OPERATORS[0].if_(
        test, lambda heap, item: (heap, function(heap, item)), lambda *state: state, (heap, item), names, names[:1]
    )[1]


def _heapify(heap: Any) -> None:
    """``heapq.heapify``."""

    def step(place: Any, heap: Any) -> tuple[Any]:
        _settle(heap, place)
        return (heap,)

    places = call(reversed)(call(range)(length(heap) // 2))
    OPERATORS[0].for_(places, step, (heap,), ("the heap",), ("the heap",))


def _first(count: Any, iterable: Any, key: Any = None, *, reverse: bool = False) -> Any:
    """``heapq.nsmallest``."""
    in_order = call(sorted)(iterable, key=key, reverse=reverse)
    return OPERATORS[0].getitem(in_order, slice(None, call(max)(count, 0)))


def _largest(count: Any, iterable: Any, key: Any = None) -> Any:
    """``heapq.nlargest``."""
    return _first(count, iterable, key, reverse=True)


HEAPS: dict[Any, Callable[..., Any]] = {
    heapq.heappush: _push, heapq.heappop: _pop, heapq.heapreplace: _replace, heapq.heappushpop: _push_and_pop,
    heapq.heapify: _heapify, heapq.nsmallest: _first, heapq.nlargest: _largest,
}  # fmt: skip

__all__ = ["HEAPS"]
