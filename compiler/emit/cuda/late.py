"""Reductions to numbers, in two steps: parts that blocks leave on the device, and their total, which the host asks for late.

    total = mse(h, y); loss = total / n; more()       becomes
    total_parts = mse(h, y); more(); total = fetch total_parts; loss = total / n

The host waits for the device when it fetches. Until then, it goes on launching.
"""

from __future__ import annotations

from typing import Any

from ...lower.program import Allocate, Kernel, Launch, Let, Program, Reduce, View
from .statements import Fetch, KernelNames, Multiply, map_blocks, names_in, with_body


def fetch_late(program: Program, names: KernelNames) -> Program:
    """Make numbers of parts, right before the first statement that needs them; within loops and branches, where they arise."""

    def change(block: list[Any]) -> list[Any]:
        return [part for s in block for part in _with_fetches(s, names)]

    return with_body(program, tuple(_sink(map_blocks(program.body, change))))


def _with_fetches(s: Any, names: KernelNames) -> list[Any]:
    if not isinstance(s, Launch | Multiply) or not s.results:
        return [s]
    kernel = s.kernel if isinstance(s.kernel, Kernel) else s.kernel.then
    ops = [step.op for step in kernel.body if isinstance(step, Reduce)]
    parts = tuple(names.names.fresh(f"{name}_parts") for name in s.results)
    fetches = [Fetch(n, op, p, s.source) for n, op, p in zip(s.results, ops, parts, strict=True)]
    if isinstance(s, Multiply):
        return [Multiply(s.kernel, s.operands, s.buffers, s.scalars, parts, s.source), *fetches]
    return [Launch(s.kernel, s.buffers, s.scalars, parts, s.source), *fetches]


_PASSED = (Allocate, Fetch, Launch, Let, Multiply, View)  # what neither gives a variable another value nor has an effect


def _sink(statements: tuple[Any, ...]) -> list[Any]:
    """Move fetches, and the arithmetic with what they give, down to their first reader."""
    sunk: list[Any] = []
    for s in reversed(statements):
        place = 0
        if isinstance(s, Let | Fetch):
            stops = (k for k, later in enumerate(sunk) if not isinstance(later, _PASSED) or s.name in set(names_in(later)))
            place = next(stops, len(sunk))
        sunk.insert(place, s)
    return sunk
