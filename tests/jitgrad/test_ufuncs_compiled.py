"""Ufuncs in native code: special values, signs of zeros, and a bound in units in the last place, for both float dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg

EXACT = (
    np.negative, np.absolute, np.fabs, np.sign, np.square, np.sqrt, np.floor, np.ceil, np.trunc, np.rint, np.reciprocal,
    np.isnan, np.isinf, np.isfinite, np.signbit, np.logical_not, np.positive,
)  # fmt: skip
SMOOTH = (
    np.cbrt, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sin, np.cos, np.tan, np.arcsin, np.arccos,
    np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh, np.deg2rad, np.rad2deg,
)  # fmt: skip
EXACT_PAIRS = (
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.fmax, np.fmin, np.copysign, np.equal, np.not_equal,
    np.less, np.less_equal, np.greater, np.greater_equal, np.logical_and, np.logical_or, np.logical_xor, np.floor_divide,
    np.remainder, np.fmod, np.heaviside,
)  # fmt: skip
SMOOTH_PAIRS = (np.power, np.hypot, np.arctan2, np.logaddexp, np.logaddexp2)
EITHER_ZERO = (np.maximum, np.minimum, np.fmax, np.fmin)  # of 0.0 and -0.0, which NumPy gives depends on the machine


def apply_exact(x):
    return [f(x) for f in EXACT]


def apply_smooth(x):
    return [f(x) for f in SMOOTH]


def apply_exact_pairs(x, y):
    return [f(x, y) for f in EXACT_PAIRS]


def apply_smooth_pairs(x, y):
    return [f(x, y) for f in SMOOTH_PAIRS]


def points(dtype: Any) -> np.ndarray:
    """Special values, the ends of the range, and ordinary numbers of both signs."""
    limits = np.finfo(dtype)
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 1e-3, -1e-3,
               limits.max, limits.min, limits.tiny, -limits.tiny, limits.eps, 30.0, -30.0, 100.0]  # fmt: skip
    return np.concatenate([np.array(special), np.random.default_rng(0).normal(scale=3.0, size=40)]).astype(dtype)


def ulps(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The distance in units in the last place; infinite where only one is finite, or where signs of zeros differ."""
    same = (found == expected) & (np.signbit(found) == np.signbit(expected)) | np.isnan(found) & np.isnan(expected)
    with np.errstate(all="ignore"):
        distance = np.abs(found - expected) / np.spacing(np.maximum(np.abs(expected), np.finfo(expected.dtype).tiny))
    finite = np.isfinite(found) & np.isfinite(expected)
    return np.where(same, 0, np.where(finite & ((expected != 0) | (found != 0)), distance, np.inf))


CASES = [
    (apply_exact, EXACT, 0), (apply_smooth, SMOOTH, 4), (apply_exact_pairs, EXACT_PAIRS, 0), (apply_smooth_pairs, SMOOTH_PAIRS, 4),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("function", "ufuncs", "bound"), CASES, ids=lambda v: getattr(v, "__name__", None))
def test_special_values(function: Callable[..., Any], ufuncs: tuple[np.ufunc, ...], bound: int, dtype: Any) -> None:
    x = points(dtype)
    args = (x,) if ufuncs[0].nin == 1 else tuple(v.ravel() for v in np.meshgrid(x, x))
    results = jg.jit(function)(*args)
    with np.errstate(all="ignore"):
        expected = function(*args)
    problems = []
    for ufunc, one, other in zip(ufuncs, results, expected, strict=True):
        assert one.dtype == other.dtype, ufunc.__name__
        if other.dtype.kind != "f":
            wrong = one != other
        else:
            sign_of_zero = 0.0 if ufunc in EITHER_ZERO else -0.0  # adding 0.0 makes a positive zero of a negative one
            wrong = ~(ulps(one + sign_of_zero, other + sign_of_zero) <= bound)
        for k in np.flatnonzero(wrong)[:3]:
            problems.append(f"{ufunc.__name__}({', '.join(repr(a[k]) for a in args)}) is {one[k]!r}, expected {other[k]!r}")
    assert not problems, "\n".join(problems)
