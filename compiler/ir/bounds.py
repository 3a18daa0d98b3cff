"""Bounds of integers that are known at run time only, and what follows from them.

In: symbols, each with a least and a greatest value in terms of older ones. Out: whether a dim is never negative.

>>> bounds = Bounds()
>>> n = bounds.add("n", 0)
>>> i = bounds.add("i", 0, n - 1)
>>> bounds.nonnegative(n - i - 1), bounds.nonnegative(i - 1)
(True, False)
"""

from __future__ import annotations

from .sizes import Call, Dim, Size, symbol

MOST_BOUNDS = 64  # that are looked at to prove one relation


class Bounds:
    """Symbols in the order in which they were added, with their bounds."""

    def __init__(self) -> None:
        self._limits: dict[str, tuple[Dim | None, Dim | None]] = {}  # inclusive
        self._ages: dict[str, int] = {}
        self._known: dict[Dim, bool] = {}  # what was asked before: whether a dim is never negative

    def add(self, name: str, low: Dim | None = None, high: Dim | None = None) -> Size:
        """A symbol that lies between two dims of older symbols, both included."""
        self._ages[name] = len(self._ages)
        self._limits[name] = (low, high)
        return symbol(name)

    def limits(self, name: str) -> tuple[Dim | None, Dim | None]:
        """The least and the greatest value of a symbol, as far as they were given."""
        return self._limits.get(name, (None, None))

    def nonnegative(self, dim: Dim) -> bool:
        """Whether a dim is surely never negative."""
        if isinstance(dim, int):
            return dim >= 0
        if dim not in self._known:
            self._known[dim] = any(isinstance(bound, int) and bound >= 0 for bound in self.lower_bounds(dim))
        return self._known[dim]

    def lower_bounds(self, dim: Dim) -> list[Dim]:
        """Expressions that are never larger than the dim: each replaces the latest atom of the one before by its bound.

        Bounds are made of older symbols, so what replaces an atom may cancel against what is left, and not the other way round.
        """
        found, waiting = [dim], [dim]
        while waiting and len(found) < MOST_BOUNDS:
            for bound in self._without_latest(waiting.pop(0)):
                if bound not in found:
                    found.append(bound)
                    waiting.append(bound)
        return found

    def _without_latest(self, dim: Dim) -> list[Dim]:
        """Lower bounds of a dim in which the atom that was made last is replaced, where it occurs in the first term that has it."""
        terms = [] if isinstance(dim, int) else [(max(m, key=self._age), m, c) for m, c in dim.terms if m]
        if not terms:
            return []
        latest, monomial, coefficient = max(terms, key=lambda term: self._age(term[0]))
        others = list(monomial)
        others.remove(latest)
        if not all(map(self._atom_nonnegative, others)):
            return []
        factor = Size(((tuple(others), coefficient),)) if others else coefficient
        rest = dim - Size(((monomial, coefficient),))
        return [rest + bound * factor for bound in self._atom_bounds(latest, lower=coefficient > 0)]

    def _age(self, atom: str | Call) -> tuple[int, int]:
        """A larger pair for an atom made later: by its newest symbol, and a call after what it is made of."""
        if isinstance(atom, str):
            return self._ages[atom], 0
        parts = [a for o in atom.operands if isinstance(o, Size) for m, _ in o.terms for a in m]
        ages = [self._age(part) for part in parts]
        return max(age[0] for age in ages), 1 + max(age[1] for age in ages)

    def _atom_nonnegative(self, atom: str | Call) -> bool:
        return any(isinstance(b, int) and b >= 0 for b in self._atom_bounds(atom, lower=True))

    def _atom_bounds(self, atom: str | Call, lower: bool) -> list[Dim]:
        if isinstance(atom, str):
            bound = self._limits.get(atom, (None, None))[0 if lower else 1]
            return [] if bound is None else [bound]
        left, right = atom.operands
        match atom.function, lower:
            case ("min", False) | ("max", True):
                return [left, right]
            case "max", False:
                return self._common(left, right, upper=True)
            case "min", True:
                return self._common(left, right, upper=False)
            case "mod", True:
                return [0] if isinstance(right, int) and right > 0 else []
            case "mod", False:
                return [right - 1] if isinstance(right, int) and right > 0 else []
            case "floordiv", True if isinstance(right, int) and right > 0 and self.nonnegative(left):
                return [0]
            case "floordiv", False if isinstance(right, int) and right > 0 and self.nonnegative(left):
                return [left]
        return []

    def _common(self, left: Dim, right: Dim, upper: bool) -> list[Dim]:
        """A bound of both operands, where one is known to lie beyond the other."""
        for a, b in ((left, right), (right, left)):
            if self.nonnegative(a - b if upper else b - a):
                return [a]
        if not upper and self.nonnegative(left) and self.nonnegative(right):
            return [0]
        return []
