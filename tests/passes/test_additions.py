"""What is added in a branch alone gives the numbers that adding zeros in the other one gave."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import Function, parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import add_in_branches, eliminate_dead_code
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg

TEXT = """fn f(c: bool[], x: f64[n], y: f64[n], i: i64[], j: i64[]) -> (f64[n], f64[n]) {{
  %0: f64[n], %1: f64[] = cond c x i
    (fn then(x: f64[n], i: i64[]) -> (f64[n], f64[]) {{
      %0: f64[] = index x i {{spec=(None,)}}
      %1: f64[] = constant {{value=5.0, dtype=f64}}
      %2: f64[n] = update x %1 i {{spec=(None,)}}
      return %2, %0
    }})
    (fn orelse(x: f64[n], i: i64[]) -> (f64[n], f64[]) {{
      %0: f64[] = constant {{value=0.0, dtype=f64}}
      return x, %0
    }})
  %2: f64[] = neg %1
  %3: f64[n] = index_add {first}
  %4: f64[n] = index_add {second}
  return {results}
}}
"""
MOVED = {"first": "%0 %2 j {spec=(None,)}", "second": "y %1 j {spec=(None,)}", "results": "%3, %4"}


def text(**changes: str) -> Function:
    return verify(parse(TEXT.format(**MOVED | changes)))


def test_text() -> None:
    expected = """fn f(c: bool[], x: f64[n], y: f64[n], i: i64[], j: i64[]) -> (f64[n], f64[n]) {
  %0: f64[n], %1: f64[n] = cond c x i j y
    (fn then(x: f64[n], i: i64[], j: i64[], y: f64[n]) -> (f64[n], f64[n]) {
      %0: f64[] = index x i {spec=(None,)}
      %1: f64[] = constant {value=5.0, dtype=f64}
      %2: f64[n] = update x %1 i {spec=(None,)}
      %3: f64[] = neg %0
      %4: f64[n] = index_add %2 %3 j {spec=(None,)}
      %5: f64[n] = index_add y %0 j {spec=(None,)}
      return %4, %5
    })
    (fn orelse(x: f64[n], i: i64[], j: i64[], y: f64[n]) -> (f64[n], f64[n]) {
      return x, y
    })
  return %0, %1
}
"""
    assert str(verify(eliminate_dead_code(add_in_branches(text())))) == expected


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize("number", [3.0, np.nan, np.inf])
def test_numbers_are_the_same(test: bool, number: float) -> None:
    x, y = np.array([1.0, number, 4.0]), np.array([number, 2.0, -1.0])
    for i, j in ((1, 1), (1, 0), (2, 1)):
        before, after = (interpret(f, [test, x, y, i, j]) for f in (text(), add_in_branches(text())))
        for expected, found in zip(before, after, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"results": "%3, y", "second": "y %1 j {spec=(None,)}"},  # y itself is read, too
        {"first": "y %1 j {spec=(None,)}", "second": "y %1 i {spec=(None,)}"},  # here by both
    ],
)
def test_what_is_read_afterwards_stays(changes: dict[str, str]) -> None:
    """Adding in the branch would mean to copy it."""
    assert "index_add y" not in "".join(str(r) for e in add_in_branches(text(**changes)).equations for r in e.regions)


def test_branches_that_choose_numbers_stay() -> None:
    """They become choices without a jump."""
    function = parse("""fn f(c: bool[], x: f64[n], i: i64[]) -> (f64[n]) {
  %0: f64[] = index x i {spec=(None,)}
  %1: f64[] = cond c %0
    (fn then(a: f64[]) -> (f64[]) {
      %0: f64[] = sin a
      return %0
    })
    (fn orelse(a: f64[]) -> (f64[]) {
      %0: f64[] = constant {value=0.0, dtype=f64}
      return %0
    })
  %2: f64[n] = index_add x %1 i {spec=(None,)}
  return %2
}
""")
    assert add_in_branches(verify(function)) == function


def relaxed(x: Any) -> Any:
    """Paths through others, in place."""
    n = x.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                detour = x[i, k] + x[k, j]
                if detour < x[i, j]:
                    x[i, j] = detour
    return np.sum(x * np.cos(np.arange(n)))


def either(x: Any) -> Any:
    """Each branch leaves another array alone, and what the other one writes."""
    a, b, out = x[0].copy(), x[1].copy(), x[2].copy()
    for i in range(1, x.shape[1]):
        one, other = a[i], b[i - 1]
        if one > other:
            out[i] = one * out[i - 1]
        else:
            out[i - 1] = -other
            b[i] = b[i] - other
    return np.sum(out * out) + np.sum(a * b)


@pytest.mark.parametrize("program", [relaxed, either])
def test_gradients(program: Callable[..., Any]) -> None:
    x = np.random.default_rng(3).uniform(0.5, 5.0, (9, 9))
    before = optimise(parse(jg.ir(jg.value_and_grad(program), x.copy())))
    after = verify(eliminate_dead_code(add_in_branches(before)))
    assert str(after) != str(before)
    for expected, found in zip(*(interpret(f, [x.copy()]) for f in (before, after)), strict=True):
        np.testing.assert_array_equal(found, expected)
    gradient, step = jg.grad(program)(x.copy()), 1e-6
    direction = np.sin(np.arange(81)).reshape(9, 9)
    ends = [program(x + sign * step * direction) for sign in (1.0, -1.0)]
    np.testing.assert_allclose(np.sum(gradient * direction), (ends[0] - ends[1]) / (2 * step), rtol=1e-6)
