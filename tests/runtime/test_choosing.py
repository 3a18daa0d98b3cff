"""`runtime.choosing`: the same values as the plain Python, at edges too."""

import itertools

import numba
import numpy as np
import pytest
from jitgrad.compiler.runtime.choosing import masked_mul

EDGES = [0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 1e-45, 3e38]


@numba.njit
def run_masked_mul(x, y):
    return masked_mul(x, y)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_masked_mul(kind: type) -> None:
    for x, y in itertools.product(map(kind, EDGES), repeat=2):
        expected, found = masked_mul(x, y), run_masked_mul(x, y)
        np.testing.assert_array_equal(found, expected)
        assert np.signbit(found) == np.signbit(expected) or np.isnan(expected)
