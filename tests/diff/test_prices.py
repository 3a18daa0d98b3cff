"""What a value that the backward pass needs is thought to cost."""

import pytest
from jitgrad.compiler.diff.residuals import cost_of_repeating, typical, weight
from jitgrad.compiler.ir import ArrayType, Dim, Equation, Var, symbol
from jitgrad.compiler.ir.sizes import maximum
from jitgrad.compiler.ir.types import BOOL, F64

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


def test_a_truth_value_alone_is_no_cheaper_than_a_number() -> None:
    assert weight(Var("c", ArrayType(BOOL, ()))) == weight(Var("a", ArrayType(F64, ())))
    assert weight(Var("c", ArrayType(BOOL, (n,)))) == weight(Var("a", ArrayType(F64, (n,)))) / 8


def test_work_on_few_elements_is_as_on_each_alone() -> None:
    def cost(*shape: Dim) -> float:
        a, b = (Var(name, ArrayType(F64, shape)) for name in "ab")
        return cost_of_repeating(Equation("mul", (a, a), (b,))) or 0.0

    assert cost(2) == 2 * cost()
    assert cost(n) < 40 * cost()
    assert cost(2, n) == cost(n, 2) > cost(n)
