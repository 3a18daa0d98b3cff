"""``try`` in traced functions: errors that only the run tells of cannot be caught by a handler, which runs while tracing.

Such an error in a ``try`` that would catch it is refused, and so is nothing that jitgrad itself refuses taken for the user's error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import UnsupportedError
from .context import active_trace


@contextlib.contextmanager
def trying(types: Callable[[], tuple[Any, ...]]) -> Iterator[None]:
    """The body of a ``try`` whose handlers catch exceptions of the types."""
    handlers = active_trace().handlers
    handlers.append(types)
    try:
        yield
    finally:
        handlers.remove(types)


class Suppressing(contextlib.suppress):
    """``contextlib.suppress``, which does not suppress what jitgrad refuses."""

    def __enter__(self) -> None:
        active_trace().handlers.append(self._types)

    def _types(self) -> tuple[Any, ...]:
        return self._exceptions  # type: ignore[attr-defined, no-any-return]

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        active_trace().handlers.remove(self._types)
        return bool(super().__exit__(kind, error, traceback)) and not isinstance(error, UnsupportedError)


__all__ = ["Suppressing", "trying"]
