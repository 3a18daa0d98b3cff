"""Python's conversions of numbers and its arithmetic functions, for traced values: counterparts for ``python_functions``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.types import F64, I64
from .calls import OPERATORS, has_traced, users_method
from .context import active_trace
from .elementwise import elementwise
from .functions import FUNCTIONS
from .promotion import as_tracer, convert
from .texts import Text
from .tracer import TracedSize, Tracer, describe, new
from .ufuncs import apply_ufunc
from .unbound import emit_check


def as_float(x: Any = 0.0) -> Any:
    if isinstance(x, (Tracer, TracedSize)):
        return new(convert(_single(x, "float"), F64).value, weak=True)
    _require_known(x)
    return float(x)


def as_int(x: Any = 0, *base: Any) -> Any:
    if isinstance(x, TracedSize):
        return x
    if isinstance(x, Tracer):
        single = _single(x, "int")
        return new(whole(single).value, weak=True, dim=single.dim)
    _require_known(x)
    return int(x, *base)


def whole(x: Tracer) -> Tracer:
    """A number as an integer; where there is none, the program raises Python's error, but not in loops, which that would make slower."""
    if x.dtype.kind != "f" or active_trace().scope.is_in_loop():
        return convert(x, I64)
    emit_check(elementwise("eq", x, x), ValueError("cannot convert float NaN to integer"))
    fits = elementwise("and", elementwise("ge", x, -(2.0**63)), elementwise("lt", x, 2.0**63))
    emit_check(fits, OverflowError("cannot convert float infinity to integer, nor one that does not fit into 64 bits"))
    return convert(x, I64)


def _require_known(x: Any) -> None:
    """Refuse the number in a text with traced values."""
    if isinstance(x, Text):
        hash(x)


def as_bool(x: Any = False) -> Any:
    decided = OPERATORS[0].truth(x)
    return new(decided.value, weak=True) if isinstance(decided, Tracer) else decided


def _single(x: Any, name: str) -> Tracer:
    tracer = as_tracer(x)
    if not tracer.type.rank:
        return tracer
    if active_trace().sizing.decide(tracer.type.size, "==", 1) is False:
        raise TypeError(f"only size-1 arrays can be converted with {name}(); found {describe(tracer)}")
    return new(tracer.reshape(()).value)


_SPLITTER = 2.0**27 + 1.0
_ALL_ARE_WHOLE = 2.0**53


def _to_decimals(x: Tracer, digits: int) -> Tracer:
    """A float with so many decimals, as Python rounds it: the number that it is exactly, and not ``x * 10**digits``, decides."""
    if abs(digits) > 22:  # 10**23 is not a float
        return FUNCTIONS[np.round](x, digits)  # type: ignore[no-any-return]
    power = 10.0 ** abs(digits)
    scaled = x * power if digits > 0 else x / power
    high, low = _product(x, power) if digits > 0 else _product(scaled, power)
    missing = low if digits > 0 else (x - high) - low  # has the sign of what is exactly scaled, less what was rounded
    whole = np.rint(scaled)
    is_half = np.abs(scaled - whole) == 0.5
    nearest = np.where(is_half & (missing > 0), np.ceil(scaled), np.where(is_half & (missing < 0), np.floor(scaled), whole))
    rounded = nearest / power if digits > 0 else nearest * power
    return np.where(np.abs(scaled) < _ALL_ARE_WHOLE, rounded, x)  # type: ignore[return-value]


def _product(x: Tracer, y: float) -> tuple[Tracer, Tracer]:
    """A product and what rounding it has left out (Dekker 1971, section 5)."""
    (x_high, x_low), (y_high, y_low) = _halves(x), _halves(y)
    product = x * y
    return product, ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low


def _halves(x: Any) -> tuple[Any, Any]:
    """A float as the sum of two with half as many digits."""
    scaled = _SPLITTER * x
    high = scaled - (scaled - x)
    return high, x - high


def _round(x: Any, digits: Any = None) -> Any:
    if not isinstance(x, Tracer):
        return round(x, digits) if digits is not None else round(x)
    if x.weak and x.dtype == F64 and digits:
        return new(_to_decimals(x, int(digits)).value, weak=True)
    rounded = FUNCTIONS[np.round](x, digits or 0)
    if digits is None and x.is_scalar:
        return as_int(rounded)
    return new(rounded.value, weak=True) if x.weak else rounded


def _pow(x: Any, y: Any, mod: Any = None) -> Any:
    if mod is None:
        return OPERATORS[0].binary("**", x, y)
    return _pow_modulo(x, y, mod) if has_traced((x, y, mod)) else pow(x, y, mod)


def _pow_modulo(x: Any, y: Any, mod: Any) -> Any:
    """``pow`` with a modulus: by squaring."""
    emit_check(as_tracer(y) >= 0, ValueError("pow() with a modulus takes exponents that are not negative"))
    operators, names = OPERATORS[0], ("power", "base", "exponent")
    modulo = functools.partial(operators.binary, "%")

    def step(power: Any, base: Any, exponent: Any) -> Any:
        product = modulo(power * base, mod)
        return elementwise("select", exponent % 2 == 1, product, power), modulo(base * base, mod), exponent // 2

    start = (modulo(as_tracer(1), mod), modulo(as_tracer(x), mod), as_tracer(y))
    return operators.while_(lambda *state: (state[2] > 0, *state), step, start, names)[0]


def _abs(x: Any) -> Any:
    method = users_method(x, "__abs__")
    if method is not None:
        return method(x)
    return apply_ufunc(np.absolute, x) if isinstance(x, Tracer) else abs(x)


def _divmod(x: Any, y: Any) -> Any:
    operators = OPERATORS[0]
    return (operators.binary("//", x, y), operators.binary("%", x, y)) if has_traced((x, y)) else divmod(x, y)


def is_integer(x: Any) -> bool:
    return isinstance(x, (int, np.integer, TracedSize)) or (isinstance(x, Tracer) and not x.ndim and x.dtype.kind in "iub")


NUMBERS: dict[Any, Callable[..., Any]] = {
    float: as_float, int: as_int, bool: as_bool, round: _round, pow: _pow, abs: _abs, divmod: _divmod,
}  # fmt: skip
