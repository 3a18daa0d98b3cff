"""Every elementwise op of the table: its derivative against mpmath over the whole range of both float types, and at edges."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath
import numpy as np
import pytest
from jitgrad.compiler.diff import jvp, vjp
from jitgrad.compiler.ir import ArrayType, Function
from jitgrad.compiler.ops import OPS, Builder, interpret
from scipy import special

SIZES = [10.0**k for k in (-300, -160, -40, -30, -20, -10, -5, -3, -1, 0, 1, 2, 3, 5, 10, 20, 30, 38, 160, 300)]
MODERATE = [0.3, 0.5, 0.75, 0.999, 1.0, 1.5, 2.5, 7.0, 30.0, 88.0, 100.0, 700.0]
POSITIVE = sorted({*SIZES, *MODERATE})
ALL_REALS = sorted({-x for x in POSITIVE} | {0.0} | set(POSITIVE))
WITHIN_ONE = [x for x in ALL_REALS if abs(x) < 1]

BESSEL = [x for x in ALL_REALS if 1e-5 <= abs(x) < 1e3 or x == 0]


def _erfcx_slope(x: Any) -> Any:
    if x > 1e3:
        return -(1 - 3 / (2 * x * x)) / x**2 / mpmath.sqrt(mpmath.pi)
    return 2 * x * mpmath.exp(x * x) * mpmath.erfc(x) - 2 / mpmath.sqrt(mpmath.pi)


def _quantile_slope(p: Any) -> Any:
    x = -mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * p) if p > 1e-20 else mpmath.mpf(special.ndtri(float(p)))
    return mpmath.sqrt(2 * mpmath.pi) * mpmath.exp(x * x / 2)


def _log_normal_slope(x: Any) -> Any:
    if x < -1e3:
        return -x - 1 / x
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi) / (mpmath.erfc(-x / mpmath.sqrt(2)) / 2)


def _i1e_slope(x: Any) -> Any:
    slope = mpmath.besseli(0, x) - mpmath.besseli(1, x) / x if x else mpmath.mpf(1) / 2
    return (slope - mpmath.sign(x) * mpmath.besseli(1, x)) * mpmath.exp(-abs(x))


# the derivative in closed form for mpmath, and where the op is smooth
UNARY: dict[str, tuple[Any, list[float]]] = {
    "neg": (lambda x: -1, ALL_REALS),
    "abs": (mpmath.sign, ALL_REALS),
    "square": (lambda x: 2 * x, ALL_REALS),
    "sqrt": (lambda x: 1 / (2 * mpmath.sqrt(x)), POSITIVE),
    "cbrt": (lambda x: 1 / (3 * mpmath.cbrt(x * x)), [x for x in ALL_REALS if x]),
    "exp": (mpmath.exp, ALL_REALS),
    "exp2": (lambda x: mpmath.power(2, x) * mpmath.log(2), ALL_REALS),
    "expm1": (mpmath.exp, ALL_REALS),
    "log": (lambda x: 1 / x, POSITIVE),
    "log2": (lambda x: 1 / (x * mpmath.log(2)), POSITIVE),
    "log10": (lambda x: 1 / (x * mpmath.log(10)), POSITIVE),
    "log1p": (lambda x: 1 / (1 + x), [x for x in ALL_REALS if x > -1]),
    "logistic": (lambda x: mpmath.exp(-abs(x)) / (1 + mpmath.exp(-abs(x))) ** 2, ALL_REALS),
    "softplus": (lambda x: 1 / (1 + mpmath.exp(-x)), ALL_REALS),
    "sin": (mpmath.cos, ALL_REALS),
    "cos": (lambda x: -mpmath.sin(x), ALL_REALS),
    "tan": (lambda x: 1 / mpmath.cos(x) ** 2, [x for x in ALL_REALS if abs(x) < 1e3]),
    "arcsin": (lambda x: 1 / mpmath.sqrt(1 - x * x), WITHIN_ONE),
    "arccos": (lambda x: -1 / mpmath.sqrt(1 - x * x), WITHIN_ONE),
    "arctan": (lambda x: 1 / (1 + x * x), ALL_REALS),
    "sinh": (mpmath.cosh, ALL_REALS),
    "cosh": (mpmath.sinh, ALL_REALS),
    "tanh": (lambda x: 1 / mpmath.cosh(x) ** 2, ALL_REALS),
    "arcsinh": (lambda x: 1 / mpmath.sqrt(1 + x * x), ALL_REALS),
    "arccosh": (lambda x: 1 / mpmath.sqrt(x * x - 1), [x for x in POSITIVE if x > 1]),
    "arctanh": (lambda x: 1 / (1 - x * x), WITHIN_ONE),
    "erf": (lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x), ALL_REALS),
    "erfc": (lambda x: -2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x), ALL_REALS),
    "erfcx": (_erfcx_slope, [x for x in ALL_REALS if -20 < x < 1e100]),
    "erfinv": (lambda x: mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(mpmath.erfinv(x) ** 2), WITHIN_ONE),
    "ndtri": (_quantile_slope, [x for x in POSITIVE if 1e-30 <= x < 1]),
    "log_ndtr": (_log_normal_slope, [x for x in ALL_REALS if -1e8 < x < 30]),
    "gamma": (lambda x: mpmath.gamma(x) * mpmath.digamma(x), [x for x in POSITIVE if 1e-3 < x < 30]),
    "i0e": (lambda x: (mpmath.besseli(1, x) - mpmath.sign(x) * mpmath.besseli(0, x)) * mpmath.exp(-abs(x)), BESSEL),
    "i1e": (_i1e_slope, BESSEL),
    "lgamma": (mpmath.digamma, [x for x in POSITIVE if 1e-3 < x < 1e30]),
    "digamma": (lambda x: mpmath.psi(1, x), [x for x in POSITIVE if 1e-3 < x < 1e30]),
}

GRID = [0.0, 1e-30, 0.3, 1.0, 2.5, 30.0, 1e15, 1e30, -1e-30, -0.3, -1.0, -2.5, -30.0, -1e15, -1e30]
PAIRS = [(x, y) for x, y in itertools.product(GRID, GRID)]
APART = [(x, y) for x, y in PAIRS if x != y]
BINARY: dict[str, tuple[Any, Any, list[tuple[float, float]]]] = {
    "add": (lambda x, y: 1, lambda x, y: 1, PAIRS),
    "sub": (lambda x, y: 1, lambda x, y: -1, PAIRS),
    "mul": (lambda x, y: y, lambda x, y: x, PAIRS),
    "masked_mul": (lambda x, y: y, lambda x, y: x, PAIRS),
    "div": (lambda x, y: 1 / y, lambda x, y: -x / y**2, [(x, y) for x, y in PAIRS if y]),
    "remainder": (lambda x, y: 1, lambda x, y: -mpmath.floor(x / y), [(0.7, 0.3), (-0.7, 0.3), (5.5, -2.0), (-7.1, -3.0)]),
    "fmod": (lambda x, y: 1, lambda x, y: -int(x / y), [(0.7, 0.3), (-0.7, 0.3), (5.5, -2.0), (-7.1, -3.0)]),
    "pow": (
        lambda x, y: y * mpmath.power(x, y - 1),
        lambda x, y: mpmath.power(x, y) * mpmath.log(x),
        [(x, y) for x, y in PAIRS if x > 0 and abs(y) < 40],
    ),
    "logaddexp": (
        lambda x, y: 1 / (1 + mpmath.exp(y - x)), lambda x, y: 1 / (1 + mpmath.exp(x - y)), PAIRS,
    ),
    "logaddexp2": (
        lambda x, y: 1 / (1 + mpmath.power(2, y - x)), lambda x, y: 1 / (1 + mpmath.power(2, x - y)), PAIRS,
    ),
    "arctan2": (
        lambda x, y: y / (x**2 + y**2), lambda x, y: -x / (x**2 + y**2), [(x, y) for x, y in PAIRS if x or y],
    ),
    "hypot": (
        lambda x, y: x / mpmath.sqrt(x**2 + y**2), lambda x, y: y / mpmath.sqrt(x**2 + y**2),
        [(x, y) for x, y in PAIRS if x or y],
    ),
    "copysign": (
        lambda x, y: mpmath.sign(x) * mpmath.sign(y), lambda x, y: 0, [(x, y) for x, y in PAIRS if x and y],
    ),
    "maximum": (lambda x, y: int(x > y), lambda x, y: int(y > x), APART),
    "minimum": (lambda x, y: int(x < y), lambda x, y: int(y < x), APART),
    "fmax": (lambda x, y: int(x > y), lambda x, y: int(y > x), APART),
    "fmin": (lambda x, y: int(x < y), lambda x, y: int(y < x), APART),
}  # fmt: skip
TESTED_ELSEWHERE = {"select", "polygamma", "gammainc", "gammaincc", "betainc"}


def elementwise(op: str, arity: int, dtype: Any, count: int) -> Function:
    b = Builder()
    operands = [b.parameter(name, ArrayType(np.dtype(dtype), (count,))) for name in "xyz"[:arity]]
    return b.finish(op, [b.emit(op, *operands)])


def partials(op: str, points: list[tuple[float, ...]], dtype: Any) -> list[np.ndarray]:
    """All partial derivatives at points, in reverse mode; forward mode must give the same numbers."""
    arity = len(points[0])
    columns = [np.array(column, dtype) for column in zip(*points, strict=True)]
    function = elementwise(op, arity, dtype, len(points))
    ones = np.ones(len(points), dtype)
    _, *found = interpret(vjp(function, range(arity)), [*columns, ones])
    for k, gradient in enumerate(found):
        _, tangent = interpret(jvp(function, [k]), [*columns, ones])
        np.testing.assert_allclose(tangent, gradient, rtol=4 * float(np.finfo(dtype).eps), atol=float(np.finfo(dtype).tiny))
        assert gradient.dtype == dtype
    return found


def representable(points: list[tuple[float, ...]], dtype: Any) -> list[tuple[float, ...]]:
    """The points as numbers of a dtype, those left out that overflow or vanish in it."""
    smallest, largest = float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)
    kept = [p for p in points if all(x == 0 or smallest < abs(x) < largest for x in p)]
    return [tuple(float(np.dtype(dtype).type(x)) for x in p) for p in kept]


def compare(found: np.ndarray, points: list[tuple[float, ...]], exact: Any, dtype: Any) -> None:
    """Near the true derivative, relative or (where that is below 1) absolute; infinite only where it overflows."""
    info = np.finfo(dtype)
    with mpmath.workdps(40):
        for value, point in zip(found, points, strict=True):
            true = exact(*(mpmath.mpf(x) for x in point))
            place = f"at {point}: {value}, exactly {mpmath.nstr(true, 10)}"
            assert not np.isnan(value), place
            if not abs(true) < float(info.max) / 4:
                assert abs(value) > info.max / 8 and (value > 0) == (true > 0), place
            else:
                assert abs(mpmath.mpf(float(value)) - true) <= 64 * float(info.eps) * max(abs(true), 1), place


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("op", sorted(UNARY))
def test_derivative_of_one_operand(op: str, dtype: str) -> None:
    exact, xs = UNARY[op]
    points = representable([(x,) for x in xs], dtype)
    (found,) = partials(op, points, dtype)
    compare(found, points, exact, dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("op", sorted(BINARY))
def test_derivatives_of_two_operands(op: str, dtype: str) -> None:
    *exact, pairs = BINARY[op]
    points = representable(list(pairs), dtype)
    for k, found in enumerate(partials(op, points, dtype)):
        compare(found, points, exact[k], dtype)


def test_every_op_is_tested() -> None:
    wanted = {op.name for op in OPS.values() if op.elementwise and not op.no_derivative}
    assert wanted - TESTED_ELSEWHERE == set(UNARY) | set(BINARY)


SMOOTH = [0.3, 0.8, -0.4]


@pytest.mark.parametrize("op", sorted({*UNARY, *BINARY} - {"arccosh"}))
def test_second_derivative(op: str, check_derivatives: Any) -> None:
    arity = 2 if op in BINARY else 1
    positive = op in ("sqrt", "cbrt", "log", "log2", "log10", "pow")
    x = np.abs(SMOOTH) if positive else np.array(SMOOTH)
    check_derivatives(elementwise(op, arity, "f8", 3), [x, np.array([0.7, 1.9, 0.5])][:arity], range(arity))


def test_second_derivative_of_arccosh(check_derivatives: Any) -> None:
    check_derivatives(elementwise("arccosh", 1, "f8", 2), [np.array([1.5, 3.0])], [0])


NAN, INF = np.nan, np.inf
EDGES: list[tuple[str, tuple[float, ...], tuple[float, ...]]] = [
    ("abs", (0.0,), (0.0,)),
    ("sqrt", (0.0,), (INF,)),
    ("cbrt", (0.0,), (INF,)),
    ("log", (0.0,), (INF,)),
    ("log1p", (-1.0,), (INF,)),
    ("arcsin", (1.0,), (INF,)),
    ("arccos", (1.0,), (-INF,)),
    ("arctanh", (1.0,), (INF,)),
    ("arccosh", (1.0,), (INF,)),
    ("tanh", (INF,), (0.0,)),
    ("logistic", (-INF,), (0.0,)),
    ("softplus", (INF,), (1.0,)),
    ("exp", (-INF,), (0.0,)),
    ("erf", (INF,), (0.0,)),
    ("arctan", (INF,), (0.0,)),
    ("arcsinh", (INF,), (0.0,)),
    ("hypot", (0.0, 0.0), (0.0, 0.0)),
    ("logaddexp", (-INF, -INF), (0.5, 0.5)),
    ("logaddexp", (-INF, 1.0), (0.0, 1.0)),
    ("logaddexp2", (INF, 1.0), (1.0, 0.0)),
    ("maximum", (2.0, 2.0), (0.5, 0.5)),
    ("minimum", (2.0, 2.0), (0.5, 0.5)),
    ("fmax", (2.0, 2.0), (0.5, 0.5)),
    ("fmin", (2.0, 2.0), (0.5, 0.5)),
    ("maximum", (NAN, 2.0), (NAN, NAN)),
    ("minimum", (2.0, NAN), (NAN, NAN)),
    ("fmax", (NAN, 2.0), (0.0, 1.0)),
    ("fmin", (2.0, NAN), (1.0, 0.0)),
    ("pow", (0.0, 0.0), (0.0, NAN)),
    ("pow", (0.0, 1.0), (1.0, 0.0)),
    ("pow", (0.0, 2.0), (0.0, 0.0)),
    ("pow", (0.0, 0.5), (INF, 0.0)),
    ("pow", (-2.0, 3.0), (12.0, NAN)),
    ("pow", (-2.0, 0.0), (0.0, NAN)),
    ("pow", (2.0, 0.0), (0.0, np.log(2.0))),
]


@pytest.mark.parametrize(("op", "point", "expected"), EDGES)
def test_edge(op: str, point: tuple[float, ...], expected: tuple[float, ...]) -> None:
    found = [float(p[0]) for p in partials(op, [point], "f8")]
    if op == "pow" and point == (0.0, 0.0):
        assert found[0] == 0 and not np.isfinite(found[1])
        return
    np.testing.assert_allclose(found, expected)


SECOND = [  # where a formula for one side ends, by calculus: d2f/dx2 and d2f/dxdy
    ("logaddexp", (0.6, 0.6), (0.25, -0.25)),
    ("logaddexp2", (0.6, 0.6), (np.log(2) / 4, -np.log(2) / 4)),
    ("pow", (2.0, 0.0), (0.0, 0.5)),
    ("pow", (-2.0, 0.0), (0.0, -0.5)),
    ("pow", (2.0, 1.0), (0.0, 1 + np.log(2))),
]


@pytest.mark.parametrize(("op", "point", "expected"), SECOND)
def test_second_derivative_where_a_formula_ends(op: str, point: tuple[float, float], expected: tuple[float, float]) -> None:
    b = Builder()
    x, y = (b.parameter(name, ArrayType(np.dtype("f8"))) for name in "xy")
    first = vjp(b.finish("function", [b.emit(op, x, y)]), [0])
    values = [*map(np.array, point), np.array(1.0)]
    *_, along_x, along_y = interpret(vjp(first, [0, 1], cotangents=[1]), [*values, np.array(1.0)])
    np.testing.assert_allclose([along_x, along_y], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_powers_of_zero_have_all_derivatives(exponent: float) -> None:
    """x**c at x = 0 for a constant c, as NumPy users write it: first and second derivative."""
    b = Builder()
    x = b.parameter("x", ArrayType(np.dtype("f8")))
    function = b.finish("power", [b.emit("pow", x, b.constant(exponent, x.type))])
    first = vjp(function, [0])
    _, gradient = interpret(first, [np.array(0.0), np.array(1.0)])
    _, _, second = interpret(vjp(first, [0], cotangents=[1]), [np.array(0.0), np.array(1.0), np.array(1.0)])
    assert gradient == {0.0: 0, 1.0: 1, 2.0: 0, 3.0: 0}[exponent]
    assert second == {0.0: 0, 1.0: 0, 2.0: 2, 3.0: 0}[exponent]
