"""Lists, dicts and dataclasses that a compiled function changes: the caller's change as plain Python changes them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

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


CASES: list[tuple[Callable[..., Any], Any]] = [
    (longer_list, [1.0, 2.0, 3.0]),
    (items_of_a_dict, {"a": X, "b": Y, "n": 3, "gone": 1.0}),
    (arrays_change_places, [X, Y]),
    (nested, {"p": {"w": X}, "s": [1.0, (2.0, [3.0])]}),
    (in_a_branch, {"a": 1.0}),
    (data, State(X)),
    (of_a_copy, {"a": 1.0}),
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
