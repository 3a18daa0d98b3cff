"""What stands in a container where a write may have been meant for it, or for another one (``identity``).

Whoever looks at it is told so: an item that is outdated can be handed around, but nothing can be computed with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NoReturn

from ..errors import UnsupportedError
from .context import NotStaged, Scope, active_trace, user_line


class Outdated:
    """An item or attribute that may have got another value; with ``whole`` the container may have got other items altogether."""

    __slots__ = ("message", "whole")

    def __init__(self, message: str, whole: bool = False) -> None:
        self.message = message
        self.whole = whole

    def error(self) -> NotStaged:
        """What there is to say of it."""
        return NotStaged(self.message)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise self.error()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # a question about its class rather than about the value
            raise AttributeError(name)
        raise self.error()


class Moved(Outdated):
    """Stands in a list whose items are in arrays now, of a list that took its place where the program was seen to hold it (``appending``)."""

    __slots__ = ("scope", "target")

    def __init__(self, target: Any) -> None:
        super().__init__(
            "a loop or branch made this list longer, which depends on values known only when the program runs, and knew it under another "
            "name than this one; use one name for the list",
            whole=True,
        )
        self.target = target
        self.scope: Scope = active_trace().scope

    def error(self) -> Any:
        return UnsupportedError(self.message)


_SPECIAL = (
    "abs add and bool call complex contains divmod eq float floordiv format ge getitem gt index int invert iter le len lshift lt matmul mod "
    "mul ne neg next or pos pow radd rand rdivmod rfloordiv rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor "
    "setitem sub truediv trunc xor array_ufunc array_function array copy deepcopy str repr"
)
"""The methods by which Python asks for a value."""

for _name in _SPECIAL.split():
    setattr(Outdated, f"__{_name}__", Outdated._refuse)
Outdated.__hash__ = object.__hash__  # type: ignore[method-assign]


class Unkept(Outdated):
    """Stands for a text of values that some ways alone make."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is a text of values of the run on some ways only; use it where it is made, or keep the values"
        )

    __hash__ = Outdated._refuse  # type: ignore[assignment]


def may_be_written(thing: Any) -> str:
    """What there is to say of a container for which a write may have been meant that happens now."""
    kind, line = type(thing).__name__, user_line()
    return (
        f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} is written to{f' at {line}' if line is not None else ''} that may be the one that is looked "
        "at here, or another, depending on what happened in a loop or branch before; write to a copy, as copy.copy(x) makes it, or write where "
        "it is known which one it is"
    )


def spoiled(contents: Any, error: Outdated) -> Any:
    """The contents of a container, each item outdated; of an empty one there is one."""
    if isinstance(contents, dict):
        return dict.fromkeys(contents, error) or {None: error}
    return [error] * max(len(contents), 1) if isinstance(contents, (list, deque)) else {error}


def outdated_in(value: Any) -> Outdated | None:
    """The value, or the first item of a container, if it is outdated as a whole."""
    if isinstance(value, Outdated):
        return value
    if isinstance(value, (list, deque, set)) and value:
        first = next(iter(value))
        return first if isinstance(first, Outdated) and first.whole else None
    if isinstance(value, dict):
        return next(_whole(value), None)
    return None


def _whole(container: dict[Any, Any]) -> Iterator[Outdated]:
    return (value for value in container.values() if isinstance(value, Outdated) and value.whole)


__all__ = ["Moved", "Outdated", "may_be_written", "outdated_in", "spoiled"]
