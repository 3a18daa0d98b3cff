"""The module ``bisect`` for lists and arrays of the program: counterparts for ``python_functions``.

The halving is followed like the user's own loop, so that any items that can be compared are, in Python's order.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any

from .calls import call, concerns_program, follow
from .python_folds import length


def _place(items: Any, value: Any, low: Any, high: Any, key: Any, behind: bool) -> Any:
    """The first place where a value can be put among sorted items, or the last one, behind all that equal it."""
    if low < 0:
        raise ValueError("lo must be non-negative")
    while low < high:
        middle = (low + high) // 2
        item = items[middle] if key is None else key(items[middle])
        if not value < item if behind else item < value:
            low = middle + 1
        else:
            high = middle
    return low


def _find(plain: Callable[..., Any], behind: bool) -> Callable[..., Any]:
    """``bisect.bisect_left`` and ``bisect_right``."""

    def found(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> Any:
        if key is None and not concerns_program((a, x, lo, hi), {}):
            return plain(a, x, lo, hi)
        return follow(_place)(a, x, lo, length(a) if hi is None else hi, key, behind)  # type: ignore[arg-type]

    return found


def _insert(found: Callable[..., Any]) -> Callable[..., Any]:
    """``bisect.insort_left`` and ``insort_right``."""

    def insert(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> None:
        call(a.insert)(found(a, x if key is None else call(key)(x), lo, hi, key=key), x)

    return insert


_LEFT, _RIGHT = _find(bisect.bisect_left, behind=False), _find(bisect.bisect_right, behind=True)

BISECTIONS: dict[Any, Callable[..., Any]] = {
    bisect.bisect_left: _LEFT, bisect.bisect_right: _RIGHT,
    bisect.insort_left: _insert(_LEFT), bisect.insort_right: _insert(_RIGHT),
}  # fmt: skip

__all__ = ["BISECTIONS"]
