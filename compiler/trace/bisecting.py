"""The module ``bisect`` for lists and arrays of the program: counterparts for ``python_functions``.

The halving is followed like the user's own loop, so that any items that can be compared are, in Python's order.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any

from .calls import call, concerns_program, follow
from .python_folds import length


def _before(items: Any, value: Any, low: Any, high: Any, key: Any) -> Any:
    """The first place where a value can be put among sorted items."""
    if low < 0:
        raise ValueError("lo must be non-negative")
    while low < high:
        middle = (low + high) // 2
        item = items[middle] if key is None else key(items[middle])
        if item < value:
            low = middle + 1
        else:
            high = middle
    return low


def _behind(items: Any, value: Any, low: Any, high: Any, key: Any) -> Any:
    """The last such place."""
    if low < 0:
        raise ValueError("lo must be non-negative")
    while low < high:
        middle = (low + high) // 2
        item = items[middle] if key is None else key(items[middle])
        if value < item:
            high = middle
        else:
            low = middle + 1
    return low


def _find(find: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """``bisect.bisect_left`` and ``bisect_right``."""

    def found(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> Any:
        if key is None and not concerns_program((a, x, lo, hi), {}):
            return plain(a, x, lo, hi)
        return follow(find)(a, x, lo, length(a) if hi is None else hi, key)  # type: ignore[arg-type]

    return found


def _insert(found: Callable[..., Any]) -> Callable[..., Any]:
    """``bisect.insort_left`` and ``insort_right``."""

    def insert(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> None:
        call(a.insert)(found(a, x if key is None else call(key)(x), lo, hi, key=key), x)

    return insert


_LEFT, _RIGHT = _find(_before, bisect.bisect_left), _find(_behind, bisect.bisect_right)

BISECTIONS: dict[Any, Callable[..., Any]] = {
    bisect.bisect_left: _LEFT, bisect.bisect_right: _RIGHT,
    bisect.insort_left: _insert(_LEFT), bisect.insort_right: _insert(_RIGHT),
}  # fmt: skip

__all__ = ["BISECTIONS"]
