"""Counting: how many iterations a loop makes, and how long its lists become, is found by a run of it of which nothing else is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir import Dim
from .blocks import snapshot
from .branches import emit_cond
from .context import active_trace
from .mutation import remember
from .promotion import as_tracer
from .tracer import Tracer, new, python_size
from .trials import Trial, tried
from .unbound import State


@dataclass(slots=True, eq=False)
class Trips:
    """Counts the iterations of a loop, and fails a trial where the next one may add more to some lists than there is room for."""

    tried: Sequence[Any]  # how these lists grow
    number: Any = 0

    def around(self, body: Callable[..., State]) -> Callable[..., State]:
        """A loop's body that counts."""

        def counting(*arguments: Any) -> State:
            remember(self, "attribute", "number")
            self.number = self.number + 1
            outcome = body(*arguments)
            for growth in self.tried:
                if growth.each is not None:
                    growth.thing.leave_room(python_size(growth.each))
            return outcome

        return counting


def counted(run: Callable[[Trial | None], list[Any]], count: int, least: Dim | None, state: State) -> list[Any]:
    """The numbers, so many, that a run of some of the program finds from a state; before them the room that it needs, ``least`` or more.

    With ``least`` None it needs none.
    """
    trace = active_trace()
    pushed = [(thing, thing.pushed) for thing in trace.growing]
    trace.counting += 1
    try:
        if least is None:
            return [0, *map(as_size, _and_nothing_else(lambda: run(None), state))]
        found = tried(lambda trial: _and_nothing_else(lambda: [*run(trial), trial.has_failed], state), count, least)
        return [as_size(number) for number in found]
    finally:
        trace.counting -= 1
        for thing, before in pushed:
            thing.pushed = before


def _and_nothing_else(run: Callable[[], list[Any]], state: State) -> list[Tracer]:
    """The numbers that a run finds, without anything else that it does."""
    with snapshot(state), active_trace().open_scope() as scope:
        numbers = [scope.resolve(as_tracer(number).value) for number in run()]
    with active_trace().open_scope() as otherwise:
        none = [otherwise.builder.zeros(number.type) for number in numbers]
    return [new(number, weak=True) for number in emit_cond(as_tracer(np.bool_(True)), [(scope, numbers), (otherwise, none)])]


def as_size(number: Any) -> Any:
    """A number that is not negative, as a size."""
    trace = active_trace()
    symbol = trace.sizing.dynamic("length", 0)
    trace.emit("bind_size", as_tracer(number).value, symbol=str(symbol))
    return python_size(symbol)
