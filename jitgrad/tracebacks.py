"""Errors as users read them: their own lines rather than the compiler's, and what the function was called with."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Hashable, Mapping
from itertools import chain
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from .compiler.errors import LoweringError, VerifyError, with_values

if TYPE_CHECKING:
    from .compiler.ir import SourceLine
    from .program import Program

    Programs = Mapping[Hashable, list[Program]]


def at_users_line(error: Exception, call: str = "", programs: Programs = MappingProxyType({})) -> Exception:
    """The error with the compiler's frames removed from its traceback, and a note of the call; the compiler's faults keep all.

    The frame of compiled code, which is one of ``programs``, becomes that of the line of the user's that it was compiled from.
    """
    error = with_values(error)
    if isinstance(error, (VerifyError, LoweringError, AssertionError, KeyError, NameError, RecursionError)) and _is_ours(error):
        return error
    from .compiler.trace.context import is_internal

    frames: list[TracebackType] = []
    current = error.__traceback__
    while current is not None:
        if not is_internal(current.tb_frame.f_code.co_filename):
            frames.append(current)
        current = current.tb_next
    place = _users_place(frames[-1], programs) if frames else None
    kept = None if place is None else _frame_at(place)
    for frame in reversed(frames if place is None else frames[:-1]):
        kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    error.__cause__ = error.__cause__ if error.__cause__ is not None and not error.__suppress_context__ else None
    error.__suppress_context__ = True
    if call:
        error.add_note(f"in the call {call}")
    return error.with_traceback(kept)


def _users_place(frame: TracebackType, programs: Programs) -> SourceLine | None:
    """The line that a line of compiled code was made from; None if the frame is not one of compiled code.

    Equal functions are compiled once, and the frame is that of the first of them, which another program may have had.
    """
    if not linecache.getline(frame.tb_frame.f_code.co_filename, 1).endswith('compiled by jitgrad."""\n'):
        return None
    found = linecache.getlines(frame.tb_frame.f_code.co_filename)
    start = _start(found, frame.tb_lineno - 1)
    wanted = _function(found, start)
    for program in chain.from_iterable(programs.values()):
        lines = program.built.emitted.source.splitlines(keepends=True)
        for k, line in enumerate(lines):
            if line.startswith("def ") and _function(lines, k) == wanted:
                comments = (
                    l.rpartition("  # ")[2].strip() for l in reversed(lines[k : k + frame.tb_lineno - start]) if "  # " in l
                )
                name = next(comments, None)
                sources = {e.source for e in program.function.walk() if e.source is not None and e.source.in_short() == name}
                return sources.pop() if len(sources) == 1 else None  # files in several folders may have one name
    return None


def _start(lines: list[str], at: int) -> int:
    """Where the function begins that a line belongs to."""
    return max((k for k in range(at + 1) if lines[k].startswith("def ")), default=0)


def _function(lines: list[str], start: int) -> list[str]:
    """A function of an emitted module without its comments."""
    end = next((k for k in range(start + 1, len(lines)) if not lines[k].startswith(" ")), len(lines))
    return [line.rpartition("  # ")[0].rstrip() if "  # " in line else line.rstrip() for line in lines[start:end]]


def _frame_at(place: SourceLine) -> TracebackType | None:
    """A traceback that ends at a line of the user's."""
    code = compile("\n" * (place.line - 1) + "raise StopIteration", place.file, "exec")
    try:
        exec(code.replace(co_name=_function_at(place)))
    except StopIteration as error:
        return error.__traceback__ and error.__traceback__.tb_next
    return None


def _function_at(place: SourceLine) -> str:
    """The name of the innermost function around a line."""
    try:
        tree = ast.parse("".join(linecache.getlines(place.file)))
    except SyntaxError:
        return "<module>"
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno <= place.line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno).name if around else "<module>"


def described_call(function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """A call with its arguments' types in place of their values: ``loss(x: float64(3, 4), rate: float)``."""
    from .compiler.trace.trace import argument_names
    from .compiler.tree import flatten

    try:
        leaves, tree = flatten((args, kwargs))
        names = argument_names(function, args, kwargs, tree)
    except Exception:
        return f"{name}(...)"
    shown = [f"{label}: {_kind(leaf)}" for label, leaf in zip(names, leaves, strict=True)]
    return f"{name}({', '.join(shown[:12])}{', ...' if len(shown) > 12 else ''})"


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}"
    return type(value).__name__


def _is_ours(error: Exception) -> bool:
    """Whether an error was raised by the compiler's own code."""
    from .compiler.trace.context import is_internal

    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and is_internal(last.tb_frame.f_code.co_filename)
