"""``scipy.special``: which of its functions are ops of the IR, and what others are in terms of these.

``OPS_OF`` names the op that a ufunc is, ``COMPOSED`` what a ufunc does with operands that have been converted to the dtypes of its loop,
and ``SPECIAL`` what runs in place of a function that is no ufunc; all by SciPy's names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import F64
from .calculus import sinc
from .elementwise import elementwise
from .lambert import lambertw
from .promotion import as_array, as_tracer, convert, operand, result_dtype
from .reductions import reduce
from .shaping import normal_axes, squeeze
from .tracer import Tracer, new

OPS_OF: dict[str, str] = {
    "erf": "erf", "erfc": "erfc", "erfcx": "erfcx", "erfinv": "erfinv", "ndtri": "ndtri", "log_ndtr": "log_ndtr",
    "expit": "logistic", "softplus": "softplus", "gamma": "gamma", "gammaln": "lgamma", "psi": "digamma", "digamma": "digamma",
    "gammainc": "gammainc", "gammaincc": "gammaincc", "betainc": "betainc", "i0e": "i0e", "i1e": "i1e",
    "log1p": "log1p", "expm1": "expm1", "exp2": "exp2", "cbrt": "cbrt", "round": "rint",
}  # fmt: skip


def _ndtr(x: Tracer) -> Tracer:
    return 0.5 * elementwise("erfc", -math.sqrt(0.5) * x)


def _erfcinv(y: Tracer) -> Tracer:
    return -math.sqrt(0.5) * elementwise("ndtri", 0.5 * y)


def _logit(p: Tracer) -> Tracer:
    """Around 1/2 in terms of the distance from there, which is small."""
    middle = (p >= 0.3) & (p <= 0.65)
    away = 2.0 * (np.where(middle, p, p.dtype.type(0.5)) - 0.5)
    outer = np.where(middle, p.dtype.type(0.25), p)
    return np.where(middle, np.log1p(away) - np.log1p(-away), np.log(outer / (1.0 - outer)))


def times_log(x: Tracer, y: Tracer, log: Callable[..., Any], there: Any) -> Tracer:
    """x log(y), and 0 where x is 0, unless y is NaN; ``there`` is where log(y) is the derivative at x = 0."""
    zero = (x == 0) & ~(there | np.isnan(y))
    return np.where(zero, x.dtype.type(0), x * log(np.where(zero, x.dtype.type(0.5), y)))


def _xlogy(x: Tracer, y: Tracer) -> Tracer:
    return times_log(x, y, np.log, (y > 0) & (y < np.inf))


def _xlog1py(x: Tracer, y: Tracer) -> Tracer:
    return times_log(x, y, np.log1p, (y > -1) & (y < np.inf))


def _entr(x: Tracer) -> Tracer:
    zero, one = x.dtype.type(0), x.dtype.type(1)
    positive = -x * np.log(np.where(x > 0, x, one))
    return np.where(x > 0, positive, np.where(x == 0, zero, np.where(x < 0, x.dtype.type(-np.inf), x)))


def _divergence(x: Tracer, y: Tracer, positive: Any, zero: Any) -> Tracer:
    """A value where both are positive, another where x is 0; infinite where there is none."""
    outside = np.where(np.isnan(x) | np.isnan(y), x.dtype.type(np.nan), x.dtype.type(np.inf))
    return np.where((x > 0) & (y > 0), positive, np.where((x == 0) & (y >= 0), zero, outside))


def _x_log_ratio(x: Tracer, y: Tracer) -> Tracer:
    both, one = (x > 0) & (y > 0), x.dtype.type(1)
    x, y = np.where(both, x, one), np.where(both, y, one)
    ratio = x / y
    is_plain = (ratio >= np.finfo(x.dtype).tiny) & (ratio < np.inf)
    return x * np.where(is_plain, np.log(np.where(is_plain, ratio, one)), np.log(x) - np.log(y))


def _rel_entr(x: Tracer, y: Tracer) -> Tracer:
    return _divergence(x, y, _x_log_ratio(x, y), x.dtype.type(0))


def _kl_div(x: Tracer, y: Tracer) -> Tracer:
    return _divergence(x, y, _x_log_ratio(x, y) - x + y, y)


def _gammasgn(x: Tracer) -> Tracer:
    whole = np.floor(x)
    sign = np.where((x > 0) | (np.remainder(whole, 2.0) == 0), x.dtype.type(1), x.dtype.type(-1))
    return np.where(x == 0, np.copysign(1.0, x), np.where((x < 0) & (whole == x) | np.isnan(x), x.dtype.type(np.nan), sign))


def _rgamma(x: Tracer) -> Tracer:
    pole = (x <= 0) & (np.floor(x) == x)
    return np.where(pole, x.dtype.type(0), 1.0 / elementwise("gamma", np.where(pole, x.dtype.type(1), x)))


def _lgamma(x: Tracer) -> Tracer:
    return elementwise("lgamma", x)


def _lgamma_rise(a: Tracer, b: Tracer) -> Tracer:
    """``lgamma(a + b) - lgamma(a)``; where a is by far the larger, by the first terms of Stirling's series, as nothing cancels there."""
    is_far = (a > 1e6) & (a > 1e6 * np.abs(b))
    far, near = np.where(is_far, a, a.dtype.type(1e9)), np.where(is_far, a.dtype.type(1), a)
    product = b * (1.0 - b)
    beyond = (0.5 + (1.0 - 2.0 * b - product / far) / (12.0 * far)) / far * product
    return np.where(is_far, b * np.log(far) - beyond, _lgamma(near + np.where(is_far, b.dtype.type(1), b)) - _lgamma(near))


def _betaln(a: Tracer, b: Tracer) -> Tracer:
    swap = np.abs(a) < np.abs(b)
    large, small = np.where(swap, b, a), np.where(swap, a, b)
    return _lgamma(small) - _lgamma_rise(large, small)


def _beta(a: Tracer, b: Tracer) -> Tracer:
    return _gammasgn(a) * _gammasgn(b) * _gammasgn(a + b) * np.exp(_betaln(a, b))


def _poch(z: Tracer, m: Tracer) -> Tracer:
    return _gammasgn(z) * _gammasgn(z + m) * np.exp(_lgamma_rise(z, m))


def _binom(n: Tracer, k: Tracer) -> Tracer:
    return 1.0 / ((n + 1.0) * _beta(n - k + 1.0, k + 1.0))


def _huber(delta: Tracer, r: Tracer) -> Tracer:
    size = np.abs(r)
    value = np.where(size <= delta, 0.5 * np.square(r), delta * (size - 0.5 * delta))
    return np.where(delta < 0, r.dtype.type(np.inf), value)


def _pseudo_huber(delta: Tracer, r: Tracer) -> Tracer:
    zero = delta == 0
    safe = np.where(zero, r.dtype.type(1), delta)
    ratio = np.square(r / safe)
    value = np.square(safe) * (ratio / (np.sqrt(1.0 + ratio) + 1.0))
    return np.where(delta < 0, r.dtype.type(np.inf), np.where(zero, r.dtype.type(0), value))


def _power_about_zero(limit: Callable[..., Any], of: Callable[..., Any]) -> Callable[..., Tracer]:
    """A function of x and an exponent, which has a limit where the exponent is 0."""

    def apply(x: Tracer, exponent: Tracer) -> Tracer:
        zero = exponent == 0
        return np.where(zero, limit(x), of(x, np.where(zero, x.dtype.type(1), exponent)))

    return apply


def _student(df: Tracer, t: Tracer) -> Tracer:
    """The distribution function of Student's t; where t is 0, its slope is found beside."""
    t = t + np.where(t == 0, t.dtype.type(1e-18), t.dtype.type(0))
    square = np.square(t)
    within = elementwise("betainc", operand(0.5, t.dtype), 0.5 * df, square / (df + square))
    beyond = elementwise("betainc", 0.5 * df, operand(0.5, t.dtype), df / (df + square))
    inner = 0.5 + 0.5 * np.copysign(within, t)
    outer = np.where(t > 0, 1.0 - 0.5 * beyond, 0.5 * beyond)
    return np.where(square < df, inner, outer)


def _binom_pmf(k: Tracer, n: Tracer, p: Tracer) -> Tracer:
    ways = _lgamma(n + 1.0) - _lgamma(k + 1.0) - _lgamma(n - k + 1.0)
    return np.exp(ways + _xlogy(k, p) + _xlog1py(n - k, -p))


COMPOSED: dict[str, Callable[..., Any]] = {
    "ndtr": _ndtr, "erfcinv": _erfcinv, "logit": _logit, "log_expit": lambda x: -elementwise("softplus", -x),
    "xlogy": _xlogy, "xlog1py": _xlog1py, "entr": _entr, "rel_entr": _rel_entr, "kl_div": _kl_div,
    "gammasgn": _gammasgn, "rgamma": _rgamma, "beta": _beta, "betaln": _betaln, "poch": _poch, "binom": _binom,
    "loggamma": lambda x: np.where(x < 0, x.dtype.type(np.nan), _lgamma(x)),
    "huber": _huber, "pseudo_huber": _pseudo_huber, "sinc": sinc, "exp10": lambda x: 10.0**x,
    "boxcox": _power_about_zero(np.log, lambda x, p: np.expm1(p * np.log(x)) / p),
    "boxcox1p": _power_about_zero(np.log1p, lambda x, p: np.expm1(p * np.log1p(x)) / p),
    "inv_boxcox": _power_about_zero(np.exp, lambda x, p: np.exp(np.log1p(p * x) / p)),
    "inv_boxcox1p": _power_about_zero(np.expm1, lambda x, p: np.expm1(np.log1p(p * x) / p)),
    "cosm1": lambda x: -2.0 * np.square(np.sin(0.5 * x)), "powm1": lambda x, y: np.expm1(y * np.log(x)),
    "i0": lambda x: elementwise("i0e", x) * np.exp(np.abs(x)), "i1": lambda x: elementwise("i1e", x) * np.exp(np.abs(x)),
    "chdtr": lambda v, x: elementwise("gammainc", 0.5 * v, 0.5 * x),
    "chdtrc": lambda v, x: elementwise("gammaincc", 0.5 * v, 0.5 * x),
    "pdtr": lambda k, m: elementwise("gammaincc", np.floor(k) + 1.0, m),
    "pdtrc": lambda k, m: elementwise("gammainc", np.floor(k) + 1.0, m),
    "gdtr": lambda a, b, x: elementwise("gammainc", b, a * x),
    "gdtrc": lambda a, b, x: elementwise("gammaincc", b, a * x),
    "fdtr": lambda n, d, x: elementwise("betainc", 0.5 * n, 0.5 * d, n * x / (d + n * x)),
    "fdtrc": lambda n, d, x: elementwise("betainc", 0.5 * d, 0.5 * n, d / (d + n * x)),
    # what distributions call
    "_binom_pmf": _binom_pmf, "_binom_cdf": lambda k, n, p: elementwise("betainc", n - k, k + 1.0, 1.0 - p),
    "_binom_sf": lambda k, n, p: elementwise("betainc", k + 1.0, n - k, p),
    "_nbinom_cdf": lambda k, n, p: elementwise("betainc", n, k + 1.0, p),
    "_nbinom_sf": lambda k, n, p: elementwise("betainc", k + 1.0, n, 1.0 - p),
    "_cauchy_ppf": lambda q, loc, scale: loc - scale / np.tan(np.pi * q),
    "_cauchy_isf": lambda q, loc, scale: loc + scale / np.tan(np.pi * q),
    "stdtr": _student, "betaincc": lambda a, b, x: elementwise("betainc", b, a, 1.0 - x),
}  # fmt: skip


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """``scipy.special.logsumexp``."""
    x = as_tracer(a) * 1.0
    if b is not None:
        x, weights = np.broadcast_arrays(x, as_tracer(b) * 1.0)
        x = np.where(weights == 0, x.dtype.type(-np.inf), x)  # what is weighted with 0 is not there
    largest = reduce("max", x, axis, keepdims=True, initial=-np.inf)
    shift = elementwise("select", np.isfinite(largest), largest, 0.0)
    total = reduce("sum", np.exp(x - shift) if b is None else weights * np.exp(x - shift), axis, keepdims=True)
    sign = np.sign(total)
    result = np.log(np.abs(total) if return_sign else total) + shift
    results = tuple(_without_axes(r, axis, x.ndim, keepdims) for r in (result, sign))
    return results if return_sign else results[0]


def _without_axes(result: Tracer, axis: Any, rank: int, keepdims: bool) -> Tracer:
    axes = normal_axes(axis, rank)
    return result if keepdims else squeeze(result, axes) if result.ndim > len(axes) else result.reshape(())[()]


def softmax(x: Any, axis: Any = None) -> Any:
    """``scipy.special.softmax``."""
    x = as_tracer(x) * 1.0
    powers = np.exp(x - reduce("max", x, axis, keepdims=True))
    return powers / reduce("sum", powers, axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """``scipy.special.log_softmax``."""
    return as_tracer(x) * 1.0 - logsumexp(x, axis, keepdims=True)


def polygamma(n: Any, x: Any) -> Any:
    """``scipy.special.polygamma``."""
    order, x = (convert(as_array(v), F64) for v in (n, x))
    higher = elementwise("polygamma", np.maximum(order, 1.0), x)
    return np.where(order == 0, elementwise("digamma", x), higher)


def multigammaln(a: Any, d: Any) -> Any:
    """``scipy.special.multigammaln``: the logarithm of the gamma function of d variables."""
    x = convert(as_array(a), F64)
    terms = [elementwise("lgamma", x - 0.5 * k) for k in range(int(d))]
    return sum(terms, 0.25 * d * (d - 1) * math.log(math.pi))


def _floats(*values: Any) -> list[Tracer]:
    """Arrays of one float dtype."""
    arrays = [as_array(v) for v in values]
    dtype = result_dtype(*arrays)
    return [convert(x, dtype if dtype.kind == "f" else F64) for x in arrays]


def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """``scipy.special.comb``, in floating point."""
    if exact:
        raise UnsupportedError("scipy.special.comb with exact=True; write math.comb(n, k), or leave exact out")
    n, k = _floats(N, k)
    n = n + k - 1.0 if repetition else n
    return elementwise("select", (k <= n) & (n >= 0) & (k >= 0), _binom(n, k), 0.0)


def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """``scipy.special.factorial``, in floating point."""
    if exact or extend != "zero":
        raise UnsupportedError(
            "scipy.special.factorial with exact=True or extend='complex'; write math.factorial(n), or leave them out"
        )
    given = as_tracer(n)
    x = convert(given, F64)
    result = elementwise("select", x < 0, 0.0, elementwise("gamma", x + 1.0))
    return (
        convert(result, given.dtype)
        if given.is_scalar and given.dtype.kind == "f"
        else new(result.value, scalar=given.is_scalar)
    )


SPECIAL: dict[str, Callable[..., Any]] = {
    "logsumexp": logsumexp, "softmax": softmax, "log_softmax": log_softmax, "polygamma": polygamma,
    "multigammaln": multigammaln, "comb": comb, "factorial": factorial, "sinc": sinc, "lambertw": lambertw,
}  # fmt: skip
