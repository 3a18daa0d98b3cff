"""Ops that make, move and reshape elements but compute nothing: all linear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import VerifyError
from ..ir import ArrayType, Equation, Type, Var
from ..ir.sizes import product
from ..ir.types import I64
from .builder import Builder
from .op import ALL, Attrs, Contribution, Op, as_dtype


def _infer_constant(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return (ArrayType(a["dtype"]),)


def _infer_size(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return (ArrayType(I64),)


def _infer_iota(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return (ArrayType(a["dtype"], (a["size"],)),)


def _infer_broadcast(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    (operand,) = types
    axes, shape = a["axes"], a["shape"]
    if len(axes) != operand.rank or list(axes) != sorted(set(axes)) or any(not 0 <= k < len(shape) for k in axes):
        raise VerifyError(f"broadcast of {operand} needs one growing result axis per operand axis, found {axes}")
    if any(shape[k] != dim for k, dim in zip(axes, operand.shape, strict=True)):
        raise VerifyError(f"broadcast of {operand} to {shape} along {axes}: sizes differ")
    return (operand.with_shape(shape),)


def _broadcast(x: np.ndarray, axes: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    aligned = [1] * len(shape)
    for axis, size in zip(axes, x.shape, strict=True):
        aligned[axis] = size
    return np.broadcast_to(x.reshape(aligned), shape)


def _transpose_broadcast(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    axes = tuple(k for k in range(len(e["shape"])) if k not in e["axes"])
    return (b.sum(ct[0], axes),)


def _infer_reshape(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    (operand,) = types
    if operand.size != product(a["shape"]):
        raise VerifyError(f"reshape of {operand} to {a['shape']}: the number of elements differs")
    return (operand.with_shape(a["shape"]),)


def _infer_assume(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    (operand,) = types
    if operand.rank != len(a["shape"]):
        raise VerifyError(f"assume_shape of {operand} to {a['shape']}: the number of axes differs")
    return (operand.with_shape(a["shape"]),)


def _infer_transpose(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    (operand,) = types
    if sorted(a["axes"]) != list(range(operand.rank)):
        raise VerifyError(f"transpose of {operand}: {a['axes']} is no permutation of its axes")
    return (operand.with_shape(tuple(operand.shape[k] for k in a["axes"])),)


def _transpose_transpose(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    inverse = tuple(int(k) for k in np.argsort(e["axes"]))
    return (b.transpose(ct[0], inverse),)


def _infer_convert(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return (types[0].with_dtype(a["dtype"]),)


def _convert(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        return as_dtype(x, dtype)


def _infer_same(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return (types[0],)


def _infer_concatenate(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    first, axis = types[0], a["axis"]
    total: Any = 0
    for t in types:
        rest = t.shape[:axis] + t.shape[axis + 1 :]
        if t.dtype != first.dtype or t.rank != first.rank or rest != first.shape[:axis] + first.shape[axis + 1 :]:
            raise VerifyError(f"concatenate along axis {axis} of {', '.join(map(str, types))}")
        total = total + t.shape[axis]
    return (first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :])),)


def _transpose_concatenate(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    axis, start, parts = e["axis"], 0, []
    for operand in e.operands:
        spec = tuple((start if k == axis else 0, dim, 1) for k, dim in enumerate(operand.type.shape))
        parts.append(b.index(ct[0], spec))
        start = start + operand.type.shape[axis]
    return tuple(parts)


def _infer_barrier(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    return tuple(types)


def _jvp_barrier(b: Builder, e: Equation, tangents: Sequence[Var | None]) -> tuple[Var | None, ...]:
    """Where some operands have no tangent: a barrier for the others."""
    present = [d for d in tangents if d is not None]
    apart = b.emit("barrier", *present)
    found = iter(apart if len(present) > 1 else (apart,))
    return tuple(None if d is None else next(found) for d in tangents)


SHAPES: tuple[Op, ...] = (
    # a number known when tracing; broadcast makes arrays of it
    Op("constant", _infer_constant, lambda value, dtype: np.asarray(value, dtype), no_derivative="a constant"),
    # the value of a size expression
    Op("size", _infer_size, lambda value: np.asarray(value, I64), no_derivative="a constant"),
    # 0, 1, ..., size - 1
    Op("iota", _infer_iota, lambda size, dtype: np.arange(size).astype(dtype), no_derivative="a constant"),
    # axis i of the operand becomes axis axes[i] of the result; the other axes repeat
    Op("broadcast", _infer_broadcast, _broadcast, linear=(0,), transpose=_transpose_broadcast),
    Op("reshape", _infer_reshape, lambda x, shape: x.reshape(shape), linear=(0,),
       transpose=lambda b, e, ct: (b.reshape(ct[0], e.operands[0].type.shape),)),
    # the same array; guards or checks make its sizes equal to these other expressions
    Op("assume_shape", _infer_assume, lambda x, shape: x.reshape(shape), linear=(0,),
       transpose=lambda b, e, ct: (b.emit("assume_shape", ct[0], shape=e.operands[0].type.shape),)),
    # axis k of the result is axis axes[k] of the operand
    Op("transpose", _infer_transpose, lambda x, axes: np.transpose(x, axes), linear=(0,), transpose=_transpose_transpose),
    Op("convert", _infer_convert, _convert, linear=(0,),
       transpose=lambda b, e, ct: (b.convert(ct[0], e.operands[0].type.dtype),)),
    Op("concatenate", _infer_concatenate, lambda *xs, axis: np.concatenate(xs, axis), linear=ALL,
       transpose=_transpose_concatenate),
    # a value of its own storage; lowering puts it where an in-place write needs one
    # (its layout stays, so that the interpreter adds the elements of a copy in the same order)
    Op("copy", _infer_same, lambda x: x.copy(order="K"), linear=(0,), transpose=lambda b, e, ct: (ct[0],)),
    # the identity, whose derivative is zero
    Op("stop_gradient", _infer_same, lambda x: x, no_derivative="stopped by the user"),
    # the identity on several values that no pass may look through: keeps recomputation apart from what it repeats
    Op("barrier", _infer_barrier, lambda *xs: xs, linear=ALL, jvp=_jvp_barrier, transpose=lambda b, e, ct: tuple(ct)),
)  # fmt: skip
