"""Functions that combine elements along axes, and the methods of ufuncs that do."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, UnsupportedError
from ..ir.sizes import product
from ..ir.types import BOOL, F64, I64
from .context import active_trace
from .elementwise import UFUNCS, apply_ufunc, as_tracer, broadcast_to, convert, elementwise, write_out
from .shaping import normal_axes, normal_axis, ravel, reshape, reshaped
from .tracer import Tracer, check_dtype, describe, new, python_size

_NOTHING: Any = getattr(np, "_NoValue", None)


def _given(value: Any) -> bool:
    return value is not None and value is not _NOTHING


def reduce(
    op: str, x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = None,
) -> Any:  # fmt: skip
    """A reduction of the IR with NumPy's keywords."""
    x = as_tracer(x)
    x = convert(x, _accumulator(op, x.dtype, dtype))
    if _given(where) and where is not True:
        neutral = {"sum": 0, "prod": 1, "all": True, "any": False}.get(op, initial)
        if not _given(neutral):
            raise ValueError(f"reduction operation {op} does not have an identity, so to use a where mask one has to specify 'initial'")
        x = elementwise("select", where, x, x.dtype.type(neutral))
    axes = normal_axes(axis, x.type.rank)
    if op in ("max", "min") and not _given(initial):
        _refuse_empty(x, axes, op)
    if _given(initial) and op in ("max", "min"):
        x = _with_initial(op, x, initial, axes)
    result = _reduced(op, x, axes, keepdims)
    if _given(initial) and op in ("sum", "prod"):
        result = result + initial if op == "sum" else result * initial
    if not result.type.shape and not keepdims:
        result = new(result.var)
    if _given(out):
        write_out(out, result, True, op)
        return out
    return result


def _reduced(op: str, x: Tracer, axes: tuple[int, ...], keepdims: Any) -> Tracer:
    var = active_trace().emit(op, x.var, axes=axes) if axes else active_trace().scope.resolve(x.var)
    result = new(var, scalar=False)
    if _given(keepdims) and keepdims:
        result = reshaped(result, tuple(1 if k in axes else d for k, d in enumerate(x.type.shape)))
    return result


def _with_initial(op: str, x: Tracer, initial: Any, axes: tuple[int, ...]) -> Tracer:
    """Put the initial value in as one more element: empty axes are fine then."""
    from .shaping import concatenate

    axis = axes[0] if axes else 0
    shape = tuple(1 if k == axis else d for k, d in enumerate(x.type.shape))
    extra = new(broadcast_to(convert(as_tracer(initial), x.dtype), shape), scalar=False)
    return concatenate([x, extra], axis)


def _accumulator(op: str, dtype: np.dtype, wanted: Any) -> np.dtype:
    """The dtype that NumPy reduces in."""
    if op in ("all", "any"):
        return BOOL
    if _given(wanted):
        return check_dtype(np.dtype(wanted), "dtype")
    if op in ("sum", "prod", "cumsum", "cumprod") and dtype.kind in "iub" and dtype.itemsize < 8:
        return np.dtype(np.uint64) if dtype.kind == "u" else I64
    return dtype


def _refuse_empty(x: Tracer, axes: tuple[int, ...], op: str) -> None:
    sizing = active_trace().sizing
    count = product(tuple(x.type.shape[k] for k in axes))
    if sizing.is_static(count) and sizing.decide(count, "==", 0):
        name = {"max": "maximum", "min": "minimum"}.get(op, op)
        raise ValueError(
            f"zero-size array to reduction operation {name} which has no identity: {describe(x)}; pass initial="
        )


def count_along(x: Tracer, axes: tuple[int, ...]) -> Any:
    """How many elements are combined along axes."""
    return python_size(product(tuple(x.type.shape[k] for k in axes)))


def mean(x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Any:
    """``np.mean``."""
    x = as_tracer(x)
    if x.dtype.kind in "iub" and not _given(dtype):
        x = convert(x, F64)
    if _given(where) and where is not True:
        count = reduce("sum", new(broadcast_to(as_tracer(where), x.type.shape)), axis, keepdims=keepdims, dtype=I64)
        result = reduce("sum", x, axis, dtype, keepdims=keepdims, where=where) / count
    else:
        total = reduce("sum", x, axis, dtype, keepdims=keepdims)
        result = total / _as(total.dtype, count_along(x, normal_axes(axis, x.type.rank)))
    if _given(out):
        write_out(out, result, True, "mean")
        return out
    return result


def _as(dtype: np.dtype, count: Any) -> Any:
    """A count in the dtype of what it divides."""
    return convert(as_tracer(count), dtype) if not isinstance(count, int) else dtype.type(count)


def var(x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
        where: Any = None, mean: Any = None, correction: Any = None) -> Any:  # fmt: skip
    """``np.var``: the mean of the squared distances from the mean."""
    x = as_tracer(x)
    if x.dtype.kind in "iub" and not _given(dtype):
        x = convert(x, F64)
    if _given(dtype):
        x = convert(x, np.dtype(dtype))
    if _given(where) and where is not True:
        raise UnsupportedError("np.var with where=; select the elements first")
    if _given(correction):
        ddof = correction
    axes = normal_axes(axis, x.type.rank)
    center = mean if _given(mean) else _mean(x, axes)
    squares = elementwise("square", x - center)
    count = count_along(x, axes) - ddof
    total = reduce("sum", squares, axes, keepdims=keepdims)
    if isinstance(count, (int, float)) and count <= 0:
        result = total / total.dtype.type(0)
    else:
        result = total / _as(total.dtype, count)
    if _given(out):
        write_out(out, result, True, "var")
        return out
    return result


def _mean(x: Tracer, axes: tuple[int, ...]) -> Any:
    return mean(x, axes, keepdims=True)


def std(x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **kwargs: Any) -> Any:
    """``np.std``."""
    result = np.sqrt(var(x, axis, dtype, None, ddof, keepdims, **kwargs))
    if _given(out):
        write_out(out, result, True, "std")
        return out
    return result


def position(op: str, x: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    """``np.argmax`` and ``np.argmin``."""
    x = as_tracer(x)
    rank = x.type.rank
    if x.dtype == BOOL:
        x = convert(x, I64)
    _refuse_empty(x, normal_axes(axis, rank), op)
    flat = ravel(x) if axis is None else x
    number = normal_axis(0 if axis is None else axis, flat.type.rank)
    result = new(active_trace().emit(op, flat.var, axis=number))
    if _given(keepdims) and keepdims:
        shape = (1,) * rank if axis is None else tuple(1 if k == number else d for k, d in enumerate(x.type.shape))
        result = reshaped(result, shape)
    return result


def running(op: str, x: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """``np.cumsum`` and ``np.cumprod``."""
    x = as_tracer(x)
    x = convert(x, _accumulator(op, x.dtype, dtype))
    if axis is None:
        x, axis = ravel(x), 0
    number = normal_axis(axis, x.type.rank)
    result = new(active_trace().emit(op, x.var, axis=number, reverse=False), scalar=False)
    if _given(out):
        write_out(out, result, True, op)
        return out
    return result


def sort(x: Any, axis: Any = -1, kind: Any = None, order: Any = None, **_: Any) -> Tracer:
    """``np.sort``."""
    x = as_tracer(x)
    if axis is None:
        x, axis = ravel(x), 0
    return new(active_trace().emit("sort", x.var, axis=normal_axis(axis, x.type.rank)), scalar=False)


def argsort(x: Any, axis: Any = -1, kind: Any = None, order: Any = None, **_: Any) -> Tracer:
    """``np.argsort``, always stable."""
    x = as_tracer(x)
    if axis is None:
        x, axis = ravel(x), 0
    return new(active_trace().emit("argsort", x.var, axis=normal_axis(axis, x.type.rank)), scalar=False)


def count_nonzero(x: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """``np.count_nonzero``."""
    return reduce("sum", elementwise("ne", as_tracer(x), 0), axis, I64, keepdims=keepdims)


def median(x: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
    """``np.median``: the middle of the sorted values."""
    x = as_tracer(x)
    if x.dtype.kind in "iub":
        x = convert(x, F64)
    if axis is None:
        flat = ravel(x)
        result = _middle(flat, 0)
        return reshape(result, (1,) * x.ndim) if keepdims else result
    number = normal_axis(axis, x.type.rank)
    result = _middle(x, number)
    from .shaping import expand_dims

    return expand_dims(result, number) if keepdims else result


def _middle(x: Tracer, axis: int) -> Any:
    ordered = sort(x, axis)
    n = x.shape[axis]
    before = (slice(None),) * axis
    middle = (ordered[(*before, (n - 1) // 2)] + ordered[(*before, n // 2)]) * x.dtype.type(0.5)
    poisoned = reduce("any", np.isnan(x), axis)
    return elementwise("select", poisoned, x.dtype.type(np.nan), middle)


def ptp(x: Any, axis: Any = None, **kwargs: Any) -> Any:
    """``np.ptp``."""
    return reduce("max", x, axis, **kwargs) - reduce("min", x, axis, **kwargs)


_REDUCE = {
    np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min",
    np.logical_and: "all", np.logical_or: "any",
}  # fmt: skip


def ufunc_method(ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """``np.add.reduce``, ``np.add.accumulate``, ``np.multiply.outer``, ..."""
    if method == "outer":
        left, right = map(as_tracer, inputs)
        return apply_ufunc(ufunc, reshaped(left, left.type.shape + (1,) * right.type.rank), right)
    if method == "reduce" and ufunc in _REDUCE:
        out = kwargs.pop("out", None)
        axis = inputs[1] if len(inputs) > 1 else kwargs.pop("axis", 0)
        x = inputs[0]
        if ufunc in (np.logical_and, np.logical_or):
            x = elementwise("ne", as_tracer(x), 0) if as_tracer(x).dtype != BOOL else x
        return reduce(_REDUCE[ufunc], x, axis, out=out[0] if isinstance(out, tuple) else out, **kwargs)
    if method == "accumulate" and ufunc in (np.add, np.multiply):
        axis = inputs[1] if len(inputs) > 1 else kwargs.get("axis", 0)
        return running("cumsum" if ufunc is np.add else "cumprod", inputs[0], axis, kwargs.get("dtype"))
    raise UnsupportedError(f"np.{ufunc.__name__}.{method} is not compiled; write it with a loop")


def ufunc_at(ufunc: np.ufunc, target: Any, index: Any, value: Any = None) -> None:
    """``np.add.at``: writes that add up where positions repeat."""
    if not isinstance(target, Tracer):
        raise UnsupportedError(f"np.{ufunc.__name__}.at on an array that is not traced; make it inside the function")
    if ufunc is np.subtract:
        ufunc, value = np.add, -as_tracer(value)
    if ufunc is not np.add:
        raise UnsupportedError(f"np.{ufunc.__name__}.at; np.add.at and np.subtract.at are compiled")
    from .indexing import add_at

    if not np.can_cast(as_tracer(value).dtype, target.dtype, "same_kind"):
        raise DTypeError(f"np.add.at: cannot add {as_tracer(value).dtype.name} values into {describe(target)}")
    add_at(target, index, value)


__all__ = ["UFUNCS"]
