"""What is in the objects that can be reached from some others, and how it is put back."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from .context import is_internal
from .mutation import MISSING, Change
from .rewrite import is_rewritten
from .tracer import Tracer

Saved = list[tuple[Any, Any]]
"""Lists, dicts, sets and objects with attributes, and what was in each."""

_SEQUENCES = (list, deque, set)


def saved_contents(*things: Any) -> Saved:
    """What is in all that can be reached from some values, and from the variables around functions of the user's."""
    saved: Saved = []
    _save(things, saved, set())
    return saved


def changed_since(saved: Saved) -> Saved:
    """Those that hold other objects now, or in another order."""
    return [(thing, contents) for thing, contents in saved if not _is_as_before(thing, contents)]


def put_back(saved: Saved) -> list[Any]:
    """Give them back what was in them; returns those that had changed."""
    changed = changed_since(saved)
    for thing, contents in changed:
        inside = contents_in(thing)
        inside.clear()
        (inside.extend if isinstance(inside, (list, deque)) else inside.update)(contents)
    return [thing for thing, _ in changed]


def contents_in(thing: Any) -> Any:
    """What is in a thing now: a list, deque, set or dict."""
    return thing if isinstance(thing, (*_SEQUENCES, dict)) else vars(thing)


def _is_as_before(thing: Any, contents: Any) -> bool:
    inside = contents_in(thing)
    if isinstance(inside, _SEQUENCES):
        return len(inside) == len(contents) and all(a is b for a, b in zip(inside, contents, strict=True))
    return list(inside) == list(contents) and all(inside[key] is contents[key] for key in contents)


def _save(thing: Any, saved: Saved, seen: set[int]) -> None:
    if id(thing) in seen or isinstance(thing, (Tracer, np.ndarray, str, int, float)):
        return
    seen.add(id(thing))
    if isinstance(thing, _SEQUENCES):
        saved.append((thing, list(thing)))
        children: Iterable[Any] = thing
    elif isinstance(thing, dict):
        saved.append((thing, dict(thing)))
        children = list(thing.values())
    elif isinstance(thing, tuple):
        children = thing
    elif isinstance(thing, types.FunctionType):
        children = [Change(cell, "variable", "", MISSING).read() for cell in thing.__closure__ or ()]
        if is_internal(thing.__code__.co_filename) and not is_rewritten(thing):
            children = [child for child in children if isinstance(child, types.FunctionType)]  # the user's blocks
    elif hasattr(thing, "__dict__") and not callable(thing) and not isinstance(thing, (type, types.ModuleType)):
        saved.append((thing, dict(vars(thing))))
        children = list(vars(thing).values())
    else:
        return
    for child in children:
        _save(child, saved, seen)


__all__ = ["Saved", "changed_since", "contents_in", "put_back", "saved_contents"]
