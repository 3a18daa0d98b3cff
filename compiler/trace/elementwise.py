"""Elementwise work on tracers: promotion as NumPy does it, broadcasting, ufuncs and Python's operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError, UnsupportedError
from ..ir import ArrayType, Dim, Size, Var
from ..ir.types import BOOL, F64, I64
from .context import active_trace
from .tracer import Cell, TracedSize, Tracer, as_dim, check_dtype, describe, handles, new

PYTHON_TYPES: dict[type, np.dtype] = {bool: BOOL, int: I64, float: F64}

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
    np.logical_and: "and", np.logical_or: "or", np.logical_xor: "xor", np.logical_not: "not",
    np.left_shift: "shift_left", np.right_shift: "shift_right",
}  # fmt: skip

COMPOSED: dict[np.ufunc, Callable[..., Any]] = {
    np.positive: lambda x: x * 1,
    np.reciprocal: lambda x: 1 / x if as_tracer(x).dtype.kind == "f" else np.floor_divide(1, x),
    np.deg2rad: lambda x: x * (np.pi / 180),
    np.radians: lambda x: x * (np.pi / 180),
    np.rad2deg: lambda x: x * (180 / np.pi),
    np.degrees: lambda x: x * (180 / np.pi),
    np.heaviside: lambda x, y: elementwise("select", np.isnan(x), x, elementwise(
        "select", np.equal(x, 0), y, elementwise("select", np.greater(x, 0), 1.0, 0.0))),
    np.conjugate: lambda x: x * 1,
    np.divmod: lambda x, y: (np.floor_divide(x, y), np.remainder(x, y)),
    np.modf: lambda x: (elementwise("copysign", x - np.trunc(x), x), np.trunc(x)),
}  # fmt: skip

OPERATORS: dict[str, np.ufunc] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "pow": np.power, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "lshift": np.left_shift, "rshift": np.right_shift, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal, "neg": np.negative, "pos": np.positive,
    "abs": np.absolute, "invert": np.invert,
}  # fmt: skip


def as_tracer(value: Any, what: str = "an operand") -> Tracer:
    """Anything numeric as a tracer: Python numbers become weak constants, arrays become captured inputs."""
    if isinstance(value, Tracer):
        return value
    trace = active_trace()
    if isinstance(value, TracedSize):
        return new(trace.emit("size", value=value.dim), weak=True, dim=value.dim)
    if isinstance(value, (bool, int, float)) and type(value) in PYTHON_TYPES:
        dtype = PYTHON_TYPES[type(value)]
        if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
            raise OverflowError(f"the integer {value} does not fit into int64")
        var = trace.emit("constant", value=value, dtype=dtype)
        return new(var, weak=True, dim=value if dtype == I64 else None)
    if isinstance(value, np.generic):
        dtype = check_dtype(value.dtype, what)
        return new(trace.emit("constant", value=value.item(), dtype=dtype), dim=int(value) if dtype.kind == "i" else None)
    if isinstance(value, np.ndarray):
        return captured(value, what)
    if isinstance(value, (list, tuple)):
        return stack_nested(value)
    if isinstance(value, complex):
        raise DTypeError(f"{what} is complex: complex numbers are not supported; keep real and imaginary parts apart")
    raise TypeError(f"{what} is {type(value).__name__}; expected an array or a number")


def captured(array: np.ndarray, what: str = "an array") -> Tracer:
    """An array that the function found outside of its arguments: an input of the program, read at each call."""
    trace = active_trace()
    if id(array) not in trace.captured_arrays:
        check_dtype(array.dtype, what)
        type = ArrayType(array.dtype, tuple(array.shape))
        cell = Cell(trace.root.builder.parameter("captured", type), trace.root)
        trace.captured_arrays[id(array)] = (array, Tracer(cell, type))
    return trace.captured_arrays[id(array)][1]


def stack_nested(items: Sequence[Any]) -> Tracer:
    """A (nested) list of numbers and tracers as one array."""
    from .functions import array

    return array(items)


def scalar_type(value: Any) -> Any:
    """What ``ufunc.resolve_dtypes`` takes for an operand: a dtype, or a Python type for a weak one."""
    if isinstance(value, Tracer):
        if value.weak:
            return {"b": BOOL, "i": int, "f": float}[value.type.dtype.kind]
        return value.type.dtype
    if isinstance(value, TracedSize):
        return int
    if type(value) in PYTHON_TYPES:
        return BOOL if isinstance(value, bool) else type(value)
    return as_tracer(value).type.dtype


def result_dtype(*values: Any) -> np.dtype:
    """The dtype that NumPy promotes values to."""
    types = [scalar_type(value) for value in values]
    strong = [t for t in types if isinstance(t, np.dtype)]
    weak = [t(0) for t in types if not isinstance(t, np.dtype)]
    return check_dtype(np.result_type(*strong, *weak), "the result")


def convert(value: Tracer, dtype: np.dtype) -> Tracer:
    """The same values in another dtype."""
    if value.type.dtype == dtype:
        return value
    dim = value.dim if dtype == I64 else None
    var = value.var
    trace = active_trace()
    return new(trace.emit("convert", var, dtype=dtype), scalar=value.is_scalar, dim=dim)


def broadcast_shapes(values: Sequence[Tracer], operation: str) -> tuple[Dim, ...]:
    """The common shape; raises ``ShapeError`` with the operands' shapes."""
    rank = max((v.type.rank for v in values), default=0)
    shape: list[Dim] = [1] * rank
    for value in values:
        for k, dim in enumerate(value.type.shape, start=rank - value.type.rank):
            shape[k] = _common_dim(shape[k], dim, values, operation)
    return tuple(shape)


def _common_dim(left: Dim, right: Dim, values: Sequence[Tracer], operation: str) -> Dim:
    sizing = active_trace().sizing
    if left == right or (isinstance(right, int) and right == 1):
        return left
    if isinstance(left, int) and left == 1:
        return right
    equal = sizing.decide(left, "==", right)
    if equal:
        return left if isinstance(left, int) or not isinstance(right, int) else right
    if equal is None:
        check_equal(left, right, f"{operation}: operands could not be broadcast together")
        return left
    if sizing.hint(right) == 1 and sizing.decide(right, "==", 1):
        return left
    if sizing.hint(left) == 1 and sizing.decide(left, "==", 1):
        return right
    listing = " and ".join(describe(v) for v in values if v.type.rank)
    raise ShapeError(
        f"{operation}: operands could not be broadcast together with shapes "
        + " ".join(sizing.shape_text(v.type.shape) for v in values)
        + f" ({listing}); sizes must be equal or 1, aligned from the last axis"
    )


def check_equal(left: Dim, right: Dim, message: str) -> None:
    """Make the program check at run time that two sizes are equal."""
    trace = active_trace()
    test = trace.emit("eq", trace.emit("size", value=left), trace.emit("size", value=right))
    trace.emit("check", test, kind="ValueError", message=f"{message}: {left} and {right} differ")


def broadcast_to(value: Tracer, shape: tuple[Dim, ...]) -> Var:
    """The value repeated to a shape that broadcasting allows; a variable."""
    var = active_trace().scope.resolve(value.var)
    if value.type.shape == shape:
        return var
    trace = active_trace()
    offset = len(shape) - value.type.rank
    repeats = [_repeats(dim, shape[k + offset]) for k, dim in enumerate(value.type.shape)]
    kept = tuple(k + offset for k, repeated in enumerate(repeats) if not repeated)
    aligned = tuple(1 if repeated else shape[k + offset] for k, repeated in enumerate(repeats))
    var = assume_shape(var, aligned)
    source = tuple(shape[k] for k in kept)
    if source != aligned:
        var = trace.emit("reshape", var, shape=source)
    return var if source == shape else trace.emit("broadcast", var, axes=kept, shape=shape)


def _repeats(dim: Dim, target: Dim) -> bool:
    """Whether an axis is stretched: it has size 1 and the target has not."""
    if dim == target or (isinstance(target, int) and target == 1):
        return False
    return dim == 1 or active_trace().sizing.hint(dim) == 1


def assume_shape(var: Var, shape: tuple[Dim, ...]) -> Var:
    """The same value whose sizes are written as other expressions, which guards or checks make equal."""
    assert isinstance(var.type, ArrayType)
    return var if var.type.shape == shape else active_trace().emit("assume_shape", var, shape=shape)


def elementwise(op: str, *values: Any, dtype: np.dtype | None = None) -> Tracer:
    """Apply an elementwise op of the IR to values of one dtype (given, or promoted), broadcasting them."""
    operands = [as_tracer(v) for v in values]
    numbers = operands[1:] if op == "select" else operands
    if dtype is None:
        dtype = result_dtype(*(values[1:] if op == "select" else values))
    converted = [convert(v, dtype) for v in numbers]
    if op == "select":
        converted = [convert(operands[0], BOOL), *converted]
    shape = broadcast_shapes(converted, op)
    variables = [broadcast_to(v, shape) for v in converted]
    weak = all(isinstance(v, TracedSize) or (isinstance(v, Tracer) and v.weak) or type(v) in PYTHON_TYPES for v in values)
    dim = _dim_of_result(op, operands) if not shape and dtype == I64 else None
    return new(active_trace().emit(op, *variables), weak=weak, dim=dim)


def _dim_of_result(op: str, operands: list[Tracer]) -> Dim | None:
    """The size that integer arithmetic on sizes gives."""
    dims = [v.dim for v in operands]
    if any(d is None for d in dims):
        return None
    match op, dims:
        case "add", [a, b]:
            return a + b
        case "sub", [a, b]:
            return a - b
        case "neg", [a]:
            return -a
        case "mul", [a, b]:
            return a * b
        case "floor_divide", [a, int() as b] if b > 0:
            return a // b
        case "remainder", [a, int() as b] if b > 0:
            return a % b
    return None


@handles("ufunc")
def call_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What NumPy hands over when a ufunc meets a tracer."""
    from . import reductions

    if method == "at":
        return reductions.ufunc_at(ufunc, *inputs)
    if method in ("reduce", "accumulate", "outer", "reduceat"):
        return reductions.ufunc_method(ufunc, method, *inputs, **kwargs)
    out, where, dtype = kwargs.pop("out", None), kwargs.pop("where", True), kwargs.pop("dtype", None)
    kwargs.pop("casting", None), kwargs.pop("order", None), kwargs.pop("subok", None)
    if kwargs:
        raise UnsupportedError(f"np.{ufunc.__name__} with {', '.join(kwargs)}")
    result = apply_ufunc(ufunc, *inputs, dtype=dtype)
    if out is None:
        if where is not True:
            raise UnsupportedError(f"np.{ufunc.__name__} with where= needs out=, or np.where(test, a, b)")
        return result
    out = out if isinstance(out, tuple) else (out,)
    results = result if isinstance(result, tuple) else (result,)
    for target, value in zip(out, results, strict=True):
        if target is not None:
            write_out(target, value, where, ufunc.__name__)
    return out[0] if len(out) == 1 else out


def write_out(target: Any, value: Tracer, where: Any, operation: str) -> None:
    """Write a result into what was given as ``out=``."""
    if not isinstance(target, Tracer):
        raise UnsupportedError(f"np.{operation}: out= must be an array made in the traced function or an argument of it")
    if not np.can_cast(value.dtype, target.dtype, "same_kind"):
        raise DTypeError(
            f"np.{operation}: cannot write {value.dtype.name} results into {describe(target)}; "
            "make the array of a floating dtype, or convert the result with astype"
        )
    if where is not True:
        value = elementwise("select", where, value, target)
    assign(target, value, operation)


def assign(target: Tracer, value: Any, operation: str) -> None:
    """Write a value, converted and broadcast, into a traced array."""
    source = convert(as_tracer(value), target.type.dtype)
    trace = active_trace()
    extra = source.type.rank - target.type.rank
    if extra > 0 and all(trace.sizing.decide(d, "==", 1) for d in source.type.shape[:extra]):
        shape = source.type.shape[extra:]
        source = new(trace.emit("reshape", source.var, shape=shape), scalar=False)
    shape = broadcast_shapes([target, source], operation)
    if shape != target.type.shape:
        if len(shape) == target.type.rank and all(
            trace.sizing.decide(a, "==", b) for a, b in zip(shape, target.type.shape, strict=True)
        ):
            shape = target.type.shape
        else:
            raise ShapeError(
                f"{operation}: could not write a value of shape {trace.sizing.shape_text(source.type.shape)} into "
                f"{describe(target)}"
            )
    target.assign(broadcast_to(source, target.type.shape))


def apply_ufunc(ufunc: np.ufunc, *inputs: Any, dtype: Any = None) -> Any:
    """A ufunc on tracers, with the dtypes that NumPy resolves for it."""
    if ufunc in COMPOSED:
        return COMPOSED[ufunc](*map(as_tracer, inputs))
    if ufunc is np.matmul:
        from .products import matmul

        return matmul(*inputs)
    if ufunc is np.ldexp:
        return inputs[0] * elementwise("exp2", convert(as_tracer(inputs[1]), as_tracer(inputs[0]).dtype))
    op = UFUNCS.get(ufunc)
    if op is None:
        return _special_ufunc(ufunc, inputs)
    if _is_python_arithmetic(inputs):
        if ufunc is np.power and _is_integer(inputs[0]) and _is_integer(inputs[1]):
            return _integer_power(inputs)
    types = resolve(ufunc, inputs, dtype)
    if ufunc is np.power:
        special = _static_power(inputs, types[0])
        if special is not None:
            return special
    if ufunc in (np.logical_and, np.logical_or, np.logical_xor, np.logical_not):
        inputs = tuple(elementwise("ne", v, 0) if as_tracer(v).dtype != BOOL else v for v in inputs)
        types = (BOOL,) * (len(inputs) + 1)
    if types[0] == BOOL and op in ("add", "mul"):
        op = "or" if op == "add" else "and"
    if op in ("floor", "ceil", "trunc", "rint") and types[0].kind in "iub":
        return as_tracer(inputs[0]) * 1
    if op in ("isnan", "isinf", "isfinite", "signbit") and types[0].kind != "f":
        x = as_tracer(inputs[0])
        return elementwise("eq" if op == "isfinite" else "ne" if op != "signbit" else "lt", x, 0 if op == "signbit" else x)
    if types[0].kind == "b" and op == "abs":
        return as_tracer(inputs[0])
    return elementwise(op, *inputs, dtype=types[0])


def resolve(ufunc: np.ufunc, inputs: Sequence[Any], dtype: Any = None) -> tuple[np.dtype, ...]:
    """The dtypes in which NumPy would run a ufunc, inputs first; refused in the user's words."""
    operands = tuple(scalar_type(v) for v in inputs)
    options: dict[str, Any] = {}
    if dtype is not None:
        options = {"signature": (None,) * ufunc.nin + (np.dtype(dtype),) * ufunc.nout, "casting": "unsafe"}
    if all(t in (int, float) for t in operands):
        operands = tuple(np.dtype(t) for t in operands)
    try:
        types = ufunc.resolve_dtypes((*operands, *(None,) * ufunc.nout), **options)
    except TypeError as error:
        kinds = ", ".join(describe(v) for v in inputs)
        raise DTypeError(f"np.{ufunc.__name__} does not take {kinds}: {error}") from None
    for t in types:
        check_dtype(t, f"the result of np.{ufunc.__name__} on {', '.join(describe(v) for v in inputs)}")
    return types


def _special_ufunc(ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
    """Ufuncs of SciPy, by name."""
    names = {"erf": "erf", "erfc": "erfc", "expit": "logistic", "gammaln": "lgamma", "psi": "digamma", "digamma": "digamma"}
    if ufunc.__name__ in names:
        return elementwise(names[ufunc.__name__], *inputs, dtype=resolve(ufunc, inputs)[0])
    if ufunc.__name__ == "xlogy":
        x, y = inputs
        return elementwise("select", np.equal(x, 0), 0.0, x * np.log(elementwise("select", np.equal(x, 0), 1.0, y)))
    raise UnsupportedError(
        f"np.{ufunc.__name__} is not compiled by jitgrad; write it with arithmetic and the functions of jitgrad.numpy"
    )


def _is_python_arithmetic(inputs: Sequence[Any]) -> bool:
    return all(isinstance(v, TracedSize) or type(v) in PYTHON_TYPES or (isinstance(v, Tracer) and v.weak) for v in inputs)


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, TracedSize)) or (isinstance(value, Tracer) and value.dtype.kind == "i")


def _integer_power(inputs: Sequence[Any]) -> Any:
    base, exponent = inputs
    if isinstance(exponent, int) and exponent < 0:
        return elementwise("pow", base, exponent, dtype=F64)
    return elementwise("pow", base, exponent, dtype=I64)


def _static_power(inputs: Sequence[Any], dtype: np.dtype) -> Any:
    """Small whole exponents become products; 0.5 a root."""
    base, exponent = inputs
    if isinstance(exponent, np.generic):
        exponent = exponent.item()
    if type(exponent) not in (int, float) or dtype.kind != "f":
        if dtype.kind in "iu" and isinstance(exponent, int) and exponent < 0:
            raise ValueError("Integers to negative integer powers are not allowed; convert the base to float first")
        return None
    x = convert(as_tracer(base), dtype)
    if isinstance(base, Tracer) and base.weak:
        x = new(x.var, weak=True)
    match exponent:
        case 1:
            return x * 1
        case 2:
            return elementwise("square", x)
        case 3:
            return elementwise("square", x) * x
        case 4:
            return elementwise("square", elementwise("square", x))
        case -1:
            return 1 / x
        case -2:
            return 1 / elementwise("square", x)
        case 0.5:
            return elementwise("sqrt", x)
    return None


@handles("binary")
def binary(name: str, left: Any, right: Any) -> Any:
    """A Python operator between tracers, sizes, arrays and numbers."""
    for value in (left, right):
        if value is None or isinstance(value, (str, dict, set)):
            if name in ("eq", "ne"):
                return name == "ne"
            return NotImplemented
    if name == "matmul":
        from .products import matmul

        return matmul(left, right)
    if name in ("eq", "ne", "lt", "le", "gt", "ge"):
        answer = _compare_dims(name, left, right)
        if answer is not None:
            return answer
    return apply_ufunc(OPERATORS[name], left, right)


def _compare_dims(name: str, left: Any, right: Any) -> bool | None:
    """The answer to a comparison of integers that holds whatever the sizes are."""
    dims = [v.dim if isinstance(v, Tracer) else as_dim(v) if isinstance(v, (int, TracedSize)) else None for v in (left, right)]
    if dims[0] is None or dims[1] is None:
        return None
    sign = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}[name]
    return active_trace().sizing._prove(dims[0] - dims[1], sign) if isinstance(dims[0] - dims[1], Size) else None


@handles("unary")
def unary(name: str, value: Tracer) -> Any:
    """A unary Python operator on a tracer."""
    return apply_ufunc(OPERATORS[name], value)


@handles("inplace")
def inplace(name: str, target: Tracer, value: Any) -> Any:
    """``target += value``: writes into arrays, and gives a new value for scalars."""
    result = binary(name, target, value)
    if result is NotImplemented or target.is_scalar:
        return result
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise DTypeError(
            f"cannot write {result.dtype.name} results in place into {describe(target)}; "
            "write x = x + y in place of x += y, or make the array of a floating dtype"
        )
    assign(target, result, f"in-place {name}")
    return target
