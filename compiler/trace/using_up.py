"""Python's own iterators, which move on when they are asked for an item: they may do so only where each run of the program does.

A region is traced as often as it takes. So an iterator that a traced function makes is asked for items in the scope alone in which it was
made. One that it finds outside of itself moves on while it is traced, like all that is not a part of the program.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import UnsupportedError
from .context import NotStaged, active_trace


def made_here(iterator: Any) -> Any:
    """The iterator, of which is noted that it was made in the current scope."""
    active_trace().iterators[id(iterator)] = iterator, active_trace().scope
    return iterator


def use(iterable: Any) -> None:
    """Refuse to ask an iterator for items where a region would do so at another time, or more often, than the program."""
    if not isinstance(iterable, Iterator):
        return
    trace = active_trace()
    if id(iterable) not in trace.iterators:
        return
    _, scope = trace.iterators[id(iterable)]
    if scope is None:
        raise UnsupportedError(
            f"an iterator ({type(iterable).__name__}) is used again, and how many items were taken from it before is known only when the program "
            "runs; make a list or array of the items, and take them by index"
        )
    if scope is trace.scope:
        return
    raise NotStaged(
        f"a loop or branch that depends on values known only when the program runs takes items from an iterator ({type(iterable).__name__}) that "
        "was made before it; make a list or array of the items, and take them by index"
    )


def lose(iterable: Any) -> None:
    """Note that only the run knows how many items were taken."""
    if isinstance(iterable, Iterator):
        active_trace().iterators[id(iterable)] = iterable, None


__all__ = ["lose", "made_here", "use"]
