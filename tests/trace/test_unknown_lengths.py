"""NumPy functions of arrays whose length only the run knows, next to NumPy: values, derivatives, and errors at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import same
from interpreted import interpreting

import jitgrad as jg

x = np.array([0.1, 0.5, 0.3, 0.9, 0.15, 0.7, 0.4])

FUNCTIONS: list[Callable[[Any], Any]] = [
    np.gradient,
    np.median,
    lambda a: np.percentile(a, 30),
    lambda a: np.quantile(a, [0.2, 0.9]),
    lambda a: np.interp(0.4, np.sort(a), a),
    lambda a: np.roll(a, 1),
    lambda a: np.roll(a, -2),
    lambda a: np.convolve(a, np.ones(3) / 3, "valid"),
    lambda a: np.convolve(np.ones(2) / 3, a, "same"),
    lambda a: np.correlate(a, a),
    lambda a: np.histogram(a, bins=3)[0],
    lambda a: np.polyfit(np.arange(len(a)), a, 1),
    lambda a: np.linalg.lstsq(np.stack([a, a**2], 1), np.sin(a), rcond=None)[0],
    lambda a: np.linalg.svd(np.stack([a, a**2], 1), full_matrices=False)[1],
    lambda a: np.abs(np.linalg.qr(np.stack([a, a**2], 1))[1]),
    np.maximum.accumulate,
    np.fmax.reduce,
    np.hypot.reduce,
    lambda a: np.insert(a, 1, 0.5),
    lambda a: np.delete(a, -1),
    lambda a: np.vectorize(lambda v: v * 2)(a),
    list,
    lambda a: np.lib.stride_tricks.sliding_window_view(a, 2),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions(function: Callable[[Any], Any]) -> None:
    with interpreting():
        compiled = jg.jit(lambda x: function(x[x > 0.2]))
        for given in (x, x + 0.2):
            same(compiled(given), function(given[given > 0.2]))


@pytest.mark.parametrize("function", [lambda a: np.roll(a, 1), np.maximum.accumulate, np.hypot.reduce, list])
def test_of_nothing(function: Callable[[Any], Any]) -> None:
    with interpreting():
        same(jg.jit(lambda x: function(x[x > 0.2]))(x * 0), function(np.zeros(0)))


def test_the_median_of_nothing() -> None:
    with interpreting():
        assert np.isnan(jg.jit(lambda x: np.median(x[x > 0.2]))(x * 0))


@pytest.mark.parametrize(
    "function",
    [
        np.gradient,
        np.fmax.reduce,
        lambda a: np.interp(0.4, a, a),
        lambda a: np.convolve(a, np.ones(3)),
        lambda a: np.insert(a, 1, 0.5),
        lambda a: np.delete(a, -1),
        lambda a: np.lib.stride_tricks.sliding_window_view(a, 2),
    ],
)
def test_of_nothing_is_an_error(function: Callable[[Any], Any]) -> None:
    with pytest.raises((ValueError, IndexError)) as expected:
        function(np.zeros(0))
    with interpreting(), pytest.raises(expected.type):
        jg.jit(lambda x: function(x[x > 0.2]))(x * 0)


def test_derivatives() -> None:
    def loss(x):
        a = np.sort(x[x > 0.2])
        return (
            np.sum(np.gradient(a) ** 2) + np.median(a) + np.interp(0.45, a, np.sin(a)) + np.polyfit(np.arange(len(a)), a, 1)[0]
        )

    steps = 1e-6 * np.eye(7)
    expected = [(loss(x + step) - loss(x - step)) / 2e-6 for step in steps]
    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(x), expected, rtol=1e-6, atol=1e-8)


TABLE = np.array([0.5, 1.0, -2.0, 4.0])


def pair_at(k, x):
    first, second = TABLE[k : k + 2]
    return first * x - second


def pair_of_positive(k, x):
    values = np.array([x, -x, k - 1.5])
    (first, second) = values[values > 0]
    return first * 10 + second


def pair_of_a_list(k, x):
    found = []
    for j in range(4):
        if j >= k:
            found.append(x * j)
    found[0], last = found
    return found[0], last


@pytest.mark.parametrize(("program", "right", "wrong"), [(pair_at, 2, 3), (pair_of_positive, 2, 1), (pair_of_a_list, 2, 3)])
def test_as_many_items_as_there_are_names(program, right, wrong) -> None:
    compiled = jg.jit(program)
    with interpreting():
        np.testing.assert_allclose(compiled(np.int64(right), 3.0), program(right, 3.0), rtol=1e-14)
        with pytest.raises(ValueError, match="not enough values to unpack"):
            compiled(np.int64(wrong), 3.0)
    with interpreting(), pytest.raises(ValueError, match="too many values to unpack"):
        jg.jit(pair_of_a_list)(np.int64(0), 3.0)
