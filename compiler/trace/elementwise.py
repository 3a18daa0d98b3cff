"""Elementwise ops of the IR on tracers: operands are promoted and broadcast first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from ..ir import ArrayType, Dim, Function
from ..ir.types import BOOL, F64, I64
from .broadcasting import broadcast_shapes, broadcast_to, fit, is_smaller
from .context import active_trace
from .promotion import PYTHON_TYPES, as_tracer, can_write, cast, is_python, literal, operand, result_dtype
from .tracer import Tracer, describe, new


def elementwise(op: str, *values: Any, dtype: np.dtype | None = None) -> Tracer:
    """Apply an elementwise op to values of one dtype (given, or promoted), broadcasting them."""
    values = tuple(as_tracer(v) if isinstance(v, (list, tuple)) else v for v in values)
    if any(is_stretched(v) for v in values):
        return _of_stretched(op, values, dtype)
    numbers = values[1:] if op == "select" else values
    dtype = result_dtype(*numbers) if dtype is None else dtype
    operands = [(cast if op == "select" else operand)(v, dtype) for v in numbers]
    if op == "select":
        operands.insert(0, operand(values[0], BOOL))
    shape = broadcast_shapes(operands, op)
    dim = _dim_of_result(op, operands) if not shape and dtype == I64 else None
    variables = [broadcast_to(v, shape) for v in operands]
    return new(active_trace().emit(op, *variables), weak=all(map(is_python, values)), dim=dim)


def is_stretched(value: Any) -> bool:
    """Whether a value may be a number or smaller array that a branch or loop has repeated."""
    return isinstance(value, Tracer) and bool(value.cell.stretched)


def _of_stretched(op: str, values: Sequence[Any], dtype: np.dtype | None) -> Tracer:
    """The result is that of the smaller values unless an operand that is none of them gives it its shape."""
    result = elementwise(op, *(v.renewed() if is_stretched(v) else v for v in values), dtype=dtype)
    shapes = [as_tracer(v).type.shape for v in values if not is_stretched(v)]
    if all(is_smaller(shape, result.type.shape) for shape in shapes):
        result.cell.stretched = next(v.cell.stretched for v in values if is_stretched(v))
    return result


def formula(regions: Callable[[ArrayType, int], tuple[Function, Function]], values: Sequence[Any], name: str) -> Tracer:
    """Apply an elementwise function of the user's, broadcasting; ``regions`` gives it, and its partial derivatives, for a type."""
    numbers = [as_tracer(v) for v in values]
    dtype = result_dtype(*values)
    dtype = dtype if dtype.kind == "f" else F64
    operands = [operand(v, dtype) for v in numbers]
    variables = [broadcast_to(v, broadcast_shapes(operands, name)) for v in operands]
    return new(active_trace().emit("formula", *variables, regions=regions(variables[0].type, len(variables))))


def _dim_of_result(op: str, operands: list[Tracer]) -> Dim | None:
    """The size that integer arithmetic on sizes gives."""
    dims: list[Any] = [v.dim for v in operands]
    if any(d is None for d in dims):
        return None
    match op, dims:
        case "add", [a, b]:
            return a + b
        case "sub", [a, b]:
            return a - b
        case "neg", [a]:
            return -a
        case "mul", [a, b]:
            return a * b
        case "floor_divide", [a, int() as b] if b > 0:
            return a // b
        case "remainder", [a, int() as b] if b > 0:
            return a % b
    return None


def truth_of(value: Any) -> Tracer:
    """Element by element, whether a value is not zero."""
    x = as_tracer(value)
    return x if x.dtype == BOOL else elementwise("ne", x, 0)


def assign(target: Tracer, value: Any, operation: str) -> None:
    """Write a value, converted and broadcast, into a traced array."""
    if is_stretched(value):
        value = value.renewed()
    if value is None and target.dtype.kind == "f":  # as NumPy converts it
        value = np.nan
    if type(value) in PYTHON_TYPES:
        source = literal(value, target.type.dtype)
    else:
        source = operand(value, target.type.dtype)
    try:
        source = fit(source, target.type.shape, operation)
    except ShapeError:
        text = active_trace().sizing.shape_text
        raise ShapeError(
            f"{operation}: could not write a value of shape {text(source.type.shape)} into {describe(target)}"
        ) from None
    target.assign(broadcast_to(source, target.type.shape))


def write_out(target: Any, value: Any, where: Any, operation: str, exact: bool = True) -> Any:
    """Write a result into what was given as ``out=``; returns that. A ufunc may repeat its result (``exact`` is false)."""
    from ..errors import UnsupportedError

    target = target[0] if isinstance(target, tuple) and len(target) == 1 else target
    if not isinstance(target, Tracer):
        raise UnsupportedError(f"np.{operation}: out= must be an array made in the traced function or an argument of it")
    value = as_tracer(value)
    if target.is_scalar:
        raise TypeError(f"np.{operation}: return arrays must be of ArrayType, found the scalar {describe(target)}")
    if not can_write(value, target.dtype):
        raise DTypeError(
            f"np.{operation}: cannot write {value.dtype.name} results into {describe(target)} by casting rule 'same_kind'; "
            "make the array of a floating dtype, or convert the result with astype"
        )
    if where is not True:
        value = elementwise("select", where, value, target, dtype=target.dtype)
    sizing = active_trace().sizing
    same = value.type.rank == target.type.rank and all(
        sizing.decide(a, "==", b) is not False for a, b in zip(value.type.shape, target.type.shape, strict=True)
    )
    if not same and (exact or value.type.rank > target.type.rank):
        text = sizing.shape_text
        raise ShapeError(
            f"np.{operation}: results of shape {text(value.type.shape)} do not fit into out={describe(target)}; "
            "it must have the shape of the result"
        )
    assign(target, value, operation)
    return target


def into(out: Any, result: Any, operation: str, exact: bool = True) -> Any:
    """The result, or ``out`` with the result written into it where it is given."""
    return result if out is None else write_out(out, result, True, operation, exact)
