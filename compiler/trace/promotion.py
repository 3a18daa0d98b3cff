"""Values as tracers, and the dtypes that NumPy promotes them to.

Python numbers are weak: their dtype gives way to that of the arrays they meet. What a ufunc or function of NumPy returns is
strong; what Python's operators make of Python numbers stays weak.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..ir import ArrayType
from ..ir.types import BOOL, F64, I64
from ..ops.builder import python_scalar
from .cells import Cell
from .context import active_trace
from .dtypes import check_array, check_dtype
from .tracer import TracedSize, Tracer, new

PYTHON_TYPES: dict[type, np.dtype] = {bool: BOOL, int: I64, float: F64}


def as_tracer(value: Any, what: str = "an operand") -> Tracer:
    """Anything numeric as a tracer: Python numbers become weak constants, arrays become captured inputs."""
    if isinstance(value, Tracer):
        return value
    if isinstance(value, TracedSize):
        return new(active_trace().emit("size", value=value.dim), weak=True, dim=value.dim)
    if type(value) in PYTHON_TYPES:
        constant = literal(value, PYTHON_TYPES[type(value)])
        return new(constant.value, weak=True, dim=constant.dim)
    if isinstance(value, np.generic):
        dtype = check_dtype(value.dtype, what)
        var = active_trace().emit("constant", value=value.item(), dtype=dtype)
        return new(var, dim=int(value) if dtype.kind == "i" else None)
    if isinstance(value, np.ndarray):
        return captured(value, what)
    if hasattr(type(value), "as_array"):  # a list or range whose items are made by a loop
        return value.as_array()
    if isinstance(value, range):
        return captured(np.arange(value.start, value.stop, value.step))
    if isinstance(value, (list, tuple)):
        from .creation import array  # lists of tracers become arrays, which are made of tracers

        return array(value)
    if isinstance(value, complex):
        raise DTypeError(f"{what} is complex: complex numbers are not supported; keep real and imaginary parts apart")
    raise TypeError(f"{what} is {type(value).__name__}; expected an array or a number")


def as_array(value: Any, what: str = "an operand") -> Tracer:
    """A tracer that is not weak, as after ``np.asarray``: of a Python number a 0-d array."""
    x = as_tracer(value, what)
    return new(x.value, scalar=False, dim=x.dim) if x.weak else x


def strong(result: Any) -> Any:
    """A result as NumPy's functions return it: never a Python number."""
    if isinstance(result, Tracer):
        return new(result.value, dim=result.dim) if result.weak else result
    if type(result) in (tuple, list):
        return type(result)(strong(item) for item in result)
    return result


def captured(array: np.ndarray, what: str = "an array") -> Tracer:
    """An array that the function found outside of its arguments: an input of the program, read at each call."""
    trace = active_trace()
    if id(array) not in trace.captured_arrays:
        check_array(array, what)
        type = ArrayType(array.dtype, tuple(array.shape))
        cell = Cell(trace.root.builder.parameter("captured", type), trace.root)
        cell.captured = True
        trace.captured_arrays[id(array)] = (array, Tracer(cell, type))
    return trace.captured_arrays[id(array)][1]


def literal(value: Any, dtype: np.dtype) -> Tracer:
    """A Python number as a constant of a dtype; NumPy's errors where it does not fit."""
    if dtype == I64 and not -(2**63) <= value < 2**63:
        raise OverflowError(
            f"{value} does not fit into the 64 bits that an int has in a traced function; write np.uint64({value})"
        )
    with np.errstate(all="ignore"):
        number = np.dtype(dtype).type(value)
    var = active_trace().emit("constant", value=python_scalar(number, dtype), dtype=dtype)
    return new(var, dim=int(number) if dtype == I64 else None)


def operand(value: Any, dtype: np.dtype) -> Tracer:
    """A value in a dtype; NumPy's error where a Python integer does not fit into it."""
    if type(value) in PYTHON_TYPES:
        return literal(value, dtype)
    tracer = as_tracer(value)
    if tracer.weak and tracer.dtype == I64 and dtype.kind in "iu":
        _check_range(tracer, dtype)
    return convert(tracer, dtype)


def cast(value: Any, dtype: np.dtype) -> Tracer:
    """A value in a dtype, brought into its range as by ``astype``."""
    if type(value) is int and dtype.kind in "iu":
        return literal(int(np.asarray(value).astype(dtype)), dtype)
    return literal(value, dtype) if type(value) in PYTHON_TYPES else convert(as_tracer(value), dtype)


def _check_range(number: Tracer, dtype: np.dtype) -> None:
    """Raise NumPy's error, when the program runs, where an int does not fit into an integer dtype."""
    emit, proves = active_trace().emit, active_trace().sizing.proves
    for relation, op, limit in ((">=", "ge", int(np.iinfo(dtype).min)), ("<=", "le", int(np.iinfo(dtype).max))):
        if -(2**63) < limit < 2**63 - 1 and not (number.dim is not None and proves(number.dim, relation, limit)):
            fits = emit(op, number.value, literal(limit, I64).value)
            emit("check", fits, kind="OverflowError", message=f"Python integer out of bounds for {dtype.name}")


def convert(value: Tracer, dtype: np.dtype) -> Tracer:
    """The same values in another dtype."""
    if value.type.dtype == dtype:
        return value
    dim = value.dim if dtype == I64 else None
    return new(active_trace().emit("convert", value.value, dtype=dtype), scalar=value.is_scalar, dim=dim)


def is_python(value: Any) -> bool:
    """Whether a value stands for a Python number."""
    return isinstance(value, TracedSize) or type(value) in PYTHON_TYPES or (isinstance(value, Tracer) and value.weak)


def scalar_type(value: Any) -> Any:
    """What ``ufunc.resolve_dtypes`` takes for an operand: a dtype, or a Python type for a weak one."""
    if isinstance(value, Tracer):
        if value.weak:
            return {"b": BOOL, "i": int, "f": float}[value.type.dtype.kind]
        return value.type.dtype
    if isinstance(value, TracedSize):
        return int
    if type(value) in PYTHON_TYPES:
        return BOOL if isinstance(value, bool) else type(value)
    return as_tracer(value).type.dtype


def result_dtype(*values: Any) -> np.dtype:
    """The dtype that NumPy promotes values to."""
    types = [scalar_type(value) for value in values]
    found = np.result_type(*(t if isinstance(t, np.dtype) else t(0) for t in types))
    return check_dtype(found, "the result")


def common_dtype(parts: Sequence[Tracer]) -> np.dtype:
    """The dtype of an array that holds all parts; Python numbers are int64 and float64 there."""
    return check_dtype(np.result_type(*(part.type.dtype for part in parts)), "the result")


def can_write(value: Any, dtype: np.dtype) -> bool:
    """Whether NumPy's same-kind casting lets a value into an array of a dtype."""
    source = scalar_type(value)
    if isinstance(source, np.dtype):
        return bool(np.can_cast(source, dtype, "same_kind"))
    return dtype.kind == "f" or (source is int and dtype.kind in "iu")


def promoted(*types: tuple[np.dtype, bool]) -> np.dtype:
    """The dtype of a variable that holds values of several dtypes, each with whether it is a Python number."""
    if all(weak for _, weak in types):
        return np.result_type(*(dtype for dtype, _ in types))
    python = {"i": 0, "f": 0.0}
    return np.result_type(*(python[dtype.kind] if weak and dtype.kind != "b" else dtype for dtype, weak in types))
