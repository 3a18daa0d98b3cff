"""Loops over arrays that go through them in blocks, forward and backward, give what they give for the whole arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import Function, parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import eliminate_dead_code, in_blocks, run_in_blocks
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg

SIZES = [0, 1, 3, 4, 5, 8, 14]


@pytest.fixture
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_blocks, "BLOCK", 4)


def horner(c: Any, x: Any) -> Any:
    """Loops in a loop; each coefficient's derivative is a sum over all elements."""
    for _ in range(3):
        value, slope = np.zeros_like(x), np.zeros_like(x)
        for k in range(c.shape[0]):
            slope = slope * x + value
            value = value * x + c[k]
        x = x - value * slope / (slope**2 + 1.0)
    return np.sum(x**2)


def oscillators(c: Any, x: Any) -> Any:
    """The energies of all oscillators, summed in every step; time goes on beside them."""
    v, energy, t = np.zeros_like(x), 0.5, 0.3
    for _ in range(7):
        v = v + 0.1 * (np.cos(t) - c[1] * x - c[2] * v)
        x = x + 0.1 * v
        t = t + 0.1
        energy += np.sum(x**2 + v**2)
    return energy / 10.0 + t


def stacked(c: Any, x: Any) -> Any:
    """States of two rows."""
    s = np.stack([x, 1.0 + x])
    for _ in range(5):
        p, q = s[0], s[1]
        s = s + 0.1 * np.stack([c[0] * p - c[1] * p * q, c[2] * p * q - q])
    return np.mean((s - 1.0) ** 2)


def written(c: Any, x: Any) -> Any:
    """States of two columns, written in place, and a history of them."""
    s, history = np.stack([x, x * x], axis=1), np.zeros((6, x.shape[0]))
    for k in range(6):
        p = s[:, 0].copy()
        s[:, 0] += 0.1 * np.sin(s[:, 1] * c[0])
        s[:, 1] -= 0.1 * p * c[k % 3]
        history[k] = s[:, 0] * s[:, 1]
    return np.sum(history**2) + np.sum(s)


def branching(c: Any, x: Any) -> Any:
    """A branch that all elements take together, and choices that they make alone."""
    for k in range(6):
        if k % 2 == 0:
            x = np.where(x > 0.5, c[0] * x, x * x)
        else:
            x = np.tanh(c[1] + x)
    return np.sum(x * np.sin(x))


def unknown(c: Any, x: Any) -> Any:
    """A loop of unknown length that no element decides on."""
    t = 0.0
    while t < c[0]:
        x = x + 0.3 * np.sin(x * c[1])
        t = t + 0.21
    return np.sum(x**3)


def weighted(c: Any, x: Any) -> Any:
    """The coefficients are needed again behind the loop: their derivatives start with what comes from there."""
    y, energy = x, c[2]
    for _ in range(5):
        y = y + 0.1 * (c[0] - np.sin(c[1] * y))
        energy = energy + np.sum(y)
    return np.mean((c[0] * y + c[1]) ** 2) + c[1] * energy


PROGRAMS = [horner, oscillators, stacked, written, branching, unknown, weighted]


def numbers(n: int) -> Any:
    return np.random.default_rng(n).uniform(0.2, 1.2, n)


def in_blocks_and_not(function: Callable[..., Any], *arguments: Any) -> tuple[Function, Function]:
    """The gradient before and after the pass."""
    before = optimise(parse(jg.ir(jg.value_and_grad(function, (0, 1)), *arguments)))
    return before, verify(eliminate_dead_code(run_in_blocks(before)))


C = np.array([1.1, 0.4, 0.7])


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.filterwarnings("ignore")  # the mean of nothing
def test_numbers_are_the_same(program: Callable[..., Any], short_blocks: None) -> None:
    before, after = in_blocks_and_not(program, C, numbers(9))
    assert "fn block(" in str(after)
    for n in SIZES:
        for expected, found in zip(*(interpret(f, [C, numbers(n)]) for f in (before, after)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("program", PROGRAMS)
def test_compiled(program: Callable[..., Any]) -> None:
    compiled = jg.value_and_grad(program, (0, 1))
    assert ", 512):" in jg.source(compiled, C, numbers(9))
    for n in (1, 512, 513, 1100):
        value, gradients = compiled(C, numbers(n))
        np.testing.assert_allclose(value, program(C, numbers(n)), rtol=1e-12)
        step = np.cos(np.arange(n))
        ends = [program(C + sign * 1e-6, numbers(n) + sign * 1e-6 * step) for sign in (1.0, -1.0)]
        np.testing.assert_allclose(np.sum(gradients[0]) + gradients[1] @ step, (ends[0] - ends[1]) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize("program", [horner, oscillators, branching])
def test_special_numbers(program: Callable[..., Any], short_blocks: None) -> None:
    before, after = in_blocks_and_not(program, C, numbers(9))
    for special in (np.nan, np.inf, -np.inf, -0.0, 1e308):
        x = numbers(11)
        x[[1, 6]] = special
        for expected, found in zip(*(interpret(f, [C, x]) for f in (before, after)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_sums_lose_nothing_from_block_to_block(short_blocks: None) -> None:
    """What one block adds and another one takes away leaves the rest as it is."""

    def program(c: Any, x: Any) -> Any:
        total = 0.0
        for _ in range(2):
            x = x * c[0]
            total += np.sum(x)
        return total

    _, after = in_blocks_and_not(program, np.ones(3), numbers(9))
    x = np.repeat([0.0, 1.0, 0.0], 4)
    x[0], x[-1] = 2.0**60, -(2.0**60)
    assert interpret(after, [np.ones(3), x])[0] == 8.0


def test_integers_and_short_floats(short_blocks: None) -> None:
    def program(c: Any, x: Any) -> Any:
        signs = np.zeros(x.shape[0], np.int32)
        for k in range(3):
            signs = signs + (x > 0.5).astype(np.int32)
            x = np.sin(x * c[k]) + signs.astype(np.float32)
        return np.sum(x)

    c, x = C.astype(np.float32), numbers(9).astype(np.float32)
    before, after = in_blocks_and_not(program, c, x)
    assert "fn block(" in str(after)
    for expected, found in zip(interpret(before, [c, x]), interpret(after, [c, x]), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_loops_around(short_blocks: None) -> None:
    def train(c: Any, x: Any) -> Any:
        for _ in range(3):
            c = c - 0.01 * jg.grad(horner)(c, x)
        return c

    before = optimise(parse(jg.ir(train, C, numbers(9))))
    after = verify(eliminate_dead_code(run_in_blocks(before)))
    assert str(after).count("fn block(") == 1
    np.testing.assert_allclose(*(interpret(f, [C, numbers(10)])[0] for f in (before, after)), rtol=1e-13)


def test_derivatives_of_derivatives() -> None:
    hessian = jg.jit(lambda x: jg.grad(lambda x: np.sum(jg.grad(horner, 1)(C, x) ** 2))(x))
    step, x = 1e-6, numbers(6)
    for k in range(6):
        ends = [np.sum(jg.grad(horner, 1)(C, x + sign * step * np.eye(6)[k]) ** 2) for sign in (1, -1)]
        np.testing.assert_allclose(hessian(x)[k], (ends[0] - ends[1]) / (2 * step), rtol=1e-5, atol=1e-6)


def normalised(c: Any, x: Any) -> Any:
    """Every step needs the sum over all elements."""
    for _ in range(3):
        x = np.sin(x) * c[0] / np.sum(x)
    return np.sum(x)


def largest(c: Any, x: Any) -> Any:
    """So does this one with the largest."""
    for _ in range(3):
        x = np.sin(x) * c[0] / np.max(x)
    return np.sum(x)


def neighbours(c: Any, x: Any) -> Any:
    """Elements go into others."""
    for _ in range(3):
        x = c[0] * np.sin(x) + np.roll(x, 1)
    return np.sum(x)


def reversed_(c: Any, x: Any) -> Any:
    """Here too."""
    for _ in range(3):
        x = c[0] * np.sin(x) + x[::-1]
    return np.sum(x)


def until_small(c: Any, x: Any) -> Any:
    """All elements together decide when to stop."""
    while np.sum(x * x) > 0.1:
        x = x * c[1]
    return np.sum(x)


def swapped(c: Any, x: Any) -> Any:
    """Sums change places."""
    one, other = 1.0, 2.0
    for _ in range(3):
        x = np.sin(x * c[0])
        one, other = other + np.sum(x), one
    return one - other


def scaled(c: Any, x: Any) -> Any:
    """A sum does not only grow by what is added."""
    total = 1.0
    for _ in range(3):
        x = np.sin(x * c[0])
        total = 0.5 * total + np.sum(x)
    return total


def judged(c: Any, x: Any) -> Any:
    """The backward loop waits for a sum over what the forward loop leaves."""
    for _ in range(3):
        x = np.sin(x * c[0])
    return np.sqrt(np.sum(x * x))


def noted(c: Any, x: Any) -> Any:
    """Sums go into elements of an array that are read."""
    sums = np.zeros(4)
    for k in range(4):
        x = np.sin(c[0] + x)
        sums[k] += np.sum(x)
    return np.sum(np.arange(4) * sums) + np.sum(x)


def driven(c: Any, x: Any) -> Any:
    """The derivative of the time is that of a function of a number, times a sum over all elements."""
    t = c[0]
    for _ in range(3):
        x = np.sin(x) * np.cos(t)
        t = t + 0.1
    return np.sum(x)


def one_of_them(c: Any, x: Any) -> Any:
    """One element goes into all."""
    for _ in range(3):
        x = np.sin(x * c[0]) + x[0]
    return np.sum(x)


@pytest.mark.parametrize(
    "program", [normalised, largest, neighbours, reversed_, until_small, swapped, scaled, judged, noted, driven, one_of_them]
)
def test_what_must_go_together(program: Callable[..., Any], short_blocks: None) -> None:
    before, after = in_blocks_and_not(program, C, numbers(9))
    for n in (1, 9):
        expected, found = (interpret(f, [C, numbers(n)]) for f in (before, after))
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-13)
    if program is not scaled and program is not swapped:  # their gradients save x alone, and that in blocks
        assert "fn block(" not in str(after)


def test_an_error_is_raised_for_no_elements_too() -> None:
    def program(c: Any, x: Any, k: Any) -> Any:
        for _ in range(3):
            x = np.sin(x * c[k])
        return np.sum(x)

    gradient = jg.grad(program, 1)
    assert gradient(C, numbers(0), 1).shape == (0,)
    with pytest.raises(IndexError):
        gradient(C, numbers(0), 3)


def test_text() -> None:
    before = parse("""fn f(x: f64[n], c: f64[], ct: f64[n]) -> (f64[n], f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=9, dtype=i64}
  %2: stack<f64> = stack_new {dtype=f64, capacity=None}
  %3: f64[n], %4: stack<f64> = loop %0 %1 x %2 {step=1, consts=0}
    (fn body(i: i64[], x: f64[n], saved: stack<f64>) -> (f64[n], stack<f64>) {
      %0: stack<f64> = push saved x
      %1: f64[n] = sin x
      return %1, %0
    })
  %5: f64[n], %6: f64[], %7: stack<f64> = loop %0 %1 ct c %4 {step=1, consts=0}
    (fn body_backward(i: i64[], ct: f64[n], c: f64[], saved: stack<f64>) -> (f64[n], f64[], stack<f64>) {
      %0: stack<f64>, %1: f64[n] = pop saved {shape=(n,)}
      %2: f64[n] = mul ct %1
      %3: f64[] = sum %2 {axes=(0,)}
      %4: f64[] = add c %3
      return %2, %4, %0
    })
  return %5, %6
}
""")
    expected = """fn f(x: f64[n], c: f64[], ct: f64[n]) -> (f64[n], f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=9, dtype=i64}
  %2: i64[] = constant {value=0, dtype=i64}
  %3: i64[] = size {value=n}
  %4: i64[] = constant {value=1, dtype=i64}
  %5: i64[] = maximum %3 %4
  %6: f64[] = constant {value=0.0, dtype=f64}
  %7: f64[] = constant {value=0.0, dtype=f64}
  %8: f64[n] = broadcast %7 {axes=(), shape=(n,)}
  %9: f64[], %10: f64[], %11: f64[n] = loop %2 %5 %0 %1 x ct c %6 %8 {step=512, consts=4}
    (fn block(first: i64[], v0: i64[], v1: i64[], x: f64[n], ct: f64[n], total: f64[], lost: f64[], result: f64[n]) -> (f64[], f64[], f64[n]) {
      %0: i64[] = size {value=n}
      %1: i64[] = sub %0 first
      %2: i64[] = constant {value=512, dtype=i64}
      %3: i64[] = minimum %1 %2
      bind_size %3 {symbol='block'}
      %4: f64[block] = index x first {spec=((None, block, 1),)}
      %5: f64[block] = index ct first {spec=((None, block, 1),)}
      %6: stack<f64> = stack_new {dtype=f64, capacity=None}
      %7: f64[block], %8: stack<f64> = loop v0 v1 %4 %6 {step=1, consts=0}
        (fn body(i: i64[], x: f64[block], saved: stack<f64>) -> (f64[block], stack<f64>) {
          %0: stack<f64> = push saved x
          %1: f64[block] = sin x
          return %1, %0
        })
      %9: f64[] = constant {value=0.0, dtype=f64}
      %10: f64[block], %11: f64[], %12: stack<f64> = loop v0 v1 %5 %9 %8 {step=1, consts=0}
        (fn body_backward(i: i64[], ct: f64[block], c: f64[], saved: stack<f64>) -> (f64[block], f64[], stack<f64>) {
          %0: stack<f64>, %1: f64[block] = pop saved {shape=(block,)}
          %2: f64[block] = mul ct %1
          %3: f64[] = sum %2 {axes=(0,)}
          %4: f64[] = add c %3
          return %2, %4, %0
        })
      %13: f64[] = add total %11
      %14: f64[] = sub %13 total
      %15: f64[] = sub %13 %14
      %16: f64[] = sub total %15
      %17: f64[] = sub %11 %14
      %18: f64[] = add %16 %17
      %19: bool[] = isfinite %13
      %20: f64[] = constant {value=0.0, dtype=f64}
      %21: f64[] = select %19 %18 %20
      %22: f64[] = add lost %21
      %23: f64[n] = update result %10 first {spec=((None, block, 1),)}
      return %13, %22, %23
    })
  %12: f64[] = add %9 %10
  return %11, %12
}
"""
    assert str(verify(eliminate_dead_code(run_in_blocks(verify(before))))) == expected
