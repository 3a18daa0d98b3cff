"""The distributions of ``scipy.stats``: densities, distribution functions and quantiles of traced numbers and parameters.

SciPy states what is particular to a distribution in methods of its class, for the standard form: ``_logpdf``, ``_cdf``, ``_argcheck``,
``_get_support`` and so on, which is also how its users define distributions. These methods are followed as the user's functions are; location, scale, the
support and invalid parameters are dealt with here, as SciPy does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import F64
from .linalg import FUNCTIONS as LINALG
from .linalg import triangular_solve
from .promotion import as_array, convert
from .special import times_log
from .tracer import Tracer, new

_cholesky = LINALG[np.linalg.cholesky]
_eigh = LINALG[np.linalg.eigh]
_BASE = "scipy.stats._distn_infrastructure"


def _has(dist: Any, name: str) -> bool:
    """Whether the class of a distribution states a method itself."""
    return getattr(type(dist), name).__module__ != _BASE


def _follow(dist: Any, name: str, *arguments: Any) -> Any:
    from .calls import follow

    try:
        return follow(getattr(type(dist), name))(dist, *arguments)
    except (UnsupportedError, TypeError) as error:
        raise UnsupportedError(
            f"{name[1:]} of scipy.stats.{dist.name} is not compiled by jitgrad; write it with functions that are: "
            f"{getattr(error, 'reason', error)}"
        ) from None


def _density(dist: Any, name: str, x: Any, shapes: Any) -> Any:
    """A density or its logarithm: as it is stated, or from the other."""
    logarithm = name.startswith("_log")
    other = f"_{name[4:]}" if logarithm else f"_log{name[1:]}"
    if _has(dist, name) and not (_has(dist, other) and _has_no_formula(dist, name)):
        return _follow(dist, name, x, *shapes)
    found = _follow(dist, other, x, *shapes)
    return np.log(found) if logarithm else np.exp(found)


def _has_no_formula(dist: Any, name: str) -> bool:
    """Whether a method calls a routine that SciPy keeps to itself."""
    return "scu" in getattr(type(dist), name).__code__.co_names


def _cumulative(dist: Any, name: str, x: Any, shapes: Any) -> Any:
    """A distribution function, its complement, their logarithms and inverses: as they are stated, or from each other."""
    if _has(dist, name):
        return _follow(dist, name, x, *shapes)
    match name:
        case "_sf":
            return 1.0 - _cumulative(dist, "_cdf", x, shapes)
        case "_isf":
            return _cumulative(dist, "_ppf", 1.0 - x, shapes)
        case "_logcdf" | "_logsf":
            return np.log(_cumulative(dist, f"_{name[4:]}", x, shapes))
    raise UnsupportedError(f"scipy.stats.{dist.name}.{name[1:]}, which SciPy finds by numbers alone")


def _parameters(dist: Any, args: Any, kwds: Any) -> tuple[Any, list[Tracer], Tracer, Tracer, Tracer]:
    """A distribution, frozen or not: itself, its shapes, location and scale, and where these are valid."""
    if hasattr(dist, "dist"):
        dist, args, kwds = dist.dist, dist.args, dist.kwds
    shapes, loc, scale = dist._parse_args(*args, **kwds)
    shapes = [as_array(s) for s in shapes]
    loc, scale = (convert(as_array(v), F64) for v in (loc, scale))
    if _has(dist, "_argcheck"):
        valid = _follow(dist, "_argcheck", *shapes)
    else:
        valid = as_array(True)
        for shape in shapes:
            valid = valid & (shape > 0)
    return dist, shapes, loc, scale, valid & (scale > 0)


def _support(dist: Any, shapes: Any) -> tuple[Any, Any]:
    return _follow(dist, "_get_support", *shapes) if _has(dist, "_get_support") else (dist.a, dist.b)


def _inside(dist: Any, x: Tracer, shapes: Any) -> Tracer:
    """Where there is a density: the ends of the support belong to it, unless the distribution says otherwise."""
    if _has(dist, "_support_mask"):
        return _follow(dist, "_support_mask", x, *shapes)  # type: ignore[no-any-return]
    low, high = _support(dist, shapes)
    if type(dist)._support_mask.__name__ == "_open_support_mask":
        return (low < x) & (x < high)
    return (low <= x) & (x <= high) & ((np.floor(x) == x) | (not _is_discrete(dist)))


def _result(valid: Any, x: Any, inside: Any, value: Any, outside: Any) -> Tracer:
    """The value inside of the support; NaN where a parameter is not valid or the number is NaN."""
    found: Any = np.where(valid & ~np.isnan(x), np.where(inside, value, outside), np.nan)
    return found if found.ndim else new(found.value)


def _is_discrete(dist: Any) -> bool:
    return not hasattr(dist, "_pdf")


def density(name: str, outside: float) -> Callable[..., Tracer]:
    """``pdf`` and ``logpdf`` of continuous distributions, ``pmf`` and ``logpmf`` of discrete ones."""

    def apply(dist: Any, x: Any, *args: Any, **kwds: Any) -> Tracer:
        if (special := _OF_VECTORS.get(type(dist).__name__)) is not None:
            logarithm = special(x, *args, **kwds)
            return logarithm if name.startswith("log") else np.exp(logarithm)
        dist, shapes, loc, scale, valid = _parameters(dist, args, kwds)
        y = (convert(as_array(x), F64) - loc) / scale
        inside = _inside(dist, y, shapes)
        value = _density(dist, f"_{name}", y, shapes)
        if not _is_discrete(dist):
            value = value - np.log(scale) if name.startswith("log") else value / scale
        return _result(valid, y, inside, value, outside)

    return apply


def cumulative(name: str, before: float, after: float) -> Callable[..., Tracer]:
    """``cdf``, ``sf`` and their logarithms, with their values before and after the support."""

    def apply(dist: Any, x: Any, *args: Any, **kwds: Any) -> Tracer:
        dist, shapes, loc, scale, valid = _parameters(dist, args, kwds)
        y = (convert(as_array(x), F64) - loc) / scale
        low, high = _support(dist, shapes)
        starts = low <= y if _is_discrete(dist) else low < y
        value = _cumulative(dist, f"_{name}", y, shapes)
        return _result(valid, y, starts & (y < high), value, np.where(y >= high, after, before))

    return apply


def quantile(name: str, backwards: bool) -> Callable[..., Tracer]:
    """``ppf`` and ``isf`` of continuous distributions."""

    def apply(dist: Any, q: Any, *args: Any, **kwds: Any) -> Tracer:
        dist, shapes, loc, scale, valid = _parameters(dist, args, kwds)
        if _is_discrete(dist):
            raise UnsupportedError(
                f"scipy.stats.{dist.name}.{name}: the quantiles of a discrete distribution; search in its cdf"
            )
        p = convert(as_array(q), F64)
        low, high = _support(dist, shapes)
        first, last = (high, low) if backwards else (low, high)
        value = _cumulative(dist, f"_{name}", p, shapes) * scale + loc
        ends = np.where(p == 0, first * scale + loc, np.where(p == 1, last * scale + loc, np.nan))
        return _result(valid, p, (p > 0) & (p < 1), value, ends)

    return apply


# distributions of vectors


def _normal(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False, **_: Any) -> Tracer:
    """The logarithm of the density of ``multivariate_normal``, by the Cholesky factor of the covariance.

    Directions in which a singular one does not vary get the largest variance of any, which is taken out again at the end.
    """
    points, matrix = (convert(as_array(v), F64) for v in (x, cov))
    center = None if mean is None else np.atleast_1d(convert(as_array(mean), F64))
    if center is not None:
        size = center.shape[0]
    else:
        size = matrix.shape[-1] if matrix.ndim == 2 else 1
    if matrix.ndim < 2:
        matrix = matrix * np.eye(size)
    points = points.reshape((-1, 1)) if size == 1 and points.ndim < 2 else points
    apart = points if center is None else points - center
    if allow_singular:
        values, null, limit = _null_space(matrix)
        largest = np.where(values[-1] > 0, values[-1], 1.0)
        matrix = matrix + (null * (largest - values)) @ null.T
    factor = _cholesky(matrix)
    scaled = triangular_solve(factor, apart.reshape((-1, size)).T, lower=True)
    distance = np.sum(scaled * scaled, axis=0).reshape(apart.shape[:-1])
    volume = 2.0 * np.sum(np.log(np.diagonal(factor)))
    found = -0.5 * (size * math.log(2 * math.pi) + volume + distance)
    if allow_singular:
        beside = np.sum((apart @ null) ** 2, axis=-1)
        found = found + 0.5 * (np.sum(values <= limit) * np.log(2 * math.pi * largest) + beside / largest)
        found = np.where(np.sqrt(beside) < 1e3 * limit, found, -np.inf)
    return new(found.reshape(()).value) if as_array(x).ndim < 2 and (size != 1 or as_array(x).ndim == 0) else found


def _null_space(matrix: Tracer) -> tuple[Tracer, Tracer, Tracer]:
    """The eigenvalues of a covariance, the eigenvectors of those that are zero, in place among zeros, and what counts as zero.

    They are taken as constant: a derivative is that along covariances of the same rank.
    """
    from .context import active_trace

    values, vectors = _eigh(new(active_trace().emit("stop_gradient", matrix.value)))
    limit = 1e6 * np.finfo(np.float64).eps * np.max(np.abs(values))
    message = "The input matrix must be symmetric positive semidefinite."
    active_trace().emit("check", np.all(values >= -limit).value, kind="ValueError", message=message)  # type: ignore[attr-defined]
    return values, np.where(values <= limit, vectors, 0.0), limit  # type: ignore[return-value]


def _dirichlet(x: Any, alpha: Any) -> Tracer:
    """The logarithm of the density of ``dirichlet``."""
    from .context import active_trace
    from .elementwise import elementwise

    points, shapes = (convert(as_array(v), F64) for v in (x, alpha))
    whole: Any = np.all(np.abs(np.sum(points, axis=0) - 1.0) < 1e-9) & np.all(points >= 0)
    message = "scipy.stats.dirichlet: the numbers along the first axis of x must sum to 1"
    active_trace().emit("check", whole.value, kind="ValueError", message=message)
    norm = np.sum(elementwise("lgamma", shapes)) - elementwise("lgamma", np.sum(shapes))
    powers = shapes.reshape((-1,) + (1,) * (points.ndim - 1)) - 1.0
    powers, points = np.broadcast_arrays(powers, points)
    return np.sum(times_log(powers, points, np.log, (points > 0) & (points < np.inf)), axis=0) - norm


_OF_VECTORS: dict[str, Callable[..., Tracer]] = {"multivariate_normal_gen": _normal, "dirichlet_gen": _dirichlet}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "pdf": density("pdf", 0.0), "logpdf": density("logpdf", -np.inf), "pmf": density("pmf", 0.0),
    "logpmf": density("logpmf", -np.inf), "cdf": cumulative("cdf", 0.0, 1.0), "sf": cumulative("sf", 1.0, 0.0),
    "logcdf": cumulative("logcdf", -np.inf, 0.0), "logsf": cumulative("logsf", 0.0, -np.inf),
    "ppf": quantile("ppf", False), "isf": quantile("isf", True),
}  # fmt: skip
"""The methods of distributions, by name; the distribution, or a frozen one, comes first."""


def apply_where(cond: Any, args: Any, f1: Callable[..., Any], f2: Callable[..., Any] | None = None, /, *,
                fill_value: Any = None, kwargs: Any = None, xp: Any = None) -> Any:  # fmt: skip
    """SciPy's own helper: one function where a condition holds, and another, or a number, where it does not."""
    from .calls import call

    arguments = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    options = kwargs or {}
    otherwise = fill_value if f2 is None else call(f2)(*arguments, **options)
    return np.where(cond, call(f1)(*arguments, **options), otherwise)


def lazywhere(cond: Any, arrays: Any, f: Callable[..., Any], fillvalue: Any = None, f2: Any = None) -> Any:
    """The same under the name that older versions of SciPy give it."""
    return apply_where(cond, arrays, f, f2, fill_value=fillvalue)
