"""What emitted programs print, or say in errors: texts with numbers and arrays in them.

In: a format string, which is part of the program, and a tuple of values. Out: the text as Python formats it, on standard output or as the message
of the error that follows (``errors``).
"""

import sys
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


def write(function: str, text: str, singles: str, *values: Any) -> None:
    """One of the two for compiled programs, which hand over a float32 as a float; ``singles`` has a 1 for each of those, and a 0 for others."""
    shown = tuple(np.float32(v) if single == "1" else v for v, single in zip(values, singles, strict=True))
    (show if function == "show" else tell)(text, shown)


def _type(context: Any) -> Any:
    def resolve(text: types.Type, values: types.Type) -> types.Type | None:
        return types.none if isinstance(text, types.StringLiteral) and isinstance(values, types.BaseTuple) else None

    return resolve


def _lower(name: str) -> Any:
    """Call ``write`` with Python objects; where that fails, Python says so on standard error, as for what cannot be raised."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text, values = signature.args
        api, environment = context.get_python_api(builder), context.get_env_manager(builder)
        lock = api.gil_ensure()
        module = api.import_module(context.insert_const_string(builder.module, __name__))
        function = api.object_getattr_string(module, "write")
        singles = "".join("1" if kind == types.float32 else "0" for kind in values)
        constants = (context.insert_const_string(builder.module, constant) for constant in (name, text.literal_value, singles))
        objects = [api.string_from_string(constant) for constant in constants]
        for k, kind in enumerate(values):
            value = builder.extract_value(arguments[1], k)
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


for _function in (show, tell):
    type_callable(_function)(_type)
    lower_builtin(_function, types.StringLiteral, types.BaseTuple)(_lower(_function.__name__))
