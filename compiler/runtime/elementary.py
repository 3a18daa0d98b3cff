"""Elementary functions of one number, branch-free, for LLVM to vectorise.

In: a float32 or float64 number. Out: exp, tanh, log, sin and friends of it, as `exp_f32`, `exp_f64` and so on, with NumPy's
values at NaN, infinities, signed zeros and subnormal numbers. `FUNCTIONS` lists what exists; `tests/runtime` bounds each error.

A function is defined once, as Python arithmetic on `x` with the constants of its `Precision` (`F32` or `F64`). Run as it stands, it
computes with NumPy, on numbers or arrays. Where numba compiles a call, the same definition runs once on `Term`s, which write the
arithmetic into the kernel as LLVM instructions: nothing is left for numba to type, and no call remains in the loop.

Error analysis throughout: Muller, Elementary Functions (3rd ed.). The polynomials are Remez fits made for this file. Products may be
contracted into fused multiply-adds; no other freedom (`fastmath={"contract"}` and no more) may be given to a kernel.
"""

import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

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


@dataclass(frozen=True, slots=True, eq=False)
class Precision:
    """A floating-point format and the constants fitted to it; a polynomial lists its coefficients from the constant upwards."""

    dtype: type[np.floating]
    unsigned: type[np.unsignedinteger]
    mantissa: int  # stored bits
    bias: int
    exp_range: tuple[float, float]  # outside, exp is 0 or inf
    expm1_range: tuple[float, float]  # outside, expm1 is -1 or inf
    cosh_max: float  # above, cosh is inf
    tanh_max: float  # above, tanh rounds to 1
    ln2: tuple[float, float]  # high part, with zeros enough that a multiple is exact, and the rest
    log2_e: tuple[float, float]
    log10_e: tuple[float, float]
    log10_2: tuple[float, float]
    half_pi: tuple[float, float]
    sqrt_half_bits: int
    low_half: int  # mask of the lower half of the mantissa
    exp: tuple[float, ...]  # (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2
    log: tuple[float, ...]  # (2 atanh(s) - 2 s) / s^3 in s^2, for s = (m - 1) / (m + 1), m in [sqrt(1/2), sqrt(2)]
    sin: tuple[float, ...]  # (sin(r) - r) / r^3 in r^2, |r| <= pi / 4
    cos: tuple[float, ...]  # (cos(r) - 1 + r^2 / 2) / r^4 in r^2
    arctan: tuple[float, ...]  # (arctan(t) - t) / t^3 in t^2, |t| <= tan(pi / 8)
    arcsin: tuple[float, ...]  # (arcsin(t) - t) / t^3 in t^2, |t| <= 1/2
    erf: tuple[float, ...]  # erf(x) / x - 1 in x^2, |x| <= 1
    erfc: tuple[float, ...]  # log(erfc(x)) in x - 1, from 1 to erf_max
    erf_max: float  # above, erf rounds to 1
    cbrt_steps: int  # Halley steps from 16 bits

    @property
    def shifter(self) -> float:
        """Added, it rounds to an integer, which then stands in the low bits."""
        return 1.5 * 2.0**self.mantissa

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)


F32 = Precision(
    dtype=np.float32,
    unsigned=np.uint32,
    mantissa=23,
    bias=127,
    exp_range=(-104.0, 89.0),
    expm1_range=(-20.0, 89.0),
    cosh_max=89.5,
    tanh_max=10.0,
    ln2=(0.693145751953125, 1.4286068203094173e-06),
    log2_e=(1.44140625, 0.0012887908889634074),
    log10_e=(0.43408203125, 0.00021245065325182765),
    log10_2=(0.301025390625, 4.605038981195214e-06),
    half_pi=(1.5707963705062866, -4.3711390001862426e-08),
    sqrt_half_bits=0x3F3504F3,
    low_half=0xFFF,
    exp=(0.5000000098327703, 0.16666518968150437, 0.04166619651599141, 0.008368920749469572, 0.0013951069380933605),
    log=(0.6666666575716359, 0.40000315690763805, 0.2853833074900366, 0.23565508129431234),
    sin=(-0.1666665531541421, 0.008332188787695094, -0.00019517721330323398),
    cos=(0.04166664980643103, -0.0013887481361153265, 2.4449075865146744e-05),
    arctan=(-0.3333331859633028, 0.19998636254630417, -0.14246150104984914, 0.10610674410568684, -0.061163147983985644),
    arcsin=(
        *(0.16666661562864338, 0.07500432702979579, 0.044528283613598396, 0.031726221724619, 0.014711392799469366),
        0.037171071904063754,
    ),
    erf=(
        *(0.1283791659162204, -0.3761262713571697, 0.11283600164520356, -0.02685444422450328, 0.005189534691804137),
        *(-0.0008020834022597222, 7.889085971163241e-05),
    ),
    erfc=(
        *(-1.8496055100438107, -2.6389675160343775, -0.8431070650863081, -0.041563549443705716, 0.010046584110295891),
        *(-0.0020120926227456134, 0.00028958584940096945, -2.1696853119970647e-05),
    ),
    erf_max=3.95,
    cbrt_steps=1,
)
F64 = Precision(
    dtype=np.float64,
    unsigned=np.uint64,
    mantissa=52,
    bias=1023,
    exp_range=(-746.0, 710.0),
    expm1_range=(-40.0, 710.0),
    cosh_max=710.5,
    tanh_max=20.0,
    ln2=(0.6931471805598903, 5.497923018708371e-14),
    log2_e=(1.4426946640014648, 3.768874985636099e-07),
    log10_e=(0.4342944622039795, 1.9699272335463627e-08),
    log10_2=(0.30102999566395283, 2.8363394551044964e-14),
    half_pi=(1.5707963267948966, 6.123233995736766e-17),
    sqrt_half_bits=0x3FE6A09E667F3BCD,
    low_half=0xFFFFFFFF,
    exp=(
        *(0.5000000000000011, 0.16666666666666696, 0.04166666666652785, 0.00833333333330788, 0.0013888888944428078),
        *(0.00019841269916399577, 2.4801492121104455e-05, 2.755721685767776e-06, 2.763064027068494e-07, 2.5117763233535342e-08),
    ),
    log=(
        *(0.6666666666666712, 0.399999999995365, 0.285714287190335, 0.22222200705411413, 0.181834637218062),
        *(0.1531642019076723, 0.14773897712195422),
    ),
    sin=(
        *(-0.16666666666666638, 0.008333333333323626, -0.0001984126983050395, 2.7557313868780715e-06),
        *(-2.5050778348886683e-08, 1.5897632341880563e-10),
    ),
    cos=(
        *(0.04166666666666666, -0.001388888888888256, 2.480158729423311e-05, -2.755731560014972e-07),
        *(2.087587853374186e-09, -1.1367048050136695e-11),
    ),
    arctan=(
        *(-0.3333333333333333, 0.19999999999998846, -0.1428571428551039, 0.1111111109470567, -0.09090908350603671),
        *(0.07692286903476969, -0.06666281907420822, 0.0587751347743712, -0.05221310675267314, 0.045144789491312454),
        *(-0.03371122626167741, 0.01542008975563713),
    ),
    arcsin=(
        *(0.1666666666666669, 0.07499999999986644, 0.04464285716146432, 0.030381943270280775, 0.022372200613997233),
        *(0.01735184910282874, 0.013978185610917923, 0.011419053007321253, 0.010674121587795229, 0.004085315924258319),
        *(0.02083208331206567, -0.019818199758501315, 0.03192225966136719),
    ),
    erf=(
        *(0.12837916709551256, -0.3761263890318355, 0.11283791670945253, -0.02686617064327622, 0.005223977607423468),
        *(-0.0008548325989696758, 0.00012055295320494294, -1.4924744663335489e-05, 1.6447517677871873e-06),
        *(-1.6209175911748696e-07, 1.3722976265924504e-08, -7.801188874097751e-10),
    ),
    erfc=(
        *(-1.8496055099332482, -2.6389675142347775, -0.8431072563593325, -0.04156109802663286, 0.010033825194582653),
        *(-0.001977901307112161, 0.00023731678268905588, 2.6295424756591832e-05, -2.7197324025483102e-05),
        *(9.669205362890855e-06, -2.1298510778174974e-06, 2.0333813585509281e-07, 5.877139071704072e-08),
        *(-3.3673378246736033e-08, 8.592051655091023e-09, -1.3317109167223838e-09, 1.2061416993580574e-10),
        -4.9240964296462125e-12,
    ),
    erf_max=6.0,
    cbrt_steps=2,
)
HALF_PI_PIECES = (1.5707963267923333, 2.5633441515839558e-12, 1.0562999066987428e-23)  # two pieces of 36 bits and the rest
REDUCED = 1e5  # up to here, sin and its kin reduce their argument with these pieces
CBRT_SEED = (
    0.4511785826805704,
    0.9065871769040245,
    -0.5379697735418238,
    0.2182758571308608,
    -0.03806745766614328,
)  # on [0.7, 1.42]


Number = Any  # a NumPy number or array, or a Term

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


# What the definitions share.


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


# The operations beyond Python's operators: on Terms they write instructions, on anything else NumPy computes them.


def select(condition: Number, a: Number, b: Number) -> Number:
    """a where the condition holds, else b, at least one of them no mere Python number."""
    return condition.select(a, b) if isinstance(condition, Term) else np.where(condition, a, b)[()]  # type: ignore[call-overload]


def copysign(a: Number, b: Number) -> Number:
    return b.call("llvm.copysign", a, b) if isinstance(b, Term) else np.copysign(a, b)


def sqrt(x: Number) -> Number:
    return x.call("llvm.sqrt", x) if isinstance(x, Term) else np.sqrt(x)


def bits(x: Number) -> Number:
    """The bits of x as an unsigned integer."""
    return x.bits() if isinstance(x, Term) else x.view(f"u{x.dtype.itemsize}")


def real(i: Number) -> Number:
    """The floating-point number with these bits."""
    return i.real() if isinstance(i, Term) else i.view(f"f{i.dtype.itemsize}")


def unless_huge(y: Number, x: Number, name: str) -> Number:
    """y, but the C library's `name` of x where |x| > REDUCED."""
    if isinstance(x, Term):
        return x.write("call", rescue(x.builder.module, x.value.type, name), [y.value, x.value])
    return np.where(abs(x) > REDUCED, getattr(np, name)(x), y)[()]


def to_f64(x: Number) -> Number:
    return x.to_f64() if isinstance(x, Term) else x.astype(np.float64)


def to_f32(x: Number) -> Number:
    return x.to_f32() if isinstance(x, Term) else x.astype(np.float32)


def _arithmetic(instruction: str, swapped: bool = False) -> Callable[["Term", Any], "Term"]:
    """A method which writes `instruction`, called "f..." where the operands are floating-point numbers."""

    def write(self: "Term", other: Any) -> "Term":
        operands = (self.like(other), self.value) if swapped else (self.value, self.like(other))
        if self.is_real():
            return self.write("f" + instruction, *operands, flags=("contract",))
        return self.write(instruction, *operands)

    return write


def _bitwise(instruction: str) -> Callable[["Term", Any], "Term"]:
    return lambda self, other: self.write(instruction, self.value, self.like(other))


def _comparison(operator: str) -> Callable[["Term", Any], "Term"]:
    def write(self: "Term", other: Any) -> "Term":
        if not self.is_real():
            compare = "icmp_unsigned"
        else:
            compare = "fcmp_unordered" if operator == "!=" else "fcmp_ordered"
        return self.write(compare, operator, self.value, self.like(other))

    return write


class Term:
    """An LLVM value whose operators write instructions."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    __add__, __radd__ = _arithmetic("add"), _arithmetic("add", swapped=True)
    __sub__, __rsub__ = _arithmetic("sub"), _arithmetic("sub", swapped=True)
    __mul__, __rmul__ = _arithmetic("mul"), _arithmetic("mul", swapped=True)
    __truediv__, __rtruediv__ = _arithmetic("div"), _arithmetic("div", swapped=True)
    __and__, __or__, __xor__ = _bitwise("and_"), _bitwise("or_"), _bitwise("xor")
    __lshift__, __rshift__ = _bitwise("shl"), _bitwise("lshr")
    __lt__, __gt__, __le__, __ge__ = (_comparison(operator) for operator in ("<", ">", "<=", ">="))
    __eq__, __ne__ = _comparison("=="), _comparison("!=")  # type: ignore[assignment]

    def __neg__(self) -> "Term":
        return self.write("fneg", self.value)

    def __abs__(self) -> "Term":
        return self.call("llvm.fabs", self)

    def select(self, a: Any, b: Any) -> "Term":
        typed = a if isinstance(a, Term) else b if isinstance(b, Term) else self.constant(a)
        return self.write("select", self.value, typed.like(a), typed.like(b))

    def constant(self, number: np.floating) -> "Term":
        kind = _llvm().FloatType() if isinstance(number, np.float32) else _llvm().DoubleType()
        return Term(self.builder, kind(float(number)))

    def bits(self) -> "Term":
        return self.write("bitcast", self.value, _llvm().IntType(32 if self.is_single() else 64))

    def real(self) -> "Term":
        return self.write("bitcast", self.value, _llvm().FloatType() if self.value.type.width == 32 else _llvm().DoubleType())

    def to_f64(self) -> "Term":
        return self.write("fpext", self.value, _llvm().DoubleType()) if self.is_single() else self

    def to_f32(self) -> "Term":
        return self if self.is_single() else self.write("fptrunc", self.value, _llvm().FloatType())

    def call(self, intrinsic: str, *arguments: Any) -> "Term":
        kind = self.value.type
        signature = _llvm().FunctionType(kind, [kind] * len(arguments))
        function = self.builder.module.declare_intrinsic(intrinsic, [kind], signature)
        return self.write("call", function, [self.like(argument) for argument in arguments])

    def write(self, instruction: str, *operands: Any, **options: Any) -> "Term":
        return Term(self.builder, getattr(self.builder, instruction)(*operands, **options))

    def like(self, other: Any) -> Any:
        """The LLVM value of `other`, which is a Term or a Python number to be of this type."""
        return other.value if isinstance(other, Term) else self.value.type(float(other) if self.is_real() else other)

    def is_real(self) -> bool:
        return not isinstance(self.value.type, _llvm().IntType)

    def is_single(self) -> bool:
        return isinstance(self.value.type, _llvm().FloatType)


def rescue(module: Any, kind: Any, name: str) -> Any:
    """The function (y, x) -> y, or `name`(x) where |x| > REDUCED: a call that LLVM can vectorise, although it branches.

    Its variants for 2, 4, ... numbers, which a vectorised loop calls instead, branch once for all of them. They are found by the
    attribute "vector-function-abi-variant" (LLVM Language Reference), and kept, unused as they are before that, by weak linkage.
    """
    symbol = f"jitgrad_{name}_{kind.intrinsic_name}"
    if symbol in module.globals:
        return module.globals[symbol]
    lanes = (2, 4, 8) if isinstance(kind, _llvm().DoubleType) else (2, 4, 8, 16)
    for count in lanes:
        _rescue(module, _llvm().VectorType(kind, count), name, f"{symbol}_{count}").linkage = "weak_odr"
    scalar = _rescue(module, kind, name, symbol)
    scalar.linkage = "linkonce_odr"
    variants = ",".join(f"_ZGV_LLVM_N{count}vv_{symbol}({symbol}_{count})" for count in lanes)
    set.add(scalar.attributes, f'"vector-function-abi-variant"="{variants}"')
    return scalar


def _rescue(module: Any, kind: Any, name: str, symbol: str) -> Any:
    ir = _llvm()
    function = ir.Function(module, ir.FunctionType(kind, [kind, kind]), symbol)
    for attribute in ("noinline", "nounwind", "willreturn", "memory(none)"):
        set.add(function.attributes, attribute)  # llvmlite's own `add` does not know them all
    start, slow, done = (function.append_basic_block(block) for block in ("start", "slow", "done"))
    builder = ir.IRBuilder(start)
    y, x = function.args
    lanes = kind.count if isinstance(kind, ir.VectorType) else 1
    huge = builder.or_(
        builder.fcmp_ordered(">", x, _splat(kind, REDUCED)),
        builder.fcmp_ordered("<", x, _splat(kind, -REDUCED)),
    )
    mask = builder.bitcast(huge, ir.IntType(lanes))
    builder.cbranch(builder.icmp_unsigned("!=", mask, mask.type(0)), slow, done)
    builder.position_at_end(slow)
    result = builder.select(huge, _lane_by_lane(builder, name, x), y)
    builder.branch(done)
    builder.position_at_end(done)
    choice = builder.phi(kind)
    choice.add_incoming(y, start)
    choice.add_incoming(result, slow)
    builder.ret(choice)
    return function


def _splat(kind: Any, number: float) -> Any:
    return kind([kind.element(number)] * kind.count) if isinstance(kind, _llvm().VectorType) else kind(number)


def _lane_by_lane(builder: Any, name: str, x: Any) -> Any:
    """The C library's `name` of each number in x."""
    ir = _llvm()
    if not isinstance(x.type, ir.VectorType):
        return Term(builder, x).call(f"llvm.{name}", Term(builder, x)).value
    result = x
    for lane in map(ir.IntType(32), range(x.type.count)):
        value = Term(builder, builder.extract_element(x, lane))
        result = builder.insert_element(result, value.call(f"llvm.{name}", value).value, lane)
    return result


def _llvm() -> Any:
    """llvmlite's IR, imported only where numba compiles."""
    from llvmlite import ir

    return ir


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
