"""Long sizes get names, and mean what they meant."""

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import name_sizes

import jitgrad as jg

SLICES = """
fn f(x: f64[n], y: f64[n]) -> (f64[max(0, n//2 - 1)]) {
  %0: f64[max(0, n//2 - 1)] = index x {spec=((1, max(0, n//2 - 1), 1),)}
  %1: f64[max(0, n//2 - 1)] = index y {spec=((0, max(0, n//2 - 1), 1),)}
  %2: f64[max(0, n//2 - 1)] = add %0 %1
  return %2
}
"""
INSIDE = """
fn f(x: f64[n]) -> (f64[n]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[n] = loop %0 %1 x {step=1, consts=0}
    (fn body(i: i64[], x: f64[n]) -> (f64[n]) {
      bind_size i {symbol='i'}
      %0: f64[max(0, i//2 - 1)] = index x {spec=((0, max(0, i//2 - 1), 1),)}
      %1: f64[max(0, i//2 - 1)] = sin %0
      %2: f64[n] = update x %1 {spec=((0, max(0, i//2 - 1), 1),)}
      return %2
    })
  return %2
}
"""


@pytest.mark.parametrize("n", [0, 1, 3, 8])
def test_numbers_stay_the_same(n: int) -> None:
    before = parse(SLICES)
    after = verify(name_sizes(before))
    assert str(after.results[0].type) == "f64[size]"
    assert str(after).count("n//2") == 1
    arguments = [np.arange(n, dtype=float), np.arange(n, dtype=float) ** 2]
    np.testing.assert_array_equal(interpret(after, arguments)[0], interpret(before, arguments)[0])


def test_what_only_a_loop_knows_has_no_name() -> None:
    before = parse(INSIDE)
    assert name_sizes(before) == before


def test_the_part_of_a_size_is_named_before_it() -> None:
    text = SLICES.replace("n//2 - 1", "n//2 - min(4, n//3 + 1)")
    assert "min((n//3) + 1, 4)" in str(verify(name_sizes(parse(text)))).splitlines()[1]  # the part stands in one place only
    twice = text.replace("  return", "  %3: i64[] = size {value=min(4, n//3 + 1)}\n  return")
    lines = str(verify(name_sizes(parse(twice)))).splitlines()
    assert "value=min((n//3) + 1, 4)" in lines[1] and "value=max((n//2) - size, 0)" in lines[3]


def test_emitted_sizes_can_be_read() -> None:
    def smoothed(x: Any, size: Any) -> Any:
        sums = np.cumsum(x)
        return np.sum((sums[size:] - sums[:-size]) ** 2)

    x = np.random.default_rng(0).normal(size=9)
    source = jg.source(jg.grad(smoothed), x, 3)
    assert source.count("min(") < 8
    h, direction = 1e-6, np.cos(np.arange(9))
    slope = (smoothed(x + h * direction, 3) - smoothed(x - h * direction, 3)) / (2 * h)
    np.testing.assert_allclose(jg.grad(smoothed)(x, 3) @ direction, slope, rtol=1e-7)
