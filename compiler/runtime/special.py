"""Special functions of numbers, in float64: what ``scipy.special`` gives, zeros, poles, infinities and NaN included.

In: numbers. Out: their gamma, error and Bessel functions and what belongs to them. Each function is plain Python that numba compiles as it
stands, for a GPU too. The tests of the runtime bound each error.
"""

from __future__ import annotations

import math
from typing import Any

from numba.extending import register_jitable

# the scaled complementary error function: numerators and denominators of W. J. Cody, Rational Chebyshev approximations for the error
# function (1969), by rising powers of x^2, of x and of 1 / x^2
ERF_OVER = (
    3.20937758913846947e03,
    3.77485237685302021e02,
    1.13864154151050156e02,
    3.16112374387056560e00,
    1.85777706184603153e-1,
)
ERF_UNDER = (2.84423683343917062e03, 1.28261652607737228e03, 2.44024637934444173e02, 2.36012909523441209e01, 1.0)
ERFCX_OVER = (
    1.23033935479799725e03,
    2.05107837782607147e03,
    1.71204761263407058e03,
    8.81952221241769090e02,
    2.98635138197400131e02,
    6.61191906371416295e01,
    8.88314979438837594e0,
    5.64188496988670089e-1,
    2.15311535474403846e-8,
)
ERFCX_UNDER = (
    1.23033935480374942e03,
    3.43936767414372164e03,
    4.36261909014324716e03,
    3.29079923573345963e03,
    1.62138957456669019e03,
    5.37181101862009858e02,
    1.17693950891312499e02,
    1.57449261107098347e01,
    1.0,
)
ERFCX_FAR_OVER = (
    6.58749161529837803e-4,
    1.60837851487422766e-2,
    1.25781726111229246e-1,
    3.60344899949804439e-1,
    3.05326634961232344e-1,
    1.63153871373020978e-2,
)
ERFCX_FAR_UNDER = (
    2.33520497626869185e-3,
    6.05183413124413191e-2,
    5.27905102951428412e-1,
    1.87295284992346725e00,
    2.56852019228982242e00,
    1.0,
)
# quantiles of the normal distribution: M. J. Wichura, Algorithm AS 241 (1988), by rising powers
QUANTILE_OVER = (
    3.3871328727963666080e0,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
)
QUANTILE_UNDER = (
    1.0,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
)
QUANTILE_TAIL_OVER = (
    1.42343711074968357734e0,
    4.63033784615654529590e0,
    5.76949722146069140550e0,
    3.64784832476320460504e0,
    1.27045825245236838258e0,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
)
QUANTILE_TAIL_UNDER = (
    1.0,
    2.05319162663775882187e0,
    1.67638483018380384940e0,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
QUANTILE_FAR_OVER = (
    6.65790464350110377720e0,
    5.46378491116411436990e0,
    1.78482653991729133580e0,
    2.96560571828504891230e-1,
    2.65321895265761230930e-2,
    1.24266094738807843860e-3,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
)
QUANTILE_FAR_UNDER = (
    1.0,
    5.99832206555887937690e-1,
    1.36929880922735805310e-1,
    1.48753612908506148525e-2,
    7.86869131145613259100e-4,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)
# Chebyshev series fitted to exp(-x) I0(x) and exp(-x) I1(x) / x on [0, 8], and to both times sqrt(x) in 1 / x on [0, 1/8]
I0_NEAR = (
    0.33839763720473803,
    -0.3046826723431984,
    0.17162090152220877,
    -0.09490109704804764,
    0.04930528423967071,
    -0.02373741480589947,
    0.010546460394594998,
    -0.004324309995050576,
    0.0016394756169413357,
    -0.0005763755745385824,
    0.00018850288509584165,
    -5.754195010082104e-05,
    1.6448448070728896e-05,
    -4.4167383584587505e-06,
    1.1173875391201037e-06,
    -2.670793853940612e-07,
    6.046995022541919e-08,
    -1.300025009986248e-08,
    2.6598237246823866e-09,
    -5.189795601635263e-10,
    9.675809035373237e-11,
    -1.726826291441556e-11,
    2.95505266312964e-12,
    -4.856446783111929e-13,
    7.676185498604936e-14,
    -1.1685332877993451e-14,
    1.715391285555133e-15,
    -2.431279846547955e-16,
    3.3307945188222384e-17,
    -4.4153416464793395e-18,
    5.669178006921496e-19,
)
I1_NEAR = (
    0.12629359322181682,
    -0.17641651835783406,
    0.1026436586898471,
    -0.05294598120809499,
    0.024726449030626516,
    -0.010564084894626197,
    0.004156422944312888,
    -0.0015135724506312532,
    0.0005122859561685758,
    -0.00016176081582589674,
    4.781565107550054e-05,
    -1.3273163656039436e-05,
    3.4702513081376785e-06,
    -8.568720264695455e-07,
    2.0032947535521353e-07,
    -4.445059128796328e-08,
    9.381537386495773e-09,
    -1.8872497517228294e-09,
    3.625590281552117e-10,
    -6.663489723502027e-11,
    1.1736186298890901e-11,
    -1.9839743977649436e-12,
    3.223793365945575e-13,
    -5.042185504727912e-14,
    7.600684294735408e-15,
    -1.1055969477353862e-15,
    1.5536319577362005e-16,
    -2.111421214358166e-17,
    2.7779141127610464e-18,
    -3.541581772542136e-19,
)
I0_FAR = (
    0.4022452055070544,
    0.0033691164782556943,
    6.889758346916825e-05,
    2.8913705208347567e-06,
    2.0489185894690638e-07,
    2.266668990498178e-08,
    3.3962320257083865e-09,
    4.94060238822497e-10,
    1.1889147107846439e-11,
    -3.1499165279632416e-11,
    -1.3215811840447713e-11,
    -1.7941785315068062e-12,
    7.180124451383666e-13,
    3.8527783827421426e-13,
    1.54008621752141e-14,
    -4.150569347287222e-14,
    -9.554846698828307e-15,
    3.8116806693526224e-15,
    1.7725601330565263e-15,
    -3.425485619677219e-16,
    -2.8276239805165836e-16,
    3.461222867697461e-17,
    4.46562142029676e-17,
    -4.830504485944182e-18,
    -7.233180487874754e-18,
    9.921475412173699e-19,
    1.193650890845982e-18,
    -2.4887098371508075e-19,
    -1.938426454160906e-19,
)
I1_FAR = (
    0.38928811750914005,
    -0.009761097491361469,
    -0.00011058893876262371,
    -3.882564808877691e-06,
    -2.512236237870209e-07,
    -2.6314688468895196e-08,
    -3.835380385964237e-09,
    -5.589743462196584e-10,
    -1.8974958123505413e-11,
    3.2526035830154884e-11,
    1.4125807436613782e-11,
    2.0356285441470896e-12,
    -7.198551776245908e-13,
    -4.0835511110921974e-13,
    -2.1015418427726643e-14,
    4.272440016711951e-14,
    1.0420276984128802e-14,
    -3.8144030724370075e-15,
    -1.8803547755107825e-15,
    3.3082023109209285e-16,
    2.96262899764595e-16,
    -3.209525921993424e-17,
    -4.6503053684893586e-17,
    4.414348323071708e-18,
    7.517296310842105e-18,
    -9.314178867326884e-19,
    -1.242193275194891e-18,
    2.4142767194548486e-19,
    2.0269443840532852e-19,
)
LGAMMA_NEAR_ONE = (
    0.8224670334241132,
    0.40068563438653143,
    0.27058080842778454,
    0.207385551028674,
    0.16955717699740822,
    0.14404989676884614,
    0.12550966952474304,
    0.11133426586956469,
    0.10009945751278179,
    0.09095401714582904,
    0.083353840546109,
    0.0769325164113522,
    0.07143294629536134,
    0.06666870588242046,
    0.06250095514121304,
    0.05882397865868458,
    0.055555767627403614,
)  # zeta(k) / k for k = 2, 3, ...


@register_jitable
def polynomial(x: Any, coefficients: Any) -> Any:
    """The sum of coefficients[k] x^k."""
    total = 0.0
    for k in range(len(coefficients) - 1, -1, -1):
        total = total * x + coefficients[k]
    return total


@register_jitable
def chebyshev(x: Any, coefficients: Any) -> Any:
    """The sum of coefficients[k] T_k(x), by Clenshaw's recurrence."""
    last, before = 0.0, 0.0
    for k in range(len(coefficients) - 1, 0, -1):
        last, before = 2.0 * x * last - before + coefficients[k], last
    return x * last - before + coefficients[0]


@register_jitable
def gamma(x: Any) -> Any:
    """The gamma function: infinite at 0, NaN at -1, -2, ..."""
    if x == 0:
        return math.copysign(math.inf, x)
    if x == -math.inf or (x < 0 and x % 1.0 == 0):
        return math.nan
    return math.inf if x > 171.7 else math.gamma(x)


@register_jitable
def erfcx(x: Any) -> Any:
    """exp(x^2) (1 - erf(x))."""
    y = abs(x)
    if y <= 0.46875:
        z = 1.0 * y * y
        return math.exp(z) * (1.0 - x * polynomial(z, ERF_OVER) / polynomial(z, ERF_UNDER))
    if y <= 4:
        scaled = polynomial(y, ERFCX_OVER) / polynomial(y, ERFCX_UNDER)
    else:
        z = 1.0 / y / y
        scaled = (0.56418958354775628695 - z * polynomial(z, ERFCX_FAR_OVER) / polynomial(z, ERFCX_FAR_UNDER)) / y
    if x > 0 or x != x:
        return scaled
    return math.inf if y > 26.7 else 2.0 * math.exp(1.0 * x * x) - scaled


@register_jitable
def normal_quantile(central: Any, tail: Any) -> Any:
    """Where the normal distribution is ``central`` above 1/2, and ``tail`` is what is left on that side."""
    if abs(central) <= 0.425:
        z = 0.180625 - central * central
        return central * polynomial(z, QUANTILE_OVER) / polynomial(z, QUANTILE_UNDER)
    s = math.sqrt(-math.log(tail))
    if s <= 5:
        found = polynomial(s - 1.6, QUANTILE_TAIL_OVER) / polynomial(s - 1.6, QUANTILE_TAIL_UNDER)
    else:
        found = polynomial(s - 5.0, QUANTILE_FAR_OVER) / polynomial(s - 5.0, QUANTILE_FAR_UNDER)
    return math.copysign(found, central)


@register_jitable
def ndtri(p: Any) -> Any:
    """The quantiles of the standard normal distribution."""
    if p == 0 or p == 1:
        return math.copysign(math.inf, p - 0.5)
    if not 0 < p < 1:
        return math.nan
    return normal_quantile(p - 0.5, min(1.0 * p, 1.0 - p))


@register_jitable
def erfinv(x: Any) -> Any:
    """Where the error function is x."""
    if x == 1 or x == -1:
        return math.copysign(math.inf, x)
    if not -1 < x < 1:
        return math.nan
    return normal_quantile(0.5 * x, 0.5 * (1.0 - abs(x))) * 0.70710678118654752440


@register_jitable
def log_ndtr(x: Any) -> Any:
    """The logarithm of the standard normal distribution function."""
    if x < -1:
        return -0.5 * x * x + math.log(0.5 * erfcx(-0.70710678118654752440 * x)) if x > -math.inf else -math.inf
    return math.log1p(-0.5 * math.erfc(0.70710678118654752440 * x))


@register_jitable
def i0e(x: Any) -> Any:
    """exp(-abs(x)) I0(x), of the modified Bessel function of the first kind."""
    y = 1.0 * abs(x)
    return chebyshev(y / 4.0 - 1.0, I0_NEAR) if y <= 8 else chebyshev(16.0 / y - 1.0, I0_FAR) / math.sqrt(y)


@register_jitable
def i1e(x: Any) -> Any:
    """exp(-abs(x)) I1(x), of the modified Bessel function of the first kind."""
    y = 1.0 * abs(x)
    if y <= 8:
        return x * chebyshev(y / 4.0 - 1.0, I1_NEAR)
    return math.copysign(chebyshev(16.0 / y - 1.0, I1_FAR) / math.sqrt(y), x)


@register_jitable
def gammainc(a: Any, x: Any) -> Any:
    """The lower incomplete gamma function, as a part of the whole."""
    if not (a >= 0 and x >= 0) or (a == 0 and x == 0) or (a == math.inf and x == math.inf):
        return math.nan
    if a == 0 or x == math.inf:
        return 1.0
    if x == 0 or a == math.inf:
        return 0.0
    return gamma_series(1.0 * a, 1.0 * x) if x < 1 or x < a else 1.0 - gamma_fraction(1.0 * a, 1.0 * x)


@register_jitable
def gammaincc(a: Any, x: Any) -> Any:
    """The upper incomplete gamma function, as a part of the whole."""
    if not (a >= 0 and x >= 0) or (a == 0 and x == 0) or (a == math.inf and x == math.inf):
        return math.nan
    if a == 0 or x == math.inf:
        return 0.0
    if x == 0 or a == math.inf:
        return 1.0
    if not (x < 1 or x < a):
        return gamma_fraction(1.0 * a, 1.0 * x)
    is_small = a < x if x > 0.5 else a * math.log(x) > -0.4
    return gamma_upper_series(1.0 * a, 1.0 * x) if is_small else 1.0 - gamma_series(1.0 * a, 1.0 * x)


@register_jitable
def gamma_upper_series(a: Any, x: Any) -> Any:
    """The upper incomplete gamma function for x < 1 and a small a, where it is far below 1 (DLMF 8.7.3)."""
    log_gamma = lgamma_near_one(a)
    factor, total, k = 1.0, 0.0, 0.0
    while abs(factor) > 1e-17 * abs(total):
        k += 1.0
        factor *= -x / k
        total += factor / (a + k)
    exponent = a * math.log(x) - log_gamma
    return -math.expm1(exponent) - a * math.exp(exponent) * total


@register_jitable
def lgamma_near_one(a: Any) -> Any:
    """log(gamma(1 + a)) for a >= 0, by its power series near 0 (DLMF 5.7.3)."""
    if a > 0.1:
        return math.lgamma(1.0 + a)
    return a * (a * polynomial(-a, LGAMMA_NEAR_ONE) - 0.57721566490153286061)


@register_jitable
def gamma_density(a: Any, x: Any) -> Any:
    """x^a exp(-x) / gamma(a), for large a by Stirling's series about x = a."""
    if a < 10:
        return math.exp(a * math.log(x) - x - math.lgamma(a))
    ratio, away = x / a, (x - a) / a
    if ratio == 0:
        return 0.0
    exponent = log1p_less(away) if abs(away) < 0.1 else math.log(ratio) - away
    z = 1.0 / (a * a)
    stirling = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / a
    return math.exp(a * exponent - stirling) * math.sqrt(a / (2.0 * math.pi))


@register_jitable
def log1p_less(x: Any) -> Any:
    """log(1 + x) - x for abs(x) < 0.1, by its power series."""
    total = 0.0
    for k in range(17, 1, -1):
        total = (1.0 / k if k % 2 == 1 else -1.0 / k) + x * total
    return total * x * x


@register_jitable
def gamma_series(a: Any, x: Any) -> Any:
    """The lower incomplete gamma function by its power series (DLMF 8.11.4)."""
    term, total, k = 1.0 / a, 1.0 / a, a
    while term > 1e-17 * total:
        k += 1.0
        term *= x / k
        total += term
    return gamma_density(a, x) * total


@register_jitable
def gamma_fraction(a: Any, x: Any) -> Any:
    """The upper incomplete gamma function by its continued fraction (DLMF 8.9.2), after Lentz."""
    b = x + 1.0 - a
    c = 1e300
    d = 1.0 / b
    total, step, k = d, 2.0, 0.0
    while abs(step - 1.0) > 2e-16 and k < 1e6:
        k += 1.0
        factor = k * (a - k)
        b += 2.0
        d = 1.0 / (factor * d + b)
        c = b + factor / c
        step = c * d
        total *= step
    return gamma_density(a, x) * total


@register_jitable
def betainc(a: Any, b: Any, x: Any) -> Any:
    """The incomplete beta function, as a part of the whole."""
    if not (a >= 0 and b >= 0 and 0 <= x <= 1) or (a == b and (a == 0 or a == math.inf)):
        return math.nan
    if x == 0 or x == 1:
        return 1.0 * x
    if a == 0 or b == math.inf:
        return 1.0
    if b == 0 or a == math.inf:
        return 0.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_fraction(1.0 * b, 1.0 * a, 1.0 - x, 1.0 * x)
    return beta_fraction(1.0 * a, 1.0 * b, 1.0 * x, 1.0 - x)


@register_jitable
def beta_fraction(a: Any, b: Any, x: Any, y: Any) -> Any:
    """The incomplete beta function by its continued fraction (DLMF 8.17.22), after Lentz; y is 1 - x."""
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    total, step, m = d, 2.0, 0.0
    while abs(step - 1.0) > 2e-16 and m < 1e5:
        m += 1.0
        factor = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        d = 1.0 / (1.0 + factor * d)
        c = 1.0 + factor / c
        total *= c * d
        factor = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d = 1.0 / (1.0 + factor * d)
        c = 1.0 + factor / c
        step = c * d
        total *= step
    return total * math.exp(a * math.log(x) + b * math.log(y) - math.lgamma(a) - math.lgamma(b) + math.lgamma(a + b)) / a
