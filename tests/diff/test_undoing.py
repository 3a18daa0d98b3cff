"""Backward loops that undo writes: what they save, and random nests of loops whose gradients must be right all the same."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jitgrad.compiler.emit import emit_cpu
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg
from jitgrad.program import Program

SIZE = 4


def forward_substitution(A, z):
    for i in range(z.size):
        z[i] = (z[i] - A[i, :i] @ z[:i]) / A[i, i]
    return z @ z


def cholesky(A, z):
    for i in range(z.size):
        for j in range(i):
            A[i, j] = (A[i, j] - A[i, :j] @ A[j, :j]) / A[j, j]
        A[i, i] = np.sqrt(A[i, i] - A[i, :i] @ A[i, :i])
    return np.sum(A[-1]) + z[0]


def seidel(A, z):
    for i in range(z.size):
        z[i] = (A[i] @ z) / A[i, i]
    return z @ z


def matrix_seidel(A, z):
    for i in range(z.size):
        for j in range(z.size):
            A[i, j] = 0.1 * (A[i] @ A[j]) / (2.0 + A[j, j])
    return np.sum(A[-1]) + z[0]


def orthogonal_to_all(A, z):
    for j in range(z.size):
        for i in range(z.size):
            A[:, j] -= 0.3 * (A[:, i] @ A[:, j]) * A[:, i]
    return np.sum(A[-1]) + z[0]


def orthogonal(A, z):
    for j in range(z.size):
        column = A[:, j]
        for i in range(j):
            column -= (A[:, i] @ column) * A[:, i]
        column /= np.sqrt(column @ column)
    return np.sum(A[-1]) + z[0]


def swapped(A, z):
    """The state before a loop is read by what the loop needs: it cannot be had by undoing the loop."""
    for i in range(z.size):
        row = A[i] * A[-1]
        for j in range(z.size):
            A[j, :] = 0.5 * A[j, :] + 0.1 * row * np.sum(A[:, j] * A[:, i])
        z[i] = np.sum(row * A[i])
    return np.sum(z * A[0])


def half_undone(A, z):
    """The inner loop's writes to z are undone, those around it are not."""
    n, s, v = z.size, 0.3, 0.5 * z
    for i in range(1, n):
        s = 0.5 * s + 0.1 * z[(i + 1) % n] * A[-1, n - 1 - i] + np.sum(v * z)
        for _ in range(n):
            A[1:, (n - 1 + 1) % n] = 0.9 * A[:-1, n - 1]
            z[(0 + 1) % n] = 0.2 * (A[n - 1, :] @ z) + 0.3 * z[i] ** 2
        z[1:] *= 0.5 + 0.1 * A[i, 1:] * z[:-1]
    return s + np.sum(A * z) + np.sum(v)


def recurrent(A, z):
    """Each step reads the state from which it starts and, for the derivative of tanh, the one with which it ends."""
    for _ in range(z.size):
        z = np.tanh(A @ z)
    return z @ z


def recurrent_inside(A, z):
    h = 0.1 * z
    for i in range(z.size):
        s = z[i]
        for j in range(i + 1):
            h = np.tanh(A @ h + 0.1 * s)
            s = np.sin(s) * np.exp(-s) + h[j]
        h = h * s
    return h @ z


def matrices(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 0.3 * rng.normal(size=(SIZE, SIZE)) + 2.0 * np.eye(SIZE), rng.normal(size=SIZE)


@pytest.mark.parametrize(("function", "arrays"), [(seidel, 0), (matrix_seidel, 0), (orthogonal_to_all, 1)])
def test_what_is_overwritten_is_saved_and_not_what_is_read(function: Callable, arrays: int) -> None:
    """Elements one by one; whole columns where whole columns are overwritten, one for each write."""
    source = jg.source(jg.grad(function, argnums=(0, 1)), *matrices(0))
    assert len(re.findall(r"_top \+= (?!1\b)", source)) == arrays
    assert "_top += 1" in source


def test_a_state_is_saved_once_for_the_iterations_before_and_after_it() -> None:
    source = jg.source(jg.grad(recurrent, argnums=(0, 1)), *matrices(0))
    assert len(re.findall(r"saved(_\d+)?_top \+= ", source)) == 1


def compiled_as_plain_python(traced: Any, target: str, tracing: float) -> Program:
    """A program that runs the emitted module without numba, and compares it with the interpreter."""
    function = verify(optimise(verify(traced.function), verify))
    taken = [k for k, leaf in enumerate(traced.leaves) if leaf.is_parameter]
    donated = {taken.index(k): result for k, result in traced.written if traced.leaves[k].shape}
    emitted = emit_cpu(function, "run", donated)
    scope: dict[str, Any] = {}
    exec(compile(re.sub(r"(?m)^@njit\(.*\)\n", "", emitted.source), "<emitted>", "exec"), scope)

    def run(*arguments: Any) -> Any:
        expected = interpret(function, [np.array(a) for a in arguments])
        results = scope[emitted.entry](*arguments)
        returned = iter(results if isinstance(results, tuple) else (results,))
        places = {result: arguments[place] for place, result in donated.items()}
        for k, other in enumerate(expected):
            one = places[k] if k in places else next(returned)
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9, err_msg=emitted.source)
        return results

    return Program(traced, None, run, {"trace": tracing})


def one_undone_one_saved(A, z):
    """An inner loop leaves two arrays: the one is had again by undoing, the other is saved."""
    n, s, v = z.size, 0.3, 0.5 * z
    for i in range(n):
        for j in range(n):
            for _ in range(n):
                v = 0.5 * A[n - 1 - i] * z + 0.1
            z[(i + 1) % n] = 0.2 * (A[0, :] @ z) + 0.3 * z[0] ** 2
            for _ in range(j):
                A[1 % n, :] = 0.5 * A[n - 1 - j, :] + 0.1 * v * z[1 % n]
        z[n - 1] = 0.2 * (A[(i + 1) % n, :] @ z) + 0.3 * z[(i + 1) % n] ** 2
        for _ in range(n):
            z[0] = 0.2 * (A[i, :] @ z) + 0.3 * z[n - 1] ** 2
    return s + np.sum(A * z) + np.sum(v)


def is_tame(program: Callable, A: np.ndarray, z: np.ndarray) -> bool:
    """Whether no number grows beyond what a comparison can bear."""
    A, z = A.copy(), z.copy()
    with np.errstate(all="ignore"):
        result = program(A, z)
    return all(np.all(np.abs(x) < 1e6) for x in (result, A, z))


def check(program: Callable, A: np.ndarray, z: np.ndarray) -> None:
    """Against the derivative by a complex step: Squire and Trapp 1998, Using complex variables to estimate derivatives."""
    rng = np.random.default_rng(0)
    dA, dz = rng.normal(size=A.shape), rng.normal(size=z.shape)
    slope = np.imag(program(A + 1e-30j * dA, z + 1e-30j * dz)) * 1e30
    with mock.patch("jitgrad.compiled.compile_traced", compiled_as_plain_python):
        gA, gz = jg.grad(program, argnums=(0, 1))(A.copy(), z.copy())
    np.testing.assert_allclose(np.sum(gA * dA) + np.sum(gz * dz), slope, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "function",
    [
        forward_substitution,
        cholesky,
        orthogonal,
        seidel,
        matrix_seidel,
        orthogonal_to_all,
        swapped,
        half_undone,
        one_undone_one_saved,
        recurrent,
        recurrent_inside,
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_gradients(function: Callable, size: int) -> None:
    rng = np.random.default_rng(size)
    check(function, 0.2 * rng.normal(size=(size, size)) + 2 * np.eye(size), rng.normal(size=size))


@st.composite
def places(draw: st.DrawFn, counters: list[str]) -> str:
    """An index: a counter, one reckoned from it, or a number."""
    counter = draw(st.sampled_from([*counters, "0", "n - 1"]))
    return draw(st.sampled_from([counter, f"({counter} + 1) % n", f"n - 1 - {counter}"]))


@st.composite
def lines(draw: st.DrawFn, counters: list[str], depth: int) -> list[str]:
    """A statement of a loop's body."""
    i, j, k = (draw(places(counters)) for _ in range(3))
    if depth < 3 and draw(st.integers(0, 2)) == 0:
        counter = "ijk"[depth]
        ranges = ["n", "n - 1, -1, -1", "1, n", *counters]
        header = f"for {counter} in range({draw(st.sampled_from(ranges))}):"
        return [header, *("    " + line for line in draw(blocks([*counters, counter], depth + 1)))]
    return [
        draw(
            st.sampled_from(
                [
                    f"A[{i}, {j}] = 0.3 * A[{i}, {j}] + 0.1 * (A[{i}, :] @ A[{k}, :])",
                    f"A[{i}, {j}] = 0.1 * np.sum(A[:, {k}] * v) - 0.2 * z[{j}]",
                    f"A[{i}, :] = 0.5 * A[{j}, :] + 0.1 * v * z[{k}]",
                    f"A[:, {i}] -= 0.1 * (A[:, {i}] @ A[:, {j}]) * A[:, {k}]",
                    f"A[1:, {i}] = 0.9 * A[:-1, {j}]",
                    f"z[{i}] = 0.2 * (A[{j}, :] @ z) + 0.3 * z[{k}] ** 2",
                    f"z[1:] *= 0.5 + 0.1 * A[{i}, 1:] * z[:-1]",
                    f"s = 0.5 * s + 0.1 * z[{i}] * A[{j}, {k}] + np.sum(v * z)",
                    f"v = 0.5 * A[{i}] * z + 0.1",
                    f"z[{i}], z[{j}] = 0.9 * z[{j}], z[{i}]",
                ]
            )
        )
    ]


@st.composite
def blocks(draw: st.DrawFn, counters: list[str], depth: int) -> list[str]:
    return [line for _ in range(draw(st.integers(1, 3))) for line in draw(lines(counters, depth))]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A program over a matrix, a vector and two values that follow from them."""
    body = [*draw(blocks([], 0)), "for i in range(n):", *("    " + line for line in draw(blocks(["i"], 1)))]
    head = ["def program(A, z):", "    n, s, v = z.size, 0.3, 0.5 * z"]
    return "\n".join([*head, *("    " + line for line in body), "    return s + np.sum(A * z) + np.sum(v)"]) + "\n"


@settings(max_examples=15)
@given(programs(), st.integers(0, 100))
def test_random_nests(source: str, seed: int) -> None:
    name = f"<undone nest {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope: dict[str, Any] = {"np": np}
    exec(compile(source, name, "exec"), scope)
    rng = np.random.default_rng(seed)
    A, z = 0.5 * rng.normal(size=(SIZE, SIZE)), rng.normal(size=SIZE)
    assume(is_tame(scope["program"], A, z))
    check(scope["program"], A, z)
