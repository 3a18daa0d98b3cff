"""Derivatives of branches, at the top and in loops."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np
import pytest
from interpreted import interpreting
from jitgrad.compiler.diff import vjp
from jitgrad.compiler.ir import parse

import jitgrad as jg

RNG = np.random.default_rng(3)

TOP = """
fn top(x: f64[n], y: f64[n], w: f64[]) -> (f64[n], f64[]) {
  %0: f64[] = constant {value=1.0, dtype=f64}
  %1: bool[] = gt w %0
  %2: f64[n] = sin x
  %3: f64[n], %4: f64[] = cond %1 %2 y w
    (fn then(x: f64[n], y: f64[n], w: f64[]) -> (f64[n], f64[]) {
      %0: f64[n] = mul x y
      %1: f64[n] = exp %0
      %2: f64[n] = mul %1 y
      %3: f64[] = sin w
      return %2, %3
    })
    (fn orelse(x: f64[n], y: f64[n], w: f64[]) -> (f64[n], f64[]) {
      %0: i64[] = constant {value=0, dtype=i64}
      %1: f64[] = index x %0 {spec=(None,)}
      %2: f64[] = mul %1 w
      return x, %2
    })
  return %3, %4
}
"""

IN_LOOP = """
fn in_loop(x: f64[n], w: f64[]) -> (f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[] = constant {value=0.3, dtype=f64}
  %3: f64[n], %4: f64[] = loop %0 %1 w x %2 {step=1, consts=1}
    (fn body(i: i64[], w: f64[], a: f64[n], s: f64[]) -> (f64[n], f64[]) {
      %0: f64[] = index a i {spec=(None,)}
      %1: bool[] = gt %0 s
      %2: f64[n], %3: f64[] = cond %1 i w a s
        (fn then(i: i64[], w: f64[], a: f64[n], s: f64[]) -> (f64[n], f64[]) {
          %0: f64[] = index a i {spec=(None,)}
          %1: f64[] = mul %0 s
          %2: f64[] = exp %1
          %3: f64[n] = update a %2 i {spec=(None,)}
          return %3, %0
        })
        (fn orelse(i: i64[], w: f64[], a: f64[n], s: f64[]) -> (f64[n], f64[]) {
          %0: i64[] = constant {value=0, dtype=i64}
          %1: f64[] = loop %0 i a w s {step=1, consts=2}
            (fn inner(j: i64[], a: f64[n], w: f64[], s: f64[]) -> (f64[]) {
               %0: f64[] = index a j {spec=(None,)}
               %1: f64[] = mul %0 s
               %2: f64[] = sin %1
               %3: f64[] = mul %2 w
               return %3
            })
          return a, %1
        })
      return %2, %3
    })
  return %4
}
"""


@pytest.mark.parametrize("w", [0.4, 1.7])
@pytest.mark.parametrize("wrt", [[0, 1, 2], [0], [1], [2]])
def test_at_the_top(w: float, wrt: list[int], check_derivatives: Any) -> None:
    check_derivatives(parse(TOP), [RNG.standard_normal(3), RNG.standard_normal(3), np.array(w)], wrt)


@pytest.mark.parametrize("seed", range(3))
def test_in_loops(seed: int, check_derivatives: Any) -> None:
    x = np.random.default_rng(seed).standard_normal(6)
    check_derivatives(parse(IN_LOOP), [x, np.array(0.7)], [0, 1])


def test_a_branch_reads_what_is_there_and_saves_the_rest() -> None:
    """At the top, arguments are passed to the backward branch; of what the branch computed, only the exponential is pushed."""
    reverse = vjp(parse(TOP), [0, 1, 2])
    forward = next(e for e in reverse.equations if e.op == "cond")
    assert [sum(e.op == "push" for e in region.equations) for region in forward.regions] == [1, 0]


def test_both_branches_share_stacks() -> None:
    reverse = vjp(parse(IN_LOOP), [0, 1])
    (forward, *_) = (e for e in reverse.walk() if e.op == "cond")
    pushed = [sum(e.op == "push" for e in region.walk()) for region in forward.regions]
    stacks = sum(str(v.type) == "stack<f64>" for v in forward.operands)
    assert stacks == max(pushed)


def test_many_branches_in_each_other() -> None:
    """Each of 16 ways is within all before it; the time that derivatives take must not double with each."""
    lines = [f"    {'elif' if k else 'if'} k < {k + 1}:\n        y = x ** {k + 1} * y" for k in range(16)]
    source = "\n".join(["def chain(x, k):", "    y = 0.5 * x", *lines, "    return y"])
    linecache.cache["<chain>"] = len(source), None, source.splitlines(keepends=True), "<chain>"
    scope: dict[str, Any] = {}
    exec(compile(source, "<chain>", "exec"), scope)
    with interpreting():
        for k in (0, 7, 15):
            power, place = k + 2, np.int64(k)
            np.testing.assert_allclose(jg.grad(scope["chain"])(1.1, place), 0.5 * power * 1.1 ** (power - 1), rtol=1e-12)
        second = jg.grad(jg.grad(scope["chain"]))(1.1, place)
    np.testing.assert_allclose(second, 0.5 * power * (power - 1) * 1.1 ** (power - 2), rtol=1e-12)
