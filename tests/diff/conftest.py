"""Checks that every derivative must pass, whatever the function: against differences, and forward against reverse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.diff import jvp, vjp
from jitgrad.compiler.ir import ArrayType, Function
from jitgrad.compiler.ops import interpret, verify

STEP = 1e-6


def float_results(function: Function) -> list[int]:
    """The positions of the results that have derivatives."""
    return [k for k, v in enumerate(function.results) if isinstance(v.type, ArrayType) and v.type.is_float]


def check_derivatives(
    function: Function, arguments: Sequence[Any], wrt: Sequence[int], order: int = 2, seed: int = 0, rtol: float = 1e-5
) -> Function:
    """Forward mode against central differences, reverse mode against forward mode; then the same of both derivatives.

    All arguments that are differentiated must be float64. Returns the reverse-mode program.
    """
    rng = np.random.default_rng(seed)
    arguments = [np.asarray(a) for a in arguments]
    verify(function)
    forward, reverse = verify(jvp(function, wrt), "jvp"), verify(vjp(function, wrt), "vjp")
    floats, count = float_results(function), len(function.results)
    values = interpret(function, arguments)
    tangents = [rng.standard_normal(arguments[k].shape) for k in wrt]
    cotangents = [rng.standard_normal(values[k].shape) for k in floats]
    pushed, pulled = interpret(forward, [*arguments, *tangents]), interpret(reverse, [*arguments, *cotangents])
    for expected, first, second in zip(values, pushed, pulled, strict=False):
        np.testing.assert_array_equal(first, expected)
        np.testing.assert_array_equal(second, expected)

    def moved(amount: float) -> list[np.ndarray]:
        shifted = list(arguments)
        for k, tangent in zip(wrt, tangents, strict=True):
            shifted[k] = arguments[k] + amount * tangent
        results = interpret(function, shifted)
        return [results[k] for k in floats]

    for up, down, found in zip(moved(STEP), moved(-STEP), pushed[count:], strict=True):
        scale = max(1.0, float(np.max(np.abs(found), initial=0)))
        np.testing.assert_allclose(found, (up - down) / (2 * STEP), rtol=rtol, atol=rtol * scale)
    along = sum(np.vdot(ct, found) for ct, found in zip(cotangents, pushed[count:], strict=True))
    back = sum(np.vdot(t, found) for t, found in zip(tangents, pulled[count:], strict=True))
    np.testing.assert_allclose(along, back, rtol=1e-8, atol=1e-10)
    if order > 1:
        check_derivatives(forward, [*arguments, *tangents], wrt, order - 1, seed + 1, rtol)
        check_derivatives(reverse, [*arguments, *cotangents], wrt, order - 1, seed + 2, rtol)
    return reverse


@pytest.fixture(name="check_derivatives")
def check_derivatives_fixture() -> Callable[..., Function]:
    """The check, for tests that ask for it by name."""
    return check_derivatives
