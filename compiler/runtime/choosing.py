"""Choices between two numbers, for emitted programs: numbers in, a number out, without a branch, so that LLVM vectorises the loop around.

Python's ``x if test else y`` is a branch to begin with. Where several in a row test the same, LLVM makes one of them that it cannot remove.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, type_callable


def masked_mul(x: Any, y: Any) -> Any:
    """x * y, or x where that is 0, whatever y may be: of a gradient, what does not count stays 0."""
    return x if x == 0 else x * y


@type_callable(masked_mul)
def _type_masked_mul(context: Any) -> Any:
    def resolve(x: types.Type, y: types.Type) -> types.Type | None:
        return x if x == y and isinstance(x, types.Float) else None

    return resolve


@lower_builtin(masked_mul, types.Float, types.Float)
def _masked_mul(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    x, y = values
    is_zero = builder.fcmp_ordered("==", x, ir.Constant(x.type, 0.0))
    return builder.select(is_zero, x, builder.fmul(x, y))


__all__ = ["masked_mul"]
