"""The operators that a rewritten function goes through: control flow, places, texts and names.

On ordinary values each does what Python does. The protocol is described in ``rewrite``; branches and loops are in ``control``.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from . import arithmetic, attributes, calls, lookups
from .comprehending import Comprehensions
from .context import active_trace
from .growing import Growing
from .iterables import Comprehension, Indexed, handed_on
from .list_methods import extended, is_of_the_run
from .lookups import is_key, is_known_by_number, value_of
from .maybe import Maybe, known
from .mutation import remember
from .numpy_objects import INDEXED
from .one_of import OneOf, distributed
from .promotion import as_tracer
from .python_folds import in_arrays
from .relisting import picked, put
from .rows import Rows
from .symbols import INPLACE
from .tables import made, note_key
from .texts import in_format, interpolated, joined
from .tracer import Concretize, Tracer, as_dim, describe, new
from .unbound import Perhaps, Undefined, emit_check, is_there, no_value, require_settled, settled


class Operators(Comprehensions):
    """The object named ``jg_`` in rewritten functions."""

    call = staticmethod(calls.call)

    # operators

    binary = staticmethod(arithmetic.binary)
    unary = staticmethod(arithmetic.unary)
    compare = staticmethod(arithmetic.compare)

    # places

    def getitem(self, container: Any, index: Any) -> Any:
        """``container[index]``."""
        if isinstance(index, Maybe) and isinstance(known(container), dict):
            return index.each(functools.partial(self.getitem, container))
        container, index = known(container), known(index)
        if isinstance(container, OneOf) or isinstance(index, OneOf):
            return distributed(self.getitem, (container, index), {})
        container = _plain(container)
        note_key(container, index)
        if isinstance(container, (Tracer, Rows, Indexed)):
            return container[index]
        if calls.has_traced(index):
            if isinstance(container, np.ndarray):
                return as_tracer(container)[index]
            if id(container) in INDEXED:
                return INDEXED[id(container)](index)
            if isinstance(container, range):
                return Indexed(container.start, container.stop, container.step, lambda k: k)[index]
        if isinstance(container, (list, deque)):
            require_settled(container)
        if type(container) in (dict, OrderedDict) and is_known_by_number(container, index):
            return value_of(container, index)
        if isinstance(container, dict) and hasattr(type(container), "__missing__"):
            return calls.item_or_default(container, index)
        method = calls.users_method(container, "__getitem__")
        if method is not None:
            return method(container, index)
        if type(container) is list and container and isinstance(index, slice) and calls.has_traced(index):
            return in_arrays(container)[index]
        is_item = isinstance(container, (list, tuple, deque)) and isinstance(index, Tracer) and not isinstance(index.dim, int)
        if is_item and not active_trace().short:  # a short loop is unrolled, which makes no copies of the items
            return picked(container, index)
        return settled(container[_static_index(container, index) if calls.has_traced(index) else index])

    def setitem(self, container: Any, index: Any, value: Any) -> None:
        """``container[index] = value``."""
        container, index = _plain(known(container)), known(index)
        note_key(container, index)
        if isinstance(index, OneOf):
            index.each(lambda key: self.setitem(container, key, value))
            return
        if isinstance(container, np.ndarray):
            raise UnsupportedError(
                f"a traced function writes to {describe(container)} that it found outside of itself; pass the array as an "
                "argument, or write to a copy made in the function with np.array(...)"
            )
        method = calls.users_method(container, "__setitem__")
        if method is not None:
            method(container, index, value)
            return
        if not isinstance(container, (Tracer, Rows)) and calls.has_traced(index):
            if isinstance(container, (list, deque)) and isinstance(index, Tracer) and not isinstance(index.dim, int):
                require_settled(container)
                put(container, index, value)
                return
            if is_known_by_number(container, index):
                lookups.put(container, index, value)
                return
            index = _static_index(container, index)
        if isinstance(container, (Tracer, Rows)):
            container[index] = value
            return
        if hasattr(type(container), "__setitem__"):  # else Python refuses it
            remember(container, *(("whole",) if isinstance(index, slice) else ("item", index)))
        container[index] = value

    dict_ = staticmethod(made)

    def unpack(self, value: Any, count: int) -> Any:
        """``a, b = value``: as many items as there are targets, of what may have another number of them only the run knows."""
        value = known(value)
        if not isinstance(value, (Tracer, Rows)) or (isinstance(value, Tracer) and not value.ndim):
            return value
        length = value.length() if isinstance(value, Rows) else value.shape[0]
        size = as_dim(length)
        if size is None or active_trace().sizing.hint(size) is not None:
            return value
        emit_check(length >= count, ValueError(f"not enough values to unpack (expected {count})"))
        emit_check(length <= count, ValueError(f"too many values to unpack (expected {count})"))
        return tuple(value[k] for k in range(count))

    attribute = staticmethod(attributes.attribute)

    def setattr(self, thing: Any, name: str, value: Any) -> None:
        """``thing.name = value``."""
        if isinstance(thing, Tracer) and name == "shape":
            raise UnsupportedError("assigning to .shape; write x = x.reshape(...)")
        if isinstance(thing, Tracer) and name == "flat":
            values = as_tracer(value)
            thing.flat[...] = np.resize(values, thing.shape).ravel() if values.ndim else values
            return
        own = inspect.getattr_static(type(thing), name, None)
        if isinstance(own, property) and own.fset is not None:
            calls.call(own.fset)(thing, value)
        elif (method := calls.users_method(thing, "__setattr__")) is not None:
            method(thing, name, value)
        else:
            remember(thing, "attribute", name)
            setattr(thing, name, value)

    def delitem(self, container: Any, index: Any) -> None:
        """``del container[index]``."""
        container, index = known(container), known(index)
        method = calls.users_method(container, "__delitem__")
        if method is not None:
            method(container, index)
            return
        is_item = isinstance(container, dict)
        if is_item and isinstance(is_there(container, "item", index), Tracer):
            raise UnsupportedError(
                f"item {index!r} of a dict is deleted, and is there on some ways through the program only, which depend on values known "
                "when it runs; set it before"
            )
        if isinstance(container, (list, Rows)) and calls.has_traced(index) and not isinstance(index, slice):
            calls.call(container.pop)(index)
            return
        if not isinstance(container, (Tracer, Rows, np.ndarray)) and hasattr(type(container), "__delitem__"):
            remember(container, "item" if is_item else "whole", index if is_item else None)
        del container[index]

    def delattr(self, thing: Any, name: str) -> None:
        """``del thing.name``."""
        if isinstance(is_there(thing, "attribute", name), Tracer):
            raise UnsupportedError(
                f"attribute {name} is deleted, and is there on some ways through the program only, which depend on values known when it "
                "runs; set it before"
            )
        remember(thing, "attribute", name)
        delattr(thing, name)

    def inplace(self, symbol: str, left: Any, right: Any) -> Any:
        """``left += right``, and so on."""
        left, right = known(left), known(right)
        if isinstance(left, np.ndarray) and calls.has_traced(right):
            raise UnsupportedError(
                f"a traced function writes in place to {describe(left)} that it found outside of itself; pass the array as "
                "an argument, or work on a copy made in the function with np.array(...)"
            )
        if (
            symbol == "+"
            and isinstance(left, (list, Rows))
            and not isinstance(left, Growing)
            and (isinstance(left, Rows) or is_of_the_run(right))
        ):
            return extended(left, right)
        if isinstance(left, (list, dict, set)):
            remember(left, "whole")
        arithmetic.inplace(symbol, left, right)
        function, name = INPLACE[symbol]
        method = calls.users_method(left, name)
        result = NotImplemented if method is None else method(left, right)
        if result is not NotImplemented:
            return result
        is_changed = isinstance(left, (np.ndarray, list, dict, set, Rows)) or (isinstance(left, Tracer) and not left.is_scalar)
        return function(left, right) if is_changed else arithmetic.binary(symbol, left, right)

    def contains(self, item: Any, container: Any) -> Any:
        """``item in container``."""
        if isinstance(item, Maybe):
            return item.each(lambda value: self.contains(value, container))
        container = known(container)
        if isinstance(item, OneOf):
            if isinstance(container, (list, tuple, set)) and not calls.has_traced(container):
                return item.truth_of(lambda value: value in container)
            return distributed(self.contains, (item, container), {})
        if is_known_by_number(container, item):
            return is_key(container, item)
        if isinstance(container, Rows) and container.listed is None:
            return container.contains(item)
        if isinstance(container, Comprehension):
            return calls.call(any)(self.genexp(container, functools.partial(self.compare, "==", item)))
        if isinstance(container, Indexed):
            items = handed_on(container)
            assert items is not None
            return calls.call(bool)(items.contains(item))
        if isinstance(container, (Tracer, np.ndarray)) and (calls.has_traced(item) or isinstance(container, Tracer)):
            found: Any = np.any(as_tracer(container) == item)
            return new(found.value, weak=True)
        if calls.has_traced((item, container)) and isinstance(container, (list, tuple, set, range)):
            found = False
            for candidate in container:
                found = self.or_(found, functools.partial(self.compare, "==", item, candidate))
            return found
        if isinstance(container, dict):
            note_key(container, item)
            return is_there(container, "item", item)
        method = calls.users_method(container, "__contains__")
        if method is not None:
            return calls.call(bool)(method(container, item))
        return item in container

    # texts

    def text(self, *pieces: Any) -> str:
        """An f-string."""
        for k, piece in enumerate(pieces):
            value = known(piece[0]) if isinstance(piece, tuple) else None
            if isinstance(value, OneOf):
                return value.each(lambda value: self.text(*pieces[:k], (value, *piece[1:]), *pieces[k + 1 :]))  # noqa: B023
        return joined(*(piece if isinstance(piece, str) else in_format(*piece) for piece in pieces))

    def interpolate(self, template: str, values: Any) -> str:
        """``template % values``."""
        return interpolated(template, values) if calls.has_traced(values) else template % values

    # names

    def rebinds(self, look: types.FunctionType) -> None:
        """Variables around a function, which ``look`` reads, are about to be assigned."""
        for cell, name in _cells(look):
            remember(cell, "variable", name)
        for name in look.__code__.co_names:
            remember(look.__globals__, "item", name)

    def owns(self, look: types.FunctionType) -> None:
        """So are variables that a block takes in and hands on itself."""
        active_trace().scope.owned.update((id(cell), cell) for cell, _ in _cells(look))

    def undefined(self, name: str) -> Undefined:
        """The value of a variable that has none yet."""
        return Undefined(name)

    def bound(self, value: Any) -> Any:
        """The value, or the error for a variable that has none; where only the run tells, the program raises it."""
        if isinstance(value, Perhaps):
            value = value.known()
        found = _undefined_part(value)
        if found is not None:
            raise no_value(found.name)
        return value


def _cells(look: types.FunctionType) -> Iterator[tuple[types.CellType, str]]:
    return zip(look.__closure__ or (), look.__code__.co_freevars, strict=True)


def _undefined_part(value: Any) -> Undefined | None:
    """What has no value in a variable, or in a tuple that stands for one that has none."""
    if isinstance(value, Undefined):
        return value
    return next(filter(None, map(_undefined_part, value)), None) if type(value) is tuple else None


def _plain(container: Any) -> Any:
    """A list as one of Python's, where that is what a list in arrays has become."""
    return container.listed if isinstance(container, Rows) and container.listed is not None else container


def _static_index(container: Any, index: Any) -> Any:
    """An index of a Python container, as a number that is known now."""
    if isinstance(index, Tracer) and isinstance(index.dim, int):
        return index.dim
    if isinstance(index, Tracer):
        raise Concretize(
            f"a {type(container).__name__} is indexed by {describe(index)}, which is known only when the program runs; "
            "put its items into one array with np.stack, or loop over the items themselves",
            index,
        )
    return index


OPERATORS = Operators()
calls.OPERATORS.append(OPERATORS)

__all__ = ["OPERATORS", "Operators"]
