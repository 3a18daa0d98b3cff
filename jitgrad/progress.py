"""A progress bar for training, if there is somebody to look at it."""

from __future__ import annotations

import sys
from typing import Any


class _Silent:
    """No bar."""

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, batches: int, loss: float) -> None:
        """Nothing to show."""


class _Bar(_Silent):
    """A bar of tqdm over all batches, with the loss of the last one."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def update(self, batches: int, loss: float) -> None:
        self.bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
        self.bar.update(batches)


def progress_bar(wanted: bool | None, epochs: int, batches: Any) -> _Silent:
    """A bar over ``epochs`` times ``len(batches)``; if ``wanted`` is None, where stderr is a terminal and tqdm is there."""
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        return _Silent()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        if wanted:
            raise ImportError("the progress bar needs tqdm: pip install tqdm, or progress=False") from None
        return _Silent()
    total = epochs * len(batches) if hasattr(batches, "__len__") else None
    return _Bar(tqdm(total=total, unit="batch"))
