"""Texts, functions, enum members and items that only the run chooses, next to plain Python: values, derivatives, errors."""

from __future__ import annotations

import enum
import math
from typing import Any

import numpy as np
import pytest
from alike import same, same_slope
from interpreted import interpreting

import jitgrad as jg

RNG = np.random.default_rng(5)
VALUES = RNG.random(9)
KINDS = np.array([2, 0, 1, 1, 4, 0, 3, 2, 1])


class Mode(enum.Enum):
    IDLE = 0
    RUN = 1
    STOP = 2


def thermostat(x):
    """A controller with hysteresis."""
    state, temperature, spent = "off", 0.5, 0.0
    for v in VALUES * x:
        if temperature < 0.4:
            state = "on"
        elif temperature > 0.7:
            state = "off"
        if state == "on":
            temperature += 0.3 * v
            spent += v
        else:
            temperature -= 0.2 * v
    return temperature + spent, state


def traffic_light(x):
    state, time, passed = "red", 0.0, 0.0
    following = {"red": "green", "green": "yellow", "yellow": "red"}
    lasts = {"red": 1.0, "green": 0.8, "yellow": 0.3}
    for v in VALUES * x:
        time += v
        if time > lasts[state]:
            time -= lasts[state]
            state = following[state]
        if state in ("green", "yellow"):
            passed += v * v
        elif state != "red":
            raise ValueError(state)
    return passed, state.upper(), f"the light is {state}"


def modes(x):
    mode, energy = Mode.IDLE, 0.0
    for v in VALUES * x:
        if mode is Mode.IDLE and v > 0.4:
            mode = Mode.RUN
        elif mode == Mode.RUN and v < 0.3:
            mode = Mode.STOP
        elif mode is Mode.STOP:
            mode = Mode.IDLE
        energy += v * mode.value
    return energy, mode


def until_done(x):
    state, i, total = "start", 0, 0.0
    while state != "done":
        if state == "start":
            total += VALUES[i] * x
            state = "middle" if VALUES[i] * x > 0.4 else "end"
        elif state == "middle":
            total *= 1.1
            state = "end"
        else:
            i += 1
            state = "start" if i < 6 else "done"
    return total, state


def none_at_first(x):
    mode, total = None, 0.0
    for v in np.sort(VALUES) * x:
        total += 0.1 * v if mode in (None, "b") else 0.0
        if mode is None and v > 0.5:
            mode = "a"
        elif mode == "a" and v < 0.3:
            mode = "b"
        total += {"a": 1.0, "b": 2.0, None: 0.5}[mode] * v
    return total, mode


def made_anew(x):
    """Each iteration makes a function, of which the next one calls the last."""

    def step(t):
        return t

    total = 0.0
    for k, v in enumerate(VALUES[:4] * x):
        total += step(v)

        def step(t, k=k):
            return t * (k + 2)

    return total


def of_an_object(x):
    class Light:
        def __init__(self):
            self.state, self.time = "red", 0.0

        def advance(self, dt):
            self.time += dt
            if self.state == "red" and self.time > 1.0:
                self.state, self.time = "green", 0.0
            elif self.state == "green" and self.time > 0.5:
                self.state, self.time = "red", 0.0

    light, total = Light(), 0.0
    for v in VALUES * x:
        light.advance(v)
        total += v * v if light.state == "green" else v
    return total, light.state


def a_function(x):
    total = 0.0
    for v in VALUES * x:
        f = np.sin if v > 0.5 else math.exp
        total += f(v)
    step = (lambda y: y * y) if total > 1.0 else (lambda y: -y)
    return step(total)


def a_solver(x):
    def euler(f, y, h):
        return y + h * f(y)

    def midpoint(f, y, h):
        return y + h * f(y + 0.5 * h * f(y))

    y = x
    for v in VALUES:
        step = euler if v < 0.5 else midpoint
        y = step(lambda u, v=v: -u * v, y, 0.1)
    return y


def from_a_table(x):
    table = {0: lambda v: v, 1: lambda v: v**2, 2: np.sin, 3: np.exp, 4: lambda v: 1 / (1 + v)}
    listed = [np.cos, lambda v: v, math.sqrt, np.tanh, np.exp]
    total = 0.0
    for k, v in zip(KINDS, VALUES * x, strict=True):
        total += table[k](v) * listed[k](v)
    return total


def by_number(x):
    table = {0: ("up", 1.0), 1: ("down", 2.0), 2: ("up", 0.5)}
    total, counts = 0.0, {0: 0, 1: 0, 2: 0, 3: 0.5, 4: 0}
    for k, v in zip(KINDS, VALUES * x, strict=True):
        if k in table:
            way, step = table[k]
            total += step * v if way == "up" else -step
        total += table.get(k, ("none", 0.1))[1]
        counts[k] += 1
    return total * counts[1] + counts[3], counts


PROGRAMS = [
    thermostat,
    traffic_light,
    modes,
    until_done,
    none_at_first,
    made_anew,
    of_an_object,
    a_function,
    a_solver,
    from_a_table,
    by_number,
]


def alike(found: Any, expected: Any) -> None:
    if isinstance(expected, tuple):
        for one, other in zip(found, expected, strict=True):
            alike(one, other)
    elif isinstance(expected, (str, enum.Enum, dict)):
        assert found == expected
    else:
        same(found, expected)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_gives_what_python_gives(program: Any) -> None:
    compiled = jg.jit(program)
    with interpreting():
        for x in (0.9, 1.4):
            alike(compiled(x), program(x))
    same_slope(program, 0.9)


def ranked(x):
    scores = {"a": x[0], "b": x[1], "c": 2 * x[0]}
    known = [x[0], x[1], 2 * x[0]]
    in_order = sorted(scores, key=scores.get)
    return in_order, in_order[0] == "b", sorted(range(3), key=known.__getitem__), max(scores, key=scores.get)


def test_texts_are_put_in_the_order_of_what_the_run_computes() -> None:
    with interpreting():
        for x in (np.array([0.3, -1.5]), np.array([-0.3, 1.5]), np.array([0.1, 0.1])):
            assert jg.jit(ranked)(x) == ranked(x)


def test_the_kernels_do_what_the_interpreter_does() -> None:
    alike(jg.jit(traffic_light)(0.9), traffic_light(0.9))


def test_the_caller_sees_a_text_that_the_run_chooses() -> None:
    def switched(machine, x):
        if x > 0.0:
            machine["state"] = "on"
        return x

    given = [{"state": "off"}, {"state": "off"}]
    with interpreting():
        compiled = jg.jit(switched)
        compiled(given[0], 1.0)
        compiled(given[1], -1.0)
    assert [machine["state"] for machine in given] == ["on", "off"]


def test_a_key_that_is_not_there_is_an_error_of_the_run() -> None:
    def looked_up(k):
        return {1: 2.0, 3: 4.0}[k]

    def at_place(k):
        return [np.sin, np.cos][k](1.0)

    with interpreting():
        assert jg.jit(looked_up)(3) == 4.0
        assert jg.jit(at_place)(-1) == np.cos(1.0)
        with pytest.raises(KeyError, match="2"):
            jg.jit(looked_up)(2)
        with pytest.raises(IndexError):
            jg.jit(at_place)(2)


def test_a_short_loop_over_layers_in_a_dict_is_unrolled() -> None:
    def network(layers, x):
        for k in range(3):
            x = np.tanh(layers[k] @ x)
        return np.sum(x)

    layers = {k: RNG.random((4, 4)) for k in range(3)}
    assert "loop" not in str(jg.ir(network, layers, np.ones(4)))
    with interpreting():
        np.testing.assert_allclose(jg.jit(network)(layers, np.ones(4)), network(layers, np.ones(4)))


def test_an_error_says_the_text_that_the_run_chose() -> None:
    def told(x):
        state = "low" if x < 1 else "high" if x < 2 else "fine"
        if state != "fine":
            raise ValueError(f"the level is {state}")
        return x

    with interpreting():
        compiled = jg.jit(told)
        assert compiled(2.5) == 2.5
        for x, word in ((0.5, "low"), (1.5, "high")):
            with pytest.raises(ValueError, match=f"the level is {word}"):
                compiled(x)


def test_what_is_no_text_or_function_is_refused() -> None:
    def objects(x):
        thing = object() if x > 0 else slice(0, 1)
        return x, thing

    def new_key(x, counts):
        counts[int(x)] = 1
        return counts

    def perhaps_new_key(x, counts):
        k = int(x)
        if x > 2.0:
            x = x + counts[k]
        counts[k] = 1
        return counts

    with interpreting():
        with pytest.raises(NotImplementedError, match="a dict may get a further key"):
            jg.jit(perhaps_new_key)(1.0, {0: 0, 1: 0})
        with pytest.raises(NotImplementedError, match="give it an array or a number in every case"):
            jg.jit(objects)(1.0)
        with pytest.raises(NotImplementedError, match="a dict may get a further key"):
            jg.jit(new_key)(1.0, {0: 0})
