"""Positions in emitted programs are never negative: a compiler pass that tells numba so.

In: a function with types. Out: the same, in which every element is read and written at unsigned positions. numba would otherwise look at each
position whether it counts from the end; and where LLVM cannot prove that it does not, it vectorises nothing.
"""

from __future__ import annotations

from typing import Any

from numba.core import ir, types
from numba.core.compiler_machinery import FunctionPass, register_pass


@register_pass(mutates_CFG=False, analysis_only=False)
class UnsignedPositions(FunctionPass):
    """Run after types are inferred, before code is written."""

    _name = "jitgrad_unsigned_positions"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Change the signatures by which arrays are indexed."""
        changed = False
        for block in state.func_ir.blocks.values():
            for statement in block.body:
                access = _access(statement)
                signature = state.calltypes.get(access) if access is not None else None
                if signature is None or not isinstance(signature.args[0], types.Array):
                    continue
                array, index, *rest = signature.args
                del state.calltypes[access]  # it refuses to be overwritten
                state.calltypes[access] = signature.replace(args=(array, _unsigned(index), *rest))
                changed = True
        return changed


def _access(statement: Any) -> Any:
    """The part of a statement whose signature says how an array is indexed, if there is one."""
    if isinstance(statement, ir.SetItem | ir.StaticSetItem):
        return statement
    if isinstance(statement, ir.Assign) and isinstance(statement.value, ir.Expr):
        return statement.value if statement.value.op in ("getitem", "static_getitem") else None
    return None


def _unsigned(index: types.Type) -> types.Type:
    if isinstance(index, types.Integer):
        return types.uintp
    if isinstance(index, types.BaseTuple) and all(isinstance(entry, types.Integer) for entry in index):
        return types.UniTuple(types.uintp, len(index))
    return index
