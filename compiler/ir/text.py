"""The text of functions.

The grammar (``...`` repeats, ``?`` may be missing):

    function  := "fn" name "(" parameter, ... ")" "->" "(" type, ... ")" "{" guard... equation... return "}"
    parameter := name ":" type
    guard     := "guard" dim relation dim
    equation  := name ":" type, ... "=" op operand ... attributes? region... note?
    attributes:= "{" name "=" value, ... "}"
    region    := "(" "fn" ... ")"            indented below its equation
    return    := "return" operand, ...
    type      := dtype "[" dim, ... "]" | "stack<" dtype ">"
    note      := "#" anything                the user's line and name; not read back

    fn f(x: f64[n, 3], w: f64[3]) -> (f64[]) {
      %0: f64[n, 3] = broadcast w {axes=(1,), shape=(n, 3)}
      %1: f64[n, 3] = mul x %0
      %2: f64[] = sum %1 {axes=(0, 1)}
      return %2
    }
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .function import Equation, Function
from .sizes import Size
from .types import DTYPE_NAMES


def function_text(function: Function, notes: bool = False) -> str:
    """The text of a function, with the user's lines as comments if asked for."""
    return "\n".join(_function_lines(function, notes)) + "\n"


def value_text(value: Any) -> str:
    """The text of an attribute's value."""
    if isinstance(value, tuple):
        inner = ", ".join(map(value_text, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, np.dtype):
        return DTYPE_NAMES[value]
    if isinstance(value, Size):
        return str(value)
    return repr(value)


def _function_lines(function: Function, notes: bool) -> list[str]:
    parameters = ", ".join(f"{p.name}: {p.type}" for p in function.parameters)
    results = ", ".join(str(r.type) for r in function.results)
    lines = [f"fn {function.name}({parameters}) -> ({results}) {{"]
    lines += [f"  guard {guard}" for guard in function.guards]
    for equation in function.equations:
        lines += [f"  {line}" for line in _equation_lines(equation, notes)]
    lines.append("  return " + ", ".join(r.name for r in function.results))
    lines.append("}")
    return lines


def _equation_lines(equation: Equation, notes: bool) -> list[str]:
    results = ", ".join(f"{r.name}: {r.type}" for r in equation.results)
    parts = [equation.op, *(operand.name for operand in equation.operands)]
    if equation.attributes:
        pairs = ", ".join(f"{name}={value_text(value)}" for name, value in equation.attributes)
        parts.append("{" + pairs + "}")
    line = f"{results} = " if results else ""
    line += " ".join(parts)
    if notes and equation.source is not None:
        line += f"  # {equation.source}" + (f" {equation.hint}" if equation.hint else "")
    lines = [line]
    for region in equation.regions:
        first, *middle, last = _function_lines(region, notes)
        lines += [f"  ({first}", *(f"  {inner}" for inner in middle), f"  {last})"]
    return lines
