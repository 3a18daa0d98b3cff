"""Products that are written in the order in which they are read: IR in, IR out, and their numbers against einsum."""

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import parse
from jitgrad.compiler.lower.ordering import order_products

import jitgrad as jg

HEADS = """
fn f(w: f64[n, h, t, s], v: f64[n, s, h, d]) -> (f64[n, t, h, d]) {
  %0: f64[n, h, t, d] = dot w v {contract=((3,), (1,)), batch=((0, 1), (0, 2))}
  %1: f64[n, t, h, d] = transpose %0 {axes=(0, 2, 1, 3)}
  return %1
}
"""


def equations(text: str) -> list[str]:
    return lines(str(order_products(parse(text))))


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if " = " in line]


def test_a_product_takes_over_the_transpose_that_alone_reads_it() -> None:
    (product,) = equations(HEADS)
    assert product == ("%0: f64[n, t, h, d] = dot w v {contract=((3,), (1,)), batch=((0, 1), (0, 2)), order=(0, 2, 1, 3)}")


def test_operands_change_places_where_columns_would_lie_apart() -> None:
    text = HEADS.replace("n, t, h, d", "n, d, h, t").replace("(0, 2, 1, 3)", "(0, 3, 1, 2)")
    (product,) = equations(text)
    assert product == "%0: f64[n, d, h, t] = dot v w {contract=((1,), (3,)), batch=((0, 2), (0, 1)), order=(0, 2, 1, 3)}"


@pytest.mark.parametrize(
    "change",
    [
        ("(f64[n, t, h, d]) {", "(f64[n, h, t, d], f64[n, t, h, d]) {", "return %1", "return %0, %1"),  # another reader
        ("n, t, h, d]", "t, d, n, h]", "(0, 2, 1, 3)", "(2, 3, 0, 1)"),  # neither rows nor columns would have neighbours
    ],
)
def test_otherwise_it_stays(change: tuple[str, str, str, str]) -> None:
    text = HEADS
    for old, new in zip(change[::2], change[1::2], strict=True):
        text = text.replace(old, new)
    assert equations(text) == lines(text)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize(
    "sizes", [(2, 3, 4, 5, 6), (1, 1, 1, 1, 1), (2, 1, 5, 1, 3), (3, 2, 1, 4, 1), (0, 2, 3, 4, 5), (2, 3, 4, 0, 5)]
)
def test_results(sizes: tuple[int, ...], dtype: Any) -> None:
    """Both orders, once read from memory and once within a kernel; sizes are symbols but for those that are 1."""
    n, h, t, s, d = sizes
    rng = np.random.default_rng(0)
    w, v = (rng.integers(-3, 4, shape).astype(dtype) for shape in ((n, h, t, s), (n, s, h, d)))

    def f(w, v):
        mixed = np.einsum("nhts,nshd->nhtd", w, v)
        rows, columns = np.transpose(mixed, (0, 2, 1, 3)), np.einsum("nhts,nshd->nhtd", w + 1, v)
        return rows.reshape(n * t, h * d), np.transpose(columns, (0, 3, 1, 2)) * 2

    compiled = jg.jit(f)
    for found, expected in zip(compiled(w, v), f(w, v), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_inside_a_loop() -> None:
    def f(x, steps):
        for _ in range(steps):
            x = np.einsum("nts,nsd->ntd", x, x).transpose(1, 0, 2) / 8
        return x

    x = np.random.default_rng(0).normal(size=(4, 4, 4))
    np.testing.assert_allclose(jg.jit(f)(x, 3), f(x, 3))


def test_attention_moves_no_product() -> None:
    def f(w, v):
        return np.sum(np.transpose(w @ v, (0, 2, 1, 3)).reshape(w.shape[0] * 6, -1) @ np.ones((15, 2)))

    source = jg.source(f, jg.spec("f64[n, 5, 6, 6]"), jg.spec("f64[n, 5, 6, 3]"))
    assert "transpose" not in source and "gemms(" in source
