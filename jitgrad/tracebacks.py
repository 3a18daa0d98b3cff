"""Errors as users read them: their own lines rather than the compiler's, and what the function was called with."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np

from .compiler.errors import LoweringError, VerifyError, with_values


def at_users_line(error: Exception, call: str = "") -> Exception:
    """The error with the compiler's frames removed from its traceback, and a note of the call; the compiler's faults keep all."""
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
    kept: TracebackType | None = None
    for frame in reversed(frames):
        kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    error.__cause__ = error.__cause__ if error.__cause__ is not None and not error.__suppress_context__ else None
    error.__suppress_context__ = True
    if call:
        error.add_note(f"in the call {call}")
    return error.with_traceback(kept)


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
