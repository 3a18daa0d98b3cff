"""What integer scalars are, as far as polynomials say it: positions in arrays, for one.

In: the equations of a function, in order. Out: a ``Dim`` for each i64 scalar. Its symbols are sizes, numbers of iterations made so far, and what
is not known further; of some the least value is known, so that many positions are seen not to be negative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

from .function import Equation, Function, Var
from .sizes import Dim, Size, single_symbol, substitute, symbol
from .types import I64, ArrayType

_INDEX = ArrayType(I64)
_LARGE = 2**32  # products with larger numbers may be meant to wrap around
ORDERS = {"lt": (True, False), "le": (True, True), "gt": (False, False), "ge": (False, True)}  # less?, or equal?
COMPARISONS = frozenset((*ORDERS, "eq", "ne"))


class Integers:
    """The integers of one function or region."""

    def __init__(self, least: Mapping[str, int], fresh: Iterator[int]) -> None:
        self.least = dict(least)  # the smallest value of a symbol, where there is one
        self.fresh = fresh
        self.values: dict[Var, Dim] = {}
        self.bound: dict[str, Dim] = {}  # what symbols stand for
        self.negative: dict[Var, Var] = {}  # tests, and what they find negative
        self.iteration = ""  # of a loop's body: the symbol for the iterations before, or those that remain

    @classmethod
    def of(cls, function: Function) -> Integers:
        """Those of a whole program, whose sizes are never negative."""
        shapes = [p.type.shape for p in function.parameters if isinstance(p.type, ArrayType)]
        sizes = [name for shape in shapes for dim in shape if (name := single_symbol(dim)) is not None]
        return cls(dict.fromkeys(sizes, 0), count())

    def unknown(self) -> Size:
        """A symbol for a number about which nothing is known."""
        return symbol(f"#{next(self.fresh)}")

    def of_var(self, var: Var) -> Dim:
        """What a variable is."""
        return self.values.setdefault(var, self.unknown())

    def is_natural(self, dim: Dim) -> bool:
        """Whether a number is surely not negative."""
        if not isinstance(dim, Size):
            return dim >= 0
        shifted = substitute(dim, {name: symbol(name) + low for name, low in self.least.items()})
        if not isinstance(shifted, Size):
            return shifted >= 0
        return all(
            0 < c < _LARGE and len(monomial) <= 2 and all(atom in self.least for atom in monomial)
            for monomial, c in shifted.terms
        )

    def outcome(self, equation: Equation) -> bool | None:
        """The result of a comparison of integers, if that is known."""
        if equation.op not in COMPARISONS or equation.operands[0].type != _INDEX:
            return None
        x, y = map(self.of_var, equation.operands)
        if equation.op in ("eq", "ne"):
            equal = x - y == 0
            return equal is (equation.op == "eq") if equal or self.is_natural(x - y - 1) or self.is_natural(y - x - 1) else None
        less, allowed = ORDERS[equation.op]
        smaller, larger = (x, y) if less else (y, x)
        if self.is_natural(larger - smaller - (0 if allowed else 1)):
            return True
        return False if self.is_natural(smaller - larger - (1 if allowed else 0)) else None

    def learn(self, equation: Equation) -> None:
        """Note what an equation computes."""
        if equation.op == "bind_size":
            self.bound[equation["symbol"]] = self.of_var(equation.operands[0])
        if len(equation.results) != 1:
            return
        x = equation.operands
        match equation.op:
            case "lt" if x[1].type == _INDEX and self.of_var(x[1]) == 0:
                self.negative[equation.result] = x[0]
        if equation.result.type != _INDEX:
            return
        match equation.op:
            case "constant" | "size":
                self.values[equation.result] = substitute(equation["value"], self.bound)
            case "add":
                self.values[equation.result] = self.of_var(x[0]) + self.of_var(x[1])
            case "sub":
                self.values[equation.result] = self.of_var(x[0]) - self.of_var(x[1])
            case "mul":
                self.values[equation.result] = self.of_var(x[0]) * self.of_var(x[1])
            case "neg":
                self.values[equation.result] = -self.of_var(x[0])
            case "maximum" if self.is_natural(self.of_var(x[0]) - self.of_var(x[1])):
                self.values[equation.result] = self.of_var(x[0])
            case "wrap_index" if self.is_natural(self.of_var(x[0])):
                self.values[equation.result] = self.of_var(x[0])
            case "select" if self.negative.get(x[0]) == x[2] and self.is_natural(self.of_var(x[2])):
                self.values[equation.result] = self.of_var(x[2])

    def enter(self, equation: Equation, region: Function) -> Integers:
        """Those of a region of an equation, which gets to know its parameters."""
        inner = Integers(self.least, self.fresh)
        inner.bound = dict(self.bound)
        if equation.op == "cond":
            given = zip(region.parameters, equation.operands[1:], strict=True)
        elif equation.op == "loop":
            self._iterate(equation, inner, region.parameters[0], len(equation.regions) == 1)
            given = zip(region.parameters[1 : 1 + equation["consts"]], equation.operands[2:], strict=False)
        else:
            return inner
        inner.values.update((p, self.of_var(v)) for p, v in given if v.type == _INDEX)
        return inner

    def _iterate(self, loop: Equation, inner: Integers, index: Var, is_entered: bool) -> None:
        """Note what the index of a loop is, and that there is an iteration at all."""
        start, stop, step = self.of_var(loop.operands[0]), self.of_var(loop.operands[1]), loop["step"]
        distance, low = (stop - start, start) if step > 0 else (start - stop, stop + 1)
        if is_entered and isinstance(distance, Size):
            constant = sum(c for monomial, c in distance.terms if not monomial)
            name = single_symbol(distance - constant)
            if name is not None:
                inner.least[name] = max(inner.least.get(name, 1 - constant), 1 - constant)
        made = inner.unknown()
        inner.iteration = str(made)
        inner.least[inner.iteration] = 0
        inner.values[index] = low + (step * made if step > 0 else made)
