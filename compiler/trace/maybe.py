"""Values that are None on some ways through the program, which only the run tells.

A variable that is None after one way and has a value after another is a ``Maybe``: the value, and whether it is there. The user's program
asks ``x is None``, which the run answers. What computes with the value takes it out, and the program raises Python's error where it is None.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..tree import map_leaves, register
from .context import active_trace
from .elementwise import elementwise
from .identity import parts_of
from .one_of import OneOf, are_choices, chosen, distributed, is_choosable, widened
from .rows import present
from .state import current_trace
from .tracer import Concretize, Tracer, new
from .unbound import Perhaps, State, Undefined, emit_check


class Maybe:
    """A value, or None where it is not ``there``."""

    __slots__ = ("checked", "there", "value")

    def __init__(self, value: Any, there: Any) -> None:
        self.value = value
        self.there = there
        self.checked: list[Any] = []  # scopes in which it is known to be there

    def is_none(self) -> Any:
        """Whether it is None: a bool, or a traced one."""
        if isinstance(self.there, bool):
            return not self.there
        absent = new(elementwise("not", self.there).value, weak=True)
        active_trace().opposites[absent.value] = self.there.value
        return absent

    def known(self) -> Any:
        """The value; where it is None the program raises Python's error."""
        scope = active_trace().scope
        if not any(scope.inside(known) for known in self.checked) and not _follows(self.there):
            self.checked.append(scope)
            emit_check(self.there, TypeError("a variable is None where a number or an array is needed"))
        return self.value

    def each(self, function: Callable[[Any], Any]) -> Any:
        """What a function gives for it: of None in a branch of its own."""
        from .operators import OPERATORS

        return OPERATORS.ifexp(self.is_none(), lambda: function(None), lambda: function(self.known()))

    def as_array(self) -> Tracer:
        """The value as an array."""
        from .promotion import as_tracer

        return as_tracer(self.known())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # a question about its class rather than about the value
            raise AttributeError(name)
        return getattr(self.known(), name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.known())

    def __bool__(self) -> bool:
        raise Concretize(
            "Python asks for the truth of a variable that may be None, which is known only when the program runs; write `x is None`"
        )

    def __hash__(self) -> int:
        raise Concretize(
            "a variable that may be None, which is known only when the program runs, is looked up; compare it with the keys"
        )

    def __index__(self) -> int:
        return operator.index(self.known())

    def __str__(self) -> str:
        return str(self.known())

    def __format__(self, spec: str) -> str:
        return format(self.known(), spec)

    def __repr__(self) -> str:
        return f"{self.value!r} or None"


def _follows(there: Any) -> bool:
    """Whether a test holds in the branch that is traced, because the branch is taken where it does."""
    trace = active_trace()
    scope = trace.scope
    while scope is not None and isinstance(there, Tracer):
        if scope.fact is not None:
            test, holds = scope.fact
            if (test == there.value and holds) or (trace.opposites.get(test) == there.value and not holds):
                return True
        scope = scope.parent
    return False


def known(value: Any) -> Any:
    """A value, of one that may be None what is there."""
    return value.known() if isinstance(value, Maybe) else present(value)


def where_there(value: Any, default: Any) -> Any:
    """A number, or another one where it may be None, and is."""
    return elementwise("select", value.there, value.value, default) if isinstance(value, Maybe) else value


def of_known(function: Callable[..., Any], goes_inside: bool = True) -> Callable[..., Any]:
    """The function of what is there; one that goes through items is given those of a table."""
    from .tables import as_items  # which knows these values

    def given(value: Any) -> Any:
        return as_items(known(value)) if goes_inside else known(value)

    @functools.wraps(function)
    def apply(*args: Any, **kwargs: Any) -> Any:
        return distributed(function, tuple(map(given, args)), {name: known(value) for name, value in kwargs.items()})

    return apply


def seen(value: Any) -> Any:
    """A value as the user's program sees it, where it is known now whether it is None."""
    if isinstance(value, Maybe) and isinstance(value.there, bool):
        return seen(value.value) if value.there else None
    if isinstance(value, OneOf) and len(value.values) == 1:
        return next(iter(value.values.values()))
    return _rebuilt(value, [seen(part) for part in value]) if isinstance(value, tuple) else value


def all_seen(state: Sequence[Any]) -> State:
    """A state as the user's program sees it."""
    return tuple(map(seen, state))


def matched(one: Any, other: Any) -> Any:
    """A value in which parts may be None, or one of several, that are so in another one."""
    if isinstance(one, Perhaps) and isinstance(other, Perhaps):
        return Perhaps(one.name, matched(one.value, other.value), one.bound)
    if isinstance(one, tuple) and isinstance(other, tuple) and type(one) is type(other) and len(one) == len(other):
        return _rebuilt(one, [matched(a, b) for a, b in zip(one, other, strict=True)])
    if isinstance(one, Undefined) or isinstance(other, Undefined) or (one is None and other is None):
        return one
    if are_choices(one, other):
        return widened(one, other)
    like = other.value if isinstance(other, Maybe) else other
    if one is None:
        return Maybe(map_leaves(lambda _: Undefined("the value"), _choosable(like)), False)
    if isinstance(one, Maybe):
        return one if other is None else Maybe(matched(one.value, like), one.there)
    if other is None:
        return Maybe(_choosable(one), True)
    return Maybe(matched(one, like), True) if isinstance(other, Maybe) else one


def _choosable(value: Any) -> Any:
    """A value that a number of the program can stand for."""
    return chosen(value) if is_choosable(value) else value


def _rebuilt(items: tuple[Any, ...], parts: list[Any]) -> Any:
    return type(items)(*parts) if hasattr(items, "_fields") else tuple(parts)


def path_in(path: tuple[Any, ...], state: State) -> tuple[Any, ...]:
    """The path of a container in a state in which some parts have become such that may be None."""
    found: list[Any] = []
    thing: Any = state
    for key in (*path, None):
        if isinstance(thing, Maybe) and key not in ("value", "there"):
            found.append("value")
            thing = thing.value
        if key is not None:
            found.append(key)
            thing = dict(parts_of(thing)).get(key)
    return tuple(found)


def _take_apart(maybe: Maybe) -> tuple[tuple[Any, Any], None, tuple[str, str]]:
    return (maybe.value, maybe.there), None, ("value", "there")


def _put_together(_: None, children: Sequence[Any]) -> Any:
    """The value that may be None again; of what a compiled program returned the value, or None."""
    value, there = children
    if current_trace() is None and isinstance(there, (bool, np.bool_, np.ndarray)):
        return value if there else None
    return Maybe(value, there)


register(Maybe, _take_apart, _put_together)
