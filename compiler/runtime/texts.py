"""What emitted programs print, or say in errors: texts with numbers and arrays in them.

In: a format string, which is part of the program, and a tuple of values. Out: the text as Python formats it, on standard output, as a warning,
or as the message of the error that follows (``errors``).
"""

import builtins
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable

from .. import errors


def show(text: str, values: tuple[Any, ...]) -> None:
    """Write a format string with values to standard output."""
    sys.stdout.write(text.format(*values))


def tell(text: str, values: tuple[Any, ...]) -> None:
    """Fill in the message of the error that is raised next."""
    errors.tell(text, text.format(*values))


def warn(category: str, text: str, values: tuple[Any, ...]) -> None:
    """Warn, at the line of the user's that called the program."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "jitgrad").partition(".")[0] == "jitgrad":
        level, frame = level + 1, frame.f_back
    warnings.warn(text.format(*values), getattr(builtins, category), stacklevel=level)


def write(function: str, singles: str, *arguments: Any) -> None:
    """One of these for compiled programs, which hand over a float32 as a float; ``singles`` has a 1 for each of those, and a 0 for others."""
    split = len(arguments) - len(singles)
    shown = (np.float32(v) if single == "1" else v for v, single in zip(arguments[split:], singles, strict=True))
    functions: dict[str, Callable[..., None]] = {"show": show, "tell": tell, "warn": warn}
    functions[function](*arguments[:split], tuple(shown))


def _type(context: Any) -> Any:
    def resolve(text: types.Type, values: types.Type) -> types.Type | None:
        return types.none if isinstance(text, types.StringLiteral) and isinstance(values, types.BaseTuple) else None

    return resolve


def _type_of_warning(context: Any) -> Any:
    def resolve(category: types.Type, text: types.Type, values: types.Type) -> types.Type | None:
        return _type(context)(text, values) if isinstance(category, types.StringLiteral) else None

    return resolve


def _lower(name: str) -> Any:
    """Call ``write`` with Python objects; where that fails, Python says so on standard error, as for what cannot be raised."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *texts, values = signature.args
        api, environment = context.get_python_api(builder), context.get_env_manager(builder)
        lock = api.gil_ensure()
        module = api.import_module(context.insert_const_string(builder.module, __name__))
        function = api.object_getattr_string(module, "write")
        singles = "".join("1" if kind == types.float32 else "0" for kind in values)
        strings = (name, singles, *(text.literal_value for text in texts))
        constants = (context.insert_const_string(builder.module, constant) for constant in strings)
        objects = [api.string_from_string(constant) for constant in constants]
        for k, kind in enumerate(values):
            value = builder.extract_value(arguments[-1], k)
            context.nrt.incref(builder, kind, value)
            objects.append(api.from_native_value(kind, value, environment))
        result = api.call_function_objargs(function, objects)
        with builder.if_then(cgutils.is_null(builder, result), likely=False):
            api.err_write_unraisable(function)
        for thing in (module, function, *objects, result):
            api.decref(thing)
        api.gil_release(lock)
        return context.get_dummy_value()

    return lower


for _function, _typer, _texts in ((show, _type, 1), (tell, _type, 1), (warn, _type_of_warning, 2)):
    type_callable(_function)(_typer)
    lower_builtin(_function, *[types.StringLiteral] * _texts, types.BaseTuple)(_lower(_function.__name__))
