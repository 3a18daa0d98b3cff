"""Where in an attempt the program is: which loops and branches it has entered, and how far it is in each block.

Each block of the user's program that becomes a region is a ``Level``. What happens in a block has numbers in the order in which it
is traced: its loops and branches, and the places where it may fail. So a path leads to the same place whenever the block is traced
anew: ``(3, "then"), (0, "body"), 2`` is what has number 2 in the body of the loop that has number 0 in the branch that has number 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .context import Scope, active_trace, user_frame
from .mutation import outdated_by, outer_changes, remember
from .unbound import State

RAISES = "raises"
"""The end of a path to a branch that raises an exception itself."""

Path = tuple[Any, ...]


@dataclass(slots=True)
class Level:
    """One run of a block, entered at a place; ``trips`` are the iterations before, if it is a loop's.

    It remembers the last place where the program may fail, and what could be seen of it there.
    """

    place: Any
    trips: Any = None
    scope: Scope = field(default_factory=lambda: active_trace().scope)
    count: int = 0
    last: tuple[Any, Moment] | None = None

    def next(self) -> int:
        """The number of what happens now."""
        self.count += 1
        return self.count - 1


class Moment:
    """What the program has done before something happens in a block: the function that runs, with its variables, and effects."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.frame = user_frame()
        self.variables = {} if self.frame is None else dict(self.frame.f_locals)
        self.effects = active_trace().effects

    def follows(self, other: Moment) -> bool:
        """Whether nothing could be seen to happen since another moment."""
        is_next = self.number == other.number + 1 and self.frame is other.frame and self.effects == other.effects
        return is_next and self.variables.keys() == other.variables.keys() and all(
            value is other.variables[name] for name, value in self.variables.items()
        )  # fmt: skip


@contextmanager
def entered(place: Any, trips: Any = None) -> Iterator[None]:
    """While a block is run; an exception that leaves it is known to come from there."""
    trace = active_trace()
    trace.levels.append(Level(place, trips))
    try:
        yield
    except Exception as error:
        trace.raised = error, tuple(level.place for level in trace.levels)
        for attempt in trace.attempts:
            attempt.note_raised(trace.raised[1], error)
        raise
    finally:
        trace.levels.pop()


class Fork:
    """A loop or branch that is about to become a part of the program, and, in an attempt, its number."""

    def __init__(self) -> None:
        trace = active_trace()
        is_followed = trace.levels and trace.levels[-1].scope is trace.scope
        self.number = trace.levels[-1].next() if is_followed else None
        self.trips: Any = 0  # iterations made, where it is asked where the program fails

    def taken(self, *ways: str) -> tuple[Any, str] | None:
        """The attempt that is known to fail in one of the blocks, if there is any, and in which."""
        if self.number is None:
            return None
        found = ((attempt, way) for attempt in active_trace().attempts for way in ways if attempt.leads((self.number, way)))
        return next(found, None)

    def around(self, way: str, block: Callable[..., State]) -> Callable[..., State]:
        """A block that is known by its place."""
        if self.number is None:
            return block

        def run(*arguments: Any) -> State:
            with entered((self.number, way)):
                return block(*arguments)

        return run

    def repeated(self, way: str, block: Callable[..., Any], trips: Any = None) -> Callable[..., Any]:
        """A block of a loop that is known by its place, and by the iterations before, which are counted where these are not given."""
        if self.number is None:
            return block

        def run(*arguments: Any) -> Any:
            with entered((self.number, way), self.trips if trips is None else trips):
                outcome = block(*arguments)
            if way == "body" and active_trace().recording:
                remember(self, "attribute", "trips")
                self.trips = self.trips + 1
            return outcome

        return run


def has_effects() -> bool:
    """Whether anything that is seen from outside is done between the start of the last block and here, in regions that are no blocks."""
    trace = active_trace()
    scope = trace.scope
    while scope is not trace.levels[-1].scope:
        if scope.written or outer_changes(scope) or outdated_by(scope):
            return True
        assert scope.parent is not None
        scope = scope.parent
    return False
