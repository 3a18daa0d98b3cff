"""Find the source of a function: in goes a function, out comes its node in the syntax tree of its file."""

import ast
import copy
import functools
import inspect
import linecache
import types
from typing import NamedTuple

from ...syntax import parse_module
from .nodes import FunctionNode, Place, span
from .problems import SourceUnavailable
from .scopes import parameter_names
from .stale import holds


class Source(NamedTuple):
    """The node of a function, a copy that may be changed, and the name of the class around it."""

    node: FunctionNode
    class_name: str | None


def find_source(function: types.FunctionType) -> Source:
    """Find the definition of `function`. Raises SourceUnavailable."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise SourceUnavailable(function)
    try:
        definitions = _definitions("".join(lines))
    except SyntaxError:
        raise SourceUnavailable(function, "its file is no longer valid Python") from None
    candidates = [source for source in definitions.get((code.co_name, code.co_firstlineno), ()) if _fits(source.node, code)]
    if len(candidates) > 1:
        candidates = _narrow(candidates, code)
    if not candidates or not holds("".join(lines), code):
        raise SourceUnavailable(
            function, "its source text does not hold it (any more); was the file changed after it was read?"
        )
    if len(candidates) > 1:
        raise SourceUnavailable(function, "its line holds several functions like it; give each a line of its own")
    node, class_name = copy.deepcopy(candidates[0].node), candidates[0].class_name
    _Private(class_name).visit(node)
    return Source(node, class_name)


class _Private(ast.NodeVisitor):
    """Gives attributes `__x` in a class the names that Python gives them, `_Class__x`."""

    def __init__(self, class_name: str | None) -> None:
        self.prefix = f"_{class_name.lstrip('_')}" if class_name and class_name.strip("_") else ""

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if self.prefix and node.attr.startswith("__") and not node.attr.endswith("__"):
            node.attr = self.prefix + node.attr
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        _Private(node.name).generic_visit(node)


@functools.lru_cache(maxsize=16)
def _definitions(text: str) -> dict[tuple[str, int], list[Source]]:
    """Every function in the text, by name and first line."""
    found: dict[tuple[str, int], list[Source]] = {}
    waiting: list[tuple[ast.AST, str | None]] = [(parse_module(text), None)]
    for node, class_name in waiting:
        if isinstance(node, FunctionNode):
            name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            line = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            found.setdefault((name, line), []).append(Source(node, class_name))
        if isinstance(node, ast.ClassDef):
            class_name = node.name
        waiting += [(child, class_name) for child in ast.iter_child_nodes(node)]
    return found


def _fits(node: FunctionNode, code: types.CodeType) -> bool:
    """Whether the parameters are those of the code."""
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars]
    own = parameter_names(node)
    return len(own) == len(names) and all(map(str.endswith, names, own))  # `__x` in a class C is `_C__x`


def _narrow(candidates: list[Source], code: types.CodeType) -> list[Source]:
    """Of the functions on one line, those that span every instruction of the code, and of these the innermost."""
    places = [
        Place(line, column, end_line, end_column)
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and column is not None and (line, column) != (end_line, end_column)
    ]
    around = [source for source in candidates if all(_holds(source.node, place) for place in places)]
    return [source for source in around if not any(_within(other.node, source.node) for other in around)]


def _holds(node: FunctionNode, place: Place) -> bool:
    """Whether the place lies in the body of the function."""
    first, last = (node.body, node.body) if isinstance(node, ast.Lambda) else (node.body[0], node.body[-1])
    body = span(first, last)
    return body[:2] <= place[:2] and place[2:] <= body[2:]


def _within(node: ast.AST, other: ast.AST) -> bool:
    return node is not other and any(child is node for child in ast.walk(other))
