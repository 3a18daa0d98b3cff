"""What a value that the backward pass needs is thought to cost."""

import pytest
from jitgrad.compiler.diff.residuals import typical
from jitgrad.compiler.ir import Dim, symbol
from jitgrad.compiler.ir.sizes import maximum

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
