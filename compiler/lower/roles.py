"""What part an equation plays when kernels are formed.

SCALAR    computes a number: code of the driver, where it stands.
CHEAP     only says where elements come from (slices, broadcasts, transposes): read through by whoever needs its elements.
MAP       computes an array, each element by itself.
REDUCE    combines the elements along axes.
WRITE     writes elements of its first operand, in place.
OPAQUE    anything else: library calls, loops, branches, stacks, effects.
"""

from __future__ import annotations

from enum import Enum

from ..ir import ArrayType, Dim, Equation, Var
from ..ops import OPS


class Role(Enum):
    """See the module."""

    SCALAR = "scalar"
    CHEAP = "cheap"
    MAP = "map"
    REDUCE = "reduce"
    WRITE = "write"
    OPAQUE = "opaque"


_CHEAP = frozenset(("iota", "broadcast", "reshape", "assume_shape", "transpose", "index", "windows"))
_MAP = frozenset(("convert", "copy", "take", "wrap_index", "stop_gradient"))
_REDUCE = frozenset(("sum", "prod", "max", "min", "all", "any", "argmax", "argmin"))
_WRITE = frozenset(("update", "index_add", "put", "put_add", "windows_add"))


def role_of(equation: Equation) -> Role:
    """The part that an equation plays."""
    op = equation.op
    if op in _REDUCE and is_array(equation.operands[0]):
        return Role.REDUCE
    if op in _WRITE:
        return Role.WRITE
    if op in ("constant", "size") or op in _CHEAP | _MAP | _REDUCE or OPS[op].elementwise:
        if not is_array(equation.result):
            return Role.SCALAR
        return Role.CHEAP if op in _CHEAP and not is_flattening(equation) else Role.OPAQUE if op in _CHEAP else Role.MAP
    return Role.OPAQUE


def is_array(var: Var) -> bool:
    """Whether a variable is an array with axes."""
    return isinstance(var.type, ArrayType) and bool(var.type.shape)


def domain_of(equation: Equation) -> tuple[Dim, ...]:
    """The shape of the points at which a MAP, REDUCE or WRITE works."""
    match role_of(equation):
        case Role.REDUCE:
            return equation.operands[0].type.shape  # type: ignore[union-attr]
        case Role.WRITE:
            return equation.operands[1].type.shape  # type: ignore[union-attr]
    return equation.result.type.shape  # type: ignore[union-attr]


def is_flattening(equation: Equation) -> bool:
    """Whether a reshape does more than add and drop axes of size 1, so that it needs its operand in memory."""
    if equation.op != "reshape":
        return False
    before, after = equation.operands[0].type, equation.result.type
    assert isinstance(before, ArrayType) and isinstance(after, ArrayType)
    return [d for d in before.shape if d != 1] != [d for d in after.shape if d != 1]


def is_block(equation: Equation) -> bool:
    """Whether an index selects one contiguous block: positions first, then at most one range, then whole axes."""
    if equation.op != "index":
        return False
    entries = list(zip(equation["spec"], equation.operands[0].type.shape, strict=True))  # type: ignore[union-attr]
    while entries and not isinstance(entries[0][0], tuple):
        entries.pop(0)
    return bool(entries) and entries[0][0][2] == 1 and all(entry == (0, dim, 1) for entry, dim in entries[1:])


def is_view(equation: Equation) -> bool:
    """Whether the result can be the operand's memory under another shape."""
    made_of_array = bool(equation.operands) and is_array(equation.operands[0])
    return made_of_array and (equation.op in ("reshape", "assume_shape") or is_block(equation))


def destroyed(equation: Equation) -> tuple[int, ...]:
    """The operand positions whose memory the equation takes over."""
    match equation.op:
        case "update" | "index_add" | "put" | "put_add" | "windows_add" | "put_along_add" | "push" | "pop":
            return (0,)
        case "loop":
            return tuple(range(2 + equation["consts"], len(equation.operands)))
        case "cond":
            return tuple(range(1, len(equation.operands)))
    return ()
