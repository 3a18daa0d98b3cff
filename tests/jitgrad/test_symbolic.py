"""Elementwise functions from SymPy expressions: values against NumPy, derivatives of all orders and modes against differences."""

import mpmath
import numpy as np
import pytest
import sympy
from jitgrad.compiler.ir.parse import parse

import jitgrad as jg
from tests.interpreted import interpreting

x, y = sympy.symbols("x y")
POINTS = np.array([-2.5, -1.0, -0.3, 0.4, 1.0, 3.0])


@pytest.fixture(autouse=True)
def interpreted(request):
    if request.node.get_closest_marker("slow"):
        yield
    else:
        with interpreting():
            yield


CASES = {
    "polynomial": (x**3 - 2 * x + 1, lambda x: x**3 - 2 * x + 1),
    "text": ("x * tanh(log(1 + exp(x)))", lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
    "gaussian": (sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi), lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)),
    "secant": (sympy.sec(x) + sympy.cot(x), lambda x: 1 / np.cos(x) + 1 / np.tan(x)),
    "expm1": ("expm1(x) + log1p(x**2)", lambda x: np.expm1(x) + np.log1p(x**2)),
    "branches": (
        sympy.Piecewise((x**2, (x > 0) & (x < 2)), (sympy.sin(x), sympy.Or(x >= 2, sympy.Not(x > -1))), (3 * x, True)),
        lambda x: np.where((x > 0) & (x < 2), x**2, np.where((x >= 2) | ~(x > -1), np.sin(x), 3 * x)),
    ),
    "larger": (sympy.Max(x, 0, x**2 - 1), lambda x: np.maximum(np.maximum(x, 0), x**2 - 1)),
    "absolute": (sympy.Abs(x) ** 3, lambda x: np.abs(x) ** 3),
    "inverse": (sympy.atan(x) + sympy.asinh(x) + sympy.erf(x), None),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    expression, reference = CASES[name]
    function = jg.elementwise(expression)
    if reference is None:
        expected = [float(mpmath.atan(p) + mpmath.asinh(p) + mpmath.erf(p)) for p in POINTS]
    else:
        expected = reference(POINTS)
    np.testing.assert_allclose(function(POINTS), expected, rtol=1e-14)
    points = POINTS + 0.013  # away from kinks
    jg.check_grads(function, (points,), order=2)


def test_two_arguments_broadcast_and_differentiate():
    function = jg.elementwise(x * sympy.exp(-x * y), [x, y])
    a, b = np.linspace(0.5, 2, 3), np.linspace(-1, 1, 4)[:, None]
    np.testing.assert_allclose(function(a, b), a * np.exp(-a * b), rtol=1e-14)
    jg.check_grads(function, (a, b), order=2)


def test_order_of_arguments():
    minus = jg.elementwise(x - y, "y x")
    assert minus(1.0, 5.0) == 4.0
    assert jg.elementwise(x - y)(1.0, 5.0) == -4.0


def test_dtypes_follow_numpy():
    sine = jg.elementwise(sympy.sin(x))
    assert sine(np.ones(2, np.float32)).dtype == np.float32
    assert sine(np.ones(2, np.int64)).dtype == np.float64
    assert sine(2).dtype == np.float64
    assert jg.elementwise(x * y)(np.ones(2, np.float32), 2.0).dtype == np.float32


def test_an_argument_that_the_expression_ignores():
    function = jg.elementwise(x**2, [x, y])
    gx, gy = jg.grad(lambda a, b: np.sum(function(a, b)), argnums=(0, 1))(np.full(2, 3.0), np.ones(2))
    np.testing.assert_array_equal(gx, [6, 6])
    np.testing.assert_array_equal(gy, [0, 0])


def test_ties_share_and_nan_stays():
    relu = jg.elementwise(sympy.Max(x, 0))
    slope = jg.grad(lambda v: np.sum(relu(v)))(np.array([-1.0, 0.0, 2.0, np.nan]))
    np.testing.assert_array_equal(slope, [0, 0.5, 1, np.nan])


def test_no_piece_holds():
    function = jg.elementwise(sympy.Piecewise((x, x > 0)))
    np.testing.assert_array_equal(function(np.array([1.0, -1.0])), [1, np.nan])


def test_stated_derivatives_are_the_ones_used():
    plain = jg.elementwise("1 / (1 + exp(-x))")
    stated = jg.elementwise("1 / (1 + exp(-x))", derivatives=["1 / (2 + exp(x) + exp(-x))"])
    assert np.isnan(jg.grad(plain)(-800.0))
    assert jg.grad(stated)(-800.0) == 0
    jg.check_grads(stated, (POINTS,), order=2)


def test_names_that_python_keeps_for_itself():
    rate = sympy.Symbol("lambda")
    decay = jg.elementwise(sympy.exp(-rate * x), [rate, x])
    np.testing.assert_allclose(decay(2.0, 3.0), np.exp(-6))


def test_inside_loops_and_branches():
    cube = jg.elementwise(x**3)

    def function(v, n):
        total = 0.0
        for k in range(n):
            if v[k] > 0:
                total += cube(v[k])
        return total

    np.testing.assert_allclose(jg.grad(function)(POINTS, 6), np.where(POINTS > 0, 3 * POINTS**2, 0))


def test_text_of_the_program_parses():
    function = jg.elementwise(x * sympy.sin(x))
    text = jg.ir(function, jg.spec("f64[n]"))
    assert "formula" in text
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((x * y, "x"), {}, "holds y, and its arguments are x"),
        ((3,), {}, "is a constant"),
        ((sympy.zeta(x),), {}, "no function zeta"),
        ((sympy.gamma(x) * sympy.I,), {}, "elementwise"),
        ((x * y,), {"derivatives": ["y"]}, "1 derivatives given for 2 arguments"),
    ],
)
def test_refusals(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        jg.elementwise(*arguments, **keywords)


def test_wrong_number_of_arguments():
    with pytest.raises(TypeError, match=r"takes 2 arguments \(x, y\), found 1"):
        jg.elementwise(x * y)(1.0)


@pytest.mark.slow
def test_compiled_equals_numpy():
    function = jg.value_and_grad(lambda v: np.sum(jg.elementwise(CASES["text"][0])(v)))
    value, slope = function(POINTS)
    np.testing.assert_allclose(value, np.sum(CASES["text"][1](POINTS)), rtol=1e-14)
    step = 1e-6
    expected = (CASES["text"][1](POINTS + step) - CASES["text"][1](POINTS - step)) / (2 * step)
    np.testing.assert_allclose(slope, expected, rtol=1e-8)
