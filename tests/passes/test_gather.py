"""What a loop adds to one element again and again is added once, after it, and only where that gives the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import Function, parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import gather_sums
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg

ADDS = """fn f(x: f64[n], y: f64[m], i: i64[], k: i64[]) -> (f64[m]) {{
  %0: i64[] = constant {{value={start}, dtype=i64}}
  %1: f64[m] = loop %0 k i x y {{step={step}, consts=2}}
    (fn body(j: i64[], i: i64[], x: f64[n], a: f64[m]) -> (f64[m]) {{
      %0: f64[] = index x j {{spec=(None,)}}
      {before}
      %1: f64[m] = index_add a %0 {place} {{spec=(None,)}}
      {after}
      return {result}
    }})
  return %1
}}
"""

ELIMINATES = """fn f(a: f64[n, m], c: f64[n, m]) -> (f64[n, m]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[n, m] = loop %0 %1 a c {step=1, consts=1}
    (fn outer(i: i64[], a: f64[n, m], c: f64[n, m]) -> (f64[n, m]) {
      %0: i64[] = size {value=m - 1}
      %1: f64[n, m] = loop %0 i i a c {step=-1, consts=2}
        (fn body(j: i64[], i: i64[], a: f64[n, m], c: f64[n, m]) -> (f64[n, m]) {
          %0: f64[] = index a i j {spec=(None, None)}
          %1: f64[] = index c i j {spec=(None, None)}
          %2: f64[] = mul %0 %1
          %3: f64[n, m] = index_add c %2 i i {spec=(None, None)}
          %4: f64[n, m] = index_add %3 %0 i j {spec=(None, None)}
          return %4
        })
      return %1
    })
  return %2
}
"""


def adds(start: int = 0, step: int = 1, place: str = "i", before: str = "", after: str = "", result: str = "%1") -> Function:
    return verify(parse(ADDS.format(**locals())))


def loops(function: Function) -> list[str]:
    """The ops in the innermost loop."""
    (loop,) = (e for e in function.walk() if e.op == "loop" and not any(i.op == "loop" for i in e.regions[0].equations))
    return [e.op for e in loop.regions[0].equations]


def assert_same(before: Function, *arguments: Any) -> None:
    after = verify(gather_sums(before))
    for expected, found in zip(interpret(before, arguments), interpret(after, arguments), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)


X, Y = np.array([1.0, -2.5, 4.0]), np.array([10.0, 20.0, 30.0, 40.0])


@pytest.mark.parametrize(("start", "step", "end"), [(0, 1, 3), (2, -1, -1), (0, 2, 3), (1, 1, 2)])
def test_a_sum_is_gathered(start: int, step: int, end: int) -> None:
    function = adds(start, step)
    assert "index_add" not in loops(gather_sums(function))
    assert_same(function, X, Y, 2, end)


def test_no_iteration_adds_nothing_wherever_that_is() -> None:
    """The position may be none of the array's, and nothing happens to a negative zero."""
    (found,) = interpret(verify(gather_sums(adds())), [X, -0.0 * Y, 4, 0])
    assert np.all(np.signbit(found))


@pytest.mark.parametrize(
    "function",
    [
        adds(place="j"),
        adds(before="%2: f64[] = index a j {spec=(None,)}"),  # may be the element that is added to
        adds(after="%2: f64[m] = update %1 %0 j {spec=(None,)}", result="%2"),
        adds(after="%2: f64[m] = index_add %1 %0 i {spec=(None,)}", result="%2"),
        adds(after="%2: f64[m] = sin %1", result="%2"),  # all of the array is read
        adds(after="%2: f64[m] = update %1 %0 i {spec=(None,)}", result="%1"),  # and nobody reads that
    ],
)
def test_what_depends_on_the_order_stays(function: Function) -> None:
    assert "index_add" in loops(gather_sums(function))
    assert_same(function, X, Y, 2, 3)


def test_elements_that_are_apart_are_told_apart() -> None:
    function = verify(parse(ELIMINATES))
    assert loops(gather_sums(function)).count("index_add") == 1
    assert_same(function, np.arange(12.0).reshape(3, 4), np.sin(np.arange(12.0)).reshape(3, 4))


def factorised(A: Any) -> Any:
    n = A.shape[0]
    A = A.copy()
    for k in range(n):
        for i in range(k + 1, n):
            A[i, k] /= A[k, k]
            for j in range(k + 1, n):
                A[i, j] -= A[i, k] * A[k, j]
    return np.sum(np.log(np.abs(np.diag(A))))


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_the_gradient_of_an_elimination(size: int) -> None:
    """The logarithm of a determinant, whose gradient is the inverse, transposed."""
    A = np.random.default_rng(size).normal(size=(size, size)) + 3 * np.eye(size)
    assert size < 2 or re.search(r"total\w* = 0.0", jg.source(jg.grad(factorised), A))
    np.testing.assert_allclose(jg.grad(factorised)(A), np.linalg.inv(A).T, rtol=1e-10)


def density(x: Any, places: Any, width: Any) -> Any:
    """An element is added to in a loop of its own, perhaps of no iterations; the last row is changed twice in each."""
    found = np.zeros((len(places) + 1, 2))
    for j in range(len(places)):
        for i in range(len(x)):
            found[j, 0] += np.exp(-(((places[j] - x[i]) / width) ** 2))
    for i in range(len(x) - 1, -1, -1):
        found[-1, 1] = 0.5 * found[-1, 1] + x[i]
        found[-1, 1] *= 1.5
    return found


def moved_along(x: Any, places: Any, width: Any) -> Any:
    """Another element that is read may be the one that is written."""
    found = np.cumsum(x) * width
    for j in range(1, len(found)):
        for i in range(len(found)):
            found[j] += 0.1 * found[i]
    return found


def below(x: Any, places: Any, width: Any) -> Any:
    """Substitution: what is read of the array is not what is written."""
    found = x.copy()
    for j in range(len(found)):
        for i in range(j):
            found[j] -= width * found[i]
        found[j] /= 2.0
    return found


@pytest.mark.parametrize(("program", "is_kept"), [(density, True), (moved_along, False), (below, True)])
def test_an_element_that_is_read_and_written_is_kept(program: Callable[..., Any], is_kept: bool) -> None:
    compiled, places = jg.jit(program), np.linspace(-1.0, 1.0, 4)
    for n in (0, 1, 2, 40):
        x = np.random.default_rng(n).normal(size=n)
        np.testing.assert_allclose(compiled(x, places, 0.3), program(x, places, 0.3), rtol=1e-14)
    traced = optimise(parse(jg.ir(program, x, places, 0.3)))
    assert (gather_sums(traced) != traced) == is_kept
    direction = np.cos(np.arange(40.0))
    slope = np.sum(program(x + 1e-6 * direction, places, 0.3) - program(x - 1e-6 * direction, places, 0.3)) / 2e-6
    assert jg.grad(lambda x: np.sum(program(x, places, 0.3)))(x) @ direction == pytest.approx(slope, rel=1e-6)


def test_no_iteration_reads_and_writes_nothing() -> None:
    """The position may be none of the array's."""

    def last(x: Any, n: Any) -> Any:
        for i in range(n):
            x[len(x) - 1] += i
        return x

    compiled = jg.jit(last)
    assert compiled(np.zeros(0), 0).size == 0
    assert compiled(np.zeros(2), 4).tolist() == [0.0, 6.0]
    with pytest.raises(IndexError):
        compiled(np.zeros(0), 1)
