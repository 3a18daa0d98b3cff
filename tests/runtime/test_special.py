"""The special functions of the runtime, as plain Python and compiled: errors against mpmath, and SciPy's values at edges."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from jitgrad.compiler.runtime import special
from scipy import special as scipy_special

import jitgrad as jg

rng = np.random.default_rng(0)
EDGES = [0.5, -0.0, 0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.5, -3.5, 1e-300, 180.0, -180.5, 3.0, -2.0]
REALS = [*rng.normal(size=60), *(10 * rng.normal(size=60)), *np.geomspace(1e-10, 1e10, 40), *-np.geomspace(1e-10, 20, 40)]
PROBABILITIES = [*rng.uniform(size=80), *np.geomspace(1e-300, 0.1, 40)]
SHAPES = [*np.exp(rng.uniform(-2, 6, size=120))]


def log_ndtr(x: Any) -> Any:
    other = mpmath.erfc(abs(x) / mpmath.sqrt(2)) / 2
    return mpmath.log(other) if x < 0 else mpmath.log1p(-other)


def erfcx(x: Any) -> Any:
    return mpmath.exp(x * x) * mpmath.erfc(x)


def ndtri(p: Any) -> Any:
    return mpmath.findroot(lambda x: mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2 / p), float(scipy_special.ndtri(float(p))))


EXACT: dict[str, tuple[Any, list[Any], float]] = {
    "gamma": (mpmath.gamma, [x for x in REALS if -20 < x < 170], 2e-15),
    "erfcx": (erfcx, [x for x in REALS if -2 < x < 1e4], 2e-15),
    "log_ndtr": (log_ndtr, [x for x in REALS if -1e4 < x < 30], 2e-13),
    "erfinv": (mpmath.erfinv, [2 * p - 1 for p in PROBABILITIES if p > 1e-16], 2e-15),
    "ndtri": (ndtri, PROBABILITIES, 2e-15),
    "i0e": (lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)), REALS, 2e-15),
    "i1e": (lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)), REALS, 2e-15),
    "gammainc": (
        lambda a, x: mpmath.gammainc(a, 0, x, regularized=True),
        [(a, a * np.exp(t * min(1, 2 / a**0.5))) for a, t in zip(SHAPES, rng.normal(size=120), strict=True)], 1e-12,
    ),
    "gammaincc": (
        lambda a, x: mpmath.gammainc(a, x, mpmath.inf, regularized=True),
        [(a, max(a, 1.0) * np.exp(abs(t) * min(1, 2 / a**0.5))) for a, t in zip(SHAPES, rng.normal(size=120), strict=True)]
        + [(a, x) for a in (1e-300, 1e-30, 1e-5, 0.01, 0.09, 0.11, 0.4, 0.8) for x in (1e-300, 1e-9, 0.1, 0.5, 0.7, 0.99)], 1e-12,
    ),
    "betainc": (
        lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True),
        [(a, b, a / (a + b) * min(1.0, np.exp(0.2 * t)))
         for a, b, t in zip(SHAPES, SHAPES[::-1], rng.normal(size=120), strict=True)], 1e-11,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_errors(name: str) -> None:
    exact, points, bound = EXACT[name]
    for point in points:
        arguments = [float(x) for x in (point if isinstance(point, tuple) else (point,))]
        with mpmath.workdps(30):
            expected = exact(*map(mpmath.mpf, arguments))
        found = getattr(special, name)(*arguments)
        assert abs(found - expected) <= bound * abs(expected), (name, arguments, found, expected)


@pytest.mark.parametrize("name", EXACT)
def test_edges_are_those_of_scipy_compiled_and_plain(name: str) -> None:
    function = getattr(special, name)
    count = {"gammainc": 2, "gammaincc": 2, "betainc": 3}.get(name, 1)
    edges = EDGES if count == 1 else [x for x in EDGES if x < 3]
    compiled = jg.jit(getattr(scipy_special, name))
    for point in itertools.product(edges, repeat=count):
        with np.errstate(all="ignore"):
            expected = getattr(scipy_special, name)(*point)
        for found in (function(*point), compiled(*point)):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12, err_msg=f"{name}{point}")


def test_numba_calls_its_own_copies_and_not_those_of_programs() -> None:
    fresh = float(np.random.default_rng().integers(1 << 40))
    program = jg.jit(lambda x: (scipy_special.log_ndtr(x), fresh * scipy_special.erfcx(x)))
    points = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(program(points)[0], scipy_special.log_ndtr(points), rtol=1e-13)
    compiled = numba.njit(error_model="numpy")(lambda x: special.log_ndtr(x))
    np.testing.assert_allclose([compiled(x) for x in points], scipy_special.log_ndtr(points), rtol=1e-13)
