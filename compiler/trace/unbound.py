"""Variables without a value: ones that have none yet, and ones that some ways through the program leave without one.

Where a run may reach such a variable the program has a check, which raises Python's error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..tree import map_leaves
from .context import active_trace
from .tracer import Tracer

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


def no_value(name: str) -> UnboundLocalError:
    """The error for a variable that is read before it has a value, in Python's words."""
    return UnboundLocalError(f"cannot access local variable {name!r} where it is not associated with a value")


def emit_check(test: Tracer, error: Exception) -> None:
    """Raise the exception when the program runs and the test fails; of the user's own class its builtin base."""
    kind = next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == "builtins")
    message = str(error.args[0]) if len(error.args) == 1 else str(error)
    active_trace().emit("check", test.value, kind=kind, message=message)


def is_perhaps(name: str, *values: Any) -> bool:
    """Whether a variable of the user's has a value on some of several ways only."""
    lacking = sum(isinstance(value, Undefined) for value in values)
    doubtful = any(isinstance(value, Perhaps) for value in values)
    return name.isidentifier() and not name.startswith("jg_") and (0 < lacking < len(values) or doubtful)


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
