"""Python's cyclic garbage collector, paused while a program is compiled.

Compiling makes a million objects that live until it is done. The collector would look through all of them, and through whatever else the
process holds, again and again, and find nothing to free: that was an eighth of the time to compile a training step of a small transformer.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Run a block without cyclic garbage collection; then collect as before. Objects without cycles are freed at once, as always."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
