"""Where control may go: in go statements, out come the ways by which it leaves them."""

import ast
from collections.abc import Iterable, Sequence

from .nodes import FunctionNode, all_nodes, may_catch

Kinds = frozenset[type[ast.stmt]]


def kinds_of(statements: Iterable[ast.AST]) -> Kinds:
    """The kinds of exit by which control may leave the statements early."""
    found: set[type[ast.stmt]] = set()
    for statement in statements:
        match statement:
            case ast.Return() | ast.Break() | ast.Continue():
                found.add(type(statement))
            case ast.For() | ast.While():
                found |= (kinds_of(statement.body) & {ast.Return}) | kinds_of(statement.orelse)
            case ast.stmt() | ast.ExceptHandler() | ast.match_case() if not isinstance(statement, FunctionNode | ast.ClassDef):
                found |= kinds_of(ast.iter_child_nodes(statement))
    return frozenset(found)


def returns_from_inside(statement: ast.stmt) -> bool:
    """Whether a loop, branch or attempt in the statement, or the statement itself as one, contains a return."""
    branching = ast.If | ast.For | ast.While | ast.Match
    nodes = (node for node in all_nodes([statement]) if isinstance(node, branching) or may_catch(node))
    return any(ast.Return in kinds_of([node]) for node in nodes)


def falls(statements: Sequence[ast.stmt]) -> bool:
    """Whether control may reach the end of the statements, if no context manager swallows an exception."""
    return all(map(_passes, statements))


def _passes(statement: ast.stmt) -> bool:
    match statement:
        case ast.Return() | ast.Break() | ast.Continue() | ast.Raise():
            return False
        case ast.If():
            return falls(statement.body) or falls(statement.orelse)
        case ast.While(test=ast.Constant(value=True)):
            return ast.Break in kinds_of(statement.body)
        case ast.For() | ast.While():
            return ast.Break in kinds_of(statement.body) or falls(statement.orelse)
        case ast.With():
            return may_catch(statement) or falls(statement.body)
        case ast.Try() | ast.TryStar():
            ways = falls([*statement.body, *statement.orelse]) or any(falls(case.body) for case in statement.handlers)
            return ways and falls(statement.finalbody)
    return True
