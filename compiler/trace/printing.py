"""``print`` and ``warnings.warn``: what a traced program says when it runs, in each call. Counterparts for ``python_functions``."""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable
from typing import Any

from ..errors import UnsupportedError
from .calls import has_traced
from .context import active_trace
from .promotion import as_tracer
from .texts import Text, joined, shown, template_of
from .tracer import TracedSize


def _print(*values: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False) -> None:
    sep, end = (" " if sep is None else sep), ("\n" if end is None else end)
    if file is None:
        _say(_text(values, sep), **({} if end == "\n" else {"end": end}))
    elif has_traced(values) or any(isinstance(value, Text) for value in values):
        raise UnsupportedError(
            "print(..., file=) of values that are known only when the program runs; print them to standard output"
        )
    else:
        builtins.print(*values, sep=sep, end=end, file=file, flush=flush)


def _warn(message: Any, category: Any = None, *_: Any, **__: Any) -> None:
    """``warnings.warn``; a class of the user's own is warned of as its builtin base."""
    kind = type(message) if isinstance(message, Warning) else category or UserWarning
    if not (isinstance(kind, type) and issubclass(kind, Warning)):
        raise TypeError(f"category must be a Warning subclass, not {kind.__name__!r}")
    name = next(cls.__name__ for cls in kind.__mro__ if cls.__module__ == "builtins")
    _say(_text([str(message) if isinstance(message, Warning) else message], ""), warning=name)


def _text(values: Any, sep: str) -> str:
    pieces = [shown(as_tracer(v) if isinstance(v, TracedSize) else v, str) for v in values]
    return joined(*[piece for value in pieces for piece in (sep, value)][1:])


def _say(text: str, **attributes: str) -> None:
    active_trace().effects += 1
    if not active_trace().counting:
        template, values = template_of(text)
        active_trace().emit("print", *(value.value for value in values), text=template, **attributes)


PRINTERS: dict[Any, Callable[..., Any]] = {print: _print, warnings.warn: _warn}
