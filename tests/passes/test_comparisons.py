"""Comparisons of integers are settled where the outcome is known, and only there."""

import numpy as np
from jitgrad.compiler.ir import parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import settle_comparisons

PROGRAM = """
fn f(x: f64[n], k: i64[]) -> (f64[n], f64[n]) {{
  %0: i64[] = constant {{value=0, dtype=i64}}
  %1: i64[] = size {{value=n}}
  %2: f64[n], %3: f64[n] = loop {limits} k x x {{step={step}, consts=1}}
    (fn body(i: i64[], k: i64[], y: f64[n], z: f64[n]) -> (f64[n], f64[n]) {{
      %0: i64[] = constant {{value=0, dtype=i64}}
      %1: i64[] = add i k
      %2: bool[] = {test}
      %3: f64[] = convert %2 {{dtype=f64}}
      %4: i64[] = constant {{value=0, dtype=i64}}
      %5: f64[n] = update y %3 %4 {{spec=(None,)}}
      return %5, z
    }})
  return %2, %3
}}
"""


def settled(test: str, limits: str = "%0 %1", step: int = 1) -> bool:
    function = verify(parse(PROGRAM.format(test=test, limits=limits, step=step)))
    after = verify(settle_comparisons(function))
    for n in (1, 4):
        for k in (-2, 0, 3):
            arguments = [np.ones(n), np.array(k)]
            for one, other in zip(interpret(after, arguments), interpret(function, arguments), strict=True):
                np.testing.assert_array_equal(one, other)
    return "value=False" in str(after) or "value=True" in str(after)


def test_an_index_is_not_negative() -> None:
    assert settled("lt i %0")
    assert settled("ge i %0")


def test_nor_is_one_of_a_loop_downwards_to_0() -> None:
    down = "%1 %0"  # from n to 1
    assert settled("lt i %0", down, -1)
    assert settled("gt i %0", down, -1)
    assert settled("gt i %0", down, -2)


def test_what_depends_on_numbers_stays() -> None:
    assert not settled("lt %1 %0")
    assert not settled("gt i %0")
    assert not settled("lt k %0")


def test_a_loop_that_is_entered_has_an_iteration() -> None:
    assert settled("gt k %0", "%0 k")
    assert settled("lt %1 %0", "%0 k")
    assert not settled("lt k %1", "%0 k")


def test_numbers_that_are_apart_or_the_same() -> None:
    assert settled("ne k %0", "%0 k") and settled("eq k %0", "%0 k")
    assert settled("eq i i") and settled("ne i i")
    assert not settled("ne i %0") and not settled("eq k %0") and not settled("eq i k")


def test_checks_that_hold_are_dropped() -> None:
    text = """
    fn f(x: f64[n], k: i64[]) -> (f64[n]) {
      %0: i64[] = constant {value=0, dtype=i64}
      %1: f64[n] = loop %0 k k x {step=1, consts=1}
        (fn body(i: i64[], k: i64[], y: f64[n]) -> (f64[n]) {
          %0: i64[] = constant {value=0, dtype=i64}
          %1: bool[] = TEST k %0
          check %1 {kind='ValueError', message='zero'}
          return y
        })
      return %1
    }
    """
    assert "check" not in str(settle_comparisons(parse(text.replace("TEST", "ne"))))
    assert "check" in str(settle_comparisons(parse(text.replace("TEST", "eq"))))
