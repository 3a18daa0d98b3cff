"""Elementwise ops: one row each.

All operands of an elementwise op have one shape; broadcasting and conversion are ops of their own. The dtype of the
result is that of the operands, or bool where the row says so. ``expression`` is the meaning in SymPy's words; SymPy derives the
partial derivatives from it, unless the row states them: at ties, kinks and where the derived form would overflow.
Ties share the gradient equally; ``abs`` and ``sign`` have derivative 0 at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import VerifyError
from ..ir import ArrayType, Type
from ..ir.types import BOOL
from .op import Attrs, Op

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


def _erf(x: np.ndarray) -> Any:
    from scipy.special import erf

    return erf(x)


def _erfc(x: np.ndarray) -> Any:
    from scipy.special import erfc

    return erfc(x)


def _lgamma(x: np.ndarray) -> Any:
    from scipy.special import gammaln

    return gammaln(x)


def _digamma(x: np.ndarray) -> Any:
    from scipy.special import digamma

    return digamma(x)


def _logistic(x: np.ndarray) -> Any:
    from scipy.special import expit

    return expit(x)


def _softplus(x: np.ndarray) -> Any:
    return np.logaddexp(x, np.zeros_like(x))


def _floor_divide(x: np.ndarray, y: np.ndarray) -> Any:
    with np.errstate(all="ignore"):
        return np.floor_divide(x, y)


def _remainder(x: np.ndarray, y: np.ndarray) -> Any:
    with np.errstate(all="ignore"):
        return np.remainder(x, y)


_STEP = "constant almost everywhere"
_LOGIC = "a truth value"
_BITS = "integers have no derivative"

ELEMENTWISE: tuple[Op, ...] = (
    # arithmetic
    row("add", np.add, 2, kinds=NUMBERS, python="{0} + {1}", expression="x + y", commutative=True, identity=0),
    row("sub", np.subtract, 2, kinds=NUMBERS, python="{0} - {1}", expression="x - y"),
    row("mul", np.multiply, 2, kinds=NUMBERS, python="{0} * {1}", expression="x * y", commutative=True, identity=1),
    row("div", np.divide, 2, python="{0} / {1}", expression="x / y", partials=("1 / y", "-(x / y) / y")),
    row("neg", np.negative, 1, kinds=NUMBERS, python="-{0}", expression="-x"),
    row("abs", np.absolute, 1, kinds=NUMBERS, partials=("sign(x)",)),
    row("sign", np.sign, 1, kinds=NUMBERS, no_derivative=_STEP),
    row("square", np.square, 1, kinds=NUMBERS, python="{0} * {0}", expression="x**2", partials=("2 * x",)),
    row("floor_divide", _floor_divide, 2, kinds=NUMBERS, no_derivative=_STEP),
    row("remainder", _remainder, 2, kinds=NUMBERS, partials=("1", "-floor_divide(x, y)")),
    row("fmod", np.fmod, 2, kinds=NUMBERS, partials=("1", "-trunc(x / y)")),
    row(
        "pow", np.power, 2, kinds=NUMBERS, expression="x**y",
        partials=("select(y == 0, 0, y * pow(x, select(y == 0, 1, y - 1)))",
                  "select((x == 0) & (y > 0), 0, pow(x, y) * log(select((x == 0) & (y > 0), 1, x)))"),
    ),
    # roots, exponentials, logarithms
    row("sqrt", np.sqrt, 1, partials=("0.5 / sqrt(x)",)),
    row("cbrt", np.cbrt, 1, partials=("cbrt(x) / (3 * x)",)),
    row("exp", np.exp, 1),
    row("exp2", np.exp2, 1, partials=("exp2(x) * 0.6931471805599453",)),
    row("expm1", np.expm1, 1, expression="exp(x) - 1"),
    row("log", np.log, 1),
    row("log2", np.log2, 1, partials=("1.4426950408889634 / x",)),
    row("log10", np.log10, 1, partials=("0.4342944819032518 / x",)),
    row("log1p", np.log1p, 1, expression="log(1 + x)"),
    row("logaddexp", np.logaddexp, 2, commutative=True,
        partials=("select(x == y, 0.5, logistic(x - y))", "select(x == y, 0.5, logistic(y - x))")),
    row("logaddexp2", np.logaddexp2, 2, commutative=True,
        partials=("select(x == y, 0.5, logistic((x - y) * 0.6931471805599453))",
                  "select(x == y, 0.5, logistic((y - x) * 0.6931471805599453))")),
    row("logistic", _logistic, 1, expression="1/(1 + exp(-x))", partials=("logistic(x) * logistic(-x)",)),
    row("softplus", _softplus, 1, expression="log(1 + exp(x))", partials=("logistic(x)",)),
    # trigonometric and hyperbolic
    row("sin", np.sin, 1),
    row("cos", np.cos, 1),
    row("tan", np.tan, 1),
    row("arcsin", np.arcsin, 1, expression="asin(x)"),
    row("arccos", np.arccos, 1, expression="acos(x)"),
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
    row("erf", _erf, 1),
    row("erfc", _erfc, 1),
    row("lgamma", _lgamma, 1, partials=("digamma(x)",)),
    row("digamma", _digamma, 1, no_derivative="the trigamma function is not an op"),
    # rounding and signs
    row("floor", np.floor, 1, no_derivative=_STEP),
    row("ceil", np.ceil, 1, no_derivative=_STEP),
    row("trunc", np.trunc, 1, no_derivative=_STEP),
    row("rint", np.rint, 1, no_derivative=_STEP),
    row("copysign", np.copysign, 2, partials=("select(signbit(x) == signbit(y), 1, -1)", "0")),
    # the larger and the smaller; fmax and fmin pass over NaN
    row("maximum", np.maximum, 2, kinds=NUMBERS + BOOLS, expression="Max(x, y)", commutative=True,
        partials=("select(x > y, 1, select(x == y, 0.5, select(x < y, 0, x + y)))",
                  "select(y > x, 1, select(x == y, 0.5, select(y < x, 0, x + y)))")),
    row("minimum", np.minimum, 2, kinds=NUMBERS + BOOLS, expression="Min(x, y)", commutative=True,
        partials=("select(x < y, 1, select(x == y, 0.5, select(x > y, 0, x + y)))",
                  "select(y < x, 1, select(x == y, 0.5, select(y > x, 0, x + y)))")),
    row("fmax", np.fmax, 2, kinds=NUMBERS + BOOLS, commutative=True,
        partials=("select((x > y) | isnan(y), 1, select(x == y, 0.5, 0))",
                  "select((y > x) | isnan(x), 1, select(x == y, 0.5, 0))")),
    row("fmin", np.fmin, 2, kinds=NUMBERS + BOOLS, commutative=True,
        partials=("select((x < y) | isnan(y), 1, select(x == y, 0.5, 0))",
                  "select((y < x) | isnan(x), 1, select(x == y, 0.5, 0))")),
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
       linear=(1, 2), expression="Piecewise((y, x), (z, True))",
       transpose=lambda b, e, ct: (None, b.select(e.operands[0], ct[0], b.zeros_like(ct[0])),
                                   b.select(e.operands[0], b.zeros_like(ct[0]), ct[0]))),
)  # fmt: skip
