"""Which trace is under way in this thread; alone here, so that a call can ask before the rest of the tracer is loaded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .context import Trace


class _State(threading.local):
    trace: Trace | None = None


STATE = _State()


def current_trace() -> Trace | None:
    """The trace under way in this thread, if any."""
    return STATE.trace
