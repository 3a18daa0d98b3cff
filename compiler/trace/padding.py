"""``np.pad``: arrays with more elements in front of the first ones and behind the last ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .creation import arange, full
from .editing import repeat
from .joining import arranged, concatenate, up_to
from .promotion import as_array, convert
from .shaping import normal_axis
from .tracer import Tracer


def pad(
    array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0, end_values: Any = 0,
    stat_length: Any = None, reflect_type: str = "even",
) -> Tracer:  # fmt: skip
    """``np.pad`` with constants, ramps, the array's own elements, or what is found of them."""
    x = as_array(array)
    rank = x.type.rank
    pairs = _pairs_by_axis(pad_width, rank) if isinstance(pad_width, dict) else _pairs(pad_width, rank)
    if mode in ("constant", "empty"):
        return _pad_constant(x, pairs, _pairs(constant_values, rank))
    if mode not in ("edge", "reflect", "symmetric", "wrap", "linear_ramp", *_FOUND):
        shown = repr(mode) if isinstance(mode, str) else "that is a function"
        raise UnsupportedError(f"np.pad with mode {shown}; join the parts with np.concatenate")
    for axis, (low, high) in enumerate(pairs):
        if x.shape[axis] == 0 and (low > 0 or high > 0):
            raise ValueError(f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'")
        before = up_to(axis)
        ends = x[(*before, slice(0, 1))], x[(*before, slice(-1, None))]
        if mode == "edge":
            x = concatenate([repeat(ends[0], low, axis), x, repeat(ends[1], high, axis)], axis)
        elif mode == "linear_ramp":
            first, last = _pairs(end_values, rank)[axis]
            x = concatenate([_ramp(ends[0], first, low, axis, False), x, _ramp(ends[1], last, high, axis, True)], axis)
        elif mode in _FOUND:
            few = _pairs(stat_length, rank)[axis]
            parts = [
                x if n is None else x[(*before, s)]
                for n, s in zip(few, (slice(few[0]), slice(-(few[1] or 1), None)), strict=True)
            ]
            found = [convert(_rounded(_FOUND[mode](part, axis=axis, keepdims=True), x.dtype), x.dtype) for part in parts]
            x = concatenate([repeat(found[0], low, axis), x, repeat(found[1], high, axis)], axis)
        elif reflect_type == "odd" and mode in ("reflect", "symmetric"):
            wide = _pad_with_slices(x, axis, low, high, mode)
            sides = wide[(*before, slice(0, low))], wide[(*before, slice(wide.shape[axis] - high, None))]
            found = [convert(2 * end - side, x.dtype) for end, side in zip(ends, sides, strict=True)]
            x = concatenate([found[0], x, found[1]], axis)
        else:
            x = _pad_with_slices(x, axis, low, high, mode)
    return x


_FOUND: dict[str, Callable[..., Any]] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def _rounded(x: Any, dtype: np.dtype) -> Any:
    """What is found of integers, as integers."""
    return x if dtype.kind == "f" or x.dtype == dtype else np.rint(x)


def _ramp(end: Tracer, value: Any, count: Any, axis: int, upwards: bool) -> Tracer:
    """Equal steps from a value to the elements at an end, without these; or from the elements on to the value."""
    steps = arange(count).reshape((-1,) + (1,) * (end.type.rank - axis - 1))
    ramp = value + (end - value) * (steps / count) if not upwards else value + (end - value) * ((count - 1 - steps) / count)
    return convert(np.floor(ramp) if end.dtype.kind in "iu" else ramp, end.dtype)


def _pairs_by_axis(widths: dict[int, Any], rank: int) -> list[tuple[Any, Any]]:
    """One pair per axis from widths by axis; nothing for the others."""
    pairs: list[tuple[Any, Any]] = [(0, 0)] * rank
    for axis, width in widths.items():
        pairs[normal_axis(axis, rank)] = _pairs(width, 1)[0]
    return pairs


def _pad_with_slices(x: Tracer, axis: int, low: Any, high: Any, mode: str) -> Tracer:
    """Mirrored or repeated elements; pads wider than the array pin its size."""
    n = x.shape[axis]
    if low >= n or high >= n:
        return arranged(x, axis, lambda places: np.pad(places, (int(low), int(high)), mode))  # type: ignore[call-overload]
    skipped = 1 if mode == "reflect" else 0
    if mode == "wrap":
        first, last = x[(*up_to(axis), slice(n - low, None))], x[(*up_to(axis), slice(0, high))]
    else:
        backwards = x[(*up_to(axis), slice(None, None, -1))]
        first = backwards[(*up_to(axis), slice(n - low - skipped, n - skipped))]
        last = backwards[(*up_to(axis), slice(skipped, high + skipped))]
    return concatenate([first, x, last], axis)


def _pad_constant(x: Tracer, pairs: Sequence[Any], values: Sequence[Any]) -> Tracer:
    for axis, ((low, high), (before, after)) in enumerate(zip(pairs, values, strict=True)):
        shape = x.shape
        ends = [full((*shape[:axis], n, *shape[axis + 1 :]), v, dtype=x.dtype) for n, v in ((low, before), (high, after))]
        x = concatenate([ends[0], x, ends[1]], axis)
    return x


def _pairs(width: Any, rank: int) -> list[tuple[Any, Any]]:
    """One pair (before, after) per axis from what NumPy takes."""
    if isinstance(width, np.ndarray):
        width = width.tolist()
    if not isinstance(width, (tuple, list)):
        return [(width, width)] * rank
    if not isinstance(width[0], (tuple, list)):
        return [(width[0], width[-1])] * rank
    pairs = [(w[0], w[-1]) for w in width]
    if len(pairs) not in (1, rank):
        raise ValueError(f"operands could not be broadcast together: pairs for {len(pairs)} axes of an array of {rank}")
    return pairs * rank if len(pairs) == 1 else pairs
