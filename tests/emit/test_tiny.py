"""Kernels over a few points are written out inside loops, and mean the same."""

from typing import Any

import numpy as np
import pytest

LOOP = """fn f(a: f64[n, 3], x: f64[SIZE]) -> (f64[n, 3], f64[SIZE], f64[]) {
  %0: f64[] = constant {value=0.5, dtype=f64}
  %1: i64[] = constant {value=0, dtype=i64}
  %2: i64[] = size {value=n}
  %3: f64[n, 3], %4: f64[SIZE], %5: f64[] = loop %1 %2 %0 a x %0 {step=1, consts=1}
    (fn body(i: i64[], half: f64[], a: f64[n, 3], x: f64[SIZE], s: f64[]) -> (f64[n, 3], f64[SIZE], f64[]) {
      %0: f64[SIZE] = mul x x
      %1: f64[] = sum %0 {axes=(0,)}
      %2: f64[] = add s %1
      %3: f64[SIZE] = broadcast s {axes=(), shape=(SIZE,)}
      %4: f64[SIZE] = mul %3 x
      %5: f64[3] = index a i {spec=(None, (0, 3, 1))}
      %6: f64[2] = index %5 {spec=((1, 2, 1),)}
      %7: f64[2] = index %5 {spec=((0, 2, 1),)}
      %8: f64[2] = sub %6 %7
      %9: f64[n, 3] = update a %8 i {spec=(None, (0, 2, 1))}
      %10: f64[2] = index %5 {spec=((2, 2, -1),)}
      %11: f64[2] = mul %10 %8
      %12: f64[n, 3] = index_add %9 %11 i {spec=(None, (1, 2, 1))}
      return %12, %4, %2
    })
  return %3, %4, %5
}"""


@pytest.mark.parametrize("size", [1, 3, 4, 5])
def test_written_out(check: Any, size: int) -> None:
    """Reductions, reads that overlap writes, and rows of larger arrays."""
    text = LOOP.replace("SIZE", str(size))
    source = check(text, np.linspace(0.1, 0.9, 12).reshape(4, 3), np.linspace(0.5, 1.0, size)).source
    loop = source[source.rindex("for i in range(n)") :]
    assert ("sum_mul(" in loop) == (size == 5), source
    assert "sub_set(" not in loop and "add_to(" not in loop, source


def test_a_tiny_kernel_outside_of_loops_stays_a_function(check: Any) -> None:
    source = check("fn f(x: f64[3]) -> (f64[3]) {\n  %0: f64[3] = sin x\n  return %0\n}", np.arange(3.0)).source
    assert "sin" in source[: source.rindex("def ")]


def test_not_a_number_and_signs_of_zero(check: Any) -> None:
    check(LOOP.replace("SIZE", "2"), np.array([[np.nan, -0.0, 0.0], [np.inf, -np.inf, 1.0]]), np.array([-0.0, np.nan]))
