"""What a value that the backward pass needs is thought to cost."""

import pytest
from jitgrad.compiler.diff.residuals import typical, weight
from jitgrad.compiler.ir import ArrayType, Dim, Var, symbol
from jitgrad.compiler.ir.sizes import maximum
from jitgrad.compiler.ir.types import F64

n, m, j = symbol("n"), symbol("m"), symbol("j")


@pytest.mark.parametrize(
    ("dim", "guess"),
    [
        (7, 7),
        (0, 1),
        (n, 100),
        (n * m, 10_000),
        (n - 1, 99),
        (n - j, 50),
        (maximum(0, n - j - 1), 49),
        (1 - n, 1),
        (n // 2, 50),
    ],
)
def test_a_difference_of_sizes_is_not_nothing(dim: Dim, guess: int) -> None:
    """The rest of a row, n - j numbers, is no cheaper than a scalar."""
    assert typical(dim) == guess


def test_a_block_is_no_cheaper_than_its_rows() -> None:
    block, row = Var("a", ArrayType(F64, (n - j, m - j))), Var("b", ArrayType(F64, (m - j,)))
    assert weight(block) == 50 * weight(row) == 50 * 50 * 8
