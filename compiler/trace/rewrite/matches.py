"""Turn `match` statements over plain values into `if`: in goes a body, out comes one with fewer `match` statements.

    match kind:                     if kind == "linear":
        case "linear":                  ...
            ...                     elif kind == 1 or kind is None:
        case 1 | None:                  ...
            ...                     else:
        case other:                     other = kind
            ...                         ...

A `match` that takes apart sequences, mappings or objects stays as it is.
"""

import ast

from .nodes import assign, at, load, span

SUBJECT = "jg_subject"


def lower_matches(body: list[ast.stmt]) -> list[ast.stmt]:
    """Turn every `match` over plain values in the body into `if`."""
    return _Matches().visit(ast.Module(body, [])).body  # type: ignore[no-any-return]


class _Matches(ast.NodeTransformer):
    def visit_Match(self, node: ast.Match) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if not all(map(_is_plain, node.cases)):
            return node
        name = node.subject.id if isinstance(node.subject, ast.Name) else SUBJECT
        lines: list[ast.stmt] = []
        for case in reversed(node.cases):
            lines = _branch(case, name, lines)
        if not isinstance(node.subject, ast.Name):
            lines.insert(0, at(span(node.subject), assign(SUBJECT, node.subject)))
        return lines

    def _leave_alone(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _leave_alone


def _is_plain(case: ast.match_case) -> bool:
    """Whether the case compares with values, or takes everything; a guard may not use what the pattern binds."""
    match case.pattern:
        case ast.MatchAs(pattern=None, name=name):
            return name is None or case.guard is None
        case ast.MatchOr(patterns=patterns):
            return all(isinstance(pattern, ast.MatchValue | ast.MatchSingleton) for pattern in patterns)
        case ast.MatchValue() | ast.MatchSingleton():
            return True
    return False


def _branch(case: ast.match_case, subject: str, otherwise: list[ast.stmt]) -> list[ast.stmt]:
    """`if` the case applies, its body, else the later cases."""
    tests = [test for test in (_test(case.pattern, subject), case.guard) if test is not None]
    body = case.body
    if isinstance(case.pattern, ast.MatchAs) and case.pattern.name is not None:
        body = [at(span(case.pattern), assign(case.pattern.name, load(subject))), *body]
    if not tests:
        return body
    test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
    place = span(case.pattern, case.guard)
    return [at(place, ast.If(at(place, test), body, otherwise))]


def _test(pattern: ast.pattern, subject: str) -> ast.expr | None:
    match pattern:
        case ast.MatchValue(value=value):
            return ast.Compare(load(subject), [ast.Eq()], [value])
        case ast.MatchSingleton(value=value):
            return ast.Compare(load(subject), [ast.Is()], [ast.Constant(value)])
        case ast.MatchOr(patterns=patterns):
            return ast.BoolOp(ast.Or(), [test for test in (_test(each, subject) for each in patterns) if test is not None])
    return None
