"""Whether a text is what a function was compiled from: a file may have been edited since, a name like "<string>" used again."""

import __future__

import ast
import functools
import types
from collections.abc import Iterator
from typing import Any

from ...syntax import parse_module


def holds(text: str, code: types.CodeType) -> bool:
    """Whether the text, where it is compiled, gives this very code."""
    rewritten_by_pytest = any(name.startswith("@py_") for name in code.co_varnames)
    flags = sum(flag for flag in _FUTURES if code.co_flags & flag)
    found = _codes(text, code.co_filename, flags, not rewritten_by_pytest)
    candidates = [each for each in found if (each.co_name, each.co_firstlineno) == (code.co_name, code.co_firstlineno)]
    if rewritten_by_pytest:
        return any(set(_words(each)) <= set(_words(code)) for each in candidates)
    return any(_contents(each) == _contents(code) for each in candidates)


_FUTURES = [getattr(__future__, name).compiler_flag for name in __future__.all_feature_names]


@functools.lru_cache(maxsize=16)
def _codes(text: str, filename: str, flags: int, with_asserts: bool) -> list[types.CodeType]:
    """The code of everything in a text; without the assert statements, which pytest replaces by code of its own, if asked."""
    tree = parse_module(text)
    found = [compile(tree if with_asserts else _WithoutAsserts().visit(tree), filename, "exec", flags, dont_inherit=True)]
    for outer in found:
        found += [constant for constant in outer.co_consts if isinstance(constant, types.CodeType)]
    return found


class _WithoutAsserts(ast.NodeTransformer):
    def visit_Assert(self, node: ast.Assert) -> ast.Pass:
        return ast.copy_location(ast.Pass(), node)


def _contents(code: types.CodeType) -> tuple[Any, ...]:
    """What decides what code does: its instructions, names and constants."""
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, tuple(map(_constant, code.co_consts))


def _constant(constant: object) -> Any:
    return _contents(constant) if isinstance(constant, types.CodeType) else (type(constant), repr(constant))


def _words(code: types.CodeType) -> Iterator[Any]:
    """The names and constants in code and in the functions that it makes."""
    yield from (*code.co_names, *code.co_varnames, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _words(constant)
        else:
            yield _constant(constant)
