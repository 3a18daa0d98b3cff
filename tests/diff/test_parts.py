"""Backward loops that read the first elements of arrays, which are all that is saved of them."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_undoing import check, is_tame

import jitgrad as jg


def triangle(A, z):
    """All states of z are read once more, each as far as it is used."""
    s = 0.0
    for i in range(1, z.size):
        t = A[0, 0] * 0.1
        for k in range(i):
            t += z[k] * z[i - 1 - k]
        for k in range(i):
            z[k] = np.sin(z[k] + t * z[i - k])
        s += t
    return s + z @ z


def written_before(A, z):
    """What is read was just copied from another array."""
    v, s = 0.0 * z, 0.0
    for i in range(1, z.size):
        v[:i] = z[:i]
        for k in range(i):
            z[k] = 0.5 * v[k] * v[i - 1 - k] + A[i, k]
    return s + z @ z


def rows(A, z):
    s, n = z[0], len(A)
    for i in range(1, n):
        for k in range(i):
            for j in range(n - i):
                s += A[k, j] * A[k, n - 1 - j]
        for k in range(i):
            for j in range(n):
                A[k, j] = np.cos(A[k, j] * s)
    return s + np.sum(A)


def from_below_zero(A, z):
    """The loop inside has no iterations at first: its stop is negative, and no size."""
    s = 0.0
    for i in range(-2, z.size):
        for _ in range(2):
            t = A[0, 0] * 0.1
            for k in range(i):
                t += 0.1 * z[k] * z[k]
            for k in range(i):
                z[k] = np.sin(z[k] + t)
            s += t
    return s + z @ z


def counted_backwards(A, z):
    s = A[0, 0]
    for i in range(z.size - 1, 0, -2):
        t = 0.0
        for k in range(0, i, 2):
            t += z[k] ** 2 * 0.3
        for k in range(i - 1, -1, -1):
            z[k] = np.sin(z[k] * t + z[k])
        s += t
    return s + z @ z


def from_the_end(A, z):
    """Position -1 is the last one."""
    s = A[0, 0]
    for i in range(z.size):
        t = 0.0
        for k in range(i):
            t += 0.1 * z[k - 1] * z[k]
        for k in range(i):
            z[k] = np.sin(z[k] + t)
        s += t
    return s + z @ z


def matrices(size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(size)
    return 0.5 * rng.normal(size=(size, size)), 0.5 * rng.normal(size=size)


@pytest.mark.parametrize("function", [triangle, written_before, rows, from_below_zero, counted_backwards, from_the_end])
@pytest.mark.parametrize("size", [1, 2, 6])
def test_gradients(function: Callable, size: int) -> None:
    check(function, *matrices(size))


@pytest.mark.parametrize(("function", "step"), [(triangle, "j"), (written_before, "j"), (rows, "(j*m)")])
def test_a_triangle_is_saved(function: Callable, step: str) -> None:
    """Of each array that is saved as many elements as the iteration reads."""
    source = jg.source(jg.grad(function, argnums=(0, 1)), *matrices(6))
    assert set(re.findall(r"_top \+= (.*)", source)) - {"1"} == {step}


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Loops that read some elements of z and write to others."""
    stops, places = (
        ["i", "i + 1", "n - i", "n", "n - 1"],
        ["k", "i - k", "n - 1 - k", "i", "0", "(k + 1) % n", "i - 1 - k", "k - 1"],
    )

    def loop(statement: str) -> list[str]:
        start, stop = draw(st.sampled_from(["0", "1"])), draw(st.sampled_from(stops))
        chosen = {name: draw(st.sampled_from(places)) for name in "pqr"}
        return [f"for k in range({start}, {stop}):", "    " + statement.format(**chosen)]

    body = []
    for _ in range(draw(st.integers(1, 2))):
        body += loop("t = 0.5 * t + z[{p}] * z[{q}] + A[{q}, {r}]")
        body += draw(st.sampled_from([[], ["v[:i] = z[:i]"], ["v[:] = z"]]))
        body += loop("z[{p}] = 0.4 * v[{q}] * z[{r}] + 0.1 * t")
    head = [
        "def program(A, z):",
        "    n, t, v = z.size, 0.3, 0.5 * z",
        f"    for i in range({draw(st.sampled_from('01'))}, n):",
    ]
    return "\n".join([*head, *("        " + line for line in body), "    return t + z @ z + v @ v"]) + "\n"


@settings(max_examples=20)
@given(programs(), st.integers(0, 100))
def test_random_triangles(source: str, seed: int) -> None:
    name = f"<triangle {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope: dict[str, Any] = {"np": np}
    exec(compile(source, name, "exec"), scope)
    rng = np.random.default_rng(seed)
    A, z = 0.5 * rng.normal(size=(4, 4)), rng.normal(size=4)
    assume(is_tame(scope["program"], A, z))
    check(scope["program"], A, z)
