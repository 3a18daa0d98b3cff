"""Derivatives of loops: values against differences to second order, and what the backward loops look like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.diff import jvp, vjp
from jitgrad.compiler.ir import Equation, Function, StackType, parse
from jitgrad.compiler.ops import interpret, verify

RNG = np.random.default_rng(7)

SEIDEL = """
fn seidel(x: f64[n]) -> (f64[n]) {
  %0: i64[] = constant {value=1, dtype=i64}
  %1: i64[] = size {value=n - 1}
  %2: f64[n] = loop %0 %1 x {step=1, consts=0}
    (fn body(i: i64[], a: f64[n]) -> (f64[n]) {
      %0: i64[] = constant {value=1, dtype=i64}
      %1: i64[] = sub i %0
      %2: i64[] = add i %0
      %3: f64[] = index a %1 {spec=(None,)}
      %4: f64[] = index a %2 {spec=(None,)}
      %5: f64[] = add %3 %4
      %6: f64[] = constant {value=0.5, dtype=f64}
      %7: f64[] = mul %5 %6
      %8: f64[n] = update a %7 i {spec=(None,)}
      return %8
    })
  return %2
}
"""

RECURRENCE = """
fn recurrence(x: f64[n], w: f64[]) -> (f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[] = constant {value=0.3, dtype=f64}
  %3: f64[] = loop %0 %1 x w %2 {step=1, consts=2}
    (fn body(i: i64[], a: f64[n], w: f64[], s: f64[]) -> (f64[]) {
      %0: f64[] = index a i {spec=(None,)}
      %1: f64[] = mul %0 s
      %2: f64[] = tanh %1
      %3: f64[] = mul %2 w
      %4: f64[] = sin %3
      return %4
    })
  return %3
}
"""

RAGGED = """
fn ragged(x: f64[n], w: f64[]) -> (f64[n]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[n] = loop %0 %1 w x {step=1, consts=1}
    (fn outer(i: i64[], w: f64[], a: f64[n]) -> (f64[n]) {
      %0: i64[] = constant {value=0, dtype=i64}
      %1: f64[n] = loop %0 i i w a {step=1, consts=2}
        (fn inner(j: i64[], i: i64[], w: f64[], a: f64[n]) -> (f64[n]) {
          %0: f64[] = index a i {spec=(None,)}
          %1: f64[] = index a j {spec=(None,)}
          %2: f64[] = mul %0 %1
          %3: f64[] = mul %2 w
          %4: f64[] = sin %3
          %5: f64[n] = update a %4 i {spec=(None,)}
          return %5
        })
      %2: f64[] = index %1 i {spec=(None,)}
      %3: f64[] = exp %2
      %4: f64[n] = update %1 %3 i {spec=(None,)}
      return %4
    })
  return %2
}
"""

# the parts written and read have a size that is bound inside the loop
RAGGED_SLICES = """
fn ragged_slices(x: f64[n]) -> (f64[n]) {
  %0: i64[] = constant {value=1, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[n] = loop %0 %1 x {step=1, consts=0}
    (fn body(i: i64[], a: f64[n]) -> (f64[n]) {
      bind_size i {symbol='k'}
      %0: f64[k] = index a {spec=((0, k, 1),)}
      %1: f64[k] = sin %0
      %2: f64[k] = mul %1 %0
      %3: f64[] = sum %2 {axes=(0,)}
      %4: f64[n] = update a %3 i {spec=(None,)}
      %5: f64[k] = cos %2
      %6: f64[n] = update %4 %5 {spec=((0, k, 1),)}
      return %6
    })
  return %2
}
"""

SWAP = """
fn swap(x: f64[n], y: f64[n], w: f64[]) -> (f64[n]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=3, dtype=i64}
  %2: f64[n], %3: f64[n] = loop %0 %1 w x y {step=1, consts=1}
    (fn body(i: i64[], w: f64[], a: f64[n], b: f64[n]) -> (f64[n], f64[n]) {
      %0: f64[] = index a i {spec=(None,)}
      %1: f64[] = mul %0 w
      %2: f64[] = sin %1
      %3: f64[n] = update b %2 i {spec=(None,)}
      return %3, a
    })
  return %2
}
"""

WHILE = """
fn while_loop(x: f64[]) -> (f64[], i64[]) {
  %0: i64[] = constant {value=2, dtype=i64}
  %1: i64[] = constant {value=1000, dtype=i64}
  %2: i64[], %3: f64[] = loop %0 %1 x x {step=3, consts=1}
    (fn body(i: i64[], x: f64[], s: f64[]) -> (f64[]) {
      %0: f64[] = mul s x
      %1: f64[] = sqrt %0
      %2: f64[] = convert i {dtype=f64}
      %3: f64[] = add %1 %2
      return %3
    })
    (fn test(i: i64[], x: f64[], s: f64[]) -> (bool[]) {
      %0: f64[] = constant {value=40.0, dtype=f64}
      %1: bool[] = lt s %0
      return %1
    })
  return %3, %2
}
"""

# a test that computes with as many arrays of one type as the derivative of the body has tangents
ARRAYS_TESTED = """
fn until(x: f64[n], a: f64[n]) -> (f64[n]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=20, dtype=i64}
  %2: i64[], %3: f64[n] = loop %0 %1 x a {step=1, consts=1}
    (fn body(i: i64[], x: f64[n], s: f64[n]) -> (f64[n]) {
      %0: f64[n] = sin s
      %1: f64[n] = add %0 x
      return %1
    })
    (fn test(i: i64[], x: f64[n], s: f64[n]) -> (bool[]) {
      %0: f64[n] = mul s s
      %1: f64[n] = mul x s
      %2: f64[n] = sub %0 %1
      %3: f64[n] = cos %2
      %4: f64[] = sum %3 {axes=(0,)}
      %5: f64[] = constant {value=1.9, dtype=f64}
      %6: bool[] = lt %4 %5
      return %6
    })
  return %3
}
"""

# carries a value that it hands on unchanged, and one that nothing differentiable uses
IDENTITY = """
fn identity(x: f64[n], y: f64[]) -> (f64[n], f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[n], %3: f64[], %4: f64[] = loop %0 %1 x y y {step=1, consts=0}
    (fn body(i: i64[], a: f64[n], s: f64[], unused: f64[]) -> (f64[n], f64[], f64[]) {
      %0: f64[] = index a i {spec=(None,)}
      %1: f64[] = mul %0 s
      %2: f64[] = exp %1
      return a, %2, s
    })
  return %2, %3
}
"""

STEPS = """
fn steps(x: f64[8], first: i64[], last: i64[]) -> (f64[8]) {
  %0: f64[8] = loop first last x {step=STEP, consts=0}
    (fn body(i: i64[], a: f64[8]) -> (f64[8]) {
      %0: f64[] = index a i {spec=(None,)}
      %1: i64[] = constant {value=1, dtype=i64}
      %2: i64[] = add i %1
      %3: f64[] = index a %2 {spec=(None,)}
      %4: f64[] = mul %0 %3
      %5: f64[8] = update a %4 %2 {spec=(None,)}
      return %5
    })
  return %0
}
"""

VECTORS = """
fn vectors(x: f64[n], w: f64[n, n]) -> (f64[n]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=3, dtype=i64}
  %2: f64[n] = loop %0 %1 w x {step=1, consts=1}
    (fn body(i: i64[], w: f64[n, n], h: f64[n]) -> (f64[n]) {
      %0: f64[n] = dot w h {contract=((1,), (0,)), batch=((), ())}
      %1: f64[n] = tanh %0
      return %1
    })
  return %2
}
"""


@pytest.mark.parametrize("size", [2, 3, 6])
def test_gauss_seidel(size: int, check_derivatives: Any) -> None:
    check_derivatives(parse(SEIDEL), [RNG.standard_normal(size)], [0])


@pytest.mark.parametrize("size", [0, 1, 5])
def test_recurrence(size: int, check_derivatives: Any) -> None:
    arguments = [RNG.standard_normal(size), np.array(1.3)]
    check_derivatives(parse(RECURRENCE), arguments, [0, 1])
    check_derivatives(parse(RECURRENCE), arguments, [1], order=1)


@pytest.mark.parametrize("size", [1, 4])
def test_ragged_nest(size: int, check_derivatives: Any) -> None:
    check_derivatives(parse(RAGGED), [0.5 * RNG.standard_normal(size), np.array(0.7)], [0, 1])


def test_ragged_slices(check_derivatives: Any) -> None:
    check_derivatives(parse(RAGGED_SLICES), [0.5 * RNG.standard_normal(4)], [0])


@pytest.mark.parametrize("wrt", [[0, 1, 2], [0], [1], [2]])
def test_swapped_arrays(wrt: list[int], check_derivatives: Any) -> None:
    check_derivatives(parse(SWAP), [RNG.standard_normal(4), RNG.standard_normal(4), np.array(0.4)], wrt)


@pytest.mark.parametrize("x", [2.5, 30.0, 250.0])
def test_while(x: float, check_derivatives: Any) -> None:
    check_derivatives(parse(WHILE), [np.array(x)], [0])


@pytest.mark.parametrize("wrt", [[0, 1], [0], [1]])
def test_a_test_that_computes_with_arrays(wrt: list[int], check_derivatives: Any) -> None:
    check_derivatives(parse(ARRAYS_TESTED), [0.3 * RNG.standard_normal(3), 0.5 * RNG.standard_normal(3)], wrt)


@pytest.mark.parametrize("wrt", [[0, 1], [0], [1]])
def test_values_handed_on(wrt: list[int], check_derivatives: Any) -> None:
    check_derivatives(parse(IDENTITY), [0.3 * RNG.standard_normal(3), np.array(0.4)], wrt)


@pytest.mark.parametrize(
    ("step", "first", "last"),
    [(1, 0, 7), (2, 0, 7), (2, 1, 7), (3, 0, 7), (3, 0, 6), (-1, 6, -1), (-2, 6, -1), (-2, 5, 0), (-3, 6, 0), (5, 2, 3),
     (1, 5, 5), (1, 5, 2), (2, 5, 4), (3, 7, 1), (-1, 2, 2), (-1, 2, 5), (-2, 2, 3), (-4, 1, 7)],
)  # fmt: skip
def test_index_ranges(step: int, first: int, last: int, check_derivatives: Any) -> None:
    function = parse(STEPS.replace("STEP", str(step)))
    check_derivatives(function, [RNG.standard_normal(8), np.array(first), np.array(last)], [0], order=1)


def test_vectors(check_derivatives: Any) -> None:
    reverse = check_derivatives(parse(VECTORS), [RNG.standard_normal(3), 0.3 * RNG.standard_normal((3, 3))], [0, 1])
    assert saved_shapes(reverse) == ["f64[n]"]  # h, from which the iteration before has its tanh: never the matrix


def backward_bodies(function: Function) -> Iterator[Function]:
    for e in function.walk():
        if e.op == "loop" and e.regions[0].name.endswith("_backward"):
            yield e.regions[0]


def saved_shapes(function: Function) -> list[str]:
    """The types of what is pushed, as text."""
    return [str(e.operands[1].type) for e in function.walk() if e.op == "push"]


def makes_arrays(e: Equation) -> bool:
    """Whether an equation does more work than on single elements."""
    in_place = e.op in ("update", "index_add") and all(not v.type.shape for v in e.operands[1:])
    arrays = [r for r in e.results if not isinstance(r.type, StackType) and r.type.shape]
    return bool(arrays) and not (in_place or e.op in ("loop", "cond"))


@pytest.mark.parametrize("text", [SEIDEL, RECURRENCE, RAGGED, SWAP])
def test_backward_bodies_touch_single_elements(text: str) -> None:
    bodies = list(backward_bodies(vjp(parse(text), [0])))
    assert bodies
    for body in bodies:
        assert [e for e in body.walk() if makes_arrays(e)] == []


@pytest.mark.parametrize("order", [1, 2])
def test_a_linear_loop_saves_nothing(order: int) -> None:
    function = parse(SEIDEL)
    for _ in range(order):
        function = vjp(function, [0])
    assert "stack" not in str(function)


@pytest.mark.parametrize("text", [RECURRENCE, RAGGED, SWAP, WHILE])
def test_only_elements_are_saved(text: str) -> None:
    shapes = saved_shapes(vjp(parse(text), [0]))
    assert shapes
    assert set(shapes) <= {"f64[]"}


def test_values_handed_on_are_not_carried_backwards() -> None:
    (body,) = backward_bodies(vjp(parse(IDENTITY), [0, 1]))
    assert [p.name for p in body.parameters] == [
        "i",
        "a",
        "ct_s",
        "ct_a",
        "s",
        "saved",
    ]  # s: an iteration ends as the next one starts


def test_capacities_are_known_where_the_trip_count_is() -> None:
    news = [e for e in vjp(parse(RECURRENCE), [0, 1]).equations if e.op == "stack_new"]
    assert {str(e["capacity"]) for e in news} == {"n"}
    (new, *_) = (e for e in vjp(parse(WHILE), [0]).equations if e.op == "stack_new")
    assert new["capacity"] is None


def test_stacks_hold_as_much_as_they_say() -> None:
    """What the forward loop of the matrix program pushes is its capacity."""
    news = [e for e in vjp(parse(VECTORS), [0, 1]).equations if e.op == "stack_new"]
    assert {str(e["capacity"]) for e in news} == {"3*n"}


def test_backward_equations_carry_the_line_of_the_user() -> None:
    from jitgrad.compiler.ir import SourceLine

    function = parse(RECURRENCE)
    place = SourceLine("model.py", 12)
    loop = function.equations[-1]
    body = loop.regions[0]
    marked = body.replace(equations=tuple(e.replace(source=place) for e in body.equations))
    function = function.replace(equations=(*function.equations[:-1], loop.replace(regions=(marked,), source=place)))
    (backward,) = backward_bodies(vjp(function, [0]))
    assert {e.source for e in backward.equations if e.op in ("mul", "index_add", "square")} == {place}


PRINTING = """
fn printing(x: f64[]) -> (f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=3, dtype=i64}
  %2: f64[] = loop %0 %1 x {step=1, consts=0}
    (fn body(i: i64[], s: f64[]) -> (f64[]) {
      print i s {text='{} {:.2f}'}
      %0: f64[] = square s
      return %0
    })
  return %2
}
"""


@pytest.mark.parametrize("derivative", [jvp, vjp])
def test_printing_happens_once(derivative: Callable[..., Function]) -> None:
    lines: list[str] = []
    function = verify(derivative(parse(PRINTING), [0]))
    interpret(function, [np.array(0.5), np.array(1.0)], lines.append)
    assert lines == ["0 0.50", "1 0.25", "2 0.06"]
