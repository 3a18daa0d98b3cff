"""Arithmetic that is either computed by NumPy or written into a kernel as LLVM instructions.

In: NumPy numbers and arrays, or `Term`s. Out: the same. `Term` takes Python's operators; the functions are the operations beyond them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .precision import REDUCED

Number = Any  # a NumPy number or array, or a Term


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
