"""Functions of the IR: a flat list of equations in single assignment.

A ``Var`` is a typed name. Parameters carry the user's names; results of equations are ``%0``, ``%1``, ... in order. An
``Equation`` applies an op (by name; ``..ops`` says what it means) to variables, static attributes and regions. A region is
a closed ``Function``: what it needs from outside is passed to it as an operand. Symbols of sizes are the exception: a
region may mention every symbol that is bound in a function around it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .sizes import Dim, Size, evaluate, substitute, symbols
from .types import Type


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Where in the user's program something comes from."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def in_short(self) -> str:
        """The line with the name of its file alone: the same on all machines."""
        return f"{self.file.replace(chr(92), '/').rsplit('/', 1)[-1]}:{self.line}"


@dataclass(frozen=True, slots=True)
class Var:
    """A value: its name, unique within its function, and its type."""

    name: str
    type: Type

    def __hash__(self) -> int:
        return hash(self.name)  # quick: variables are looked up all the time, and a name is unique within a function

    def __str__(self) -> str:
        return self.name


Attributes = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """``results = op operands {attributes} (regions)``."""

    op: str
    operands: tuple[Var, ...]
    results: tuple[Var, ...]
    attributes: Attributes = ()
    regions: tuple[Function, ...] = ()
    source: SourceLine | None = field(default=None, compare=False)
    hint: str = field(default="", compare=False)  # the user's name for the result

    def __getitem__(self, attribute: str) -> Any:
        for name, value in self.attributes:
            if name == attribute:
                return value
        raise KeyError(attribute)

    def get(self, attribute: str, default: Any = None) -> Any:
        """The value of an attribute, or the default."""
        return dict(self.attributes).get(attribute, default)

    @property
    def result(self) -> Var:
        """The only result."""
        (result,) = self.results
        return result

    def replace(self, **changes: Any) -> Equation:
        """A copy with some fields changed; at half the time of `dataclasses.replace`, which passes would call ten thousand times."""
        kept = {name: getattr(self, name) for name in _FIELDS if name not in changes}
        return Equation(**kept, **changes)

    def walk(self) -> Iterator[Equation]:
        """The equation and those in its regions, outer before inner."""
        yield self
        for region in self.regions:
            yield from region.walk()

    def symbols(self) -> frozenset[str]:
        """All symbols in the result types, the attributes and the regions, whether bound or used there."""
        found: set[str] = set()
        for result in self.results:
            found |= result.type.symbols()
        for _, value in self.attributes:
            found |= attribute_symbols(value)
        for region in self.regions:
            found |= region.symbols()
        return frozenset(found)


_FIELDS = Equation.__slots__


@dataclass(frozen=True, slots=True)
class Guard:
    """A relation between two dims that the program takes for granted; checked at each call."""

    left: Dim
    relation: str  # "==", "!=", "<", "<=", ">", ">="
    right: Dim
    source: SourceLine | None = field(default=None, compare=False)

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether the relation is true when symbols have these values."""
        left, right = evaluate(self.left, values), evaluate(self.right, values)
        match self.relation:
            case "==":
                return left == right
            case "!=":
                return left != right
            case "<":
                return left < right
            case "<=":
                return left <= right
            case ">":
                return left > right
            case _:
                return left >= right

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"


@dataclass(frozen=True, slots=True)
class Function:
    """A program of the IR."""

    name: str
    parameters: tuple[Var, ...]
    equations: tuple[Equation, ...]
    results: tuple[Var, ...]
    guards: tuple[Guard, ...] = ()

    def replace(self, **changes: Any) -> Function:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def symbols(self) -> frozenset[str]:
        """All symbols mentioned anywhere within."""
        found: set[str] = set()
        for parameter in self.parameters:
            found |= parameter.type.symbols()
        for equation in self.equations:
            found |= equation.symbols()
        return frozenset(found)

    def walk(self) -> Iterator[Equation]:
        """All equations, those of regions included, outer before inner."""
        for equation in self.equations:
            yield from equation.walk()

    def __str__(self) -> str:
        from .text import function_text

        return function_text(self)


def attribute_symbols(value: Any) -> frozenset[str]:
    """The symbols of the dims inside an attribute's value."""
    if isinstance(value, Size):
        return symbols(value)
    if isinstance(value, tuple):
        return frozenset().union(*(attribute_symbols(item) for item in value))
    return frozenset()


def substitute_attribute(value: Any, values: Mapping[Any, Dim]) -> Any:
    """Replace symbols in the dims inside an attribute's value."""
    if isinstance(value, Size):
        return substitute(value, values)
    if isinstance(value, tuple):
        return tuple(substitute_attribute(item, values) for item in value)
    return value


def substitute_sizes(function: Function, values: Mapping[Any, Dim]) -> Function:
    """Replace symbols of sizes, or calls in them, everywhere in a function."""

    def var(v: Var) -> Var:
        return Var(v.name, v.type.substitute(values))

    def equation(e: Equation) -> Equation:
        return e.replace(
            operands=tuple(map(var, e.operands)),
            results=tuple(map(var, e.results)),
            attributes=tuple((name, substitute_attribute(value, values)) for name, value in e.attributes),
            regions=tuple(substitute_sizes(region, values) for region in e.regions),
        )

    guards = tuple(
        dataclasses.replace(g, left=substitute(g.left, values), right=substitute(g.right, values)) for g in function.guards
    )
    return Function(
        function.name,
        tuple(map(var, function.parameters)),
        tuple(map(equation, function.equations)),
        tuple(map(var, function.results)),
        tuple(dict.fromkeys(g for g in guards if not _always_holds(g))),
    )


def _always_holds(guard: Guard) -> bool:
    difference = guard.left - guard.right
    return isinstance(difference, int) and Guard(difference, guard.relation, 0).holds({})
