"""Expressions in Python syntax become equations.

In: a text such as ``"1 - tanh(x)**2"`` and a variable for each of x, y, z. Out: the variable that holds its value. This is
the language in which ops state their partial derivatives and in which SymPy's results are kept:

    numbers, x, y, z         numbers take the dtype and shape of the operands; nan and inf are numbers
    + - * / ** and unary -   ``**`` with the exponent 2 is ``square``
    < <= > >= == != & | ~    truth values, for the test of ``select``
    op(...)                  any elementwise op by its name
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..ir import ArrayType, Var
from ..ir.types import BOOL
from ..ops import OPS, Builder
from ..syntax import parse_expression
from .linear import DiffBuilder

NAMES = ("x", "y", "z")

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow",
    ast.BitAnd: "and", ast.BitOr: "or", ast.USub: "neg", ast.Invert: "not",
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip


def number(node: ast.expr) -> float | None:
    """The number that an expression is, if it is one."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    return None


def evaluate_expression(b: Builder, expression: str | ast.expr, operands: Sequence[Var], names: Sequence[str] = NAMES) -> Var:
    """Emit the equations of an expression in x, y, z, or other names, which are the operands; returns its value.

    What follows from constants alone is computed here and now: the partials of ``x**3`` hold no power and no test.
    """
    tree = parse_expression(expression) if isinstance(expression, str) else expression
    type = operands[0].type
    assert isinstance(type, ArrayType)
    return _Evaluation(b, type, dict(zip(names, operands, strict=False))).variable(tree)


Value = Var | float | bool


class _Evaluation:
    """The values of one expression's parts: variables, or numbers that are known already."""

    def __init__(self, b: Builder, type: ArrayType, operands: Mapping[str, Var]) -> None:
        self.builder = b
        self.type = type
        self.scope: dict[str, Value] = {"nan": math.nan, "inf": math.inf}
        self.scope.update((name, self._known(v)) for name, v in operands.items())

    def variable(self, node: ast.expr) -> Var:
        """The value of an expression as a variable."""
        return self._made(self._value(node))

    def _known(self, v: Var) -> Value:
        """A variable, or the number that it is known to be."""
        definitions = self.builder.definitions if isinstance(self.builder, DiffBuilder) else {}
        e = definitions.get(v)
        while e is not None and e.op == "broadcast":
            e = definitions.get(e.operands[0])
        known: Value = e["value"] if e is not None and e.op == "constant" else v
        return known

    def _made(self, value: Value) -> Var:
        if isinstance(value, Var):
            return value
        return self.builder.constant(value, self.type.with_dtype(BOOL) if isinstance(value, bool) else self.type)

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as value):
                return value
            case ast.Name(id=name):
                return self.scope[name]
            case ast.BinOp(op=operator, left=left, right=right):
                return self._apply(_OPERATORS[operator.__class__], left, right)
            case ast.UnaryOp(op=operator, operand=operand):
                return self._apply(_OPERATORS[operator.__class__], operand)
            case ast.Compare(left=left, ops=[comparison], comparators=[right]):
                return self._apply(_OPERATORS[comparison.__class__], left, right)
            case ast.Call(func=ast.Name(id="select"), args=[test, x, y]):
                return self._select(self._value(test), x, y)
            case ast.Call(func=ast.Name(id=op), args=arguments):
                return self._apply(op, *arguments)
        raise ValueError(f"not an expression of the derivative language: {ast.unparse(node)}")

    def _apply(self, op: str, *nodes: ast.expr) -> Value:
        values = [self._value(node) for node in nodes]
        if all(not isinstance(value, Var) for value in values):
            return _number_of(op, values)
        if op == "and" and False in values:
            return False
        if op == "pow" and not isinstance(values[1], Var):
            return self._power(self._made(values[0]), float(values[1]))
        result: Var = self.builder.emit(op, *map(self._made, values))
        return result

    def _select(self, test: Value, x: ast.expr, y: ast.expr) -> Value:
        if not isinstance(test, Var):
            return self._value(x if test else y)
        return self.builder.select(test, self.variable(x), self.variable(y))

    def _power(self, base: Var, exponent: float) -> Value:
        match exponent:
            case 0:
                return 1.0
            case 1:
                return base
            case 2:
                return self.builder.emit("square", base)  # type: ignore[no-any-return]
            case 0.5:
                return self.builder.emit("sqrt", base)  # type: ignore[no-any-return]
            case -1:
                return self.builder.div(self._made(1.0), base)
        return self.builder.emit("pow", base, self._made(exponent))  # type: ignore[no-any-return]


def _number_of(op: str, values: Sequence[Value]) -> Value:
    """What an op gives for numbers."""
    reference = OPS[op].reference
    assert reference is not None
    with np.errstate(all="ignore"):
        result = reference(*(np.asarray(v, bool if isinstance(v, bool) else float) for v in values))
    found: Value = result.item()
    return found
