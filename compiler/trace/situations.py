"""What a loop or branch comes upon, so far as it decides how it is traced: the code that is run, and what that can reach.

In: the blocks of the user's program and the values that they are given. Out: a ``Situation``. Values that only the run knows count by what
is known of them while tracing: types, bounds, and which of them may be the same. So what is traced in equal situations comes out alike, and
what was learned in one holds in the other (``lessons``); objects and symbols of one are found in the other by their number.
"""

from __future__ import annotations

import functools
import re
import types
from collections import deque
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from ..ir import ArrayType, Dim, Size, Var, symbol
from ..ir.sizes import substitute
from ..tree import Tree
from .cells import Cell
from .context import Scope, Trace, active_trace, is_internal
from .identity import box_of, is_container
from .mutation import note_seen
from .outdated import Moved, Outdated
from .rows import Rows
from .tracer import TracedSize, Tracer

_HASHED: frozenset[type] = frozenset((str, bytes, int, bool, type(None)))
_VALUES: tuple[type, ...] = (*_HASHED, float, complex, np.generic, np.dtype)
_CLOSED = (type, types.ModuleType, types.BuiltinFunctionType, types.CodeType, np.ndarray, np.ufunc, np.random.Generator)
"""What is equal to nothing but itself."""
_UNCHANGING: tuple[type, ...] = (*_VALUES, types.ModuleType, types.BuiltinFunctionType, types.FunctionType, types.GetSetDescriptorType, types.MemberDescriptorType,
               np.ndarray, property, classmethod, staticmethod)  # fmt: skip
_OWN = (Trace, Scope)
_FIXED = (Trace, Scope, Tracer, TracedSize, Cell, Var, Size, tuple, frozenset, types.FunctionType, types.MethodType)
MOST_TOKENS = 20_000  # of a situation; what reaches more is traced anew each time
_NAME = re.compile(r"[A-Za-z_]\w*(?![\w(])")


class Unreachable(Exception):
    """An object or symbol is not in a situation."""


class Situation:
    """What some values are, as far as tracing can tell: a ``key``, which equals another's; None where it cannot be told."""

    def __init__(self, *values: Any) -> None:
        self.objects: list[Any] = []
        self.symbols: dict[str, int] = {}  # those that only the run knows, numbered
        self._numbers: dict[int, int] = {}
        self._closed: set[int] = set()
        self._tokens: list[Any] = []
        self._is_known = True
        self._note(values)
        self.key: Hashable = (*_place(), *self._tokens) if self._is_known else None

    def note_objects(self) -> None:
        """Whatever changes the objects from now on, they were there before."""
        for thing in self.objects:
            if is_container(thing) or type(thing) is Rows:
                box_of(thing)
            elif id(thing) not in self._closed and not isinstance(thing, _FIXED):
                note_seen(thing)

    def has(self, thing: Any) -> bool:
        """Whether an object is among them."""
        return id(thing) in self._numbers

    def number(self, thing: Any) -> int:
        """The number of an object."""
        if id(thing) not in self._numbers:
            raise Unreachable
        return self._numbers[id(thing)]

    def numbered(self, dim: Dim) -> Dim:
        """A size, in the symbols that it has in all such situations."""
        return self._renamed(dim, {name: f"#{number}" for name, number in self.symbols.items()})

    def own(self, dim: Dim) -> Dim:
        """The size in this situation, of one that is ``numbered``."""
        return self._renamed(dim, {f"#{number}": name for name, number in self.symbols.items()})

    @staticmethod
    def _renamed(dim: Dim, names: dict[str, str]) -> Dim:
        if isinstance(dim, int):
            return dim
        if not dim.symbols() - active_trace().sizing.hints.keys() <= names.keys():
            raise Unreachable
        return substitute(dim, {name: symbol(other) for name, other in names.items()})

    def _note(self, values: Any) -> None:
        waiting = [values]
        while waiting:
            self._is_known = self._is_known and len(self._tokens) < MOST_TOKENS
            if not self._is_known:
                return
            thing = waiting.pop()
            kind = type(thing)
            if kind in _HASHED or kind is Tree:
                self._tokens += kind, thing
                continue
            if isinstance(thing, _VALUES):
                self._tokens += kind, repr(thing)
                continue
            number = self._numbers.get(id(thing))
            self._tokens += kind, number
            if number is not None:
                continue
            self._numbers[id(thing)] = len(self.objects)
            self.objects.append(thing)
            if not isinstance(thing, _OWN):
                parts = list(self._parts(thing))
                self._tokens.append(len(parts))
                waiting += reversed(parts)

    def _parts(self, thing: Any) -> Iterable[Any]:
        """What is in an object, in order; what else is known of it becomes tokens."""
        match thing:
            case Tracer():
                self._tokens += self._type(thing.type), thing.weak, thing.is_scalar, self._dim(thing.dim), len(thing.views)
                return (thing.cell,)
            case Cell():
                self._tokens += (
                    thing.argument,
                    thing.captured,
                    type(thing.listed),
                    bool(thing.listed),
                    thing.stretched,
                    thing in active_trace().outdated,
                )
                self._tokens += thing.doubt is None, thing.ways is None, *self._kin(thing)
                return ()
            case types.CellType():
                return _contents(thing)
            case types.FunctionType():
                return self._parts_of_function(thing)
            case TracedSize():
                self._tokens.append(self._dim(thing.dim))
                return ()
            case Size():
                self._tokens.append(self._dim(thing))
                return ()
            case Var():
                self._tokens.append(self._type(thing.type))
                return ()
            case types.MethodType():
                return thing.__func__, thing.__self__
            case functools.partial():
                return thing.func, thing.args, thing.keywords
            case Outdated():
                return thing.message, thing.whole, thing.target if isinstance(thing, Moved) else None
            case slice() | range():
                return thing.start, thing.stop, thing.step
        self._tokens += self._kin(active_trace().boxes.get(id(thing)))
        match thing:
            case tuple() | list() | deque() | set() | frozenset():
                return thing
            case dict():
                return [part for item in thing.items() for part in item]
            case type():
                return self._parts_of_closed(thing, _objects_in(vars(thing).values()))
        names = _slots(type(thing))  # type: ignore[arg-type]
        if isinstance(thing, _CLOSED) or not (names or hasattr(thing, "__dict__")) or _is_pythons_iterator(thing):
            return self._parts_of_closed(thing, ())
        return type(thing), getattr(thing, "__dict__", None), *(getattr(thing, name, None) for name in names)

    def _parts_of_closed(self, thing: Any, parts: Iterable[Any]) -> Iterable[Any]:
        """The parts of what is equal to nothing but itself; it is not known what an iterator of Python's has in store."""
        self._tokens.append(_Same(thing))
        self._closed.add(id(thing))
        self._is_known = self._is_known and id(thing) not in active_trace().changed and not _is_pythons_iterator(thing)
        return parts

    def _parts_of_function(self, function: types.FunctionType) -> Iterable[Any]:
        parts = [function.__code__, *(function.__closure__ or ()), *(function.__defaults__ or ()), function.__kwdefaults__]
        if not is_internal(function.__code__.co_filename):
            self._is_known = self._is_known and id(function.__globals__) not in active_trace().changed
            parts += _global_objects(function)
        return parts

    def _type(self, type: Any) -> Any:
        return (type.dtype, *map(self._dim, type.shape)) if isinstance(type, ArrayType) else type

    def _dim(self, dim: Dim | None) -> Any:
        """A size as text, the symbols that only the run knows being numbered; their bounds become tokens."""
        return dim if dim is None or isinstance(dim, int) else _NAME.sub(lambda found: self._symbol(found[0]), str(dim))

    def _symbol(self, name: str) -> str:
        sizing = active_trace().sizing
        if name in sizing.hints:
            return name
        if name not in self.symbols:
            self.symbols[name] = len(self.symbols)
            self._tokens += map(self._dim, sizing.bounds.limits(name))
        return f"#{self.symbols[name]}"

    def _kin(self, thing: Any) -> tuple[Any, ...]:
        """The numbers of those that may be the same object."""
        kin = getattr(thing, "kin", None)
        return ("kin", len(kin), *sorted(self._numbers.get(id(other), -1) for other in kin)) if kin else ()


class _Same:
    """Stands for an object, which is kept: equal to nothing but itself."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def _place() -> tuple[Any, ...]:
    """What is going on in the trace."""
    trace = active_trace()
    attempts = [(attempt.block.__code__, attempt.is_foreseen, attempt.target) for attempt in trace.attempts]
    levels = [level.place for level in trace.levels] if attempts else []
    return (trace.counting, len(trace.trials), trace.dynamic_tests, trace.short, len(trace.growing), len(trace.handlers), trace.scope.is_in_loop(),
            trace.unrolls_at_most, len(trace.recording), *attempts, *levels)  # fmt: skip


def _is_pythons_iterator(thing: Any) -> bool:
    return isinstance(getattr(type(thing), "__next__", None), types.WrapperDescriptorType)


def _contents(cell: types.CellType) -> Iterable[Any]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


@functools.cache
def _slots(cls: type) -> list[str]:
    slots = [cls.__dict__.get("__slots__", ()) for cls in cls.__mro__]
    return [name for names in slots for name in ((names,) if isinstance(names, str) else names) if not name.startswith("__")]


def _global_objects(function: types.FunctionType) -> list[Any]:
    """The objects that can change and are in globals of a function, and of those that it may call."""
    known = active_trace().global_objects
    if function.__code__ not in known:
        found: dict[int, Any] = {}
        _find_global_objects(function, found, set())
        known[function.__code__] = list(found.values())
    return known[function.__code__]


def _find_global_objects(function: types.FunctionType, found: dict[int, Any], seen: set[types.CodeType]) -> None:
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        if code in seen:
            continue
        seen.add(code)
        waiting += [part for part in code.co_consts if isinstance(part, types.CodeType)]
        named = [function.__globals__[name] for name in code.co_names if name in function.__globals__]
        within = [vars(v)[name] for v in named if isinstance(v, types.ModuleType) for name in code.co_names if name in vars(v)]
        for value in (*named, *within):
            if isinstance(value, types.FunctionType) and not is_internal(value.__code__.co_filename):
                _find_global_objects(value, found, seen)
        found |= {id(thing): thing for thing in _objects_in((*named, *within))}


def _objects_in(values: Iterable[Any]) -> list[Any]:
    """Those values that can change, and classes, which can hold some."""
    return [v for v in values if not isinstance(v, _UNCHANGING) and type(v).__module__ != "numpy"]
