"""Python's operators in traced functions, where operands are more than numbers and arrays: next to plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([0.5, -1.5, 2.0, 0.25])


class Dual:
    """A number with its derivative, whose operators branch."""

    def __init__(self, value: Any, slope: Any = 0.0) -> None:
        self.value, self.slope = value, slope

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Dual):
            other = Dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Dual):
            return Dual(self.value * other, self.slope * other)
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __imul__(self, other: Any) -> Any:
        if other > 1:
            self.value *= other
        self.slope *= other
        return self

    def __abs__(self) -> Any:
        sign = 1 if self.value > 0 else -1
        return Dual(sign * self.value, sign * self.slope)

    def __lt__(self, other: Any) -> Any:
        return self.value < other.value if self.value > -1 else True

    def __bool__(self) -> Any:
        return bool(self.value != 0)

    def __float__(self) -> float:
        return float(self.value)


class Steep(Dual):
    def __rmul__(self, other: Any) -> Any:
        return Dual(math.sqrt(other.value * other.value), 100.0)


class Unwilling:
    value = 3.0

    def __mul__(self, other: Any) -> Any:
        return NotImplemented


@dataclass(order=True)
class Point:
    x: Any
    y: Any = 0.0


class Side(Enum):
    LEFT = 1


class Shift:
    text = "shift"

    def __init__(self, by: Any) -> None:
        self.by = by

    def __mul__(self, other: Any) -> Any:
        return _labelled(1.0, self.by * 2)

    def __rmul__(self, other: Any) -> Any:
        return _labelled(2.0, self.by * 3)

    def __add__(self, other: Any) -> Any:
        return _labelled(3.0, self.by)

    def __radd__(self, other: Any) -> Any:
        return _labelled(4.0, self.by)


class Turn(Shift):
    def __radd__(self, other: Any) -> Any:
        return _labelled(5.0, self.by)


def _labelled(text: float, by: Any) -> Any:
    shift = Shift(by)
    shift.text = text
    return shift


class Pair(NamedTuple):
    one: Any
    two: Any


def _tuple(d: Dual) -> tuple[Any, Any]:
    return d.value, d.slope


def arithmetic(x):
    a, b = Dual(x[0], 1.0), Dual(x[1])
    return _tuple(a * b + 2.0 * a - x[2] * b + (3 - a) * (1 + b) - 5)


def branches(x):
    a = abs(Dual(x[1], 1.0)) + abs(Dual(x[0], 1.0))
    a *= x[2]
    return _tuple(a), a < Dual(3.0), Dual(x[1]) < a


def truth(x):
    a, b = Dual(x[0]), Dual(x[0] - 0.5)
    return (1 if a else 2), (1 if b else 2), not b, bool(a)


def subclass_is_asked_first(x):
    return _tuple(Dual(x[1]) * Steep(x[0])), _tuple(Dual(x[1]) * Dual(x[0]))


def the_other_is_asked(x):
    return _tuple(Unwilling() * Steep(x[0]))


def in_a_loop(x):
    total = Dual(0.0)
    for v in x:
        total = total * 0.5 + Dual(v, 1.0)
    return _tuple(total), _tuple(sum([Dual(x[0], 1.0), Dual(x[1])], Dual(1.0)))


def tuples(x):
    a, b = (x[0], x[1]), (x[0], x[2])
    return (
        a < b,
        a <= a,
        a == b,
        a != b,
        a > (x[0],),
        (1, x[0]) < (2, x[1]),
        (x[0], x[1]) == (x[0],),
        [x[0]] == [0.5],
        b in [a, b],
    )


def the_least_tuple(x):
    return min((x[i], i) for i in range(4)), max((x[0], 1), (x[0], 2), (x[1], 7)), min((2, x[0]), (1, x[1]))


def data(x):
    a, b = Point(x[0], x[1]), Point(x[0], x[2])
    return a == b, a != b, a < b, max(a, b).y, Pair(x[0], x[1]) < Pair(x[0], x[2])


def repeated_lists(x, n=3):
    zeros = [0.0] * n
    for i in range(n):
        zeros[i] = zeros[i] + i
    return sum(zeros), len([x[0]] * n), sum(n * [x[2]]), sum([1, 2] * 2)


def divided(x, n=7):
    return n // 3, n % 3, -n // 2, sum(n % k for k in range(1, n)), n / 2, 7.0 // 2


def bools_by_identity(x):
    positive = bool(x[0] > 0)
    found = x[0] > 0  # a bool of NumPy's
    last = None
    for v in x:
        if v > 0.3:
            last = bool(v > 1)
    match positive:
        case False:
            k = 1
        case _:
            k = 2
    count = 0
    full = False
    while full is not True:
        count += 1
        full = count * abs(float(x[2])) > 3
    same = positive is last, last is None
    return positive is True, positive is not False, found is True, last is True, last is False, same, k, count


def compared_with_other_kinds(x):
    number = float(x[0])
    grown = []
    for v in x:
        if v > 0:
            grown.append(v)
    others = (Side.LEFT, "left", None, [], (0.5, 1), {}, Side, range(3), grown)
    return (
        tuple(number == other for other in others),
        tuple(other != number for other in others),
        number in others,
        x[0] == Side.LEFT,
    )


def lists_beside_arrays(x):
    matrix, ones = np.arange(6.0).reshape(2, 3), np.ones(2)
    pair, grown = [x[0], x[1]], [v for v in x if v > -1]
    results = matrix @ [x[0], x[1], 1.0], pair @ matrix, ones - (x[0], 2.0), pair * ones, ones < pair
    return tuple(tuple(result) for result in results), np.sum(np.ones(1) * grown)


def methods_of_subclasses(x):
    """A subclass is asked first where it has a method of its own, and not where it has inherited that."""
    a, b = Shift(x[0]), Turn(x[1])
    return (a * b).text, (b * a).text, (a + b).text, (b + a).text, (a * b).by


PROGRAMS = [
    arithmetic, branches, truth, subclass_is_asked_first, the_other_is_asked, in_a_loop, tuples, the_least_tuple, data,
    repeated_lists, divided, bools_by_identity, compared_with_other_kinds, lists_beside_arrays, methods_of_subclasses,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_gives_what_python_gives(program: Callable[..., Any]) -> None:
    for x in (X, -X, X * 0 + 0.5):
        arguments = (x, 4) if program.__code__.co_argcount == 2 else (x,)
        with interpreting():
            found, expected = jg.jit(program)(*arguments), program(*arguments)
        for a, b in zip(_flat(found), _flat(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, tuple) else [value]


def test_gradient_through_methods() -> None:
    def loss(x: Any) -> Any:
        return (abs(Dual(x[0]) * Dual(x[1])) + 2.0).value

    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(X), [1.5, -0.5, 0.0, 0.0], rtol=1e-14)


@pytest.mark.parametrize(
    "divide", [lambda n, k: n // k, lambda n, k: n % k, lambda n, k: divmod(n, k)[0], lambda n, k: n // 0 if k == 0 else n]
)
def test_integers_divided_by_zero(divide: Callable[..., Any]) -> None:
    with interpreting():
        compiled = jg.jit(divide)
        assert compiled(7, 2) == divide(7, 2)
        with pytest.raises(ZeroDivisionError):
            compiled(7, 0)


def test_arrays_and_floats_are_divided_as_by_numpy() -> None:
    with interpreting(), np.errstate(all="ignore"):
        assert jg.jit(lambda x, k: x // k)(np.array([7]), 0) == np.array([7]) // 0
        assert jg.jit(lambda x, k: x % k)(np.int64(7), 0) == np.int64(7) % 0


def test_lists_of_several_items_are_repeated_and_tuples_a_known_number_of_times() -> None:
    with interpreting():
        np.testing.assert_array_equal(jg.jit(lambda x, n: np.array([1.0, 2.0] * n) * x)(1.5, 3), np.array([1.5, 3.0] * 3))
        with pytest.raises(UnsupportedError, match=r"a tuple is repeated a value .* np.full or np.tile"):
            jg.jit(lambda x: np.array((1.0, 2.0) * int(x)) * x)(3.0)


def test_arrays_of_objects_are_refused() -> None:
    with (
        interpreting(),
        pytest.raises(UnsupportedError, match=r"NumPy makes an array of objects .* write the Dual on the left"),
    ):
        jg.jit(lambda x: (x * Dual(1.0)).value)(X)
