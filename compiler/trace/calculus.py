"""Differences, integrals, interpolation and convolution along an axis, and other functions of real arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import BOOL, F64
from .choosing import clip
from .creation import arange
from .elementwise import elementwise, into
from .joining import concatenate
from .padding import pad
from .products import dot
from .promotion import as_array, as_tracer, convert, operand, result_dtype
from .reductions import argsort, reduce, running
from .searching import searchsorted
from .shaping import copy_of, flip, given_axes, leading_axes, normal_axis, ravel
from .tracer import Tracer, describe
from .ufuncs import resolve
from .unbound import emit_check
from .versions import NUMPY_2_5


def _slices(axis: int, *parts: slice) -> list[tuple[slice, ...]]:
    return [(*(slice(None),) * axis, part) for part in parts]


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """``np.diff``."""
    x = as_array(a)
    if n == 0:
        return x
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    if x.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    number = normal_axis(axis, x.ndim)
    ends = [_end(x, value, number) for value in (prepend, append)]
    if any(end is not None for end in ends):
        x = concatenate([part for part in (ends[0], x, ends[1]) if part is not None], number)
    later, earlier = _slices(number, slice(1, None), slice(None, -1))
    subtract = np.not_equal if x.dtype == BOOL else np.subtract
    for _ in range(n):
        x = subtract(x[later], x[earlier])
    return x


def _end(x: Tracer, value: Any, axis: int) -> Any:
    if value is None or value is getattr(np, "_NoValue", None):
        return None
    end = as_array(value)
    return end if end.ndim else np.broadcast_to(end, tuple(1 if k == axis else n for k, n in enumerate(x.shape)))


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``np.ediff1d``."""
    x = ravel(as_array(ary))
    for name, values in (("to_end", to_end), ("to_begin", to_begin)):
        if values is not None and not np.can_cast(as_array(values).dtype, x.dtype, "same_kind"):
            raise TypeError(f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule.")
    ends = [None if v is None else convert(ravel(as_array(v)), x.dtype) for v in (to_begin, to_end)]
    parts = [part for part in (ends[0], x[1:] - x[:-1], ends[1]) if part is not None]
    return concatenate(parts) if len(parts) > 1 else parts[0]


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """``np.gradient``."""
    x = as_array(f)
    x = convert(x, F64) if x.dtype.kind in "iu" else x
    axes = given_axes(axis, x.ndim)
    spacing = list(varargs) or [1.0]
    spacing = spacing * len(axes) if len(spacing) == 1 and not as_array(spacing[0]).ndim else spacing
    if len(spacing) != len(axes):
        raise TypeError("invalid number of arguments")
    results = tuple(
        convert(_gradient(x, step, number, edge_order), x.dtype) for step, number in zip(spacing, axes, strict=True)
    )
    return results[0] if len(axes) == 1 else results


def _gradient(x: Tracer, step: Any, axis: int, edge_order: int) -> Any:
    message = "Shape of array too small to calculate a numerical gradient: it needs edge_order + 1 elements."
    emit_check(x.shape[axis] >= edge_order + 1, ValueError(message))
    if as_array(step).ndim:
        return _uneven(x, as_array(step), axis, edge_order)
    first, second, third, before = _slices(axis, slice(0, 1), slice(1, 2), slice(2, 3), slice(None, -2))
    last, fore, prior, after = _slices(axis, slice(-1, None), slice(-2, -1), slice(-3, -2), slice(2, None))
    inner = (x[after] - x[before]) / (2.0 * step)
    if edge_order == 1:
        ends = (x[second] - x[first]) / step, (x[last] - x[fore]) / step
    else:
        ends = (
            (-1.5 * x[first] + 2.0 * x[second] - 0.5 * x[third]) / step,
            (0.5 * x[prior] - 2.0 * x[fore] + 1.5 * x[last]) / step,
        )
    return concatenate([ends[0], inner, ends[1]], axis)


def _uneven(x: Tracer, places: Tracer, axis: int, edge_order: int) -> Any:
    """Second-order differences at places that are not equally spaced."""
    if places.ndim != 1 or places.shape[0] != x.shape[axis]:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    steps = diff(convert(places, F64) if places.dtype.kind in "iu" else places).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    middle, before, after = _slices(axis, slice(1, -1), slice(None, -2), slice(2, None))
    first, second, third = _slices(axis, slice(0, 1), slice(1, 2), slice(2, 3))
    last, fore, prior = _slices(axis, slice(-1, None), slice(-2, -1), slice(-3, -2))
    left, right = steps[:-1], steps[1:]
    inner = -right / (left * (left + right)) * x[before] + (right - left) / (left * right) * x[middle]
    inner = inner + left / (right * (left + right)) * x[after]
    if edge_order == 1:
        ends = (x[second] - x[first]) / steps[:1], (x[last] - x[fore]) / steps[-1:]
    else:
        ends = (
            _slope_at_end(x[first], x[second], x[third], steps[:1], steps[1:2]),
            _slope_at_end(x[last], x[fore], x[prior], -steps[-1:], -steps[-2:-1]),
        )
    return concatenate([ends[0], inner, ends[1]], axis)


def _slope_at_end(end: Any, next_one: Any, third: Any, step: Any, step_after: Any) -> Any:
    """The slope at the first of three places of the parabola through them."""
    both = step + step_after
    return -(step + both) / (step * both) * end + both / (step * step_after) * next_one - step / (step_after * both) * third


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """``np.trapezoid``."""
    y = as_array(y)
    number = normal_axis(axis, y.ndim)
    step = dx
    if x is not None:
        places = as_array(x)
        step = diff(places, axis=axis if places.ndim > 1 else -1)
        if places.ndim == 1:
            step = step.reshape((-1,) + (1,) * (y.ndim - number - 1))
    later, earlier = _slices(number, slice(1, None), slice(None, -1))
    return reduce("sum", step * (y[later] + y[earlier]) / 2.0, number)


def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """``np.unwrap``; integers with a period that is one stay integers."""
    x = as_array(p)
    number = normal_axis(axis, x.ndim)
    step = diff(x, axis=number)
    dtype = result_dtype(step, period)
    is_whole = dtype.kind in "iu"
    half = period // 2 if is_whole else period / 2
    wrapped = np.mod(step - -half, period) + -half
    at_end = (wrapped == -half) & (step > 0) & (not is_whole or period % 2 == 0)
    wrapped = np.where(at_end, operand(half, wrapped.dtype), wrapped)
    least = period / 2 if discont is None else np.maximum(discont, period / 2)
    correction = np.where(np.abs(step) < least, wrapped.dtype.type(0), wrapped - step)
    first, rest = _slices(number, slice(0, 1), slice(1, None))
    return convert(concatenate([x[first], x[rest] + running("cumsum")(correction, number)], number), dtype)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """``np.interp``."""
    if period is not None:
        return _periodic(x, xp, fp, period)
    x, xp, fp = (convert(as_array(v), F64) for v in (x, xp, fp))
    is_empty = x.size == 0
    if NUMPY_2_5 and not isinstance(is_empty, Tracer) and is_empty:
        return x
    emit_check(xp.shape[0] != 0, ValueError("array of sample points is empty"))
    emit_check(xp.shape[0] == fp.shape[0], ValueError("fp and xp are not of the same length."))
    is_one = xp.shape[0] == 1
    if not isinstance(is_one, Tracer) and is_one:
        inside = fp[0] + x * 0.0
    else:
        index = clip(searchsorted(xp, x, "right"), 1, xp.shape[0] - 1)
        x0, x1, y0, y1 = xp[index - 1], xp[index], fp[index - 1], fp[index]
        slope = (y1 - y0) / (x1 - x0)
        inside = y0 + slope * (x - x0)
        from_right = y1 + slope * (x - x1)  # for values that are infinite on the left
        beside = np.where((x == x0) | np.isnan(from_right) & (y0 == y1), y0, from_right)
        inside = np.where(np.isnan(inside), beside, inside)
    inside = np.where(x == xp[-1], fp[-1], inside)
    inside = np.where(x < xp[0], fp[0] if left is None else left, inside)
    inside = np.where(x > xp[-1], fp[-1] if right is None else right, inside)
    return elementwise("select", np.isnan(x), x, inside)


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> Any:
    """``np.interp`` on a circle: the points, in order, with the last before the first and the first after the last."""
    if isinstance(period, (int, float)) and period == 0:
        raise ValueError("period must be a non-zero value")
    size = np.abs(period)
    x, xp, fp = (convert(as_array(v), F64) for v in (x, xp, fp))
    if xp.shape[0] != fp.shape[0]:
        raise ValueError("fp and xp are not of the same length")
    xp = np.remainder(xp, size)
    order = argsort(xp)
    xp, fp = xp[order], fp[order]
    places = concatenate([xp[-1:] - size, xp, xp[:1] + size])
    return interp(np.remainder(x, size), places, concatenate([fp[-1:], fp, fp[:1]]))


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """``np.convolve``, as a product of windows and the shorter array."""
    a, v = leading_axes(1, a), leading_axes(1, v)
    if a.ndim > 1 or v.ndim > 1:
        raise ValueError(f"object too deep for desired array: np.convolve of {describe(a)} and {describe(v)}")
    for part, name in ((a, "a"), (v, "v")):
        emit_check(part.shape[0] != 0, ValueError(f"{name} cannot be empty"))
    if not _is_longer(a, v):
        a, v = v, a
    n, m = a.shape[0], v.shape[0]
    padded = pad(a, m - 1)
    windows = padded[arange(n + m - 1).reshape((-1, 1)) + arange(m)]
    return _of_mode(dot(windows, flip(v)), mode, n, m, (m - 1) // 2)


def _is_longer(a: Tracer, v: Tracer) -> bool:
    """Whether an array is at least as long as another; where only the run knows, the one of unknown length must be longer, or the run says so."""
    longer = a.shape[0] >= v.shape[0]
    if not isinstance(longer, Tracer):
        return bool(longer)
    if isinstance(a.shape[0], int):
        longer = a.shape[0] <= v.shape[0]
    emit_check(
        longer,
        NotImplementedError("an array whose length only the run knows is shorter than the one that it is convolved with"),
    )
    return not isinstance(a.shape[0], int)


def _of_mode(full: Tracer, mode: str, n: Any, m: Any, first: Any) -> Tracer:
    if mode == "full":
        return full
    if mode == "valid":
        return full[m - 1 : n]
    if mode == "same":
        return full[first : first + n]
    raise ValueError(f"mode must be one of 'valid', 'same', or 'full', found {mode!r}")


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """``np.correlate``."""
    a, v = leading_axes(1, a), leading_axes(1, v)
    if not _is_longer(a, v):
        return flip(correlate(v, a, mode))
    n, m = a.shape[0], v.shape[0]
    emit_check(m != 0, ValueError("second array argument cannot be empty"))
    return _of_mode(convolve(a, flip(v)), mode, n, m, m // 2)


def angle(z: Any, deg: bool = False) -> Any:
    """``np.angle`` of real numbers: 0 or pi."""
    x = as_tracer(z)
    x = convert(x, resolve(np.arctan2, (0, x))[-1])
    half_turn = np.where(np.signbit(x), x.dtype.type(180 if deg else np.pi), x.dtype.type(0))
    return np.where(np.isnan(x), x, half_turn)[()]


def sinc(x: Any) -> Any:
    """``np.sinc``; near 0 by its power series, which has the right derivatives there too."""
    angle = np.pi * as_tracer(x)
    small = np.abs(angle) < 0.7
    safe = elementwise("select", small, angle.dtype.type(1), angle)
    square = np.square(elementwise("select", small, angle, angle.dtype.type(0)))
    series = angle.dtype.type(1)
    for k in range(16, 0, -2):
        series = 1 - square / (k * (k + 1)) * series
    return elementwise("select", small, series, np.sin(safe) / safe)


def round_(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """``np.round``."""
    x = as_array(a)
    if x.dtype.kind != "f":
        if x.dtype == BOOL:
            return into(out, np.rint(x), "round")
        if decimals >= 0:
            return into(out, x if x.is_scalar else copy_of(x), "round")
        scale = x.dtype.type(10**-decimals)
        return into(out, convert(np.rint(convert(x, F64) / float(scale)), x.dtype) * scale, "round")
    if decimals == 0:
        return into(out, np.rint(x), "round")
    scale = x.dtype.type(10.0 ** abs(decimals))
    result = np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale
    return into(out, result, "round")


def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """``np.nan_to_num``; with ``copy=False`` it writes into the array."""
    x = as_array(x)
    if x.dtype.kind != "f":
        return copy_of(x) if copy and not x.is_scalar else x
    limits = np.finfo(x.dtype)
    kind = x.dtype.type
    result = elementwise("select", np.isnan(x), operand(nan, x.dtype), x)
    result = elementwise(
        "select", np.equal(x, np.inf), kind(limits.max) if posinf is None else operand(posinf, x.dtype), result
    )
    result = elementwise(
        "select", np.equal(x, -np.inf), kind(limits.min) if neginf is None else operand(neginf, x.dtype), result
    )
    return result if copy or x.is_scalar else into(x, result, "nan_to_num")
