"""Calls in traced functions: what is called in place of what the user names.

NumPy's functions become those of ``functions`` (creation functions always, others when an argument is traced); Python's
builtins and ``math`` get counterparts that know traced values; the user's own functions are rewritten in turn. What has no
source is given globals in which these counterparts stand in place of the originals.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import itertools
import math
import types
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import BOOL, F64, I64
from ..tree import flatten
from . import creation, numpy_objects
from .blocks import truth
from .context import active_trace, is_internal
from .elementwise import elementwise
from .functions import FUNCTIONS, METHODS
from .functions import function as numpy_function
from .iterables import Comprehension, Indexed, as_indexed, backwards, enumerated, traced_range, zipped
from .mutation import MUTATORS, remember
from .promotion import as_tracer, convert, is_python
from .rewrite import SourceUnavailable, is_rewritten, rewrite
from .rows import Rows, as_arrays
from .special import SPECIAL
from .texts import Text, formatted, joined, shown
from .tracer import Concretize, TracedSize, Tracer, describe, new, python_size
from .ufuncs import apply_ufunc, call_ufunc
from .unbound import is_there, require_settled

OPERATORS: list[Any] = []  # the one object of ``operators``, which imports this module

CREATION = {np.zeros, np.empty, np.ones, np.full, np.zeros_like, np.empty_like, np.ones_like, np.full_like, np.arange,
            np.linspace, np.eye, np.identity, np.array, np.copy, np.meshgrid, np.tri}  # fmt: skip


def has_traced(value: Any) -> bool:
    """Whether a value is traced or a container that holds something traced."""
    if isinstance(value, (Tracer, TracedSize, Indexed, Comprehension, Rows)):
        return True
    if isinstance(value, (list, tuple)):
        return any(has_traced(item) for item in value)
    if isinstance(value, dict):
        return any(has_traced(item) for item in value.values())
    if isinstance(value, slice):
        return has_traced((value.start, value.stop, value.step))
    return False


def call(callee: Any) -> Any:
    """What to call in place of a callee."""
    replacement = _REPLACED.get(callee) if _hashable(callee) else None
    if replacement is not None:
        return replacement
    if isinstance(callee, np.ufunc):
        return functools.partial(_ufunc, callee)
    if _hashable(callee) and callee in FUNCTIONS:
        return functools.partial(_numpy, callee)
    if isinstance(callee, type):
        return functools.partial(_scalar, callee) if issubclass(callee, np.generic) else _class(callee)
    if isinstance(callee, types.FunctionType):
        return _function(callee)
    _refuse_random(callee)
    if isinstance(callee, types.MethodType):
        function = call(callee.__func__) if isinstance(callee.__func__, types.FunctionType) else callee.__func__
        return callee if function is callee.__func__ else types.MethodType(function, callee.__self__)
    if isinstance(callee, functools.partial):
        return functools.partial(call(callee.func), *callee.args, **callee.keywords)
    if isinstance(callee, types.BuiltinMethodType):
        return _method(callee)
    if isinstance(callee, np.vectorize):
        return functools.partial(_vectorized, callee)
    compiled = getattr(callee, "py_func", None)  # a function decorated with numba
    if isinstance(compiled, types.FunctionType):
        return _function(compiled)
    return _object(callee)


def concerns_program(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call has traced arguments, or arrays found outside of the function, whose elements may change between calls."""
    outside = any(isinstance(v, np.ndarray) and v.dtype.kind in "fiub" for v in (*args, *kwargs.values()))
    return outside or has_traced(args) or has_traced(kwargs)


def _hashable(value: Any) -> bool:
    return type(value).__hash__ is not None


def _class(cls: type) -> Any:
    """A class of the user's, whose ``__init__`` is followed; others as they are."""
    init = cls.__init__  # type: ignore[misc]
    if not isinstance(init, types.FunctionType) or type(cls).__call__ is not type.__call__:
        return cls
    followed = _function(init)
    if not is_rewritten(followed):
        return cls

    def make(*args: Any, **kwargs: Any) -> Any:
        plain = cls.__new__ is object.__new__
        thing: Any = cls.__new__(cls) if plain else cls.__new__(cls, *args, **kwargs)  # type: ignore[call-overload]
        if isinstance(thing, cls):
            followed(thing, *args, **kwargs)
        return thing

    return make


def _object(callee: Any) -> Any:
    """A callable object: its class's ``__call__`` is followed if it is the user's."""
    method = next((vars(cls)["__call__"] for cls in type(callee).__mro__ if "__call__" in vars(cls)), None)
    if isinstance(method, types.FunctionType) and not is_internal(method.__code__.co_filename):
        return types.MethodType(_function(method), callee)
    return callee


def _function(function: types.FunctionType) -> Any:
    """The user's function, rewritten; libraries' functions and jitgrad's own as they are."""
    if (function.__module__ or "").startswith("scipy.special") and function.__name__ in SPECIAL:
        return functools.partial(_special, function)
    if is_rewritten(function) or is_internal(function.__code__.co_filename) or _is_library(function):
        return function
    wrapped = getattr(function, "__wrapped__", None)
    if getattr(function, "__jitgrad__", False):
        return function
    if isinstance(wrapped, types.FunctionType) and function.__code__.co_filename == functools.__file__:
        return function
    if function.__code__.co_flags & inspect.CO_GENERATOR:  # yields to Python's own loops
        return substituted(function)
    try:
        return rewrite(function, OPERATORS[0])
    except SourceUnavailable:
        return substituted(function)


def _special(function: types.FunctionType, *args: Any, **kwargs: Any) -> Any:
    """A function of ``scipy.special`` that is no ufunc."""
    if has_traced(args) or has_traced(kwargs):
        return SPECIAL[function.__name__](*args, **kwargs)
    return _own(function(*args, **kwargs))


_LIBRARIES = ("numba.", "scipy.", "contextlib", "functools", "typing", "collections", "copy", "dataclasses", "abc", "enum",
              "warnings", "logging", "itertools", "random", "inspect", "types", "optree")  # fmt: skip


def _is_library(function: types.FunctionType) -> bool:
    module = function.__module__ or ""
    return module.startswith(_LIBRARIES)


def _ufunc(ufunc: np.ufunc, *args: Any, **kwargs: Any) -> Any:
    if concerns_program(args, kwargs):
        return call_ufunc(ufunc, "__call__", args, kwargs)
    return _own(ufunc(*args, **kwargs))


def _vectorized(function: np.vectorize, *args: Any, **kwargs: Any) -> Any:
    """What ``np.vectorize`` made."""
    from .mapping import vectorized

    return vectorized(function)(*args, **kwargs) if has_traced(args) or has_traced(kwargs) else _own(function(*args, **kwargs))


def _ufunc_method(ufunc: np.ufunc, name: str, *args: Any, **kwargs: Any) -> Any:
    """``np.add.reduce`` and its like."""
    if has_traced(args) or has_traced(kwargs):
        return call_ufunc(ufunc, name, args, kwargs)
    return _own(getattr(ufunc, name)(*args, **kwargs))


def _numpy(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if function in CREATION or concerns_program(args, kwargs):
        args = tuple(_listed(a) for a in args)
        return numpy_function(function)(*args, **kwargs)
    return _own(function(*args, **kwargs))


def _listed(argument: Any) -> Any:
    """Items by index as an array or a list, where a NumPy function wants a sequence."""
    if isinstance(argument, Indexed):
        argument = Comprehension(argument, lambda item: item, None)
    if isinstance(argument, Comprehension):
        return argument.as_array() if argument.condition is None else list(argument)
    return as_arrays(argument)


def _own(result: Any) -> Any:
    """An array that NumPy made while the function was traced: a value of the program, which it may write to."""
    if isinstance(result, np.ndarray) and result.dtype.kind in "fiub":
        return creation.copy_of(as_tracer(result))
    if isinstance(result, tuple) and type(result) is tuple:
        return tuple(_own(item) for item in result)
    return result


def _refuse_random(callee: Any) -> None:
    """Random numbers are not drawn while a function is traced."""
    owner = getattr(callee, "__self__", None)
    if isinstance(owner, (np.random.Generator, np.random.RandomState)):
        raise UnsupportedError(
            f"random numbers drawn by {type(owner).__name__}.{callee.__name__} while tracing would be the same at each call; "
            "draw them outside and pass them as an argument"
        )


def _method(method: types.BuiltinMethodType) -> Any:
    """A method of an untraced array, or of a ufunc, meets traced arguments."""
    owner = method.__self__
    if isinstance(owner, np.ufunc):
        return functools.partial(_ufunc_method, owner, method.__name__)
    if owner is math:
        return functools.partial(_untraced, method)
    if isinstance(owner, dict) and method.__name__ in _OF_AN_ITEM:
        return functools.partial(_OF_AN_ITEM[method.__name__], owner, method)
    if isinstance(owner, str) and method.__name__ in ("format", "join"):
        return functools.partial(_format if method.__name__ == "format" else _join, owner)
    if not isinstance(owner, np.ndarray):
        require_settled(owner)
        if method.__name__ in MUTATORS and isinstance(owner, (list, dict, set, deque)):
            return functools.partial(_mutate, owner, method)
        return method

    def apply(*args: Any, **kwargs: Any) -> Any:
        if concerns_program((owner, *args), kwargs) and method.__name__ in METHODS:
            return getattr(as_tracer(owner), method.__name__)(*args, **kwargs)
        return _own(method(*args, **kwargs))

    return apply


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
    there = is_there(owner, "item", key)
    return OPERATORS[0].ifexp(there, lambda: owner[key], lambda: default) if isinstance(there, Tracer) else method(key, default)


def _setdefault(owner: dict[Any, Any], method: Any, key: Any, default: Any = None) -> Any:
    """``dict.setdefault``."""
    there = is_there(owner, "item", key)
    if there is False or isinstance(there, Tracer):
        OPERATORS[0].setitem(owner, key, _get(owner, method, key, default) if there is not False else default)
    return owner[key]


_OF_AN_ITEM = {"get": _get, "setdefault": _setdefault}


def _hasattr(thing: Any, name: str) -> Any:
    there = hasattr(thing, name)
    return is_there(thing, "attribute", name) if there and name in _own_attributes(thing) else there


def _getattr(thing: Any, name: str, *default: Any) -> Any:
    there = _hasattr(thing, name) if default else True
    if isinstance(there, Tracer):
        return OPERATORS[0].ifexp(there, lambda: getattr(thing, name), lambda: default[0])
    return getattr(thing, name, *default)


def _own_attributes(thing: Any) -> Any:
    return thing.__dict__ if not isinstance(thing, (Tracer, TracedSize, type)) and hasattr(thing, "__dict__") else ()


def _mutate(owner: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a method that changes a container."""
    remember(owner, "whole")
    return method(*args, **kwargs)


def _scalar(kind: type, *args: Any, **kwargs: Any) -> Any:
    """``np.float32(x)`` and its like."""
    if not has_traced(args):
        return kind(*args, **kwargs)
    x = as_tracer(args[0])
    converted = convert(x, np.dtype(kind))
    return new(converted.value, scalar=not converted.type.shape, dim=x.dim if np.dtype(kind) == I64 else None)


# Python's builtins


def _len(x: Any) -> Any:
    require_settled(x)
    if isinstance(x, Tracer):
        if not x.type.shape:
            raise TypeError("len() of unsized object")
        return x.shape[0]
    return x.count() if isinstance(x, (Indexed, Rows)) else len(x)


def _float(x: Any = 0.0) -> Any:
    if isinstance(x, (Tracer, TracedSize)):
        return new(convert(_single(x, "float"), F64).value, weak=True)
    return float(x)


def _int(x: Any = 0, *base: Any) -> Any:
    if isinstance(x, TracedSize):
        return x
    if isinstance(x, Tracer):
        single = _single(x, "int")
        return new(convert(single, I64).value, weak=True, dim=single.dim)
    return int(x, *base)


def _bool(x: Any = False) -> Any:
    decided = truth(x)
    return new(decided.value, weak=True) if isinstance(decided, Tracer) else decided


def _single(x: Any, name: str) -> Tracer:
    tracer = as_tracer(x)
    if not tracer.type.rank:
        return tracer
    if active_trace().sizing.decide(tracer.type.size, "==", 1) is not True:
        raise TypeError(f"only size-1 arrays can be converted with {name}(); found {describe(tracer)}")
    return new(tracer.reshape(()).value)


def _sum(iterable: Any, start: Any = 0) -> Any:
    if isinstance(iterable, Comprehension):
        return iterable.fold(lambda total, item: total + item, start)
    if isinstance(iterable, Rows):
        return _sum_of_rows(iterable, start)
    items = as_indexed(iterable)
    if isinstance(iterable, Tracer):
        total = FUNCTIONS[np.sum](iterable, axis=0, dtype=None if iterable.dtype == BOOL else iterable.dtype)
        return total if isinstance(start, int) and start == 0 else start + total
    if items is not None and not isinstance(iterable, range):
        return Comprehension(items, lambda item: item, None).fold(lambda total, item: total + item, start)
    return builtins.sum(iterable, start)


def _sum_of_rows(rows: Rows, start: Any) -> Any:
    """The sum of a list: of its array in one go, where its items are numbers or arrays."""
    if rows.listed is not None:
        return _sum(rows.listed, start)
    if rows.tree.paths() != [()]:
        return _sum(Comprehension(Indexed(0, rows.count(), 1, rows.item), lambda item: item, None), start)
    total = _sum(rows.arrays[0], start)
    return new(total.value, weak=True) if rows.weak[0] and is_python(start) else total


def _extreme(name: str) -> Callable[..., Any]:
    python, sign = getattr(builtins, name), "lt" if name == "min" else "gt"

    def better(best: Any, other: Any) -> Any:
        if not has_traced((best, other)):
            return python(best, other)
        return elementwise("select", truth(elementwise(sign, as_tracer(other), as_tracer(best))), other, best)

    def of_array(array: Tracer) -> Tracer:
        """As Python compares: a NaN wins at the first place, where nothing beats it, and nowhere else."""
        if array.ndim != 1:
            return functools.reduce(better, array)
        if array.dtype.kind != "f":
            return FUNCTIONS[getattr(np, name)](array, axis=0)  # type: ignore[no-any-return]
        found = FUNCTIONS[getattr(np, f"nan{name}")](array, axis=0)
        return elementwise("select", elementwise("isnan", array[0]), array[0], found)

    def extreme(*args: Any, key: Any = None, **kwargs: Any) -> Any:
        values = args[0] if len(args) == 1 else args
        if isinstance(values, Comprehension):
            varies = values.condition is None and values.items.static_count() is None
            values = values.as_rows() if varies else list(values)
        if key is not None:
            return _extreme_by_key(values, call(key), name, lambda: python((), **kwargs))
        if isinstance(values, Rows) and values.tree.paths() == [()] and values.listed is None:
            found = of_array(values.as_array())
            return new(found.value, weak=True) if values.weak[0] else found
        if isinstance(values, Tracer):
            return of_array(values)
        values = values if isinstance(values, Indexed) else list(values)
        if not has_traced(values):
            return python(values, **kwargs)
        if builtins.all(isinstance(v, (int, TracedSize)) for v in values):
            return _extreme_size(name, values)
        return functools.reduce(better, values)

    return extreme


def _extreme_by_key(values: Any, key: Callable[[Any], Any], name: str, default: Any) -> Any:
    """The first item whose key is the smallest or largest."""
    operators, sign = OPERATORS[0], "lt" if name == "min" else "gt"
    items = as_indexed(values)
    if items is None or items.static_count() is not None:
        listed = list(items or values)
        keys = [key(item) for item in listed]
        if not has_traced(keys):
            return listed[getattr(builtins, name)(builtins.range(len(keys)), key=keys.__getitem__)] if keys else default()
        pairs: Any = zip(listed[1:], keys[1:], strict=True)
        state = (listed[0], keys[0])
    else:
        first = items.from_zero()
        pairs = Indexed(1, first.stop, 1, lambda k: (first.at(k), key(first.at(k))))
        state = (first.item(0), key(first.item(0)))

    def better(pair: Any, *best: Any) -> Any:
        test = elementwise(sign, as_tracer(pair[1]), as_tracer(best[1]))
        return operators.if_(test, lambda *_: pair, lambda *held: held, best, ("the best", "its key"))

    return operators.for_(pairs, better, state, ("the best", "its key"))[0]


def _extreme_size(name: str, values: Sequence[Any]) -> Any:
    """The smaller or larger of sizes: an expression, with no guard."""
    from ..ir.sizes import maximum, minimum
    from .tracer import as_dim

    combine = minimum if name == "min" else maximum
    return python_size(functools.reduce(combine, [as_dim(v) for v in values]))  # type: ignore[arg-type]


def _truths(combine: str) -> Callable[[Any], Any]:
    def reduce(iterable: Any) -> Any:
        if isinstance(iterable, Tracer):
            return new(FUNCTIONS[getattr(np, combine)](iterable, axis=0).value, weak=True)
        operators, first = OPERATORS[0], combine == "all"
        join = operators.and_ if first else operators.or_
        if isinstance(iterable, Comprehension):
            return _bool(iterable.fold_lazily(lambda total, item: join(total, lambda: truth(item())), first))
        result: Any = first
        for item in iterable:
            result = join(result, lambda item=item: truth(item))
        return _bool(result)

    return reduce


def _isinstance(x: Any, classes: Any) -> bool:
    if isinstance(x, (Tracer, TracedSize, Rows)):
        known = classes if isinstance(classes, tuple) else (classes,)
        return any(issubclass(_python_class(x), c) for c in known if isinstance(c, type))
    return isinstance(x, classes)


def _python_class(x: Any) -> type:
    """The class of the value that a traced value stands for."""
    if isinstance(x, TracedSize):
        return int
    if isinstance(x, Rows):
        return list
    if x.weak:
        return {"b": bool, "i": int, "f": float}[x.dtype.kind]
    return x.dtype.type if x.is_scalar else np.ndarray


def _type(x: Any, *rest: Any) -> Any:
    return _python_class(x) if isinstance(x, (Tracer, TracedSize, Rows)) and not rest else type(x, *rest)


def _round(x: Any, digits: Any = None) -> Any:
    if not isinstance(x, Tracer):
        return round(x, digits) if digits is not None else round(x)
    rounded = FUNCTIONS[np.round](x, digits or 0)
    if digits is None and x.is_scalar:
        return _int(rounded)
    return new(rounded.value, weak=True) if x.weak else rounded


def _pow(x: Any, y: Any, mod: Any = None) -> Any:
    return x**y if mod is None else pow(x, y, mod)


def _print(*values: Any, sep: str = " ", end: str = "\n", **kwargs: Any) -> None:
    if not has_traced(values) and not any(isinstance(value, Text) for value in values):
        builtins.print(*values, sep=sep, end=end, **kwargs)
        return
    shown_values = [shown(as_tracer(v) if isinstance(v, TracedSize) else v, str) for v in values]
    text = joined(*[piece for value in shown_values for piece in (sep, value)][1:])
    assert isinstance(text, Text)
    active_trace().emit("print", *(value.value for value in text.values), text=text.template)


def _text(show: Callable[..., str]) -> Callable[..., Any]:
    def of(*args: Any, **kwargs: Any) -> Any:
        return (
            joined("", shown(args[0], lambda v: show(v, *args[1:], **kwargs)))
            if has_traced(args[:1])
            else show(*args, **kwargs)
        )

    return of


def _map(function: Any, *iterables: Any) -> Any:
    if len(iterables) == 1 and not isinstance(iterables[0], (list, tuple)):
        return OPERATORS[0].genexp(iterables[0], call(function))
    return map(call(function), *iterables)


def _listing(kind: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any) -> Any:
        require_settled(args[0] if args else None)
        return kind(list(args[0])) if args and isinstance(args[0], (Indexed, Comprehension)) else kind(*args)

    return make


def _sorted(iterable: Any, *, key: Any = None, reverse: bool = False) -> Any:
    if isinstance(iterable, Comprehension):
        iterable = (
            iterable.as_rows() if iterable.condition is None and iterable.items.static_count() is None else list(iterable)
        )
    if not isinstance(iterable, (Tracer, Rows)):
        iterable = list(iterable)
        ranks = _known_ranks(iterable if key is None else [call(key)(item) for item in iterable])
        if ranks is not None:
            return [iterable[k] for k in sorted(range(len(ranks)), key=ranks.__getitem__, reverse=reverse)]
    items = _by_index(iterable)
    keys = items if key is None else Comprehension(_all_of(items), call(key), None).as_rows()
    array = keys.as_array()
    if array.ndim != 1:
        raise TypeError(f"sorted() compares numbers, found {describe(array)}; sort by one number of each item with key=")
    order = FUNCTIONS[np.argsort](-array if reverse else array)
    return Rows([array[order] for array in items.arrays], items.tree, list(items.weak))


def _known_ranks(keys: list[Any]) -> list[Any] | None:
    """What decides the order of the keys, if that is known while tracing: of tuples what comes before traced values, if it differs."""
    if not has_traced(keys):
        return keys
    if not builtins.all(isinstance(key, tuple) for key in keys):
        return None
    known = builtins.min(next((k for k, part in enumerate(key) if has_traced(part)), len(key)) for key in keys)
    ranks = [key[:known] for key in keys]
    return None if builtins.any(a == b for a, b in itertools.combinations(ranks, 2)) else ranks


def _by_index(iterable: Any) -> Rows:
    """The items of an array, or of a list of numbers and arrays, as a list that is held in arrays."""
    if isinstance(iterable, Rows) and iterable.listed is None:
        return iterable
    if isinstance(iterable, Tracer):
        return Comprehension(_all_of(iterable), lambda item: item, None).as_rows()
    items = [flatten(item) for item in iterable]
    if builtins.any(tree != items[0][1] for _, tree in items):
        raise TypeError("sorted() of items of different structure")
    arrays = [creation.array([leaves[k] for leaves, _ in items]) for k in range(items[0][1].count)]
    weak = [builtins.all(is_python(leaves[k]) for leaves, _ in items) for k in range(items[0][1].count)]
    return Rows(arrays, items[0][1], weak)


def _all_of(iterable: Any) -> Indexed:
    items = as_indexed(iterable)
    assert items is not None
    return items


def _abs(x: Any) -> Any:
    return apply_ufunc(np.absolute, x) if isinstance(x, Tracer) else abs(x)


def _divmod(x: Any, y: Any) -> Any:
    return (x // y, x % y) if has_traced((x, y)) else divmod(x, y)


def _reduce(function: Any, iterable: Any, *initial: Any) -> Any:
    return functools.reduce(call(function), iterable, *initial)


def _math(name: str, ufunc: Any) -> Callable[..., Any]:
    plain = getattr(math, name)

    def apply(*args: Any) -> Any:
        if not has_traced(args):
            return plain(*args)
        result = ufunc(*(as_tracer(_float(a)) if not isinstance(a, int) else a for a in args))
        return new(result.value, weak=True)

    return apply


def _math_log(x: Any, *base: Any) -> Any:
    if not has_traced((x, *base)):
        return math.log(x, *base)
    result = apply_ufunc(np.log, _float(x))
    return new((result / apply_ufunc(np.log, _float(base[0])) if base else result).value, weak=True)


def _isclose(a: Any, b: Any, *, rel_tol: Any = 1e-9, abs_tol: Any = 0.0) -> Any:
    if not has_traced((a, b, rel_tol, abs_tol)):
        return math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol)
    largest = elementwise("maximum", abs(_float(a)), abs(_float(b)), dtype=F64)
    near = abs(_float(a) - _float(b)) <= elementwise("maximum", rel_tol * largest, abs_tol, dtype=F64)
    return _bool((np.isfinite(largest) & near) | (_float(a) == _float(b)))


def _dist(p: Any, q: Any) -> Any:
    if not has_traced((p, q)):
        return math.dist(p, q)
    return _float(FUNCTIONS[np.linalg.norm](as_tracer(p) - as_tracer(q)))


def _prod(iterable: Any, *, start: Any = 1) -> Any:
    if isinstance(iterable, Comprehension):
        return iterable.fold(lambda total, item: total * item, start)
    return functools.reduce(lambda total, item: total * item, iterable, start)


def _to_int(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda x: convert(apply_ufunc(ufunc, x), I64)


_MATH: dict[str, Any] = {
    **{name: functools.partial(apply_ufunc, getattr(np, name)) for name in (
        "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1", "log2", "log10", "log1p", "sqrt", "fabs", "hypot",
        "copysign", "isnan", "isinf", "isfinite", "degrees", "radians", "fmod", "cbrt", "exp2")},
    "asin": functools.partial(apply_ufunc, np.arcsin), "acos": functools.partial(apply_ufunc, np.arccos),
    "atan": functools.partial(apply_ufunc, np.arctan), "atan2": functools.partial(apply_ufunc, np.arctan2),
    "asinh": functools.partial(apply_ufunc, np.arcsinh), "acosh": functools.partial(apply_ufunc, np.arccosh),
    "atanh": functools.partial(apply_ufunc, np.arctanh), "pow": lambda x, y: x**y,
    "floor": _to_int(np.floor), "ceil": _to_int(np.ceil), "trunc": _to_int(np.trunc),
    "erf": lambda x: elementwise("erf", x, dtype=F64), "erfc": lambda x: elementwise("erfc", x, dtype=F64),
    "lgamma": lambda x: elementwise("lgamma", x, dtype=F64),
}  # fmt: skip

_REPLACED: dict[Any, Callable[..., Any]] = {
    range: traced_range, len: _len, float: _float, int: _int, bool: _bool, sum: _sum, min: _extreme("min"),
    max: _extreme("max"), all: _truths("all"), any: _truths("any"), isinstance: _isinstance, type: _type, round: _round,
    np.ndarray: numpy_objects.ndarray, np.ndenumerate: numpy_objects.ndenumerate, np.nditer: numpy_objects.nditer,
    pow: _pow, print: _print, enumerate: enumerated, zip: zipped, reversed: backwards, map: _map, list: _listing(list),
    tuple: _listing(tuple), hasattr: _hasattr, getattr: _getattr, str: _text(str), repr: _text(repr),
    format: _text(format), sorted: _sorted, abs: _abs, divmod: _divmod, functools.reduce: _reduce, math.log: _math_log,
    math.isclose: _isclose, math.dist: _dist, math.prod: _prod, math.fsum: lambda seq: _float(_sum(seq, 0.0)),
    **{getattr(math, name): _math(name, ufunc) for name, ufunc in _MATH.items() if hasattr(math, name)},
}  # fmt: skip


# functions without source


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
    if isinstance(value, np.ufunc) or (_hashable(value) and (value in FUNCTIONS or value in _REPLACED)):
        return call(value)
    if isinstance(value, types.FunctionType) and not _is_library(value) and not is_internal(value.__code__.co_filename):
        return lambda *args, **kwargs: call(value)(*args, **kwargs)
    return value


_BUILTINS = {name: stand_in(value) for name, value in vars(builtins).items() if name not in ("type", "isinstance")}


class _Globals(dict):
    """A snapshot of globals with stand-ins."""


def substituted(function: types.FunctionType) -> types.FunctionType:
    """A function without source whose globals and closure hold stand-ins; its loops and branches stay Python's."""
    names = _names(function.__code__)
    scope = _Globals({name: stand_in(function.__globals__[name]) for name in names if name in function.__globals__})
    scope["__builtins__"] = {**_BUILTINS, "isinstance": _isinstance}
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


__all__ = ["BOOL", "SourceUnavailable", "call", "has_traced", "stand_in", "substituted"]
