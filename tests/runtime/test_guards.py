"""A driver refuses arguments whose sizes it was not written for, compiled and as plain Python."""

import numpy as np
import pytest
from jitgrad.compiler.load import load
from jitgrad.compiler.runtime.guards import expect, expect_shape

SOURCE = """
from numba import njit

from jitgrad.compiler.runtime.guards import expect, expect_shape

@njit(error_model="numpy")
def run(x, y, n):
    expect_shape(x, (n, 3))
    expect_shape(y, n)
    expect(2*n <= 8)
    return n
"""


def test_compiled() -> None:
    run = load(SOURCE, "run", ("f64[:, ::1]", "f32[::1]", "i64"))
    assert run(np.zeros((2, 3)), np.zeros(2, np.float32), 2) == 2
    assert run(np.zeros((0, 3)), np.zeros(0, np.float32), 0) == 0
    for rows, columns, size, n in [(2, 3, 2, 3), (3, 2, 3, 3), (3, 3, 2, 3), (3, 0, 3, 3), (5, 3, 5, 5)]:
        with pytest.raises(ValueError, match=r"^guard$"):
            run(np.zeros((rows, columns)), np.zeros(size, np.float32), n)


def test_plain() -> None:
    expect_shape(np.zeros((2, 3)), (2, 3))
    expect_shape(np.zeros(2), 2)
    expect(True)
    for refused in (
        lambda: expect_shape(np.zeros((2, 3)), (3, 2)),
        lambda: expect_shape(np.zeros(2), 3),
        lambda: expect(False),
    ):
        with pytest.raises(ValueError, match=r"^guard$"):
            refused()
