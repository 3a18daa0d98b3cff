"""Loops whose tests change something, and nests of loops that change objects: next to plain Python, and how often they are traced."""

import itertools

import numpy as np
import pytest

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([0.3, -0.2, 1.5, 0.7])


class Counter:
    def __init__(self):
        self.count = 0
        self.total = 0.0

    def step(self):
        self.count += 1
        return self.count

    def add(self, v):
        self.total = self.total + v
        if v > 0.5:
            self.count += 1


# what a test changes


def attribute(x):
    counter = Counter()
    y = x * 0
    while counter.step() < x[2] * 3:
        y = y + x
    return y, counter.count


def attribute_after_and(x):
    counter = Counter()
    s = x[2] * 0
    while s < x[2] and counter.step() < 5:
        s = s + 0.3 * x[2]
    return s, counter.count


def attribute_in_later_iterations(x):
    counter = Counter()
    while counter.count < 3 or counter.step() < x[2] * 5:
        counter.count = counter.count + 1
    return counter.count


def variable_of_the_function(x):
    n = 0

    def step():
        nonlocal n
        n += 1
        return n

    y = x * 0
    while step() * x[2] < 7:
        y = y + x * n
    return y, n


def item(x):
    d = {"n": 0}

    def fewer(limit):
        d["n"] = d["n"] + 1
        d["last"] = limit
        return d["n"] < limit

    y = 1.0
    while fewer(x[2] * 3):
        y = y * x[0]
    return y, d["n"], d["last"]


def array(x):
    a = np.zeros(2)

    def fewer(limit):
        a[1] += 1.0
        return a[1] < limit

    y = 1.0
    while fewer(x[2] * 3):
        y = y + a[1] * x[0]
    return y, a


def with_break_and_else(x):
    counter = Counter()
    y = 0.0
    while counter.step() < 10:
        if counter.count * x[2] > 4:
            break
        y = y + counter.count * x[3]
    else:
        y = -y
    return y, counter.count


def explicit(x):
    counter = Counter()

    def going(v):
        return counter.step() < x[2] * 3

    return jg.while_loop(going, lambda v: v * 2, x), counter.count


# nests that change objects


def three_levels(x, count=lambda: None):
    counter = Counter()
    for i in range(len(x)):
        for j in range(len(x)):
            for k in range(len(x)):
                count()
                counter.add(x[k] * x[j] + i)
    return counter.total, counter.count


def new_objects_on_two_levels(x, count=lambda: None):
    total = 0.0
    for i in range(len(x)):
        counter = Counter()
        for j in range(len(x)):
            d = {"m": x[i]}
            for k in range(len(x)):
                count()
                d["m"] = d["m"] * x[k]
                counter.add(d["m"] + x[j])
        total = total + counter.total
    return total


def with_branches(x, count=lambda: None):
    counter = Counter()
    best = {"low": 0, "high": 0.0}
    notes = 0

    def note():
        nonlocal notes
        notes += 1
        best["low"] = best["low"] + 1

    for i in range(len(x)):
        for j in range(len(x)):
            if x[j] > x[i]:
                for k in range(len(x)):
                    count()
                    if x[k] > 0:
                        counter.add(x[k])
                        if x[k] > 1:
                            best["high"] = x[k]
                            note()
                    else:
                        counter.total = counter.total - 1
                        best["new"] = x[k]
    return counter.total, counter.count, best["high"], best["low"], notes


def with_a_break(x, count=lambda: None):
    counter = Counter()
    table = {"max": 0.0}
    for i in range(len(x)):
        row = Counter()
        for j in range(len(x)):
            acc = 0.0
            for k in range(len(x)):
                count()
                if x[k] > x[i]:
                    acc = acc + x[k] * x[j]
                    row.add(acc)
                elif x[k] == x[i]:
                    continue
                else:
                    counter.add(acc)
                if acc > 1:
                    break
            if acc > table["max"]:
                table["max"], table["at"] = acc, j
        counter.add(row.total)
    return counter.total, counter.count, table["max"], table["at"]


TESTS = [
    attribute, attribute_after_and, attribute_in_later_iterations, variable_of_the_function, item, array, with_break_and_else, explicit,
]  # fmt: skip
NESTS = {three_levels: 8, new_objects_on_two_levels: 20, with_branches: 40, with_a_break: 40}


@pytest.mark.parametrize("program", [*TESTS, *NESTS], ids=lambda program: program.__name__)
def test_gives_what_python_gives(program):
    with interpreting():
        found = jg.jit(program)(X)
    for a, b in zip(found if isinstance(found, tuple) else (found,), _tuple(program(X)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def _tuple(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("program", [attribute, variable_of_the_function, array])
def test_gradients_go_through_tests_with_effects(program):
    def loss(x):
        return np.sum(program(x)[0] ** 2)

    direction, h = np.array([1.0, 0.5, -0.3, 0.2]), 1e-6
    slope = (loss(X + h * direction) - loss(X - h * direction)) / (2 * h)
    with interpreting():
        assert jg.grad(loss)(X) @ direction == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("program", NESTS, ids=lambda program: program.__name__)
def test_nests_are_traced_a_few_times(program):
    count = itertools.count()
    jg.ir(lambda x: program(x, lambda: next(count)), X)
    assert next(count) <= NESTS[program]


def test_a_test_that_prints_does_so_once_per_iteration(capfd):
    def program(x):
        def going(v):
            print("at", v)
            return v < x

        v = x * 0
        while going(v):
            v = v + 2
        return v

    jg.jit(program)(5)
    assert capfd.readouterr().out == "at 0\nat 2\nat 4\nat 6\n"


def in_steps(x):
    t, h, y = 0.0, 0.1, x
    while t < 5.0:
        h = min(h, 5.0 - t)
        y = y - h * np.sin(y)
        t = t + h
    return y, t


def doubled(x):
    n = 1
    while n < 300:
        n *= 2
    return np.zeros(n)[: len(x)] + x


def test_a_while_loop_on_numbers_is_not_unrolled():
    assert "loop" in jg.ir(in_steps, X) and len(jg.ir(in_steps, X).splitlines()) < 40
    with interpreting():
        for ours, theirs in zip(jg.jit(in_steps)(X), in_steps(X), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_a_while_loop_that_computes_a_number_only_is_python():
    assert "loop" not in jg.ir(doubled, X)
