"""Items of dicts, and of short lists whose items are not alike, at keys and places that only the run knows: one of those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .blocks import is_number
from .context import active_trace
from .elementwise import elementwise
from .mutation import remember
from .one_of import OneOf, chosen, is_choosable
from .rows import LISTED_AT_MOST
from .tracer import Concretize, Tracer, describe, new
from .unbound import emit_check, require_settled


def item_at(items: Sequence[Any], index: Tracer, name: str) -> Any:
    """An item at an index."""
    place = elementwise("select", index < 0, index + len(items), index)
    inside = elementwise("and", elementwise("ge", place, 0), elementwise("lt", place, len(items)))
    emit_check(inside, IndexError(f"{name} index out of range"))
    return _one_of(items, [_equal(place, k) for k in range(len(items))])


def is_known_by_number(container: Any, key: Any) -> bool:
    """Whether a key that only the run knows can be looked for among those of a dict."""
    if not isinstance(container, dict) or not isinstance(key, Tracer) or key.ndim or isinstance(key.dim, int):
        return False
    if active_trace().short and key.dim is not None:  # a short loop is unrolled, which makes its index known
        return False
    return 0 < len(container) <= LISTED_AT_MOST and any(map(is_number, container))


def is_key(container: dict[Any, Any], key: Tracer) -> Any:
    """Whether a dict has a key."""
    require_settled(container)
    found: Any = False
    for known in filter(is_number, container):
        found = elementwise("or", found, _equal(key, known))
    return new(found.value, weak=True)


def value_of(container: dict[Any, Any], key: Tracer) -> Any:
    """``container[key]``."""
    emit_check(is_key(container, key), KeyError(key))
    active_trace().keys_found.append((container, key.value, active_trace().scope))
    keys = list(filter(is_number, container))
    return _one_of([container[known] for known in keys], [_equal(key, known) for known in keys])


def put(container: dict[Any, Any], key: Tracer, value: Any) -> None:
    """``container[key] = value``, for a key that has been looked up before, so that it is there."""
    trace = active_trace()
    if not any(d is container and found == key.value and trace.scope.inside(scope) for d, found, scope in trace.keys_found):
        raise Concretize(
            f"a dict may get a further key, {describe(key)}, which is known only when the program runs; write to an array, as in "
            "counts[k] += 1, or to keys that are there from the beginning"
        )
    for known in list(filter(is_number, container)):
        remember(container, "item", known)
        container[known] = _one_of([value, container[known]], [_equal(key, known), None])


def _equal(one: Any, other: Any) -> Tracer:
    return new(elementwise("eq", one, other).value, weak=True)


def _one_of(values: Sequence[Any], tests: Sequence[Any]) -> Any:
    """The value whose test holds, or the last one."""
    from .operators import OPERATORS

    if all(map(is_choosable, values)):
        known = [chosen(value) for value in values]
        return OneOf(
            dict(sorted((one.code, one.values[one.code]) for one in known)), _one_of([one.code for one in known], tests)
        )
    *others, last = values
    if all(is_number(value) and not np.ndim(value) for value in values):
        for value, test in zip(reversed(others), reversed(tests[:-1]), strict=True):
            last = elementwise("select", test, value, last)
        return last
    if not others:
        return last
    return OPERATORS.if_(tests[0], lambda: (others[0],), lambda: (_one_of(values[1:], tests[1:]),), (), ("the item",))[0]


__all__ = ["is_key", "is_known_by_number", "item_at", "put", "value_of"]
