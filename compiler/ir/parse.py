"""Reads functions back from their text; the grammar is in ``text``."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from typing import Any

from ..syntax import parse_expression
from .function import Equation, Function, Guard, Var
from .sizes import dim_of_syntax, parse_dim
from .types import DTYPES, ArrayType, StackType, Type

_HEADER = re.compile(r"\(?fn (?P<name>\S+?)\((?P<parameters>.*)\) -> \((?P<results>.*)\) \{$")
_EQUATION = re.compile(r"^(?:(?P<results>.*?) = )?(?P<op>[a-z_0-9]+)(?P<rest>.*)$")
_GUARD = re.compile(r"^guard (?P<left>.*) (?P<relation>==|!=|<=|>=|<|>) (?P<right>.*)$")


def parse(text: str) -> Function:
    """Read one function; raises ``ValueError`` with the line that does not fit."""
    lines = [stripped for line in text.splitlines() if (stripped := line.split("  #")[0].strip())]
    cursor = iter(lines)
    function, closing = _function(next(cursor), cursor)
    if closing != "}" or next(cursor, None) is not None:
        raise ValueError("text after the end of the function")
    return function


def parse_type(text: str) -> Type:
    """Read a type."""
    text = text.strip()
    if text.startswith("stack<") and text.endswith(">"):
        return StackType(DTYPES[text[6:-1]])
    dtype, bracket, dims = text.partition("[")
    if not bracket or not dims.endswith("]") or dtype not in DTYPES:
        raise ValueError(f"not a type: {text!r}")
    return ArrayType(DTYPES[dtype], tuple(parse_dim(dim) for dim in _split(dims[:-1])))


def _function(header: str, lines: Iterator[str]) -> tuple[Function, str]:
    found = _HEADER.match(header)
    if found is None:
        raise ValueError(f"expected a function, found: {header}")
    parameters = tuple(_typed_name(text) for text in _split(found["parameters"]))
    scope = {p.name: p for p in parameters}
    guards: list[Guard] = []
    equations: list[Equation] = []
    line = next(lines)
    while not line.startswith("return"):
        if guard := _GUARD.match(line):
            guards.append(Guard(parse_dim(guard["left"]), guard["relation"], parse_dim(guard["right"])))
            line = next(lines)
            continue
        equation, line = _equation(line, lines, scope)
        scope.update((result.name, result) for result in equation.results)
        equations.append(equation)
    results = tuple(_look_up(name, scope, line) for name in _split(line.removeprefix("return")))
    function = Function(found["name"], parameters, tuple(equations), results, tuple(guards))
    return function, next(lines)


def _equation(line: str, lines: Iterator[str], scope: dict[str, Var]) -> tuple[Equation, str]:
    """Read an equation and its regions; returns it with the line that follows."""
    found = _EQUATION.match(line)
    if found is None:
        raise ValueError(f"expected an equation, found: {line}")
    results = tuple(_typed_name(text) for text in _split(found["results"] or ""))
    operands, brace, attributes = found["rest"].partition("{")
    following = next(lines)
    regions = []
    while following.startswith("(fn"):
        region, closing = _function(following, lines)
        if closing != "})":
            raise ValueError(f"expected the end of a region, found: {closing}")
        regions.append(region)
        following = next(lines)
    equation = Equation(
        found["op"],
        tuple(_look_up(name, scope, line) for name in operands.split()),
        results,
        _attributes(attributes.rstrip().removesuffix("}")) if brace else (),
        tuple(regions),
    )
    return equation, following


def _look_up(name: str, scope: dict[str, Var], line: str) -> Var:
    if name not in scope:
        raise ValueError(f"{name} is not defined before this line: {line}")
    return scope[name]


def _typed_name(text: str) -> Var:
    name, _, type_text = text.partition(":")
    return Var(name.strip(), parse_type(type_text))


def _attributes(text: str) -> tuple[tuple[str, Any], ...]:
    call = parse_expression(f"f({text})")
    assert isinstance(call, ast.Call)
    return tuple((str(keyword.arg), _value(keyword.value)) for keyword in call.keywords)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.Name(id="inf"):
            return math.inf
        case ast.Name(id="nan"):
            return math.nan
        case ast.Name(id=name) if name in DTYPES:
            return DTYPES[name]
    return dim_of_syntax(node)


def _split(text: str) -> list[str]:
    """Split at commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts
