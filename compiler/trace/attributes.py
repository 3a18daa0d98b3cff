"""Classes and attributes as Python knows them: a traced value has those of the array, number or list that it stands for."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from .buckets import Bucket, Buckets
from .calls import OPERATORS, call, users_method
from .maybe import Maybe
from .one_of import OneOf
from .outdated import Outdated
from .rows import Queue, Rows, present
from .tables import Table
from .tracer import TracedSize, Tracer
from .unbound import is_there, settled


def class_of(x: Any, *rest: Any) -> Any:
    """``type(x)``."""
    if isinstance(x, Outdated):
        raise x.error()
    return (
        _python_class(x) if isinstance(x, (Tracer, TracedSize, Rows, Table, Buckets, Bucket)) and not rest else type(x, *rest)
    )


def _python_class(x: Any) -> type:
    """The class of the value that a traced value stands for."""
    if isinstance(x, TracedSize):
        return int
    if isinstance(x, Table):
        return x.kind
    if isinstance(x, (Buckets, Bucket)):
        return list
    if isinstance(x, Rows):
        return list if x.kind is None else deque if isinstance(x.kind, Queue) else set
    if x.weak:
        return {"b": bool, "i": int, "f": float}[x.dtype.kind]
    return x.dtype.type if x.is_scalar else np.ndarray


def is_instance(x: Any, classes: Any) -> bool:
    """``isinstance(x, classes)``."""
    if isinstance(x, Outdated):
        raise x.error()
    if isinstance(x, OneOf):
        return x.truth_of(lambda value: isinstance(value, classes))
    if isinstance(x, Maybe):
        return OPERATORS[0].ifexp(x.is_none(), lambda: isinstance(None, classes), lambda: is_instance(x.value, classes))
    if isinstance(x, (Tracer, TracedSize, Rows, Table, Buckets, Bucket)):
        known = classes if isinstance(classes, tuple) else (classes,)
        return any(issubclass(_python_class(x), c) for c in known if isinstance(c, type))
    return isinstance(x, classes)


def attribute(thing: Any, name: str) -> Any:
    """``thing.name``."""
    thing = present(thing)
    if isinstance(thing, OneOf):
        return thing.each(lambda value: attribute(value, name))
    if not isinstance(thing, (Tracer, TracedSize, Rows)):
        getter = _getter(thing, name)
        return settled(getattr(thing, name)) if getter is None else getter()
    cls = _python_class(thing)
    if name == "__class__":
        return cls
    if not _has(cls, name):
        full = f"numpy.{cls.__name__}" if issubclass(cls, (np.ndarray, np.generic)) else cls.__name__
        raise AttributeError(f"'{full}' object has no attribute {name!r}")
    return getattr(thing, name)


def _getter(thing: Any, name: str) -> Callable[[], Any] | None:
    """What the user's class computes an attribute with; None where Python finds it."""
    own = next((vars(cls)[name] for cls in type(thing).__mro__ if name in vars(cls)), None)
    if isinstance(own, property) and isinstance(own.fget, FunctionType):
        return functools.partial(call(own.fget), thing)
    if name in _own_attributes(thing) or (isinstance(thing, type) and any(name in vars(cls) for cls in thing.__mro__)):
        return None
    if isinstance(own, functools.cached_property):
        return functools.partial(_cached, own, thing, name)
    otherwise = users_method(thing, "__getattr__")
    if otherwise is None or own is not None or isinstance(thing, Maybe):
        return None
    return functools.partial(otherwise, thing, name)


def _cached(own: functools.cached_property, thing: Any, name: str) -> Any:
    """The attribute, computed now and kept."""
    found = call(own.func)(thing)
    OPERATORS[0].setattr(thing, name, found)
    return found


def has_attribute(thing: Any, name: str) -> Any:
    """``hasattr(thing, name)``."""
    if isinstance(thing, (Tracer, TracedSize, Rows)):
        return _has(_python_class(thing), name)
    getter = _getter(thing, name)
    if getter is not None:
        try:
            getter()
        except AttributeError:
            return False
        return True
    there = hasattr(thing, name)
    return is_there(thing, "attribute", name) if there and name in _own_attributes(thing) else there


def attribute_or_default(thing: Any, name: str, *default: Any) -> Any:
    """``getattr(thing, name, default)``."""
    there = has_attribute(thing, name) if default else True
    if isinstance(there, Tracer):
        return OPERATORS[0].ifexp(there, lambda: attribute(thing, name), lambda: default[0])
    return attribute(thing, name) if there else default[0]


def _has(cls: type, name: str) -> bool:
    """Whether the instances of a class of NumPy's or Python's have an attribute."""
    return any(name in vars(each) for each in cls.__mro__)


def _own_attributes(thing: Any) -> Any:
    return thing.__dict__ if not isinstance(thing, type) and hasattr(thing, "__dict__") else ()


ATTRIBUTES: dict[Any, Callable[..., Any]] = {
    isinstance: is_instance,
    type: class_of,
    hasattr: has_attribute,
    getattr: attribute_or_default,
}
"""What traced programs call in place of Python's functions."""
