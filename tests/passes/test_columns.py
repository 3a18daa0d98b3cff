"""Matrices that loops go through by columns are turned around, and nobody can tell."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import turn_columns

import jitgrad as jg

LOOP = """fn f(q: f64[n, m], c: f64[n, m]) -> (f64[n, m]) {{
  %0: i64[] = constant {{value=0, dtype=i64}}
  %1: i64[] = size {{value={trips}}}
  %2: f64[n, m] = loop %0 %1 c q {{step=1, consts=1}}
    (fn body(j: i64[], c: f64[n, m], q: f64[n, m]) -> (f64[n, m]) {{
      %0: i64[] = constant {{value=0, dtype=i64}}
      %1: f64[n] = index q j {{spec=((0, n, 1), None)}}
      %2: f64[n, m] = loop %0 j c j q {{step=1, consts=2}}
        (fn body(k: i64[], c: f64[n, m], j: i64[], q: f64[n, m]) -> (f64[n, m]) {{
          %0: f64[n] = index c k {{spec=((0, n, 1), None)}}
          %1: f64[] = index q %2 k {{spec=(None, None)}}
          %2: f64[n] = broadcast %1 {{axes=(), shape=(n,)}}
          %3: f64[n] = mul %0 %2
          %4: f64[n, m] = index_add q %3 j {{spec=((0, n, 1), None)}}
          return %4
        }})
      {last}
      return %3
    }})
  return %2
}}
""".replace(
    "          %1: f64[] = index q %2 k",
    "          %5: i64[] = constant {{value=0, dtype=i64}}\n          %1: f64[] = index q %5 k",
)
LAST = "%3: f64[n, m] = update %2 %1 j {spec=((0, n, 1), None)}"


def program(trips: str = "m", last: str = LAST) -> Any:
    return verify(parse(LOOP.format(trips=trips, last=last)))


def test_columns_become_rows() -> None:
    assert (
        str(turn_columns(program()))
        == """\
fn f(q: f64[n, m], c: f64[n, m]) -> (f64[n, m]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=m}
  %2: f64[m, n] = transpose c {axes=(1, 0)}
  %3: f64[m, n] = transpose q {axes=(1, 0)}
  %4: f64[m, n] = loop %0 %1 %2 %3 {step=1, consts=1}
    (fn body(j: i64[], c: f64[m, n], q: f64[m, n]) -> (f64[m, n]) {
      %0: i64[] = constant {value=0, dtype=i64}
      %1: f64[n] = index q j {spec=(None, (0, n, 1))}
      %2: f64[m, n] = loop %0 j c j q {step=1, consts=2}
        (fn body(k: i64[], c: f64[m, n], j: i64[], q: f64[m, n]) -> (f64[m, n]) {
          %0: f64[n] = index c k {spec=(None, (0, n, 1))}
          %1: i64[] = constant {value=0, dtype=i64}
          %2: f64[] = index q k %1 {spec=(None, None)}
          %3: f64[n] = broadcast %2 {axes=(), shape=(n,)}
          %4: f64[n] = mul %0 %3
          %5: f64[m, n] = index_add q %4 j {spec=(None, (0, n, 1))}
          return %5
        })
      %3: f64[m, n] = update %2 %1 j {spec=(None, (0, n, 1))}
      return %3
    })
  %5: f64[n, m] = transpose %4 {axes=(1, 0)}
  return %5
}
"""
    )


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (1, 1), (2, 0)])
def test_results_are_the_same(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    arguments = [rng.normal(size=shape), rng.normal(size=shape)]
    after = verify(turn_columns(program()))
    for expected, found in zip(interpret(program(), arguments), interpret(after, arguments), strict=True):
        np.testing.assert_array_equal(found, expected)


KEPT = {
    "fewer iterations than columns": program(trips="m//2"),
    "perhaps fewer": program(trips="m - n"),
    "more iterations": program(trips="n + m"),
    "rows": program(last="%4: f64[m] = index c %0 {spec=(None, (0, m, 1))}\n      %3: f64[n, m] = update %2 %4 %0 {spec=(None, (0, m, 1))}"),
    "blocks": program(last="%4: f64[n, m] = index c {spec=((0, n, 1), (0, m, 1))}\n      %3: f64[n, m] = add %2 %4"),
    "the whole matrix": program(last="%3: f64[n, m] = add %2 c"),
}  # fmt: skip


@pytest.mark.parametrize("function", KEPT.values(), ids=KEPT)
def test_other_loops_stay(function: Any) -> None:
    assert "transpose" not in str(turn_columns(function))


def orthogonalised(a: Any) -> Any:
    """Gram and Schmidt's process, twice; R is written by elements."""
    q, r = a.copy(), np.zeros((a.shape[1], a.shape[1]))
    for j in range(a.shape[1]):
        for _ in range(2):
            for i in range(j):
                part = q[:, i] @ q[:, j]
                r[i, j] += part
                q[:, j] -= part * q[:, i]
        r[j, j] = np.sqrt(np.sum(q[:, j] ** 2))
        q[:, j] /= r[j, j]
    return q, r


def backwards(a: Any) -> Any:
    """From the last column to the first, on the caller's array, with parts of columns and columns from the end."""
    for j in range(a.shape[1] - 1, -1, -1):
        a[:, j] *= 2.0
        for i in range(j):
            a[1:, i] += 0.1 * a[:-1, j]
            a[::-1, i] += 0.01 * a[:, j - i - 1]
    return np.sum(a**2)


def sums_into_zeros(a: Any) -> Any:
    """A matrix of zeros that is filled, and one that two loops go through one after the other."""
    n, m = a.shape
    b = np.zeros((n, m))
    for j in range(m):
        b[:, j] += a[:, j]
        for i in range(j):
            b[:, j] += b[:, i] * a[:, i]
    for j in range(m):
        b[:, j] = np.cos(b[:, j])
        for i in range(j, m):
            b[:, i] += b[:, j]
    return b, b.sum()


def whole_in_between(a: Any) -> Any:
    """A loop that also needs all of the matrix."""
    b = a.copy()
    for j in range(a.shape[1]):
        for i in range(j):
            b[:, j] += 0.1 * b[:, i]
        b[:, j] += 0.01 * b.sum()
    return b


def solved(a: Any) -> Any:
    """Thomas's elimination for all rows at once, inside of a border."""
    n, m = a.shape
    upper, right, new = np.zeros((n, m)), np.zeros((n, m)), a.copy()
    right[1 : n - 1, 0] = new[1 : n - 1, 0]
    for j in range(1, m - 1):
        pivot = 2.0 - 0.5 * upper[1 : n - 1, j - 1]
        upper[1 : n - 1, j] = 0.5 / pivot
        right[1 : n - 1, j] = (np.sin(a[1 : n - 1, j]) + 0.5 * right[1 : n - 1, j - 1]) / pivot
    for j in range(m - 2, 0, -1):
        new[1 : n - 1, j] = upper[1 : n - 1, j] * new[1 : n - 1, j + 1] + right[1 : n - 1, j]
    return new


def to_and_fro(a: Any) -> Any:
    """Sweeps along both axes in turn, over matrices that are transposed in between."""
    for _ in range(3):
        b = a.T.copy()
        for j in range(1, b.shape[1]):
            b[:, j] += 0.5 * np.cos(b[:, j - 1])
        a = b.T.copy()
        for j in range(1, a.shape[1]):
            a[:, j] -= 0.5 * a[:, j - 1] * a[0, j]
    return a


def written_in_between(a: Any) -> Any:
    """A column is written between two loops."""
    b = a.copy()
    for j in range(1, b.shape[1]):
        b[:, j] += 0.5 * b[:, j - 1]
    b[1:, 0] = 2.0
    for j in range(1, b.shape[1]):
        b[:, j] *= b[:, j - 1]
    return b


def kept_in_between(a: Any) -> Any:
    """What was there before the column is written is needed too."""
    b = a.copy()
    for j in range(1, b.shape[1]):
        b[:, j] = b[:, j - 1] * b[:, j] + b[:, j]
    c = b.copy()
    c[1:, 0] = 2.0
    for j in range(1, c.shape[1]):
        c[:, j] = c[:, j - 1] * c[:, j] - c[:, j]
    return b[1:], c


PROGRAMS = (
    orthogonalised,
    backwards,
    sums_into_zeros,
    whole_in_between,
    solved,
    to_and_fro,
    written_in_between,
    kept_in_between,
)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(7, 5), (3, 3), (6, 1), (2, 2), (40, 33)])
def test_programs_agree_with_numpy(function: Callable, shape: tuple[int, int]) -> None:
    a = 0.1 * np.random.default_rng(1).normal(size=shape)
    mine, numpys = a.copy(), a.copy()
    found, expected = jg.jit(function)(mine), function(numpys)
    np.testing.assert_allclose(mine, numpys, rtol=1e-12)
    for x, y in zip(
        found if isinstance(found, tuple) else (found,), expected if isinstance(expected, tuple) else (expected,), strict=True
    ):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12 * np.max(np.abs(y)))


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(function: Callable) -> None:
    def loss(a: Any) -> Any:
        a = a.copy()
        results = function(a)
        results = results if isinstance(results, tuple) else (results,)
        return sum(np.sum(np.sin(x)) for x in results) + np.sum(np.cos(a))

    jg.check_grads(loss, (np.eye(6, 4) + 0.2 * np.random.default_rng(2).normal(size=(6, 4)),), order=1)


def test_columns_are_read_where_they_lie() -> None:
    source = jg.source(jg.jit(orthogonalised), np.ones((4, 3)))
    assert "dot(a_5, a_4)" in source and "a_4 = a_3[i]" in source


def columns_read(function: Callable) -> int:
    """How many equations read parts of columns."""
    return jg.stages(jg.jit(function), np.ones((4, 3))).optimised.count(", 1), None)}")


def test_sweeps_over_columns_go_along_rows() -> None:
    assert columns_read(solved) == 0 and columns_read(written_in_between) == 0
    assert columns_read(to_and_fro) == 3  # of six: one of the two loops has to


def read_once(a: Any) -> Any:
    total = np.zeros(a.shape[0])
    for j in range(a.shape[1]):
        total = np.sin(total) + a[:, j]
    return total


def in_part(a: Any) -> Any:
    a = a.copy()
    n, m = a.shape
    for j in range(1, m):
        a[: n // 2, j] += a[: n // 2, j - 1]
    return a


def test_matrices_are_not_turned_for_little() -> None:
    assert "transpose" not in str(jg.stages(jg.jit(read_once), np.ones((4, 3))).optimised)
    assert "transpose" not in str(jg.stages(jg.jit(in_part), np.ones((4, 3))).optimised)
