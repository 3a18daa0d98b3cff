"""Values found in sorted arrays, short and long ones, against NumPy."""

from __future__ import annotations

import bisect

import numpy as np
import pytest
from alike import same
from interpreted import interpreting

import jitgrad as jg

LENGTHS = [1, 63, 64, 65, 127, 128, 129, 500]
WANTED = np.array([-np.inf, -7.0, -1.5, -0.0, 0.0, 0.5, 3.0, 900.0, np.inf, np.nan])


def ascending(length: int, missing: int = 0) -> np.ndarray:
    """Sorted numbers, each once to four times, with NaN for the last ones."""
    found = np.sort(np.random.default_rng(length).integers(-length // 4, length // 4 + 1, length) / 2.0)
    found[length - missing :] = np.nan
    return found


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("length", [0, *LENGTHS])
def test_searchsorted(length: int, side: str) -> None:
    search = jg.jit(lambda a, v: np.searchsorted(a, v, side))
    with interpreting():
        for a in (ascending(length), ascending(length, missing=length // 5)):
            for v in (WANTED, WANTED.reshape(2, 5), a, WANTED[5]):
                np.testing.assert_array_equal(search(a, v), np.searchsorted(a, v, side), strict=True)
        a = ascending(length).astype(int)
        np.testing.assert_array_equal(search(a, np.arange(-3, 4)), np.searchsorted(a, np.arange(-3, 4), side))


def test_searchsorted_with_a_sorter_and_in_a_loop() -> None:
    def program(a, v):
        order, total = np.argsort(a), 0
        for k in range(len(v)):
            total += np.searchsorted(a, v[k], sorter=order)
        return total

    a = ascending(200)[::-1].copy()
    with interpreting():
        assert jg.jit(program)(a, WANTED) == program(a, WANTED)


@pytest.mark.parametrize("length", LENGTHS)
def test_digitize_and_isin(length: int) -> None:
    a = ascending(length)
    with interpreting():
        for bins in (a, a[::-1]):
            for right in (False, True):
                found = jg.jit(lambda x, bins, right=right: np.digitize(x, bins, right=right))(WANTED, bins)
                np.testing.assert_array_equal(found, np.digitize(WANTED, bins, right=right), strict=True)
        for invert in (False, True):
            found = jg.jit(lambda x, a, invert=invert: np.isin(x, a, invert=invert))(WANTED, ascending(length, length // 5))
            np.testing.assert_array_equal(found, np.isin(WANTED, ascending(length, length // 5), invert=invert), strict=True)


def test_bins_that_neither_rise_nor_fall_are_an_error() -> None:
    with interpreting(), pytest.raises(ValueError, match="bins must be monotonically increasing or decreasing"):
        jg.jit(np.digitize)(WANTED, np.array([0.0, 2.0, 1.0]))


@pytest.mark.parametrize("length", [4, 300])
def test_interpolation(length: int) -> None:
    places = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, length))
    x = np.concatenate([places[:7], (places[1:] + places[:-1]) / 2, [-1.0, 1e3, np.nan]])
    values = np.sin(places)
    with interpreting():
        np.testing.assert_allclose(jg.jit(np.interp)(x, places, values), np.interp(x, places, values), rtol=1e-13)
        jg.check_grads(lambda x, y: np.sum(np.cos(np.interp(x, places, y))), (x[7:-3], values), order=1)


def test_interpolation_next_to_infinite_values() -> None:
    x, places = np.linspace(-1, 5, 13), np.arange(5.0)
    for values in ([-np.inf, 1.0, np.inf, np.inf, 2.0], [1.0, -np.inf, -np.inf, 0.0, np.nan]):
        with interpreting(), np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(jg.jit(np.interp)(x, places, values), np.interp(x, places, values))


def bisected(x, v, f):
    """Places among arrays, lists of the program and lists of pairs, and lists that are kept in order."""
    items, pairs, up, down = [v[0], v[0] + 1.0, v[0] + 2.0], [(k * f, k) for k in range(4)], [], []
    for value in v:
        bisect.insort(up, value * f)
        bisect.insort_left(down, value, key=lambda item: -item)
    places = [
        bisect.bisect(x, f), bisect.bisect_left(x, x[1]), bisect.bisect_right(x, x[1], 0, 2), bisect.bisect(items, v[0] + f),
        bisect.bisect_left(pairs, (2 * f, 1)), bisect.bisect([4, 2, 1], f, key=lambda item: -item), bisect.bisect([1, 2], 1),
    ]  # fmt: skip
    return places, x[places[0] - 1] * f, up, down


def test_bisections_are_pythons() -> None:
    rng = np.random.default_rng(3)
    x, v = np.sort(rng.normal(size=7)), rng.normal(size=5)
    with interpreting():
        compiled = jg.jit(bisected)
        for f in (0.3, 1.7, x[1] + 0.01):
            same(compiled(x, v, f), bisected(x, v, f))
        with pytest.raises(ValueError, match="lo must be non-negative"):
            jg.jit(lambda x, low: bisect.bisect(x, 0.5, low))(x, np.int64(-1))
