"""Reading elements from what loops and branches leave of an array, where they last (see ``lasting``), instead of saving them.

In: the forward equations of a loop's body or a branch, and what its backward equations read. Out: the cheapest plan. For an array
that the outermost loop leaves nothing is paid; one that is left in each iteration of a loop around would have to be saved there as
a whole, which is worth it only if much is read from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..ir import Equation, Var
from .linear import DiffBuilder
from .mirrored import mirrored
from .residuals import Plan, plan_residuals, weight
from .undoing import Undoing


@dataclass(frozen=True, slots=True)
class Lasting:
    """Elements of an array that may also be read from what is left of it later."""

    reading: Equation  # reads them from the array as it is now
    regions: int  # how many of the loops and branches around may end before


class Around(Protocol):
    """A loop or a branch around a region."""

    builder: DiffBuilder  # where it stands
    equation: Equation

    @property
    def runs(self) -> int:
        """A guess at how often the region runs, forward and backward."""

    def leaves(self, region: DiffBuilder, state: Var) -> Var | None:
        """What is left of an array when the region ends, from a state of it there."""


@dataclass(frozen=True, slots=True)
class _Readings:
    """What may be read from one array that is left."""

    price: float  # what one run of the region pays for the array
    instead: dict[Var, Equation] = field(default_factory=dict)


def plan_readings(
    b: DiffBuilder, backward: Sequence[Equation], results: Sequence[Var], outside: Sequence[Var]
) -> tuple[Plan, Undoing]:
    """The cheapest plan, and what it reads from arrays that are left."""
    reading = Undoing(instead=mirrored(b))
    plan = plan_residuals(b, backward, results, outside, reading)
    assert plan is not None
    for end, found in _readings(b).items():
        if found.price < plan.price:
            more = reading.reading({end: found.price}, found.instead)
            trial = plan_residuals(b, backward, results, outside, more)
            if trial is not None and trial.price < plan.price:
                plan, reading = trial, more
    return plan, reading


def _readings(b: DiffBuilder) -> dict[Var, _Readings]:
    """How elements that last may be read, by the array that is left."""
    found: dict[Var, _Readings] = {}
    for v, lasting in b.lasting.items():
        if v not in b.definitions or v in (b.free or ()):
            continue
        state, *starts = lasting.reading.operands
        left = itertools.islice(_left(b, state), lasting.regions)
        # not parameters: regions inside have others of the same names
        known = [(end, price) for around, end, price in left if end in around.definitions]
        if known:
            end, price = min(known, key=lambda pair: pair[1])
            found.setdefault(end, _Readings(price)).instead[v] = lasting.reading.replace(operands=(end, *starts))
    return found


def _left(b: DiffBuilder, state: Var) -> Iterator[tuple[DiffBuilder, Var, float]]:
    """What the innermost region leaves of an array, the one around it and so on.

    With each the region in which that is left, and the price of it for one run of the innermost.
    """
    runs = 1
    while b.around is not None:
        around, end = b.around, b.around.leaves(b, state)
        if end is None:
            return
        b, state, runs = around.builder, end, runs * around.runs
        yield b, end, 0.0 if b.free is None or end in b.free else b.prices.get(end, weight(end)) / runs
