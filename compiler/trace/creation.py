"""Functions that make arrays: zeros, arange, eye, array, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..ir import ArrayType
from ..ir.types import BOOL, F64, I64
from .context import active_trace
from .elementwise import as_tracer, broadcast_to, convert, elementwise, result_dtype
from .shaping import dims_of, stack
from .tracer import TracedSize, Tracer, as_dim, check_dtype, new


def _dtype(dtype: Any, default: np.dtype) -> np.dtype:
    return default if dtype is None else check_dtype(np.dtype(dtype), "dtype")


def zeros(shape: Any, dtype: Any = None, order: str = "C", **_: Any) -> Tracer:
    """``np.zeros``; also ``np.empty``, whose elements are zeros here."""
    return full(shape, 0, _dtype(dtype, F64))


def ones(shape: Any, dtype: Any = None, order: str = "C", **_: Any) -> Tracer:
    """``np.ones``."""
    return full(shape, 1, _dtype(dtype, F64))


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **_: Any) -> Tracer:
    """``np.full``."""
    value = as_tracer(fill_value)
    target = value.type.dtype if dtype is None else _dtype(dtype, F64)
    dims = dims_of(shape)
    if any(isinstance(dim, int) and dim < 0 for dim in dims):
        raise ValueError("negative dimensions are not allowed")
    if type(fill_value) in (int, float, bool):
        var = active_trace().scope.builder.constant(fill_value, ArrayType(target, ()))
        value = new(var)
    value = convert(value, target)
    from .indexing import _fit

    return new(broadcast_to(_fit(value, dims) if value.type.rank else value, dims), scalar=False)


def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Tracer:
    """``np.full_like``, and with 0 and 1 ``zeros_like`` and ``ones_like``."""
    x = as_tracer(x)
    return full(x.shape if shape is None else shape, fill_value, x.dtype if dtype is None else dtype)


def zeros_like(x: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any) -> Tracer:
    """``np.zeros_like`` and ``np.empty_like``."""
    return full_like(x, 0, dtype, shape)


def ones_like(x: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any) -> Tracer:
    """``np.ones_like``."""
    return full_like(x, 1, dtype, shape)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None, **_: Any) -> Tracer:
    """``np.arange`` for integers; for floats where bounds and step are known numbers."""
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    dims = [as_dim(v) if not isinstance(v, float) else None for v in (start, stop, step)]
    if None in dims:
        if all(isinstance(v, (int, float, np.generic)) for v in (start, stop, step)):
            return as_tracer(np.arange(start, stop, step, dtype))
        raise UnsupportedError("np.arange with traced floats: its length is known only at run time; write a + h*np.arange(n)")
    first, last, stride = dims
    target = _dtype(dtype, I64)
    if not isinstance(stride, int):
        stride = active_trace().sizing.pin(stride)  # type: ignore[arg-type]
    if not stride:
        raise ZeroDivisionError("division by zero" if stride == 0 else "np.arange needs a step that is known when tracing")
    sizing = active_trace().sizing
    span = (last - first) if stride > 0 else (first - last)  # type: ignore[operator]
    length = (span + (abs(stride) - 1)) // abs(stride)
    if sizing.decide(length, ">=", 0) is not True:
        length = sizing.clamp(length, 0, length) if sizing.decide(length, ">=", 0) is None else 0
    counted = new(active_trace().emit("iota", size=length, dtype=target if target != BOOL else I64), scalar=False)
    if stride != 1:
        counted = elementwise("mul", counted, _size_value(stride), dtype=counted.dtype)
    if first != 0:
        counted = elementwise("add", counted, _size_value(first), dtype=counted.dtype)
    return convert(counted, target)


def _size_value(dim: Any) -> Any:
    return dim if isinstance(dim, int) else TracedSize(dim)


def linspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0) -> Any:
    """``np.linspace`` along the first axis."""
    start, stop = as_tracer(start) * 1.0, as_tracer(stop) * 1.0
    division = num - 1 if endpoint else num
    counted = arange(num, dtype=result_dtype(start, stop, 1.0))
    step = (stop - start) / division if not (isinstance(division, int) and division == 0) else (stop - start) * np.nan
    rank = max(start.ndim, stop.ndim)
    index = counted.reshape((-1,) + (1,) * rank) if rank else counted
    if isinstance(division, int) and division == 0:
        result = start + index * 0.0
    else:
        result = index * step + start
        if endpoint:
            result = elementwise("select", index == num - 1, stop, result)
    if dtype is not None:
        result = convert(result, np.dtype(dtype))
    return (result, step) if retstep else result


def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = None, order: str = "C", **_: Any) -> Tracer:
    """``np.eye``."""
    columns = N if M is None else M
    rows = arange(N).reshape((-1, 1))
    return convert(rows + k == arange(columns), _dtype(dtype, F64))


def identity(n: Any, dtype: Any = None, **_: Any) -> Tracer:
    """``np.identity``."""
    return eye(n, dtype=dtype)


def array(value: Any, dtype: Any = None, *, copy: Any = True, order: str = "K", subok: bool = False, ndmin: int = 0, **_: Any) -> Any:
    """``np.array`` of tracers, (nested) lists of them, arrays and numbers: an array of its own."""
    result = _array(value, None if dtype is None else _dtype(dtype, F64))
    from .shaping import at_least

    return at_least(ndmin, result)


def _array(value: Any, dtype: np.dtype | None) -> Tracer:
    if isinstance(value, Tracer) or not _has_traced(value):
        source = value if isinstance(value, Tracer) else _plain(value)
        tracer = source if dtype is None else convert(source, dtype)
        return copy_of(tracer)
    items = list(value)
    parts = [_array(item, dtype) if isinstance(item, (list, tuple)) else as_tracer(item) for item in items]
    target = dtype if dtype is not None else result_dtype(*(_strong(p) for p in parts))
    shapes = {p.type.rank for p in parts}
    if len(shapes) > 1:
        text = active_trace().sizing.shape_text
        raise ShapeError(
            "np.array of a nested list whose parts differ in shape: " + ", ".join(text(p.type.shape) for p in parts)
        )
    return stack([convert(p, target) for p in parts])


def _strong(part: Tracer) -> Any:
    return part


def _plain(value: Any) -> Tracer:
    """What NumPy makes of something untraced; small arrays become constants of the program, others captured inputs."""
    found = np.asarray(value)
    if found.dtype == object:
        raise TypeError(
            f"np.array of {type(value).__name__} gives an object array; jitgrad compiles arrays of numbers only"
        )
    if found.shape == ():
        return new(as_tracer(found[()]).var, scalar=False)
    return as_tracer(found)


def _has_traced(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_has_traced(item) for item in value)
    return isinstance(value, (Tracer, TracedSize))


def asarray(value: Any, dtype: Any = None, order: Any = None, **_: Any) -> Any:
    """``np.asarray``: the same array where nothing must change."""
    if isinstance(value, Tracer) and not value.is_scalar and (dtype is None or np.dtype(dtype) == value.dtype):
        return value
    return array(value, dtype)


def copy_of(x: Tracer) -> Tracer:
    """An array of its own with the same elements."""
    trace = active_trace()
    return new(trace.scope.resolve(x.var), scalar=False)


def meshgrid(*arrays: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> list[Tracer]:
    """``np.meshgrid``."""
    parts = [as_tracer(a).ravel() for a in arrays]
    rank = len(parts)
    shaped = [p.reshape(tuple(-1 if j == k else 1 for j in range(rank))) for k, p in enumerate(parts)]
    if indexing == "xy" and rank > 1:
        shaped = [s.swapaxes(0, 1) for s in shaped]
    if sparse:
        return shaped
    from .elementwise import broadcast_shapes

    shape = broadcast_shapes(shaped, "meshgrid")
    return [new(broadcast_to(s, shape), scalar=False) for s in shaped]


def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Tracer:
    """``np.tri``."""
    columns = N if M is None else M
    return convert(arange(N).reshape((-1, 1)) + k >= arange(columns), _dtype(dtype, F64))


def tril(x: Any, k: int = 0) -> Tracer:
    """``np.tril``."""
    x = as_tracer(x)
    return elementwise("select", tri(*x.shape[-2:], k=k, dtype=bool), x, x.dtype.type(0))


def triu(x: Any, k: int = 0) -> Tracer:
    """``np.triu``."""
    x = as_tracer(x)
    return elementwise("select", tri(*x.shape[-2:], k=k - 1, dtype=bool), x.dtype.type(0), x)


def indices_of(arrays: Sequence[Any]) -> list[Tracer]:
    """Index arrays shaped so that they broadcast against each other: ``np.ix_``."""
    parts = [as_tracer(a) for a in arrays]
    rank = len(parts)
    return [p.reshape(tuple(-1 if j == k else 1 for j in range(rank))) for k, p in enumerate(parts)]
