"""``scipy.special`` in traced programs: values against SciPy, derivatives against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from against_scipy import compare, compare_slope, compiled
from interpreted import interpreting
from scipy import special as sp

import jitgrad as jg

x = np.array([0.3, -1.2, 0.8, -0.55, 1.7])
p = np.array([0.21, 0.5, 0.62, 0.87, 0.34])
q = np.array([0.71, 0.25, 0.9, 0.33, 0.52])
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, np.inf, -np.inf, np.nan, 0.3, 0.65, 40.0])

OF_REALS: dict[str, Callable[..., Any]] = {
    name: getattr(sp, name)
    for name in (
        "erf", "erfc", "erfcx", "ndtr", "log_ndtr", "expit", "log_expit", "softplus", "expm1", "exp2", "exp10", "cbrt",
        "sinc", "i0", "i1", "i0e", "i1e", "gamma", "gammaln", "rgamma", "gammasgn", "digamma", "psi", "cosm1", "round")
    if hasattr(sp, name)
}  # fmt: skip
OF_PROBABILITIES = {name: getattr(sp, name) for name in ("erfinv", "erfcinv", "ndtri", "logit", "entr", "loggamma", "log1p")}
OF_TWO = {name: getattr(sp, name) for name in (
    "beta", "betaln", "poch", "binom", "xlogy", "xlog1py", "rel_entr", "kl_div", "huber", "pseudo_huber", "boxcox", "boxcox1p",
    "inv_boxcox", "inv_boxcox1p", "powm1", "comb")}  # fmt: skip
OTHERS: dict[str, Callable[..., Any]] = {
    "boxcox at 0": lambda p: sp.boxcox(p, 0.0),
    "inv_boxcox at 0": lambda p: sp.inv_boxcox(p, 0.0),
    "polygamma": lambda p: sp.polygamma(2, p) + sp.polygamma(0, p),
    "multigammaln": lambda p: sp.multigammaln(p + 3, 3),
    "factorial": lambda p: sp.factorial(p),
    "gammainc": lambda p: sp.gammainc(2.5, 3 * p) + sp.gammainc(1.0, p),
    "gammaincc": lambda p: sp.gammaincc(2.5, 3 * p) + sp.gammaincc(1.0, p),
    "betainc": lambda p: sp.betainc(2.5, 1.5, p) + sp.betainc(1.0, 1.0, p),
    "chdtr": lambda p: sp.chdtr(3.0, p) * sp.chdtrc(2.0, p),
    "pdtr": lambda p: sp.pdtr(2.0, p) * sp.pdtrc(1.0, p),
    "gdtr": lambda p: sp.gdtr(2.0, 3.0, p) * sp.gdtrc(1.5, 1.0, p),
    "fdtr": lambda p: sp.fdtr(2.0, 3.0, p),
    "stdtr": lambda p: sp.stdtr(2.5, 3 * p) * sp.stdtr(4.0, -p),
    "logsumexp": lambda p: sp.logsumexp(p.reshape(5, 1) * p, axis=1),
    "logsumexp of nothing": lambda p: p[0] * (sp.logsumexp(p[:0]) == -np.inf),
    "logsumexp with weights": lambda p: sp.logsumexp(p, b=np.array([1.0, 0.0, 2.0, 0.5, 3.0])),
    "logsumexp with signs": lambda p: sp.logsumexp(p, b=np.array([1.0, -2.0, 0.0, 0.5, -3.0]), return_sign=True),
}


@pytest.mark.parametrize("name", OF_REALS)
def test_functions_of_a_real_number(name: str) -> None:
    function = OF_REALS[name]
    for values in (x, EDGES, x.astype(np.float32), np.array([1, 2, 3]), np.array([], float)):
        compare(lambda v: function(v), values, tolerance=2e-6 if values.dtype == np.float32 else 1e-12)
    compare_slope(lambda v: function(v), x)


@pytest.mark.parametrize("name", OF_PROBABILITIES)
def test_functions_of_a_probability(name: str) -> None:
    function = OF_PROBABILITIES[name]
    for values in (p, EDGES, p.astype(np.float32)):
        compare(lambda v: function(v), values, tolerance=2e-5 if values.dtype == np.float32 else 1e-12)
    compare_slope(lambda v: function(v), p)


@pytest.mark.parametrize("name", OF_TWO)
def test_functions_of_two_numbers(name: str) -> None:
    function = OF_TWO[name]
    shift = 3.0 if name in ("binom", "comb") else 0.0
    compare(lambda u, v: function(u + shift, v), p, q)
    compare(lambda u, v: function(u + shift, v), p.astype(np.float32), q.astype(np.float32), tolerance=2e-5)
    compare_slope(lambda u, v: function(u + shift, v), p, q)


@pytest.mark.parametrize("name", ["xlogy", "xlog1py", "rel_entr", "kl_div", "huber", "pseudo_huber"])
def test_edges_of_functions_of_two_numbers(name: str) -> None:
    function = OF_TWO[name]
    grid = np.array([0.0, 1.0, -1.0, 0.5, -2.5, np.inf, np.nan])
    first, second = (g.ravel() for g in np.meshgrid(grid, grid))
    if "huber" in name or "entr" in name or name == "kl_div":
        kept = np.isfinite(first) & np.isfinite(second)
        first, second = first[kept], second[kept]
    compare(lambda u, v: function(u, v), first, second)


@pytest.mark.parametrize("name", OTHERS)
def test_other_functions(name: str) -> None:
    compare(OTHERS[name], p)
    if "signs" not in name:
        compare_slope(OTHERS[name], p)


def test_the_slope_of_students_distribution_at_its_centre() -> None:
    with interpreting():
        slope = jg.grad(lambda t: sp.stdtr(3.0, t))(0.0)
    np.testing.assert_allclose(slope, 2 / (np.pi * np.sqrt(3)))


def test_derivatives_that_are_not_known_are_errors() -> None:
    with (
        interpreting(),
        pytest.raises(NotImplementedError, match=r"the derivative of gammainc\(x, y\) is known in its last operand alone"),
    ):
        jg.grad(lambda a: sp.gammainc(a, 1.0))(2.0)


def test_functions_of_large_numbers_of_which_nothing_cancels() -> None:
    a, b = np.array([1e7, 1e12, 2.5, -2.5, 1e300]), np.array([2.5, 3.0, 2e9, 1.2, 30.0])
    compare(lambda a, b: (sp.betaln(a, b), sp.beta(a, b), sp.rel_entr(abs(a), b), sp.rel_entr(1 / b, abs(a) * 1e250)), a, b)
    compare(lambda a, b: (sp.poch(a, b), sp.binom(a, b)), a[[0, 1, 3]], b[[0, 1, 3]])
    with interpreting():
        slopes = jg.grad(lambda a, b: sp.betaln(a, b), (0, 1))(1e9, 2.5)
    np.testing.assert_allclose(slopes, (-2.5e-9, sp.digamma(2.5) - sp.digamma(1e9 + 2.5)), rtol=1e-8)


@pytest.mark.parametrize("function", [lambda x: sp.comb(x, 2, exact=True), lambda x: sp.factorial(x, exact=True)])
def test_exact_integers_are_refused(function: Callable[..., Any]) -> None:
    with interpreting(), pytest.raises(NotImplementedError, match=r"math\.(comb|factorial)"):
        jg.jit(function)(5)


def test_lambertw() -> None:
    x = np.array([-0.36, -0.1, 0.0, -0.0, 1e-9, 0.3, 2.5, 1e5, 1e300, np.inf, np.nan])
    np.testing.assert_allclose(compiled(lambda x: sp.lambertw(x).real, x), sp.lambertw(x).real, rtol=1e-12)
    lower = np.array([-0.3678, -0.36, -0.25, -0.1, -1e-9, -1e-300, 0.0])
    np.testing.assert_allclose(compiled(lambda x: sp.lambertw(x, -1), lower), sp.lambertw(lower, -1).real, rtol=1e-12)
    assert np.isnan(compiled(lambda x: (sp.lambertw(x, 0), sp.lambertw(-x, -1)), np.array([-0.4, -7.0]))).all()
    with interpreting():
        for k, places in ((0, x[[0, 1, 2, 5, 6]]), (-1, lower[1:4])):
            w = sp.lambertw(places, k).real
            slope = jg.grad(lambda x, k=k: np.sum(sp.lambertw(x, k)))
            np.testing.assert_allclose(slope(places), np.exp(-w) / (1 + w), rtol=1e-12)
            curvature = jg.grad(lambda x, slope=slope: np.sum(slope(x)))(places)
            np.testing.assert_allclose(curvature, -np.exp(-2 * w) * (w + 2) / (1 + w) ** 3, rtol=1e-10)
        with pytest.raises(NotImplementedError, match="branch"):
            jg.jit(lambda x: sp.lambertw(x, 1))(x)


@pytest.mark.parametrize("x", [3.5, np.float32(3.5), np.array(3.5), np.int32(3), np.array([3], np.int32)], ids=repr)
def test_kinds_of_results(x: Any) -> None:
    def program(x: Any) -> Any:
        return sp.factorial(x), sp.comb(x, 2), sp.gammasgn(x), sp.entr(x), sp.xlogy(x, x)

    with interpreting():
        for found, expected in zip(jg.jit(program)(x), program(x), strict=True):
            assert type(found) is type(expected)
            np.testing.assert_allclose(found, expected, rtol=1e-6, strict=isinstance(expected, np.ndarray))
