"""Where the program holds a list: variables of closures, attributes and items, found from what a loop or branch can reach."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .context import is_internal
from .growing import Growing
from .mutation import MISSING, Change, redo, remember
from .rewrite import is_rewritten
from .rows import Rows, present
from .tracer import Tracer


@dataclass(slots=True)
class Place:
    """Where the program holds a list: a variable of a closure, an attribute or an item."""

    kind: str
    owner: Any
    key: Any

    def value(self) -> Any:
        """What is held there now."""
        return Change(self.owner, self.kind, self.key, MISSING).read()

    def put(self, value: Any) -> None:
        """Hold something else there."""
        redo(Change(self.owner, self.kind, self.key, MISSING), value)


def is_list(value: Any, thing: Any) -> bool:
    """Whether a value is a list, or, of a list in arrays, another object for the same."""
    if value is thing or (isinstance(value, Rows) and value._listed is thing):
        return True
    value = present(value)
    if isinstance(thing, Rows) and isinstance(value, Rows) and not isinstance(thing, Growing):
        return len(value.arrays) == len(thing.arrays) and all(a is b for a, b in zip(value.arrays, thing.arrays, strict=True))
    return value is thing


def give_back(thing: list[Any], before: Iterable[Any], items: Iterable[Any], places: Iterable[Place]) -> None:
    """Let a list of Python's whose items were put into arrays have them again, where the program holds the arrays."""
    thing[:] = before
    remember(thing, "whole")
    thing[:] = items
    for place in places:
        place.put(thing)


def places(thing: Any, holder: Any, seen: set[int]) -> Iterator[Place]:
    """Where a list is held that can be reached from a value, or from the variables of a function, of the user's."""
    if id(holder) in seen or isinstance(holder, (Tracer, Rows, np.ndarray, str, int, float, type, types.ModuleType)):
        return
    seen.add(id(holder))
    for kind, owner, key, value in _held(holder):
        if kind and is_list(value, thing):
            yield Place(kind, owner, key)
        else:
            yield from places(thing, value, seen)


def _held(holder: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """What a value holds: the kind of place (none for one that cannot be changed), its owner and key, and what is there."""
    match holder:
        case types.FunctionType() if is_rewritten(holder) or not is_internal(holder.__code__.co_filename):
            for cell, name in zip(holder.__closure__ or (), holder.__code__.co_freevars, strict=True):
                value = Change(cell, "variable", name, MISSING).read()
                if value is not MISSING:
                    yield "variable", cell, name, value
        case types.MethodType():
            yield from (("", None, None, part) for part in (holder.__self__, holder.__func__))
        case tuple():
            yield from (("", None, None, part) for part in holder)
        case list():
            yield from (("item", holder, k, part) for k, part in enumerate(holder))
        case dict():
            yield from (("item", holder, key, part) for key, part in holder.items())
        case _ if hasattr(holder, "__dict__") and not callable(holder):
            yield from (("attribute", holder, name, part) for name, part in vars(holder).items())


def holds(holders: tuple[Any, ...], thing: Any) -> bool:
    """Whether a list is among some values, or can be reached from there."""
    return any(is_list(value, thing) for value in holders) or any(True for _ in places(thing, holders, set()))
