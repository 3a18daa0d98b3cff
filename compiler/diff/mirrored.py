"""Slices that are read in both directions, as in ``y[:k] += alpha * y[:k][::-1]``: one of them is enough to save.

In: the forward equations of a region. Out: for a slice that runs backwards over elements which another one reads forwards from the
same array, how it is had from that one.
"""

from __future__ import annotations

from typing import Any

from ..ir import Dim, Equation, Var
from .linear import DiffBuilder
from .trips import known_dim


def mirrored(b: DiffBuilder) -> dict[Var, Equation]:
    """Backward slices as slices of forward ones."""
    forward: dict[Any, Var] = {}
    found: dict[Var, Equation] = {}
    for e in b.equations:
        if e.op == "index" and (ranges := _ranges(b, e)) is not None:
            turned = tuple(range_ if range_[2] > 0 else _turned(*range_) for range_ in ranges)
            if turned == ranges:
                forward.setdefault((e.operands[0], ranges), e.result)
            elif (other := forward.get((e.operands[0], turned))) is not None:
                kept = [k for k, entry in enumerate(e["spec"]) if isinstance(entry, tuple)]
                spec = tuple(_within(ranges[k][1], ranges[k][2] < 0) for k in kept)
                found[e.result] = e.replace(operands=(other,), attributes=(("spec", spec),))
    return found


def _ranges(b: DiffBuilder, e: Equation) -> tuple[tuple[Any, Dim, int], ...] | None:
    """Start, length and step along each axis; a start that is no known size is the scalar. None if that cannot be compared."""
    starts = iter(e.operands[1:])
    ranges = []
    for entry in e["spec"]:
        start, length, step = entry if isinstance(entry, tuple) else (entry, 1, 1)
        if start is None:
            scalar = next(starts)
            known = known_dim(b, scalar)
            start = scalar if known is None else known
        if step < 0 and isinstance(start, Var):
            return None
        ranges.append((start, length, step))
    return tuple(ranges)


def _turned(start: Dim, length: Dim, step: int) -> tuple[Dim, Dim, int]:
    return start + (length - 1) * step, length, -step


def _within(length: Dim, is_turned: bool) -> tuple[Dim, Dim, int]:
    return (length - 1, length, -1) if is_turned else (0, length, 1)
