"""What elementary functions share: polynomials, reductions of arguments, and series near zero.

In: numbers, arrays or `Term`s, and the constants of their `Precision`. Out: the same.
"""

import math

import numpy as np

from .precision import F64, HALF_PI_PIECES, Precision
from .terms import Number, bits, real, select, sqrt, to_f32, to_f64


def polynomial(x: Number, coefficients: tuple[float, ...]) -> Number:
    """Horner's rule."""
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def minimum(x: Number, high: Number) -> Number:
    """min(x, high), NaN for NaN."""
    return select(x > high, high, x)


def clamp(x: Number, low: Number, high: Number) -> Number:
    return select(x < low, low, minimum(x, high))


def bounded(x: Number, low: Number, high: Number) -> tuple[Number, Number]:
    """An argument up to ``high``, and whether it is below ``low``, where 0 takes its place.

    A power that is rounded to 0 takes the processor as long as a subnormal one: masked attention, exp(-inf), ran five times slower.
    """
    below = x < low
    return select(below, 0.0, minimum(x, high)), below


def nearest(x: Number, k: Precision) -> Number:
    """The integer nearest to x, as a floating-point number, for |x| < 2^mantissa / 2."""
    return (x + k.shifter) - k.shifter


def power_of_two(n: Number, k: Precision) -> Number:
    """2^n for an integral n between the exponents of normal numbers."""
    return real((bits(n + k.shifter) + k.bias) << k.mantissa)


def scale(x: Number, n: Number, k: Precision) -> Number:
    """x 2^n in two factors, rounded once: n may go as far as subnormal results and overflow."""
    half = nearest(0.5 * n, k)
    return x * power_of_two(half, k) * power_of_two(n - half, k)


def split_exponent(x: Number, k: Precision) -> tuple[Number, Number]:
    """n and r with exp(x) = 2^n exp(r), |r| <= ln(2) / 2 (Cody and Waite's reduction in two steps)."""
    n = nearest(x * math.log2(math.e), k)
    return n, x - n * k.ln2[0] - n * k.ln2[1]


def exp_minus_one(r: Number, k: Precision) -> Number:
    """expm1(r) for |r| <= ln(2) / 2."""
    return r + r * r * polynomial(r, k.exp)


def expm1_small(x: Number, k: Precision) -> Number:
    """expm1(x) where 2^n is an ordinary number."""
    n, r = split_exponent(x, k)
    power = power_of_two(n, k)
    return power * exp_minus_one(r, k) + (power - 1.0)


def normalise(x: Number, k: Precision) -> tuple[Number, Number]:
    """y and s with x = y 2^s, y normal where x > 0."""
    subnormal = x < k.tiny
    return select(subnormal, x * 2.0 ** (k.mantissa + 2), x), select(subnormal, k.dtype(-k.mantissa - 2), k.dtype(0))


def split_logarithm(x: Number, k: Precision) -> tuple[Number, Number]:
    """n and f with x = 2^n (1 + f), 1 + f in [sqrt(1/2), sqrt(2)), for a normal x > 0."""
    above = bits(x) + ((k.bias << k.mantissa) - k.sqrt_half_bits)
    unit = 2.0**k.mantissa
    biased = real((above >> k.mantissa) | ((k.bias + k.mantissa) << k.mantissa)) - unit
    m = real((above & ((1 << k.mantissa) - 1)) + k.sqrt_half_bits)
    return biased - k.bias, m - 1.0


def log_series(f: Number, k: Precision) -> tuple[Number, Number]:
    """log(1 + f) = f - f^2/2 + tail, for f from split_logarithm: f^2/2 and the tail (fdlibm's form: the leading terms stay exact)."""
    s = f / (2.0 + f)
    z = s * s
    half_square = 0.5 * f * f
    return half_square, s * (half_square + z * polynomial(z, k.log))


def log_of_parts(n: Number, f: Number, correction: Number, k: Precision) -> Number:
    """log(2^n (1 + f)) + correction."""
    half_square, tail = log_series(f, k)
    return n * k.ln2[0] - ((half_square - (tail + (n * k.ln2[1] + correction))) - f)


def log_of_normal(x: Number, correction: Number, k: Precision) -> Number:
    return log_of_parts(*split_logarithm(x, k), correction, k)


def log_to_base(x: Number, base_e: tuple[float, float], base_2: tuple[float, float], k: Precision) -> Number:
    """log(x) times base_e = 1/log(base), with base_2 = log(2)/log(base), both in two parts; exact powers of 2 and 10 stay exact."""
    y, shift = normalise(x, k)
    n, f = split_logarithm(y, k)
    n = n + shift
    half_square, tail = log_series(f, k)
    high = f - half_square
    high = real((bits(high) >> k.low_half.bit_length()) << k.low_half.bit_length())
    low = ((f - high) - half_square) + tail
    whole, part = n * base_2[0], high * base_e[0]
    total = whole + part
    rest = (whole - total) + part + ((low + high) * base_e[1] + (low * base_e[0] + n * base_2[1]))
    return log_edges(x, total + rest)


def log_edges(x: Number, y: Number) -> Number:
    """y where x is positive and finite; what log gives elsewhere."""
    y = select(x < math.inf, y, x)
    return select(x < 0.0, math.nan, select(x == 0.0, -math.inf, y))


def quarter_turns(x: Number, k: Precision) -> tuple[Number, Number]:
    """n (integral) and r with x = n pi / 2 + r, |r| <= pi / 4, for |x| <= REDUCED.

    Cody and Waite's reduction in three steps, in float64, with the rounding of the second made up for.
    """
    wide = to_f64(x)
    n = nearest(wide * (2.0 / math.pi), F64)
    coarse = wide - n * HALF_PI_PIECES[0]
    fine = n * HALF_PI_PIECES[1]
    high = coarse - fine
    low = ((coarse - high) - fine) - n * HALF_PI_PIECES[2]
    return (n, high + low) if k is F64 else (to_f32(n), to_f32(high + low))


def sin_near_zero(r: Number, k: Precision) -> Number:
    z = r * r
    return r + r * (z * polynomial(z, k.sin))


def cos_near_zero(r: Number, k: Precision) -> Number:
    z = r * r
    return 1.0 - (0.5 * z - z * z * polynomial(z, k.cos))


def sin_after(turns: Number, r: Number, k: Precision) -> Number:
    """sin(r + turns pi / 2)."""
    count = bits(turns + k.shifter)
    y = select((count & 1) == 1, cos_near_zero(r, k), sin_near_zero(r, k))
    sign = (count & 2) << (8 * np.dtype(k.dtype).itemsize - 2)
    return real(bits(y) ^ sign)


def arctan_of_ratio(numerator: Number, denominator: Number, quarters: Number, k: Precision) -> Number:
    """quarters pi / 2 + arctan(numerator / denominator), for a ratio up to tan(pi / 8)."""
    t = numerator / denominator
    z = t * t
    return quarters * k.half_pi[0] + (quarters * k.half_pi[1] + (t + t * (z * polynomial(z, k.arctan))))


def arcsin_up_to_half(a: Number, k: Precision) -> tuple[Number, Number]:
    """Whether a > 1/2, and arcsin(a), or in that case arcsin(sqrt((1 - a) / 2)) = arccos(a) / 2."""
    large = a > 0.5
    z = select(large, 0.5 * (1.0 - a), a * a)
    s = select(large, sqrt(z), a)
    return large, s + s * (z * polynomial(z, k.arcsin))
