"""Arrays that a loop saves are computed on the stack, unless somebody overwrites or keeps them."""

from typing import Any

import numpy as np
import pytest

LOOP = """fn f(x: f64[n], steps: i64[]) -> (f64[n], f64[n], f64[n]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: stack<f64> = stack_new {dtype=f64, capacity=None}
  %2: f64[n], %3: f64[n], %4: stack<f64> = loop %0 steps x x %1 {step=1, consts=0}
    (fn body(i: i64[], x: f64[n], y: f64[n], s: stack<f64>) -> (f64[n], f64[n], stack<f64>) {
      %0: f64[n] = sin x
      %1: stack<f64> = push s %0
BODY
      return RETURN
    })
  %5: i64[] = constant {value=1, dtype=i64}
  %6: i64[] = sub steps %5
  %7: i64[] = constant {value=-1, dtype=i64}
  %8: f64[n], %9: stack<f64> = loop %6 %7 x %4 {step=-1, consts=0}
    (fn back(i: i64[], t: f64[n], s: stack<f64>) -> (f64[n], stack<f64>) {
      %0: stack<f64>, %1: f64[n] = pop s {shape=(n,)}
      %2: f64[n] = mul t %1
      return %2, %0
    })
  return %2, %3, %8
}"""

BODIES = {
    "read": ("%2: f64[n] = mul %0 y", "%2, y, %1", True),
    "read through a view": ("%2: f64[n, 1] = reshape %0 {shape=(n, 1)}\n%3: f64[n] = sum %2 {axes=(1,)}", "%3, y, %1", True),
    "overwritten": ("%2: f64[] = constant {value=0.5, dtype=f64}\n%3: i64[] = constant {value=0, dtype=i64}\n"
                    "%4: f64[n] = update %0 %2 %3 {spec=(None,)}", "%4, y, %1", False),
    "carried": ("%2: f64[n] = mul x y", "%0, %2, %1", False),
    "pushed twice": ("%2: f64[n] = cos %0\n%3: stack<f64> = push %1 %2\n%4: stack<f64>, %5: f64[n] = pop %3 {shape=(n,)}",
                     "%5, y, %4", False),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_saved_where_it_is_computed(check: Any, name: str, steps: int) -> None:
    body, returned, in_place = BODIES[name]
    text = LOOP.replace("BODY", body).replace("RETURN", returned)
    source = check(text, np.linspace(0.1, 0.9, 4), steps).source
    assert ("write_flat(" not in source) == in_place, source


def test_room_is_made_before_it_is_computed(check: Any) -> None:
    """Where a loop may end early, nobody knows how much it saves: the stack grows right before the array is computed on it."""
    text = LOOP.replace("BODY", BODIES["read"][0]).replace("RETURN", BODIES["read"][1])
    early = text.replace("%2: f64[n], %3", "%2: i64[], %10: f64[n], %3")
    test = """
    (fn test(i: i64[], x: f64[n], y: f64[n], s: stack<f64>) -> (bool[]) {
      %0: i64[] = constant {value=2, dtype=i64}
      %1: bool[] = lt i %0
      return %1
    })"""
    early = early.replace("    })\n  %5", f"    }}){test}\n  %5").replace("sub steps %5", "sub %2 %5")
    early = early.replace("return %2, %3", "return %10, %3")
    source = check(early, np.linspace(0.1, 0.9, 40), 5).source
    assert "write_flat(" not in source, source
    assert source.index("grow(saved") < source.index("within(saved"), source
