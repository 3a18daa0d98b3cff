"""Elementwise ops: one row each.

All operands of an elementwise op have one shape; broadcasting and conversion are ops of their own. The dtype of the
result is that of the operands, or bool where the row says so. ``expression`` is the meaning in SymPy's words; SymPy derives the
partial derivatives from it, unless the row states them: at ties, kinks and where the derived form would overflow; one that is
empty is not known.
Ties share the gradient equally; ``abs`` and ``sign`` have derivative 0 at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import VerifyError
from ..ir import ArrayType, Equation, Type, Var
from ..ir.types import BOOL
from .builder import Builder
from .op import Attrs, Contribution, Jvp, Op, Transpose

FLOATS, INTEGERS, BOOLS = "f", "iu", "b"
NUMBERS = FLOATS + INTEGERS


def row(
    name: str,
    reference: Callable[..., Any],
    arity: int,
    *,
    kinds: str = FLOATS,
    result: str = "same",
    python: str = "",
    expression: str = "",
    partials: tuple[str, ...] | None = None,
    linear: tuple[int, ...] = (),
    multilinear: tuple[int, ...] = (),
    jvp: Jvp | None = None,
    transpose: Transpose | None = None,
    no_derivative: str = "",
    commutative: bool = False,
    identity: float | None = None,
    annihilator: float | None = None,
) -> Op:
    """The record of an elementwise op. ``kinds`` are the dtype kinds that it takes, ``result`` is "same" or "bool"."""

    def infer(types: Sequence[Any], attributes: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
        if len(types) != arity or not all(isinstance(t, ArrayType) for t in types):
            raise VerifyError(f"{name} takes {arity} arrays, found {list(types)}")
        if any(t != types[0] for t in types):
            raise VerifyError(f"{name} takes operands of one type, found {', '.join(map(str, types))}")
        if types[0].dtype.kind not in kinds:
            raise VerifyError(f"{name} does not take {types[0].dtype}")
        return (types[0].with_dtype(BOOL) if result == "bool" else types[0],)

    return Op(
        name,
        infer,
        reference,
        linear=linear,
        multilinear=multilinear,
        jvp=jvp,
        transpose=transpose,
        no_derivative=no_derivative,
        elementwise=True,
        python=python,
        expression=expression or f"{name}({', '.join('xyz'[:arity])})",
        partials=partials,
        commutative=commutative,
        identity=identity,
        annihilator=annihilator,
    )


def _infer_select(types: Sequence[Any], attributes: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    if len(types) != 3 or types[1] != types[2] or types[0] != types[1].with_dtype(BOOL):
        raise VerifyError(f"select takes a bool array and two arrays of one type, found {', '.join(map(str, types))}")
    return (types[1],)


def _special(name: str) -> Callable[..., Any]:
    """The function of ``scipy.special``, which is imported when it is called."""

    def apply(*operands: np.ndarray) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*operands)

    return apply


def _polygamma(n: np.ndarray, x: np.ndarray) -> Any:
    from scipy.special import polygamma

    known = (n >= 1) & (n <= 170) & (n == np.floor(n))
    return np.where(known, polygamma(np.where(known, n, 1), x), np.nan).astype(x.dtype)


def _softplus(x: np.ndarray) -> Any:
    return np.logaddexp(x, np.zeros_like(x))


def _floor_divide(x: np.ndarray, y: np.ndarray) -> Any:
    with np.errstate(all="ignore"):
        return np.floor_divide(x, y)


def _remainder(x: np.ndarray, y: np.ndarray) -> Any:
    with np.errstate(all="ignore"):
        return np.remainder(x, y)


def _masked_mul(x: np.ndarray, y: np.ndarray) -> Any:
    return np.where(x == 0, x, x * y)


Tangents = Sequence[Var | None]


def _jvp_add(b: Builder, e: Equation, tangents: Tangents) -> tuple[Var | None, ...]:
    """Where one operand has a tangent."""
    dx, dy = tangents
    return (dy if dx is None else dx,)


def _jvp_sub(b: Builder, e: Equation, tangents: Tangents) -> tuple[Var | None, ...]:
    """Where one operand has a tangent."""
    dx, dy = tangents
    return (dx if dy is None else b.emit("neg", dy),)


def _jvp_div(b: Builder, e: Equation, tangents: Tangents) -> tuple[Var | None, ...]:
    """(dx - (x / y) dy) / y: one more division, in both modes."""
    dx, dy = tangents
    assert dy is not None
    carried = b.mul(dy, e.result)
    return (b.div(b.emit("neg", carried) if dx is None else b.sub(dx, carried), e.operands[1]),)


def _transpose_select(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    test, x, _ = e.operands
    return (None, lambda: b.select(test, ct[0], b.zeros_like(x)), lambda: b.select(test, b.zeros_like(x), ct[0]))


_STEP = "constant almost everywhere"
_LOGIC = "a truth value"
_BITS = "integers have no derivative"

ELEMENTWISE: tuple[Op, ...] = (
    # arithmetic
    row("add", np.add, 2, kinds=NUMBERS, python="{0} + {1}", expression="x + y", commutative=True, identity=0,
        linear=(0, 1), jvp=_jvp_add, transpose=lambda b, e, ct: (ct[0], ct[0])),
    row("sub", np.subtract, 2, kinds=NUMBERS, python="{0} - {1}", expression="x - y",
        linear=(0, 1), jvp=_jvp_sub, transpose=lambda b, e, ct: (ct[0], lambda: b.emit("neg", ct[0]))),
    row("mul", np.multiply, 2, kinds=NUMBERS, python="{0} * {1}", expression="x * y", commutative=True, identity=1,
        multilinear=(0, 1), transpose=lambda b, e, ct: (lambda: b.scale(ct[0], e.operands[1]),
                                                        lambda: b.scale(ct[0], e.operands[0]))),
    # x * y, but 0 where x is 0, even if y is infinite or NaN: the cotangent of what where() did not choose stays 0
    row("masked_mul", _masked_mul, 2, python="{0} if {0} == 0 else {0} * {1}", expression="x * y",
        multilinear=(0, 1), transpose=lambda b, e, ct: (lambda: b.scale(ct[0], e.operands[1]),
                                                        lambda: b.emit("masked_mul", e.operands[0], ct[0]))),
    row("div", np.divide, 2, python="{0} / {1}", expression="x / y",
        linear=(0,), jvp=_jvp_div, transpose=lambda b, e, ct: (b.scale_down(ct[0], e.operands[1]), None)),
    row("neg", np.negative, 1, kinds=NUMBERS, python="-{0}", expression="-x",
        linear=(0,), transpose=lambda b, e, ct: (b.emit("neg", ct[0]),)),
    row("abs", np.absolute, 1, kinds=NUMBERS, partials=("sign(x)",)),
    row("sign", np.sign, 1, kinds=NUMBERS, no_derivative=_STEP),
    row("square", np.square, 1, kinds=NUMBERS, python="{0} * {0}", expression="x**2", partials=("2 * x",)),
    row("floor_divide", _floor_divide, 2, kinds=NUMBERS, no_derivative=_STEP),
    row("remainder", _remainder, 2, kinds=NUMBERS, partials=("1", "-floor_divide(x, y)")),
    row("fmod", np.fmod, 2, kinds=NUMBERS, partials=("1", "-trunc(x / y)")),
    row(
        "pow", np.power, 2, kinds=NUMBERS, expression="x**y",
        partials=("select((y == 0) & ((x == 0) | isnan(x)), 0, "
                  "y * pow(x, select((y == 0) & ((x == 0) | isnan(x)), 1, y - 1)))",
                  "select((x == 0) & (y > 0), 0, pow(x, y) * log(select((x == 0) & (y > 0), 1, x)))"),
    ),
    # roots, exponentials, logarithms
    row("sqrt", np.sqrt, 1, partials=("0.5 / sqrt(x)",)),
    row("cbrt", np.cbrt, 1, partials=("1 / (3 * cbrt(x)**2)",)),
    row("exp", np.exp, 1),
    row("exp2", np.exp2, 1, partials=("exp2(x) * 0.6931471805599453",)),
    row("expm1", np.expm1, 1, expression="exp(x) - 1"),
    row("log", np.log, 1),
    row("log2", np.log2, 1, partials=("1.4426950408889634 / x",)),
    row("log10", np.log10, 1, partials=("0.4342944819032518 / x",)),
    row("log1p", np.log1p, 1, expression="log(1 + x)"),
    row("logaddexp", np.logaddexp, 2, commutative=True,
        partials=("select((x == y) & isinf(x), 0.5, logistic(x - y))", "select((x == y) & isinf(x), 0.5, logistic(y - x))")),
    row("logaddexp2", np.logaddexp2, 2, commutative=True,
        partials=("select((x == y) & isinf(x), 0.5, logistic((x - y) * 0.6931471805599453))",
                  "select((x == y) & isinf(x), 0.5, logistic((y - x) * 0.6931471805599453))")),
    row("logistic", _special("expit"), 1, expression="1/(1 + exp(-x))", partials=("logistic(x) * logistic(-x)",)),
    row("softplus", _softplus, 1, expression="log(1 + exp(x))", partials=("logistic(x)",)),
    # trigonometric and hyperbolic
    row("sin", np.sin, 1),
    row("cos", np.cos, 1),
    row("tan", np.tan, 1),
    row("arcsin", np.arcsin, 1, expression="asin(x)", partials=("1 / sqrt((1 - x) * (1 + x))",)),
    row("arccos", np.arccos, 1, expression="acos(x)", partials=("-1 / sqrt((1 - x) * (1 + x))",)),
    row("arctan", np.arctan, 1, expression="atan(x)"),
    row("arctan2", np.arctan2, 2, expression="atan2(x, y)",
        partials=("(y / hypot(x, y)) / hypot(x, y)", "-(x / hypot(x, y)) / hypot(x, y)")),
    row("hypot", np.hypot, 2, expression="sqrt(x**2 + y**2)", commutative=True,
        partials=("select(hypot(x, y) == 0, 0, x / hypot(x, y))", "select(hypot(x, y) == 0, 0, y / hypot(x, y))")),
    row("sinh", np.sinh, 1),
    row("cosh", np.cosh, 1),
    row("tanh", np.tanh, 1),
    row("arcsinh", np.arcsinh, 1, expression="asinh(x)", partials=("1 / hypot(x, 1)",)),
    row("arccosh", np.arccosh, 1, expression="acosh(x)", partials=("1 / (sqrt(x - 1) * sqrt(x + 1))",)),
    row("arctanh", np.arctanh, 1, expression="atanh(x)", partials=("1 / ((1 - x) * (1 + x))",)),
    # special functions
    row("erf", _special("erf"), 1),
    row("erfc", _special("erfc"), 1),
    # exp(x**2) * erfc(x); far out the derivative is a small difference, and summed in powers of 1 / x**2
    row("erfcx", _special("erfcx"), 1,
        partials=("select(x > 50, ((1.5 * (1 - 2.5 / x / x) / x / x - 1) / x / x) * 0.5641895835477563, "
                  "2 * x * erfcx(x) - 1.1283791670955126)",)),
    row("erfinv", _special("erfinv"), 1, partials=("0.886226925452758 * exp(square(erfinv(x)))",)),
    row("ndtri", _special("ndtri"), 1, partials=("2.5066282746310002 * exp(0.5 * square(ndtri(x)))",)),
    row("log_ndtr", _special("log_ndtr"), 1, partials=("0.7978845608028654 / erfcx(-0.7071067811865476 * x)",)),
    row("gamma", _special("gamma"), 1, partials=("gamma(x) * digamma(x)",)),
    row("lgamma", _special("gammaln"), 1, partials=("digamma(x)",)),
    row("digamma", _special("digamma"), 1, partials=("polygamma(1, x)",)),
    row("polygamma", _polygamma, 2, partials=("", "polygamma(x + 1, y)")),  # the x-th derivative of digamma
    row("gammainc", _special("gammainc"), 2, partials=("", "exp(select(x == 1, 0, (x - 1) * log(y)) - y - lgamma(x))")),
    row("gammaincc", _special("gammaincc"), 2, partials=("", "-exp(select(x == 1, 0, (x - 1) * log(y)) - y - lgamma(x))")),
    row("betainc", _special("betainc"), 3,
        partials=("", "", "exp(select(x == 1, 0, (x - 1) * log(z)) + select(y == 1, 0, (y - 1) * log1p(-z)) "
                          "+ lgamma(x + y) - lgamma(x) - lgamma(y))")),
    row("i0e", _special("i0e"), 1, partials=("i1e(x) - sign(x) * i0e(x)",)),
    row("i1e", _special("i1e"), 1, partials=("select(x == 0, 0.5, i0e(x) - i1e(x) * (sign(x) + 1 / select(x == 0, 1, x)))",)),
    # rounding and signs
    row("floor", np.floor, 1, no_derivative=_STEP),
    row("ceil", np.ceil, 1, no_derivative=_STEP),
    row("trunc", np.trunc, 1, no_derivative=_STEP),
    row("rint", np.rint, 1, no_derivative=_STEP),
    row("copysign", np.copysign, 2, partials=("select(signbit(x) == signbit(y), 1, -1)", "0")),
    # the larger and the smaller; fmax and fmin pass over NaN
    row("maximum", np.maximum, 2, kinds=NUMBERS + BOOLS, expression="Max(x, y)", commutative=True,
        partials=("select(x < y, 0, select(x > y, 1, select(x == y, 0.5, x + y)))",
                  "select(y < x, 0, select(y > x, 1, select(x == y, 0.5, x + y)))")),
    row("minimum", np.minimum, 2, kinds=NUMBERS + BOOLS, expression="Min(x, y)", commutative=True,
        partials=("select(x > y, 0, select(x < y, 1, select(x == y, 0.5, x + y)))",
                  "select(y > x, 0, select(y < x, 1, select(x == y, 0.5, x + y)))")),
    row("fmax", np.fmax, 2, kinds=NUMBERS + BOOLS, commutative=True,
        partials=("select((x < y) | isnan(x), 0, select(x == y, 0.5, 1))",
                  "select((y < x) | isnan(y), 0, select(x == y, 0.5, 1))")),
    row("fmin", np.fmin, 2, kinds=NUMBERS + BOOLS, commutative=True,
        partials=("select((x > y) | isnan(x), 0, select(x == y, 0.5, 1))",
                  "select((y > x) | isnan(y), 0, select(x == y, 0.5, 1))")),
    # comparison
    row("eq", np.equal, 2, kinds=NUMBERS + BOOLS, result="bool", python="{0} == {1}", no_derivative=_LOGIC, commutative=True),
    row("ne", np.not_equal, 2, kinds=NUMBERS + BOOLS, result="bool", python="{0} != {1}", no_derivative=_LOGIC, commutative=True),
    row("lt", np.less, 2, kinds=NUMBERS + BOOLS, result="bool", python="{0} < {1}", no_derivative=_LOGIC),
    row("le", np.less_equal, 2, kinds=NUMBERS + BOOLS, result="bool", python="{0} <= {1}", no_derivative=_LOGIC),
    row("gt", np.greater, 2, kinds=NUMBERS + BOOLS, result="bool", python="{0} > {1}", no_derivative=_LOGIC),
    row("ge", np.greater_equal, 2, kinds=NUMBERS + BOOLS, result="bool", python="{0} >= {1}", no_derivative=_LOGIC),
    row("isnan", np.isnan, 1, result="bool", no_derivative=_LOGIC),
    row("isinf", np.isinf, 1, result="bool", no_derivative=_LOGIC),
    row("isfinite", np.isfinite, 1, result="bool", no_derivative=_LOGIC),
    row("signbit", np.signbit, 1, result="bool", no_derivative=_LOGIC),
    # truth values and bits
    row("and", np.bitwise_and, 2, kinds=INTEGERS + BOOLS, python="{0} & {1}", no_derivative=_BITS, commutative=True),
    row("or", np.bitwise_or, 2, kinds=INTEGERS + BOOLS, python="{0} | {1}", no_derivative=_BITS, commutative=True),
    row("xor", np.bitwise_xor, 2, kinds=INTEGERS + BOOLS, python="{0} ^ {1}", no_derivative=_BITS, commutative=True),
    row("not", np.invert, 1, kinds=INTEGERS + BOOLS, no_derivative=_BITS),
    row("shift_left", np.left_shift, 2, kinds=INTEGERS, no_derivative=_BITS),
    row("shift_right", np.right_shift, 2, kinds=INTEGERS, no_derivative=_BITS),
    # choice
    Op("select", _infer_select, np.where, elementwise=True, python="{1} if {0} else {2}",
       linear=(1, 2), expression="Piecewise((y, x), (z, True))", transpose=_transpose_select),
)  # fmt: skip
