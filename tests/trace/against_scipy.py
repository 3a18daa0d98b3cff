"""Traced programs that call SciPy, run by the interpreter, next to SciPy; and their derivatives next to central differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from interpreted import interpreting

import jitgrad as jg


def compiled(function: Callable[..., Any], *arguments: Any) -> Any:
    with interpreting():
        return jg.jit(function)(*arguments)


def compare(function: Callable[..., Any], *arguments: Any, tolerance: float = 1e-12) -> None:
    """Demand equal values and dtypes, one by one where there are several."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, expected = compiled(function, *arguments), function(*arguments)
    several = isinstance(expected, tuple)
    for one, other in zip(found, expected, strict=True) if several else [(found, expected)]:
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def compare_slope(function: Callable[..., Any], *arguments: Any) -> None:
    """The derivative along a direction, both modes."""
    directions = tuple(np.linspace(0.5, 1.5, np.size(a)).reshape(np.shape(a)) for a in arguments)

    def weighted(*a: Any) -> Any:
        results = function(*a)
        total = 0.0
        for result in results if isinstance(results, tuple) else (results,):
            total = total + np.sum(result * np.arange(1.0, 1 + np.size(result)).reshape(np.shape(result)))
        return total

    step = 1e-6
    above, below = (weighted(*(a + s * d for a, d in zip(arguments, directions, strict=True))) for s in (step, -step))
    expected = (above - below) / (2 * step)
    with interpreting():
        gradient = jg.grad(weighted, tuple(range(len(arguments))))(*arguments)
        _, tangent = jg.jvp(weighted, arguments, directions)
    np.testing.assert_allclose(tangent, expected, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(sum(np.sum(g * d) for g, d in zip(gradient, directions, strict=True)), tangent, rtol=1e-12)
