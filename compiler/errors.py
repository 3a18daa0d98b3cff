"""The exceptions of the compiler.

A user's mistake is a ``TypeError``, ``ValueError``, ``IndexError`` or ``NotImplementedError`` raised where the user's
line runs; the classes here mark the mistakes of the compiler itself, and the few that callers want to catch by name.
"""

from __future__ import annotations

import threading


class VerifyError(AssertionError):
    """An IR function breaks a rule; a fault of the compiler, or of IR text written by hand."""


class LoweringError(AssertionError):
    """A verified IR function could not be lowered to kernels; a fault of the compiler."""


class UnsupportedError(NotImplementedError):
    """The user's program uses something that jitgrad does not compile; the message says what to write instead."""

    reason: str  # what the message says of code that the user's program calls, where it comes from there


class ShapeError(ValueError):
    """Shapes that do not fit together."""


class DTypeError(TypeError):
    """A dtype that does not fit the operation."""


_TOLD = threading.local()


def tell(message: str, filled: str) -> None:
    """A program is about to raise an error with a message that is a format string; filled in, it says this."""
    _TOLD.latest = message, filled


def with_values(error: Exception) -> Exception:
    """An error that a program raised, with values in its message where there are any."""
    message, filled = getattr(_TOLD, "latest", (None, ""))
    if message is not None and error.args == (message,):
        error.args = (filled,)
        _TOLD.latest = None, ""
    return error
