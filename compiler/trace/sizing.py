"""What is known of the symbols of sizes, and how questions about them are answered.

A symbol that comes from an argument's shape has a *hint*: its value in the call that is being traced. A question that cannot
be answered for all values is answered for the hint, and the answer becomes a guard: the program is used only where it
holds. Symbols that stand for numbers inside the program (a loop's index, an integer argument) have no hint but may
have bounds; what cannot be proved of them is checked at run time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..ir import Dim, Guard, Size
from ..ir.bounds import Bounds
from ..ir.sizes import evaluate, maximum, minimum, symbols

if TYPE_CHECKING:
    from .context import Trace


class Sizing:
    """The symbols of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.hints: dict[str, int] = {}
        self.bounds = Bounds()

    def axis(self, name: str, hint: int) -> Dim:
        """A symbol for an axis of an argument."""
        unique = self.trace.unique(name)
        self.hints[unique] = hint
        return self.bounds.add(unique, 0)

    def dynamic(self, name: str, low: Dim | None = None, high: Dim | None = None) -> Size:
        """A symbol whose value is computed by the program."""
        return self.bounds.add(self.trace.unique(name), low, high)

    def hint(self, dim: Dim) -> int | None:
        """The value of a dim in the traced call, if its symbols all come from arguments' shapes."""
        if symbols(dim) <= self.hints.keys():
            return evaluate(dim, self.hints)
        return None

    def is_static(self, dim: Dim) -> bool:
        """Whether a dim depends on arguments' shapes only."""
        return symbols(dim) <= self.hints.keys()

    def text(self, dim: Dim) -> str:
        """A dim for messages: its value in this call where there is one; else names, without the numbers that tracing gave them."""
        hint = self.hint(dim)
        return re.sub(r"(_\d+)+\b", "", str(dim)) if hint is None else str(hint)

    def shape_text(self, shape: tuple[Dim, ...]) -> str:
        """A shape for messages."""
        inner = ", ".join(self.text(dim) for dim in shape)
        return f"({inner},)" if len(shape) == 1 else f"({inner})"

    def decide(self, left: Dim, relation: str, right: Dim) -> bool | None:
        """Whether a relation holds: proved, or true of the hints and guarded from here on; None if it cannot be told."""
        difference = left - right
        if isinstance(difference, int):
            return Guard(difference, relation, 0).holds({})
        proved = self._prove(difference, relation)
        if proved is not None:
            return proved
        if self.is_static(difference):
            return (
                self._guard(*_sides(difference), relation) if not self.is_static(left) else self._guard(left, right, relation)
            )
        for bound in self._reductions(difference, relation):
            if self._is_true_of_hints(bound):
                self._guard(bound, 0, ">=")
                return True
        return None

    def pin(self, dim: Dim) -> int | None:
        """The number that a dim is in the traced call, guarded; None if it is known at run time only."""
        if isinstance(dim, int):
            return dim
        hint = self.hint(dim)
        if hint is not None:
            self.decide(dim, "==", hint)
        return hint

    def clamp(self, dim: Dim, low: Dim, high: Dim) -> Dim:
        """max(low, min(dim, high)), simplified by what is known."""
        upper = self.decide(dim, "<=", high)
        clipped = dim if upper else high if upper is False else minimum(dim, high)
        lower = self.decide(clipped, ">=", low)
        return clipped if lower else low if lower is False else maximum(clipped, low)

    def proves(self, left: Dim, relation: str, right: Dim) -> bool:
        """Whether a relation holds whatever the sizes are."""
        return self._prove(left - right, relation) is True

    def at_least_zero(self, dim: Dim) -> Dim:
        """max(dim, 0), simplified by what is known."""
        enough = self.decide(dim, ">=", 0)
        return dim if enough else 0 if enough is False else maximum(dim, 0)

    def larger(self, one: Dim, other: Dim) -> Dim:
        """A size that is at least as large as either of two."""
        return one if self.proves(one, ">=", other) else other if self.proves(other, ">=", one) else maximum(one, other)

    def upper_bounds(self, dim: Dim) -> list[Dim]:
        """Expressions that are never smaller than the dim, itself first, in terms of ever older symbols."""
        return [-bound for bound in self.bounds.lower_bounds(-dim)]

    def _guard(self, left: Dim, right: Dim, relation: str) -> bool:
        from .context import user_line

        guard = Guard(left, relation, right, user_line())
        holds = guard.holds(self.hints)
        if not holds:
            opposite = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<="}[relation]
            guard = Guard(left, opposite, right, user_line())
        guards = self.trace.root.builder.guards
        if guard not in guards:
            guards.append(guard)
        return holds

    def _is_true_of_hints(self, dim: Dim) -> bool:
        hint = self.hint(dim)
        return hint is not None and hint >= 0

    def _prove(self, difference: Dim, relation: str) -> bool | None:
        match relation:
            case ">=":
                return (
                    True if self.bounds.nonnegative(difference) else False if self.bounds.nonnegative(-difference - 1) else None
                )
            case ">":
                return self._prove(difference - 1, ">=")
            case "<=":
                return self._prove(-difference, ">=")
            case "<":
                return self._prove(-difference - 1, ">=")
            case "==":
                apart = self.bounds.nonnegative(difference - 1) or self.bounds.nonnegative(-difference - 1)
                return False if apart else None
            case _:
                equal = self._prove(difference, "==")
                return None if equal is None else not equal

    def _reductions(self, difference: Dim, relation: str) -> list[Dim]:
        """Lower bounds of what must be >= 0 for the relation, in terms of arguments' sizes only."""
        goal = {">=": difference, ">": difference - 1, "<=": -difference, "<": -difference - 1}.get(relation)
        if goal is None:
            return []
        return [bound for bound in self.bounds.lower_bounds(goal) if self.is_static(bound)]


def _sides(difference: Size) -> tuple[Dim, Dim]:
    """Two dims without negative terms, whose difference this is."""
    left: Dim = 0
    right: Dim = 0
    for term in difference.terms:
        part = Size((term,)) if term[0] else term[1]
        if term[1] > 0:
            left = left + part
        else:
            right = right - part
    return left, right
