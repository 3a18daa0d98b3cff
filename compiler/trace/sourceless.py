"""Functions without source: they are given globals in which what traced programs call stands in place of the originals."""

from __future__ import annotations

import builtins
import types
from typing import Any

import numpy as np

from .attributes import is_instance
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


def stand_in(value: Any) -> Any:
    """What a function without source finds in place of a global."""
    if isinstance(value, types.ModuleType):
        return _Module(value) if value.__name__.startswith(("numpy", "math")) else value
    if isinstance(value, np.ufunc) or (is_hashable(value) and (value in FUNCTIONS or value in REPLACED)):
        return call(value)
    if isinstance(value, types.FunctionType) and not is_library(value) and not is_internal(value.__code__.co_filename):
        return lambda *args, **kwargs: call(value)(*args, **kwargs)
    return value


_BUILTINS = {name: stand_in(value) for name, value in vars(builtins).items() if name not in ("type", "isinstance")}


class _Globals(dict):
    """A snapshot of globals with stand-ins."""


def substituted(function: types.FunctionType) -> types.FunctionType:
    """A function without source whose globals and closure hold stand-ins; its loops and branches stay Python's."""
    names = _names(function.__code__)
    scope = _Globals({name: stand_in(function.__globals__[name]) for name in names if name in function.__globals__})
    scope["__builtins__"] = {**_BUILTINS, "isinstance": is_instance}
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
