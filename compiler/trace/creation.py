"""Functions that make arrays: zeros, arange, linspace, array, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..ir import Dim
from ..ir.types import BOOL, F64, I64
from .broadcasting import fit, repeated
from .context import active_trace
from .dtypes import check_dtype
from .elementwise import elementwise
from .joining import stack
from .promotion import (
    PYTHON_TYPES,
    as_array,
    as_tracer,
    common_dtype,
    convert,
    is_python,
    literal,
    operand,
    result_dtype,
    strong,
)
from .shaping import copy_of, dims_of, expand_dims, leading_axes, moveaxis
from .tracer import TracedSize, Tracer, as_dim, describe, new, python_size
from .unbound import emit_check


def dtype_or(dtype: Any, default: Any) -> np.dtype:
    """A dtype that the user gave, or the default."""
    return np.dtype(default) if dtype is None else check_dtype(np.dtype(dtype), "dtype")


def zeros(shape: Any, dtype: Any = None, order: str = "C", **_: Any) -> Tracer:
    """``np.zeros``; also ``np.empty``, whose elements are zeros here."""
    return full(shape, 0, dtype_or(dtype, F64))


def ones(shape: Any, dtype: Any = None, order: str = "C", **_: Any) -> Tracer:
    """``np.ones``."""
    return full(shape, 1, dtype_or(dtype, F64))


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **_: Any) -> Tracer:
    """``np.full``."""
    target = as_tracer(fill_value).type.dtype if dtype is None else dtype_or(dtype, F64)
    dims = dims_of(shape)
    if any(isinstance(dim, int) and dim < 0 for dim in dims):
        raise ValueError("negative dimensions are not allowed")
    value = literal(fill_value, target) if type(fill_value) in PYTHON_TYPES else operand(fill_value, target)
    return repeated(fit(value, dims, "np.full"), dims)


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any
) -> Tracer:
    """``np.full_like``."""
    x = as_array(a)
    return full(x.shape if shape is None else shape, fill_value, x.dtype if dtype is None else dtype)


def zeros_like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any) -> Tracer:
    """``np.zeros_like`` and ``np.empty_like``."""
    return full_like(a, 0, dtype, shape=shape)


def ones_like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any) -> Tracer:
    """``np.ones_like``."""
    return full_like(a, 1, dtype, shape=shape)


# ranges


def arange(start: Any = 0, stop: Any = None, step: Any = None, dtype: Any = None, **_: Any) -> Tracer:
    """``np.arange``; bounds and step may be traced."""
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    dims = [None if isinstance(v, float) else as_dim(v) for v in (start, stop, step)]
    if None in dims:
        return _arange_of_floats(start, stop, step, dtype)
    first, last, stride = dims
    target = dtype_or(dtype, I64)
    if not isinstance(stride, int):
        stride = active_trace().sizing.pin(stride)  # type: ignore[arg-type]
    if stride is None:
        return _arange_of_floats(start, stop, step, I64 if dtype is None else dtype)
    if stride == 0:
        raise ZeroDivisionError("division by zero")
    length = _arange_length(first, last, stride)  # type: ignore[arg-type]
    counted = counting(length, target if target != BOOL else I64)
    if stride != 1:
        counted = elementwise("mul", counted, stride, dtype=counted.dtype)
    if first != 0:
        counted = elementwise("add", counted, python_size(first), dtype=counted.dtype)  # type: ignore[arg-type]
    return convert(counted, target)


def counting(length: Dim, dtype: np.dtype) -> Tracer:
    """0, 1, 2, ... in a dtype."""
    return new(active_trace().emit("iota", size=length, dtype=dtype), scalar=False)


def _arange_length(first: Dim, last: Dim, stride: int) -> Dim:
    sizing = active_trace().sizing
    span = (last - first) if stride > 0 else (first - last)
    length = (span + (abs(stride) - 1)) // abs(stride)
    nonempty = sizing.decide(length, ">=", 0)
    return length if nonempty else 0 if nonempty is False else sizing.clamp(length, 0, length)


def _arange_of_floats(start: Any, stop: Any, step: Any, dtype: Any) -> Tracer:
    values = [_known(v) for v in (start, stop, step)]
    if None not in values:
        return as_tracer(np.arange(*values, dtype=dtype))
    kinds = [as_array(v).dtype for v in (start, stop, step)]
    target = dtype_or(dtype, np.result_type(*kinds))
    begin, end, stride = (convert(as_array(v), F64) for v in (start, stop, step))
    count = convert(np.maximum(np.ceil((end - begin) / stride), 0.0), I64)
    length = as_dim(count)
    return convert(begin + counting(length, F64) * ((begin + stride) - begin), target)  # type: ignore[arg-type]


def _known(value: Any) -> Any:
    """A bound whose value is known when tracing; sizes are pinned."""
    if isinstance(value, TracedSize):
        return active_trace().sizing.pin(value.dim)
    return None if isinstance(value, Tracer) else value


def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    **_: Any,
) -> Any:
    """``np.linspace``."""
    start, stop = as_tracer(start) * 1.0, as_tracer(stop) * 1.0
    target = result_dtype(start, stop, 1.0)
    start, stop = convert(start, target), convert(stop, target)
    division = num - 1 if endpoint else num
    counted = arange(num, dtype=target)
    rank = max(start.ndim, stop.ndim)
    index = counted.reshape((-1,) + (1,) * rank)
    emit_check(num >= 0, ValueError(f"Number of samples, {as_dim(num)}, must be non-negative."))
    if isinstance(division, Tracer) or division > 0:
        step = (stop - start) / (np.maximum(division, 1) if isinstance(division, Tracer) else division)
        result = index * step + start
        if endpoint:
            result = np.where((index == num - 1) & (index > 0), stop, result)
    else:
        step = start * target.type(np.nan)
        result = start + index * (stop - start)
    result = moveaxis(result, 0, axis) if axis else result
    if dtype is not None:
        wanted = dtype_or(dtype, F64)
        result = convert(np.floor(result) if wanted.kind in "iu" else result, wanted)
    return (result, strong(step)) if retstep else result


def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    """``np.logspace``."""
    if np.ndim(base):
        rank = max(as_array(v).ndim for v in (start, stop, base))
        start, stop, base = (leading_axes(rank, v) for v in (start, stop, base))
        base = expand_dims(base, axis)
    result = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return result if dtype is None else convert(result, dtype_or(dtype, F64))


def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """``np.geomspace`` between positive numbers, or between negative ones."""
    start, stop = convert(as_tracer(start), F64), convert(as_tracer(stop), F64)
    sign = np.sign(start)
    powers = logspace(np.log10(start * sign), np.log10(stop * sign), num, endpoint, axis=axis)
    if num > 0 and powers.ndim == 1:
        places = arange(num)
        powers = np.where(places == 0, start * sign, powers)
        powers = np.where(places == num - 1, stop * sign, powers) if endpoint and num > 1 else powers
    result = powers * sign
    return result if dtype is None else convert(result, dtype_or(dtype, F64))


# arrays of values


def array(
    value: Any, dtype: Any = None, *, copy: Any = True, order: str = "K", subok: bool = False, ndmin: int = 0, **_: Any
) -> Any:
    """``np.array`` of tracers, (nested) lists of them, arrays and numbers: an array of its own.

    Of None alone it is NumPy's own array of objects, which programs put where numbers will be.
    """
    if dtype is None and isinstance(value, (list, tuple, np.ndarray)) and _is_nothing(value):
        return np.array(value, ndmin=ndmin)
    wanted = None if dtype is None else dtype_or(dtype, F64)
    if isinstance(copy, np._CopyMode):  # as the array API's wrappers of NumPy say it
        copy = {np._CopyMode.ALWAYS: True, np._CopyMode.IF_NEEDED: None, np._CopyMode.NEVER: False}[copy]
    if not copy and isinstance(value, Tracer) and not value.is_scalar:
        if wanted is None or wanted == value.dtype:
            return leading_axes(ndmin, value)
        if copy is False:
            raise ValueError(f"Unable to avoid copy while creating an array as requested: {describe(value)} as {wanted}")
    return leading_axes(ndmin, _array(value, wanted))


def _is_nothing(value: Any) -> bool:
    """Whether a value is None, or a sequence of such values."""
    if isinstance(value, np.ndarray):
        return value.dtype == object and _is_nothing(value.tolist())
    return value is None or (isinstance(value, (list, tuple)) and bool(value) and all(map(_is_nothing, value)))


def _array(value: Any, dtype: np.dtype | None) -> Tracer:
    if not isinstance(value, (Tracer, TracedSize)) and has_traced(value):
        parts = [_array(item, dtype) if isinstance(item, (list, tuple)) else _part(item, dtype) for item in value]
        return _stacked(parts, dtype)
    source = value if isinstance(value, (Tracer, TracedSize)) else _plain(value, dtype)
    return copy_of(as_array(source) if dtype is None else convert(as_tracer(source), dtype))


def _part(item: Any, dtype: np.dtype | None) -> Tracer:
    """An item of a list as a part of an array of a dtype, or of one that is still to be found."""
    return as_array(item) if dtype is None or not is_python(item) else operand(item, dtype)


def _stacked(parts: list[Tracer], dtype: np.dtype | None) -> Tracer:
    ranks = {p.type.rank for p in parts}
    if len(ranks) > 1:
        text = active_trace().sizing.shape_text
        raise ShapeError(
            "setting an array element with a sequence: np.array of a nested list whose parts differ in shape: "
            + ", ".join(text(p.type.shape) for p in parts)
        )
    target = common_dtype(parts) if dtype is None else dtype
    return stack([convert(p, target) for p in parts])


def _plain(value: Any, dtype: np.dtype | None) -> Tracer:
    """What NumPy makes of something untraced: an input of the program, or a constant."""
    found = np.asarray(value, None if isinstance(value, np.ndarray) else dtype)
    if found.dtype == object:
        raise TypeError(f"np.array of {type(value).__name__} gives an object array; jitgrad compiles arrays of numbers only")
    if found.shape == ():
        return new(as_tracer(found[()], "np.array").value, scalar=False)
    return as_tracer(found, "np.array")


def has_traced(value: Any) -> bool:
    """Whether there are traced values in a list, or in one in it."""
    if isinstance(value, (list, tuple)):
        return any(has_traced(item) for item in value)
    return isinstance(value, (Tracer, TracedSize))


def asarray(value: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, **_: Any) -> Any:
    """``np.asarray``: the same array where nothing must change."""
    if isinstance(value, Tracer) and not value.is_scalar and not copy and (dtype is None or np.dtype(dtype) == value.dtype):
        return value
    return array(value, dtype)


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """``np.asarray_chkfinite``."""
    x = asarray(a, dtype)
    if x.dtype.kind == "f":
        emit_check(np.all(np.isfinite(x)), ValueError("array must not contain infs or NaNs"))
    return x


def astype(
    x: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True, **_: Any
) -> Tracer:
    """``x.astype(dtype)``."""
    x = as_array(x)
    converted = convert(x, dtype_or(dtype, F64))
    return copy_of(converted) if converted is x and not x.is_scalar and copy else converted


def item(x: Tracer, *index: Any) -> Any:
    """``x.item(...)``: one element as a Python number."""
    if not index:
        if active_trace().sizing.decide(x.type.size, "==", 1) is False:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        element = x.reshape(())
    else:
        element = (
            x[index] if len(index) > 1 or x.ndim == 1 else x[index[0]] if isinstance(index[0], tuple) else x.ravel()[index[0]]
        )
    kind = {"f": F64, "b": BOOL}.get(element.dtype.kind, I64)
    return new(convert(element, kind).value, weak=True)


def unsupported_copy(name: str) -> Any:
    """A method that needs the elements when tracing."""

    def refuse(x: Tracer, *_: Any, **__: Any) -> Any:
        raise UnsupportedError(
            f".{name}() needs the elements of an array, which are known only when the program runs; keep the array, or call it "
            "outside of the traced function"
        )

    return refuse
