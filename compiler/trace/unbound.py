"""Variables, items and attributes without a value: ones that have none yet, or have none on some ways through the program.

Where a run may read such a value the program has a check, which raises Python's error. In a block's state the value is a ``Perhaps``,
which the rewritten program asks whether it has one when it reads the variable. An item or attribute is read by Python itself: the
arrays in it have a ``Doubt``, which adds the check as soon as something is computed with them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..tree import flatten, map_leaves
from .aliasing import relate_copy
from .context import Scope, active_trace, line_of
from .elementwise import elementwise
from .mutation import MISSING, Change, Place
from .one_of import OneOf
from .outdated import outdated_in
from .texts import Text, joined, shown
from .tracer import Tracer, new

State = tuple[Any, ...]


class Undefined:
    """The value of a variable that has none yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<no value for {self.name}>"


@dataclass(slots=True, eq=False)
class Perhaps:
    """The value of a variable that some ways through the program leave without one; ``bound`` says whether it has one."""

    name: str
    value: Any
    bound: Any

    def known(self) -> Any:
        """The value; where there is none, the program raises Python's error."""
        error = no_value(self.name)
        if self.bound is False:
            raise error
        if self.bound is not True:
            emit_check(self.bound, error)
        return self.value


class Doubt:
    """The knowledge of an item or attribute that it is there on some ways through the program only."""

    def __init__(self, perhaps: Perhaps, place: tuple[int, str, Any]) -> None:
        self.perhaps = perhaps
        self.place = place
        self.checked: list[Scope] = []

    def check(self) -> None:
        """Have the program raise Python's error where the place has no value."""
        scope = active_trace().scope
        if not any(scope.inside(known) for known in self.checked):
            self.checked.append(scope)
            emit_check(self.perhaps.bound, no_value(self.perhaps.name))


def put_perhaps(change: Change, perhaps: Perhaps) -> Any:
    """What to put in a place that may have no value: the value, of arrays that are checked when they are read."""

    def doubtful(leaf: Tracer) -> Tracer:
        copy = _copy(leaf)
        copy.cell.doubt = doubt
        return copy

    doubt = Doubt(perhaps, change.name)
    if not flatten(perhaps.value)[0]:
        raise UnsupportedError(
            f"{perhaps.name} is set to {perhaps.value!r} on some ways through the program only, which depend on values known when it "
            "runs; set it before"
        )
    return map_leaves(doubtful, perhaps.value)


def doubt_of(change: Change, value: Any) -> Doubt | None:
    """The doubt about what stands in a place, if there is any."""
    for leaf in flatten(value)[0]:
        if isinstance(leaf, Tracer) and leaf.cell.doubt is not None and leaf.cell.doubt.place == change.name:
            return leaf.cell.doubt  # type: ignore[no-any-return]
    return None


def take_perhaps(change: Change) -> Any:
    """The present value of a place, as that of a variable: one that has none, perhaps one, or one."""
    return as_variable(change, change.read())


def as_variable(change: Change, value: Any) -> Any:
    """A value of a place, as that of a variable: one that has none, perhaps one, or one."""
    if value is MISSING:
        value = change.default()
    if value is MISSING or _is_nothing(value):
        return Undefined(change.label)
    doubt = doubt_of(change, value)
    if doubt is None:
        return value
    return Perhaps(change.label, map_leaves(_copy, value), doubt.perhaps.bound)


def _is_nothing(value: Any) -> bool:
    """Whether a value is an array of objects, which stands where numbers will be."""
    return isinstance(value, np.ndarray) and value.dtype == object


def _copy(leaf: Tracer) -> Tracer:
    """An array of its own that is known to be there."""
    copy = new(leaf.cell.value, leaf.weak, leaf.is_scalar)
    copy.cell.stretched = leaf.cell.stretched
    relate_copy(copy.cell, leaf.cell)
    return copy


def settled(value: Any) -> Any:
    """The value of an item or attribute; where it may not be there, a ``try`` around is told of it here, and not where it is used."""
    if active_trace().handlers:
        for leaf in flatten(value)[0]:
            if isinstance(leaf, Tracer) and leaf.cell.doubt is not None:
                leaf.cell.doubt.check()
    return value


def is_missing(value: Any) -> bool:
    """Whether there is no value, nor a part of one."""
    if isinstance(value, Perhaps):
        return value.bound is False
    leaves = flatten(value)[0]
    return bool(leaves) and all(isinstance(leaf, Undefined) for leaf in leaves)


def is_there(thing: Any, kind: str, key: Any) -> Any:
    """Whether an object has an item or attribute: a bool, or a traced one."""
    change = Change(thing, kind, key, MISSING)
    value = change.read()
    doubt = None if value is MISSING else doubt_of(change, value)
    return value is not MISSING if doubt is None else doubt.perhaps.bound


def require_settled(container: Any) -> None:
    """Refuse to go through a list whose items are elsewhere, or a dict of which it is not known now which items it has."""
    outdated = outdated_in(container)
    if outdated is not None:
        raise outdated.error()
    if isinstance(container, dict):
        for key, value in container.items():
            if doubt_of(Change(container, "item", key, MISSING), value) is not None:
                raise UnsupportedError(
                    f"item {key!r} of a dict is there on some ways through the program only, which depend on values known when it "
                    "runs, so that the items of the dict cannot be gone through or counted; set it before"
                )


def no_value(name: str) -> Exception:
    """The error for what is read before it has a value, in Python's words."""
    if isinstance(name, Place):
        return name.missing
    return UnboundLocalError(f"cannot access local variable {name!r} where it is not associated with a value")


def emit_check(test: Any, error: Exception) -> None:
    """Raise the exception when the program runs and the test fails, or now; of the user's own class its builtin base."""
    if not isinstance(test, Tracer):
        if not test:
            raise error
        return
    if active_trace().may_raise(error, lambda: test):
        return
    place = next((k for k, part in enumerate(error.args) if isinstance(part, OneOf)), None)
    if place is not None:
        _check_for_each(test, error, place)
        return
    _emit_check(test, error)


def _emit_check(test: Tracer, error: Exception) -> None:
    kind = next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == "builtins")
    message = message_of(error)
    values = [value.value for value in message.values] if isinstance(message, Text) else []
    text = message.template if isinstance(message, Text) else message
    active_trace().append("check", test.value, *values, source=line_of(error), kind=kind, message=text)


def _check_for_each(test: Tracer, error: Exception, place: int) -> None:
    """The same for an exception that says one of several things."""
    said = error.args[place]
    for number, value in said.values.items():
        other = copy.copy(error).with_traceback(error.__traceback__)
        other.args = (*error.args[:place], value, *error.args[place + 1 :])
        _emit_check(elementwise("or", test, elementwise("ne", said.code, number)), other)


def message_of(error: BaseException) -> str:
    """What an exception says: a text with traced values where there are any in it."""
    args = (
        (str(error),) if type(error).__module__.startswith("numpy.") else error.args
    )  # of NumPy's classes some make a text of numbers
    return joined("", shown(args[0] if len(args) == 1 else args, _text)) if args else ""


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, OneOf) else str(value)


def is_perhaps(name: str, *values: Any) -> bool:
    """Whether a variable of the user's, an item or an attribute has a value on some of several ways only."""
    lacking = sum(isinstance(value, Undefined) for value in values)
    doubtful = any(isinstance(value, Perhaps) for value in values)
    return is_users(name) and (0 < lacking < len(values) or doubtful)


def is_users(name: str) -> bool:
    """Whether a name in a state is that of a variable of the user's, an item or an attribute."""
    return isinstance(name, Place) or (name.isidentifier() and not name.startswith("jg_"))


def doubted(state: State, places: Sequence[int], names: Sequence[str]) -> State:
    """A state whose variables at some places say whether they have a value."""
    return tuple(
        Perhaps(names[k], value, not isinstance(value, Undefined)) if k in places and not isinstance(value, Perhaps) else value
        for k, value in enumerate(state)
    )


def with_structure(state: State, other: State) -> State:
    """A state whose variables without a value are made of as many parts as in another state, none of which has one."""
    return tuple(_with_structure(a, b) for a, b in zip(state, other, strict=True))


def _with_structure(a: Any, b: Any) -> Any:
    if isinstance(a, Perhaps) and isinstance(b, Perhaps):
        return Perhaps(a.name, _with_structure(a.value, b.value), a.bound)
    return map_leaves(lambda _: Undefined(a.name), b) if isinstance(a, Undefined) else a
