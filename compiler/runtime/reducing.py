"""Steps of reductions, for emitted programs: numbers in, numbers out, each a few LLVM instructions written in place.

A sum adds blocks of elements with ``arrays.add_any_order``, and keeps the rounding errors of adding the blocks. An extreme is found without
regard to NaN, which is looked for besides: so LLVM vectorises both.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, type_callable


def rounding_error(total: Any, part: Any) -> Any:
    """What the sum total + part loses to rounding, exactly: Knuth, The Art of Computer Programming 2, 4.2.2, theorem B.

    NaN where the sum is not finite.
    """
    rounded = total + part
    kept = rounded - total
    return (total - (rounded - kept)) + (part - kept)


def with_error(total: Any, lost: Any) -> Any:
    """The total of a sum with what it lost, which is no number where the total is infinite or NaN."""
    return total + lost if lost - lost == 0 else total


def larger(x: Any, y: Any) -> Any:
    """The larger of two numbers; undefined, for once, where one is NaN."""
    return y if y > x else x


def smaller(x: Any, y: Any) -> Any:
    """The smaller of two numbers; undefined where one is NaN."""
    return y if y < x else x


def _same_type(context: Any) -> Any:
    def resolve(x: types.Type, y: types.Type) -> types.Type | None:
        return x if x == y and isinstance(x, types.Number) else None

    return resolve


for _function in (rounding_error, with_error, larger, smaller):
    type_callable(_function)(_same_type)


@lower_builtin(rounding_error, types.Float, types.Float)
def _rounding_error(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    total, part = values
    rounded = builder.fadd(total, part)
    kept = builder.fsub(rounded, total)
    return builder.fadd(builder.fsub(total, builder.fsub(rounded, kept)), builder.fsub(part, kept))


@lower_builtin(with_error, types.Float, types.Float)
def _with_error(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    total, lost = values
    finite = builder.fcmp_ordered("==", builder.fsub(lost, lost), ir.Constant(lost.type, 0.0))
    return builder.select(finite, builder.fadd(total, lost), total)


def _extreme(comparison: str) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        x, y = values
        if isinstance(signature.return_type, types.Float):
            test = builder.fcmp_ordered(comparison, y, x, flags=("nnan", "nsz"))
            return builder.select(test, y, x, flags=("nnan", "nsz"))
        compare = builder.icmp_signed if signature.return_type.signed else builder.icmp_unsigned
        return builder.select(compare(comparison, y, x), y, x)

    return lower


for _function, _comparison in ((larger, ">"), (smaller, "<")):
    lower_builtin(_function, types.Float, types.Float)(_extreme(_comparison))
    lower_builtin(_function, types.Integer, types.Integer)(_extreme(_comparison))

__all__ = ["larger", "rounding_error", "smaller", "with_error"]
