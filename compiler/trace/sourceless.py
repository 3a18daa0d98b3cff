"""Functions without source: they are given globals in which what traced programs call stands in place of the originals."""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from .attributes import class_of, is_instance
from .calls import call, is_hashable, is_library
from .context import is_internal
from .functions import FUNCTIONS
from .python_functions import REPLACED


class _Module:
    """A module as functions without source see it: what it holds goes through ``call``."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return stand_in(getattr(self._module, name))


class _Class:
    """A class as functions without source see it: equal to the class, but what it makes goes through ``call``."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return call(self._cls)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cls, name)

    def __eq__(self, other: object) -> bool:
        return _itself(other) is self._cls

    def __hash__(self) -> int:
        return hash(self._cls)

    @property
    def dtype(self) -> np.dtype:
        """The dtype that the class is taken for."""
        return np.dtype(self._cls)


_class = functools.cache(_Class)


def _type(value: Any, *more: Any, **options: Any) -> Any:
    """``type``."""
    return _given_classes(type)(value, *more, **options) if more else stand_in(class_of(value))


def _itself(value: Any) -> Any:
    """A class in place of what stands for it, also in a tuple."""
    if isinstance(value, _Class):
        return value._cls
    return tuple(map(_itself, value)) if type(value) is tuple else value


def _given_classes(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose arguments are classes themselves where others stand for them."""
    return lambda *args, **kwargs: function(*map(_itself, args), **{name: _itself(value) for name, value in kwargs.items()})


def stand_in(value: Any) -> Any:
    """What a function without source finds in place of a global."""
    if isinstance(value, types.ModuleType):
        return _Module(value) if value.__name__.startswith(("numpy", "math")) else value
    if isinstance(value, np.ufunc):
        return call(value)
    if is_hashable(value) and (value in FUNCTIONS or value in REPLACED):
        return _class(value) if isinstance(value, type) else _given_classes(call(value))
    if isinstance(value, types.FunctionType) and not is_library(value) and not is_internal(value.__code__.co_filename):
        return _given_classes(lambda *args, **kwargs: call(value)(*args, **kwargs))
    return value


_BUILTINS = {name: stand_in(value) for name, value in vars(builtins).items() if name != "type"}
_BUILTINS |= {"type": _type, "isinstance": _given_classes(is_instance), "issubclass": _given_classes(issubclass)}


class _Globals(dict):
    """A snapshot of globals with stand-ins."""


def substituted(function: types.FunctionType) -> types.FunctionType:
    """A function without source whose globals and closure hold stand-ins; its loops and branches stay Python's."""
    names = _names(function.__code__)
    scope = _Globals({name: stand_in(function.__globals__[name]) for name in names if name in function.__globals__})
    scope["__builtins__"] = dict(_BUILTINS)
    scope["__name__"] = function.__globals__.get("__name__")
    closure = function.__closure__ and tuple(types.CellType(stand_in(cell.cell_contents)) for cell in function.__closure__)
    copy = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, closure)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _names(code: types.CodeType) -> set[str]:
    """All global names that a code object, and those nested in it, may read."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names
