"""The caller's lists, dicts and dataclasses that a traced function changes: what it did to its own copies is done to them after each call.

A traced function is given its arguments anew, made of traced values. ``Contents`` notes what is in them before; ``changes`` tells what is
else after. Both know a container by its path from the arguments.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import UnsupportedError
from ..tree import NODES
from .context import active_trace
from .holders import give_back, places
from .identity import PYTHONS, is_container, parts_of
from .outdated import Outdated
from .tracer import Concretize

Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ItemChange:
    """An item (or attribute) of a container that has got another value, or with ``is_there`` false none; key None: all of a list."""

    path: Path
    key: Any
    is_there: bool = True


class Contents:
    """What is in the containers of some arguments."""

    def __init__(self, arguments: Any) -> None:
        self.arguments = arguments
        self.before = [(path, thing, _items(thing)) for path, thing in containers_of(arguments)]
        self.lists: list[Any] = [thing for _, thing, _ in self.before if isinstance(thing, list)]  # or what loops made of them

    @contextmanager
    def followed(self) -> Iterator[None]:
        """While a function is traced for the arguments; then lists whose items loops put into arrays get as many items as they have."""
        trace = active_trace()
        outside, trace.of_caller = trace.of_caller, self.lists
        try:
            yield
        finally:
            trace.of_caller = outside
        for k, (path, thing, before) in enumerate(part for part in self.before if isinstance(part[1], list)):
            now = self.lists[k]
            if now is thing:
                continue
            try:
                items = now.items()
            except Concretize:
                raise UnsupportedError(
                    f"a list among the arguments ({_named(path)}) becomes longer by as much as only the run knows, and the caller's list would "
                    "have to as well; work on a copy, such as items = list(items)"
                ) from None
            give_back(thing, before.values(), items, list(places(now, (self.arguments, self.lists), set())))

    def changes(self) -> tuple[list[ItemChange], list[Any]]:
        """What has changed since, and the new values."""
        found: list[tuple[ItemChange, Any]] = []
        for path, thing, before in self.before:
            after = _items(thing)
            outdated = next((v for v in after.values() if isinstance(v, Outdated)), None)
            if outdated is not None:
                raise outdated.error()
            if isinstance(thing, (list, deque)) and len(before) != len(after):
                found.append((ItemChange(path, None), list(thing)))
                continue
            found += [(ItemChange(path, k), v) for k, v in after.items() if k not in before or before[k] is not v]
            found += [(ItemChange(path, k, is_there=False), None) for k in before if k not in after]
        return [change for change, _ in found], [value for _, value in found]


def make(changes: Sequence[ItemChange], values: Sequence[Any], arguments: Any) -> None:
    """Make the changes in the caller's arguments."""
    places = [_at(arguments, change.path) for change in changes]
    for change, value, thing in zip(changes, values, places, strict=True):
        if change.key is None and isinstance(thing, (list, deque)):
            thing.clear()
            thing.extend(value)
        elif dataclasses.is_dataclass(thing):
            setattr(thing, change.key, value)
        elif change.is_there:
            thing[change.key] = value
        else:
            del thing[change.key]


def refuse_shared(changes: Sequence[ItemChange], arguments: Any) -> None:
    """Refuse arguments in which a container that is to be changed stands in several places, each of which was traced as one of its own."""
    places: dict[int, list[Path]] = {}
    for path, thing in containers_of(arguments):
        places.setdefault(id(thing), []).append(path)
    for change in changes:
        thing = _at(arguments, change.path)
        first, *others = places[id(thing)]
        if others:
            raise ValueError(
                f"the {type(thing).__name__} {_named(first)} is {_named(others[0])} as well, and the function writes to it; pass a copy of one of "
                "them"
            )


def _named(path: Path) -> str:
    """A place among the arguments (args, kwargs) in a message."""
    kind, first, *rest = path
    name = f"argument {first + 1}" if kind == 0 else f"argument {first}"
    return name + "".join(f"[{key!r}]" for key in rest)


def containers_of(thing: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The containers that can change, with their paths; of the classes that pytrees know otherwise, what is in them."""
    if _is_followed(thing):
        yield path, thing
    if isinstance(thing, tuple) or _is_followed(thing) or _is_instance(thing):
        for key, part in _items(thing).items():
            yield from containers_of(part, (*path, key))


def _is_followed(thing: Any) -> bool:
    """Whether a thing is one of Python's containers, or a dataclass of the user's whose fields can be set."""
    return is_container(thing) and (type(thing) in PYTHONS or dataclasses.is_dataclass(thing))


def _is_instance(thing: Any) -> bool:
    """Whether a thing is the object that a method is called on, whose attributes are traced."""
    return type(thing) in NODES and not dataclasses.is_dataclass(thing) and getattr(type(thing), "holds_attributes", False)


def _items(thing: Any) -> dict[Any, Any]:
    if isinstance(thing, dict):
        return dict(thing)
    if isinstance(thing, (tuple, list, deque)):
        return dict(enumerate(thing))
    return dict(parts_of(thing))


def _at(arguments: Any, path: Path) -> Any:
    for key in path:
        arguments = arguments[key] if isinstance(arguments, (tuple, list, dict, deque)) else dict(parts_of(arguments))[key]
    return arguments


__all__ = ["Contents", "ItemChange", "containers_of", "make", "refuse_shared"]
