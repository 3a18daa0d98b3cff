"""Random loop nests over a shared array: value, gradient and mutated arguments against plain Python.

The programs are drawn as source text. They are analytic in their float arguments, so plain Python with complex numbers gives the
derivative along a direction exactly (complex step: Squire and Trapp 1998, Using complex variables to estimate derivatives).
"""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from interpreted import interpreting
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg

SIZE = 4


@st.composite
def indices(draw: st.DrawFn, counters: list[str]) -> str:
    """An expression for a place along an axis; negative ones count from the end."""
    if not counters or draw(st.integers(0, 5)) == 0:
        return str(draw(st.integers(-SIZE, SIZE - 1)))
    counter = draw(st.sampled_from(counters))
    return draw(st.sampled_from([counter, f"({counter} + 1) % n", f"{counter} - 1", f"n - 1 - {counter}", f"K[{counter}]"]))


@st.composite
def numbers(draw: st.DrawFn, counters: list[str]) -> str:
    """A scalar expression that stays of moderate size."""
    i, j = draw(indices(counters)), draw(indices(counters))
    return draw(
        st.sampled_from(
            [f"A[{i}, {j}]", f"0.5 * A[{i}, {j}]", f"np.sin(A[{i}, {j}])", f"w[{i}]", "s", f"s * w[{j}] * 0.3",
             f"A[{i}, {j}] * A[{j}, {i}] * 0.2", f"np.cos(s) * A[{i}][{j}]"]
        )
    )  # fmt: skip


@st.composite
def statements(draw: st.DrawFn, counters: list[str], depth: int) -> list[str]:
    """One statement, as lines."""
    kinds = ["write", "add", "scalar", "row", "slices", "swap", "view", "stop", "whole"]
    kind = draw(st.sampled_from(kinds + ["for", "for", "while", "if"] * (depth < 3)))
    i, j = draw(indices(counters)), draw(indices(counters))
    value = draw(numbers(counters))
    match kind:
        case "write":
            return [f"A[{i}, {j}] = {value} + 0.1"]
        case "add":
            return [f"A[{i}, {j}] {draw(st.sampled_from(['+=', '-=', '*=']))} {value}"]
        case "scalar":
            return [f"s = 0.5 * s + {value}"]
        case "row":
            return [f"A[{i}] = 0.5 * A[{j}] + {value}"]
        case "slices":
            return [draw(st.sampled_from(["A[1:] = 0.9 * A[:-1]", f"A[{i}, 1:] += 0.1 * A[{j}, :-1]", "A[:, ::2] *= 0.5"]))]
        case "swap":
            return [f"A[{i}, {j}], A[{j}, {i}] = A[{j}, {i}], A[{i}, {j}]"]
        case "view":
            return [f"row = A[{i}]", f"row[{j}] += {value}", "row *= 0.9"]
        case "whole":
            return ["A = A * 0.7"]
        case "stop":
            if not counters:
                return [f"s = s + {value}"]
            return [
                f"if ({counters[-1]} * 2 + 1) % 5 == 3:",
                "    " + draw(st.sampled_from(["s = s * 0.5", "continue", "break"])),
            ]
        case "if":
            test = f"{draw(st.sampled_from(counters or ['n']))} % 2 == {draw(st.integers(0, 1))}"
            lines = [f"if {test}:", *_indented(draw(blocks(counters, depth + 1)))]
            if draw(st.booleans()):
                lines += ["else:", *_indented(draw(blocks(counters, depth + 1)))]
            return lines
    counter = "ijkl"[len(counters)] if len(counters) < 4 else "l"
    inner = _indented(draw(blocks([*counters, counter], depth + 1)))
    if kind == "while":
        return [f"{counter} = 0", f"while {counter} < n - 1:", *inner_without_jumps(inner), f"    {counter} += 1"]
    bound = draw(st.sampled_from(["n", "1, n", "n - 1, -1, -1", "0, n, 2", *counters]))
    return [f"for {counter} in range({bound}):", *inner]


def inner_without_jumps(lines: list[str]) -> list[str]:
    """A while loop counts at its end, so ``continue`` would never end it."""
    return [line.replace("continue", "s = s * 0.5") for line in lines]


@st.composite
def blocks(draw: st.DrawFn, counters: list[str], depth: int) -> list[str]:
    """A few statements, as lines."""
    count = draw(st.integers(1, 3))
    return [line for _ in range(count) for line in draw(statements(counters, depth))]


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


@st.composite
def programs(draw: st.DrawFn) -> str:
    body = draw(blocks([], 0))
    return "\n".join(["def program(A, w, K, n):", "    s = 0.3", *_indented(body), "    return s + np.sum(A * w)"]) + "\n"


def defined(source: str) -> Any:
    """The function of a program's text, whose source can be found."""
    name = f"<loop nest {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope: dict[str, Any] = {"np": np}
    exec(compile(source, name, "exec"), scope)
    return scope["program"]


@settings(max_examples=60)
@given(programs(), st.integers(0, 1000))
def test_loop_nests(source: str, seed: int) -> None:
    program = defined(source)
    rng = np.random.default_rng(seed)
    A, w, K = rng.normal(size=(SIZE, SIZE)), rng.normal(size=SIZE), rng.integers(0, SIZE, size=SIZE)
    expected_A = A.copy()
    expected = program(expected_A, w, K, SIZE)
    dA, dw = rng.normal(size=A.shape), rng.normal(size=w.shape)
    slope = np.imag(program(A + 1e-30j * dA, w + 1e-30j * dw, K, SIZE)) * 1e30
    with interpreting():
        given_A = A.copy()
        try:
            value = jg.jit(program)(given_A, w, K, SIZE)
        except UnsupportedError as error:
            assert "write to a copy" in str(error)  # A is the caller's array in some cases only
            reject()
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(given_A, expected_A, rtol=1e-12)
        gA, gw = jg.grad(program, argnums=(0, 1))(A.copy(), w, K, SIZE)
        found = np.sum(gA * dA) + np.sum(gw * dw)
        np.testing.assert_allclose(found, slope, rtol=1e-9, atol=1e-9 * (1 + abs(expected)))
        _, tangent = jg.jvp(lambda A, w: program(A, w, K, SIZE), (A.copy(), w), (dA, dw))
        np.testing.assert_allclose(tangent, slope, rtol=1e-9, atol=1e-9 * (1 + abs(expected)))
