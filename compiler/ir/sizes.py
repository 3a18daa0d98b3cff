"""Sizes: integer expressions over symbols whose values are known at run time only.

A ``Dim`` is an ``int`` or a ``Size``. A ``Size`` is a polynomial with integer coefficients over atoms; an atom is a
symbol (``n``) or a call that a polynomial cannot express (``n//2``, ``n%2``, ``min(n, m)``, ``max(n, m)``). Polynomials are
kept in one canonical form, so equal sizes compare equal; a constant polynomial is always a plain ``int``.

>>> n = symbol("n")
>>> n * 2 + n - 1
3*n - 1
>>> (n + 1) - n
1
>>> (n // 2).evaluate({"n": 7})
3
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union

from ..syntax import parse_expression

Dim = Union[int, "Size"]

_CALLS: dict[str, Callable[[int, int], int]] = {
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "min": min,
    "max": max,
}


@dataclass(frozen=True, slots=True)
class Call:
    """An integer function of two dims that no polynomial expresses."""

    function: str
    operands: tuple[Dim, Dim]

    def __str__(self) -> str:
        left, right = self.operands
        if self.function in ("min", "max"):
            return f"{self.function}({left}, {right})"
        sign = "//" if self.function == "floordiv" else "%"
        return f"{_grouped(left)}{sign}{_grouped(right)}"

    def evaluate(self, values: Mapping[str, int]) -> int:
        left, right = (evaluate(operand, values) for operand in self.operands)
        return _CALLS[self.function](left, right)


Atom = str | Call
Monomial = tuple[Atom, ...]


@dataclass(frozen=True, slots=True, eq=True)
class Size:
    """A polynomial: pairs of a monomial (its sorted atoms) and a non-zero coefficient, sorted."""

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Dim) -> Dim:
        return _collect([*self.terms, *_terms(other)])

    def __sub__(self, other: Dim) -> Dim:
        return self + (other * -1)

    def __rsub__(self, other: int) -> Dim:
        return (self * -1) + other

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int) and other:
            return Size(tuple((monomial, c * other) for monomial, c in self.terms))
        return _collect([(a + b, c * d) for a, c in self.terms for b, d in _terms(other)])

    def __neg__(self) -> Dim:
        return self * -1

    __radd__ = __add__
    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        quotient = _exact_quotient(self, other)
        return quotient if quotient is not None else _call("floordiv", self, other)

    def __mod__(self, other: Dim) -> Dim:
        return 0 if _exact_quotient(self, other) is not None else _call("mod", self, other)

    def __rfloordiv__(self, other: int) -> Dim:
        return 0 if other == 0 else _call("floordiv", other, self)

    def __rmod__(self, other: int) -> Dim:
        return 0 if other == 0 else _call("mod", other, self)

    def __str__(self) -> str:
        parts = [_term_text(monomial, coefficient) for monomial, coefficient in self.terms]
        return (
            "".join(parts).removeprefix(" + ").replace(" - ", "-", 1)
            if parts[0].startswith(" - ")
            else "".join(parts).removeprefix(" + ")
        )

    __repr__ = __str__

    def evaluate(self, values: Mapping[str, int]) -> int:
        """The integer that this size is when symbols have the given values."""
        total = 0
        for monomial, coefficient in self.terms:
            product = coefficient
            for atom in monomial:
                product *= values[atom] if isinstance(atom, str) else atom.evaluate(values)
            total += product
        return total

    def symbols(self) -> frozenset[str]:
        """The names of all symbols that occur."""
        return frozenset(_symbols(self))

    def substitute(self, values: Mapping[Any, Dim]) -> Dim:
        """Replace symbols, or calls, by dims."""
        total: Dim = 0
        for monomial, coefficient in self.terms:
            product: Dim = coefficient
            for atom in monomial:
                product = product * _substitute_atom(atom, values)
            total = total + product
        return total


def symbol(name: str) -> Size:
    """The size that is just this symbol."""
    return Size((((name,), 1),))


def minimum(left: Dim, right: Dim) -> Dim:
    """The smaller of two dims, simplified where their difference is a number."""
    difference = left - right
    if isinstance(difference, int):
        return left if difference <= 0 else right
    return _call("min", left, right)


def maximum(left: Dim, right: Dim) -> Dim:
    """The larger of two dims, simplified where their difference is a number."""
    difference = left - right
    if isinstance(difference, int):
        return left if difference >= 0 else right
    return _call("max", left, right)


def evaluate(dim: Dim, values: Mapping[str, int]) -> int:
    """The integer value of a dim."""
    return dim.evaluate(values) if isinstance(dim, Size) else dim


def substitute(dim: Dim, values: Mapping[Any, Dim]) -> Dim:
    """Replace symbols, or calls, in a dim."""
    if (name := single_symbol(dim)) is not None:
        return values.get(name, dim)
    return dim.substitute(values) if isinstance(dim, Size) else dim


def symbols(dim: Dim) -> frozenset[str]:
    """The symbols that occur in a dim."""
    if (name := single_symbol(dim)) is not None:
        return frozenset((name,))
    return dim.symbols() if isinstance(dim, Size) else frozenset()


def product(dims: tuple[Dim, ...]) -> Dim:
    """The number of elements of an array with these dims."""
    total: Dim = 1
    for dim in dims:
        total = total * dim
    return total


def single_symbol(dim: Dim) -> str | None:
    """The symbol's name if the dim is nothing but one symbol."""
    match dim:
        case Size(terms=(((str() as name,), 1),)):
            return name
    return None


def parse_dim(text: str) -> Dim:
    """Read a dim from its text."""
    return dim_of_syntax(parse_expression(text.strip()))


def dim_of_syntax(node: ast.expr) -> Dim:
    """Read a dim from a Python expression."""
    match node:
        case ast.Constant(value=int() as value):
            return value
        case ast.Name(id=name):
            return symbol(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -dim_of_syntax(operand)
        case ast.Call(func=ast.Name(id="min"), args=[left, right]):
            return minimum(dim_of_syntax(left), dim_of_syntax(right))
        case ast.Call(func=ast.Name(id="max"), args=[left, right]):
            return maximum(dim_of_syntax(left), dim_of_syntax(right))
        case ast.BinOp(left=left, op=operator, right=right):
            a, b = dim_of_syntax(left), dim_of_syntax(right)
            match operator:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.FloorDiv():
                    return a // b
                case ast.Mod():
                    return a % b
    raise ValueError(f"not a size: {ast.unparse(node)}")


def _terms(dim: Dim) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(dim, Size):
        return dim.terms
    return (((), int(dim)),)


def _collect(terms: list[tuple[Monomial, int]]) -> Dim:
    sums: dict[Monomial, int] = {}
    for monomial, coefficient in terms:
        key = monomial if len(monomial) < 2 else tuple(sorted(monomial, key=str))
        sums[key] = sums.get(key, 0) + coefficient
    kept = [(m, c) for m, c in sums.items() if c]
    if len(kept) > 1:
        kept.sort(key=_term_order)
    if not kept:
        return 0
    if len(kept) == 1 and kept[0][0] == ():
        return kept[0][1]
    return Size(tuple(kept))


def _term_order(term: tuple[Monomial, int]) -> tuple[int, str]:
    return (-len(term[0]), "*".join(map(str, term[0])))


def _call(function: str, left: Dim, right: Dim) -> Dim:
    if isinstance(left, int) and isinstance(right, int):
        return _CALLS[function](left, right)
    if function in ("min", "max") and str(right) < str(left):
        left, right = right, left
    return Size((((Call(function, (left, right)),), 1),))


def _exact_quotient(dividend: Size, divisor: Dim) -> Dim | None:
    """The quotient where every term is divisible by the (one-term) divisor, else None."""
    if isinstance(divisor, int):
        if divisor == 0 or any(c % divisor for _, c in dividend.terms):
            return None
        return _collect([(m, c // divisor) for m, c in dividend.terms])
    if dividend == divisor:
        return 1
    if len(divisor.terms) != 1:
        return None
    (atoms, coefficient) = divisor.terms[0]
    quotient = []
    for monomial, c in dividend.terms:
        rest = list(monomial)
        for atom in atoms:
            if atom not in rest:
                return None
            rest.remove(atom)
        if c % coefficient:
            return None
        quotient.append((tuple(rest), c // coefficient))
    return _collect(quotient)


def _substitute_atom(atom: Atom, values: Mapping[Any, Dim]) -> Dim:
    if atom in values:
        return values[atom]
    if isinstance(atom, str):
        return symbol(atom)
    left, right = (substitute(operand, values) for operand in atom.operands)
    match atom.function:
        case "floordiv":
            return left // right
        case "mod":
            return left % right
        case "min":
            return minimum(left, right)
        case _:
            return maximum(left, right)


def _symbols(dim: Dim) -> Iterator[str]:
    if isinstance(dim, Size):
        for monomial, _ in dim.terms:
            for atom in monomial:
                if isinstance(atom, str):
                    yield atom
                else:
                    yield from _symbols(atom.operands[0])
                    yield from _symbols(atom.operands[1])


def _term_text(monomial: Monomial, coefficient: int) -> str:
    sign = " - " if coefficient < 0 else " + "
    factors = [_factor_text(atom) for atom in monomial]
    if abs(coefficient) != 1 or not factors:
        factors.insert(0, str(abs(coefficient)))
    return sign + "*".join(factors)


def _factor_text(atom: Atom) -> str:
    text = str(atom)
    return text if isinstance(atom, str) or text.startswith(("min(", "max(")) else f"({text})"


def _grouped(dim: Dim) -> str:
    text = str(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"
