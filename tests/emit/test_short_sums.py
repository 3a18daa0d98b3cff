"""A sum over few elements, known by number, is one chain without bookkeeping; longer ones keep what rounding loses."""

import numpy as np
import pytest

import jitgrad as jg


def rows(x, count):
    return np.sum(np.sin(x.reshape(-1, count)), axis=1)


@pytest.mark.parametrize(("count", "blocks"), [(1, False), (32, False), (512, False), (513, True), (2000, True)])
def test_sums_of_known_length(count: int, blocks: bool) -> None:
    x = np.random.default_rng(0).normal(size=3 * count).astype(np.float32)
    function = jg.jit(rows, static_argnums=1)
    source = jg.source(function, x, count)
    assert ("rounding_error" in source) == blocks
    exact = np.sum(np.sin(x.astype(np.float64)).reshape(-1, count), axis=1)
    np.testing.assert_allclose(function(x, count), exact, atol=2e-7 * np.sqrt(count) * 4)


def test_edges() -> None:
    function = jg.jit(rows, static_argnums=1)
    with np.errstate(invalid="ignore"):
        for special in (np.nan, np.inf, -np.inf):
            x = np.ones(64, np.float32)
            x[5] = special
            np.testing.assert_array_equal(np.isnan(function(x, 32)), np.isnan(rows(x, 32)))
    assert function(np.zeros(0, np.float32), 32).shape == (0,)


def test_an_infinite_sum_is_infinite() -> None:
    total = jg.jit(lambda x: np.sum(x.reshape(-1, 4) * 1.0, axis=1))
    big = np.finfo(np.float32).max
    x = np.array([big, big, 0, 0, np.inf, 1, 2, 3], np.float32)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(total(x), np.sum(x.reshape(-1, 4), axis=1))
