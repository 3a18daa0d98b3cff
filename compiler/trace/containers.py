"""The caller's lists, dicts and dataclasses that a traced function changes: what it did to its own copies is done to them after each call.

A traced function is given its arguments anew, made of traced values. ``Contents`` notes what is in them before; ``changes`` tells what is
else after. Both know a container by its path from the arguments.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UnsupportedError
from .outdated import Outdated
from .unbound import MOVED

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
        self.before = [(path, thing, _items(thing)) for path, thing in containers_of(arguments)]

    def changes(self) -> tuple[list[ItemChange], list[Any]]:
        """What has changed since, and the new values."""
        found: list[tuple[ItemChange, Any]] = []
        for path, thing, before in self.before:
            after = _items(thing)
            if isinstance(thing, list) and any(item is MOVED for item in thing):
                raise UnsupportedError(
                    "a list among the arguments becomes longer in a loop or branch, which depends on values known only when the program runs, "
                    "and the caller's list would have to as well; work on a copy, such as items = list(items)"
                )
            outdated = next((v for v in after.values() if isinstance(v, Outdated)), None)
            if outdated is not None:
                raise outdated.error()
            if isinstance(thing, list) and len(before) != len(after):
                found.append((ItemChange(path, None), list(thing)))
                continue
            found += [(ItemChange(path, k), v) for k, v in after.items() if k not in before or before[k] is not v]
            found += [(ItemChange(path, k, is_there=False), None) for k in before if k not in after]
        return [change for change, _ in found], [value for _, value in found]


def make(changes: Sequence[ItemChange], values: Sequence[Any], arguments: Any) -> None:
    """Make the changes in the caller's arguments."""
    places = [_at(arguments, change.path) for change in changes]
    for change, value, thing in zip(changes, values, places, strict=True):
        if change.key is None and isinstance(thing, list):
            thing[:] = value
        elif dataclasses.is_dataclass(thing):
            setattr(thing, change.key, value)
        elif change.is_there:
            thing[change.key] = value
        else:
            del thing[change.key]


def containers_of(thing: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The containers that can change, with their paths; of the classes that pytrees know otherwise, what is in them."""
    if type(thing) in (list, dict) or _is_plain_dataclass(thing):
        yield path, thing
    if isinstance(thing, (tuple, list, dict)) or _is_plain_dataclass(thing):
        for key, part in _items(thing).items():
            yield from containers_of(part, (*path, key))


def _items(thing: Any) -> dict[Any, Any]:
    if isinstance(thing, dict):
        return dict(thing)
    return dict(enumerate(thing)) if isinstance(thing, (tuple, list)) else dict(vars(thing))


def _is_plain_dataclass(thing: Any) -> bool:
    """Whether a thing is a dataclass of the user's whose fields can be set."""
    if not dataclasses.is_dataclass(thing) or isinstance(thing, type) or not hasattr(thing, "__dict__"):
        return False
    return not type(thing).__dataclass_params__.frozen and not (type(thing).__module__ or "").startswith("jitgrad")  # type: ignore[attr-defined]


def _at(arguments: Any, path: Path) -> Any:
    for key in path:
        arguments = arguments[key] if isinstance(arguments, (tuple, list, dict)) else vars(arguments)[key]
    return arguments


__all__ = ["Contents", "ItemChange", "containers_of", "make"]
