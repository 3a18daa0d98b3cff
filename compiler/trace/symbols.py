"""The symbols of Python's operators: the function that each stands for, and the methods that Python asks for its meaning."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple


class Symbol(NamedTuple):
    """An operator, the method that it is of its left operand, and the one that it is of its right operand."""

    function: Callable[[Any, Any], Any]
    forward: str
    backward: str


BINARY = {
    "+": Symbol(operator.add, "__add__", "__radd__"), "-": Symbol(operator.sub, "__sub__", "__rsub__"),
    "*": Symbol(operator.mul, "__mul__", "__rmul__"), "/": Symbol(operator.truediv, "__truediv__", "__rtruediv__"),
    "//": Symbol(operator.floordiv, "__floordiv__", "__rfloordiv__"), "%": Symbol(operator.mod, "__mod__", "__rmod__"),
    "**": Symbol(operator.pow, "__pow__", "__rpow__"), "@": Symbol(operator.matmul, "__matmul__", "__rmatmul__"),
    "&": Symbol(operator.and_, "__and__", "__rand__"), "|": Symbol(operator.or_, "__or__", "__ror__"),
    "^": Symbol(operator.xor, "__xor__", "__rxor__"), "<<": Symbol(operator.lshift, "__lshift__", "__rlshift__"),
    ">>": Symbol(operator.rshift, "__rshift__", "__rrshift__"),
}  # fmt: skip
COMPARE = {
    "<": Symbol(operator.lt, "__lt__", "__gt__"), "<=": Symbol(operator.le, "__le__", "__ge__"),
    ">": Symbol(operator.gt, "__gt__", "__lt__"), ">=": Symbol(operator.ge, "__ge__", "__le__"),
    "==": Symbol(operator.eq, "__eq__", "__eq__"), "!=": Symbol(operator.ne, "__ne__", "__ne__"),
}  # fmt: skip
IDENTITY = {"is": operator.is_, "is not": operator.is_not}
UNARY: dict[str, tuple[Callable[[Any], Any], str]] = {
    "-": (operator.neg, "__neg__"), "+": (operator.pos, "__pos__"), "~": (operator.invert, "__invert__"),
}  # fmt: skip
INPLACE = {
    "+": (operator.iadd, "__iadd__"), "-": (operator.isub, "__isub__"), "*": (operator.imul, "__imul__"),
    "/": (operator.itruediv, "__itruediv__"), "//": (operator.ifloordiv, "__ifloordiv__"), "%": (operator.imod, "__imod__"),
    "**": (operator.ipow, "__ipow__"), "@": (operator.imatmul, "__imatmul__"), "&": (operator.iand, "__iand__"),
    "|": (operator.ior, "__ior__"), "^": (operator.ixor, "__ixor__"), "<<": (operator.ilshift, "__ilshift__"),
    ">>": (operator.irshift, "__irshift__"),
}  # fmt: skip
