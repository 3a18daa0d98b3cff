"""The index values of a loop: how many there are, and the same ones in reverse order."""

from __future__ import annotations

from collections.abc import Mapping

from ..ir import Dim, Equation, Size, Var
from ..ir.sizes import Atom, maximum, minimum, product, single_symbol, symbol, symbols
from ..ir.types import I64
from ..ops import Builder
from .linear import DiffBuilder

Bounds = Mapping[str, tuple[Dim, Dim]]  # the least and the greatest value of a symbol


def known_dim(b: DiffBuilder, scalar: Var) -> Dim | None:
    """The size expression that an i64 scalar is, if its defining equation says so."""
    for name, holder in b.sizes.items():
        if holder == scalar:
            return symbol(name)
    e = b.definitions.get(scalar)
    if e is not None and e.op in ("constant", "size"):
        value: Dim = e["value"]
        return value
    if e is None or e.op not in ("add", "sub", "mul"):
        return None
    left, right = (known_dim(b, v) for v in e.operands)
    if left is None or right is None:
        return None
    return left + right if e.op == "add" else left - right if e.op == "sub" else left * right


def trip_count(b: DiffBuilder, loop: Equation) -> Dim | None:
    """How often a loop runs, as a size; None if only running it can tell."""
    start, stop = (known_dim(b, v) for v in loop.operands[:2])
    step = loop["step"]
    if start is None or stop is None or len(loop.regions) > 1:
        return None
    span = stop - start if step > 0 else start - stop
    count = span if abs(step) == 1 else (span + abs(step) - 1) // abs(step)
    natural = isinstance(count, int) or single_symbol(count) is not None
    return max(count, 0) if isinstance(count, int) else count if natural else maximum(count, 0)


def index_bounds(b: DiffBuilder, body: DiffBuilder, loop: Equation) -> Bounds:
    """The bounds of the sizes that the body binds to the loop's index."""
    start, stop = (known_dim(b, v) for v in loop.operands[:2])
    if start is None or stop is None:
        return {}
    least, greatest = (start, stop - 1) if loop["step"] > 0 else (stop + 1, start)
    return {name: (least, greatest) for name, scalar in body.sizes.items() if scalar == body.parameters[0]}


def upper_bound(dim: Dim, bounds: Bounds) -> Dim | None:
    """A dim that is never smaller and does not mention the symbols with bounds; None if none is found."""
    return _extreme(dim, True, bounds)


def lower_bound(dim: Dim, bounds: Bounds) -> Dim | None:
    """A dim that is never larger and does not mention the symbols with bounds; None if none is found."""
    return _extreme(dim, False, bounds)


def _extreme(dim: Dim, upper: bool, bounds: Bounds) -> Dim | None:
    if symbols(dim).isdisjoint(bounds) or not isinstance(dim, Size):
        return dim
    total: Dim = 0
    for monomial, coefficient in dim.terms:
        most = upper == (coefficient > 0)
        factors = [_extreme_atom(atom, most, bounds) for atom in monomial]
        # products of bounds bound the product if what is multiplied is not negative
        checked = [_extreme_atom(atom, False, bounds) for atom in monomial] if len(monomial) > 1 else []
        if None in factors or not all(f is not None and _is_natural(f) for f in checked):
            return None
        total = total + product(tuple(f for f in factors if f is not None)) * coefficient
    return total


def _extreme_atom(atom: Atom, upper: bool, bounds: Bounds) -> Dim | None:
    if isinstance(atom, str):
        return bounds[atom][upper] if atom in bounds else symbol(atom)
    left, right = (_extreme(operand, upper, bounds) for operand in atom.operands)
    if left is None or right is None or atom.function not in ("min", "max"):
        return None
    return maximum(left, right) if atom.function == "max" else minimum(left, right)


def _is_natural(dim: Dim) -> bool:
    """Whether a dim is surely not negative: a size, or max(0, ...)."""
    if isinstance(dim, int):
        return dim >= 0
    return all(coefficient > 0 and all(map(_is_natural_atom, monomial)) for monomial, coefficient in dim.terms)


def _is_natural_atom(atom: Atom) -> bool:
    if isinstance(atom, str):
        return True
    return atom.function == "max" and any(map(_is_natural, atom.operands))


def reversed_range(b: Builder, forward: DiffBuilder, loop: Equation) -> tuple[Var, Var]:
    """Start and stop of the loop that runs over the same indices, the last first; its step is the negative.

    With a test, the loop's first result is the number of iterations that were made.
    """
    start, stop = loop.operands[:2]
    step = loop["step"]
    known_start, known_stop = known_dim(forward, start), known_dim(forward, stop)
    if len(loop.regions) > 1:
        made = b.emit("sub", loop.results[0], _number(b, 1))
        last = _plus(b, _times(b, made, step), start, known_start)
    elif abs(step) == 1:
        last = _minus(b, stop, known_stop, step)
    else:
        span = b.emit("sub", b.emit("sub", stop, start), _number(b, 1 if step > 0 else -1))
        last = _plus(b, _times(b, b.emit("floor_divide", span, _number(b, step)), step), start, known_start)
    return last, _minus(b, start, known_start, step)


def _number(b: Builder, value: int) -> Var:
    number: Var = b.emit("constant", value=value, dtype=I64)
    return number


def _times(b: Builder, x: Var, step: int) -> Var:
    product: Var = x if step == 1 else b.emit("mul", x, _number(b, step))
    return product


def _plus(b: Builder, x: Var, start: Var, known: Dim | None) -> Var:
    total: Var = x if known == 0 else b.emit("add", x, start)
    return total


def _minus(b: Builder, x: Var, known: Dim | None, step: int) -> Var:
    if isinstance(known, int):
        return _number(b, known - step)
    difference: Var = b.emit("sub", x, _number(b, step)) if known is None else b.emit("size", value=known - step)
    return difference
