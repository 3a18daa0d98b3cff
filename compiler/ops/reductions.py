"""Ops that combine the elements along axes: sums, products, extremes, running sums, sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import VerifyError
from ..ir import ArrayType, Equation, Type, Var
from ..ir.types import BOOL, I64
from .builder import Builder
from .op import Attrs, Contribution, Op, as_dtype


def _infer_reduction(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    (operand,) = types
    axes = a["axes"]
    if list(axes) != sorted(set(axes)) or any(not 0 <= k < operand.rank for k in axes):
        raise VerifyError(f"reduction of {operand} over {axes}: axes must be growing and within the rank")
    return (operand.with_shape(tuple(d for k, d in enumerate(operand.shape) if k not in axes)),)


def _infer_truth(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    if types[0].dtype != BOOL:
        raise VerifyError(f"all and any take bool arrays, found {types[0]}")
    return _infer_reduction(types, a, regions)


def _infer_position(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    (operand,) = types
    return (ArrayType(I64, tuple(d for k, d in enumerate(operand.shape) if k != a["axis"])),)


def _infer_along(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    if not 0 <= a["axis"] < types[0].rank:
        raise VerifyError(f"axis {a['axis']} is not an axis of {types[0]}")
    return (types[0],)


def _infer_argsort(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return (_infer_along(types, a, regions)[0].with_dtype(I64),)  # type: ignore[union-attr]


def _spread(b: Builder, value: Var, operand: Var, axes: tuple[int, ...]) -> Var:
    """Repeat a reduced value along the axes that were reduced."""
    kept = tuple(k for k in range(operand.type.rank) if k not in axes)
    return b.broadcast(value, kept, operand.type.shape)


def _transpose_sum(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    return (_spread(b, ct[0], e.operands[0], e["axes"]),)


def _jvp_extreme(b: Builder, e: Equation, tangents: Sequence[Var | None]) -> tuple[Var | None, ...]:
    """Ties share the tangent equally; a NaN maximum passes NaN on."""
    (x,), (dx,) = e.operands, tangents
    assert dx is not None
    axes = e["axes"]
    extreme = _spread(b, e.result, x, axes)
    nan = b.emit("ne", e.result, e.result)
    chosen = b.emit("or", b.emit("eq", x, extreme), b.emit("ne", extreme, extreme))
    count = b.sum(b.convert(chosen, x.type.dtype), axes)
    share = b.div(b.constant(1, count.type), b.select(nan, b.sub(e.result, e.result), count))
    shared = b.mul(dx, _spread(b, share, x, axes))
    return (b.sum(b.select(chosen, shared, b.zeros_like(shared)), axes),)


def _jvp_prod(b: Builder, e: Equation, tangents: Sequence[Var | None]) -> tuple[Var | None, ...]:
    """The sum over elements of the tangent times the product of the others, with no division by zeros."""
    (x,), (dx,) = e.operands, tangents
    assert dx is not None
    rank, axes = x.type.rank, e["axes"]
    kept = tuple(k for k in range(rank) if k not in axes)
    order = kept + axes
    shape = tuple(x.type.shape[k] for k in kept)
    count: Any = 1
    for k in axes:
        count = count * x.type.shape[k]
    flat_x, flat_dx = (b.reshape(b.transpose(v, order), (*shape, count)) for v in (x, dx))
    others = b.mul(b.emit("cumprod_before", flat_x, axis=len(kept), reverse=False),
                   b.emit("cumprod_before", flat_x, axis=len(kept), reverse=True))  # fmt: skip
    return (b.sum(b.mul(flat_dx, others), (len(kept),)),)


def _cumsum(x: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    if reverse:
        return np.flip(np.cumsum(np.flip(x, axis), axis, dtype=x.dtype), axis)
    return np.cumsum(x, axis, dtype=x.dtype)


def _cumprod(x: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    if reverse:
        return np.flip(np.cumprod(np.flip(x, axis), axis, dtype=x.dtype), axis)
    return np.cumprod(x, axis, dtype=x.dtype)


def _cumprod_before(x: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    moved = np.moveaxis(np.flip(x, axis) if reverse else x, axis, -1)
    out = np.ones_like(moved)
    out[..., 1:] = np.cumprod(moved[..., :-1], -1, dtype=x.dtype)
    out = np.moveaxis(out, -1, axis)
    return np.flip(out, axis) if reverse else out


def _jvp_running_product(b: Builder, e: Equation, tangents: Sequence[Var | None]) -> tuple[Var | None, ...]:
    """d P[k] = P[k-1] dx[k] + x[k] dP[k-1]: a linear recurrence, as a loop along the axis.

    With zeros in x no quotient form is right, so the recurrence is written out over whole slices.
    """
    (x,), (dx,) = e.operands, tangents
    assert dx is not None
    return (b.emit("linear_recurrence", x, b.mul(dx, _before(b, e)), axis=e["axis"], reverse=e["reverse"],
                   shifted=e.op == "cumprod_before"),)  # fmt: skip


def _before(b: Builder, e: Equation) -> Var:
    if e.op == "cumprod_before":
        return e.result
    return b.emit("cumprod_before", e.operands[0], axis=e["axis"], reverse=e["reverse"])


def _linear_recurrence(a: np.ndarray, x: np.ndarray, axis: int, reverse: bool, shifted: bool) -> np.ndarray:
    """r[k] = a[k] r[k-1] + x[k]; if shifted the result is r[k-1]."""
    a, x = (np.moveaxis(np.flip(v, axis) if reverse else v, axis, 0) for v in (a, x))
    out, state = np.zeros_like(x), np.zeros(x.shape[1:], x.dtype)
    for k in range(len(x)):
        if shifted:
            out[k] = state
        state = a[k] * state + x[k]
        if not shifted:
            out[k] = state
    out = np.moveaxis(out, 0, axis)
    return np.flip(out, axis) if reverse else out


def _infer_recurrence(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    if types[0] != types[1]:
        raise VerifyError(f"linear_recurrence takes two arrays of one type, found {types[0]} and {types[1]}")
    return _infer_along(types[1:], a, regions)


def _shift(b: Builder, x: Var, axis: int, forward: bool) -> Var:
    """Move elements by one along an axis, a zero entering at the end they leave."""
    zeros = b.zeros(x.type)
    length = x.type.shape[axis] - 1
    low = tuple((0, length if k == axis else d, 1) for k, d in enumerate(x.type.shape))
    high = tuple((1 if k == axis else 0, length if k == axis else d, 1) for k, d in enumerate(x.type.shape))
    source, target = (low, high) if forward else (high, low)
    return b.emit("update", zeros, b.index(x, source), spec=target)


def _jvp_recurrence(b: Builder, e: Equation, tangents: Sequence[Var | None]) -> tuple[Var | None, ...]:
    (a, _), (da, dx) = e.operands, tangents
    attributes = dict(e.attributes)
    inner = dx
    if da is not None:
        previous = b.emit("linear_recurrence", *e.operands, **{**attributes, "shifted": True})
        term = b.mul(da, previous)
        inner = term if inner is None else b.add(inner, term)
    if inner is None:
        return (None,)
    return (b.emit("linear_recurrence", a, inner, **attributes),)


def _transpose_recurrence(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    """Reversed in time: s[k] = ct[k] + a[k+1] s[k+1]; with the shifted form's cotangent moved by one first."""
    a, axis, reverse = e.operands[0], e["axis"], e["reverse"]
    cotangent = _shift(b, ct[0], axis, forward=reverse) if e["shifted"] else ct[0]
    following = _shift(b, a, axis, forward=reverse)
    return (None, b.emit("linear_recurrence", following, cotangent, axis=axis, reverse=not reverse, shifted=False))


def _jvp_sort(b: Builder, e: Equation, tangents: Sequence[Var | None]) -> tuple[Var | None, ...]:
    order = b.emit("argsort", e.operands[0], axis=e["axis"])
    assert tangents[0] is not None
    return (b.emit("take_along", tangents[0], order, axis=e["axis"]),)


def _infer_take_along(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return (types[1].with_dtype(types[0].dtype),)


def _transpose_take_along(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    zeros = b.zeros(e.operands[0].type)
    return (b.emit("put_along_add", zeros, ct[0], e.operands[1], axis=e["axis"]), None)


def _put_along_add(x: np.ndarray, value: np.ndarray, order: np.ndarray, axis: int) -> np.ndarray:
    out = x.copy()
    grid = list(np.meshgrid(*(np.arange(n) for n in order.shape), indexing="ij"))
    grid[axis] = order
    np.add.at(out, tuple(grid), value)
    return out


def _infer_first(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return (types[0],)


def _over(function: Callable[..., Any]) -> Callable[..., Any]:
    """A NumPy reduction that keeps the operand's dtype."""
    return lambda x, axes: as_dtype(function(x, axis=tuple(axes)), x.dtype)


REDUCTIONS: tuple[Op, ...] = (
    Op("sum", _infer_reduction, lambda x, axes: as_dtype(np.sum(x, axis=axes, dtype=x.dtype), x.dtype), linear=(0,),
       transpose=_transpose_sum),
    Op("prod", _infer_reduction, lambda x, axes: as_dtype(np.prod(x, axis=axes, dtype=x.dtype), x.dtype), jvp=_jvp_prod),
    Op("max", _infer_reduction, _over(np.max), jvp=_jvp_extreme),
    Op("min", _infer_reduction, _over(np.min), jvp=_jvp_extreme),
    Op("all", _infer_truth, _over(np.all), no_derivative="a truth value"),
    Op("any", _infer_truth, _over(np.any), no_derivative="a truth value"),
    Op("argmax", _infer_position, lambda x, axis: np.argmax(x, axis), no_derivative="a position"),
    Op("argmin", _infer_position, lambda x, axis: np.argmin(x, axis), no_derivative="a position"),
    Op("cumsum", _infer_along, _cumsum, linear=(0,),
       transpose=lambda b, e, ct: (b.emit("cumsum", ct[0], axis=e["axis"], reverse=not e["reverse"]),)),
    Op("cumprod", _infer_along, _cumprod, jvp=_jvp_running_product),
    # the product of all elements before this one (after it, if reversed)
    Op("cumprod_before", _infer_along, _cumprod_before, jvp=_jvp_running_product),
    # r[k] = a[k] r[k-1] + x[k] along an axis; "shifted" gives r[k-1]
    Op("linear_recurrence", _infer_recurrence, _linear_recurrence, jvp=_jvp_recurrence, linear=(1,),
       transpose=_transpose_recurrence),
    Op("sort", _infer_along, lambda x, axis: np.sort(x, axis), jvp=_jvp_sort),
    Op("argsort", _infer_argsort, lambda x, axis: np.argsort(x, axis, kind="stable"), no_derivative="positions"),
    Op("take_along", _infer_take_along, lambda x, order, axis: np.take_along_axis(x, order, axis), linear=(0,),
       transpose=_transpose_take_along),
    # x + value at the positions that order gives along the axis
    Op("put_along_add", _infer_first, _put_along_add, linear=(0, 1),
       transpose=lambda b, e, ct: (ct[0], b.emit("take_along", ct[0], e.operands[2], axis=e["axis"]), None)),
)  # fmt: skip
