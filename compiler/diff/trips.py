"""The index values of a loop: how many there are, and the same ones in reverse order."""

from __future__ import annotations

from ..ir import Dim, Equation, Var
from ..ir.sizes import maximum, single_symbol, symbol
from ..ir.types import I64
from ..ops import Builder
from .linear import DiffBuilder


def known_dim(b: DiffBuilder, scalar: Var) -> Dim | None:
    """The size expression that an i64 scalar is, if its defining equation says so."""
    for name, holder in b.sizes.items():
        if holder == scalar:
            return symbol(name)
    equation = b.definitions.get(scalar)
    if equation is None or equation.op not in ("constant", "size"):
        return None
    value: Dim = equation["value"]
    return value


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
