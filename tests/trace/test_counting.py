"""Lists that ``while`` loops make longer, whose length only the run knows, next to plain Python: values, derivatives, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import same, same_slope
from interpreted import interpreting

import jitgrad as jg


def newton(x):
    xs = [x]
    while abs(xs[-1] ** 2 - 2) > 1e-12:
        xs.append(0.5 * (xs[-1] + 2 / xs[-1]))
    return np.array(xs)


def simulated(x):
    """Two lists of one length, which is seen to be one."""
    t, ts, xs = 0.0, [0.0], [x]
    while t < 1.0:
        x = x + 0.1 * np.sin(x)
        t += 0.1
        ts.append(t)
        xs.append(x)
    return np.trapezoid(np.array(xs), ts), ts


def adaptive(x):
    """Steps are tried, and added if they are good."""
    t, h, y = 0.0, 0.5, np.array([x, 0.5 * x])
    ts, ys = [t], [y]
    while t < 2.0:
        slope = -y * y
        end = -((y + h * slope) ** 2)
        error = np.max(np.abs(h * (end - slope)))
        if error < 0.05:
            t, y = t + h, y + 0.5 * h * (slope + end)
            ts.append(t)
            ys.append(y)
        h = 0.9 * h * min(2.0, np.sqrt(0.05 / error))
    return np.array(ys), np.array(ts), len(ts)


def one_after_the_other(x):
    out, pairs = [], []
    while x > 0.01:
        x = x * 0.8
        out.append(x)
        if x < 0.5:
            pairs.append((x, x * x))
    while x < 1:
        x = x * 1.5
        out.append(x)
    return np.array(out), [b for _, b in pairs], x


def in_a_for_loop(x):
    out = []
    for k in range(7):
        y = x * (k + 1)
        while y > 0.1:
            out.append(y)
            y = y * 0.5
    return np.array(out)


def in_a_while_loop(x):
    out, y = [], x
    while y > 0.1:
        y = 0.7 * y
        z = y
        while z > 0.2:
            out.append(z)
            z = 0.5 * z
    return np.array(out), len(out)


def by_a_for_loop(x):
    out, k = [x], 0
    while k < len(out):
        for j in range(70):
            if j * x < 2 and len(out) < 11:
                out.append(out[-1] * 0.5 + j)
        k += 4
    return np.array(out), k


def lists_of_its_own(x):
    total = 0.0
    for k in range(5):
        y, ys = x * (k + 1), []
        while y > 0.1:
            ys.append(y)
            y = 0.5 * y
        total = total + np.sum(np.sin(ys))
    return total


def in_a_branch(x):
    out = [x]
    if x > 1:
        while out[-1] > 0.1:
            out.append(out[-1] / 2)
    return np.array(out)


def left(x):
    out, k = [x], 0
    while True:
        out.append(0.5 * out[k])
        k += 1
        if out[-1] < 1e-3:
            break
        if x < 0:
            continue
        out[-1] = out[-1] + 1e-4
    return np.array(out), k


def by_its_length(x):
    out = [x]
    while len(out) < 4 * x:
        out.append(out[0] + out[-1])
    else:
        out.append(-x)
    return np.array(out), sum(out)


class Recorder:
    def __init__(self):
        self.log = {"x": []}

    def step(self, x):
        self.log["x"].append(x)
        return x * 0.8


def in_an_attribute(x):
    recorder = Recorder()
    while x > 0.01:
        x = recorder.step(x)
    return recorder.log["x"], x


def never(x):
    out = [x]
    while out[-1] > 100:
        out.append(out[-1] / 2)
    return np.array(out)


def after_a_for_loop(x):
    out = [x]
    for _ in range(20):
        out.append(0.9 * out[-1])
    while out[-1] > 0.01:
        out.append(0.5 * out[-1] + 0.1 * out[3] * out[-1])
    return np.array(out)


def taken_away(x):
    out = [x]
    while out[-1] < 20:
        out.append(1.5 * out[-1])
    while len(out) > 3:
        x = x + out.pop()
    return np.array(out), x


def walrus(x):
    out = []
    while (x := 0.5 * x) > 0.01:
        out.append(x)
    return np.array(out)


def bounced(x):
    """The test is on numbers that are known while the function is traced."""
    height, speed, t, times = 1.0, x, 0.0, []
    while t < 2.0:
        speed -= 0.0981
        height += 0.01 * speed
        t += 0.01
        if height < 0:
            height, speed = -height, -0.8 * speed
            times.append(t + height)
    return np.array(times), height


def in_the_test(x):
    out = []

    def goes_on(x):
        out.append(x)
        return x > 0.1

    while goes_on(x):
        x = 0.5 * x
    return np.array(out)


PROGRAMS = [
    newton, simulated, adaptive, one_after_the_other, in_a_for_loop, in_a_while_loop, by_a_for_loop, lists_of_its_own, in_a_branch, left,
    by_its_length, in_an_attribute, never, after_a_for_loop, taken_away, walrus, bounced, in_the_test,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [1.3, 0.3])
def test_lists_grow_in_while_loops(program: Any, x: float) -> None:
    with interpreting():
        same(jg.jit(program)(x), program(x))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives_go_through_them(program: Any) -> None:
    same_slope(program, 1.3)


def test_what_the_count_does_not_need_is_not_run_to_count() -> None:
    optimised = jg.stages(simulated, 1.3).optimised
    assert optimised.count("= sin") == 1
    counting = optimised[: optimised.index("bind_size")]
    assert "sin" not in counting and "update" not in counting


def test_items_of_a_size_that_is_a_number_and_a_symbol() -> None:
    def relaxed(row):
        rows = [row]
        while rows[-1][0] > 0.1:
            rows.append(np.array([rows[-1][0] / 2, rows[-1][1]]))
        return np.array(rows)

    with interpreting():
        same(jg.jit(relaxed)(np.array([1.0, 2.0])), relaxed(np.array([1.0, 2.0])))


def test_a_text_is_printed_once(capfd: pytest.CaptureFixture[str]) -> None:
    def told(x):
        out = []
        while x > 1:
            x = x / 2
            print(x)
            out.append(x)
        return out

    assert jg.jit(told)(5.0) == [2.5, 1.25, 0.625]
    assert capfd.readouterr().out == "2.5\n1.25\n0.625\n"


def test_arrays_and_objects_are_changed_once() -> None:
    def counted(a, x):
        out, calls = [], {"n": 0}
        while x > 1:
            a += 1
            calls["n"] += 1
            x = x / 2
            out.append(x)
        return out, calls

    given, expected = np.zeros(2), np.zeros(2)
    with interpreting():
        same(jg.jit(counted)(given, 9.0), counted(expected, 9.0))
    np.testing.assert_array_equal(given, expected)
