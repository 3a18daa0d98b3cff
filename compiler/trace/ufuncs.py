"""NumPy's ufuncs and Python's operators on tracers, with the dtypes that NumPy resolves.

``UFUNCS`` names the op of the IR that a ufunc is; ``COMPOSED`` gives those made of others. Their operands have been converted
to the dtypes of NumPy's loop, and the results are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, UnsupportedError
from ..ir import Size
from ..ir.types import BOOL, DTYPE_NAMES, DTYPES, F32, F64, I64
from .context import active_trace
from .divisors import greatest_divisor, least_multiple
from .dtypes import check_dtype
from .elementwise import elementwise, truth_of, write_out
from .float_parts import next_after, scaled, spacing, taken_apart
from .promotion import as_tracer, can_write, convert, is_python, operand, scalar_type, strong
from .tracer import TracedSize, Tracer, as_dim, describe, handles, new

U64 = DTYPES["u64"]

UFUNCS: dict[np.ufunc, str] = {
    np.add: "add", np.subtract: "sub", np.multiply: "mul", np.true_divide: "div", np.negative: "neg",
    np.absolute: "abs", np.fabs: "abs", np.sign: "sign", np.square: "square", np.floor_divide: "floor_divide",
    np.remainder: "remainder", np.fmod: "fmod", np.power: "pow", np.float_power: "pow", np.sqrt: "sqrt",
    np.cbrt: "cbrt", np.exp: "exp", np.exp2: "exp2", np.expm1: "expm1", np.log: "log", np.log2: "log2",
    np.log10: "log10", np.log1p: "log1p", np.logaddexp: "logaddexp", np.logaddexp2: "logaddexp2", np.sin: "sin",
    np.cos: "cos", np.tan: "tan", np.arcsin: "arcsin", np.arccos: "arccos", np.arctan: "arctan",
    np.arctan2: "arctan2", np.hypot: "hypot", np.sinh: "sinh", np.cosh: "cosh", np.tanh: "tanh",
    np.arcsinh: "arcsinh", np.arccosh: "arccosh", np.arctanh: "arctanh", np.floor: "floor", np.ceil: "ceil",
    np.trunc: "trunc", np.rint: "rint", np.copysign: "copysign", np.maximum: "maximum", np.minimum: "minimum",
    np.fmax: "fmax", np.fmin: "fmin", np.equal: "eq", np.not_equal: "ne", np.less: "lt", np.less_equal: "le",
    np.greater: "gt", np.greater_equal: "ge", np.isnan: "isnan", np.isinf: "isinf", np.isfinite: "isfinite",
    np.signbit: "signbit", np.bitwise_and: "and", np.bitwise_or: "or", np.bitwise_xor: "xor", np.invert: "not",
    np.left_shift: "shift_left", np.right_shift: "shift_right",
}  # fmt: skip

COMPOSED: dict[np.ufunc, Callable[..., Any]] = {
    np.positive: lambda x: elementwise("mul", x, 1),
    np.conjugate: lambda x: elementwise("mul", x, 1),
    np.reciprocal: lambda x: _reciprocal(x),
    np.deg2rad: lambda x: x * (np.pi / 180),
    np.radians: lambda x: x * (np.pi / 180),
    np.rad2deg: lambda x: x * (180 / np.pi),
    np.degrees: lambda x: x * (180 / np.pi),
    np.heaviside: lambda x, y: np.where(np.isnan(x), x, np.where(x == 0, y, np.where(x > 0, x.dtype.type(1), x.dtype.type(0)))),
    np.divmod: lambda x, y: (np.floor_divide(x, y), np.remainder(x, y)),
    np.modf: lambda x: (np.where(np.isinf(x), np.copysign(x.dtype.type(0), x), np.fmod(x, x.dtype.type(1))), np.trunc(x)),
    np.gcd: greatest_divisor,
    np.lcm: least_multiple,
    np.nextafter: next_after,
    np.spacing: spacing,
    np.ldexp: scaled,
    np.frexp: taken_apart,
    np.logical_and: lambda x, y: elementwise("and", truth_of(x), truth_of(y)),
    np.logical_or: lambda x, y: elementwise("or", truth_of(x), truth_of(y)),
    np.logical_xor: lambda x, y: elementwise("xor", truth_of(x), truth_of(y)),
    np.logical_not: lambda x: elementwise("not", truth_of(x)),
}  # fmt: skip

OPERATORS: dict[str, np.ufunc] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "pow": np.power, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "lshift": np.left_shift, "rshift": np.right_shift, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal, "neg": np.negative, "pos": np.positive,
    "abs": np.absolute, "invert": np.invert,
}  # fmt: skip
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

_LOGIC_OF_BOOLS = {"add": "or", "mul": "and", "abs": "and", "square": "and"}
_PREDICATES_OF_NUMBERS = {"isnan": "ne", "isinf": "ne", "isfinite": "eq"}


def _reciprocal(x: Tracer) -> Tracer:
    return elementwise("div", 1, x) if x.dtype.kind == "f" else np.where(np.abs(x) == 1, x, x.dtype.type(0))


@handles("ufunc")
def call_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What NumPy hands over when a ufunc meets a tracer."""
    from . import folding, products

    if method != "__call__":
        return folding.METHODS[method](ufunc, *inputs, **kwargs)
    options = dict(kwargs)
    out, where, dtype = options.pop("out", None), options.pop("where", True), options.pop("dtype", None)
    if len(inputs) > ufunc.nin:  # out given by position
        inputs, out = inputs[: ufunc.nin], tuple(inputs[ufunc.nin :])
    for ignored in ("casting", "order", "subok"):
        options.pop(ignored, None)
    if options and ufunc not in products.GENERALIZED:
        raise UnsupportedError(f"np.{ufunc.__name__} with {', '.join(options)}")
    if where is not True and out is None:
        raise UnsupportedError(f"np.{ufunc.__name__} with where= needs out=, or np.where(test, a, b)")
    if ufunc in products.GENERALIZED:
        result = products.GENERALIZED[ufunc](*inputs, **options)
    else:
        result = strong(apply_ufunc(ufunc, *inputs, dtype=dtype))
    if out is None:
        return result
    out = out if isinstance(out, tuple) else (out,)
    results = result if isinstance(result, tuple) else (result,)
    for target, value in zip(out, results, strict=True):
        if target is not None:
            write_out(target, value, where, ufunc.__name__, exact=ufunc in products.GENERALIZED)
    filled = tuple(value if target is None else target for target, value in zip(out, results, strict=True))
    return filled[0] if len(filled) == 1 else filled


def apply_ufunc(ufunc: np.ufunc, *inputs: Any, dtype: Any = None) -> Any:
    """A ufunc on values, in the dtypes that NumPy resolves for it; weak where all values are Python's."""
    inputs = tuple(as_tracer(v) if isinstance(v, (list, tuple)) else v for v in inputs)
    python = all(map(is_python, inputs))
    if ufunc is np.power and dtype is None:
        base, exponent = inputs
        special = _simple_power(base, exponent, python)
        if special is not None:
            return special
    types = resolve(ufunc, inputs, dtype)
    values = [operand(v, t) for v, t in zip(inputs, types, strict=False)]
    composed = COMPOSED.get(ufunc) or _of_scipy(ufunc, "COMPOSED")
    if composed is not None:
        results = composed(*values)
        results = results if isinstance(results, tuple) else (results,)
        done = tuple(new(convert(r, t).value, dim=r.dim) for r, t in zip(results, types[ufunc.nin :], strict=True))
        return done if len(done) > 1 else _weakly(done[0], python)
    return _weakly(_by_name(ufunc, values, types[0]), python)


def _weakly(result: Tracer, python: bool) -> Tracer:
    return new(result.value, weak=True, dim=result.dim) if python and not result.weak else result


def _by_name(ufunc: np.ufunc, values: list[Tracer], dtype: np.dtype) -> Tracer:
    """The op of the IR for operands of one dtype; what is trivial for integers and bools is said in simpler ops."""
    op = UFUNCS.get(ufunc) or _of_scipy(ufunc, "OPS_OF")
    if op is None:
        name = f"np.{ufunc.__name__}" if is_own(ufunc) else f"the ufunc {ufunc.__name__}"
        raise UnsupportedError(
            f"{name} is not compiled by jitgrad; write it with arithmetic and the functions of jitgrad.numpy"
        )
    if dtype.kind != "f":
        if op in ("floor", "ceil", "trunc", "rint"):
            return elementwise("or", values[0], values[0])
        if op in _PREDICATES_OF_NUMBERS:
            return elementwise(_PREDICATES_OF_NUMBERS[op], values[0], values[0])
    if op in _OF_NEGATIVE and values[0].dtype != values[1].dtype:
        return _across_signs(op, values)
    if dtype == BOOL and op in _LOGIC_OF_BOOLS:
        op, values = _LOGIC_OF_BOOLS[op], values * (3 - len(values)) if len(values) == 1 else values
    return elementwise(op, *values, dtype=dtype)


_OF_NEGATIVE = {"lt": (True, False), "le": (True, False), "gt": (False, True), "ge": (False, True), "eq": (False, False),
                "ne": (True, True)}  # fmt: skip
"""What comparing a negative number with one that has no sign gives, where it is the first and where it is the second."""


def _across_signs(op: str, values: list[Tracer]) -> Tracer:
    """A comparison of unsigned with signed integers, none of which holds all values of the other."""
    place = 0 if values[0].dtype == I64 else 1
    negative = elementwise("lt", values[place], 0)
    compared = elementwise(op, *(convert(v, U64) for v in values))
    if _OF_NEGATIVE[op][place]:
        return elementwise("or", compared, negative)
    return elementwise("and", compared, elementwise("not", negative))


def is_own(ufunc: np.ufunc) -> bool:
    """Whether a ufunc is NumPy's own, and not one of SciPy's or the user's."""
    return getattr(np, ufunc.__name__, None) is ufunc


def _of_scipy(ufunc: np.ufunc, table: str) -> Any:
    """What a table of ``special``, which is made of NumPy's functions here, has for a ufunc that is not NumPy's."""
    from . import special

    return None if is_own(ufunc) else getattr(special, table).get(ufunc.__name__)


_ARITHMETIC = {np.add, np.subtract, np.multiply, np.negative, np.positive, np.absolute, np.floor_divide, np.remainder, np.power}


def resolve(ufunc: np.ufunc, inputs: Sequence[Any], dtype: Any = None) -> tuple[np.dtype, ...]:
    """The dtypes in which NumPy would run a ufunc, inputs first; refused in the user's words."""
    operands = tuple(scalar_type(v) for v in inputs)
    options: dict[str, Any] = {}
    if dtype is not None:
        options = {"signature": (None,) * ufunc.nin + (np.dtype(dtype),) * ufunc.nout, "casting": "same_kind"}
    if all(map(is_python, inputs)):
        operands = tuple(np.dtype(int if t == BOOL and ufunc in _ARITHMETIC else t) for t in operands)
    try:
        types = ufunc.resolve_dtypes((*operands, *(None,) * ufunc.nout), **options)
    except TypeError as error:
        kinds = ", ".join(describe(v) for v in inputs)
        reason = str(error).removeprefix(f"ufunc '{ufunc.__name__}' ")
        raise DTypeError(f"np.{ufunc.__name__} does not take {kinds}: {reason}") from None
    if not is_own(ufunc) or ufunc is np.signbit or types[-1] == BOOL:
        types = tuple(F32 if t == np.float16 else t for t in types)
    if ufunc in _COMPARED:
        types = _wide_enough(types, inputs)
    for t in {*types}.difference(DTYPE_NAMES):
        check_dtype(t, f"the result of np.{ufunc.__name__} on {', '.join(describe(v) for v in inputs)}")
    return types


_COMPARED = {OPERATORS[name] for name in COMPARISONS}


def _wide_enough(types: tuple[np.dtype, ...], inputs: Sequence[Any]) -> tuple[np.dtype, ...]:
    """Comparisons with Python integers are right even where these do not fit into the dtype of the array."""
    if types[0].kind not in "iu":
        return types
    found = [_holding(t, v) for t, v in zip(types, inputs, strict=False)]
    if F64 in found:
        return (F64, F64, *types[2:])
    return (*(found if found[0] == found[1] else (t if t.itemsize == 8 else I64 for t in found)), *types[2:])


def _holding(dtype: np.dtype, value: Any) -> np.dtype:
    """A dtype that holds a value: that of an array, or one that is wide enough for a Python integer."""
    if type(value) is not int:
        return I64 if is_python(value) else dtype
    fitting = (t for t in (dtype, I64, U64) if np.iinfo(t).min <= value <= np.iinfo(t).max)
    return next(fitting, F64)


def _simple_power(base: Any, exponent: Any, python: bool) -> Any:
    """Small whole exponents become products, 0.5 a root; None for all else."""
    if isinstance(exponent, Tracer) and not is_python(exponent):
        return None
    number = exponent if type(exponent) in (int, float) else None
    if isinstance(exponent, np.generic) or number is None:
        return _power_of_numbers(base, exponent, python) if not isinstance(exponent, np.generic) else None
    dtype = resolve(np.power, (base, exponent))[0]
    if dtype.kind != "f":
        return _power_of_numbers(base, exponent, python)
    x = _weakly(operand(base, dtype), python)
    match number:
        case 1:
            return elementwise("mul", x, 1.0)
        case 2:
            return elementwise("square", x)
        case 3:
            return elementwise("mul", elementwise("square", x), x)
        case 4:
            return elementwise("square", elementwise("square", x))
        case -1:
            return elementwise("div", 1.0, x)
        case -2:
            return elementwise("square", elementwise("div", 1.0, x))
        case 0.5:
            return elementwise("sqrt", x)
    return None


def _power_of_numbers(base: Any, exponent: Any, python: bool) -> Any:
    """Integers to integers: negative exponents give floats in Python and are an error in NumPy."""
    if (scalar_type(base) is not int and not (isinstance(base, Tracer) and base.dtype.kind in "iub")) or type(
        exponent
    ) is not int:
        return None
    if exponent >= 0:
        return None
    if python:
        return elementwise("pow", base, exponent, dtype=F64)
    raise ValueError("Integers to negative integer powers are not allowed; convert the base to float first")


@handles("binary")
def binary(name: str, left: Any, right: Any) -> Any:
    """A Python operator between tracers, sizes, arrays and numbers."""
    for value, other in ((left, right), (right, left)):
        if name in ("eq", "ne") and _are_of_other_kinds(value, other):
            return _unequal(name, other)
        if value is None or isinstance(value, _NEVER_NUMBERS):
            return NotImplemented
    if name == "matmul":
        from .products import matmul

        return matmul(left, right)
    if name == "pow" and type(right) is int and right == 2 and isinstance(left, Tracer) and not left.is_scalar:
        return apply_ufunc(np.square, left)
    if name in COMPARISONS:
        answer = _compare_dims(name, left, right)
        if answer is not None:
            return answer
    return apply_ufunc(OPERATORS[name], left, right)


_NEVER_NUMBERS = (str, bytes, dict, set)


def _are_of_other_kinds(value: Any, other: Any) -> bool:
    """Whether a value is not equal to a number or an array, whatever that is; a list is no number of Python's."""
    if value is None or isinstance(value, _NEVER_NUMBERS):
        return True
    if isinstance(value, (list, tuple, range)) or hasattr(type(value), "as_array"):
        return isinstance(other, Tracer) and other.weak
    return type(value).__eq__ is object.__eq__ and not hasattr(value, "__array__")


def _unequal(name: str, value: Any) -> Any:
    """What comparing with something else than numbers gives: elementwise for arrays."""
    from .creation import full

    answer = name == "ne"
    if not isinstance(value, Tracer) or value.weak:
        return answer
    return full(value.shape, answer, BOOL) if value.type.rank else np.bool_(answer)


def _compare_dims(name: str, left: Any, right: Any) -> bool | None:
    """The answer to a comparison of integers that holds whatever the sizes are."""
    dims = [v.dim if isinstance(v, Tracer) else as_dim(v) if isinstance(v, (int, TracedSize)) else None for v in (left, right)]
    if dims[0] is None or dims[1] is None:
        return None
    difference = dims[0] - dims[1]
    return active_trace().sizing._prove(difference, COMPARISONS[name]) if isinstance(difference, Size) else None


@handles("unary")
def unary(name: str, value: Tracer) -> Any:
    """A unary Python operator on a tracer."""
    return apply_ufunc(OPERATORS[name], value)


@handles("inplace")
def inplace(name: str, target: Tracer, value: Any) -> Any:
    """``target += value``: writes into arrays, and gives a new value for scalars, and for what may be one."""
    result = binary(name, target, value)
    if result is NotImplemented or target.is_scalar or target.cell.stretched:
        return result
    if not can_write(result, target.dtype):
        raise DTypeError(
            f"cannot write {result.dtype.name} results in place into {describe(target)}; "
            "write x = x + y in place of x += y, or make the array of a floating dtype"
        )
    return write_out(target, result, True, f"in-place {name}")
