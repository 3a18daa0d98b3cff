"""Comparing what programs of jitgrad's return with what Python returns: structures, types, numbers and slopes."""

from __future__ import annotations

from typing import Any

import numpy as np
from interpreted import interpreting

import jitgrad as jg


def same(ours: Any, theirs: Any) -> None:
    """Assert that two results are alike."""
    if theirs is None:
        assert ours is None
        return
    assert type(ours) is type(theirs) or (isinstance(ours, (float, np.floating)) and isinstance(theirs, (float, np.floating)))
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            same(one, other)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, strict=isinstance(theirs, np.ndarray))


def assert_alike(found: Any, expected: Any) -> None:
    """Assert that two results have the same structure and numbers; of what type these are does not matter."""
    if isinstance(expected, (list, tuple)):
        assert type(found) is type(expected)
        for a, b in zip(found, expected, strict=True):
            assert_alike(a, b)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def same_slope(program: Any, x: float) -> None:
    """Assert that the derivative of a program of one number, by its first result, is that of central differences."""

    def loss(x: Any) -> Any:
        result = program(x)
        first = result[0] if isinstance(result, tuple) else result
        return np.sum(np.sin(np.array(first)))

    step = 1e-6
    expected = (loss(x + step) - loss(x - step)) / (2 * step)
    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(x), expected, rtol=1e-6)
