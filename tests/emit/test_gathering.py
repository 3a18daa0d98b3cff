"""Blocks that are added to one array at shifted places: one kernel, in which each element gathers what belongs to it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jitgrad.compiler.emit import Emitted
from jitgrad.compiler.ir import parse

import jitgrad as jg
from tests.emit.conftest import check_function

STAR = """fn f(ct: f64[n, m], x: f64[n - 2, m - 2]) -> (f64[n, m]) {
  %0: f64[n, m] = copy ct
  %1: f64[n - 2, m - 2] = add x x
  %2: f64[n, m] = index_add %0 %1 {spec=((1, n - 2, 1), (2, m - 2, 1))}
  %3: f64[n, m] = index_add %2 %1 {spec=((1, n - 2, 1), (0, m - 2, 1))}
  %4: f64[n, m] = index_add %3 %1 {spec=((2, n - 2, 1), (1, m - 2, 1))}
  %5: f64[n, m] = index_add %4 %1 {spec=((0, n - 2, 1), (1, m - 2, 1))}
  return %5
}"""

DIFFERENCES = """fn f(ct: f64[n], x: f64[n - 1]) -> (f64[n]) {
  %0: f64[n] = copy ct
  %1: f64[n - 1] = add x x
  %2: f64[n] = index_add %0 %1 {spec=((1, n - 1, 1),)}
  %3: f64[n - 1] = neg %1
  %4: f64[n] = index_add %2 %3 {spec=((0, n - 1, 1),)}
  return %4
}"""

AT_ONE_ROW = """fn f(ct: f64[k, n], x: f64[n - 1], i: i64[]) -> (f64[k, n]) {
  %0: f64[k, n] = copy ct
  %1: f64[k, n] = index_add %0 x i {spec=(None, (1, n - 1, 1))}
  %2: f64[k, n] = index_add %1 x i {spec=(None, (0, n - 1, 1))}
  return %2
}"""

AT_TWO_ROWS = """fn f(ct: f64[k, n], x: f64[n - 1], i: i64[], j: i64[]) -> (f64[k, n]) {
  %0: f64[k, n] = copy ct
  %1: f64[k, n] = index_add %0 x i {spec=(None, (1, n - 1, 1))}
  %2: f64[k, n] = index_add %1 x j {spec=(None, (0, n - 1, 1))}
  return %2
}"""

READ_BEFORE = """fn f(ct: f64[n], x: f64[n - 1]) -> (f64[n]) {
  %0: f64[n] = copy ct
  %1: f64[n - 1] = index %0 {spec=((0, n - 1, 1),)}
  %2: f64[n - 1] = mul %1 x
  %3: f64[n] = index_add %0 x {spec=((1, n - 1, 1),)}
  %4: f64[n] = index_add %3 %2 {spec=((0, n - 1, 1),)}
  return %4
}"""

OVERWRITTEN_BEFORE = """fn f(ct: f64[n], x: f64[n - 1], y: f64[n - 1]) -> (f64[n], f64[n - 1]) {
  %0: f64[n] = copy ct
  %1: f64[n - 1] = copy y
  %2: f64[n - 1] = mul %1 x
  %3: f64[n - 1] = update %1 x {spec=((0, n - 1, 1),)}
  %4: f64[n] = index_add %0 x {spec=((1, n - 1, 1),)}
  %5: f64[n] = index_add %4 %2 {spec=((0, n - 1, 1),)}
  return %5, %3
}"""

OF_TWO_SHAPES = """fn f(ct: f64[n, m], x: f64[n, m - 1], y: f64[n - 1, m]) -> (f64[n, m]) {
  %0: f64[n, m] = copy ct
  %1: f64[n, m] = index_add %0 x {spec=((0, n, 1), (1, m - 1, 1))}
  %2: f64[n, m] = index_add %1 x {spec=((0, n, 1), (0, m - 1, 1))}
  %3: f64[n, m] = index_add %2 y {spec=((1, n - 1, 1), (0, m, 1))}
  %4: f64[n, m] = index_add %3 y {spec=((0, n - 1, 1), (0, m, 1))}
  return %4
}"""

WAITS = """fn f(ct: f64[n], x: f64[n - 1]) -> (f64[n], f64[]) {
  %0: f64[n] = copy ct
  %1: f64[n] = index_add %0 x {spec=((1, n - 1, 1),)}
  %2: f64[] = sum %1 {axes=(0,)}
  %3: f64[n - 1] = broadcast %2 {axes=(), shape=(n - 1,)}
  %4: f64[n] = index_add %1 %3 {spec=((0, n - 1, 1),)}
  return %4, %2
}"""


def passes(emitted: Emitted) -> int:
    """How many kernels there are that do more than copy."""
    return emitted.source.count("\ndef ") - emitted.source.count("\ndef copy") - 1


def check_exactly(text: str, *arguments: Any) -> Emitted:
    return check_function(parse(text), arguments, exact=True)


@pytest.mark.parametrize("shape", [(2, 2), (2, 9), (3, 3), (4, 3), (5, 4), (3, 12), (12, 3), (7, 8)])
def test_a_star_is_gathered(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    emitted = check_exactly(STAR, rng.normal(size=shape), rng.normal(size=(shape[0] - 2, shape[1] - 2)))
    assert passes(emitted) == 2, emitted.source


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 3), (5, 4)])
def test_blocks_of_two_shapes_are_gathered_apart(shape: tuple[int, int]) -> None:
    n, m = shape
    emitted = check_exactly(OF_TWO_SHAPES, np.ones(shape), np.ones((n, m - 1)), np.full((n - 1, m), 2.0))
    assert emitted.source.count("    add_to") == 2, emitted.source


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_differences_are_gathered(size: int) -> None:
    emitted = check_exactly(DIFFERENCES, np.arange(float(size)), np.ones(size - 1))
    assert passes(emitted) == 2, emitted.source  # what is negated is not stored


def test_special_numbers_stay_where_they_are() -> None:
    x = np.array([np.nan, 1.0, -np.inf, 0.0, -0.0, 2.0])
    check_exactly(DIFFERENCES, np.full(7, -0.0), np.zeros(6))
    check_exactly(DIFFERENCES, np.zeros(7), x)


def test_positions_that_are_known_when_it_runs_must_be_the_same() -> None:
    one = check_exactly(AT_ONE_ROW, np.ones((3, 5)), np.arange(4.0), 2)
    two = check_exactly(AT_TWO_ROWS, np.ones((3, 5)), np.arange(4.0), 2, 1)
    assert passes(one) == 1 and one.source.count("    add_to(") == 1
    assert two.source.count("    add_to(") == 2


@pytest.mark.parametrize("text", [READ_BEFORE, OVERWRITTEN_BEFORE, WAITS])
@pytest.mark.parametrize("size", [1, 2, 6])
def test_what_is_added_is_read_in_time(text: str, size: int) -> None:
    part = np.arange(1.0, size)
    check_exactly(text, np.ones(size), part, *([part] if "y:" in text else []))


@st.composite
def chains(draw: Any) -> tuple[str, list[np.ndarray]]:
    """Chains of blocks of some dtype and rank, small or empty, at places that differ by little; some blocks are larger than others."""
    rank = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(("f64", "f32", "i64", "i32")))
    shapes = [[draw(st.integers(0, 5)) for _ in range(rank)] for _ in range(2)]
    sizes = [max(extents) + 3 for extents in zip(*shapes, strict=True)]
    whole, *parts = (f"{dtype}[{', '.join(map(str, shape))}]" for shape in (sizes, *shapes))
    lines = [f"fn f(ct: {whole}, x: {parts[0]}, y: {parts[1]}) -> ({whole}) {{", f"%0: {whole} = copy ct"]
    lines += [
        f"%1: {parts[0]} = mul x x",
        f"%2: {parts[1]} = mul y y",
        f"%3: {parts[0]} = add x %1",
        f"%4: {parts[1]} = neg %2",
    ]
    array = 0
    for number in range(5, draw(st.integers(8, 14))):
        value = draw(st.sampled_from((1, 1, 1, 3, 2, 2, 4)))
        place = [draw(st.integers(0, 3)) for _ in range(rank)]
        spec = ", ".join(f"({a}, {n}, 1)" for a, n in zip(place, shapes[(value - 1) % 2], strict=True))
        lines.append(f"%{number}: {whole} = index_add %{array} %{value} {{spec=({spec},)}}")
        array = number
    lines += [f"return %{array}", "}"]
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    return "\n".join(lines), [rng.normal(size=shape) * 9 for shape in (sizes, *shapes)]


@given(chains())
def test_drawn_chains_give_the_same_numbers(drawn: tuple[str, list[np.ndarray]]) -> None:
    text, arguments = drawn
    check_exactly(text, *arguments)


def relax(u: Any, f: Any, sweeps: int) -> Any:
    old, new = u.copy(), u.copy()
    for _ in range(sweeps):
        new[1:-1, 1:-1] = 0.25 * (old[:-2, 1:-1] + old[2:, 1:-1] + old[1:-1, :-2] + old[1:-1, 2:] + f[1:-1, 1:-1])
        old, new = new, old
    return np.sum(old**2)


def smooth(u: Any, f: Any, sweeps: int) -> Any:
    for _ in range(sweeps):
        u = u + 0.1 * (np.roll(u, 1, 0) + np.roll(u, -1, 1) - 2.0 * u)
        u[1:] += f[:-1] * (u[:-1] - u[1:])
    return np.sum(u**3)


@pytest.mark.parametrize("function", [relax, smooth])
@pytest.mark.parametrize(
    "shape", [(2, 2), (3, 5), pytest.param((3, 3), marks=pytest.mark.slow), pytest.param((6, 4), marks=pytest.mark.slow)]
)
def test_gradients_of_stencils(function: Any, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    jg.check_grads(lambda u, f: function(u, f, 3), (rng.normal(size=shape), rng.normal(size=shape)), order=1)
