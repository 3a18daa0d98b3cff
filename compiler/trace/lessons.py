"""What was learned of a loop or branch that was traced, for when it is traced anew in an equal situation.

A loop is traced until nothing new comes up, and anew for each attempt of the loop around it. With what it was traced in the end it is traced
at once the next time. Lessons are kept in terms of numbers of objects and symbols (``situations``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from ..ir import Dim, Size
from .aliasing import Kinship
from .blocks import Slot
from .cells import Cell
from .context import active_trace
from .identity import Box, box_of
from .items import Items
from .mutation import MISSING, Change
from .situations import Situation, Unreachable


@dataclass(frozen=True, slots=True)
class Doubted:
    """A loop leaves variables at some places perhaps without a value."""

    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """A loop changes objects."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """What a loop carries: leaves of its state, and arrays that it writes to; and which of them may be the same."""

    slots: dict[int, Slot]
    cells: tuple[Cell, ...]
    kinship: tuple[Kinship, Kinship] | None


@dataclass(frozen=True, slots=True)
class Grown:
    """How a loop makes a list longer, or, without items, one that a loop around it has made room for."""

    items: Items | None
    each: Dim | None
    regular: bool
    found: tuple[Dim | None, ...]
    is_tried: bool = False
    thing: Thing | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """An object."""

    thing: Any


@dataclass(frozen=True, slots=True)
class _Number:
    """Stands for what was made of the object that has a number."""

    number: int
    make: Callable[[Any], Any]


_RECORDS = (Doubted, Changes, Carried, Grown, Slot, Items, Kinship)


def learn(situation: Situation, lesson: Any) -> None:
    """Remember a lesson, if it can be told by the numbers of the situation."""
    if situation.key is None:
        return
    try:
        active_trace().lessons[situation.key] = _told(lesson, situation)
    except Unreachable:
        active_trace().lessons.pop(situation.key, None)


def recall(situation: Situation) -> Any:
    """What was learned in an equal situation, in terms of this one; None if nothing was."""
    lesson = active_trace().lessons.get(situation.key)
    if lesson is None:
        return None
    return _meant(lesson, situation)


def _told(part: Any, situation: Situation) -> Any:
    match part:
        case Size():
            return situation.numbered(part)
        case Cell():
            return _Number(situation.number(part), lambda cell: cell)
        case Thing():
            return _Number(situation.number(part.thing), Thing)
        case Box():
            return _Number(situation.number(part.thing), box_of)
        case Change(kind=kind, key=key):
            return _Number(situation.number(part.thing), lambda thing: Change(thing, kind, key, MISSING))
    return _rebuilt(part, lambda inner: _told(inner, situation))


def _meant(part: Any, situation: Situation) -> Any:
    match part:
        case Size():
            return situation.own(part)
        case _Number():
            return part.make(situation.objects[part.number])
    return _rebuilt(part, lambda inner: _meant(inner, situation))


def _rebuilt(part: Any, change: Callable[[Any], Any]) -> Any:
    """A part of a lesson with its own parts changed."""
    if isinstance(part, (tuple, list, set)):
        return type(part)(map(change, part))
    if isinstance(part, dict):
        return {key: change(value) for key, value in part.items()}
    if isinstance(part, _RECORDS) and is_dataclass(part):
        return type(part)(*(change(getattr(part, field.name)) for field in fields(part)))
    return part
