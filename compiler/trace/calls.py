"""Calls in traced functions: what is called in place of what the user names.

NumPy's functions become those of ``functions`` (creation functions always, others when an argument is traced); Python's
builtins and ``math`` get counterparts that know traced values (``python_functions``); the user's own functions are rewritten in
turn. What has no source is given globals in which these counterparts stand in place of the originals (``sourceless``).
"""

from __future__ import annotations

import functools
import inspect
import io
import math
import types
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import I64
from . import shaping
from .context import active_trace, is_internal
from .drawing import REFUSED, drawing
from .functions import FUNCTIONS, METHODS, is_followed, not_compiled
from .functions import function as numpy_function
from .items import Grows, items_like
from .iterables import Comprehension, Indexed, is_by_index
from .maybe import Maybe, of_known
from .mutation import MUTATORS, remember
from .one_of import OneOf, distributed
from .promotion import as_tracer, operand, strong
from .rewrite import SourceUnavailable, is_rewritten, rewrite
from .rows import Rows, as_arrays
from .scipy_functions import counterpart, is_formula
from .texts import Text, formatted, joined
from .tracer import Concretize, TracedSize, Tracer, describe, new
from .ufuncs import call_ufunc
from .unbound import is_there, require_settled
from .using_up import made_here

OPERATORS: list[Any] = []  # the one object of ``operators``, which imports this module

CREATION = {np.zeros, np.empty, np.ones, np.full, np.zeros_like, np.empty_like, np.ones_like, np.full_like, np.arange,
            np.linspace, np.eye, np.identity, np.array, np.copy, np.meshgrid, np.tri}  # fmt: skip


def has_traced(value: Any) -> bool:
    """Whether a value is traced, or a container or exception that holds something traced."""
    if isinstance(value, (Tracer, TracedSize, Indexed, Comprehension, Maybe, OneOf, Rows, Text)):
        return True
    if isinstance(value, (list, tuple)):
        return any(has_traced(item) for item in value)
    if isinstance(value, dict):
        return any(has_traced(item) for item in value.values())
    if isinstance(value, slice):
        return has_traced((value.start, value.stop, value.step))
    return isinstance(value, BaseException) and has_traced(value.args)


def call(callee: Any) -> Any:
    """What to call in place of a callee."""
    if isinstance(callee, OneOf):
        return lambda *args, **kwargs: callee.each(lambda function: call(function)(*args, **kwargs))
    replacement = REPLACED.get(callee) if is_hashable(callee) else None
    if replacement is not None:
        return replacement if callee is isinstance else of_known(replacement, callee not in tables.OF_OBJECTS)
    if isinstance(callee, np.ufunc):
        return of_known(functools.partial(_ufunc, callee))
    if is_hashable(callee) and callee in FUNCTIONS:
        return of_known(functools.partial(_numpy, callee))
    if isinstance(callee, type):
        if callee.__module__ == "itertools":
            return lambda *args, **kwargs: made_here(callee(*args, **kwargs))
        return functools.partial(_scalar, callee) if issubclass(callee, np.generic) else _class(callee)
    if isinstance(callee, types.FunctionType):
        return _function(callee)
    draw = drawing(callee, _own)
    if draw is not None:
        return draw
    if isinstance(callee, types.MethodType) and isinstance(callee.__self__, Rows):
        return list_method(callee.__self__, callee)
    if isinstance(callee, types.MethodType) and isinstance(callee.__self__, Counter):
        return functools.partial(tables.of_counter, callee)
    if isinstance(callee, types.MethodType):
        function = call(callee.__func__) if isinstance(callee.__func__, types.FunctionType) else callee.__func__
        return callee if function is callee.__func__ else types.MethodType(function, callee.__self__)
    if isinstance(callee, functools.partial):
        return functools.partial(call(callee.func), *callee.args, **callee.keywords)
    if isinstance(callee, types.BuiltinMethodType):
        return functools.partial(_with_each, _method(callee))
    if isinstance(callee, np.vectorize):
        return functools.partial(_vectorized, callee)
    if type(callee).__name__ == "DUFunc":  # what numba.vectorize makes of a function of numbers
        return functools.partial(_of_numbers, callee)
    compiled = getattr(callee, "py_func", None)  # a function decorated with numba
    if isinstance(compiled, types.FunctionType):
        return _function(compiled)
    if hasattr(callee, "_implementation"):  # a function of NumPy's in no table
        return functools.partial(_other_numpy, callee)
    return _object(callee)


def _with_each(method: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a method of Python's, with each of what an argument may be."""
    return distributed(method, args, kwargs)


def concerns_program(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call has traced arguments, or arrays found outside of the function, whose elements may change between calls."""
    outside = any(isinstance(v, np.ndarray) and v.dtype.kind in "fiub" for v in (*args, *kwargs.values()))
    return outside or has_traced(args) or has_traced(kwargs)


def users_method(thing: Any, name: str) -> Any:
    """What to call for a special method that the user's class defines; None where it is Python's own."""
    method = getattr(type(thing), name, None)
    if not isinstance(method, types.FunctionType) or isinstance(thing, (Tracer, TracedSize, Rows, Indexed, Comprehension)):
        return None
    return call(method)


def is_hashable(value: Any) -> bool:
    """Whether a value can be looked up."""
    return type(value).__hash__ is not None and not isinstance(value, Tracer)


def _class(cls: type) -> Any:
    """A class of the user's, whose ``__init__`` is followed; others as they are."""
    if issubclass(cls, np.ndarray) and cls is not np.ndarray:
        return functools.partial(_of_arrays_class, cls)
    init = cls.__init__  # type: ignore[misc]
    if not isinstance(init, types.FunctionType) or type(cls).__call__ is not type.__call__:
        return cls
    followed = _function(init)
    if not is_rewritten(followed) and not is_followed(init):
        return cls

    def make(*args: Any, **kwargs: Any) -> Any:
        plain = cls.__new__ is object.__new__
        thing: Any = cls.__new__(cls) if plain else cls.__new__(cls, *args, **kwargs)  # type: ignore[call-overload]
        if isinstance(thing, cls):
            followed(thing, *args, **kwargs)
        return thing

    return make


def _of_arrays_class(cls: type, *args: Any, **kwargs: Any) -> Any:
    """An object of a subclass of NumPy's arrays, which traced values cannot be in."""
    if has_traced(args) or has_traced(kwargs):
        raise UnsupportedError(
            f"{cls.__name__} is a subclass of numpy.ndarray, whose objects are not compiled; call functions of arrays, or write a class that has "
            "an array as an attribute"
        )
    return cls(*args, **kwargs)


def _object(callee: Any) -> Any:
    """A callable object: its class's ``__call__`` is followed if it is the user's."""
    method = next((vars(cls)["__call__"] for cls in type(callee).__mro__ if "__call__" in vars(cls)), None)
    if isinstance(method, types.FunctionType) and (is_followed(method) or not is_internal(method.__code__.co_filename)):
        return types.MethodType(_function(method), callee)
    return callee


def _function(function: types.FunctionType) -> Any:
    """The user's function, rewritten; libraries' functions and jitgrad's own as they are."""
    if (function.__module__ or "").startswith("scipy."):
        return functools.partial(_of_scipy, function)
    if function.__code__.co_flags & inspect.CO_GENERATOR and not is_internal(function.__code__.co_filename):
        generator = function if is_rewritten(function) else substituted(function)  # it yields to Python's own loops
        return lambda *args, **kwargs: made_here(generator(*args, **kwargs))
    if is_rewritten(function):
        return function
    if function.__module__ in _OF_LIKES_OF_USERS and "." in function.__qualname__:  # methods
        return follow(function)
    if is_followed(function):
        return functools.partial(of_numpy, function)
    if is_internal(function.__code__.co_filename) or is_library(function):
        return function
    wrapped = getattr(function, "__wrapped__", None)
    if getattr(function, "__jitgrad__", False):
        return function
    if isinstance(wrapped, types.FunctionType) and function.__code__.co_filename == functools.__file__:
        return function
    try:
        return rewrite(function, OPERATORS[0])
    except SourceUnavailable:
        return substituted(function)


def follow(function: types.FunctionType) -> types.FunctionType:
    """A function of a library whose source is at hand, rewritten as the user's."""
    return rewrite(function, OPERATORS[0])


def _concerns_method(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """The same of a function that may be a method: its object may hold traced values."""
    return concerns_program(args, kwargs) or bool(args and has_traced(getattr(args[0], "__dict__", None)))


def of_numpy(function: types.FunctionType, /, *args: Any, **kwargs: Any) -> Any:
    """Python code of NumPy's is followed, as the user's is, where it meets traced arguments; of sizes alone it is run."""
    if args and all(isinstance(value, (TracedSize, int, float)) for value in (*args, *kwargs.values())):
        args = tuple(int(value) if isinstance(value, TracedSize) else value for value in args)
        kwargs = {name: int(value) if isinstance(value, TracedSize) else value for name, value in kwargs.items()}
    if not _concerns_method(args, kwargs):
        return _own(function(*args, **kwargs))
    try:
        return follow(function)(*args, **kwargs)
    except UnsupportedError as error:
        raise not_compiled(error, function) from None


def _of_scipy(function: types.FunctionType, /, *args: Any, **kwargs: Any) -> Any:
    """A function of SciPy's; where it meets traced arguments and has no counterpart, it may be made of NumPy's alone."""
    if function.__name__ == "rvs":
        raise UnsupportedError(REFUSED.format("rvs"))
    if not _concerns_method(args, kwargs):
        return _own(function(*args, **kwargs))
    found = counterpart(function)
    if found is not None:
        return strong(found(*args, **kwargs))
    if is_formula(function):
        return follow(function)(*args, **kwargs)
    try:
        return function(*args, **kwargs)
    except (UnsupportedError, TypeError) as error:
        if function.__name__ == "__call__":
            message = "an object of SciPy's made with traced parameters; call the method with all of them, as dist.logpdf(x, mean, cov)"
            raise UnsupportedError(message) from None
        raise not_compiled(Concretize() if isinstance(error, Concretize) else UnsupportedError(), function) from None


_LIBRARIES = ("numba", "scipy", "contextlib", "functools", "typing", "collections", "copy", "dataclasses", "abc", "enum",
              "warnings", "logging", "itertools", "random", "inspect", "types", "optree")  # fmt: skip


def is_library(function: types.FunctionType) -> bool:
    """Whether a function belongs to a library that is not followed; its tests are programs like the user's."""
    places = (function.__module__ or "").split(".")
    return places[0] in _LIBRARIES and "tests" not in places


def _ufunc(ufunc: np.ufunc, *args: Any, **kwargs: Any) -> Any:
    if concerns_program(args, kwargs):
        return call_ufunc(ufunc, "__call__", args, kwargs)
    return _own(ufunc(*args, **kwargs))


def _vectorized(function: np.vectorize, *args: Any, **kwargs: Any) -> Any:
    """What ``np.vectorize`` made."""
    from .mapping import vectorized

    return vectorized(function)(*args, **kwargs) if has_traced(args) or has_traced(kwargs) else _own(function(*args, **kwargs))


def _of_numbers(ufunc: Any, *args: Any, **kwargs: Any) -> Any:
    """A ufunc that numba made of a function of numbers."""
    from .mapping import of_numbers

    return of_numbers(ufunc)(*args, **kwargs) if has_traced(args) or has_traced(kwargs) else _own(ufunc(*args, **kwargs))


def _ufunc_method(ufunc: np.ufunc, name: str, *args: Any, **kwargs: Any) -> Any:
    """``np.add.reduce`` and its like."""
    if has_traced(args) or has_traced(kwargs):
        return call_ufunc(ufunc, name, args, kwargs)
    return _own(getattr(ufunc, name)(*args, **kwargs))


def _numpy(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if function in CREATION or concerns_program(args, kwargs):
        if function is not np.block:  # for which a list is something else than an array
            args = tuple(_listed(a) for a in args)
        return numpy_function(function)(*args, **kwargs)
    return _own(function(*args, **kwargs))


def _other_numpy(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A function of NumPy's that may be followed, where it meets traced values, in lists as well."""
    return numpy_function(function)(*args, **kwargs) if has_traced(args) or has_traced(kwargs) else function(*args, **kwargs)


def _listed(argument: Any) -> Any:
    """Items by index as an array or a list, where a NumPy function wants a sequence."""
    if isinstance(argument, Indexed):
        argument = Comprehension(argument, lambda item: item, None)
    if isinstance(argument, Comprehension):
        argument = argument.as_array() if is_by_index(argument) and not argument.flat else argument.listed()
    return as_arrays(argument)


def _own(result: Any) -> Any:
    """An array that NumPy made while the function was traced: a value of the program, which it may write to."""
    if isinstance(result, np.ndarray) and result.dtype.kind in "fiub":
        return shaping.copy_of(as_tracer(result))
    if isinstance(result, tuple) and type(result) is tuple:
        return tuple(_own(item) for item in result)
    return result


def _method(method: types.BuiltinMethodType) -> Any:
    """A method of an untraced array, or of a ufunc, meets traced arguments."""
    owner = method.__self__
    if isinstance(owner, np.ufunc):
        return functools.partial(_ufunc_method, owner, method.__name__)
    if owner is math:
        return functools.partial(_untraced, method)
    if isinstance(owner, dict) and method.__name__ in _OF_AN_ITEM:
        return functools.partial(_OF_AN_ITEM[method.__name__], owner, method)
    if method.__name__ == "__getitem__" and isinstance(owner, (list, tuple, dict)):
        return functools.partial(OPERATORS[0].getitem, owner)
    if isinstance(owner, io.IOBase):
        return functools.partial(_input_or_output, method)
    if isinstance(owner, str) and method.__name__ in ("format", "join"):
        return functools.partial(_format if method.__name__ == "format" else _join, owner)
    if not isinstance(owner, np.ndarray):
        require_settled(owner)
        if method.__name__ in MUTATORS and isinstance(owner, (list, dict, set, deque)):
            followed: Any = functools.partial(_mutate, owner, method)
            followed.__name__ = method.__name__
            method = followed
        if isinstance(owner, tuple):
            return list_method(list(owner), method)
        return list_method(owner, method) if isinstance(owner, list) else method

    def apply(*args: Any, **kwargs: Any) -> Any:
        if concerns_program((owner, *args), kwargs) and method.__name__ in METHODS:
            return getattr(as_tracer(owner), method.__name__)(*args, **kwargs)
        return _own(method(*args, **kwargs))

    return apply


def _input_or_output(method: types.BuiltinMethodType, *args: Any, **kwargs: Any) -> Any:
    """A method of a file: it is called while tracing, when traced values are not known."""
    if has_traced(args) or has_traced(kwargs):
        raise UnsupportedError(
            f"{method.__name__}() of a file, with values that are known only when the program runs; print them, or return them and write "
            "the file outside of the compiled function"
        )
    return method(*args, **kwargs)


def _untraced(function: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of ``math`` without a counterpart."""
    if has_traced(args) or has_traced(kwargs):
        described = ", ".join(describe(a) for a in args)
        raise Concretize(
            f"math.{function.__name__} is not compiled by jitgrad, and {described} is known only when the program runs"
        )
    return function(*args, **kwargs)


def _format(template: str, *args: Any, **kwargs: Any) -> str:
    """``str.format``."""
    return formatted(template, args, kwargs) if has_traced((args, kwargs)) else template.format(*args, **kwargs)


def _join(separator: str, pieces: Any) -> str:
    """``str.join``."""
    found = list(pieces)
    if any(isinstance(piece, Text) for piece in found):
        return joined(*[part for piece in found for part in (separator, piece)][1:])
    return separator.join(found)


def _get(owner: dict[Any, Any], method: Any, key: Any, default: Any = None) -> Any:
    """``dict.get``."""
    tables.note_key(owner, key)
    if isinstance(key, Tracer) and not isinstance(key.dim, int):
        return OPERATORS[0].ifexp(OPERATORS[0].contains(key, owner), lambda: OPERATORS[0].getitem(owner, key), lambda: default)
    there = is_there(owner, "item", key)
    return OPERATORS[0].ifexp(there, lambda: owner[key], lambda: default) if isinstance(there, Tracer) else method(key, default)


def _setdefault(owner: dict[Any, Any], method: Any, key: Any, default: Any = None) -> Any:
    """``dict.setdefault``."""
    return set_default(owner, key, lambda: default)


def item_or_default(owner: Any, key: Any) -> Any:
    """An item of a dict whose class says what a missing one is: ``defaultdict`` puts it in place, others such as ``Counter`` do not."""
    if isinstance(owner, defaultdict):
        return set_default(owner, key, call(owner.default_factory)) if owner.default_factory is not None else owner[key]
    there = is_there(owner, "item", key)
    if isinstance(there, Tracer):
        return OPERATORS[0].ifexp(there, lambda: owner[key], lambda: owner.__missing__(key))
    return owner[key]


def set_default(owner: dict[Any, Any], key: Any, default: Callable[[], Any]) -> Any:
    """An item of a dict; one that it has not got yet is made."""
    tables.note_key(owner, key)
    there = is_there(owner, "item", key)
    if there is False:
        OPERATORS[0].setitem(owner, key, default())
    elif isinstance(there, Tracer):
        OPERATORS[0].setitem(owner, key, OPERATORS[0].ifexp(there, lambda: owner[key], default))
    return owner[key]


_OF_AN_ITEM = {"get": _get, "setdefault": _setdefault}


def _mutate(owner: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a method that changes a container."""
    tables.note_key(owner, *args)
    if method.__name__ == "rotate" and has_traced(args):
        return rotated(owner, *args)
    if isinstance(owner, set) and method.__name__ == "add" and has_traced(args) and active_trace().staging:
        raise Grows(owner, items_like(*args), 1)
    remember(owner, "whole")
    return method(*args, **kwargs)


def _scalar(kind: type, *args: Any, **kwargs: Any) -> Any:
    """``np.float32(x)`` and its like."""
    if not has_traced(args):
        return kind(*args, **kwargs)
    x = as_tracer(args[0])
    converted = operand(x, np.dtype(kind))
    return new(converted.value, scalar=not converted.type.shape, dim=x.dim if np.dtype(kind) == I64 else None)


from . import buckets, tables  # noqa: E402  (these modules need the functions above)
from .list_methods import list_method, rotated  # noqa: E402
from .python_functions import REPLACED  # noqa: E402  (it needs the functions above)
from .sourceless import substituted  # noqa: E402

_OF_LIKES_OF_USERS = (buckets.__name__, tables.__name__)
