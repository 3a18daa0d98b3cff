"""Functions that combine elements along axes: sums, extremes, means, running sums, sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.sizes import product
from ..ir.types import BOOL, F64, I64
from .broadcasting import fit, repeated
from .context import active_trace
from .dtypes import check_dtype
from .elementwise import elementwise, into, truth_of
from .promotion import as_array, convert, operand
from .shaping import expand_dims, moveaxis, normal_axes, normal_axis, ravel, reduced_axes, reshaped
from .tracer import Tracer, describe, new, python_size
from .unbound import emit_check

_NOTHING: Any = getattr(np, "_NoValue", None)


def given(value: Any) -> bool:
    """Whether an optional argument was given."""
    return value is not None and value is not _NOTHING


def reduce(
    op: str, x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = None,
) -> Any:  # fmt: skip
    """A reduction of the IR with NumPy's keywords."""
    x = truth_of(as_array(x)) if op in ("all", "any") else as_array(x)
    x = convert(x, _accumulator(op, x.dtype, dtype))
    axes = reduced_axes(axis, x.type.rank)
    if given(where) and where is not True:
        neutral = {"sum": 0, "prod": 1, "all": True, "any": False}.get(op, initial)
        if not given(neutral):
            raise ValueError(f"reduction operation '{_LONG.get(op, op)}' has no identity; with where= give 'initial' as well")
        x = elementwise("select", where, x, operand(neutral, x.dtype), dtype=x.dtype)
    if op in ("max", "min"):
        if given(initial):
            x = _with_initial(x, initial, axes)
        else:
            _refuse_empty(x, axes, op)
    result = _reduced(op, x, axes, keepdims)
    if given(initial) and op in ("sum", "prod"):
        result = elementwise("add" if op == "sum" else "mul", result, operand(initial, result.dtype))
    return into(out if given(out) else None, result if result.type.shape else new(result.value), op)


def reduction(op: str) -> Any:
    """``np.sum`` and ``np.prod``."""

    def apply(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None,
              where: Any = None) -> Any:  # fmt: skip
        return reduce(op, a, axis, dtype, out, keepdims, initial, where)

    return apply


def extreme(op: str) -> Any:
    """``np.max`` and ``np.min``."""

    def apply(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = None) -> Any:
        return reduce(op, a, axis, None, out, keepdims, initial, where)

    return apply


def truth(op: str) -> Any:
    """``np.all`` and ``np.any``."""

    def apply(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Any:
        return reduce(op, a, axis, None, out, keepdims, None, where)

    return apply


def _reduced(op: str, x: Tracer, axes: tuple[int, ...], keepdims: Any) -> Tracer:
    var = active_trace().emit(op, x.value, axes=axes) if axes else active_trace().scope.resolve(x.value)
    result = new(var, scalar=False)
    if given(keepdims) and keepdims:
        result = reshaped(result, tuple(1 if k in axes else d for k, d in enumerate(x.type.shape)))
    return result


def _with_initial(x: Tracer, initial: Any, axes: tuple[int, ...]) -> Tracer:
    """Put the initial value in as one more element: empty axes are fine then."""
    from .joining import concatenate

    axis = axes[0] if axes else 0
    shape = tuple(1 if k == axis else d for k, d in enumerate(x.type.shape))
    return concatenate([x, repeated(operand(initial, x.dtype), shape)], axis)


def _accumulator(op: str, dtype: np.dtype, wanted: Any) -> np.dtype:
    """The dtype that NumPy reduces in."""
    if op in ("all", "any"):
        return BOOL
    if given(wanted):
        return check_dtype(np.dtype(wanted), "dtype")
    if op in ("sum", "prod", "cumsum", "cumprod") and dtype.kind in "iub" and dtype.itemsize < 8:
        return np.dtype(np.uint64) if dtype.kind == "u" else I64
    return dtype


_LONG = {"max": "maximum", "min": "minimum"}


def _refuse_empty(x: Tracer, axes: tuple[int, ...], op: str) -> None:
    sizing = active_trace().sizing
    count = product(tuple(x.type.shape[k] for k in axes))
    if sizing.is_static(count) and sizing.decide(count, "==", 0):
        if op in ("argmax", "argmin"):
            raise ValueError(f"attempt to get {op} of an empty sequence: {describe(x)}")
        raise ValueError(
            f"zero-size array to reduction operation {_LONG.get(op, op)} which has no identity: {describe(x)}; pass initial="
        )


def count_along(x: Tracer, axes: tuple[int, ...]) -> Any:
    """How many elements are combined along axes."""
    return python_size(product(tuple(x.type.shape[k] for k in axes)))


def _counted(x: Tracer, axes: tuple[int, ...], where: Any) -> Any:
    """How many elements are combined, in the dtype of x; per result where ``where`` chooses them."""
    if not given(where) or where is True:
        count = count_along(x, axes)
        return operand(count, x.dtype)
    chosen = repeated(fit(truth_of(where), x.type.shape, "where"), x.type.shape)
    return reduce("sum", convert(chosen, x.dtype), axes, keepdims=True)


def _shaped(result: Tracer, like: Tracer, axes: tuple[int, ...], keepdims: Any) -> Tracer:
    """A result with its reduced axes of size 1, without them unless ``keepdims``."""
    if given(keepdims) and keepdims:
        return result
    flat = reshaped(result, tuple(d for k, d in enumerate(like.type.shape) if k not in axes))
    return new(flat.value)


def _floats(x: Any, dtype: Any) -> Tracer:
    x = as_array(x)
    if given(dtype):
        return convert(x, check_dtype(np.dtype(dtype), "dtype"))
    return convert(x, F64) if x.dtype.kind in "iub" else x


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Any:
    """``np.mean``."""
    x = _floats(a, dtype)
    axes = normal_axes(axis, x.type.rank)
    result = _shaped(_mean(x, axes, where), x, axes, keepdims)
    return into(out if given(out) else None, result, "mean")


def _mean(x: Tracer, axes: tuple[int, ...], where: Any) -> Tracer:
    total = reduce("sum", x, axes, keepdims=True, where=where)
    quotient = np.true_divide(total, _counted(x, axes, where))
    return quotient if x.dtype.kind == "f" else convert(quotient, x.dtype)


def var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
        where: Any = None, mean: Any = None, correction: Any = None) -> Any:  # fmt: skip
    """``np.var``: the mean of the squared distances from the mean."""
    if given(correction) and ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    x = _floats(a, dtype)
    axes = normal_axes(axis, x.type.rank)
    center = mean if given(mean) else _mean(x, axes, where)
    total = reduce("sum", np.square(as_array(a) - center), axes, x.dtype, keepdims=True, where=where)
    count = _counted(x, axes, where) - operand(correction if given(correction) else ddof, x.dtype)
    result = convert(total / np.maximum(count, x.dtype.type(0)), x.dtype)
    return into(out if given(out) else None, _shaped(result, x, axes, keepdims), "var")


def std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
        where: Any = None, mean: Any = None, correction: Any = None) -> Any:  # fmt: skip
    """``np.std``; its gradient where all elements are equal is 0."""
    squared = var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    root = squared if squared.dtype.kind == "f" else convert(squared, F64)
    return into(out if given(out) else None, convert(root_of_squares(root), squared.dtype), "std")


def root_of_squares(total: Tracer) -> Tracer:
    """The root of a sum of squares: its gradient at 0 is 0, and not infinite."""
    zero = elementwise("eq", total, 0.0)
    root = elementwise("sqrt", elementwise("select", zero, total.dtype.type(1), total))
    return elementwise("select", zero, total.dtype.type(0), root)


def position(op: str) -> Any:
    """``np.argmax`` and ``np.argmin``."""

    def apply(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        x = as_array(a)
        rank = x.type.rank
        x = convert(x, I64) if x.dtype == BOOL else x
        _refuse_empty(x, reduced_axes(axis, rank), op)
        flat, number = along(x, axis)
        result = new(active_trace().emit(op, flat.value, axis=number))
        if given(keepdims) and keepdims:
            shape = (1,) * rank if axis is None else tuple(1 if k == number else d for k, d in enumerate(x.type.shape))
            result = reshaped(result, shape)
        return into(out if given(out) else None, result, op)

    return apply


def running(op: str) -> Any:
    """``np.cumsum`` and ``np.cumprod``."""

    def apply(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        x, number = along(a, axis)
        x = convert(x, _accumulator(op, x.dtype, dtype))
        return into(out, new(active_trace().emit(op, x.value, axis=number, reverse=False), scalar=False), op)

    return apply


def running_with_initial(op: str, start: int) -> Any:
    """``np.cumulative_sum`` and ``np.cumulative_prod``."""

    def apply(x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False) -> Any:
        from .joining import concatenate

        x = as_array(x)
        if axis is None and x.type.rank != 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
        number = normal_axis(0 if axis is None else axis, x.type.rank)
        result = running(op)(x, number, dtype)
        if include_initial:
            shape = tuple(1 if k == number else d for k, d in enumerate(x.type.shape))
            result = concatenate([repeated(operand(start, result.dtype), shape), result], number)
        return into(out, result, op)

    return apply


def along(a: Any, axis: Any) -> tuple[Tracer, int]:
    """An array and one of its axes; flattened for None, and where a 0-d array is taken for one of one element."""
    x = as_array(a)
    if axis is None or (not x.type.rank and reduced_axes(axis, 0) == ()):
        return ravel(x), 0
    return x, normal_axis(axis, x.type.rank)


def joined_axes(a: Any, axis: Any) -> tuple[Tracer, tuple[int, ...]]:
    """An array with the given axes made one, the last; and these axes."""
    x = as_array(a)
    axes = normal_axes(axis, x.type.rank)
    rest = tuple(d for k, d in enumerate(x.type.shape) if k not in axes)
    moved = moveaxis(x, axes, tuple(range(-len(axes), 0))) if axes else expand_dims(x, -1)
    return reshaped(moved, (*rest, product(tuple(x.type.shape[k] for k in axes)))), axes


def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tracer:
    """``np.sort``."""
    if axis is not None:
        normal_axis(axis, as_array(a).type.rank)
    x, number = along(a, axis)
    return new(active_trace().emit("sort", x.value, axis=number), scalar=False)


def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tracer:
    """``np.argsort``, always stable."""
    x, number = along(a, axis)
    return new(active_trace().emit("argsort", x.value, axis=number), scalar=False)


def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Tracer:
    """``np.partition``: sorted altogether."""
    _check_kth(kth, a, axis)
    return sort(a, axis)


def _check_kth(kth: Any, a: Any, axis: Any) -> None:
    """Raise NumPy's errors for places that are none along the axis."""
    places = as_array(kth)
    if places.dtype.kind not in "iu":
        raise TypeError("Partition index must be integer")
    x, number = along(a, axis)
    length = x.shape[number]
    inside = np.all((places >= -length) & (places < length))
    emit_check(inside | (x.size == 0), ValueError("kth is out of bounds"))


def argpartition(a: Any, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Tracer:
    """``np.argpartition``: sorted altogether."""
    _check_kth(kth, a, axis)
    return argsort(a, axis)


def lexsort(keys: Any, axis: int = -1) -> Tracer:
    """``np.lexsort``: the last key counts most."""
    first, *rest = [as_array(key) for key in keys]
    result = argsort(first, axis)
    for key in rest:
        result = np.take_along_axis(result, argsort(np.take_along_axis(key, result, axis), axis), axis)
    return result


def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """``np.count_nonzero``."""
    return reduce("sum", truth_of(a), axis, I64, keepdims=keepdims)


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """``np.ptp``."""
    return into(out, reduce("max", a, axis, keepdims=keepdims) - reduce("min", a, axis, keepdims=keepdims), "ptp")
