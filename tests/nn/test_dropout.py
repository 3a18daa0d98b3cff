"""Dropout and the random numbers under it."""

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import nn, random


def test_the_stream_is_that_of_the_reference_implementation():
    first = [16294208416658607535, 7960286522194355700, 487617019471545679]  # SplitMix64 from seed 0
    assert random.bits(np.zeros(1, np.uint64), 3).tolist() == first


def test_uniform_numbers():
    for dtype in (np.float32, np.float64):
        u = random.uniform(random.key(1), (200, 500), dtype)
        assert u.dtype == dtype and u.min() >= 0 and u.max() < 1
        counts = np.histogram(u, 50, (0, 1))[0]
        assert np.sum((counts - 2000) ** 2 / 2000) < 85.4  # chi-square of 49 degrees of freedom, one in a thousand
        assert abs(np.corrcoef(u.ravel()[:-1], u.ravel()[1:])[0, 1]) < 0.01


def test_normal_numbers_and_permutations():
    z = random.normal(random.key(2), 100_000, np.float64)
    assert abs(z.mean()) < 0.015 and abs(z.std() - 1) < 0.01 and abs((z**4).mean() - 3) < 0.15
    places = random.permutation(random.key(3), 1000)
    assert sorted(places) == list(range(1000)) and np.sum(places == np.arange(1000)) < 10


def test_keys():
    key = random.key(5)
    both = random.uniform(key, 8)
    random.advance(key, 4)
    np.testing.assert_array_equal(random.uniform(key, 4), both[4:])
    first, second = random.split(key, 2)
    assert not np.any(random.bits(first, 100) == random.bits(second, 100))
    assert random.key(np.random.default_rng(0)).shape == (1,)


def test_dropout_statistics_and_modes():
    layer, x = nn.Dropout(0.3, rng=0), np.ones((200, 500), np.float32)
    y = layer(x)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs(np.mean(y == 0) - 0.3) < 0.006
    assert np.any(layer(x) != y)
    assert layer.eval()(x) is x
    np.testing.assert_array_equal(nn.Dropout(1.0)(x), 0)
    assert nn.Dropout(0.0)(x) is x
    assert not layer.state_dict()
    with pytest.raises(ValueError, match="probability"):
        nn.Dropout(1.5)


def test_compiled_dropout_draws_the_same_and_moves_on():
    eager, layer = nn.Dropout(0.5, rng=7), nn.Dropout(0.5, rng=7)
    x = np.arange(1.0, 13.0).reshape(3, 4)
    step = jg.value_and_grad(lambda layer, x: np.sum(layer(x) * x), argnums=1)
    for _ in range(2):
        dropped = eager(x)
        value, gradient = step(layer, x)
        assert value == pytest.approx(np.sum(dropped * x))
        np.testing.assert_allclose(gradient, 2 * dropped)
    np.testing.assert_array_equal(layer.key, eager.key)
