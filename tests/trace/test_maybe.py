"""Variables that are None on some ways through the program, next to plain Python: values, derivatives, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import same
from interpreted import interpreting

import jitgrad as jg

RNG = np.random.default_rng(1)
X = RNG.random(70)
ROWS = RNG.random((70, 3))


def least(x, t):
    best = None
    for v in x * X:
        f = (v - t) ** 2
        if best is None or f < best:
            best = f
    return best


def place(x, t):
    best, where = None, None
    for k in range(len(X)):
        if X[k] > t and (best is None or x * X[k] < best):
            best, where = x * X[k], k
    return best, where


def found(x, t):
    first = None
    for v in x * X:
        if v > t:
            first = v
            break
    if first is None:
        return -1.0
    return 2 * first


def variation(x, t):
    previous, total = None, 0.0
    for v in np.sin(x * X):
        if previous is not None:
            total += abs(v - previous)
        previous = v
    return total


def fixed_point(x, t):
    last, k = None, 0
    while last is None or abs(x - last) > 1e-8:
        last = x
        x = np.cos(x)
        k += 1
    return x, k


def until_it_stays(x, t):
    previous, k = None, 0
    while True:
        y = np.cos(x)
        if previous is not None and abs(y - previous) < 1e-6:
            break
        previous = x = y
        k += 1
    return x, k


def of_tuples(x, t):
    best = None
    for v, w in zip(x * X, X[::-1], strict=True):
        d = v * v + w * w
        if w > t and (best is None or d < best[0]):
            best = (d, v, w)
    return best


def of_arrays(x, t):
    best = None
    for row in x * ROWS:
        if best is None or row.sum() > best.sum():
            best = row
    return best * 2


def written_to(x, t):
    best = None
    for row in x * ROWS:
        if best is None or row[0] > best[0]:
            best = row.copy()
    best += 1
    best[0] = 0.0
    return best


def in_a_branch(x, t):
    y = None
    if x > t:
        y = 3 * x
    if y is None:
        y = -1.0
    return y * 2


def of_a_function(x, t):
    def find():
        for k in range(len(X)):
            if X[k] > t:
                return k, x * X[k]
        return None

    pair = find()
    return 0.0 if pair is None else pair[0] + pair[1]


def given_to_a_function(x, t):
    def better(a, b):
        return b if a is None else max(a, b)

    best = None
    for v in x * X:
        if v > t:
            best = better(best, v)
    return best


def compared(x, t):
    best = None
    for v in x * X:
        if best == None or v > best:  # noqa: E711
            best = v
    return best if best != None and best != t else 0.0  # noqa: E711


def by_truth(x, t):
    first = None
    for v in x * X:
        if v > t and not first:
            first = v
    other = first or -1.0
    return other + (first if first else 0.0)


def in_places(x, t):
    class Record:
        best = None

    record, table, items = Record(), {"best": None}, [None, 1.0]
    for v in x * X:
        if record.best is None or v > record.best:
            record.best = v
        if table["best"] is None or v < table["best"]:
            table["best"] = v
        if v > t and items[0] is None:
            items[0] = v
    return record.best, table["best"], items[0]


def set_back(x, t):
    """Runs of large items: where one begins, and None in between."""
    start, total = None, 0.0
    for k in range(len(X)):
        if X[k] > t:
            if start is None:
                start = k
        elif start is not None:
            total += x * (k - start) ** 2
            start = None
    if start is not None:
        total += x * (len(X) - start) ** 2
    return total


def both_ends(x, t):
    low = high = None
    for v in x * X:
        low = v if low is None else min(low, v)
        high = v if high is None else max(high, v)
    return None if low is None else high - low


def first_and_second(x, t):
    first = second = None
    for v in x * X:
        if v > t and (first is None or v > first):
            first, second = v, first
        elif v > t and (second is None or v > second):
            second = v
    return second


def in_a_nest(x, t):
    out = np.zeros(len(ROWS))
    for i in range(len(ROWS)):
        best = None
        for j in range(ROWS.shape[1]):
            if best is None or ROWS[i, j] < ROWS[i, best]:
                best = j
        out[i] = x * ROWS[i, best] * best
    return out


def set_at_first(x, t):
    velocity = None
    for row in x * ROWS:
        if velocity is None:
            velocity = np.zeros(3)
        velocity = 0.9 * velocity + row
    return velocity


def asked_for_its_class(x, t):
    best = None
    for v in x * X:
        if v > t:
            best = v
    match best:
        case None:
            other = 0.0
        case _:
            other = 2.0
    return (1.0 if isinstance(best, float) else -1.0) + other


def of_lists_and_dicts(x, t):
    items, table = None, None
    for v in x * X:
        if items is None or v > items[0]:
            items = [v, v * v]
        if table is None or v < table["v"]:
            table = {"v": v, "w": v + 1}
    return items[1] + table["w"]


def goes_on_from_it(x, t):
    """What may have been None before a loop is no longer in it."""
    last = None
    for k in range(len(X)):
        if x * X[k] > t:
            last = k
    if last is None:
        return 0.0
    place, weight, total = last, 1.0, 0.0
    for k in range(last):
        total += X[place] * x * weight
        place = (place * k + 1) % len(X)
        weight *= 0.9
    while weight < 1:
        place += 1
        weight *= 2
    return total * place


PROGRAMS = [
    least, place, found, variation, fixed_point, until_it_stays, of_tuples, of_arrays, written_to, in_a_branch, of_a_function,
    given_to_a_function, compared, by_truth, in_places, set_back, both_ends, first_and_second, in_a_nest, set_at_first,
    asked_for_its_class, of_lists_and_dicts, goes_on_from_it,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gives_what_python_gives(program: Any) -> None:
    with interpreting():
        compiled = jg.jit(program)
        for x, t in ((0.9, 0.5), (0.7, 2.0)):
            same(compiled(x, t), program(x, t))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives_go_through_them(program: Any) -> None:
    def loss(x):
        result = program(x, 0.37)
        return np.sum(result[0] if isinstance(result, tuple) else result)

    step = 1e-6
    expected = (loss(0.9 + step) - loss(0.9 - step)) / (2 * step)
    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(0.9), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("program", [least, variation, fixed_point, of_arrays])
def test_the_loop_is_not_unrolled(program: Any) -> None:
    text = jg.ir(program, 0.9, 0.5)
    assert text.count(" = loop ") == 1 and len(text.splitlines()) < 50


@pytest.mark.parametrize("count", [0, 1, 5])
def test_of_no_items_and_of_some(count: int) -> None:
    def largest(xs):
        best = None
        for v in xs:
            if best is None or v > best:
                best = v
        return best

    xs = np.array([np.nan, 3.0, -0.0, np.inf, 5.0])[:count]
    with interpreting():
        same(jg.jit(largest)(xs), largest(xs))


def test_the_kernels_do_what_the_interpreter_does() -> None:
    compiled = jg.jit(place)
    for t in (0.5, 2.0):
        same(compiled(0.9, t), place(0.9, t))


def test_none_where_a_number_is_needed_is_an_error_of_the_run() -> None:
    def doubled(x, t):
        return given_to_a_function(x, t) * 2

    with interpreting():
        compiled = jg.jit(doubled)
        same(compiled(0.9, 0.5), doubled(0.9, 0.5))
        with pytest.raises(TypeError, match="None where a number or an array is needed"):
            compiled(0.9, 2.0)
        with pytest.raises(TypeError, match="None where a number or an array is needed"):
            jg.grad(given_to_a_function)(0.9, 2.0)


def test_none_or_a_number_is_looked_up() -> None:
    def found(x):
        key = None
        if x > 0:
            key = x
        return {0.5: 1.0, None: 2.0}.get(key, 3.0), {0.5: 1.0}.get(key, 4.0), key in {0.5: 1.0, None: 2.0}

    with interpreting():
        for x in (0.5, 0.7, -1.0):
            assert jg.jit(found)(x) == found(x)


def test_a_text_may_be_none() -> None:
    def named(x):
        name = None
        for v in x * X:
            if v > 0.5:
                name = "large"
        return 1.0 if name is None else 2.0

    with interpreting():
        for x in (0.9, 0.0):
            assert jg.jit(named)(x) == named(x)
