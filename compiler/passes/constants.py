"""What passes know of constants: numbers, repeated to arrays or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import ArrayType, Var
from .rewriting import Rewriter


def constant_of(r: Rewriter, var: Var) -> Any:
    """The number that all elements of a variable are, or None."""
    equation = r.definition.get(var)
    while equation is not None and equation.op == "broadcast":
        equation = r.definition.get(equation.operands[0])
    if equation is None or equation.op != "constant":
        return None
    return equation["value"]


def is_number(r: Rewriter, var: Var, number: float) -> bool:
    """Whether all elements are this number; 0.0 and -0.0 differ."""
    value = constant_of(r, var)
    return value is not None and bool(value == number) and np.signbit(float(value)) == np.signbit(float(number))


def constant(r: Rewriter, value: Any, type: ArrayType) -> Var:
    """A number as an array of a type."""
    scalar = r.emit("constant", value=python_number(value, type.dtype), dtype=type.dtype)
    return r.emit("broadcast", scalar, axes=(), shape=type.shape) if type.shape else scalar


def python_number(value: Any, dtype: np.dtype) -> Any:
    """The value of a dtype as a Python number."""
    if dtype.kind == "b":
        return bool(value)
    return int(value) if dtype.kind in "iu" else float(value)
