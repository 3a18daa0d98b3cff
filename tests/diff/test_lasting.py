"""Elements that stay until a loop has ended: which reads they are, and that the gradient is right where they are not saved."""

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
from jitgrad.compiler.diff.lasting import lasting
from jitgrad.compiler.ir import parse
from test_undoing import check, compiled_as_plain_python, is_tame, matrices

import jitgrad as jg

SIZE = 4


def solved(A, z):
    for i in range(z.size):
        z[i] = (z[i] - A[i, :i] @ z[:i]) / A[i, i]
    return z @ z


def solved_upwards(A, z):
    for i in range(z.size - 1, -1, -1):
        z[i] = (z[i] - A[i, i + 1 :] @ z[i + 1 :]) / A[i, i]
    return z @ z


def solved_backwards(A, z):
    """The elements that were written are read in the opposite order."""
    for i in range(1, z.size):
        z[i] -= A[i, :i] @ z[i - 1 :: -1]
    return z @ z


def every_second(A, z):
    for i in range(2, z.size, 2):
        z[i] = np.sin(z[i - 2] * z[i]) + A[i, i] * z[i - 1]
    return z @ z


def cholesky(A, z):
    for i in range(z.size):
        for j in range(i):
            A[i, j] = (A[i, j] - A[i, :j] @ A[j, :j]) / A[j, j]
        A[i, i] = np.sqrt(A[i, i] - A[i, :i] @ A[i, :i])
    return np.sum(A[-1]) + z[0]


def factored(A, z):
    """Each of two factors is filled by a loop that only reads the other one."""
    L, U = np.zeros_like(A), np.zeros_like(A)
    for j in range(z.size):
        for i in range(j, z.size):
            L[i, j] = A[i, j] - L[i, :j] @ U[:j, j]
        for i in range(j + 1, z.size):
            U[j, i] = (A[j, i] - L[j, :j] @ U[:j, i]) / L[j, j]
    return np.sum(np.sin(L)) + np.sum(U * U) + z[0]


def eliminated(A, z):
    """Rows trade places: the row of the pivot stays from then on, what was written into the other rows does not."""
    n = z.size
    for k in range(n - 1):
        pivot = k + np.argmax(np.abs(A[k:, k]))
        if pivot != k:
            for j in range(n):
                A[k, j], A[pivot, j] = A[pivot, j], A[k, j]
        for i in range(k + 1, n):
            A[i, k] /= A[k, k]
            A[i, k + 1 :] -= A[i, k] * A[k, k + 1 :]
    return np.sum(np.sin(A)) + z[0]


def swept(A, z):
    """The next sweep overwrites what this one reads."""
    for _ in range(3):
        for i in range(z.size):
            z[i] = (z[i] - A[i, :i] @ z[:i]) / A[i, i]
    return z @ z


def shifted(A, z):
    """The last element of what is read is overwritten by the next iteration."""
    for i in range(1, z.size):
        z[i] = np.sin(z[i] - A[i, : i + 1] @ z[: i + 1])
    return z @ z


def wrapped(A, z):
    """An index from the end, which the program must find out, may be that of any element."""
    for i in range(z.size):
        z[i] = np.sin(z[i] * z[i - 1])
    return z @ z + A[0, 0]


def left_early(A, z):
    for i in range(1, z.size):
        if np.abs(z[i]) > 1.0:
            break
        z[i] -= A[i, :i] @ z[:i]
    return z @ z


def written_in_a_branch(A, z):
    for i in range(1, z.size):
        if A[i, 0] > 0:
            z[i - 1] = np.sin(z[i] * z[i - 1])
        z[i] = np.sin(z[i] - A[i, :i] @ z[:i])
    return z @ z


def written_after_the_loop(A, z):
    for i in range(1, z.size):
        z[i] -= A[i, :i] @ z[:i]
    total = z @ z
    z[:] = 0.0
    return total


def overlapping(A, z):
    for i in range(z.size - 1):
        z[i + 1 :] = np.sin(z[i + 1 :] * A[i, : z.size - i - 1]) + z[i:-1]
    return z @ z


def written_twice(A, z):
    """What is written into one array, at a place that is computed after it, decides about another one."""
    first, second = np.zeros(z.size + 1, z.dtype), np.zeros(z.size, z.dtype)
    for i in range(z.size):
        value = A[i, 0] * z[i]
        first[i + 1] = value
        if value.real > 0.1:
            second[i] = np.sin(value)
    return second @ z


FILLED = (solved, solved_upwards, solved_backwards, cholesky, factored, written_after_the_loop)
NOT_FILLED = (left_early, every_second, eliminated, swept, shifted, wrapped, written_in_a_branch, overlapping, written_twice)


@pytest.mark.parametrize("function", FILLED)
def test_nothing_is_saved_of_an_array_that_is_filled(function: Callable) -> None:
    source = jg.source(jg.grad(function, argnums=(0, 1)), *matrices(0))
    assert "_top += " not in source


@pytest.mark.parametrize("function", [swept, wrapped])
def test_what_is_overwritten_later_does_not_stay(function: Callable) -> None:
    assert "_top += " in jg.source(jg.grad(function, argnums=(0, 1)), *matrices(0))


def test_a_flag_is_saved_where_a_loop_may_be_left() -> None:
    source = jg.source(jg.grad(left_early, argnums=(0, 1)), *matrices(0))
    assert len(re.findall(r"saved\w* = empty\(.*np.bool_", source)) == len(re.findall(r"_top \+= ", source)) == 1


def test_no_row_is_saved_for_an_elimination() -> None:
    """The pivots and the multipliers, which trade places later, and of each row nothing else."""
    source = jg.source(jg.grad(eliminated, argnums=(0, 1)), *matrices(0))
    assert set(re.findall(r"_top \+= (.*)", source)) == {"1"}


@pytest.mark.parametrize("function", [*FILLED, *NOT_FILLED])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_gradients(function: Callable, size: int) -> None:
    rng = np.random.default_rng(size)
    check(function, 0.2 * rng.normal(size=(size, size)) + 2 * np.eye(size), rng.normal(size=size))


RANGES = ("n", "n - 1, -1, -1", "1, n", "0, n, 2", "n - 1, 0, -2", "n, n")
INNER_RANGES = ("{i}", "{i} + 1, n", "{i}, -1, -1", "n - 1, {i}, -1", "{i}, n, 2")
PLACES = ("{i}", "{j}", "n - 1 - {i}", "{i} - 1", "({i} + 1) % n", "0", "n - 1")
VECTORS = ("z[:{i}]", "z[{i}:]", "z[{i} + 1 :]", "z[: {i} + 1]", "z[{i}::-1]", "z[:{i}:-1]", "z[::2]", "A[{j}, :{i}]", "A[{j}, {i} + 1 :]",
           "A[{j}, {i}::-1]", "A[:{i}, {j}]", "A[{i} + 1 :, {j}]", "A[{j}]", "z[:]")  # fmt: skip


@st.composite
def filled(draw: st.DrawFn, counters: list[str], depth: int) -> list[str]:
    """Statements of a loop's body: rows, columns and elements from others, which are written before, later or never."""

    def drawn(texts: tuple[str, ...]) -> str:
        i, j = (draw(st.sampled_from([*counters[-2:], *counters])) for _ in range(2))
        return draw(st.sampled_from(texts)).format(i=i, j=j)

    kind = draw(st.sampled_from(["element", "element", "vector", "entry", "swap", "branch", "leave", *["loop"] * (3 - depth)]))
    match kind:
        case "element":
            vector = drawn(VECTORS)
            return [f"z[{drawn(PLACES)}] = 0.5 * np.sin(np.sum({vector} * {vector}) + z[{drawn(PLACES)}])"]
        case "vector":
            vector = drawn(VECTORS)
            return [f"{vector} = 0.6 * np.sin({vector} * A[{drawn(PLACES)}, {drawn(PLACES)}])"]
        case "entry":
            one, other, product = drawn(PLACES), drawn(PLACES), f"A[{drawn(PLACES)}] @ A[:, {drawn(PLACES)}]"
            return [f"A[{one}, {other}] = 0.3 * A[{other}, {one}] * z[{drawn(PLACES)}] + 0.1 * ({product})"]
        case "swap":
            i = draw(st.sampled_from(counters))
            return [f"p = {i} + np.argmax(np.abs(z[{i}:]))", f"z[{i}], z[p] = 0.9 * z[p], z[{i}]"]
        case "branch":
            inside = draw(filled(counters, 3))
            return [f"if np.abs(z[{drawn(PLACES)}]) > 0.3:", *("    " + line for line in inside)]
        case "leave":
            return [f"if np.abs(z[{drawn(PLACES)}]) > 0.9:", f"    {draw(st.sampled_from(['break', 'continue']))}"]
    counter = "ijk"[depth]
    header = f"for {counter} in range({drawn(INNER_RANGES)}):"
    return [header, *("    " + line for line in draw(several([*counters, counter], depth + 1)))]


@st.composite
def several(draw: st.DrawFn, counters: list[str], depth: int) -> list[str]:
    return [line for _ in range(draw(st.integers(1, 3))) for line in draw(filled(counters, depth))]


@st.composite
def programs(draw: st.DrawFn) -> str:
    lines = [f"for i in range({draw(st.sampled_from(RANGES))}):", *("    " + line for line in draw(several(["i"], 1)))]
    text = "\n".join("    " + line for line in ["n = z.size", *lines, "return np.sum(np.sin(A)) + np.sum(z)"])
    return f"def program(A, z):\n{text}\n"


def made(source: str) -> Callable[..., Any]:
    name = f"<filled nest {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope: dict[str, Any] = {"np": np}
    exec(compile(source, name, "exec"), scope)
    program: Callable[..., Any] = scope["program"]
    return program


def check_twice(program: Callable, A: np.ndarray, z: np.ndarray) -> None:
    """The second derivative along a line, against differences of the first one, which is exact."""
    rng = np.random.default_rng(1)
    dA, dz = rng.normal(size=A.shape), rng.normal(size=z.shape)

    def slope(A: Any, z: Any) -> Any:
        gA, gz = jg.grad(program, argnums=(0, 1))(A, z)
        return np.sum(gA * dA) + np.sum(gz * dz)

    def exact(step: float) -> float:
        return np.imag(program(A + step * dA + 1e-30j * dA, z + step * dz + 1e-30j * dz)) * 1e30

    with mock.patch("jitgrad.compiled.compile_traced", compiled_as_plain_python):
        hA, hz = jg.grad(slope, argnums=(0, 1))(A.copy(), z.copy())
    difference = (exact(1e-6) - exact(-1e-6)) / 2e-6
    np.testing.assert_allclose(np.sum(hA * dA) + np.sum(hz * dz), difference, rtol=1e-5, atol=1e-5)


@settings(max_examples=15)
@given(programs(), st.integers(0, 100))
def test_random_nests(source: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, z = 0.5 * rng.normal(size=(SIZE, SIZE)), rng.normal(size=SIZE)
    assume(is_tame(made(source), A, z))
    check(made(source), A, z)


@settings(max_examples=5)
@given(programs(), st.integers(0, 100))
def test_second_derivatives_of_random_nests(source: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, z = 0.5 * rng.normal(size=(SIZE, SIZE)), rng.normal(size=SIZE)
    assume(is_tame(made(source), A, z))
    check_twice(made(source), A, z)


def read_in_a_branch_and_written_after_it(A, z):
    n, s = int(np.sum(z < 9.0)), 0.3
    if n % 2 == 1:
        s = np.exp(-(A[n - 1, n - 1] ** 2)) * z[0]
    i = n
    while i > 0 and A[0, 0] < A[n - 2, n - 2] + 9.0:
        i -= 1
        A[i] += 0.1 * z
    return s + np.sum(np.sin(A))


@pytest.mark.parametrize("size", [2, 3])
def test_second_derivatives_of_what_only_a_branch_reads(size: int) -> None:
    rng = np.random.default_rng(2)
    check_twice(read_in_a_branch_and_written_after_it, rng.normal(size=(size, size)), rng.normal(size=size))


NEST = """
fn f(a: f64[n, n], x: f64[n - k]) -> (f64[n, n]) {
  %0: i64[] = constant {value=START, dtype=i64}
  %1: i64[] = size {value=STOP}
  %2: f64[n, n] = loop %0 %1 a {step=STEP, consts=0}
    (fn outer(i: i64[], a: f64[n, n]) -> (f64[n, n]) {
      bind_size i {symbol='i'}
      %0: i64[] = constant {value=0, dtype=i64}
      %1: f64[n, n] = loop %0 i i a {step=1, consts=1}
        (fn inner(j: i64[], i: i64[], a: f64[n, n]) -> (f64[n, n]) {
          bind_size j {symbol='j'}
          %0: i64[] = size {value=READ}
          %1: f64[n] = index a %0 {spec=(None, (0, n, 1))}
          %2: i64[] = size {value=WRITTEN}
          %3: f64[n, n] = update a %1 %2 {spec=(None, (0, n, 1))}
          return %3
        })
      return %1
    })
  return %2
}
"""


@pytest.mark.parametrize(
    ("start", "stop", "step", "read", "written", "regions"),
    [
        (0, "n", 1, "j", "i", 2),  # of the rows above, by the row
        (0, "n", 1, "i - 1", "i", 2),
        (0, "n", 1, "i + 1", "i", 1),  # of the next row, which comes next
        (0, "n", 1, "i", "i", 0),
        (0, "n", 1, "j", "j", 0),
        (0, "n", 1, "i", "j", 1),  # a row that is written again and again, by later iterations of the outer loop
        (0, "n", 2, "i + 1", "i", 2),  # the row between two
        (5, "0", -1, "i + 1", "i", 2),
        (5, "0", -1, "i - 1", "i", 1),
        (1, "n", 1, "0", "i", 2),
        (1, "n", 1, "0", "i + k", 0),  # a symbol that is no size may be negative
        (1, "n", 1, "0", "i + n", 2),
    ],
)
def test_how_long_elements_last(start: int, stop: str, step: int, read: str, written: str, regions: int) -> None:
    values = {"START": start, "STOP": stop, "STEP": step, "READ": read, "WRITTEN": written}
    function = parse(re.sub("START|STOP|STEP|READ|WRITTEN", lambda match: str(values[match[0]]), NEST))
    found = lasting(function)
    (reading,) = (e for e in function.walk() if e.op == "index")
    assert found.get(id(reading), 0) == regions


def test_a_long_proof_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    function = parse(
        re.sub(
            "START|STOP|STEP|READ|WRITTEN",
            lambda m: {"STOP": "n", "STEP": "1", "READ": "j", "WRITTEN": "i"}.get(m[0], "0"),
            NEST,
        )
    )
    assert lasting(function)
    monkeypatch.setattr("jitgrad.compiler.diff.lasting.MOST_COMPARISONS", 0)
    assert not lasting(function)
