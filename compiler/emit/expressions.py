"""Scalar expressions as Python text that numba compiles to NumPy's arithmetic.

numba widens what NumPy does not: int32 + int32 is an int64 to numba, float32 times a Python float a float64. So numbers of other
dtypes than f64, i64 and bool are written with their dtype, and narrow integer results are narrowed again.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..ir import Dim, Size
from ..ir.types import BOOL, DTYPE_NAMES, F64, I64
from ..lower.program import Atom, Let, Literal, Local, Position
from ..ops import OPS
from ..runtime.functions import scalar_function

ATOM, POWER, UNARY, TIMES, PLUS, SHIFT, AND, XOR, OR, COMPARE, NOT, CHOICE = range(12, 0, -1)


@dataclass(frozen=True, slots=True)
class Text:
    """An expression and how tightly its outermost operator binds."""

    text: str
    binds: int = ATOM

    def inside(self, level: int) -> str:
        """The text for a place where operators must bind at least as tightly as this."""
        return self.text if self.binds >= level else f"({self.text})"


# what a result is, where the row of an op has no Python text of its own; an operand named twice is a variable
TEMPLATES: dict[str, str] = {
    "abs": "abs({0})",
    "maximum": "{0} if ({0} >= {1}) | ({0} != {0}) else {1}",
    "minimum": "{0} if ({0} <= {1}) | ({0} != {0}) else {1}",
    "fmax": "{0} if ({0} >= {1}) | ({1} != {1}) else {1}",
    "fmin": "{0} if ({0} <= {1}) | ({1} != {1}) else {1}",
    "isnan": "{0} != {0}",
    "sqrt": "np.sqrt({0})",
    "floor": "np.floor({0})",
    "ceil": "np.ceil({0})",
    "trunc": "np.trunc({0})",
    "rint": "np.rint({0})",
    "copysign": "np.copysign({0}, {1})",
    "isinf": "np.isinf({0})",
    "isfinite": "np.isfinite({0})",
    "signbit": "np.signbit({0})",
    "hypot": "np.hypot({0}, {1})",
    "arcsinh": "np.arcsinh({0})",
    "arccosh": "np.arccosh({0})",
    "arctanh": "np.arctanh({0})",
    "fmod": "np.fmod({0}, {1})",
    "floor_divide": "{0} // {1}",
    "remainder": "{0} % {1}",
    "pow": "{0} ** {1}",
    "logaddexp": "np.logaddexp({0}, {1})",
    "logaddexp2": "np.logaddexp2({0}, {1})",
}
INTEGER_TEMPLATES: dict[str, str] = {
    "isnan": "{0} != {0}",
    "isinf": "{0} != {0}",
    "isfinite": "{0} == {0}",
    "maximum": "{0} if {0} >= {1} else {1}",
    "minimum": "{0} if {0} <= {1} else {1}",
    "fmax": "{0} if {0} >= {1} else {1}",
    "fmin": "{0} if {0} <= {1} else {1}",
    "abs": "{0} if {0} >= 0 else -{0}",
    "floor_divide": "{0} // {1}",
    "remainder": "{0} % {1}",
    "pow": "{0} ** {1}",
    "not": "~{0}",
}
BOOL_TEMPLATES: dict[str, str] = {
    "maximum": "{0} | {1}",
    "minimum": "{0} & {1}",
    "fmax": "{0} | {1}",
    "fmin": "{0} & {1}",
    "not": "not {0}",
    "lt": "(not {0}) & {1}",
    "le": "(not {0}) | {1}",
    "gt": "{0} & (not {1})",
    "ge": "{0} | (not {1})",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
}
BRANCHLESS = frozenset(("masked_mul",))
"""Ops on floats that a CPU computes with a function of ``runtime.choosing``: as an expression they would be branches."""


def template(op: str, dtype: np.dtype) -> str:
    """The Python text of an op on operands of a dtype, or nothing where a function is called."""
    if dtype.kind == "b" and op in BOOL_TEMPLATES:
        return BOOL_TEMPLATES[op]
    if dtype.kind in "iu" and op in INTEGER_TEMPLATES:
        return INTEGER_TEMPLATES[op]
    if dtype.kind == "f" and op in TEMPLATES:
        return TEMPLATES[op]
    return OPS[op].python


def uses(let: Let) -> list[int]:
    """How often the text of a Let mentions each operand."""
    if let.op == "convert":
        return [1]
    text = template(let.op, operand_dtype(let))
    if not text:
        return [1] * len(let.operands)
    return [text.count(f"{{{k}}}") for k in range(len(let.operands))]


def operand_dtype(let: Let) -> np.dtype:
    """The dtype that an op works in."""
    atom = let.operands[-1]
    return I64 if isinstance(atom, Position) else atom.dtype


def let_text(let: Let, operands: list[Text], functions: set[str]) -> Text:
    """The expression of a Let; names of functions that it calls are added to ``functions``."""
    dtype = operand_dtype(let)
    branchless = let.op in BRANCHLESS and dtype.kind == "f"
    has_text = let.op == "convert" or template(let.op, dtype)
    if has_text and not branchless and not _is_slow(let, dtype):
        return operator_text(let, operands)
    name = f"choosing.{let.op}" if branchless else scalar_function(let.op, dtype)
    functions.add(name)
    name = name.removeprefix("elementary.").removeprefix("choosing.")
    return _narrowed(Text(f"{name}({', '.join(o.text for o in operands)})"), let.dtype, dtype)


def operator_text(let: Let, operands: list[Text]) -> Text:
    """The expression of a Let that has a text of its own."""
    dtype = operand_dtype(let)
    if let.op == "convert":
        return _convert(let.dtype, operands[0], dtype)
    return _narrowed(_filled(template(let.op, dtype), operands), let.dtype, dtype)


def _is_slow(let: Let, dtype: np.dtype) -> bool:
    """Whether the processor's division is worth avoiding: a function may know the result without it."""
    return let.op == "remainder" and dtype == I64 and not isinstance(let.operands[1], Literal)


def _narrowed(text: Text, result: np.dtype, operand: np.dtype) -> Text:
    """Narrow integers as NumPy does; comparisons are bools already."""
    if result.kind in "iu" and result != I64:
        return Text(f"{dtype_text(result)}({text.text})")
    return text


def _convert(dtype: np.dtype, operand: Text, source: np.dtype) -> Text:
    if dtype.kind == "b":
        return Text(f"{operand.inside(COMPARE + 1)} != 0", COMPARE)
    return Text(f"{dtype_text(dtype)}({operand.text})")


def _filled(text: str, operands: list[Text]) -> Text:
    """A template with its operands in parentheses where they must be."""
    binds, levels = _levels(text)
    pieces = re.split(r"\{(\d)\}", text)
    out = [pieces[0]]
    for k in range(1, len(pieces), 2):
        out += [operands[int(pieces[k])].inside(levels[k // 2]), pieces[k + 1]]
    return Text("".join(out), binds)


@cache
def _levels(text: str) -> tuple[int, tuple[int, ...]]:
    """How tightly a template binds, and must its operands, place by place."""
    places = len(re.findall(r"\{\d\}", text))
    if text == "{0} ** {1}":
        return POWER, (ATOM, ATOM)
    binary = re.fullmatch(r"\{0\} (\S+) \{[01]\}", text)
    if binary:
        level = _BINARY[binary[1]]
        left = level + 1 if level == COMPARE else level
        return level, (left, level + 1)
    if re.fullmatch(r"-\{0\}", text) or re.fullmatch(r"~\{0\}", text):
        return UNARY, (UNARY,)
    if text == "not {0}":
        return NOT, (COMPARE + 1,)
    if re.fullmatch(r"[\w.]+\((\{\d\}(, )?)+\)", text):
        return ATOM, (0,) * places
    return CHOICE, (COMPARE + 1 if " if " not in text else AND + 4,) * places


_BINARY = {
    "+": PLUS, "-": PLUS, "*": TIMES, "/": TIMES, "//": TIMES, "%": TIMES, "&": AND, "|": OR, "^": XOR,
    "==": COMPARE, "!=": COMPARE, "<": COMPARE, "<=": COMPARE, ">": COMPARE, ">=": COMPARE,
}  # fmt: skip


def dtype_text(dtype: np.dtype) -> str:
    """The name of a dtype in emitted code."""
    return "np.bool_" if dtype == BOOL else f"np.{dtype.name}"


def dim_text(dim: Dim) -> str:
    """An integer expression."""
    return str(dim)


def position_text(dim: Dim) -> Text:
    """An integer expression as an operand."""
    if isinstance(dim, int):
        return Text(str(dim), ATOM if dim >= 0 else UNARY)
    text = str(dim)
    if text.isidentifier():
        return Text(text)
    assert isinstance(dim, Size)
    return Text(text, PLUS)


def literal_text(literal: Literal) -> Text:
    """A number with its dtype."""
    value, dtype = literal.value, literal.dtype
    if dtype == BOOL:
        return Text(repr(bool(value)))
    if dtype.kind == "f":
        text = repr(float(value)) if math.isfinite(value) else {"inf": "np.inf", "-inf": "-np.inf"}.get(str(value), "np.nan")
        if dtype == F64:
            return Text(text, UNARY if text.startswith("-") else ATOM)
        return Text(f"{dtype_text(dtype)}({_short_float(value, dtype) if math.isfinite(value) else text})")
    if dtype == I64:
        return Text(repr(int(value)), ATOM if value >= 0 else UNARY)
    return Text(f"{dtype_text(dtype)}({int(value)})")


def _short_float(value: float, dtype: np.dtype) -> str:
    """The shortest decimal that rounds to the number in its dtype."""
    short = str(dtype.type(value))
    return short if dtype.type(float(short)) == dtype.type(value) else repr(float(value))


def atom_text(atom: Atom) -> Text:
    """A variable, a number or a position."""
    match atom:
        case Local(name=name):
            return Text(name)
        case Literal():
            return literal_text(atom)
        case Position(dim=dim):
            return position_text(dim)


__all__ = ["DTYPE_NAMES", "Text", "atom_text", "dim_text", "dtype_text", "let_text", "literal_text", "position_text", "uses"]
