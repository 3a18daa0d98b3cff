"""Runs of a loop that are tried with room for so many items in its lists, and again with twice as much where that was not enough.

A trial that has failed runs on to its end with values that mean nothing. So its ``while`` loops end there, and it raises no errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..ir import Dim, Var
from ..ir.sizes import maximum
from .context import active_trace
from .elementwise import elementwise
from .loops import staged_loop
from .mutation import remember
from .tracer import Tracer, new, python_size

LEAST_ROOM = 16


@dataclass(slots=True, eq=False)
class Trial:
    """A run with room for so many items in each list, besides those that are in it before the loop."""

    room: Any
    has_failed: Any = False

    def fail_if(self, is_larger: Any) -> None:
        """Fail where a list becomes larger than there is room for."""
        remember(self, "attribute", "has_failed")
        self.has_failed = elementwise("or", self.has_failed, is_larger)

    def excuse(self, op: str, operands: tuple[Var, ...]) -> tuple[Var, ...]:
        """The operands of an op that may raise an error, so that it raises none once the trial has failed."""
        if not isinstance(self.has_failed, Tracer) or op not in ("check", "wrap_index"):
            return operands
        first = new(operands[0])
        if op == "check":
            return elementwise("or", self.has_failed, first).value, *operands[1:]
        return (elementwise("select", self.has_failed, 0, first).value,)


def tried(run: Callable[[Trial], Sequence[Any]], count: int, least: Dim) -> list[Any]:
    """The room with which a run succeeds, ``least`` at first, and the numbers that it finds; ``run`` gives so many and whether it failed."""

    def attempt(room: Any, *_: Any) -> tuple[Any, ...]:
        trace, trial = active_trace(), Trial(room)
        trace.trials.append(trial)
        try:
            *found, has_failed = run(trial)
        finally:
            trace.trials.pop()
        return elementwise("select", has_failed, 2 * room, room), has_failed, *found

    state = (python_size(maximum(LEAST_ROOM, least)), True, *[0] * count)
    names = ("the room of a list", "whether it is too small", *["what is counted"] * count)
    room, _, *found = staged_loop(None, attempt, state, names, lambda room, has_failed, *_: unless_failed(has_failed))
    return [room, *found]


def unless_failed(going: Any) -> Any:
    """Whether a ``while`` loop goes on, by its test, unless a trial has failed of which it is a part."""
    for trial in active_trace().trials:
        if isinstance(going, Tracer) and isinstance(trial.has_failed, Tracer):
            going = new(elementwise("and", going, elementwise("not", trial.has_failed)).value)
    return going
