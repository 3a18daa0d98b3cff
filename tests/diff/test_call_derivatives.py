"""Functions with a backward rule of the user's own, functions run again, and stopped gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.diff import jvp, vjp
from jitgrad.compiler.errors import UnsupportedError
from jitgrad.compiler.ir import parse
from jitgrad.compiler.ops import interpret, verify

CUSTOM = """
fn custom(x: f64[], y: f64[]) -> (f64[]) {
  %0: f64[] = mul x y
  %1: f64[] = custom_vjp %0 y
    (fn f(a: f64[], b: f64[]) -> (f64[]) {
      %0: f64[] = sin a
      %1: f64[] = mul %0 b
      return %1
    })
    (fn forward(a: f64[], b: f64[]) -> (f64[], f64[], f64[], f64[]) {
      %0: f64[] = sin a
      %1: f64[] = mul %0 b
      %2: f64[] = cos a
      return %1, %2, b, %0
    })
    (fn backward(c: f64[], b: f64[], s: f64[], ct: f64[]) -> (f64[], f64[]) {
      %0: f64[] = mul ct c
      %1: f64[] = mul %0 b
      %2: f64[] = mul ct s
      return %1, %2
    })
  %2: f64[] = square %1
  return %2
}
"""

CUSTOM_IN_LOOP = """
fn custom_in_loop(x: f64[]) -> (f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=3, dtype=i64}
  %2: f64[] = loop %0 %1 x {step=1, consts=0}
    (fn body(i: i64[], s: f64[]) -> (f64[]) {
      %0: f64[] = custom_vjp s
        (fn f(a: f64[]) -> (f64[]) {
          %0: f64[] = sin a
          return %0
        })
        (fn forward(a: f64[]) -> (f64[], f64[]) {
          %0: f64[] = sin a
          return %0, a
        })
        (fn backward(a: f64[], ct: f64[]) -> (f64[]) {
          %0: f64[] = cos a
          %1: f64[] = mul ct %0
          return %1
        })
      return %0
    })
  return %2
}
"""

CHECKPOINT = """
fn again(x: f64[n], w: f64[]) -> (f64[n]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=3, dtype=i64}
  %2: f64[n] = loop %0 %1 w x {step=1, consts=1}
    (fn body(i: i64[], w: f64[], a: f64[n]) -> (f64[n]) {
      %0: f64[n] = checkpoint a w
        (fn layer(a: f64[n], w: f64[]) -> (f64[n]) {
          print w {text='{}'}
          %0: f64[n] = broadcast w {axes=(), shape=(n,)}
          %1: f64[n] = mul a %0
          %2: f64[n] = sin %1
          %3: f64[n] = exp %2
          %4: i64[] = constant {value=0, dtype=i64}
          %5: i64[] = constant {value=3, dtype=i64}
          %6: f64[n] = loop %4 %5 %3 {step=1, consts=0}
            (fn inner(i: i64[], a: f64[n]) -> (f64[n]) {
              %0: f64[n] = sin a
              return %0
            })
          return %6
        })
      return %0
    })
  return %2
}
"""

STOPPED = """
fn stopped(x: f64[]) -> (f64[]) {
  %0: f64[] = stop_gradient x
  %1: f64[] = mul x %0
  return %1
}
"""


def test_custom_rule(check_derivatives: Any) -> None:
    x, y, one = np.array(0.3), np.array(0.8), np.array(1.0)
    reverse = verify(vjp(parse(CUSTOM), [0, 1]))
    _, by_x, by_y = interpret(reverse, [x, y, one])
    s, c = np.sin(x * y), np.cos(x * y)
    np.testing.assert_allclose([by_x, by_y], [2 * s * y * c * y * y, 2 * s * y * (s + y * c * x)])
    check_derivatives(reverse, [x, y, one], [0, 1], order=2)


def test_custom_rule_in_a_loop(check_derivatives: Any) -> None:
    reverse = vjp(parse(CUSTOM_IN_LOOP), [0])
    check_derivatives(reverse, [np.array(0.7), np.array(1.0)], [0])
    _, gradient = interpret(reverse, [np.array(0.7), np.array(1.0)])
    a, b = np.sin(0.7), np.sin(np.sin(0.7))
    np.testing.assert_allclose(gradient, np.cos(0.7) * np.cos(a) * np.cos(b))


def test_forward_mode_needs_the_real_derivative() -> None:
    with pytest.raises(UnsupportedError, match="only reverse mode"):
        jvp(parse(CUSTOM), [0])


def test_a_custom_function_of_constants_needs_no_rule() -> None:
    """Its argument has no tangent, so forward mode may pass."""
    function = parse(CUSTOM.replace("mul x y\n", "stop_gradient y\n").replace("custom_vjp %0 y", "custom_vjp %0 %0"))
    assert len(jvp(function, [0]).results) == 2


def test_checkpoint(check_derivatives: Any) -> None:
    x = np.random.default_rng(0).standard_normal(4)
    reverse = check_derivatives(parse(CHECKPOINT), [x, np.array(0.7)], [0, 1])
    forward, backward = (e for e in reverse.equations if e.op == "loop")
    pushed = [e.operands[1].name for e in forward.regions[0].walk() if e.op == "push"]
    assert pushed == ["a"]  # the layer's input and nothing else
    assert sum(e.op == "barrier" for e in backward.regions[0].equations) == 1
    assert not any(e.op == "print" for e in backward.regions[0].walk())


def test_stopped_gradient() -> None:
    """The derivative of x * stop(x) is x, in every mode and order; the second is 0, as x * 1 is stopped."""
    x, one = np.array(3.0), np.array(1.0)
    assert interpret(vjp(parse(STOPPED), [0]), [x, one])[-1] == 3
    assert interpret(jvp(parse(STOPPED), [0]), [x, one])[-1] == 3
    assert interpret(jvp(vjp(parse(STOPPED), [0]), [0]), [x, one, one])[-1] == 0
