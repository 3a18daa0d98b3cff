"""The distributions of ``scipy.stats`` in traced programs: values against SciPy, derivatives against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from against_scipy import compare, compare_slope
from interpreted import interpreting
from scipy import stats

import jitgrad as jg

x = np.array([0.35, -1.2, 0.8, -0.55, 2.7, np.nan])
inner = np.array([0.35, 0.8, 0.55])
p = np.array([0.21, 0.5, 0.62, 0.87, 0.34])
k = np.array([0, 1, 2, 5, -1, 3])

METHODS = ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf")
CONTINUOUS: dict[str, tuple[float, ...]] = {
    "norm": (), "t": (3.5,), "gamma": (2.5,), "beta": (2.0, 3.5), "expon": (), "laplace": (), "cauchy": (), "logistic": (),
    "uniform": (), "lognorm": (0.7,), "chi2": (3.0,), "weibull_min": (1.7,), "pareto": (2.0,), "gumbel_r": (), "invgamma": (2.0,),
    "halfnorm": (), "rayleigh": (), "f": (3.0, 4.0),
}  # fmt: skip
QUANTILES = (
    "norm",
    "expon",
    "laplace",
    "cauchy",
    "logistic",
    "uniform",
    "lognorm",
    "weibull_min",
    "pareto",
    "gumbel_r",
    "rayleigh",
)
DISCRETE: dict[str, Callable[..., Any]] = {
    "poisson": lambda p: (3 * p[0],), "bernoulli": lambda p: (p[0],), "binom": lambda p: (4, p[0]), "geom": lambda p: (p[0],),
    "nbinom": lambda p: (3, p[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distributions(name: str) -> None:
    shapes, distribution = CONTINUOUS[name], getattr(stats, name)
    compare(lambda v: tuple(getattr(distribution, m)(v, *shapes, 0.1, 1.3) for m in METHODS), x, tolerance=1e-10)
    compare(lambda v: distribution.logpdf(v, *shapes, scale=np.array([1.0, -1.0, 0.0, 2.0, 1.0, 1.0])), x)
    start = 1.0 if name == "pareto" else 0.0

    def of_all(v, loc, scale):
        places = start + 0.3 * v + loc
        return distribution.logpdf(places, *shapes, loc, scale), distribution.cdf(places, *shapes, loc, scale)

    compare_slope(
        of_all, inner, np.array([0.02, 0.01, -0.02]), np.array([1.0, 1.0, 1.0]) if start else np.array([1.1, 0.9, 1.3])
    )


def test_ends_of_the_support() -> None:
    shapes = {
        "alpha": (3.5,), "betaprime": (5.0, 6.0), "invgamma": (4.0,), "invgauss": (0.15,), "johnsonsb": (4.3, 3.2), "levy_l": (),
        "powerlaw": (0.7,), "rayleigh": (), "wald": (), "expon": (), "beta": (1.0, 2.0), "uniform": (),
    }  # fmt: skip
    ends = np.array([0.0, -0.0, 1.0, np.inf, -np.inf])
    compare(lambda v: tuple(getattr(stats, name).logpdf(v, *shapes[name]) for name in shapes), ends)


@pytest.mark.parametrize("name", QUANTILES)
def test_quantiles(name: str) -> None:
    shapes, distribution = CONTINUOUS[name], getattr(stats, name)

    def both(v):
        return distribution.ppf(v, *shapes, 0.1, 1.3), distribution.isf(v, *shapes)

    compare(both, np.array([*p, 0.0, 1.0, -0.5, 1.5, np.nan]))
    compare_slope(both, p)


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_distributions(name: str) -> None:
    shapes, distribution = DISCRETE[name], getattr(stats, name)
    compare(
        lambda p: tuple(getattr(distribution, m)(k, *shapes(p)) for m in ("pmf", "logpmf", "cdf", "sf")), p, tolerance=1e-11
    )
    compare(lambda p: distribution.pmf(np.array([0.5, 1.0, 2.0]), *shapes(p), loc=1), p, tolerance=1e-11)
    compare_slope(lambda p: distribution.pmf(k, *shapes(p)), p)


def test_shapes_of_one_distribution_and_frozen_ones() -> None:
    compare_slope(lambda v, a: stats.gamma.logpdf(v, a), inner, np.array([1.5, 2.5, 3.5]))
    compare_slope(lambda v, a, b: stats.beta.pdf(v, a, b), inner, np.array([1.5, 2.5, 3.5]), np.array([2.5, 1.5, 1.0]))
    compare_slope(lambda v, a: stats.t.logpdf(v, a), inner, np.array([1.5, 2.5, 3.5]))
    compare_slope(
        lambda m, s: stats.norm(m, s).logpdf(inner).sum() + stats.norm(loc=m, scale=s).cdf(0.3).sum(), inner, inner + 1
    )
    compare(lambda v: stats.norm.logpdf(v[:, None], v, 2.0), inner)
    compare(lambda v: stats.norm.pdf(v[0]), inner)


def test_a_normal_distribution_whose_covariance_may_be_singular() -> None:
    rng = np.random.default_rng(0)
    points, mean, whole = rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=(3, 3))
    inside, thin = rng.normal(size=(5, 2)), 1e5 * rng.normal(size=(3, 2))
    normal = stats.multivariate_normal

    def anywhere(points, mean, root):
        return normal.logpdf(points, mean, root @ root.T, allow_singular=True), normal.pdf(points[0], mean, root @ root.T, True)

    def in_the_plane(inside, mean, turn):
        root = thin @ turn
        return normal.logpdf(mean + inside @ root.T, mean, root @ root.T, True)

    compare(anywhere, points, mean, whole, tolerance=1e-10)
    compare_slope(anywhere, points, mean, whole)
    compare(anywhere, points, mean, thin, tolerance=1e-10)
    compare(in_the_plane, inside, np.zeros(3), np.eye(2), tolerance=1e-10)
    compare_slope(lambda turn: in_the_plane(inside, np.zeros(3), turn), np.array([[1.0, 0.2], [-0.3, 0.8]]))
    with interpreting(), pytest.raises(ValueError, match="must be symmetric positive semidefinite"):
        jg.jit(lambda c: normal.logpdf(mean, mean, c, allow_singular=True))(np.diag([1.0, 2.0, -1.0]))


def test_distributions_of_vectors() -> None:
    rng = np.random.default_rng(0)
    points, mean, root = rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=(3, 3))
    normal = stats.multivariate_normal

    def densities(points, mean, root):
        cov = root @ root.T + np.eye(3)
        return (
            normal.logpdf(points, mean, cov),
            normal.pdf(points[0], mean, cov),
            normal.logpdf(points, np.zeros(3), np.exp(mean)),
        )

    compare(densities, points, mean, root, tolerance=1e-10)
    compare_slope(densities, points, mean, root)
    compare(lambda v: (normal.logpdf(v), normal.logpdf(v[0]), normal.logpdf(v, 0.5, 2.0)), inner)
    compare(lambda v: (normal.logpdf(v, 0.5, 2.0, True), normal.logpdf(v, 0.5, 0.0, True)), np.array([0.5, 1.0]))
    compare(lambda a: (stats.dirichlet.logpdf(p / p.sum(), a), stats.dirichlet.pdf(p / p.sum(), a)), p)
    compare_slope(lambda v, a: stats.dirichlet.logpdf(v / np.sum(v), a), p, p[::-1] + 1)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (lambda v: stats.norm.rvs(size=3) * v[0], "random numbers drawn by rvs"),
        (lambda v: stats.gamma.ppf(v, 2.0), "ppf of scipy.stats.gamma is not compiled by jitgrad; .*gammaincinv"),
        (lambda v: stats.multivariate_normal(v, np.eye(3)).logpdf(v), "call the method with all of them"),
        (lambda v: stats.dirichlet.logpdf(v, v), "must sum to 1"),
    ],
)
def test_errors(program: Any, message: str) -> None:
    with interpreting(), pytest.raises((NotImplementedError, ValueError), match=message):
        jg.jit(program)(inner)
