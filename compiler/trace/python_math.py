"""The module ``math`` for traced values: counterparts for ``python_functions``."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.types import F64
from .calls import follow, has_traced
from .context import active_trace
from .elementwise import elementwise
from .functions import FUNCTIONS
from .integers import INTEGERS, OF_MANY
from .iterables import Comprehension
from .promotion import as_tracer
from .python_folds import sum_of
from .python_numbers import as_bool, as_float, as_int, is_integer, whole
from .tracer import describe, new
from .ufuncs import apply_ufunc


def _of_floats(name: str, ufunc: Any) -> Callable[..., Any]:
    plain = getattr(math, name)

    def apply(*args: Any) -> Any:
        if not has_traced(args):
            return plain(*args)
        result = ufunc(*(as_tracer(as_float(a)) if not isinstance(a, int) else a for a in args))
        _may_raise(name, result, *args)
        return new(result.value, weak=True)

    return apply


def _may_raise(name: str, result: Any, *args: Any) -> None:
    """Python's errors, where a ``try`` catches them: of a result that is NaN or infinite, though the arguments are not."""
    trace = active_trace()
    if not trace.handlers:
        return
    numbers = [as_tracer(as_float(a)) for a in args]
    overflows = functools.reduce(np.logical_and, [np.isfinite(x) for x in numbers], np.isinf(result))
    undefined = functools.reduce(np.logical_and, [x == x for x in numbers], np.isnan(result))
    if name in _OVERFLOW:
        pole = np.logical_and(overflows, _POLES[name](*numbers)) if name in _POLES else False
        overflows = np.logical_and(overflows, np.logical_not(pole))
        trace.may_raise(OverflowError("math range error"), lambda: np.logical_not(overflows))
    else:
        pole = overflows
    trace.may_raise(ValueError("math domain error"), lambda: np.logical_not(np.logical_or(undefined, pole)))


def _log(x: Any, *base: Any) -> Any:
    if not has_traced((x, *base)):
        return math.log(x, *base)
    result = apply_ufunc(np.log, as_float(x))
    _may_raise("log", result, x)
    return new((result / apply_ufunc(np.log, as_float(base[0])) if base else result).value, weak=True)


def _isclose(a: Any, b: Any, *, rel_tol: Any = 1e-9, abs_tol: Any = 0.0) -> Any:
    if not has_traced((a, b, rel_tol, abs_tol)):
        return math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol)
    largest = elementwise("maximum", abs(as_float(a)), abs(as_float(b)), dtype=F64)
    near = abs(as_float(a) - as_float(b)) <= elementwise("maximum", rel_tol * largest, abs_tol, dtype=F64)
    return as_bool((np.isfinite(largest) & near) | (as_float(a) == as_float(b)))


def _dist(p: Any, q: Any) -> Any:
    if not has_traced((p, q)):
        return math.dist(p, q)
    return as_float(FUNCTIONS[np.linalg.norm](as_tracer(p) - as_tracer(q)))


def _prod(iterable: Any, *, start: Any = 1) -> Any:
    if isinstance(iterable, Comprehension):
        return iterable.fold(lambda total, item: total * item, start)
    return functools.reduce(lambda total, item: total * item, iterable, start)


def _of_integers(plain: Any) -> Callable[..., Any]:
    """A function of ``math`` on integers."""

    def apply(*args: Any) -> Any:
        if not has_traced(args):
            return plain(*args)
        if not all(is_integer(arg) for arg in args):
            raise TypeError(f"math.{plain.__name__}() takes integers; found {', '.join(map(describe, args))}")
        if plain in INTEGERS:
            return follow(INTEGERS[plain])(*args)  # type: ignore[arg-type]
        function, start = OF_MANY[plain]
        return functools.reduce(follow(function), args, start)  # type: ignore[arg-type]

    return apply


def _modf(x: Any) -> tuple[Any, Any]:
    """``math.modf``."""
    if not has_traced(x):
        return math.modf(x)
    fraction, whole = apply_ufunc(np.modf, as_float(x))
    return as_float(fraction), as_float(whole)


def _frexp(x: Any) -> tuple[Any, Any]:
    """``math.frexp``."""
    if not has_traced(x):
        return math.frexp(x)
    mantissa, exponent = apply_ufunc(np.frexp, as_float(x))
    return as_float(mantissa), as_int(exponent)


def _ldexp(x: Any, exponent: Any) -> Any:
    """``math.ldexp``."""
    if not has_traced((x, exponent)):
        return math.ldexp(x, exponent)
    if not is_integer(exponent):
        raise TypeError("Expected an int as second argument to ldexp.")
    result = as_float(apply_ufunc(np.ldexp, as_tracer(as_float(x)), as_tracer(as_int(exponent))))
    _may_raise("ldexp", result, x)
    return result


def _hypot(*coordinates: Any) -> Any:
    """``math.hypot`` of any number of coordinates."""
    if not has_traced(coordinates):
        return math.hypot(*coordinates)
    return as_float(functools.reduce(functools.partial(apply_ufunc, np.hypot), map(as_float, coordinates), 0.0))


def _nearest_remainder(x: Any, y: Any) -> Any:
    """IEEE 754's remainder, exact: what is left of x beyond the multiple of y that is nearest to it, an even one at a tie."""
    size, of = abs(x), abs(y)
    rest = math.fmod(size, of)
    beyond = of - rest
    half = rest - 2.0 * math.fmod(0.5 * (size - rest), of)
    least = rest if rest < beyond else -beyond if rest > beyond else half
    least = x if math.isinf(y) and math.isfinite(x) else math.copysign(1.0, x) * least
    return least


def _remainder(x: Any, y: Any) -> Any:
    """``math.remainder``."""
    return follow(_nearest_remainder)(as_float(x), as_float(y)) if has_traced((x, y)) else math.remainder(x, y)  # type: ignore[arg-type]


def _rounding(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda x: whole(apply_ufunc(ufunc, x))


_UFUNCS: dict[str, Any] = {
    **{name: functools.partial(apply_ufunc, getattr(np, name)) for name in (
        "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1", "log2", "log10", "log1p", "sqrt", "fabs",
        "copysign", "isnan", "isinf", "isfinite", "degrees", "radians", "fmod", "cbrt", "exp2")},
    "asin": functools.partial(apply_ufunc, np.arcsin), "acos": functools.partial(apply_ufunc, np.arccos),
    "atan": functools.partial(apply_ufunc, np.arctan), "atan2": functools.partial(apply_ufunc, np.arctan2),
    "asinh": functools.partial(apply_ufunc, np.arcsinh), "acosh": functools.partial(apply_ufunc, np.arccosh),
    "atanh": functools.partial(apply_ufunc, np.arctanh), "pow": lambda x, y: x**y,
    "floor": _rounding(np.floor), "ceil": _rounding(np.ceil), "trunc": _rounding(np.trunc),
    "erf": lambda x: elementwise("erf", x, dtype=F64), "erfc": lambda x: elementwise("erfc", x, dtype=F64),
    "lgamma": lambda x: elementwise("lgamma", x, dtype=F64), "gamma": lambda x: elementwise("gamma", x, dtype=F64),
}  # fmt: skip


_OVERFLOW = frozenset(("exp", "expm1", "exp2", "sinh", "cosh", "pow", "lgamma", "gamma", "ldexp", "floor", "ceil", "trunc"))
"""Functions of which an infinite result is too large, rather than outside of what they are defined for."""

_POLES: dict[str, Callable[..., Any]] = {
    "pow": lambda x, y: np.logical_and(x == 0, y < 0),
    **dict.fromkeys(("lgamma", "gamma"), lambda x: np.logical_and(x <= 0, np.floor(x) == x)),
}
"""Where an infinite result of such a function is none that is too large."""

MATH: dict[Any, Callable[..., Any]] = {
    math.log: _log, math.isclose: _isclose, math.dist: _dist, math.prod: _prod, math.modf: _modf, math.ldexp: _ldexp,
    math.frexp: _frexp, math.hypot: _hypot, math.remainder: _remainder, math.fsum: lambda seq: as_float(sum_of(seq, 0.0)),
    **{function: _of_integers(function) for function in (*INTEGERS, *OF_MANY)},
    **{getattr(math, name): _of_floats(name, ufunc) for name, ufunc in _UFUNCS.items() if hasattr(math, name)},
}  # fmt: skip
