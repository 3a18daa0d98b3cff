"""Texts, functions, enum members and classes of which a branch chooses one: a number of the program stands for the choice.

What the program does with such a value is done with each that it may be, in a branch of its own: ``state == "on"``, ``table[state]``,
``f(x)``. Where nothing but a truth comes of it, it is looked up without a branch.
"""

from __future__ import annotations

import enum
import functools
import types
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ..tree import register
from .context import NotStaged, active_trace
from .elementwise import elementwise
from .mutation import MISSING, Change
from .promotion import as_tracer
from .state import current_trace
from .texts import Text
from .tracer import Concretize, Tracer, new

MOST, MOST_MADE = 64, 8
_KINDS = (str, bytes, enum.Enum, type, np.ufunc, np.dtype, functools.partial, types.FunctionType, types.MethodType,
          types.BuiltinFunctionType)  # fmt: skip


class OneOf:
    """One of several ``values``, by number; ``code`` is the number of the one that it is."""

    __slots__ = ("code", "values")

    def __init__(self, values: dict[int, Any], code: Any) -> None:
        self.values = values
        self.code = code

    def truth_of(self, test: Callable[[Any], bool]) -> Any:
        """Whether something holds of the value, which is known of each: a bool, or a traced one."""
        true = [number for number, value in self.values.items() if test(value)]
        if len(true) in (0, len(self.values)):
            return bool(true)
        found = functools.reduce(functools.partial(elementwise, "or"), [elementwise("eq", self.code, k) for k in true])
        return new(found.value, weak=True)

    def each(self, function: Callable[[Any], Any]) -> Any:
        """What a function gives for the value: in a branch for each that it may be."""
        from .operators import OPERATORS

        def among(numbers: Sequence[int]) -> Any:
            first, *others = numbers
            value = self.values[first]
            if not others:
                return function(value)
            is_first = new(elementwise("eq", self.code, first).value, weak=True)
            return OPERATORS.ifexp(is_first, lambda: function(value), lambda: among(others))

        return among(list(self.values))

    def _refuse(self, *_: Any) -> NoReturn:
        raise Concretize(
            f"Python asks for the value of {self!r}, which is known only when the program runs; compare it with =="
        )

    __hash__ = __eq__ = __bool__ = __str__ = __format__ = __len__ = __iter__ = _refuse  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "one of " + " or ".join(map(repr, self.values.values()))


def is_choosable(value: Any) -> bool:
    """Whether a value that is known while tracing can be one of several: a function that holds no values of a loop or branch alone."""
    if isinstance(value, functools.partial):
        return is_choosable(value.func) and _is_of_here((value.args, value.keywords))
    if isinstance(value, types.FunctionType):
        around = [Change(cell, "variable", "", MISSING).read() for cell in value.__closure__ or ()]
        return _is_of_here((around, value.__defaults__, value.__kwdefaults__))
    return isinstance(value, _KINDS) and not isinstance(value, Text)


def _is_of_here(value: Any) -> bool:
    """Whether traced values were made in the current scope or around it."""
    if isinstance(value, Tracer):
        trace = active_trace()
        return trace.scope.inside(trace.owner[value.cell.value.name])
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return all(map(_is_of_here, parts))


def are_choices(one: Any, other: Any) -> bool:
    """Whether two values are such that one of both can be chosen, and not the same one."""
    if isinstance(one, OneOf) or isinstance(other, OneOf):
        return all(isinstance(value, OneOf) or is_choosable(value) for value in (one, other))
    return is_choosable(one) and is_choosable(other) and not _are_same(one, other)


def differ(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether leaves, as many of either, have such values at the same place."""
    return any(is_choosable(a) and are_choices(a, b) for a, b in zip(some, others, strict=True))


def _are_same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def chosen(value: Any) -> OneOf:
    """A value as one of several, which so far are it alone."""
    if isinstance(value, OneOf):
        return value
    known = active_trace().choices
    number = next((k for k, other in enumerate(known) if _are_same(value, other)), len(known))
    if number == len(known):
        known.append(value)
    return OneOf({number: value}, number)


def widened(one: Any, other: Any) -> OneOf:
    """A value as one of those that it or another may be."""
    first, second = chosen(one), chosen(other)
    values = first.values | second.values
    made = Counter(value.__code__ for value in values.values() if isinstance(value, types.FunctionType))
    if len(values) > MOST or max(made.values(), default=0) > MOST_MADE:  # as many as often as a loop is traced
        raise NotStaged(
            f"a variable is one of more than {MOST} texts or functions, or of {MOST_MADE} that one def or lambda made, depending on values "
            "known only when the program runs"
        )
    return OneOf(dict(sorted(values.items())), first.code)


def ordered(values: Sequence[Any], places: Tracer) -> list[OneOf]:
    """Values that are known while tracing in the order that the run knows."""
    known = functools.reduce(widened, values[1:], chosen(values[0])).values
    codes = [chosen(value).code for value in values]
    numbers = np.array(codes) if all(isinstance(code, int) for code in codes) else np.stack(codes)
    return [OneOf(known, new(as_tracer(numbers)[places[k]].value, weak=True)) for k in range(len(values))]


def distributed(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call with arguments of which some may be one of several: of the function with each."""
    place = next((k for k, value in enumerate(args) if isinstance(value, OneOf)), None)
    if place is not None:
        return args[place].each(lambda value: distributed(function, (*args[:place], value, *args[place + 1 :]), kwargs))
    name = next((name for name, value in kwargs.items() if isinstance(value, OneOf)), None)
    if name is not None:
        return kwargs[name].each(lambda value: distributed(function, args, {**kwargs, name: value}))
    return function(*args, **kwargs)


def _take_apart(one: OneOf) -> tuple[tuple[Any], Any, tuple[str]]:
    return (one.code,), tuple(one.values.items()), ("code",)


def _put_together(values: Any, children: Sequence[Any]) -> Any:
    """The value again; of what a compiled program returned the one that it is."""
    (code,) = children
    if current_trace() is None and isinstance(code, (int, np.integer, np.ndarray)):
        return dict(values)[int(code)]
    return OneOf(dict(values), code)


register(OneOf, _take_apart, _put_together)

__all__ = ["OneOf", "are_choices", "chosen", "differ", "distributed", "is_choosable", "ordered", "widened"]
