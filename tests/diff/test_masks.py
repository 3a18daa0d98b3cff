"""``where`` never leaks NaN from the branch not taken, in either mode, at any order, through loops and sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.diff import jvp, vjp
from jitgrad.compiler.ir import Function, parse
from jitgrad.compiler.ops import interpret, verify

ROOT = """
fn root(x: f64[n]) -> (f64[n]) {
  %0: f64[] = constant {value=0.0, dtype=f64}
  %1: f64[n] = broadcast %0 {axes=(), shape=(n,)}
  %2: bool[n] = gt x %1
  %3: f64[n] = sqrt x
  %4: f64[n] = select %2 %3 %1
  return %4
}
"""

# rows are divided by their norms; rows of zeros are not
NORMALIZE = """
fn normalize(x: f64[n, m]) -> (f64[n, m]) {
  %0: f64[n, m] = square x
  %1: f64[n] = sum %0 {axes=(1,)}
  %2: f64[n] = sqrt %1
  %3: f64[n, m] = broadcast %2 {axes=(0,), shape=(n, m)}
  %4: f64[n, m] = div x %3
  %5: f64[] = constant {value=0.0, dtype=f64}
  %6: f64[n, m] = broadcast %5 {axes=(), shape=(n, m)}
  %7: bool[n, m] = eq %3 %6
  %8: f64[n, m] = select %7 %6 %4
  return %8
}
"""

# the loop's value is only taken where x is positive
LOOP = """
fn loop_then_where(x: f64[]) -> (f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=3, dtype=i64}
  %2: f64[] = loop %0 %1 x {step=1, consts=0}
    (fn body(i: i64[], y: f64[]) -> (f64[]) {
      %0: f64[] = log y
      %1: f64[] = mul %0 y
      return %1
    })
  %3: f64[] = constant {value=0.0, dtype=f64}
  %4: bool[] = gt x %3
  %5: f64[] = select %4 %2 x
  return %5
}
"""

INSIDE_LOOP = """
fn where_in_loop(x: f64[n]) -> (f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[] = constant {value=0.0, dtype=f64}
  %3: f64[] = loop %0 %1 x %2 {step=1, consts=1}
    (fn body(i: i64[], x: f64[n], s: f64[]) -> (f64[]) {
      %0: f64[] = index x i {spec=(None,)}
      %1: f64[] = constant {value=0.0, dtype=f64}
      %2: bool[] = gt %0 %1
      %3: f64[] = sqrt %0
      %4: f64[] = select %2 %3 %1
      %5: f64[] = add s %4
      return %5
    })
  return %3
}
"""

SQUARED_RESIDUAL = """
fn squared(x: f64[]) -> (f64[]) {
  %0: f64[] = constant {value=3.0, dtype=f64}
  %1: f64[] = mul x %0
  %2: f64[] = constant {value=0.0, dtype=f64}
  %3: bool[] = gt x %2
  %4: f64[] = select %3 %1 %2
  %5: f64[] = sub %4 %0
  %6: f64[] = square %5
  return %6
}
"""


def derivatives(function: Function, x: Any) -> tuple[np.ndarray, np.ndarray]:
    """By forward and by reverse mode, all ones given."""
    x = np.asarray(x, float)
    (value,) = interpret(function, [x])
    _, tangent = interpret(verify(jvp(function, [0])), [x, np.ones_like(x)])
    _, gradient = interpret(verify(vjp(function, [0])), [x, np.ones_like(value)])
    return tangent, gradient


def test_elementwise() -> None:
    x = np.array([4.0, 0.0, -1.0])
    for found in derivatives(parse(ROOT), x):
        np.testing.assert_array_equal(found, [0.25, 0, 0])


def test_through_sums_and_broadcasts() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    for found in derivatives(parse(NORMALIZE), x):
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(found[1], [0, 0])


@pytest.mark.parametrize(("x", "expected"), [(-1.0, 1.0), (0.0, 1.0)])
def test_into_loops(x: float, expected: float) -> None:
    for found in derivatives(parse(LOOP), x):
        assert found == expected


def test_within_loops() -> None:
    tangent, gradient = derivatives(parse(INSIDE_LOOP), [4.0, 0.0, -1.0])
    assert tangent == 0.25
    np.testing.assert_array_equal(gradient, [0.25, 0, 0])


@pytest.mark.parametrize("text", [ROOT, INSIDE_LOOP])
@pytest.mark.parametrize("outer", [jvp, vjp])
@pytest.mark.parametrize("inner", [jvp, vjp])
def test_second_order(text: str, outer: Any, inner: Any) -> None:
    """d2 sqrt(x) = -1/32 at 4; at the masked points everything stays 0."""
    function = parse(text)
    x = np.array([4.0, 0.0, -1.0])
    first = inner(function, [0])
    arguments = [x, np.ones_like(interpret(function, [x])[0] if inner is vjp else x)]
    second = verify(outer(first, [0]))
    if outer is jvp:
        found = interpret(second, [*arguments, np.ones_like(x)])[-1]
    else:
        *_, last = interpret(first, arguments)
        zeros = np.zeros_like(interpret(first, arguments)[0])
        found = interpret(second, [*arguments, zeros, np.ones_like(last)])[-1]
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.sum(found), -1 / 32)


def test_a_cotangent_that_is_zero_by_chance_keeps_its_derivative() -> None:
    """At x = 1 the residual is 0, so the cotangent that enters the mask is 0, yet the second derivative is 18."""
    function = parse(SQUARED_RESIDUAL)
    first = vjp(function, [0])
    one, zero = np.array(1.0), np.array(0.0)
    *_, by_reverse = interpret(vjp(first, [0]), [one, one, zero, one])
    *_, by_forward = interpret(jvp(first, [0]), [one, one, one])
    assert by_reverse == by_forward == 18


def test_no_mask_without_select() -> None:
    function = parse(ROOT.replace("select %2 %3 %1", "mul %3 %3"))
    assert "masked_mul" not in str(vjp(function, [0]))
    assert "masked_mul" in str(vjp(parse(ROOT), [0]))


@pytest.mark.parametrize("op", ["maximum", "minimum", "fmax", "fmin", "max", "min"])
def test_what_is_not_the_largest_has_no_slope_where_that_of_the_largest_is_infinite(op: str) -> None:
    """The root of what is cut off at 0; ``max`` and ``min`` choose from pairs."""
    sign = 1.0 if op in ("maximum", "fmax", "max") else -1.0
    chosen = f"{op} %4 {{axes=(1,)}}" if op in ("max", "min") else f"{op} x %1"
    function = parse(f"""
fn cut_off(x: f64[n]) -> (f64[n]) {{
  %0: f64[] = constant {{value=0.0, dtype=f64}}
  %1: f64[n] = broadcast %0 {{axes=(), shape=(n,)}}
  %2: f64[n, 1] = reshape x {{shape=(n, 1)}}
  %3: f64[n, 1] = reshape %1 {{shape=(n, 1)}}
  %4: f64[n, 2] = concatenate %2 %3 {{axis=1}}
  %5: f64[n] = {chosen}
  %6: f64[] = constant {{value={sign}, dtype=f64}}
  %7: f64[n] = broadcast %6 {{axes=(), shape=(n,)}}
  %8: f64[n] = mul %5 %7
  %9: f64[n] = sqrt %8
  return %9
}}
""")
    x = np.array([-1.0, -2.0, 4.0]) * sign
    _, found = interpret(vjp(verify(function), [0]), [x, np.ones(3)])
    np.testing.assert_array_equal(found, [0.0, 0.0, 0.25 * sign])
