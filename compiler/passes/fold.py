"""Computes what is known at compile time."""

from __future__ import annotations

import numpy as np

from ..ir import ArrayType, Equation, Function, Var
from ..ops import OPS
from .constants import constant_of, python_number
from .rewriting import Replacement, Rewriter, rewrite


def fold_constants(function: Function) -> Function:
    """Replace numbers computed from constants by their values, and branches on constants by the branch taken.

    %0: f64[] = constant {value=2.0, dtype=f64}          %0: f64[] = constant {value=4.0, dtype=f64}
    %1: f64[] = mul %0 %0
    """
    return rewrite(function, _fold)


def _fold(r: Rewriter, equation: Equation) -> Replacement:
    match equation.op:
        case "size":
            return _size(r, equation)
        case "cond":
            return _branch(r, equation)
    if len(equation.results) != 1 or not equation.operands or not _is_scalar(equation.result):
        return None
    if not (OPS[equation.op].elementwise or equation.op == "convert"):
        return None
    values = [constant_of(r, operand) for operand in equation.operands]
    if any(value is None for value in values):
        return None
    return _evaluate(r, equation, values)


def _evaluate(r: Rewriter, equation: Equation, values: list[float]) -> Replacement:
    arrays = [np.asarray(v, o.type.dtype) for v, o in zip(values, equation.operands, strict=True)]  # type: ignore[union-attr]
    reference, dtype = OPS[equation.op].reference, equation.result.type.dtype  # type: ignore[union-attr]
    assert reference is not None
    with np.errstate(all="ignore"):
        try:
            value = np.asarray(reference(*arrays, **dict(equation.attributes))).astype(dtype)
        except (ValueError, ZeroDivisionError):  # integers to negative powers
            return None
    return r.emit("constant", like=equation, value=python_number(value, dtype), dtype=dtype)


def _size(r: Rewriter, equation: Equation) -> Replacement:
    value = equation["value"]
    if not isinstance(value, int):
        return None
    return r.emit("constant", like=equation, value=value, dtype=equation.result.type.dtype)  # type: ignore[union-attr]


def _branch(r: Rewriter, equation: Equation) -> Replacement:
    test = constant_of(r, equation.operands[0])
    if test is None:
        return None
    taken = equation.regions[0 if test else 1]
    environment: dict[Var, Var] = dict(zip(taken.parameters, equation.operands[1:], strict=True))
    for inner in taken.equations:
        results = r.add(inner.replace(operands=tuple(environment[v] for v in inner.operands)))
        environment.update(zip(inner.results, results, strict=True))
    return tuple(environment[v] for v in taken.results)


def _is_scalar(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and not var.type.shape
