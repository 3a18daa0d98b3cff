"""Expressions in Python syntax become equations.

In: a text such as ``"1 - tanh(x)**2"`` and a variable for each of x, y, z. Out: the variable that holds its value. This is
the language in which ops state their partial derivatives and in which SymPy's results are kept:

    numbers, x, y, z         numbers take the dtype and shape of the operands
    + - * / ** and unary -   ``**`` with the exponent 2 is ``square``
    < <= > >= == != & | ~    truth values, for the test of ``select``
    op(...)                  any elementwise op by its name
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache

from ..ir import ArrayType, Var
from ..ops import Builder

NAMES = ("x", "y", "z")

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow",
    ast.BitAnd: "and", ast.BitOr: "or", ast.USub: "neg", ast.Invert: "not",
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip


@lru_cache(maxsize=1024)
def parse_expression(text: str) -> ast.expr:
    """The syntax tree of an expression."""
    return ast.parse(text, mode="eval").body


def number(node: ast.expr) -> float | None:
    """The number that an expression is, if it is one."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    return None


def evaluate_expression(b: Builder, expression: str | ast.expr, operands: Sequence[Var]) -> Var:
    """Emit the equations of an expression in x, y, z, which are the operands; returns its value."""
    scope = dict(zip(NAMES, operands, strict=False))
    type = operands[0].type
    assert isinstance(type, ArrayType)

    def value(node: ast.expr) -> Var:
        found = number(node)
        if found is not None:
            return b.constant(found, type)
        match node:
            case ast.Name(id=name):
                return scope[name]
            case ast.BinOp(op=ast.Pow(), left=base, right=ast.Constant(value=2)):
                return b.emit("square", value(base))
            case ast.BinOp(op=operator, left=left, right=right):
                return b.emit(_OPERATORS[operator.__class__], value(left), value(right))
            case ast.UnaryOp(op=operator, operand=operand):
                return b.emit(_OPERATORS[operator.__class__], value(operand))
            case ast.Compare(left=left, ops=[comparison], comparators=[right]):
                return b.emit(_OPERATORS[comparison.__class__], value(left), value(right))
            case ast.Call(func=ast.Name(id=op), args=arguments):
                return b.emit(op, *map(value, arguments))
        raise ValueError(f"not an expression of the derivative language: {ast.unparse(node)}")

    return value(parse_expression(expression) if isinstance(expression, str) else expression)
