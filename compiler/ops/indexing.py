"""Ops that read and write parts of arrays.

A basic index is a ``spec`` with one entry per axis of the array:

    a dim                     this position; the axis goes away
    None                      the position is the next operand, an i64 scalar; the axis goes away
    (start, length, step)     length elements from start, step apart (a negative step walks back); start None means that it is
                              the next operand

All positions are within bounds and not negative: the tracer proves it or puts ``wrap_index`` before, which raises. An
advanced index is one integer array per entry of ``axes``, all of one shape, which comes first in the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import VerifyError
from ..ir import ArrayType, Dim, Equation, Type, Var
from ..ir.types import BOOL, I64
from .builder import Builder
from .op import Attrs, Contribution, Into, Op

Spec = tuple[Any, ...]


def spec_shape(spec: Spec) -> tuple[Dim, ...]:
    """The shape of what a basic index selects."""
    return tuple(entry[1] for entry in spec if isinstance(entry, tuple))


def dynamic_count(spec: Spec) -> int:
    """How many entries take their position from an operand."""
    return sum(entry is None or (isinstance(entry, tuple) and entry[0] is None) for entry in spec)


def numpy_index(spec: Spec, starts: Sequence[Any]) -> tuple[Any, ...]:
    """The NumPy index for a spec whose sizes are ints."""
    remaining = iter(starts)
    index: list[Any] = []
    for entry in spec:
        if isinstance(entry, tuple):
            start, length, step = entry
            first = int(next(remaining)) if start is None else start
            stop = first + length * step
            index.append(slice(first, None if stop < 0 else stop, step) if length > 0 else slice(0, 0))
        else:
            index.append(int(next(remaining)) if entry is None else entry)
    return tuple(index)


def _check_spec(op: str, array: ArrayType, spec: Spec, starts: Sequence[Any]) -> None:
    if len(spec) != array.rank:
        raise VerifyError(f"{op} of {array}: the spec has {len(spec)} entries")
    if dynamic_count(spec) != len(starts) or any(t != ArrayType(I64) for t in starts):
        raise VerifyError(f"{op} of {array}: spec {spec} needs {dynamic_count(spec)} i64 scalars, found {list(starts)}")


def _infer_index(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    array, *starts = types
    _check_spec("index", array, a["spec"], starts)
    return (array.with_shape(spec_shape(a["spec"])),)


def _infer_update(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    array, value, *starts = types
    _check_spec("update", array, a["spec"], starts)
    if value != array.with_shape(spec_shape(a["spec"])):
        raise VerifyError(f"update of {array} at {a['spec']}: the value is {value}")
    return (array,)


def _update(x: np.ndarray, value: np.ndarray, *starts: Any, spec: Spec) -> np.ndarray:
    out = np.array(x)
    out[numpy_index(spec, starts)] = value
    return out


def _index_add(x: np.ndarray, value: np.ndarray, *starts: Any, spec: Spec) -> np.ndarray:
    out = np.array(x)
    out[numpy_index(spec, starts)] += value
    return out


def _transpose_index(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    _, *starts = e.operands
    add = Into(lambda b, acc: b.emit("index_add", acc, ct[0], *starts, spec=e["spec"]), place=(*starts, e["spec"]))
    return (add, *(None for _ in starts))


def _transpose_update(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    _, value, *starts = e.operands
    taken = b.emit("index", ct[0], *starts, spec=e["spec"])  # read first: clearing may then be in place
    cleared = b.emit("update", ct[0], b.zeros(value.type), *starts, spec=e["spec"])
    return (cleared, taken, *(None for _ in starts))


def jvp_accumulate(b: Builder, e: Equation, tangents: Sequence[Var | None]) -> tuple[Var | None, ...]:
    """Where only the array or only the value has a tangent."""
    x, _value, *positions = e.operands
    if tangents[1] is None:
        return (tangents[0],)
    return (b.emit(e.op, b.zeros_like(x), tangents[1], *positions, **dict(e.attributes)),)


def _transpose_index_add(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    _, _, *starts = e.operands
    return (ct[0], b.emit("index", ct[0], *starts, spec=e["spec"]), *(None for _ in starts))


def _infer_wrap(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    if types[0].dtype != I64:
        raise VerifyError(f"wrap_index takes i64, found {types[0]}")
    return (types[0],)


def _wrap_index(x: np.ndarray, size: int, message: str) -> np.ndarray:
    if np.any((x < -size) | (x >= size)):
        raise IndexError(message)
    return np.where(x < 0, x + size, x)


def _check_advanced(op: str, array: ArrayType, axes: tuple[int, ...], positions: Sequence[Any]) -> None:
    if len(axes) != len(positions) or list(axes) != sorted(set(axes)) or axes[-1] >= array.rank:
        raise VerifyError(f"{op} of {array}: axes {axes} with {len(positions)} index arrays")
    if any(p != positions[0] or p.dtype != I64 for p in positions):
        raise VerifyError(f"{op} of {array}: index arrays must be i64 of one shape, found {list(positions)}")


def _taken_shape(array: ArrayType, axes: tuple[int, ...], positions: Sequence[Any]) -> tuple[Dim, ...]:
    return (*positions[0].shape, *(d for k, d in enumerate(array.shape) if k not in axes))


def _infer_take(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    array, *positions = types
    _check_advanced("take", array, a["axes"], positions)
    return (array.with_shape(_taken_shape(array, a["axes"], positions)),)


def _infer_put(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    array, value, *positions = types
    _check_advanced("put", array, a["axes"], positions)
    if value != array.with_shape(_taken_shape(array, a["axes"], positions)):
        raise VerifyError(f"put into {array} along {a['axes']}: the value is {value}")
    return (array,)


def _front(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.moveaxis(x, axes, range(len(axes)))


def _take(x: np.ndarray, *positions: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return _front(x, axes)[tuple(positions)]


def _put(x: np.ndarray, value: np.ndarray, *positions: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    out = np.array(x)
    _front(out, axes)[tuple(positions)] = value
    return out


def _put_add(x: np.ndarray, value: np.ndarray, *positions: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    out = np.array(x)
    np.add.at(_front(out, axes), tuple(positions), value)
    return out


def _transpose_take(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    _, *positions = e.operands
    add = Into(lambda b, acc: b.emit("put_add", acc, ct[0], *positions, axes=e["axes"]))
    return (add, *(None for _ in positions))


def _transpose_put_add(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    _, _, *positions = e.operands
    return (ct[0], b.emit("take", ct[0], *positions, axes=e["axes"]), *(None for _ in positions))


def _transpose_put(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    """Where positions repeat, the last write wins: only it gets the cotangent."""
    x, value, *positions = e.operands
    taken = b.emit("take", ct[0], *positions, axes=e["axes"])  # read first: clearing may then be in place
    numbers = b.reshape(b.emit("iota", size=positions[0].type.size, dtype=I64), positions[0].type.shape)
    board_shape = tuple(x.type.shape[k] for k in e["axes"])
    board = b.emit("put", b.zeros(ArrayType(I64, board_shape)), numbers, *positions, axes=tuple(range(len(board_shape))))
    winner = b.emit("take", board, *positions, axes=tuple(range(len(board_shape))))
    wins = b.broadcast(b.emit("eq", winner, numbers), tuple(range(positions[0].type.rank)), value.type.shape)
    cleared = b.emit("put", ct[0], b.zeros(value.type), *positions, axes=e["axes"])
    return (cleared, b.select(wins, taken, b.zeros(value.type)), *(None for _ in positions))


def _infer_nonzero(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    from ..ir import symbol

    if types[0].dtype != BOOL:
        raise VerifyError(f"nonzero takes a bool array, found {types[0]}")
    return (ArrayType(I64, (symbol(a["symbol"]),)),)


INDEXING: tuple[Op, ...] = (
    Op("index", _infer_index, lambda x, *starts, spec: x[numpy_index(spec, starts)], linear=(0,),
       transpose=_transpose_index),
    Op("update", _infer_update, _update, linear=(0, 1), transpose=_transpose_update),
    Op("index_add", _infer_update, _index_add, linear=(0, 1), jvp=jvp_accumulate, transpose=_transpose_index_add),
    # positions counted from the end become positions from the start; raises IndexError outside of [-size, size)
    Op("wrap_index", _infer_wrap, _wrap_index, no_derivative="positions"),
    Op("take", _infer_take, _take, linear=(0,), transpose=_transpose_take),
    Op("put", _infer_put, _put, linear=(0, 1), transpose=_transpose_put),
    Op("put_add", _infer_put, _put_add, linear=(0, 1), jvp=jvp_accumulate, transpose=_transpose_put_add),
    # flat positions of the true elements; their number becomes the value of a new symbol
    Op("nonzero", _infer_nonzero, lambda x, symbol: np.flatnonzero(x), no_derivative="positions"),
)  # fmt: skip
