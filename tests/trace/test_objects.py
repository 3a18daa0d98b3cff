"""What traced loops and branches do to Python objects: attributes, items and lists, against plain Python."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from alike import same
from interpreted import interpreting

import jitgrad as jg


class Counter:
    def __init__(self) -> None:
        self.total = 0.0
        self.seen: dict[str, Any] = {"positive": 0.0}
        self.history: list[Any] = []

    def hit(self, x: Any) -> None:
        if x > 0:
            self.total = self.total + x
            self.seen["positive"] += 2 * x
        else:
            self.total = self.total - 0.5 * x


def attributes_in_a_loop(x):
    counter = Counter()
    for i in range(len(x)):
        counter.hit(x[i])
    return counter.total + counter.seen["positive"]


def objects_made_in_the_loop(x):
    total = 0.0
    for i in range(len(x)):
        counter = Counter()
        counter.history.append(x[i] * 2)
        counter.hit(x[i])
        total = total + counter.total + counter.history[0]
    return total


def aliases_of_a_dict(x):
    first = {"a": 0.0}
    second = first
    for v in x:
        first["a"] = first["a"] + v**2
    return second["a"]


def list_that_grows(x):
    points = [x]
    for _ in range(4):
        points.append(points[-1] + 0.1 * np.sin(points[-1]))
    return np.array(points).sum()


def list_that_grows_with_the_array(x):
    values = []
    for v in x:
        values.append(np.sin(v))
    return np.sum(np.array(values) ** 2)


def attribute_in_a_branch(x):
    counter = Counter()
    if x[0] > 0:
        counter.total = x[1]
    else:
        counter.total = x[2] * 3
    return counter.total * 2


def attribute_in_a_while(x):
    counter = Counter()
    while counter.total < 3.0:
        counter.total = counter.total + x[0] ** 2
    return counter.total * x[1]


def attribute_in_a_differentiated_function(x):
    counter = Counter()

    def loss(y):
        counter.total = np.sum(y) * 2
        counter.history.append(y[0] * 3)
        return np.sum(y**2)

    return loss(x) + counter.total + counter.history[0]


@pytest.mark.parametrize(
    "program",
    [attributes_in_a_loop, objects_made_in_the_loop, aliases_of_a_dict, list_that_grows, list_that_grows_with_the_array,
     attribute_in_a_branch, attribute_in_a_while, attribute_in_a_differentiated_function],
)  # fmt: skip
def test_objects(program):
    x = np.array([0.7, -1.2, 0.4, 2.0])
    direction, h = np.array([1.0, 0.5, -0.3, 0.2]), 1e-6
    slope = (program(x + h * direction) - program(x - h * direction)) / (2 * h)
    with interpreting():
        value, gradient = jg.value_and_grad(program)(x)
    np.testing.assert_allclose(value, program(x), rtol=1e-14)
    np.testing.assert_allclose(gradient @ direction, slope, rtol=1e-7)


def test_changes_in_a_gradient_inside_are_seen_outside():
    def program(x):
        counter = Counter()

        def loss(y):
            counter.total = np.sum(y) * 2
            counter.history.append(y[0] * 3)
            return np.sum(y**2)

        gradient = jg.grad(loss)(x)
        return np.sum(gradient) + counter.total + counter.history[0]

    x = np.array([1.0, 2.0])
    with interpreting():
        assert jg.jit(program)(x) == 6.0 + 6.0 + 3.0


class Grid:
    def __init__(self, size):
        self.data = np.zeros(size)
        self.history = []

    def __getitem__(self, place):
        return self.data[place]

    def __setitem__(self, place, value):
        self.data[place] = value * 2
        if value > 0:
            self.data[0] += 1

    def __contains__(self, value):
        return np.any(self.data == value)

    def __len__(self):
        return len(self.data)


class Tally:
    total = 0.0

    def add(self, value):
        Tally.total = Tally.total + value
        return value


class Doubled:
    def __init__(self):
        self.hidden = 0.0

    @property
    def value(self):
        return self.hidden

    @value.setter
    def value(self, value):
        self.hidden = value * 2


def arrays_made_by_classes(x):
    grid = Grid(3)
    for i in range(3):
        grid[i] = x[i]
    first, second = Grid(3), Grid(3)
    if x[0] > 0:
        first[0] = x[1]
        second.data = x * 2
    else:
        second[1] = 5.0
    return grid.data, grid[1], 6.0 in grid, len(grid), first.data, np.sum(second.data)


def attributes_of_classes(x):
    Tally.total = 0.0
    counter = Tally()
    for v in x:
        counter.add(v)
    return Tally.total


def properties_that_are_set(x):
    doubled = Doubled()
    for v in x:
        doubled.value = v
    if x[0] > 0:
        doubled.value = doubled.value + 1
    else:
        doubled.value = 7.0
    return doubled.value, doubled.hidden


class Gauge:
    """Computes attributes in every way that Python knows."""

    def __init__(self, values):
        self.values = values
        self.count = 0.0

    def __getattr__(self, name):
        if name == "spare":
            return -1.0 if self.values[0] > 0 else 1.0
        raise AttributeError(name)

    @property
    def length(self):
        return math.sqrt(sum(v * v for v in self.values))

    @functools.cached_property
    def largest(self):
        self.count += 1.0
        found = self.values[0]
        for v in self.values:
            if v > found:
                found = v
        return found


def attributes_that_are_computed(x):
    gauge = Gauge(x)
    has = hasattr(gauge, "length"), hasattr(gauge, "nothing"), hasattr(gauge, "spare")
    total = gauge.largest + gauge.largest * gauge.length
    return total, gauge.count, gauge.spare, getattr(gauge, "length", 0.0), getattr(gauge, "nothing", 2.0), has


def classes_of_the_function(x):
    class Account:
        __slots__ = ("_kept", "balance")
        fee = 0.5

        class Note:
            def sign(self, value):
                return -1.0 if value < 0 else 1.0

        def __init__(self, balance=0.0):
            self._kept, self.balance = [], balance

        def move(self, value):
            if value > 0:
                self.balance = self.balance + value - self.fee * x[1]
            return self

        @property
        def double(self):
            return self.balance * 2 if self.balance > 1 else 0.0

        @classmethod
        def opened(cls, value):
            return cls(value if value > 0 else 10.0)

    class Savings(Account):
        def move(self, value):
            if value < 0:
                value = -value
            super().move(value)
            return super().opened(value).balance + self.Note().sign(x[1])

    account, savings = Account(), Savings(1.0)
    total = 0.0
    for v in x:
        account.move(v)
        total = total + savings.move(v)
    return account.balance, savings.balance, total, savings.double, Account.opened(x[1]).balance


@pytest.mark.parametrize(
    "program",
    [
        arrays_made_by_classes,
        attributes_of_classes,
        properties_that_are_set,
        attributes_that_are_computed,
        classes_of_the_function,
    ],
)
def test_special_methods_are_followed(program):
    compiled = jg.jit(program)
    with interpreting():
        for x in (np.array([1.0, -2.0, 3.0]), np.array([-1.0, 2.0, 0.5])):
            found, expected = compiled(x), program(x)
            if not isinstance(expected, tuple):
                found, expected = (found,), (expected,)
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-14)


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        raise AttributeError("points cannot be compared")


def test_objects_that_a_branch_makes_are_not_compared():
    def program(x):
        point = Point(x) if x > 0 else Point(-x)
        return point.x

    with (
        interpreting(),
        pytest.raises(NotImplementedError, match=r"Point object at .*, depending on a value that is known only when"),
    ):
        jg.jit(program)(1.0)


class Tracker:
    """Knows no measurement before the first, and says so with an array of None."""

    def __init__(self, size):
        self.last = np.array([[None] * size]).T
        self.mean = np.zeros((size, 1))

    def take(self, z):
        if z is None:
            self.last = np.array([[None] * len(self.mean)]).T
            return
        self.last = np.reshape(z, (len(self.mean), 1)) * 2
        self.mean = self.mean + 0.1 * (self.last - self.mean)


def tracked(x):
    tracker = Tracker(1)
    for z in x:
        tracker.take(z)
    return tracker.mean, tracker.last


def tracked_where_positive(x):
    tracker = Tracker(1)
    if x[0] > 0:
        tracker.take(x[0])
    return tracker.last[0, 0]


def test_arrays_of_none_stand_where_numbers_will_be():
    x = np.array([1.0, -2.0, 3.0])
    with interpreting():
        same(jg.jit(tracked)(x), tracked(x))
        same(jg.jit(tracked_where_positive)(x), tracked_where_positive(x))
        jg.check_grads(lambda x: np.sum(tracked(x)[0]), (x,), order=1)
        with pytest.raises(AttributeError, match="'Tracker' object has no attribute 'last'"):
            jg.jit(tracked_where_positive)(-x)
        found = jg.jit(lambda x: (np.copy(np.array([None, None])), x))(x)[0]
    assert found.dtype == object and found.tolist() == [None, None]


def test_arrays_of_other_objects_are_refused():
    with interpreting(), pytest.raises(TypeError, match="gives an object array; jitgrad compiles arrays of numbers only"):
        jg.jit(lambda x: np.array([None, 1.0]) if x > 0 else x)(1.0)


class Smoother:
    def __init__(self, x):
        self.x = x
        self.error = np.zeros(2)

    def update(self, z):
        self.error = z - self.x[0]
        self.x = self.x + 0.3 * self.error


def smoothed(zs):
    smoother = Smoother(np.array([0.0, 1.0]))
    for z in zs:
        smoother.update(z)
    return smoother


def test_attributes_of_some_shape_that_nobody_reads_after_a_loop():
    zs = np.array([1.0, -2.0, 3.0])
    with interpreting():
        jg.check_grads(lambda zs: np.sum(smoothed(zs).x ** 2), (zs,), order=2)
        same(jg.jit(jg.checkpoint(lambda zs: smoothed(zs).x))(zs), smoothed(zs).x)
        with pytest.raises(NotImplementedError, match=r"attribute error is an array of shape .* on some ways"):
            jg.grad(lambda zs: np.sum(smoothed(zs).error))(zs)


def test_attributes_of_some_shape_outside_of_a_gradient():
    def program(zs):
        smoother = Smoother(np.array([0.0, 1.0]))

        def loss(zs):
            for z in zs:
                smoother.update(z)
            return np.sum(smoother.x)

        return jg.grad(loss)(zs), smoother

    zs = np.array([1.0, -2.0, 3.0])
    with interpreting():
        same(jg.jit(lambda zs: program(zs)[1].x)(zs), smoothed(zs).x)
        with pytest.raises(NotImplementedError, match=r"error is an array of shape .* on some ways"):
            jg.jit(lambda zs: np.sum(program(zs)[1].error))(zs)


class Vector(np.ndarray):
    """A subclass of NumPy's arrays, as libraries of rotations have it."""

    def __new__(cls, values):
        return np.asarray(values).view(cls)


def test_subclasses_of_arrays_are_refused():
    with (
        interpreting(),
        pytest.raises(NotImplementedError, match=r"Vector is a subclass of numpy\.ndarray.*an array as an attribute"),
    ):
        jg.jit(lambda x: Vector(x) * 2)(np.ones(2))
