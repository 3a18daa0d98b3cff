"""Which equations become one kernel, and which kernels are one."""

import re
from typing import Any

import numpy as np
import pytest

PARTS = """fn f(x: f64[n], y: f64[n]) -> (f64[n]) {
  %0: f64[n] = mul x x
  %1: f64[n] = exp y
  %2: f64[n] = sin %1
  %3: f64[n] = mul %0 %2
  return %3
}"""

NEEDED_BETWEEN = """fn f(x: f64[n], y: f64[n]) -> (f64[n]) {
  %0: f64[n] = mul x x
  %1: f64[] = sum %0 {axes=(0,)}
  %2: f64[n] = broadcast %1 {axes=(), shape=(n,)}
  %3: f64[n] = mul y y
  %4: f64[n] = add %2 %3
  %5: f64[n] = mul %0 %4
  return %5
}"""

INTERLEAVED = """fn f(x: f64[8], y: f64[4]) -> (f64[8]) {{
  %0: f64[8] = copy x
  %1: f64[4] = sin y
  %2: f64[4] = cos y
  %3: f64[8] = {op} %0 %1 {{spec=((0, 4, 2),)}}
  %4: f64[8] = {op} %3 %2 {{spec=(({start}, 4, {step}),)}}
  return %4
}}"""

ROTATED = """fn f(x: f64[n, m], i: i64[], j: i64[], c: f64[m]) -> (f64[n, m]) {{
  %0: f64[n, m] = copy x
  %1: f64[m] = index %0 i {{spec=(None, (0, m, 1))}}
  %2: f64[m] = index %0 j {{spec=(None, (0, m, 1))}}
  %3: f64[m] = mul c %1
  %4: f64[m] = add %3 %2
  %5: f64[m] = mul c %2
  %6: f64[m] = sub %5 %1
  %7: f64[n, m] = {first} %0 %4 i {{spec=(None, (0, m, 1))}}
  %8: f64[n, m] = {second} %7 %6 j {{spec=(None, (0, m, 1))}}
  return %8
}}"""

MOVED = """fn f(x: f64[n, m], i: i64[], j: i64[], c: f64[m]) -> (f64[n, m]) {
  %0: f64[n, m] = copy x
  %1: f64[m] = sin c
  %2: f64[m] = cos c
  %3: f64[n, m] = update %0 %1 i {spec=(None, (0, m, 1))}
  %4: f64[m] = index %3 j {spec=(None, (0, m, 1))}
  %5: f64[m] = add %4 %2
  %6: f64[n, m] = update %3 %5 j {spec=(None, (0, m, 1))}
  return %6
}"""

READ_BETWEEN = """fn f(x: f64[8], y: f64[4]) -> (f64[8], f64[8]) {
  %0: f64[8] = copy x
  %1: f64[4] = sin y
  %2: f64[8] = update %0 %1 {spec=((0, 4, 2),)}
  %3: f64[4] = index %2 {spec=((0, 4, 1),)}
  %4: f64[4] = mul %1 %3
  %5: f64[8] = update %2 %4 {spec=((1, 4, 2),)}
  return %5, %2
}"""

SEEN_IN_PART = """fn f(y: f64[8], v: f64[7]) -> (f64[8]) {
  %0: f64[7] = index y {spec=((1, 7, 1),)}
  %1: f64[] = dot v %0 {contract=((0,), (0,)), batch=((), ())}
  %2: f64[7] = broadcast %1 {axes=(), shape=(7,)}
  %3: f64[7] = mul v %2
  %4: f64[7] = sub %0 %3
  %5: f64[8] = update y %4 {spec=((1, 7, 1),)}
  return %5
}"""


def kernels(source: str) -> int:
    return source.count("\ndef ") - 1


def test_independent_parts_of_one_sum_run_together(check: Any) -> None:
    assert kernels(check(PARTS, np.arange(3.0), np.ones(3)).source) == 1


def test_parts_that_wait_for_each_other_do_not(check: Any) -> None:
    assert kernels(check(NEEDED_BETWEEN, np.arange(3.0), np.ones(3)).source) == 2


@pytest.mark.parametrize("op", ["update", "index_add"])
@pytest.mark.parametrize(("start", "step", "expected"), [(1, 2, 1), (0, 2, 1), (0, 1, 2), (4, 1, 2), (2, 1, 2)])
def test_writes_that_interleave_run_together(check: Any, op: str, start: int, step: int, expected: int) -> None:
    text = INTERLEAVED.format(op=op, start=start, step=step)
    source = check(text, np.arange(8.0), np.arange(4.0)).source
    assert kernels(source) == 1 + expected, source  # one is the copy


@pytest.mark.parametrize("first", ["update", "index_add"])
@pytest.mark.parametrize("second", ["update", "index_add"])
@pytest.mark.parametrize(("i", "j"), [(0, 2), (2, 1), (1, 1)])
def test_two_rows_are_written_together_even_if_they_are_one(check: Any, first: str, second: str, i: int, j: int) -> None:
    text = ROTATED.format(first=first, second=second)
    source = check(text, np.arange(12.0).reshape(3, 4), i, j, np.array([0.5, -2.0, np.nan, -0.0])).source
    assert kernels(source) == 2, source  # one is the copy


@pytest.mark.parametrize(("i", "j"), [(0, 2), (1, 1)])
def test_a_row_is_read_after_it_was_written(check: Any, i: int, j: int) -> None:
    check(MOVED, np.arange(12.0).reshape(3, 4), i, j, np.arange(4.0))


def test_products_of_one_array_go_straight_to_their_places(check: Any) -> None:
    text = """fn f(x: f64[n, n], y: f64[n, n], i: i64[], j: i64[]) -> (f64[n, n]) {
      %0: f64[n, n] = copy x
      %1: f64[n] = index y i {spec=(None, (0, n, 1))}
      %2: f64[n] = index y j {spec=(None, (0, n, 1))}
      %3: f64[n] = sin %1
      %4: f64[n] = sin %2
      %5: f64[n, n] = index_add %0 %3 j {spec=(None, (0, n, 1))}
      %6: f64[n, n] = index_add %5 %4 i {spec=(None, (0, n, 1))}
      return %6
    }"""
    source = check(text, np.arange(9.0).reshape(3, 3), np.arange(9.0).reshape(3, 3), 0, 2).source
    assert source.count("empty(") == 1, source  # the copy alone
    assert kernels(source) == 2, source


@pytest.mark.parametrize(("first", "second"), [("update", "index_add"), ("index_add", "update"), ("index_add", "index_add")])
@pytest.mark.parametrize(("i", "j"), [(0, 2), (1, 1)])
def test_rows_that_are_written_in_turns_are_written_together(check: Any, first: str, second: str, i: int, j: int) -> None:
    text = f"""fn f(x: f64[n, n], y: f64[n], i: i64[], j: i64[]) -> (f64[n, n]) {{
      %0: f64[n, n] = copy x
      %1: f64[n] = sin y
      %2: f64[n, n] = {first} %0 %1 i {{spec=(None, (0, n, 1))}}
      %3: f64[n] = cos y
      %4: f64[n, n] = {second} %2 %3 j {{spec=(None, (0, n, 1))}}
      return %4
    }}"""
    source = check(text, np.arange(9.0).reshape(3, 3), np.arange(3.0), i, j).source
    assert kernels(source) == 2, source  # one is the copy


def test_what_is_read_between_writes_is_what_was_there(check: Any) -> None:
    check(READ_BETWEEN, np.arange(8.0), np.arange(4.0))


def test_kernels_serve_all_sizes(check: Any) -> None:
    text = """fn f(x: f64[6], y: f64[16], z: f64[2, 3, 4]) -> (f64[6], f64[16], f64[2, 3, 4]) {
      %0: f64[6] = sin x
      %1: f64[16] = sin y
      %2: f64[2, 3, 4] = sin z
      return %0, %1, %2
    }"""
    assert kernels(check(text, np.arange(6.0), np.arange(16.0), np.arange(24.0).reshape(2, 3, 4)).source) == 1


def test_views_are_read(check: Any) -> None:
    text = """fn f(x: f64[n, 6]) -> (f64[n, 6], f64[3, 2*n]) {
      %0: f64[n, 6] = sin x
      %1: f64[6*n] = reshape %0 {shape=(6*n,)}
      %2: f64[2*n, 3] = reshape %1 {shape=(2*n, 3)}
      %3: f64[3, 2*n] = transpose %2 {axes=(1, 0)}
      %4: f64[3, 2*n] = cos %3
      return %0, %4
    }"""
    source = check(text, np.arange(12.0).reshape(2, 6)).source
    driver = source[source.rindex("def ") :]
    for name in re.findall(r"(\w+) = view\(", driver):
        assert len(re.findall(rf"\b{name}\b", driver)) > 1, driver


ROWS = """fn f(x: f64[4, n], i: i64[], k: i64[], s: i64[]) -> (f64[4, n], f64[2], f64[]) {{
  %0: f64[4, n] = copy x
  %1: f64[2] = index %0 i{start} {{spec=(None, {read})}}
  %2: f64[2] = neg %1
  %3: f64[] = sum %2 {{axes=(0,)}}
  %4: f64[4, n] = {op} %0 %2 k s {{spec=(None, (None, 2, 1))}}
  return %4, {kept}, %3
}}"""


@pytest.mark.parametrize("op", ["update", "index_add"])
@pytest.mark.parametrize("i", [1, 2])
@pytest.mark.parametrize(
    ("read", "start", "together"), [("(None, 2, 1)", " s", True), ("(None, 2, 1)", " k", False), ("(0, 2, 1)", "", False)]
)
def test_a_row_is_written_from_another_one_at_the_same_points(
    check: Any, op: str, i: int, read: str, start: str, together: bool
) -> None:
    """No point of the kernel reads what another point overwrites, whichever rows they are."""
    x = np.arange(20.0).reshape(4, 5)
    for kept in ("%1", "%2"):
        text = ROWS.format(op=op, read=read, start=start, kept=kept)
        source = check(text, x, i, 2, 1).source
        assert ("sum_set" in source or "sum_add_to" in source) == together, source


def test_a_kernel_sees_what_it_writes_under_one_name(check: Any) -> None:
    """A product reads part of an array through a view, and the kernel that then writes to this part reads it where it writes."""
    source = check(SEEN_IN_PART, np.arange(8.0), np.linspace(0.0, 1.0, 7), donated={0: 0}).source
    assert "y[i + 1] = y[i + 1] - v[i] * product" in source
