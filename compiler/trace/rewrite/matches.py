"""Turn `match` statements over plain values into `if`: in goes a body, out comes one with fewer `match` statements.

    match kind, x:                  jg_subject_0, jg_subject_1 = kind, x
        case "linear", _:           if jg_subject_0 == "linear":
            ...                         ...
        case 1 | None, y:           elif jg_subject_0 == 1 or jg_subject_0 is None:
            ...                         y = jg_subject_1
                                        ...
        case _:                     else:
            ...                         ...

A `match` that takes apart mappings, objects, or sequences that are not written out as here, stays as it is.
"""

import ast
import copy
from typing import NamedTuple

from .nodes import assign, at, load, span

SUBJECT, MATCHED = "jg_subject", "jg_matched"


def lower_matches(body: list[ast.stmt]) -> list[ast.stmt]:
    """Turn every `match` over plain values in the body into `if`."""
    return _Matches().visit(ast.Module(body, [])).body  # type: ignore[no-any-return]


class _Case(NamedTuple):
    """What a pattern asks, and the names that it binds if all is so."""

    tests: list[ast.expr]
    names: dict[str, ast.expr]


class _NotPlain(Exception):
    """A pattern that Python itself is to match."""


class _Matches(ast.NodeTransformer):
    def visit_Match(self, node: ast.Match) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        subject, lines = _subject(node.subject)
        try:
            cases = [_case(case.pattern, subject) for case in node.cases]
        except _NotPlain:
            return node
        otherwise: list[ast.stmt] = []
        for case, found in zip(reversed(node.cases), reversed(cases), strict=True):
            otherwise = _branch(case, found, otherwise)
        return [*lines, *otherwise]

    def _leave_alone(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _leave_alone


def _subject(node: ast.expr) -> tuple[ast.expr, list[ast.stmt]]:
    """What stands for the subject, which is evaluated once: a name, or a tuple of names; and the statements that give them values."""
    if isinstance(node, ast.Name):
        return load(node.id), []
    if isinstance(node, ast.Tuple) and not any(isinstance(part, ast.Starred) for part in node.elts):
        names = [f"{SUBJECT}_{k}" for k in range(len(node.elts))]
        target = ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())
        return ast.Tuple([load(name) for name in names], ast.Load()), [at(span(node), assign(target, node))]
    return load(SUBJECT), [at(span(node), assign(SUBJECT, node))]


def _case(pattern: ast.pattern, subject: ast.expr) -> _Case:
    match pattern:
        case ast.MatchAs(pattern=None, name=None):
            return _Case([], {})
        case ast.MatchAs(pattern=None, name=str(name)):
            return _Case([], {name: subject})
        case ast.MatchAs(pattern=ast.pattern() as inner, name=str(name)):
            tests, names = _case(inner, subject)
            return _Case(tests, {**names, name: subject})
        case ast.MatchValue(value=value) if isinstance(subject, ast.Name):
            return _Case([ast.Compare(subject, [ast.Eq()], [value])], {})
        case ast.MatchSingleton(value=value) if isinstance(subject, ast.Name):
            return _Case([ast.Compare(subject, [ast.Is()], [ast.Constant(value)])], {})
        case ast.MatchOr(patterns=patterns):
            cases = [_case(each, subject) for each in patterns]
            if all(case.tests and not case.names for case in cases):
                return _Case([ast.BoolOp(ast.Or(), [_all(case.tests) for case in cases])], {})
        case ast.MatchSequence(patterns=patterns) if isinstance(subject, ast.Tuple):
            if not any(isinstance(each, ast.MatchStar) for each in patterns):
                return _sequence(patterns, subject.elts)
    raise _NotPlain


def _sequence(patterns: list[ast.pattern], subjects: list[ast.expr]) -> _Case:
    if len(patterns) != len(subjects):
        return _Case([ast.Constant(False)], {})
    cases = [_case(pattern, subject) for pattern, subject in zip(patterns, subjects, strict=True)]
    return _Case([test for case in cases for test in case.tests], {k: v for case in cases for k, v in case.names.items()})


def _all(tests: list[ast.expr]) -> ast.expr:
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)


def _branch(case: ast.match_case, found: _Case, otherwise: list[ast.stmt]) -> list[ast.stmt]:
    """`if` the case applies, its body, else the later cases. A guard is asked once the names are bound, which they stay."""
    place = span(case.pattern, case.guard)
    binding: list[ast.stmt] = [
        at(span(case.pattern), assign(name, copy.deepcopy(value))) for name, value in found.names.items()
    ]
    tests = [copy.deepcopy(test) for test in found.tests]
    if case.guard is None or not binding:
        tests += [] if case.guard is None else [case.guard]
        body = [*binding, *case.body]
        return [at(place, ast.If(_all(tests), body, otherwise))] if tests else body
    if not tests:
        return [*binding, at(place, ast.If(case.guard, case.body, otherwise))]
    asked = ast.If(load(MATCHED), [*binding, assign(MATCHED, case.guard)], [])
    lines = [assign(MATCHED, _all(tests)), asked, ast.If(load(MATCHED), case.body, otherwise)]
    return [at(place, line) for line in lines]
