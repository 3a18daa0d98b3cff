"""The operators of rewritten code with the meaning that Python gives them: the oracle of the tests of `rewrite`."""

import contextlib
import itertools
import operator
import string
from collections.abc import Callable, Iterable, Iterator
from typing import Any

BINARY = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "@": operator.matmul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "<<": operator.lshift, ">>": operator.rshift,
    "|": operator.or_, "^": operator.xor, "&": operator.and_,
}  # fmt: skip
UNARY = {"-": operator.neg, "+": operator.pos, "~": operator.invert}
COMPARE = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    "is": operator.is_, "is not": operator.is_not,
}  # fmt: skip
INPLACE = {
    "+": operator.iadd, "-": operator.isub, "*": operator.imul, "@": operator.imatmul, "/": operator.itruediv,
    "//": operator.ifloordiv, "%": operator.imod, "**": operator.ipow, "<<": operator.ilshift, ">>": operator.irshift,
    "|": operator.ior, "^": operator.ixor, "&": operator.iand,
}  # fmt: skip

State = tuple[Any, ...]


class Undefined:
    """The value of a variable that has none."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __bool__(self) -> bool:
        raise UnboundLocalError(self.name)


class Refused(Exception):
    """What no handler may catch."""


class Operators:
    """Does what Python does, and counts how often each operator was used."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "used":
            self.used[name] = self.used.get(name, 0) + 1
        return object.__getattribute__(self, name)

    def unpack(self, value: Any, count: int) -> Any:
        return value

    def call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def if_(
        self, test: Any, then: Callable[..., State], orelse: Callable[..., State], state: State, names: tuple[str, ...],
        mutated: tuple[str, ...] = (),
    ) -> State:  # fmt: skip
        new = then(*state) if test else orelse(*state)
        _check(new, state, names, mutated)
        return new

    def while_(
        self, test: Callable[..., Any], body: Callable[..., State], state: State, names: tuple[str, ...],
        mutated: tuple[str, ...] = (),
    ) -> State:  # fmt: skip
        going, *state = test(*state)
        while going:
            new = body(*state)
            _check(new, state, names, mutated)
            going, *state = test(*new)
        return tuple(state)

    def for_(
        self, iterable: Iterable[Any], body: Callable[..., State], state: State, names: tuple[str, ...],
        mutated: tuple[str, ...] = (), go_on: Callable[..., Any] | None = None,
    ) -> State:  # fmt: skip
        items = iter(iterable)
        while go_on is None or go_on(*state):
            try:
                item = next(items)
            except StopIteration:
                break
            new = body(item, *state)
            _check(new, state, names, mutated)
            state = new
        return state

    def and_(self, first: Any, *thunks: Callable[[], Any]) -> Any:
        for thunk in thunks:
            if not first:
                break
            first = thunk()
        return first

    def or_(self, first: Any, *thunks: Callable[[], Any]) -> Any:
        for thunk in thunks:
            if first:
                break
            first = thunk()
        return first

    def both(self, first: Any, *thunks: Callable[[], Any]) -> Any:
        return bool(self.and_(first, *thunks))  # whoever asks for more than the truth finds it gone

    def either(self, first: Any, *thunks: Callable[[], Any]) -> Any:
        return bool(self.or_(first, *thunks))

    def not_(self, value: Any) -> bool:
        return not value

    def ifexp(self, test: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
        return then() if test else orelse()

    def binary(self, symbol: str, left: Any, right: Any) -> Any:
        return BINARY[symbol](left, right)

    def unary(self, symbol: str, operand: Any) -> Any:
        return UNARY[symbol](operand)

    def compare(self, symbol: str, left: Any, right: Any) -> Any:
        return COMPARE[symbol](left, right)

    def contains(self, item: Any, container: Any) -> bool:
        return item in container

    def getitem(self, container: Any, index: Any) -> Any:
        return container[index]

    def setitem(self, container: Any, index: Any, value: Any) -> None:
        container[index] = value

    def attribute(self, container: Any, name: str) -> Any:
        return getattr(container, name)

    def setattr(self, container: Any, name: str, value: Any) -> None:
        setattr(container, name, value)

    def delitem(self, container: Any, index: Any) -> None:
        del container[index]

    def delattr(self, container: Any, name: str) -> None:
        delattr(container, name)

    def inplace(self, symbol: str, left: Any, right: Any) -> Any:
        return INPLACE[symbol](left, right)

    def assert_(self, test: Any, message: Callable[[], Any] | None) -> None:
        if not test:
            raise AssertionError(*(() if message is None else (message(),)))

    def listcomp(self, iterable: Iterable[Any], element: Callable[[Any], Any], condition: Any = None) -> list[Any]:
        return list(self.genexp(iterable, element, condition))

    def setcomp(self, iterable: Iterable[Any], element: Callable[[Any], Any], condition: Any = None) -> set[Any]:
        return set(self.genexp(iterable, element, condition))

    def dictcomp(self, iterable: Iterable[Any], element: Callable[[Any], Any], condition: Any = None) -> dict[Any, Any]:
        return dict(self.genexp(iterable, element, condition))

    def flatcomp(self, iterable: Iterable[Any], inner: Callable[[Any], Any], condition: Any = None) -> list[Any]:
        return list(self.flatgen(iterable, inner, condition))

    def genexp(self, iterable: Iterable[Any], element: Callable[[Any], Any], condition: Any = None) -> Iterator[Any]:
        return (element(item) for item in iterable if condition is None or condition(item))

    def flatgen(self, iterable: Iterable[Any], inner: Callable[[Any], Any], condition: Any = None) -> Iterator[Any]:
        return itertools.chain.from_iterable(self.genexp(iterable, inner, condition))

    def attempt(
        self, block: Callable[..., State], state: State, names: tuple[str, ...], mutated: tuple[str, ...] = ()
    ) -> State:
        return block(*state)

    def suppressing(self, context: Any) -> Any:
        return context

    def trying(self, types: Callable[[], tuple[Any, ...]], handles: bool, is_silent: bool) -> Any:
        return contextlib.nullcontext()

    refused = Refused

    def rebinds(self, look: Callable[[], Any]) -> None:
        pass

    owns = rebinds

    def text(self, *pieces: Any) -> str:
        show = string.Formatter().convert_field
        return "".join(p if isinstance(p, str) else format(show(p[0], p[1]), p[2]) for p in pieces)

    def interpolate(self, template: str, values: Any) -> str:
        return template % values

    def undefined(self, name: str) -> Undefined:
        return Undefined(name)

    def bound(self, value: Any) -> Any:
        if isinstance(value, Undefined):
            raise UnboundLocalError(value.name)
        return value


def _check(new: State, state: State, names: tuple[str, ...], mutated: tuple[str, ...]) -> None:
    """What a control operator may rely on."""
    assert type(new) is tuple and len(new) == len(state) == len(names) == len(set(names))
    assert set(mutated) <= set(names)
