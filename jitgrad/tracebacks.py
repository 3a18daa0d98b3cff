"""Tracebacks that users read: their own lines, none of the compiler's."""

from __future__ import annotations

from types import TracebackType

from .compiler.errors import LoweringError, VerifyError
from .compiler.trace.context import is_internal


def at_users_line(error: Exception) -> Exception:
    """The error with the compiler's frames removed from its traceback; a fault of the compiler keeps them all."""
    if isinstance(error, (VerifyError, LoweringError, AssertionError, KeyError, NameError, RecursionError)) and _is_ours(error):
        return error
    frames: list[TracebackType] = []
    current = error.__traceback__
    while current is not None:
        if not is_internal(current.tb_frame.f_code.co_filename):
            frames.append(current)
        current = current.tb_next
    if not frames:
        return error
    kept: TracebackType | None = None
    for frame in reversed(frames):
        kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    error.__cause__ = error.__cause__ if error.__cause__ is not None and not error.__suppress_context__ else None
    error.__suppress_context__ = True
    return error.with_traceback(kept)


def _is_ours(error: Exception) -> bool:
    """Whether an error was raised by the compiler's own code."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and is_internal(last.tb_frame.f_code.co_filename)
