"""Windows of arrays: all blocks of neighbours along some axes, which convolution, pooling and moving averages are made of.

The window axes come last. With ``counts``, ``sizes``, ``steps`` and ``spread`` for each of ``axes``,

    windows(x)[..., i, ..., k] = x[..., i * step + k * spread, ...]        0 <= i < count, 0 <= k < size

and ``windows_add``, its transpose, adds each element of a window to the place that it came from. All places are within bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..errors import VerifyError
from ..ir import ArrayType, Dim, Equation, Type, Var
from .builder import Builder
from .indexing import jvp_accumulate
from .op import Attrs, Contribution, Into, Op

Axes = tuple[int, ...]


def windows_shape(shape: Sequence[Dim], axes: Axes, counts: Sequence[Dim], sizes: Sequence[Dim]) -> tuple[Dim, ...]:
    """The shape of the windows of an array."""
    found = list(shape)
    for axis, count in zip(axes, counts, strict=True):
        found[axis] = count
    return (*found, *sizes)


def place(rank: int, axes: Axes, steps: Axes, spread: Axes, index: Sequence[Dim]) -> tuple[Dim, ...]:
    """Where in an array of ``rank`` axes the element at an index of its windows lies."""
    found = list(index[:rank])
    for axis, step, distance, within in zip(axes, steps, spread, index[rank:], strict=True):
        found[axis] = found[axis] * step + within * distance
    return tuple(found)


def _infer_windows(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    array = types[0]
    lengths = {len(a[name]) for name in ("axes", "counts", "sizes", "steps", "spread")}
    if len(lengths) != 1 or len(set(a["axes"])) != len(a["axes"]) or any(not 0 <= k < array.rank for k in a["axes"]):
        raise VerifyError(f"windows of {array} along {a['axes']}: one count, size, step and spread for each axis")
    if min((*a["steps"], *a["spread"]), default=1) < 1:
        raise VerifyError(f"windows of {array}: steps {a['steps']} and spread {a['spread']} must be positive")
    return (array.with_shape(windows_shape(array.shape, a["axes"], a["counts"], a["sizes"])),)


def _infer_windows_add(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    array, value = types
    if (value,) != _infer_windows((array,), a, regions):
        raise VerifyError(f"windows_add to {array} along {a['axes']}: the value is {value}")
    return (array,)


def _windows(x: np.ndarray, axes: Axes, counts: Axes, sizes: Axes, steps: Axes, spread: Axes) -> np.ndarray:
    strides = list(x.strides)
    for axis, step in zip(axes, steps, strict=True):
        strides[axis] *= step
    inner = [x.strides[axis] * distance for axis, distance in zip(axes, spread, strict=True)]
    shape = cast("tuple[int, ...]", windows_shape(x.shape, axes, counts, sizes))
    return as_strided(x, shape, [*strides, *inner]).copy()


def _windows_add(
    x: np.ndarray, value: np.ndarray, axes: Axes, counts: Axes, sizes: Axes, steps: Axes, spread: Axes
) -> np.ndarray:
    out = np.array(x)
    for within in product(*map(range, sizes)):
        index: list[slice] = [slice(None)] * x.ndim
        for k, axis in enumerate(axes):
            start = within[k] * spread[k]
            index[axis] = slice(start, start + counts[k] * steps[k], steps[k])
        place: tuple[Any, ...] = (..., *within)
        out[tuple(index)] += value[place]
    return out


def _transpose_windows(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    return (Into(lambda b, acc: b.emit("windows_add", acc, ct[0], **dict(e.attributes))),)


def _transpose_windows_add(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    return (ct[0], b.emit("windows", ct[0], **dict(e.attributes)))


def windows_type(array: ArrayType, axes: Axes, counts: Sequence[Dim], sizes: Sequence[Dim]) -> ArrayType:
    """The type of the windows of an array."""
    return array.with_shape(windows_shape(array.shape, axes, counts, sizes))


WINDOWS: tuple[Op, ...] = (
    Op("windows", _infer_windows, _windows, linear=(0,), transpose=_transpose_windows),
    Op("windows_add", _infer_windows_add, _windows_add, linear=(0, 1), jvp=jvp_accumulate, transpose=_transpose_windows_add),
)
