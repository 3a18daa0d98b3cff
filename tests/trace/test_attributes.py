"""What traced values have for classes and attributes: those of the arrays and numbers that they stand for."""

from __future__ import annotations

import collections.abc
import numbers
from typing import Any

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

NAMES = (
    "__array__", "__iter__", "__len__", "assign", "bit_length", "cell", "dim", "dtype", "flags", "index", "is_integer", "items", "length",
    "mro", "name", "real", "shape", "sum", "tree", "type", "value", "values", "views", "weak",
)  # fmt: skip
CLASSES = (
    int,
    float,
    bool,
    list,
    np.ndarray,
    np.generic,
    np.floating,
    np.integer,
    numbers.Number,
    numbers.Integral,
    numbers.Real,
)
ABSTRACT = (collections.abc.Iterable, collections.abc.Sequence, collections.abc.Sized, collections.abc.Callable)


def values(x: Any, number: Any, count: Any) -> list[Any]:
    """Arrays, NumPy's scalars, Python's numbers, sizes and lists."""
    numbers_of_a_loop = []
    for v in x:
        numbers_of_a_loop.append(v * 2)
    return [x, x[0], x.sum(), np.asarray(number), number, number * 2, number > 1, count, count + 1, len(x), numbers_of_a_loop]


def attributes_that_are_there(x, number, count):
    return [[hasattr(value, name) for name in NAMES] for value in values(x, number, count)]


def attributes_with_a_default(x, number, count):
    return [
        [getattr(value, name, None) is None for name in ("value", "name", "cell", "dim")] for value in values(x, number, count)
    ]


def attributes_tried(x, number, count):
    found = []
    for value in values(x, number, count):
        try:
            value.shape  # noqa: B018
        except AttributeError:
            found.append(str(type(value).__name__))
        try:
            found.append(value.value)
        except AttributeError as error:
            found.append(str(error))
    return found


def an_attribute_tried_by_the_caller(x, number, count):
    def unit_of(quantity):
        return quantity.type

    try:
        return unit_of(x)
    except AttributeError:
        return 2 * x


def classes(x, number, count):
    return [
        [
            *(isinstance(v, c) for c in CLASSES + ABSTRACT),
            v.__class__ is type(v),
            v.__class__.__name__,
            callable(v),
            np.isscalar(v),
        ]
        for v in values(x, number, count)
    ]


@pytest.mark.parametrize(
    "program",
    [attributes_that_are_there, attributes_with_a_default, attributes_tried, an_attribute_tried_by_the_caller, classes],
    ids=lambda program: program.__name__,
)
def test_what_is_asked_of_values(program) -> None:
    arguments = (np.arange(1.0, 4.0), 2.5, 3)
    with interpreting():
        found = jg.jit(program)(*arguments)
    np.testing.assert_equal(found, program(*arguments))


class Account:
    """Attributes whose names are private to the class."""

    def __init__(self, balance: Any) -> None:
        self.__balance, self.__times, self.__seen__ = balance, 0, 0

    def pay(self, amount: Any) -> Any:
        if amount > 0:
            self.__balance = self.__balance + amount
            self.__times += 1
            self.__seen__ += 1
        return self.__balance

    def __hidden(self) -> Any:
        return self.__balance, self.__times, self.__seen__

    def all(self) -> Any:
        class _Other:
            def __init__(self, value: Any) -> None:
                self.__value = value
                del self.__value
                self.__value = value * 2

            def get(self) -> Any:
                return self.__value

        return (*self.__hidden(), hasattr(self, "_Account__balance"), hasattr(self, "__balance"), _Other(3.0).get())


def test_private_attributes() -> None:
    def program(x):
        account = Account(x)
        for v in x:
            account.pay(v)
        return account.all()

    x = np.array([1.0, -2.0, 3.0])
    with interpreting():
        found = jg.jit(program)(x)
    np.testing.assert_equal(found, program(x))


class Asked(type):
    def __getattr__(cls, name):
        if name == "scale":
            return 3.0
        raise AttributeError(name)


class Distance(metaclass=Asked):
    offset = 0.5

    @classmethod
    def of(cls, a, b):
        return cls.scale * abs(a - b) + cls.offset


class Squared(Distance):
    @staticmethod
    def of_number(a):
        return a * a


def test_attributes_of_classes_whose_class_is_asked_for_others() -> None:
    def program(x):
        return Squared.of(x, 1.0) + Squared.of_number(x) + hasattr(Squared, "scale") + hasattr(Squared, "other")

    with interpreting():
        assert jg.jit(program)(2.5) == program(2.5)
