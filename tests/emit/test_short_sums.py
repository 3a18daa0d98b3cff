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


def along_columns_and_mixed(x):
    return np.sum(2 * x, axis=0), np.sum(2 * x, axis=(0, 2))


@pytest.mark.parametrize(
    "shape", [(3, 4, 5), (200, 7, 600), (0, 4, 5), (130, 1, 1), (33, 3, 0), (1, 1, 1), (64, 2, 512), (17, 2, 513)]
)
def test_sums_along_columns_and_of_runs_that_end_in_an_element(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    found = jg.jit(along_columns_and_mixed)(x.astype(np.float32))
    exact = along_columns_and_mixed(x.astype(np.float32).astype(np.float64))
    sizes = along_columns_and_mixed(np.abs(x))
    for sum, expected, size in zip(found, exact, sizes, strict=True):
        assert sum.shape == expected.shape
        assert np.all(np.abs(sum - expected) <= 17 * np.finfo(np.float32).eps * size)  # no more than NumPy's pairwise sums


def test_special_numbers_in_sums_along_columns() -> None:
    for special in (np.nan, np.inf, -np.inf):
        x = np.ones((70, 2, 3), np.float32)
        x[66, 1, 2] = special
        for found, expected in zip(jg.jit(along_columns_and_mixed)(x), along_columns_and_mixed(x), strict=True):
            np.testing.assert_array_equal(found, expected)


def along_rows(x):
    return np.sum(2 * x, axis=-1), np.sum(2 * x[:, ::2], axis=(1, 2))


def test_a_first_block_is_added_to_nothing_and_loses_nothing() -> None:
    source = jg.source(jg.jit(lambda x: np.sum(2 * x, axis=1)), np.ones((2, 3)))
    (kernel,) = (text for text in source.split("@njit") if "def mul_sum" in text)
    lines = [line.partition("  #")[0].strip() for line in kernel.splitlines()]
    start = lines.index("for j0 in range(0, m, 512):")
    assert lines[start - 2 : start + 9] == [
        "total_here = 0.0",
        "total_here_lost = 0.0",
        "for j0 in range(0, m, 512):",
        "total_here_part = 0.0",
        "for j in range(j0, min(j0 + 512, m)):",
        "total_here_part = add_any_order(total_here_part, 2.0 * x[i, j])",
        "if j0 > 0:",
        "total_here_lost += rounding_error(total_here, total_here_part)",
        "total_here += total_here_part",
        "total[i] = with_error(total_here, total_here_lost) if m > 512 else total_here",
        "",
    ]


@pytest.mark.parametrize("length", [0, 1, 3, 511, 512, 513, 1024, 1025, 40_000])
def test_sums_along_rows_of_any_length(length: int) -> None:
    x = np.random.default_rng(0).normal(size=(3, 5, length)).astype(np.float32)
    exact = along_rows(x.astype(np.float64))
    for found, expected, size in zip(jg.jit(along_rows)(x), exact, along_rows(np.abs(x)), strict=True):
        assert np.all(np.abs(found - expected) <= 17 * np.finfo(np.float32).eps * size)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 511, 512, 1300])
def test_special_numbers_in_any_block(special: float, place: int) -> None:
    x = np.ones((2, 2, 1400), np.float32)
    x[1, 0, place] = special
    for found, expected in zip(jg.jit(along_rows)(x), along_rows(x), strict=True):
        np.testing.assert_array_equal(found, expected)


def between(x):
    """Sums along axes with others around them, in one kernel and alone, of arrays whose axes do not merge."""
    y = 2 * x[:, ::2, :, ::2]
    return np.sum(y, axis=0), np.sum(y, axis=1), np.sum(y, axis=2), np.sum(2 * x, axis=1)


def test_sums_along_an_axis_in_the_middle_go_in_blocks_of_rows() -> None:
    source = jg.source(jg.jit(lambda x: np.sum(2 * x, axis=1)), np.ones((2, 3, 4)))
    (kernel,) = (text for text in source.split("@njit") if "def mul_sum" in text)
    lines = [line.partition("  #")[0].strip() for line in kernel.splitlines()]
    start = lines.index("total_parts = zeros((k,), np.float64)")
    assert lines[start + 1 : start + 7] == [
        "for i in range(n):",
        "for j0 in range(0, m, 16):",
        "for j in range(j0, min(j0 + 16, m)):",
        "for k_2 in range(k):",
        "total_parts[k_2] += 2.0 * x[i, j, k_2]",
        "numeric.add_parts(within(total, i*k, k), within(total_lost, i*k, k), total_parts)",
    ]


@pytest.mark.parametrize(
    "shape",
    [(3, 4, 5, 6), (2, 70, 40, 3), (1, 33, 17, 2), (0, 4, 5, 2), (3, 0, 5, 2), (3, 4, 0, 2), (3, 4, 5, 0), (1, 1, 1, 1)],
)
def test_sums_along_axes_in_the_middle(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    exact, sizes = between(x.astype(np.float64)), between(np.abs(x))
    for found, expected, size in zip(jg.jit(between)(x), exact, sizes, strict=True):
        assert found.shape == expected.shape
        assert np.all(np.abs(found - expected) <= 17 * np.finfo(np.float32).eps * size)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_special_numbers_in_sums_along_axes_in_the_middle(special: float) -> None:
    x = np.ones((3, 40, 20, 4), np.float32)
    x[1, 38, 17, 2] = special
    for found, expected in zip(jg.jit(between)(x), between(x), strict=True):
        np.testing.assert_array_equal(found, expected)
