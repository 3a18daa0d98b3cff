"""Outer products that a loop adds up become one product of matrices after it."""

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import collect_products
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg

LOOP = """fn f(x: f64[m], c: f64[n, m], first: i64[], last: i64[], s: f64[k, n]) -> (f64[n, m]) {{
  %0: stack<f64> = stack_new {{dtype=f64, capacity=None}}
  %1: i64[] = constant {{value=0, dtype=i64}}
  %2: i64[] = size {{value=k}}
  %3: stack<f64> = loop %1 %2 s %0 {{step=1, consts=1}}
    (fn body(i: i64[], s: f64[k, n], saved: stack<f64>) -> (stack<f64>) {{
      %0: f64[n] = index s i {{spec=(None, (0, n, 1))}}
      %1: stack<f64> = push saved %0
      return %1
    }})
  %4: f64[n, m], %5: stack<f64> = loop first last x c %3 {{step={step}, consts=1}}
    (fn body(i: i64[], x: f64[m], c: f64[n, m], saved: stack<f64>) -> (f64[n, m], stack<f64>) {{
      %0: stack<f64>, %1: f64[n] = pop saved {{shape=(n,)}}
      %2: f64[] = convert i {{dtype=f64}}
      %3: f64[m] = broadcast %2 {{axes=(), shape=(m,)}}
      %4: f64[m] = mul x %3
{sum}
    }})
  return %4
}}
"""
SUMS = {
    "one": """      %5: f64[n, m] = dot %1 %4 {contract=((), ()), batch=((), ())}
      %6: f64[n, m] = add c %5
      return %6, %0""",
    "transposed": """      %5: f64[m, n] = dot %4 %1 {contract=((), ()), batch=((), ())}
      %6: f64[n, m] = transpose %5 {axes=(1, 0)}
      %7: f64[n, m] = add %6 c
      return %7, %0""",
    "two and more": """      %5: f64[n] = exp %1
      %6: f64[n, m] = dot %1 %4 {contract=((), ()), batch=((), ())}
      %7: f64[n, m] = dot %5 %4 {contract=((), ()), batch=((), ())}
      %8: f64[n, m] = broadcast %2 {axes=(), shape=(n, m)}
      %9: f64[n, m] = add %6 %8
      %10: f64[n, m] = add c %9
      %11: f64[n, m] = add %10 %7
      return %11, %0""",
}
KEPT = {
    "a constant factor": """      %5: f64[n, m] = dot %1 x {contract=((), ()), batch=((), ())}
      %6: f64[n, m] = add c %5
      return %6, %0""",
    "a sum that is read on the way": """      %5: f64[n, m] = dot %1 %4 {contract=((), ()), batch=((), ())}
      %6: f64[n, m] = add c %5
      %7: f64[n, m] = add %6 c
      return %7, %0""",
    "a product that is read twice": """      %5: f64[n, m] = dot %1 %4 {contract=((), ()), batch=((), ())}
      %6: f64[n, m] = add c %5
      %7: f64[n, m] = add %6 %5
      return %7, %0""",
    "nothing to add to": """      %5: f64[n, m] = dot %1 %4 {contract=((), ()), batch=((), ())}
      return %5, %0""",
}


def program(sum: str, step: int = 1) -> Any:
    return verify(parse(LOOP.format(sum=sum, step=step)))


def test_the_products_come_after_the_loop() -> None:
    after = str(collect_products(program(SUMS["one"])))
    start = after.index("  %4: i64[]")
    assert (
        after[start:]
        == """\
  %4: i64[] = sub last first
  %5: i64[] = constant {value=0, dtype=i64}
  %6: i64[] = maximum %4 %5
  bind_size %6 {symbol='steps'}
  %7: stack<f64> = stack_new {dtype=f64, capacity=None}
  %8: stack<f64> = stack_new {dtype=f64, capacity=None}
  %9: stack<f64>, %10: stack<f64>, %11: stack<f64> = loop first last x %3 %7 %8 {step=1, consts=1}
    (fn body(i: i64[], x: f64[m], saved: stack<f64>, factors: stack<f64>, factors_2: stack<f64>) -> (stack<f64>, stack<f64>, stack<f64>) {
      %0: stack<f64>, %1: f64[n] = pop saved {shape=(n,)}
      %2: stack<f64> = push factors %1
      %3: f64[] = convert i {dtype=f64}
      %4: f64[m] = broadcast %3 {axes=(), shape=(m,)}
      %5: f64[m] = mul x %4
      %6: stack<f64> = push factors_2 %5
      return %0, %2, %6
    })
  %12: stack<f64>, %13: f64[steps, n] = pop %10 {shape=(steps, n)}
  %14: stack<f64>, %15: f64[steps, m] = pop %11 {shape=(steps, m)}
  %16: f64[n, m] = dot %13 %15 {contract=((0,), (0,)), batch=((), ())}
  %17: f64[n, m] = add c %16
  return %17
}
"""
    )


@pytest.mark.parametrize("sum", SUMS.values(), ids=SUMS)
@pytest.mark.parametrize(("first", "last", "step"), [(0, 5, 1), (4, -1, -1), (0, 5, 2), (5, 0, -3), (3, 3, 1), (4, 2, 1)])
@pytest.mark.parametrize("shape", [(3, 2), (1, 1), (0, 4)])
def test_sums_are_the_same(sum: str, first: int, last: int, step: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    arguments = [rng.normal(size=shape[1]), rng.normal(size=shape), first, last, rng.normal(size=(7, shape[0]))]
    before = program(sum, step)
    after = verify(collect_products(before))
    assert "steps" in str(after)
    for expected, found in zip(interpret(before, arguments), interpret(after, arguments), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("sum", KEPT.values(), ids=KEPT)
def test_what_cannot_wait_stays(sum: str) -> None:
    assert collect_products(program(sum)) == program(sum)


def test_tiny_products_stay() -> None:
    text = str(program(SUMS["one"]))
    for size in "nm":
        text = (
            text.replace(f"[{size}", "[8")
            .replace(f", {size}]", ", 8]")
            .replace(f"({size},", "(8,")
            .replace(f"0, {size},", "0, 8,")
        )
    tiny = verify(parse(text))
    assert collect_products(tiny) == tiny


def test_loops_that_read_nothing_saved_stay() -> None:
    """They would need memory for each iteration that they do not need otherwise."""
    text = str(program(SUMS["one"])).replace("%0: stack<f64>, %1: f64[n] = pop saved {shape=(n,)}", "%1: f64[n] = index x2 i")
    text = text.replace(
        "%1: f64[n] = index x2 i",
        "%0: f64[] = constant {value=2.0, dtype=f64}\n      %1: f64[n] = broadcast %0 {axes=(), shape=(n,)}",
    )
    streaming = verify(parse(text.replace("return %6, %0", "return %6, saved")))
    assert collect_products(streaming) == streaming


def recurrent(weights: Any, inputs: Any, x: Any, steps: int) -> Any:
    """A recurrent network without batches: two weight matrices, one of them multiplied from both sides."""
    for t in range(steps):
        x = np.tanh(weights @ x + inputs @ np.sin(x + t))
        x = x - 0.1 * np.cos(weights.T @ x)
    return np.sum(x**2)


@pytest.mark.parametrize("steps", [0, 1, 2, 30])
def test_gradients_of_recurrences(steps: int) -> None:
    rng = np.random.default_rng(1)
    weights, inputs, x = 0.3 * rng.normal(size=(9, 9)), 0.3 * rng.normal(size=(9, 9)), rng.normal(size=9)
    gradient = jg.grad(recurrent, (0, 1, 2))
    source = jg.source(gradient, weights, inputs, x, steps)
    assert source.count("gemm(") == 3  # one for each product by a matrix, and none in a loop
    found = gradient(weights, inputs, x, steps)
    for k, value in enumerate((weights, inputs, x)):
        direction = rng.normal(size=value.shape)
        values = [[w + h * direction if w is value else w for w in (weights, inputs, x)] for h in (1e-6, -1e-6)]
        expected = (recurrent(*values[0], steps) - recurrent(*values[1], steps)) / 2e-6
        np.testing.assert_allclose(np.sum(found[k] * direction), expected, rtol=1e-7, atol=1e-8)


def test_second_derivatives_of_recurrences() -> None:
    rng = np.random.default_rng(2)
    weights, inputs, x = 0.3 * rng.normal(size=(9, 9)), 0.3 * rng.normal(size=(9, 9)), rng.normal(size=9)
    direction = rng.normal(size=(9, 9))

    def slope(weights: Any) -> Any:
        return np.sum(jg.grad(recurrent)(weights, inputs, x, 4) * direction)

    found = jg.grad(slope)(weights)
    h = 1e-6
    gradient = jg.grad(recurrent)
    ahead, behind = (gradient(weights + s * h * direction, inputs, x, 4) for s in (1, -1))
    np.testing.assert_allclose(found, (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-7)


def test_programs_are_optimised_the_same_way_twice() -> None:
    function = program(SUMS["two and more"])
    assert optimise(function, target="cpu") == optimise(function, target="cpu")
