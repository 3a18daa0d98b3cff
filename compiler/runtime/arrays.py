"""Sums that vectorise and stacks that grow, for emitted programs.

In: numbers and arrays. Out: the same. Each function has a plain Python meaning and a compiled one.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, type_callable

from .buffers import empty
from .linking import stands_for

SUM_BLOCK = 1024
"""How many elements an emitted sum adds with `add_any_order` before it adds the block's sum to the total, like this:

    for start in range(0, x.size, SUM_BLOCK):
        block = x[start : start + SUM_BLOCK]
        part = 0.0
        for i in range(block.size):
            part = add_any_order(part, block[i])
        lost += rounding_error(total, part)
        total += part
    return total + lost

The slice matters: where numba cannot see that an index is not negative, LLVM does not vectorise.
"""


def add_any_order(total: Any, value: Any) -> Any:
    """total + value, where a chain of such additions may be done in any order, so that LLVM vectorises a sum.

    NaN and infinity count as everywhere: no other liberty is taken.
    """
    return total + value


@type_callable(add_any_order)
def _type_add_any_order(context: Any) -> Any:
    def resolve(total: types.Type, value: types.Type) -> types.Type | None:
        return total if total == value and isinstance(total, types.Float) else None

    return resolve


@lower_builtin(add_any_order, types.Float, types.Float)
def _lower_add_any_order(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return builder.fadd(*values, flags=("reassoc", "nsz"))


def rounding_error(a: Any, b: Any) -> Any:
    """What the floating-point sum a + b misses of the true one, exactly; 0 if the sum is not finite.

    Knuth, The Art of Computer Programming, volume 2, section 4.2.2, theorem B.
    """
    total = a + b
    if not abs(total) < np.inf:
        return type(total)(0)
    b_used = total - a
    return (a - (total - b_used)) + (b - b_used)


@stands_for(rounding_error)
def _rounding_error(a, b):
    total = a + b
    b_used = total - a
    error = (a - (total - b_used)) + (b - b_used)
    return error if abs(total) < np.inf else type(total)(0)


FIRST_ROOM = 64  # numbers that a stack of unknown size has room for at first
MOST_ROOM = 2**22  # numbers: a large call should not make later ones ask for memory that they do not need


def remembered(place: int) -> int:
    """For how many numbers a stack should have room: as many as were on it in the last call, and a quarter more, within limits.

    ``place`` is the stack's own among those of its program. Plain Python remembers nothing.
    """
    return FIRST_ROOM


def remember(place: int, size: int) -> None:
    """Say how many numbers were on a stack, for the next call. Only speed depends on it."""


@type_callable(remembered)
def _type_remembered(context: Any) -> Any:
    return lambda place: types.intp if isinstance(place, types.IntegerLiteral) else None


@type_callable(remember)
def _type_remember(context: Any) -> Any:
    def resolve(place: types.Type, size: types.Type) -> types.Type | None:
        return types.none if isinstance(place, types.IntegerLiteral) and isinstance(size, types.Integer) else None

    return resolve


@lower_builtin(remembered, types.IntegerLiteral)
def _lower_remembered(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.load_atomic(_room(builder.module, signature.args[0].literal_value), "monotonic", 8)


@lower_builtin(remember, types.IntegerLiteral, types.Integer)
def _lower_remember(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    size = context.cast(builder, arguments[1], signature.args[1], types.int64)
    room = builder.add(size, builder.lshr(size, size.type(2)))
    for relation, limit in (("<", FIRST_ROOM), (">", MOST_ROOM)):
        beyond = builder.icmp_signed(relation, room, size.type(limit))
        room = builder.select(beyond, size.type(limit), room)
    builder.store_atomic(room, _room(builder.module, signature.args[0].literal_value), "monotonic", 8)
    return context.get_dummy_value()


def _room(module: ir.Module, place: int) -> ir.GlobalVariable:
    """The number that a program keeps from call to call for one of its stacks; calls in other threads may change it."""
    name = f"jitgrad.room.{place}"
    if name not in module.globals:
        variable = ir.GlobalVariable(module, ir.IntType(64), name)
        variable.linkage, variable.initializer = "internal", ir.IntType(64)(FIRST_ROOM)
    return module.globals[name]


def grow(buffer: Any, needed: int) -> Any:
    """`buffer` itself if it holds `needed` elements, else a longer copy, by half a new allocation each time.

    The rest of the copy is not initialised. Pushing n elements copies fewer than 2 n in all.
    """
    if buffer.size >= needed:
        return buffer
    grown = np.empty(max(needed, 2 * buffer.size), buffer.dtype)
    grown[: buffer.size] = buffer
    return grown


@stands_for(grow, allocates=True)
def _grow(buffer, needed):
    if buffer.size >= needed:
        return buffer
    grown = empty(max(needed, 2 * buffer.size), buffer.dtype)
    for i in range(buffer.size):
        grown[i] = buffer[i]
    return grown
