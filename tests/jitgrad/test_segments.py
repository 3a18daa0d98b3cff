"""Loops whose backward pass runs segments again: the same gradients, in little memory."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

COUNTS = (0, 1, 2, 7, 9, 16)
OPTIONS = (True, 1, 3, 100)


def step(x: Any) -> Any:
    return x + 0.1 * np.sin(x) * x[::-1]


def with_for(option: bool | int) -> Callable[..., Any]:
    return lambda x, n: np.sum(jg.fori_loop(0, n, lambda i, v: step(v) + i, x, checkpoint=option))


def with_scan(option: bool | int) -> Callable[..., Any]:
    def loss(x: Any, n: Any) -> Any:
        last, kept = jg.scan(lambda c, _: (step(c), c[0] * c[1]), x, None, n, checkpoint=option)
        return np.sum(last) + np.sum(kept)

    return loss


def with_while(option: bool | int) -> Callable[..., Any]:
    def loss(x: Any, n: Any) -> Any:
        return np.sum(jg.while_loop(lambda s: s[1] < n, lambda s: (step(s[0]), s[1] + 1), (x, 0), checkpoint=option)[0])

    return loss


def until_large(option: bool | int) -> Callable[..., Any]:
    """The count depends on the values; ``n`` says how far."""

    def loss(x: Any, n: Any) -> Any:
        return np.sum(
            jg.while_loop(lambda v: np.sum(v) < 6.0 + n, lambda v: v * 1.1 + step(v) * 0.01, x, checkpoint=option) ** 2
        )

    return loss


@pytest.mark.parametrize("make", [with_for, with_scan, with_while, until_large])
@pytest.mark.parametrize("option", OPTIONS)
def test_gradients_are_those_of_the_plain_loop(make: Callable, option: bool | int) -> None:
    x = np.random.default_rng(0).normal(size=4) + 2.0
    with interpreting():
        segmented, plain = jg.value_and_grad(make(option)), jg.value_and_grad(make(False))
        for n in COUNTS:
            value, gradient = segmented(x, n)
            expected = plain(x, n)
            np.testing.assert_allclose(value, expected[0], rtol=1e-13)
            np.testing.assert_allclose(gradient, expected[1], rtol=1e-12)


def of_gradient(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The gradient of the sum of the squares of a gradient."""
    gradient = jg.grad(loss)
    return jg.grad(lambda x, n: np.sum(gradient(x, n) ** 2))


def test_second_derivatives_through_segments() -> None:
    x = np.random.default_rng(1).normal(size=3)
    with interpreting():
        for make in (with_for, with_while):
            np.testing.assert_allclose(of_gradient(make(2))(x, 5), of_gradient(make(False))(x, 5), rtol=1e-11)


def test_a_segment_has_at_least_one_iteration() -> None:
    for loop in (lambda: with_while(-1)(np.ones(2), 3), lambda: with_for(-1)(np.ones(2), 3)):
        with pytest.raises(ValueError, match="checkpoint is True, False or the number"):
            loop()


PROGRAM = """
import resource, sys
import numpy as np, jitgrad as jg

def step(x):
    return x + 1e-6 * (np.sin(x) - 0.1 * x * x)

def loss(x, n):
    if sys.argv[1] == "for":
        return np.sum(jg.fori_loop(0, n, lambda i, v: step(v), x, checkpoint=True))
    return np.sum(jg.while_loop(lambda s: s[1] < n, lambda s: (step(s[0]), s[1] + 1), (x, 0), checkpoint=True)[0])

gradient = jg.grad(loss)
x = np.linspace(0.1, 1.0, 1000)
gradient(x, 100)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
gradient(x, 40_000)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["for", "while"])
def test_memory_grows_with_the_root_of_the_steps(kind: str, tmp_path: Path) -> None:
    """40,000 states of 8 kB are 320 MB; 200 states and a segment of 200 are 3.2 MB."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([sys.executable, str(program), kind], env=os.environ, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 30.0
