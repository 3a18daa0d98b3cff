"""Names for long sizes: they are computed once, and whoever reads the emitted code sees what is as large as what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from ..ir import ArrayType, Dim, Equation, Function, Size, Var, symbol
from ..ir.function import substitute_sizes
from ..ir.sizes import Call, substitute, symbols
from ..ir.types import I64
from ..ops import renumber

LONG = 16  # characters


def name_sizes(function: Function) -> Function:
    """Bind a symbol to each minimum, maximum, quotient or remainder that is long and stands in several places.

    fn f(x: f64[n], y: f64[n]) -> (f64[max(0, n//2 - 1)]) {          fn f(x: f64[n], y: f64[n]) -> (f64[size]) {
      %0: f64[max(0, n//2 - 1)] = index x {...}                        %0: i64[] = size {value=max(0, n//2 - 1)}
      %1: f64[max(0, n//2 - 1)] = index y {...}                        bind_size %0 {symbol='size'}
      %2: f64[max(0, n//2 - 1)] = add %0 %1                            %1: f64[size] = index x {...}
      return %2                                                        ...
    }
    """
    given = {name for p in function.parameters for name in p.type.symbols()}
    known = given | {e["symbol"] for e in function.equations if e.op == "bind_size"}
    calls: Counter[Call] = Counter()
    for dim in _dims(function):
        _count(dim, calls)
    found = [call for call, times in calls.items() if times > 1 and len(str(call)) > LONG and symbols(_size(call)) <= known]
    if not found:
        return function
    taken = function.symbols()
    free = (name for k in count(1) if (name := "size" if k == 1 else f"size_{k}") not in taken)
    names: dict[Call, Dim] = {call: symbol(next(free)) for call in sorted(found, key=lambda call: len(str(call)))}
    meanings = {name: substitute(_size(call), {c: n for c, n in names.items() if c != call}) for call, name in names.items()}
    renamed = substitute_sizes(function, names)
    equations = _bound(renamed.equations, meanings, given)
    return renumber(renamed.replace(parameters=function.parameters, guards=function.guards, equations=equations))


def _size(call: Call) -> Size:
    return Size((((call,), 1),))


def _bound(equations: Sequence[Equation], meanings: dict[Dim, Dim], given: set[str]) -> tuple[Equation, ...]:
    """The equations, and those that bind names as soon as what they mean is known."""
    known, bound, waiting = set(given), [], dict(meanings)
    for e in (None, *equations):
        if e is not None:
            bound.append(e)
            known.add(e.get("symbol"))
        while ready := next((name for name, meaning in waiting.items() if symbols(meaning) <= known), None):
            number = Var(f"%{ready}", ArrayType(I64))
            bound.append(Equation("size", (), (number,), (("value", waiting.pop(ready)),)))
            bound.append(Equation("bind_size", (number,), (), (("symbol", str(ready)),)))
            known.add(str(ready))
    return tuple(bound)


def _dims(function: Function) -> Iterator[Dim]:
    """The sizes in a function, each as often as it stands there."""
    for e in function.equations:
        for result in e.results:
            yield from result.type.shape if isinstance(result.type, ArrayType) else ()
        for _, value in e.attributes:
            yield from _within(value)
        for region in e.regions:
            for p in region.parameters:
                yield from p.type.shape if isinstance(p.type, ArrayType) else ()
            yield from _dims(region)


def _within(value: Any) -> Iterator[Dim]:
    """The sizes in an attribute."""
    if isinstance(value, Size):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _within(item)


def _count(dim: Dim, calls: Counter[Call]) -> None:
    """Count the calls in a size; those inside of one that has a name are in one place."""
    for monomial, _ in dim.terms if isinstance(dim, Size) else ():
        for atom in monomial:
            if isinstance(atom, Call):
                calls[atom] += 1
                if calls[atom] == 1:
                    for operand in atom.operands:
                        _count(operand, calls)
