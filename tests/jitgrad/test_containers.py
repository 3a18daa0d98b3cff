"""Lists, dicts and dataclasses that a compiled function changes: the caller's change as plain Python changes them."""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X, Y = np.array([0.5, -1.5, 2.0]), np.arange(3.0)


@dataclass
class State:
    x: Any
    n: int = 0


def longer_list(numbers, t):
    numbers.append(sum(numbers))
    numbers[0] = t


def items_of_a_dict(d, t):
    d["a"] = d["a"] * t
    d["b"] *= 2
    d["n"] += 1
    d["new"] = {"value": t, "list": [d["a"][0]]}
    del d["gone"]


def arrays_change_places(pair, t):
    pair[0], pair[1] = pair[1], pair[0]
    pair[0][0] = t


def nested(d, t):
    d["p"]["w"] = d["p"]["w"] - t
    d["s"][1][1][0] = 7.0
    for i in range(3):
        d["s"][0] += i
    return d


def in_a_branch(d, t):
    if t > 0:
        d["a"] = t
    else:
        d["a"] = -1.0


def data(state, t):
    state.x = state.x * t
    if t > 0:
        state.n = state.n + 1


def of_a_copy(d, t):
    d = dict(d)
    d["a"] = t
    return d["a"]


def items_in_while_loops(numbers, t):
    other, k = numbers, 0
    while numbers[k] > t:
        numbers[k], numbers[-1] = other[-1] + t, numbers[k]
        k += 1
    other[0] += 1.0
    while abs(t) < 4:
        numbers[k % 2] *= 0.5
        t = 2 * t
    return numbers, other[0], k


def items_of_lists_in_a_while_loop(d, t):
    k = 0
    while k < abs(t):
        d["a"][k], d["b"][1][0] = d["b"][1][k], d["a"][k] * t
        k += 1
    d["a"][2] = 7.0


def items_at_places_of_the_run_in_branches(numbers, t):
    k = 0
    while k < abs(t):
        k += 1
    if t > 0:
        numbers[k], numbers[0] = t, numbers[k]
    other = numbers
    if numbers[0] > 1:
        other[k - 1] += 0.5
    return numbers[0], other


def longer_in_a_loop_of_many_turns(numbers, t):
    for k in range(100):
        numbers.append(k * t)


CASES: list[tuple[Callable[..., Any], Any]] = [
    (longer_list, [1.0, 2.0, 3.0]),
    (items_of_a_dict, {"a": X, "b": Y, "n": 3, "gone": 1.0}),
    (arrays_change_places, [X, Y]),
    (nested, {"p": {"w": X}, "s": [1.0, (2.0, [3.0])]}),
    (in_a_branch, {"a": 1.0}),
    (data, State(X)),
    (of_a_copy, {"a": 1.0}),
    (items_in_while_loops, [3.5, 4.0, -1.0, 0.5]),
    (items_of_lists_in_a_while_loop, {"a": [1.0, 2.0, 3.0], "b": (0.5, [4.0, 5.0, 6.0])}),
    (items_at_places_of_the_run_in_branches, [1.0, 0.5, -1.0, 4.0]),
    (longer_in_a_loop_of_many_turns, [1.0]),
]


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("program", "argument"), CASES, ids=[program.__name__ for program, _ in CASES])
def test_the_callers_change_as_in_python(program: Callable[..., Any], argument: Any, compiled: bool) -> None:
    with nullcontext() if compiled else interpreting():
        run = jg.jit(program)
        for t in (2.0, -0.5, 3.0):
            found, expected = copy.deepcopy(argument), copy.deepcopy(argument)
            assert_alike(run(found, t), program(expected, t))
            assert_alike(found, expected)


def test_objects_stay_the_same() -> None:
    argument = {"p": {"w": X.copy()}, "s": [1.0, (2.0, [3.0])]}
    inner, deep, array = argument["p"], argument["s"][1][1], argument["p"]["w"]  # type: ignore[index]
    pair = [X.copy(), Y.copy()]
    first, second = pair
    with interpreting():
        jg.jit(nested)(argument, 1.0)
        jg.jit(arrays_change_places)(pair, 5.0)
    assert argument["p"] is inner and argument["s"][1][1] is deep and array is not inner["w"]  # type: ignore[index]
    assert pair[0] is second and pair[1] is first and second[0] == 5.0


def test_derivatives_change_them_too() -> None:
    def loss(d: dict[str, Any], seen: list[Any]) -> Any:
        d["a"] = d["a"] * 2
        seen.append(d["a"])
        return np.sum(d["a"] ** 2)

    d, seen = {"a": X.copy()}, [0.0]
    with interpreting():
        value, gradient = jg.value_and_grad(loss)(d, seen)
    assert value == np.sum(4 * X**2)
    np.testing.assert_allclose(gradient["a"], 8 * X)
    np.testing.assert_allclose(d["a"], 2 * X)
    np.testing.assert_allclose(seen[1], 2 * X)


def test_gradients_belong_to_the_arguments_as_they_were() -> None:
    def longer(numbers: list[Any], x: Any) -> Any:
        numbers.append(7.0)
        return numbers[0] * x**2

    def shorter(numbers: list[Any], x: Any) -> Any:
        last = numbers.pop()
        return last * x**3

    with interpreting():
        numbers = [2.0, 3.0]
        found = jg.grad(longer, argnums=(0, 1))(numbers, 5.0)
        assert found == ([25.0, 0.0], 20.0) and numbers == [2.0, 3.0, 7.0]
        assert jg.grad(shorter, argnums=(0, 1))(numbers, 2.0) == ([0.0, 0.0, 8.0], 84.0) and numbers == [2.0, 3.0]


def test_derivatives_change_lists_in_while_loops() -> None:
    def loss(numbers: list[Any], t: Any) -> Any:
        k = 0
        while t > 1:
            numbers[k] = numbers[k] * t
            t, k = t / 2, k + 1
        return numbers[0] + numbers[1] ** 2

    numbers = [2.0, 3.0, 4.0]
    with interpreting():
        gradients = jg.grad(loss, argnums=(0, 1))(numbers, 3.0)
    assert numbers == [6.0, 4.5, 4.0]
    np.testing.assert_allclose(gradients[0], [3.0, 2 * 4.5 * 1.5, 0.0])
    np.testing.assert_allclose(gradients[1], 2.0 + 2 * 4.5 * 1.5)


def test_a_list_of_the_callers_that_gets_as_many_items_as_only_the_run_knows_is_refused() -> None:
    def program(numbers: list[Any], t: Any) -> Any:
        while t > 1:
            numbers.append(t)
            t = t / 2
        return t

    for transform in (jg.jit, lambda f: jg.grad(f, argnums=1)):
        with interpreting(), pytest.raises(UnsupportedError, match=r"\(argument 1\) becomes longer .* items = list\(items\)"):
            transform(program)([1.0], 3.0)


# the same container in several places


def writes_one(a: Any, b: Any) -> Any:
    a[0] = 5.0
    return b[0] * 2


def makes_one_longer(a: Any, b: Any) -> Any:
    a.append(5.0)
    return len(b)


def sets_a_field(a: Any, b: Any) -> Any:
    a.x = 5.0
    return b.x


def writes_inside(a: Any, b: Any) -> Any:
    a["k"][0] = 5.0
    return b["k"][0]


SHARED: list[tuple[Callable[..., Any], Any]] = [
    (writes_one, [1.0, 2.0]), (makes_one_longer, [1.0]), (sets_a_field, State(1.0)), (writes_inside, {"k": [1.0]}),
    (writes_one, deque([1.0, 2.0])), (writes_one, {0: 1.0}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("program", "container"), SHARED, ids=[f"{program.__name__}_{type(c).__name__}" for program, c in SHARED]
)
def test_one_container_as_two_arguments_is_refused_where_it_is_written(program: Callable[..., Any], container: Any) -> None:
    before = copy.deepcopy(container)
    with interpreting():
        run = jg.jit(program)
        for _ in range(2):
            with pytest.raises(ValueError, match=r"is argument 2.* as well, and the function writes to it"):
                run(container, container)
        assert_alike(container, before)
        other = copy.deepcopy(container)
        assert_alike(run(container, other), program(before, copy.deepcopy(before)))  # two of them are followed
        assert_alike(container, before)


def test_a_list_in_two_places_of_an_argument_is_refused_where_it_is_written() -> None:
    def program(d: Any) -> Any:
        d["a"][0] = 7.0
        return d["b"][0]

    one = [1.0]
    with interpreting(), pytest.raises(ValueError, match=r"the list argument 1\['a'\] is argument 1\['b'\] as well"):
        jg.jit(program)({"a": one, "b": one})


def test_one_container_as_two_arguments_may_be_read() -> None:
    one = [1.0, 2.0]
    with interpreting():
        assert jg.jit(lambda a, b: a[0] + b[1])(one, one) == 3.0


def test_one_array_in_two_containers_is_one_array() -> None:
    def program(a: Any, b: Any) -> Any:
        a["x"][0] = 7.0
        return b[0][0] + b[0][1]

    array = X.copy()
    with interpreting():
        assert jg.jit(program)({"x": array}, [array]) == 7.0 + X[1]
    assert array[0] == 7.0


OTHERS: list[Any] = [deque([1.0, 2.0]), OrderedDict({0: 1.0}), defaultdict(float, {0: 1.0})]


@pytest.mark.parametrize("container", OTHERS, ids=lambda container: type(container).__name__)
def test_other_containers_change_too(container: Any) -> None:
    def program(c: Any, t: float) -> Any:
        c[0] = c[0] + t
        return c[0] * 2

    expected = copy.deepcopy(container)
    with interpreting():
        assert jg.jit(program)(container, 3.0) == program(expected, 3.0)
    assert container == expected and type(container) is type(expected)


def test_deques_become_longer() -> None:
    window = deque([1.0, 2.0])
    with interpreting():
        jg.jit(lambda d, t: d.append(t))(window, 3.0)
    assert window == deque([1.0, 2.0, 3.0])


class Meter:
    def __init__(self) -> None:
        self.items, self.sums, self.count = [1.0], {"k": 1.0}, 0.0

    @jg.jit
    def step(self, x: float) -> Any:
        self.items[0] = self.items[0] * x
        self.sums["k"] += x
        self.items.append(x)
        self.count = self.count + 1
        return self.items[0]


def test_containers_of_the_object_that_a_method_is_called_on_change() -> None:
    meter = Meter()
    items = meter.items
    with interpreting():
        assert meter.step(3.0) == 3.0
    assert (items, meter.items is items, meter.sums, meter.count) == ([3.0, 3.0], True, {"k": 4.0}, 1.0)


# objects that are parts of the program


class Plain:
    def __init__(self, rate: Any, items: Any = None) -> None:
        self.rate, self.items = rate, items


class Slotted:
    __slots__ = ("rate",)

    def __init__(self, rate: Any) -> None:
        self.rate = rate


@pytest.mark.parametrize("make", [Plain, Slotted])
def test_an_object_that_has_changed_is_another_argument(make: Any) -> None:
    thing = make(2.0)
    with interpreting():
        run = jg.jit(lambda o, x: o.rate * x)
        found = [run(thing, 3.0)]
        thing.rate = 5.0
        found += [run(thing, 3.0), run(thing, 4.0)]
    assert found == [6.0, 15.0, 20.0] and len(run.programs) == 2


def test_items_of_an_object_that_have_changed_are_seen() -> None:
    thing = Plain(2.0, [1.0, {"k": Plain(3.0)}])
    with interpreting():
        run = jg.jit(lambda o, x: o.items[1]["k"].rate * o.items[0] * x)
        assert run(thing, 2.0) == 6.0
        thing.items[1]["k"].rate = 4.0
        assert run(thing, 2.0) == 8.0
        thing.items[0] = -1.0
        assert run(thing, 2.0) == -8.0


def set_attribute(o: Any, x: float) -> Any:
    o.rate = x
    return o.rate


def count_up(o: Any, x: float) -> Any:
    o.rate += 1
    return o.rate * x


def set_item(o: Any, x: float) -> Any:
    o.items[0] = x
    return x


@pytest.mark.parametrize("program", [set_attribute, count_up, set_item])
def test_changes_of_objects_that_are_parts_of_the_program_are_refused(program: Callable[..., Any]) -> None:
    thing = Plain(2.0, [1.0])
    with interpreting(), pytest.raises(NotImplementedError, match="the function changes argument o, of class Plain"):
        jg.jit(program)(thing, 3.0)
    assert (thing.rate, thing.items) == (2.0, [1.0])


def test_objects_may_keep_what_they_compute_once() -> None:
    class Lazy:
        table: Any = None

        def get(self) -> Any:
            if self.table is None:
                self.table = [1.0, 2.0]
            return self.table

    with interpreting():
        run, thing = jg.jit(lambda o, x: o.get()[1] * x), Lazy()
        assert [run(thing, 3.0), run(thing, 4.0)] == [6.0, 8.0]


def assert_alike(found: Any, expected: Any) -> None:
    assert type(found) is type(expected) or np.isscalar(expected)
    if isinstance(expected, State):
        found, expected = vars(found), vars(expected)
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_alike(found[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        for a, b in zip(found, expected, strict=True):
            assert_alike(a, b)
    elif expected is not None:
        np.testing.assert_allclose(found, expected, rtol=1e-14)
