"""The tangents of one equation's results, by the rule of its op."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from ..errors import UnsupportedError
from ..ir import ArrayType, Equation, StackType, Type, Var
from ..ops import ALL, OPS, Builder, Op
from ..syntax import parse_expression
from .derive import partials_of
from .expressions import evaluate_expression, number
from .regions import as_tuple

Tangents = Sequence[Var | None]


def has_tangent(type: Type) -> bool:
    """Whether values of a type can have tangents: floats, and stacks of floats."""
    if isinstance(type, ArrayType):
        return type.is_float
    return type.dtype.kind == "f"


def zeros(b: Builder, type: Type) -> Var:
    """The zero tangent of a type: zeros, or a stack on which nothing is yet."""
    if isinstance(type, StackType):
        stack: Var = b.emit("stack_new", dtype=type.dtype, capacity=None)
        return stack
    return b.zeros(type)


def linear_positions(op: Op, equation: Equation) -> tuple[int, ...]:
    """The operands in which the op is linear, all together."""
    return tuple(range(len(equation.operands))) if op.linear == ALL else op.linear


def tangents_of(b: Builder, equation: Equation, tangents: Tangents) -> Tangents:
    """The tangents of the results of an equation without regions; None is zero.

    Where the op is linear in what has a tangent, it is applied to the tangents themselves; products give one term per
    factor; other ops have a rule of their own or, elementwise, partial derivatives.
    """
    op = OPS[equation.op]
    nothing = (None,) * len(equation.results)
    active = {k for k, tangent in enumerate(tangents) if tangent is not None}
    if not active or op.no_derivative or not any(has_tangent(r.type) for r in equation.results):
        return nothing
    linear = set(linear_positions(op, equation))
    if linear and (active == linear or (active < linear and op.jvp is None)):
        return _apply_to_tangents(b, equation, tangents, linear)
    if op.multilinear:
        return (_sum_of_products(b, equation, tangents),)
    if op.jvp is not None:
        return op.jvp(b, equation, tangents)
    if op.elementwise:
        return (_sum_of_partials(b, op, equation, tangents),)
    raise NotImplementedError(f"the op {op.name} has no derivative rule")


def _apply_to_tangents(b: Builder, e: Equation, tangents: Tangents, linear: set[int]) -> Tangents:
    operands = [
        (zeros(b, v.type) if tangent is None else tangent) if k in linear else v
        for k, (v, tangent) in enumerate(zip(e.operands, tangents, strict=True))
    ]
    attributes: dict[str, Any] = dict(e.attributes)
    return as_tuple(b.emit(e.op, *operands, **attributes))


def _sum_of_products(b: Builder, e: Equation, tangents: Tangents) -> Var | None:
    total: Var | None = None
    attributes: dict[str, Any] = dict(e.attributes)
    for k, tangent in enumerate(tangents):
        if tangent is None:
            continue
        term = b.emit(e.op, *e.operands[:k], tangent, *e.operands[k + 1 :], **attributes)
        if len(set(e.operands)) == 1 and _is_symmetric(e):
            return b.add(term, term)
        total = _plus(b, total, term)
    return total


def _is_symmetric(e: Equation) -> bool:
    """Whether the factors of a product can change places."""
    if e.op != "dot":
        return OPS[e.op].commutative
    (contract_x, contract_y), (batch_x, batch_y) = e["contract"], e["batch"]
    return contract_x == contract_y and batch_x == batch_y and len(batch_x) == len(e.result.type.shape)  # type: ignore[union-attr]


def _sum_of_partials(b: Builder, op: Op, e: Equation, tangents: Tangents) -> Var | None:
    total: Var | None = None
    for partial, tangent in zip(partials_of(op), tangents, strict=True):
        if tangent is not None and not partial:
            raise UnsupportedError(
                f"the derivative of {op.expression} is known in its last operand alone; hold the others constant, as with "
                "jg.stop_gradient"
            )
        if tangent is not None:
            total = _plus(b, total, _times_partial(b, tangent, parse_expression(partial), e.operands))
    return total


def _times_partial(b: Builder, tangent: Var, partial: ast.expr, operands: Sequence[Var]) -> Var | None:
    """A tangent times a partial derivative; where that chooses 0 the product is 0, even of a tangent that is not finite."""
    match number(partial):
        case 0:
            return None
        case 1:
            return tangent
        case -1:
            return b.emit("neg", tangent)  # type: ignore[no-any-return]
    match partial:
        case ast.Call(func=ast.Name(id="select"), args=[test, zero, _]) if number(zero) == 0:
            tangent = b.select(evaluate_expression(b, test, operands), b.zeros_like(tangent), tangent)
    return b.mul(tangent, evaluate_expression(b, partial, operands))


def _plus(b: Builder, total: Var | None, term: Var | None) -> Var | None:
    if total is None or term is None:
        return term if total is None else total
    return b.add(total, term)
