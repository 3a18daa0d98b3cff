"""Elementary functions of one number, branch-free, for LLVM to vectorise.

In: a float32 or float64 number. Out: exp, tanh, log, sin and friends of it, as `exp_f32`, `exp_f64` and so on, with NumPy's
values at NaN, infinities, signed zeros and subnormal numbers. `FUNCTIONS` lists what exists; `tests/runtime` bounds each error.

A function is defined once, as Python arithmetic on `x` with the constants of its `Precision` (`F32` or `F64`). Run as it stands, it
computes with NumPy, on numbers or arrays. Where numba compiles a call, the same definition runs once on `Term`s, which write the
arithmetic into the kernel as LLVM instructions: nothing is left for numba to type, and no call remains in the loop.

Error analysis throughout: Muller, Elementary Functions (3rd ed.). Products may be contracted into fused multiply-adds;
no other freedom (`fastmath={"contract"}` and no more) may be given to a kernel.
"""

import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .precision import CBRT_SEED, F32, F64, Precision
from .series import (
    arcsin_up_to_half,
    arctan_of_ratio,
    bounded,
    clamp,
    cos_near_zero,
    exp_minus_one,
    expm1_small,
    log_edges,
    log_of_normal,
    log_of_parts,
    log_to_base,
    minimum,
    nearest,
    normalise,
    polynomial,
    power_of_two,
    quarter_turns,
    scale,
    sin_after,
    sin_near_zero,
    split_exponent,
    split_logarithm,
)
from .terms import Number, Term, bits, copysign, select, unless_huge

FUNCTIONS: dict[str, dict[str, str]] = {
    "exp": {"f32": "exp_f32", "f64": "exp_f64"},
    "exp2": {"f32": "exp2_f32", "f64": "exp2_f64"},
    "expm1": {"f32": "expm1_f32", "f64": "expm1_f64"},
    "log": {"f32": "log_f32", "f64": "log_f64"},
    "log2": {"f32": "log2_f32", "f64": "log2_f64"},
    "log10": {"f32": "log10_f32", "f64": "log10_f64"},
    "log1p": {"f32": "log1p_f32", "f64": "log1p_f64"},
    "sinh": {"f32": "sinh_f32", "f64": "sinh_f64"},
    "cosh": {"f32": "cosh_f32", "f64": "cosh_f64"},
    "tanh": {"f32": "tanh_f32", "f64": "tanh_f64"},
    "logistic": {"f32": "logistic_f32", "f64": "logistic_f64"},
    "softplus": {"f32": "softplus_f32", "f64": "softplus_f64"},
    "erf": {"f32": "erf_f32", "f64": "erf_f64"},
    "sin": {"f32": "sin_f32", "f64": "sin_f64"},
    "cos": {"f32": "cos_f32", "f64": "cos_f64"},
    "tan": {"f32": "tan_f32", "f64": "tan_f64"},
    "arctan": {"f32": "arctan_f32", "f64": "arctan_f64"},
    "arctan2": {"f32": "arctan2_f32", "f64": "arctan2_f64"},
    "arcsin": {"f32": "arcsin_f32", "f64": "arcsin_f64"},
    "arccos": {"f32": "arccos_f32", "f64": "arccos_f64"},
    "cbrt": {"f32": "cbrt_f32", "f64": "cbrt_f64"},
}


# The definitions. `x` is a NumPy number or array, or a Term; `k` is its Precision.


def exp(x: Number, k: Precision) -> Number:
    low, high = k.exp_range
    inside, vanishes = bounded(x, low, high)
    n, r = split_exponent(inside, k)
    return select(vanishes, 0.0, scale(1.0 + exp_minus_one(r, k), n, k))


def exp2(x: Number, k: Precision) -> Number:
    inside, vanishes = bounded(x, -k.bias - k.mantissa - 2.0, k.bias + 1.0)
    n = nearest(inside, k)
    return select(vanishes, 0.0, scale(1.0 + exp_minus_one((inside - n) * math.log(2.0), k), n, k))


def expm1(x: Number, k: Precision) -> Number:
    n, r = split_exponent(clamp(x, *k.expm1_range), k)
    half = power_of_two(n - 1.0, k)  # 2^n itself may overflow
    y = 2.0 * (half * exp_minus_one(r, k) + (half - 0.5))
    return select(abs(x) < k.tiny, x, y)


def tanh(x: Number, k: Precision) -> Number:
    e = expm1_small(2.0 * minimum(abs(x), k.tanh_max), k)
    return copysign(e / (e + 2.0), x)


def sinh(x: Number, k: Precision) -> Number:
    a = minimum(abs(x), k.cosh_max)
    n, r = split_exponent(a, k)
    quarter = power_of_two(n - 2.0, k)
    p = quarter * exp_minus_one(r, k)
    expm1_quarter = p + (quarter - 0.25)
    y = 2.0 * (expm1_quarter + expm1_quarter / (4.0 * (p + quarter)))
    return select(abs(x) < k.tiny, x, copysign(y, x))


def cosh(x: Number, k: Precision) -> Number:
    n, r = split_exponent(minimum(abs(x), k.cosh_max), k)
    quarter = power_of_two(n - 2.0, k)
    exp_quarter = quarter * exp_minus_one(r, k) + quarter
    return 2.0 * (exp_quarter + 0.0625 / exp_quarter)


def logistic(x: Number, k: Precision) -> Number:
    e = exp(-abs(x), k)
    return select(x < 0.0, e, 1.0) / (1.0 + e)


def softplus(x: Number, k: Precision) -> Number:
    e = exp(-abs(x), k)
    u = 1.0 + e
    return select(x < 0.0, 0.0, x) + log_of_normal(u, (e - (u - 1.0)) / u, k)


def log(x: Number, k: Precision) -> Number:
    y, shift = normalise(x, k)
    n, f = split_logarithm(y, k)
    return log_edges(x, log_of_parts(n + shift, f, -0.0, k))


def log1p(x: Number, k: Precision) -> Number:
    u = 1.0 + x
    lost = select(x > 1.0, 1.0 - (u - x), x - (u - 1.0))
    return select(x == 0.0, x, log_edges(u, log_of_normal(u, lost / u, k)))


def log2(x: Number, k: Precision) -> Number:
    return log_to_base(x, k.log2_e, (1.0, 0.0), k)


def log10(x: Number, k: Precision) -> Number:
    return log_to_base(x, k.log10_e, k.log10_2, k)


def erf(x: Number, k: Precision) -> Number:
    a = abs(x)
    small = x + x * polynomial(minimum(a, 1.0) * minimum(a, 1.0), k.erf)
    logarithm = polynomial(minimum(a, k.erf_max) - 1.0, k.erfc)
    n, r = split_exponent(logarithm, k)
    power = power_of_two(n, k)
    tail = 1.0 - (power + power * exp_minus_one(r, k))
    return select(a < 1.0, small, copysign(tail, x))


def sin(x: Number, k: Precision) -> Number:
    turns, r = quarter_turns(x, k)
    return unless_huge(select(x == 0.0, x, sin_after(turns, r, k)), x, "sin")


def cos(x: Number, k: Precision) -> Number:
    turns, r = quarter_turns(x, k)
    return unless_huge(sin_after(turns + 1.0, r, k), x, "cos")


def tan(x: Number, k: Precision) -> Number:
    turns, r = quarter_turns(x, k)
    odd = (bits(turns + k.shifter) & 1) == 1
    s, c = sin_near_zero(r, k), cos_near_zero(r, k)
    return unless_huge(select(x == 0.0, x, select(odd, -c, s) / select(odd, s, c)), x, "tan")


def arctan(x: Number, k: Precision) -> Number:
    a = abs(x)
    above_1, above_3 = a > math.tan(math.pi / 8), a > math.tan(3 * math.pi / 8)
    numerator = select(above_3, -1.0, select(above_1, a - 1.0, a))
    denominator = select(above_3, a, select(above_1, a + 1.0, 1.0))
    eighths = select(above_3, 1.0, select(above_1, k.dtype(0.5), k.dtype(0)))
    return copysign(arctan_of_ratio(numerator, denominator, eighths, k), x)


def arctan2(y: Number, x: Number, k: Precision) -> Number:
    ay, ax = abs(y), abs(x)
    steep = ay > ax
    high, low = select(steep, ay, ax), select(steep, ax, ay)
    middling = select(high > 2.0 ** (k.bias - 2), 0.25, select(high < k.tiny, k.dtype(2.0**k.mantissa), k.dtype(1)))
    high, low = high * middling, low * middling
    near_diagonal = (low >= high * math.tan(math.pi / 8)) & (high > 0.0)
    numerator = select(near_diagonal, select(low == high, 0.0, low - high), low)
    denominator = select(near_diagonal, low + high, select(high == 0.0, 1.0, high))
    angle = arctan_of_ratio(numerator, denominator, select(near_diagonal, k.dtype(0.5), k.dtype(0)), k)
    angle = select(steep, k.half_pi[0] - (angle - k.half_pi[1]), angle)
    left = copysign(1.0, x) < 0.0
    return copysign(select(left, 2.0 * k.half_pi[0] - (angle - 2.0 * k.half_pi[1]), angle), y)


def arcsin(x: Number, k: Precision) -> Number:
    large, angle = arcsin_up_to_half(abs(x), k)
    return copysign(select(large, k.half_pi[0] - (2.0 * angle - k.half_pi[1]), angle), x)


def arccos(x: Number, k: Precision) -> Number:
    large, angle = arcsin_up_to_half(abs(x), k)
    right = 2.0 * angle
    left = 2.0 * k.half_pi[0] - (right - 2.0 * k.half_pi[1])
    middle = k.half_pi[0] - (copysign(angle, x) - k.half_pi[1])
    return select(large, select(x < 0.0, left, right), middle)


def cbrt(x: Number, k: Precision) -> Number:
    y, shift = normalise(abs(x), k)
    n, f = split_logarithm(y, k)
    n = n + shift
    third = nearest(n * (1.0 / 3.0), k)
    rest = n - 3.0 * third
    m = (1.0 + f) * select(rest > 0.0, 2.0, select(rest < 0.0, k.dtype(0.5), k.dtype(1)))
    root = polynomial(1.0 + f, CBRT_SEED) * select(
        rest > 0.0, 2.0 ** (1 / 3), select(rest < 0.0, k.dtype(0.5 ** (1 / 3)), k.dtype(1))
    )
    for _ in range(k.cbrt_steps):
        cube = root * root * root
        root = root - root * (cube - m) / (cube + cube + m)
    regular = (x != 0.0) & (abs(x) < math.inf)
    return select(regular, copysign(root * power_of_two(third, k), x), x)


# The functions that kernels call.


def _specialise(definition: Callable[..., Any], k: Precision) -> Callable[..., Any]:
    """The definition for one precision, as a function of numbers or arrays."""

    def function(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return definition(*(np.asarray(argument, k.dtype)[()] for argument in arguments), k)

    function.__name__ = function.__qualname__ = f"{definition.__name__}_{'f32' if k is F32 else 'f64'}"
    function.__doc__ = definition.__doc__
    return function


exp_f32, exp_f64 = _specialise(exp, F32), _specialise(exp, F64)
exp2_f32, exp2_f64 = _specialise(exp2, F32), _specialise(exp2, F64)
expm1_f32, expm1_f64 = _specialise(expm1, F32), _specialise(expm1, F64)
log_f32, log_f64 = _specialise(log, F32), _specialise(log, F64)
log2_f32, log2_f64 = _specialise(log2, F32), _specialise(log2, F64)
log10_f32, log10_f64 = _specialise(log10, F32), _specialise(log10, F64)
log1p_f32, log1p_f64 = _specialise(log1p, F32), _specialise(log1p, F64)
sinh_f32, sinh_f64 = _specialise(sinh, F32), _specialise(sinh, F64)
cosh_f32, cosh_f64 = _specialise(cosh, F32), _specialise(cosh, F64)
tanh_f32, tanh_f64 = _specialise(tanh, F32), _specialise(tanh, F64)
logistic_f32, logistic_f64 = _specialise(logistic, F32), _specialise(logistic, F64)
softplus_f32, softplus_f64 = _specialise(softplus, F32), _specialise(softplus, F64)
erf_f32, erf_f64 = _specialise(erf, F32), _specialise(erf, F64)
sin_f32, sin_f64 = _specialise(sin, F32), _specialise(sin, F64)
cos_f32, cos_f64 = _specialise(cos, F32), _specialise(cos, F64)
tan_f32, tan_f64 = _specialise(tan, F32), _specialise(tan, F64)
arctan_f32, arctan_f64 = _specialise(arctan, F32), _specialise(arctan, F64)
arctan2_f32, arctan2_f64 = _specialise(arctan2, F32), _specialise(arctan2, F64)
arcsin_f32, arcsin_f64 = _specialise(arcsin, F32), _specialise(arcsin, F64)
arccos_f32, arccos_f64 = _specialise(arccos, F32), _specialise(arccos, F64)
cbrt_f32, cbrt_f64 = _specialise(cbrt, F32), _specialise(cbrt, F64)


@functools.cache
def register() -> None:
    """Teach numba the functions. Importing this module does it if numba is there already, as it is in a kernel's file."""
    from numba import types
    from numba.extending import lower_builtin, type_callable

    for name, variants in FUNCTIONS.items():
        definition = globals()[name]
        for suffix, variant in variants.items():
            k, kind = (F32, types.float32) if suffix == "f32" else (F64, types.float64)
            function, arity = globals()[variant], definition.__code__.co_argcount - 1
            type_callable(function)(_typer(kind, arity))
            lower_builtin(function, *[kind] * arity)(_lowering(definition, k))


def _typer(kind: Any, arity: int) -> Callable[..., Any]:
    from numba.core.typing import signature

    typers = {1: lambda x: signature(kind, kind), 2: lambda y, x: signature(kind, kind, kind)}
    return lambda context: typers[arity]


def _lowering(definition: Callable[..., Any], k: Precision) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return definition(*(Term(builder, argument) for argument in arguments), k).value

    return lower


if sys.modules.get("numba"):
    register()
