"""Functions that find values in sorted arrays: searchsorted, digitize, isin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.types import I64
from .context import active_trace
from .creation import arange, zeros
from .elementwise import elementwise
from .loops import Bounds, staged_loop
from .promotion import as_array, common_dtype, convert
from .reductions import count_nonzero, reduce, sort
from .shaping import expand_dims, ravel
from .tracer import Tracer, new
from .unbound import emit_check

FEW = 64
"""In so many items a value is found by comparing it with all of them, which a processor does side by side."""


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """``np.searchsorted``. NaN counts as larger than all else."""
    a, v = as_array(a), as_array(v)
    if sorter is not None:
        if as_array(sorter).size != a.size:
            raise ValueError("sorter.size must equal a.size")
        a = a[sorter]
    target = common_dtype([a, v])
    a, v = convert(a, target), convert(v, target)

    def precedes(item: Tracer, value: Tracer) -> Any:
        below = np.less(item, value) if side == "left" else np.less_equal(item, value)
        if target.kind != "f":
            return below
        return below | np.isnan(value) & (~np.isnan(item) if side == "left" else np.isnan(value))

    if _are_few(a):
        return count_nonzero(precedes(a, expand_dims(v, -1)), -1)
    return _halved(a, v, precedes)[()]


def _are_few(a: Tracer) -> bool:
    return active_trace().sizing.decide(a.type.shape[0], "<=", FEW) is True


def _halved(a: Tracer, v: Tracer, precedes: Callable[[Tracer, Tracer], Any]) -> Tracer:
    """How many items of a sorted array come before each value: one bit of the number after the other, the highest first."""
    length = a.shape[0]
    bits = count_nonzero(np.left_shift(1, arange(63)) <= length)

    def add_bit(k: Any, count: Tracer) -> tuple[Tracer]:
        more = count + np.left_shift(1, bits - 1 - k)
        item = a[np.minimum(more, length) - 1]
        return (np.where((more <= length) & precedes(item, v), more, count),)

    return staged_loop(Bounds(0, bits, 1), add_bit, (zeros(v.shape, I64),), ("the positions",), None)[0]


def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """``np.digitize``: bins that decrease count from the other end."""
    edges = as_array(bins)
    count = edges.shape[0]
    if not count:
        return zeros(as_array(x).shape, I64)
    falls = edges[0] > edges[-1]
    grows = np.all(edges[1:] >= edges[:-1])
    message = "bins must be monotonically increasing or decreasing"
    emit_check(grows | np.all(edges[1:] <= edges[:-1]), ValueError(message))
    rising = np.where(falls, edges[::-1], edges)
    below = searchsorted(rising, x, "left" if right else "right")
    return elementwise("select", falls, count - below, below)


def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: str | None = None
) -> Any:
    """``np.isin``."""
    if kind not in (None, "sort", "table"):
        raise ValueError(f"Invalid kind: '{kind}'. Please use None, 'sort' or 'table'.")
    x, wanted = as_array(element), ravel(test_elements)
    if _are_few(wanted):
        found = reduce("any", expand_dims(x, -1) == wanted, -1)
    else:
        wanted = sort(wanted)
        found = wanted[np.minimum(searchsorted(wanted, x), wanted.shape[0] - 1)] == x
    return new((~found if invert else found).value, scalar=False)
