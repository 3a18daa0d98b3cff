"""A masked product with a number that keeps zeros as they are is a plain one."""

from __future__ import annotations

import numpy as np
import pytest
from jitgrad.compiler.emit import emit_cpu
from jitgrad.compiler.ir import parse
from jitgrad.compiler.ops import interpret

TEXT = """
fn f(x: DTYPE[n]) -> (DTYPE[n]) {
  %0: DTYPE[] = constant {value=FACTOR, dtype=DTYPE}
  %1: DTYPE[n] = broadcast %0 {axes=(), shape=(n,)}
  %2: DTYPE[n] = masked_mul x %1
  return %2
}
"""


@pytest.mark.parametrize(
    ("dtype", "factor", "is_masked"),
    [("f64", "0.5", False), ("f32", "2.0", False), ("f64", "-0.5", True), ("f64", "0.0", True),
     ("f64", "inf", True), ("f64", "nan", True), ("f64", "-inf", True)],
)  # fmt: skip
def test_only_positive_numbers_need_no_mask(dtype: str, factor: str, is_masked: bool) -> None:
    function = parse(TEXT.replace("DTYPE", dtype).replace("FACTOR", factor))
    assert ("= masked_mul(" in emit_cpu(function, "run").source) == is_masked


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("factor", [0.5, 3.0, 1e-30])
def test_a_plain_product_is_the_same_to_the_bit(dtype: type, factor: float) -> None:
    name = "f64" if dtype is np.float64 else "f32"
    function = parse(TEXT.replace("DTYPE", name).replace("FACTOR", repr(factor)))
    x = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan, np.finfo(dtype).tiny], dtype)
    (expected,) = interpret(function, [x])
    with np.errstate(all="ignore"):
        found = x * dtype(factor)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
