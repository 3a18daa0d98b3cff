"""Random numbers in traced functions: those that are the same at each call, and those that are refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
from alike import assert_alike
from interpreted import interpreting
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg

X = np.arange(6.0).reshape(2, 3)


class Layer:
    def __init__(self, inputs, outputs, seed):
        self.rng = np.random.RandomState(seed)
        self.weight = self.rng.randn(inputs, outputs) / np.sqrt(inputs)
        self.bias = np.zeros(outputs)

    def __call__(self, x):
        self.weight[0, 0] = 2.0
        return np.tanh(x @ self.weight + self.bias + 0.1 * self.rng.random_sample())


def initial_weights(x):
    layers = [Layer(x.shape[1], 4, 0), Layer(4, 2, seed=1)]
    for layer in layers:
        x = layer(x)
    return x


def a_generator_of_numpy(x):
    rng = np.random.default_rng(seed=7)
    order = rng.permutation(len(x))
    noise = rng.normal(0.5, size=x.shape)
    noise[0] *= 2
    return x[order] + noise, rng.integers(10), [rng.random() for _ in range(3)]


def a_generator_of_python(x):
    rng = random.Random(3)
    return x * rng.gauss(0, 1) + rng.choice([1.0, 2.0])


def draws_in_a_short_loop(x):
    rng = np.random.default_rng(1)
    for _ in range(3):
        x = x * rng.random()
        rng.random()
    return x


def a_generator_for_each_iteration(x):
    total = 0.0
    for v in x[0]:
        total += v * np.random.default_rng(2).random()
    return total


@pytest.mark.parametrize(
    "program",
    [initial_weights, a_generator_of_numpy, a_generator_of_python, draws_in_a_short_loop, a_generator_for_each_iteration],
    ids=lambda program: program.__name__,
)
def test_draws_of_a_known_seed_are_those_of_each_call(program) -> None:
    compiled = jg.jit(program)
    with interpreting():
        for x in (X, X + 1, np.ones((4, 3))):
            assert_alike(compiled(x), program(x))


OUTSIDE = np.random.default_rng(0)


def drawn_in_a_loop(x):
    rng = np.random.default_rng(0)
    total = 0.0
    for v in x[0]:
        total += v * rng.random()
    return total


def drawn_in_a_branch(x):
    rng = np.random.default_rng(0)
    return x * rng.random() if x[0, 0] > 0 else x


REFUSED = {
    "of no seed": (lambda x: x * np.random.default_rng().random(), "would be the same at each call; .* of a seed"),
    "of None": (lambda x: x * np.random.RandomState(seed=None).rand(), "would be the same at each call"),
    "made outside": (lambda x: x * OUTSIDE.random(), "drawn by Generator.random while tracing would be the same at each call"),
    "NumPy's own": (lambda x: x * np.random.rand(), "drawn by RandomState.rand while tracing would be the same at each call"),
    "in a loop": (drawn_in_a_loop, "drawn by Generator.random in a loop or branch .* draw all of them before it"),
    "in a branch": (drawn_in_a_branch, "drawn by Generator.random in a loop or branch"),
    "of traced values": (
        lambda x: np.random.default_rng(0).normal(x),
        r"what Generator.normal draws depends on .*standard_normal",
    ),
    "of a traced seed": (lambda x: np.random.default_rng(int(x[0, 0])).random() * x, "known only when the program runs"),
}


@pytest.mark.parametrize(("program", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(program, message) -> None:
    with interpreting(), pytest.raises(UnsupportedError, match=message):
        jg.jit(program)(X)
