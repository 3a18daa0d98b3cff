"""Every elementary function, compiled and plain: bounds on its error, its special values, and that LLVM vectorises it."""

import functools
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from jitgrad.compiler.runtime import elementary, numeric
from scipy import special

elementary.register()  # where numba is imported after the module, as another test may have done

BOUNDS = {  # largest error in units in the last place: float32, float64
    "exp": (1.1, 1.1),
    "exp2": (1.2, 1.2),
    "expm1": (1.7, 2.2),
    "log": (0.9, 0.9),
    "log2": (0.9, 0.9),
    "log10": (0.9, 0.9),
    "log1p": (0.9, 0.9),
    "sinh": (2.4, 2.6),
    "cosh": (1.6, 1.6),
    "tanh": (2.5, 2.8),
    "logistic": (2.4, 2.4),
    "softplus": (1.8, 1.8),
    "erf": (1.3, 1.2),
    "sin": (1.6, 1.6),
    "cos": (1.6, 1.6),
    "tan": (3.4, 3.4),
    "arctan": (2.2, 2.3),
    "arctan2": (2.3, 2.3),
    "arcsin": (2.4, 2.3),
    "arccos": (1.3, 1.3),
    "cbrt": (1.1, 1.1),
}
DTYPES = {"f32": np.float32, "f64": np.float64}
CASES = [(op, suffix) for op, variants in elementary.FUNCTIONS.items() for suffix in variants]
MPMATH = {"arctan": "atan", "arctan2": "atan2", "arcsin": "asin", "arccos": "acos"}


@pytest.mark.parametrize(("op", "suffix"), CASES)
def test_error(op: str, suffix: str) -> None:
    arguments = sample(op, DTYPES[suffix], 20_000 if suffix == "f32" else 250)
    exact, tail = wide_reference(op, *arguments) if suffix == "f32" else mpmath_reference(op, *arguments)
    error = ulps(compiled(op, suffix)(*arguments), exact, tail)
    worst = int(np.argmax(error))
    assert error[worst] <= BOUNDS[op][suffix == "f64"], [argument[worst] for argument in arguments]


@pytest.mark.parametrize(("op", "suffix"), CASES)
def test_special_values(op: str, suffix: str) -> None:
    arguments = edges(op, DTYPES[suffix])
    with np.errstate(all="ignore"):
        expected = numpy_reference(op)(*arguments)
    for function in (compiled(op, suffix), plain(op, suffix)):
        result = function(*arguments)
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
        exact = ~np.isfinite(expected) | (expected == 0)
        np.testing.assert_array_equal(result[exact], expected[exact])
        zero = expected == 0
        np.testing.assert_array_equal(np.signbit(result[zero]), np.signbit(expected[zero]))
        close = np.isfinite(expected)
        np.testing.assert_array_max_ulp(result[close], expected[close], maxulp=4)


@pytest.mark.parametrize(("op", "suffix"), CASES)
def test_plain_python_agrees(op: str, suffix: str) -> None:
    arguments = sample(op, DTYPES[suffix], 500)
    result, expected = plain(op, suffix)(*arguments), compiled(op, suffix)(*arguments)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_array_max_ulp(result[finite], expected[finite], maxulp=4)
    one = plain(op, suffix)(*(argument[0] for argument in arguments))
    assert type(one) is DTYPES[suffix]


@pytest.mark.parametrize("op", ["sin", "cos", "tan"])
@pytest.mark.parametrize("suffix", DTYPES)
def test_huge_arguments_inside_a_vector(op: str, suffix: str) -> None:
    """One huge number among small ones, at each place of a vector."""
    x = np.linspace(-3, 3, 512).astype(DTYPES[suffix])
    x[::17] = np.geomspace(1e5, 3e38, x[::17].size)
    high, tail = mpmath_reference(op, x) if suffix == "f64" else wide_reference(op, x)
    assert np.max(ulps(compiled(op, suffix)(x), high, tail)) <= BOUNDS[op][suffix == "f64"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86 assembly")
@pytest.mark.parametrize(("op", "suffix"), CASES)
def test_vectorised(op: str, suffix: str) -> None:
    kernel = loop(op, suffix)
    compiled(op, suffix)(*edges(op, DTYPES[suffix]))
    (assembly,) = kernel.inspect_asm().values()
    letter = "s" if suffix == "f32" else "d"
    assert re.search(rf"\bv?(mul|fmadd\d+)p{letter}\b", assembly)


@pytest.mark.parametrize(("name", "expected"), [("log2", 3.0), ("log10", 2.0), ("exp2", 1024.0), ("cbrt", 5.0)])
def test_exact_results(name: str, expected: float) -> None:
    argument = {"log2": 8.0, "log10": 100.0, "exp2": 10.0, "cbrt": 125.0}[name]
    for suffix in DTYPES:
        assert getattr(elementary, f"{name}_{suffix}")(argument) == expected


def test_runs_without_numba() -> None:
    program = (
        "import sys; sys.modules['numba'] = sys.modules['llvmlite'] = None\n"
        "from jitgrad.compiler.runtime.elementary import exp_f64\n"
        "assert exp_f64(0.0) == 1.0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def compiled(op: str, suffix: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        out = np.empty_like(arguments[0])
        loop(op, suffix)(*arguments, out)
        return out

    return call


@functools.cache
def loop(op: str, suffix: str) -> Any:
    function = getattr(elementary, elementary.FUNCTIONS[op][suffix])

    def unary(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def binary(y, x, out):
        for i in range(x.size):
            out[i] = function(y[i], x[i])

    return numba.njit(fastmath={"contract"}, error_model="numpy")(binary if op == "arctan2" else unary)


def plain(op: str, suffix: str) -> Callable[..., Any]:
    return getattr(elementary, elementary.FUNCTIONS[op][suffix])


def sample(op: str, dtype: Any, count: int) -> list[Any]:
    """Arguments over the whole range of the format, over the range of exp, and densely around 0 and 1."""
    random = np.random.default_rng(0)
    limit = 104 if dtype == np.float32 else 746
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    x = np.concatenate(
        [
            random.integers(0, np.iinfo(unsigned).max, count, unsigned, endpoint=True).view(dtype),
            random.uniform(-limit, limit, count).astype(dtype),
            random.uniform(-10, 10, count).astype(dtype),
            random.uniform(-1.2, 1.2, 2 * count).astype(dtype),
            random.uniform(-1e5, 1e5, count).astype(dtype),
            (1 + random.uniform(-1e-3, 1e-3, count)).astype(dtype),
            (10 ** random.uniform(-20, 0, count)).astype(dtype),
        ]
    )
    return [random.permutation(x), x] if op == "arctan2" else [x]


def edges(op: str, dtype: Any) -> list[Any]:
    info = np.finfo(dtype)
    limits = [info.smallest_subnormal, 7 * info.smallest_subnormal, info.tiny, info.eps, info.max]
    small = [0.0, 0.5, 1.0, 2.0, 10.0, 30.0, 50.0, 88.5, 88.8, 89.4, 95.0, 103.0, 104.5, 130.0]
    large = [500.0, 709.7, 709.8, 710.4, 720.0, 745.1, 745.2, 1080.0]
    positive = np.array(
        [*limits, *small, *large, np.nextafter(dtype(1), dtype(2)), np.nextafter(dtype(1), dtype(0)), np.inf, np.nan], dtype
    )
    x = np.concatenate([positive, -positive])
    return [np.repeat(x, x.size), np.tile(x, x.size)] if op == "arctan2" else [x]


def logistic(x: Any) -> Any:
    e = np.exp(-abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def erf(x: Any) -> Any:
    from scipy.special import erf

    return erf(x)


def numpy_reference(op: str) -> Callable[..., Any]:
    return {"logistic": logistic, "softplus": softplus, "erf": erf}.get(op) or getattr(np, op)


def wide_reference(op: str, *arguments: Any) -> tuple[Any, Any]:
    with np.errstate(all="ignore"):
        exact = numpy_reference(op)(*(argument.astype(np.float64) for argument in arguments))
        high = exact.astype(np.float32)
        return high, np.where(np.isfinite(high), exact - high, 0)


def mpmath_reference(op: str, *arguments: Any) -> tuple[Any, Any]:
    """The result rounded to float64, and the rest."""
    own = {
        "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
        "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
        "exp2": lambda x: mpmath.mpf(2) ** x,
        "log2": lambda x: mpmath.log(x, 2),
        "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    }
    function = own.get(op) or getattr(mpmath, MPMATH.get(op, op))
    with np.errstate(all="ignore"), mpmath.workprec(120):
        high = numpy_reference(op)(*arguments)
        tail = np.zeros_like(high)
        for i in np.flatnonzero(np.isfinite(high)):
            exact = function(*(mpmath.mpf(float(argument[i])) for argument in arguments))
            high[i] = float(exact)
            tail[i] = float(exact - mpmath.mpf(float(high[i]))) if np.isfinite(high[i]) else 0.0
    return high, tail


def ulps(result: Any, high: Any, tail: Any) -> Any:
    """The error of `result` against high + tail, in units of the last place; a wrong NaN or infinity counts as infinite."""
    finite = np.isfinite(high) & np.isfinite(result)
    with np.errstate(all="ignore"):
        error = abs((result.astype(np.float64) - high.astype(np.float64)) - tail) / np.spacing(abs(high)).astype(np.float64)
    same = (result == high) | (np.isnan(result) & np.isnan(high))
    return np.where(finite, error, np.where(same, 0.0, np.inf))


@pytest.mark.parametrize("order", [1, 2, 3, 8])
def test_polygamma(order: int) -> None:
    for x in (1e-3, 0.5, 1.5, 9.99, 30.0, 1e8, 1e20, -0.5, -1.25, -10.3, -1e5 - 0.25):
        np.testing.assert_allclose(numeric.polygamma(float(order), x), float(mpmath.psi(order, x)), rtol=1e-12)
    for x in (0.0, -1.0, -2.0, np.inf, -np.inf, np.nan):
        with np.errstate(all="ignore"):
            np.testing.assert_equal(numeric.polygamma(float(order), x), special.polygamma(order, x))
