"""Build syntax trees: in go names and nodes, out come the few shapes of node that the rewritten code is made of."""

import ast
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, TypeVar

OPERATORS = "jg_"
"""The name of the operator object in rewritten code. Every name that starts with it is reserved."""

SLICE = "jg_slice"
"""The name of the builtin `slice`, out of reach of a user's variable of that name."""

ITEM, RESULT, RETURNED, CAUGHT = "jg_item", "jg_result", "jg_returned", "jg_caught"
"""The item of a loop, the value that a function returns, the flag that says that it is known, and the exception in a handler."""

Loop = ast.For | ast.While
Attempt = ast.Try | ast.TryStar
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Node = TypeVar("Node", bound=ast.AST)


class Place(NamedTuple):
    """A span of the user's source."""

    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class CountedFor(ast.For):
    """A `for` that evaluates the expression `go_on` before each iteration and stops where it is false."""

    _fields = (*ast.For._fields, "go_on")
    _field_types: ClassVar[dict[str, Any]] = {**getattr(ast.For, "_field_types", {}), "go_on": ast.expr | None}
    go_on: ast.expr | None


class Attempted(ast.stmt):
    """A statement that may catch exceptions, as a block of its own."""

    _fields = ("body",)
    _field_types: ClassVar[dict[str, Any]] = {"body": list[ast.stmt]}
    body: list[ast.stmt]


def span(first: ast.AST, last: ast.AST | None = None) -> Place:
    """The place from the start of `first` to the end of `last`."""
    last = last or first
    return Place(first.lineno, first.col_offset, last.end_lineno, last.end_col_offset)  # type: ignore[attr-defined]


def header(statement: ast.stmt) -> Place:
    """The place of a compound statement without its blocks, so that a traceback marks `if x > 0` and no more."""
    match statement:
        case ast.If(test=last) | ast.While(test=last) | ast.For(iter=last) | ast.Match(subject=last):
            return span(statement, last)
        case ast.FunctionDef() | ast.With() | ast.Try():
            return Place(statement.lineno, statement.col_offset, statement.lineno, statement.col_offset + 1)
        case _:
            return span(statement)


def at(place: Place, node: Node) -> Node:
    """Give `place` to `node` and to the nodes in it that have no place yet; the user's own nodes keep theirs.

    `jg_.name` gets the start of the place: Python counts a call of a method from the line where the method's name ends.
    """
    if "lineno" in node._attributes:
        if hasattr(node, "lineno"):
            return node
        if isinstance(node, ast.Attribute):
            place = Place(place.lineno, place.col_offset, place.lineno, place.col_offset + 1)
        for name, value in zip(place._fields, place, strict=True):
            setattr(node, name, value)
    for child in ast.iter_child_nodes(node):
        at(place, child)
    return node


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def assign(target: ast.expr | str, value: ast.expr) -> ast.Assign:
    return ast.Assign([store(target) if isinstance(target, str) else target], value)


def loads(names: Iterable[str]) -> ast.Tuple:
    return ast.Tuple([load(name) for name in names], ast.Load())


def strings(names: Iterable[str]) -> ast.Tuple:
    return ast.Tuple([ast.Constant(name) for name in names], ast.Load())


def operator(name: str, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    """`jg_.name(*arguments, **keywords)`."""
    function = ast.Attribute(load(OPERATORS), name, ast.Load())
    return ast.Call(function, list(arguments), [ast.keyword(key, value) for key, value in keywords.items()])


def undefined(name: str) -> ast.Call:
    return operator("undefined", ast.Constant(name))


def with_places(name: str, names: Iterable[str]) -> list[ast.stmt]:
    """`jg_.name(lambda: (a, b))`, from which the operator learns where the variables live; nothing for no names."""
    values = loads(names)
    return [ast.Expr(operator(name, ast.Lambda(signature(), values)))] if values.elts else []


def signature(parameters: Iterable[str] = ()) -> ast.arguments:
    return ast.arguments([], [ast.arg(name) for name in parameters], None, [], [], None, [])


def define(name: str, arguments: ast.arguments, body: list[ast.stmt]) -> ast.FunctionDef:
    """`def name(arguments): body`."""
    return ast.FunctionDef(name, arguments, body, [])


def denied(flags: Iterable[str]) -> ast.expr:
    """`not (a or b)`."""
    values: list[ast.expr] = [load(flag) for flag in flags]
    return ast.UnaryOp(ast.Not(), values[0] if len(values) == 1 else ast.BoolOp(ast.Or(), values))


def as_test(expression: ast.expr) -> ast.expr:
    """An expression of which nothing but the truth is asked; its `and` and `or` know it."""
    match expression:
        case ast.BoolOp(values=values):
            expression.is_test = True  # type: ignore[attr-defined]
            for value in values:
                as_test(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            as_test(operand)
    return expression


def is_simple(expression: ast.expr) -> bool:
    """Whether the expression can be evaluated twice, or a little later, and nobody sees a difference."""
    match expression:
        case ast.Name() | ast.Constant():
            return True
        case ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.Tuple(elts=parts):
            return all(map(is_simple, parts))
        case ast.Slice(lower=lower, upper=upper, step=step):
            return all(part is None or is_simple(part) for part in (lower, upper, step))
    return False


def is_suppression(expression: ast.expr) -> bool:
    """Whether an expression is the call of a function named like ``contextlib.suppress``."""
    match expression:
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")):
            return True
    return False


def may_catch(statement: ast.AST) -> bool:
    """Whether the statement may catch exceptions and go on."""
    match statement:
        case ast.Try(handlers=handlers):
            return bool(handlers)
        case ast.With(items=items):
            return any(is_suppression(item.context_expr) for item in items)
    return False


def is_generator(function: FunctionNode) -> bool:
    """Whether the function yields or awaits."""
    return isinstance(function, ast.AsyncFunctionDef) or any(
        isinstance(node, ast.Yield | ast.YieldFrom | ast.Await) for node in own_nodes(function)
    )


def own_nodes(function: ast.AST) -> Iterable[ast.AST]:
    """The nodes below `function` (any node) that run in its scope: not those of functions and classes in it."""
    return all_nodes(ast.iter_child_nodes(function))


def all_nodes(pieces: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """The pieces and the nodes in them that run in the same scope."""
    for piece in pieces:
        yield piece
        if not isinstance(piece, FunctionNode | ast.ClassDef):
            yield from own_nodes(piece)
