"""Loops that spread nothing but a zero are skipped, and nobody can tell."""

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import skip_idle_loops
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg

SPREADS = """fn f(x: f64[n], y: f64[n], ct: f64[], n_2: i64[]) -> (f64[n], f64[n], f64[n]) {{
  %0: f64[] = constant {{value=0.0, dtype=f64}}
  %1: f64[n] = broadcast %0 {{axes=(), shape=(n,)}}
  %2: i64[] = constant {{value=0, dtype=i64}}
  %3: i64[] = size {{value=n}}
  %4: f64[n], %5: f64[n], %6: f64[n] = loop %2 %3 ct x y %1 %1 %1 {{step=1, consts=3}}
    (fn body(i: i64[], ct: f64[], x: f64[n], y: f64[n], ct_x: f64[n], ct_y: f64[n], ct_z: f64[n]) -> (f64[n], f64[n], f64[n]) {{
      %0: f64[] = index y i {{spec=(None,)}}
      %1: f64[] = index x i {{spec=(None,)}}
      %2: f64[] = {product} ct %0
      %3: f64[] = neg %2
      %4: f64[n] = index_add ct_x %3 i {{spec=(None,)}}
      %5: f64[] = masked_mul ct %1
      %6: f64[] = add %5 %2
      %7: f64[n] = index_add ct_y %6 i {{spec=(None,)}}
      %8: f64[n] = loop %9 %9 ct ct_z {{step=1, consts=1}}
        (fn body(j: i64[], ct: f64[], ct_z: f64[n]) -> (f64[n]) {{
          %0: f64[n] = {inner} ct_z ct j {{spec=(None,)}}
          return %0
        }})
      return %4, %7, %8
    }})
  return %4, %5, %6
}}
""".replace("      %8: f64[n] = loop %9", "      %9: i64[] = constant {{value=0, dtype=i64}}\n      %8: f64[n] = loop %9")


def spreads(product: str = "masked_mul", inner: str = "index_add") -> Any:
    return verify(parse(SPREADS.format(product=product, inner=inner)))


@pytest.mark.parametrize("ct", [0.0, -0.0, 1.5, np.nan, np.inf])
def test_results_are_the_same(ct: float) -> None:
    before = spreads()
    after = verify(skip_idle_loops(before))
    assert [e.op for e in after.equations].count("cond") == 1
    assert "masked_mul" not in str(after)
    x, y = np.array([1.0, np.inf, np.nan, -0.0]), np.array([np.nan, 0.0, -2.0, np.inf])
    for expected, found in zip(interpret(before, [x, y, ct, 4]), interpret(after, [x, y, ct, 4]), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("change", [{"product": "mul"}, {"inner": "update"}])
def test_what_a_zero_changes_is_run(change: dict[str, str]) -> None:
    """0 times infinity is NaN, and a zero that is written stays."""
    assert "cond" not in str(skip_idle_loops(spreads(**change)))


def rectified(x: Any, w: Any) -> Any:
    """A layer that rectifies, as loops."""
    total = 0.0
    for i in range(x.shape[0]):
        for o in range(w.shape[0]):
            value = 0.0
            for k in range(x.shape[1]):
                value += x[i, k] * w[o, k]
            total += max(value, 0.0) ** 2
    return total


def test_a_rectified_layer() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(6, 4)), rng.normal(size=(5, 4))
    gradient = jg.grad(rectified, (0, 1))
    assert " != 0.0:" in jg.source(gradient, x, w)
    ct = 2.0 * np.maximum(x @ w.T, 0.0)
    for found, expected in zip(gradient(x, w), (ct @ w, ct.T @ x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
    x[2] = np.nan
    assert np.isnan(gradient(x, w)[0][2]).all()
    assert np.isfinite(gradient(x, w)[0][[0, 1, 3, 4, 5]]).all()


def test_second_derivatives() -> None:
    rng = np.random.default_rng(1)
    x, w, v = rng.normal(size=(3, 2)), rng.normal(size=(2, 2)), rng.normal(size=(3, 2))
    product = jg.grad(lambda x: np.sum(v * jg.grad(rectified)(x, w)))(x)
    chosen = x @ w.T > 0.0
    np.testing.assert_allclose(product, 2.0 * (chosen * (v @ w.T)) @ w, rtol=1e-12, atol=1e-12)


def test_passes_for_all_targets_leave_such_loops_alone() -> None:
    function = spreads()
    assert "cond" not in str(optimise(function))
    assert "cond" in str(optimise(function, target="cpu"))
