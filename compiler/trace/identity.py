"""Which list, dict or dataclass a name stands for after a branch or loop.

Regions hand containers on by what is in them. One that is the same object on all ways stays that object. Any other is made anew
of the values that the region returns; what Python would have there, one of several objects or another, is noted as its kin, as
``aliasing`` does for arrays. A write to either (``mutation.remember``) then leaves ``Outdated`` items in the others.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakSet

from ..tree import NODES
from .aliasing import Kinship, kin_in_loop, kin_of_branches
from .context import Scope, active_trace
from .mutation import UNKNOWN, note_listed
from .rows import Rows
from .tracer import Tracer

Path = tuple[Any, ...]
Containers = dict[Path, Any]
"""The containers in a state that can change, by path."""

PYTHONS = (list, dict, OrderedDict, defaultdict, deque)
OURS = __name__.rpartition(".trace")[0]


class Box:
    """A container, as one that may be the same object as others; ``number`` orders objects by when they were seen first."""

    __slots__ = ("__weakref__", "kin", "number", "scope", "thing")

    def __init__(self, thing: Any, number: int, scope: Scope) -> None:
        self.thing = thing
        self.number = number
        self.scope = scope
        self.kin: Any = None


def is_container(thing: Any) -> bool:
    """Whether a thing is taken apart by regions, and can change."""
    cls = type(thing)
    if cls in PYTHONS:
        return True
    if issubclass(cls, (tuple, type)) or cls.__module__.startswith(OURS):
        return False
    return not cls.__dataclass_params__.frozen if dataclasses.is_dataclass(cls) else cls in NODES  # type: ignore[attr-defined]


def containers_in(state: Any) -> Containers:
    """The containers in a state."""
    return dict(_walk(state, ()))


def _walk(thing: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if is_container(thing) or type(thing) is Rows:
        yield path, thing
    for key, part in parts_of(thing):
        yield from _walk(part, (*path, key))


def parts_of(thing: Any) -> list[tuple[Any, Any]]:
    """What a thing is taken apart to, by key."""
    if isinstance(thing, tuple) or type(thing) in (list, deque):
        return list(enumerate(thing))
    if type(thing) in PYTHONS:
        return list(thing.items())
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return [(field.name, getattr(thing, field.name)) for field in dataclasses.fields(thing)]
    if type(thing) in NODES:
        children, _, *keys = NODES[type(thing)].take_apart(thing)
        return list(zip(keys[0] if keys else range(len(children)), children, strict=True))
    return []


def keeping(made: Any, kept: Containers, path: Path = ()) -> Any:
    """A state that has just been made, with other containers at some paths."""
    if path in kept:
        return kept[path]
    if not kept:
        return made
    parts = parts_of(made)
    new = [(key, part, keeping(part, kept, (*path, key))) for key, part in parts]
    if isinstance(made, tuple):
        items = [part for *_, part in new]
        return type(made)(*items) if hasattr(made, "_fields") else tuple(items)
    for key, old, part in new:
        if part is old:
            continue
        if type(made) in PYTHONS:
            made[key] = part
        else:
            object.__setattr__(made, key, part)
    return made


def box_of(thing: Any, is_new: bool = False) -> Box | None:
    """The box of a container; of one that is not new it is not known in which scope it was made."""
    if thing is None:
        return None
    trace = active_trace()
    if id(thing) not in trace.boxes:
        number, _ = trace.changed.setdefault(id(thing), (len(trace.changed), thing))
        trace.boxes[id(thing)] = Box(thing, number, trace.scope if is_new else trace.root)
    return trace.boxes[id(thing)]


def relate_to_all(thing: Any, others: Sequence[Any]) -> None:
    """Note that a container is outdated where any of others is written to."""
    own = box_of(thing, is_new=True)
    for box in map(box_of, others):
        if box is not None:
            box.kin = box.kin or WeakSet()
            box.kin.add(own)


def note(containers: Containers) -> bool:
    """Note that containers have been seen; whether any had not been before."""
    known = len(active_trace().boxes)
    for thing in containers.values():
        box_of(thing)
    return len(active_trace().boxes) > known


def listed_in(containers: Containers) -> set[tuple[Path, Any]]:
    """The paths of lists that were put into arrays as items of others, or are looked at there, and of which."""
    listed = active_trace().listed
    found = {(path, family) for path, thing in containers.items() if id(thing) in listed for family, _ in listed[id(thing)][1]}
    looks = [(path, thing, thing.owner[0]) for path, thing in containers.items() if isinstance(thing, Rows) and thing.owner]
    return found | {(path, UNKNOWN if thing.arrays[0].cell.listed else owner.family) for path, thing, owner in looks}


def note_all_listed(found: Iterable[tuple[Path, Any]], containers: Containers) -> None:
    """Note that lists at some paths are such."""
    for path, family in found:
        note_listed(containers.get(path), [family])


def after_branch(made: Any, ways: Sequence[Containers]) -> Any:
    """The state after a branch, of one made of the values that it returns and the containers that each way leaves."""
    paths = list(dict.fromkeys(path for way in ways for path in way))
    kept = {path: ways[0][path] for path in paths if all(way.get(path) is ways[0].get(path) for way in ways)}
    state = keeping(made, kept)
    kinship = kin_of_branches([[box_of(way.get(path)) for path in paths] for way in ways])
    _apply(kinship, paths, state, kept)
    for way in ways:
        note_all_listed(listed_in(way), containers_in(state))
    return state


def kin_of_loop(before: Containers, inside: Containers, after: Containers, body: Scope) -> Kinship:
    """Which containers that a loop carries may be one, as an attempt shows it; those that its body has made are gone."""
    found = kin_in_loop(*([box_of(side.get(path)) for path in before] for side in (before, inside, after)))
    return Kinship([{box for box in old if box.number < body.known} for old in found.old], found.pairs)  # type: ignore[attr-defined]


def apply_inside(kinship: Kinship | None, before: Containers, inside: Containers) -> None:
    """Note in a loop's body what is known of the containers that it is given."""
    cells = [box_of(inside.get(path), is_new=True) for path in before]
    if kinship is not None:
        kinship.apply(cells)


def after_loop(
    made: Any, kinship: Kinship, before: Containers, inside: Containers, after: Containers, changed: Sequence[Path]
) -> Any:  # fmt: skip
    """The state after a loop, of one made of the values that it returns; ``changed`` are the paths of those that are new."""
    kept = {
        path: thing
        for path, thing in before.items()
        if any(after.get(path) is known for known in (inside.get(path), thing))
        and not any(place[: len(path)] == path for place in changed)
    }
    state = keeping(made, kept)
    _apply(kinship, list(before), state, kept)
    note_all_listed(listed_in(inside), before)
    note_all_listed(listed_in(after), containers_in(state))
    return state


def _apply(kinship: Kinship, paths: Sequence[Path], state: Any, kept: Containers) -> None:
    found = containers_in(state)
    kinship.apply([None if path in kept else box_of(found.get(path), is_new=True) for path in paths])


def may_be_one(one: Any, other: Any) -> bool:
    """Whether only the run knows if two containers, or arrays, are the same object."""
    boxes = active_trace().boxes
    first, second = (x.cell if isinstance(x, Tracer) and not x.views else boxes.get(id(x)) for x in (one, other))
    return first is not None and second is not None and second in (first.kin or ())


__all__ = ["Box", "Containers", "Path", "after_branch", "after_loop", "apply_inside", "box_of", "containers_in", "is_container", "kin_of_loop",
           "may_be_one", "note", "relate_to_all"]  # fmt: skip
