"""Slices whose step the program computes: in loops, written to, with gradients, and with a step of zero."""

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg


def averages_and_differences(x):
    """The wavelet transform of Haar, in place."""
    x, step = x.copy(), 1
    while step < len(x):
        a, b = x[:: 2 * step].copy(), x[step :: 2 * step].copy()
        x[:: 2 * step], x[step :: 2 * step] = (a + b) / 2, (a - b) / 2
        step *= 2
    return x


def strides_of_a_loop(x):
    total = 0.0
    for k in range(1, len(x)):
        total += k * np.sum(x[::k] ** 2) - np.prod(x[:1:-k])
    return total


def through_two_axes(x):
    for k in range(1, 4):
        table = np.outer(x, x)
        table[::k, k::-k] *= 0.5
        corner = table[1:, ::k]
        corner[0] += x[0]
        x = x + 0.1 * table.sum(1)
    return x


@pytest.mark.parametrize("program", [averages_and_differences, strides_of_a_loop, through_two_axes])
def test_values_and_gradients(program):
    rng = np.random.default_rng(5)
    x, w = rng.uniform(0.5, 1.5, 8), rng.normal(size=8)
    with interpreting():
        np.testing.assert_allclose(jg.jit(program)(x), program(x), rtol=1e-13)
        jg.check_grads(lambda x: np.sum(program(x) * w), (x,), order=1)


def test_compiled():
    x = np.random.default_rng(5).uniform(0.5, 1.5, 8)
    np.testing.assert_allclose(jg.jit(averages_and_differences)(x), averages_and_differences(x), rtol=1e-13)


def test_a_step_of_zero():
    with interpreting(), pytest.raises(ValueError, match="slice step cannot be zero"):
        jg.jit(lambda x, k: x[::k])(np.ones(3), 0)
