"""Changes that a block of the user's program makes to Python objects: attributes, items, lists.

A region is traced more than once, and what it does to objects must become values of the program. So each scope remembers what
was there before: when it is closed all is put back, and whoever opened it makes the changes again, with values that hold after
the loop or branch.
"""

from __future__ import annotations

import inspect
import types
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import UnsupportedError
from ..tree import flatten
from .context import NotStaged, Scope, active_trace
from .outdated import Moved, Outdated, may_be_written, outdated_in, spoiled

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "<missing>"})()

MUTATORS = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "remove",
        "clear",
        "sort",
        "reverse",
        "add",
        "discard",
        "update",
        "setdefault",
        "popitem",
        "popleft",
        "appendleft",
        "extendleft",
        "rotate",
        "move_to_end",
        "intersection_update",
        "difference_update",
        "symmetric_difference_update",
        "__setitem__",
        "__delitem__",
    ]
)


class Place(str):
    """An attribute or item as a message names it; ``missing`` is the error that Python raises where there is none."""

    missing: Exception


@dataclass(slots=True)
class Change:
    """One attribute or item of an object, a variable in a cell, or (kind "whole") all of a container; before and after."""

    thing: Any
    kind: str
    key: Any
    before: Any
    after: Any = MISSING
    left: Any = MISSING  # the same, with copies of containers, as they were at the end

    @property
    def name(self) -> tuple[int, str, Any]:
        """What tells the place apart from others."""
        return id(self.thing), self.kind, self.key

    @property
    def label(self) -> Place:
        """The place in a message."""
        if self.kind == "variable":
            place = Place(self.key)
            place.missing = NameError(
                f"cannot access free variable {self.key!r} where it is not associated with a value in enclosing scope"
            )
        elif self.kind == "attribute":
            place = Place(f"attribute {self.key}")
            place.missing = AttributeError(f"{type(self.thing).__name__!r} object has no attribute {self.key!r}")
        else:
            place = Place(f"item {self.key!r}")
            place.missing = KeyError(self.key)
        return place

    def read(self) -> Any:
        """The present value."""
        match self.kind:
            case "attribute":
                own = getattr(self.thing, "__dict__", {})
                if self.key in own:
                    return own[self.key]
                is_slot = isinstance(getattr(type(self.thing), self.key, None), types.MemberDescriptorType)
                return getattr(self.thing, self.key, MISSING) if is_slot else MISSING
            case "item" if hasattr(type(self.thing), "__missing__"):  # which would make it
                return dict.get(self.thing, self.key, MISSING)
            case "item":
                try:
                    return self.thing[self.key]
                except (KeyError, IndexError):
                    return MISSING
            case "variable":
                try:
                    return self.thing.cell_contents
                except ValueError:
                    return MISSING
        return self.thing.copy()

    def default(self) -> Any:
        """What is found in the class where an object has no such attribute of its own."""
        if self.kind != "attribute" or isinstance(self.thing, type):
            return MISSING
        found = inspect.getattr_static(type(self.thing), self.key, MISSING)
        return MISSING if hasattr(type(found), "__get__") else found

    def write(self, value: Any) -> None:
        """Put a value in place."""
        match self.kind, value is MISSING:
            case "attribute", True:
                delattr(self.thing, self.key)
            case "attribute", False:
                (type if isinstance(self.thing, type) else object).__setattr__(self.thing, self.key, value)
            case "variable", True:
                del self.thing.cell_contents
            case "variable", False:
                self.thing.cell_contents = value
            case "item", True:
                del self.thing[self.key]
            case "item", False:
                self.thing[self.key] = value
            case _:
                refill(self.thing, value)


def refill(container: Any, contents: Any) -> None:
    """Have other things in a container."""
    container.clear()
    (container.extend if hasattr(container, "extend") else container.update)(contents)


def remember(thing: Any, kind: str, key: Any = None) -> None:
    """Note that an object is about to change in the current scope, and with it those that may be the same object."""
    if kind != "attribute" and id(thing) in active_trace().listed:
        raise UnsupportedError(
            "this list is written to, and is an item of another list as well, which would change with it; put a copy into that list: "
            "items.append(x.copy())"
        )
    box = active_trace().boxes.get(id(thing))
    for other in (box.kin or ()) if box is not None else ():
        _spoil(other.thing, kind, key)
    _note(thing, kind, key)


def note_listed(thing: Any, families: Iterable[Any]) -> None:
    """A list is put into arrays as an item of others, which would not see what is written to it after that, nor it what is written to them."""
    if type(thing) is list or hasattr(thing, "family"):
        trace = active_trace()
        trace.listed.setdefault(id(thing), (thing, set()))[1].update((family, trace.scope) for family in families)
    if type(thing) is list:
        for item in thing:
            note_listed(item, families)


def note_put(thing: Any, family: Any) -> None:
    """The same of a list that the user's program puts into another one, which may have it at another place."""
    trace = active_trace()
    _, known = trace.listed.get(id(thing), (None, ()))
    if any(_is_same(other, family) and (trace.scope.inside(scope) or _is_older(scope)) for other, scope in known):
        trace.doubled.add(family)
    note_listed(thing, [family])


def _is_older(scope: Scope) -> bool:
    """Whether what was known in a scope is known outside of a loop around that, and so is the same in each iteration."""
    loop: Scope | None = scope
    while loop is not None and not loop.is_repeated:
        loop = loop.parent
    return loop is not None and not active_trace().scope.inside(loop)


def note_written(family: Any) -> None:
    """An item of a list in arrays is written to: the lists of which it may be a copy are not looked at from here on."""
    trace = active_trace()
    if any(_is_same(other, family) for other in trace.doubled):
        raise NotStaged(TWICE)
    for thing, known in list(trace.listed.values()):
        scopes = [scope for other, scope in known if _is_same(other, family)]
        if not scopes or outdated_in(getattr(thing, "_listed", thing)) is not None:
            continue
        mark = Outdated(COPIED, whole=True)
        for other in getattr(trace.boxes.get(id(thing)), "kin", None) or ():
            if hasattr(other.thing, "spoil"):
                other.thing.spoil(mark)
        if not any(map(trace.scope.inside, scopes)):  # it may have been made in a scope that is closed
            refill(thing, [mark]) if type(thing) is list else setattr(thing, "_listed", [mark])
        elif type(thing) is list:
            redo(Change(thing, "whole", None, MISSING), spoiled(thing, mark))
        else:
            thing.spoil(mark)


def _is_same(one: Any, other: Any) -> bool:
    return one is other or UNKNOWN in (one, other)


UNKNOWN = "any"
"""The family of what a loop or branch hands on."""

TWICE = "a list is put into a list that has it at another place as well, so that both would change with it; put a copy there: rows[i] = rows[j][:]"
COPIED = (
    "this list is an item of another list as well, and was written to there; look at it there, or put a copy into that list"
)


def _spoil(thing: Any, kind: str, key: Any) -> None:
    """Leave no value where a write may have been meant for another object."""
    message = may_be_written(thing)
    if hasattr(thing, "spoil"):
        thing.spoil(Outdated(message, whole=True))
        return
    there = Change(thing, kind, key, MISSING).read()
    if kind == "attribute" or (kind == "item" and there is not MISSING):
        redo(Change(thing, kind, key, MISSING), Outdated(message))
    else:
        redo(Change(thing, "whole", None, MISSING), spoiled(thing, Outdated(message, whole=True)))


def note_seen(thing: Any) -> None:
    """Note an object that is there, and may change."""
    changed = active_trace().changed
    changed.setdefault(id(thing), (len(changed), thing))


def _note(thing: Any, kind: str, key: Any) -> None:
    trace = active_trace()
    trace.effects += 1
    scope = trace.scope
    note_seen(thing)
    name = (id(thing), kind, key if kind != "whole" else None)
    if name not in scope.changes and id(thing) not in scope.owned:
        change = Change(thing, kind, key, MISSING)
        change.before = change.read()
        scope.changes[name] = change


def undo(scope: Scope) -> None:
    """Put back what a scope changed; each change keeps the value that it had at the end."""
    restored: set[int] = set()  # what was added to these has been taken away again
    for change in list(scope.changes.values()):
        change.after = change.read()
        if change.kind == "whole" and _is_list_of(change.after, change.before):
            restored.add(id(change.thing))
        if change.kind != "attribute" and id(change.thing) in restored:
            del scope.changes[change.name]
            continue
        leaves, tree = flatten(change.after)
        change.left = tree.unflatten(leaves)
    put_back_changes(scope)


def put_back_changes(scope: Scope) -> None:
    """Give objects that a scope changed what they held before."""
    whole: set[int] = set()
    own: list[Change] = []  # without items that changed after their container did as a whole, with which they come back
    for change in scope.changes.values():
        if change.kind == "whole":
            whole.add(id(change.thing))
        if change.kind != "item" or not (id(change.thing) in whole or isinstance(outdated_in(change.thing), Moved)):
            own.append(change)
    for change in reversed(own):
        if change.read() is not change.before or change.kind == "whole":
            change.write(change.before)


def _is_list_of(thing: Any, items: Any) -> bool:
    """Whether a thing is a list or deque of the same objects as another one."""
    return (
        isinstance(thing, (list, deque)) and len(thing) == len(items) and all(a is b for a, b in zip(thing, items, strict=True))
    )


def outer_changes(scope: Scope) -> list[Change]:
    """The changes made in a scope to objects that had been seen to change before it was opened, and so are not of its own making."""
    return [change for change in _of_others(scope) if outdated_in(change.after) is None]


def outdated_by(scope: Scope) -> dict[Any, Change]:
    """What a scope has left outdated in such objects."""
    return {change.name: change for change in _of_others(scope) if outdated_in(change.after) is not None}


def own_changes(scope: Scope) -> list[Change]:
    """The changes made in a scope to other objects, as far as is known when it is closed."""
    return [change for change in scope.changes.values() if not _is_of_others(change, scope)]


def _of_others(scope: Scope) -> list[Change]:
    return [change for change in scope.changes.values() if _is_of_others(change, scope)]


def _is_of_others(change: Change, scope: Scope) -> bool:
    return active_trace().changed[id(change.thing)][0] < scope.known  # type: ignore[no-any-return]


def redo(change: Change, value: Any) -> None:
    """Make a change again in the scope that is open now; what else it leaves outdated is done by ``spoil_again``."""
    _note(change.thing, change.kind, change.key)
    change.write(value)


def spoil_again(scope: Scope) -> None:
    """Leave outdated in the scope that is open now what was so at the end of a region."""
    for change in outdated_by(scope).values():
        redo(change, change.after)
