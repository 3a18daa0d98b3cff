"""How the code of adopted functions is written: what numba's lowering does differently for them.

In: a function of numba's IR with types. Out: its LLVM code, about a third of what numba writes: an element of a contiguous array takes an address
and an access, a loop over a range takes a counter and a comparison, and variables that are assigned once are values, not slots of the
stack. Less code is written sooner, and LLVM has less to clean up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llvmlite import ir as llvm
from numba import _dynfunc
from numba.core import cgutils, ir, types
from numba.core.compiler import _LowerResult
from numba.core.compiler_machinery import LoweringPass, register_pass
from numba.core.datamodel.registry import default_manager
from numba.core.environment import Environment
from numba.core.funcdesc import PythonFunctionDescriptor
from numba.core.ir_utils import get_definition, guard
from numba.core.lowering import Lower

from .inference import chooses_size
from .passing import holds_memory
from .variables import assigned, single_values, tidy


@register_pass(mutates_CFG=True, analysis_only=False)
class ObjectLowering(LoweringPass):
    """numba's pass with another writer, and without waiting for LLVM where Python does not call the function."""

    _name = "jitgrad_native_lowering"

    def __init__(self) -> None:
        LoweringPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Write the function. One that Python does not call, and that makes no arrays, need not count references to those that it is given."""
        context, library, flags = state.targetctx, state.library, state.flags
        if flags.no_cpython_wrapper and not any(holds_memory(kind) for kind in _made(state)):
            context = state.targetctx = context.without_references()
        library._reload_init.update(state.reload_init)
        descriptor = PythonFunctionDescriptor.from_specialized_function(
            state.func_ir, state.typemap, state.return_type, state.calltypes,
            mangler=context.mangler, inline=flags.forceinline, abi_tags=[flags.get_mangle_string()],
            noalias=state.func_id.func.__keeps_apart__,
        )  # fmt: skip
        with context.push_code_library(library):
            lower = ObjectLower(context, library, descriptor, state.func_ir, metadata=state.metadata)
            lower.lower()
            if not flags.no_cpython_wrapper:
                lower.create_cpython_wrapper(flags.release_gil)
        library.begin()
        state.reload_init.extend(library._reload_init)
        entry = (
            _placeholder(descriptor, lower.env)
            if flags.no_cpython_wrapper
            else context.get_executable(library, descriptor, lower.env)
        )
        context.insert_user_function(entry, descriptor, [library])
        state.cr = _LowerResult(descriptor, lower.call_helper, cfunc=entry, env=lower.env)
        return True


def _placeholder(descriptor: PythonFunctionDescriptor, environment: Environment) -> Any:
    """What stands for a function that Python cannot call: numba takes nothing else for a key."""
    return _dynfunc.make_function(descriptor.lookup_module(), descriptor.qualname, "", 0, environment, ())


def _made(state: Any) -> Iterator[types.Type]:
    """The types of what a function computes."""
    for block in state.func_ir.blocks.values():
        for statement in block.find_insts(ir.Assign):
            if isinstance(statement.value, ir.Expr):
                yield state.typemap[statement.target.name]


class ObjectLower(Lower):
    """Writes one function."""

    def _find_singly_assigned_variable(self) -> None:
        """Say which variables are values. numba asks before it writes; it would take those alone that live within one block."""
        self._singly_assigned_vars = set(single_values(self.blocks, lambda name: holds_memory(self.typeof(name))))
        self._blk_local_varmap: dict[str, Any] = {}
        slots = {name for name in assigned(self.blocks) - self._singly_assigned_vars if holds_memory(self.typeof(name))}
        self._tidy, self._overwriting = tidy(self.blocks, slots)
        self._assignment: ir.Assign | None = None

    def lower_assign(self, ty: types.Type, inst: ir.Assign) -> Any:
        self._assignment = inst
        return super().lower_assign(ty, inst)

    def storevar(self, value: Any, name: str, argidx: int | None = None) -> None:
        """Assign a variable. numba takes away what it held, also where that is nothing."""
        kind = self.typeof(name)
        overwrites = holds_memory(kind) and (name not in self._tidy or id(self._assignment) in self._overwriting)
        if argidx is not None or name in self._singly_assigned_vars or overwrites:
            super().storevar(value, name, argidx)
        else:
            self._alloca_var(name, kind)
            self.builder.store(value, self.getvar(name))

    def delvar(self, name: str) -> None:
        """Delete a variable. numba leaves nothing in it, also where it is not looked at before it is assigned again."""
        kind = self.typeof(name)
        if name in self._singly_assigned_vars or (holds_memory(kind) and name not in self._tidy):
            super().delvar(name)
        elif holds_memory(kind):
            self.decref(kind, self.loadvar(name))

    def lower_expr(self, resty: types.Type, expr: ir.Expr) -> Any:
        match expr.op:
            case "getitem" | "static_getitem":
                array, index = expr.value, expr.index_var if expr.op == "static_getitem" else expr.index
                if index is not None and self._is_element(array, index):
                    return self.context.unpack_value(self.builder, resty, self._element(array, index))
            case "getiter" if self._step(expr.value) is not None:
                return self._start_range(resty, expr.value)
            case "iternext" if (step := self._step(expr.value)) is not None:
                return self._next_of_range(resty, expr.value, step)
            case "pair_first" | "pair_second" if not holds_memory(resty):
                return self.builder.extract_value(self.loadvar(expr.value.name), int(expr.op == "pair_second"))
        return super().lower_expr(resty, expr)

    def lower_binop(self, resty: types.Type, expr: ir.Expr, op: Any) -> Any:
        if expr.static_lhs is not ir.UNDEFINED or expr.static_rhs is not ir.UNDEFINED:
            return super().lower_binop(resty, expr, op)
        signature = self.fndesc.calltypes[expr]
        operands = [
            self.context.cast(self.builder, self.loadvar(operand.name), self.typeof(operand.name), kind)
            for operand, kind in zip((expr.lhs, expr.rhs), signature.args, strict=True)
        ]
        known = self.context.typing_context
        function = known.resolve_value_type(op)  # for `a += b` of numbers that is `+`, which inference did not ask for
        write = self.context.get_function(function, known.resolve_function_type(function, signature.args, {}))
        return self.context.cast(self.builder, write(self.builder, operands), signature.return_type, resty)

    def lower_setitem(self, target_var: ir.Var, index_var: ir.Var, value_var: ir.Var, signature: Any) -> Any:
        if not self._is_element(target_var, index_var):
            return super().lower_setitem(target_var, index_var, value_var, signature)
        dtype, value = self.typeof(target_var.name).dtype, self.loadvar(value_var.name)
        value = self.context.cast(self.builder, value, self.typeof(value_var.name), dtype)
        return self.context.pack_value(self.builder, dtype, value, self._element(target_var, index_var))

    def _lower_call_normal(self, fnty: types.Type, expr: ir.Expr, signature: Any) -> Any:
        if not chooses_size(fnty, signature.args):
            return super()._lower_call_normal(fnty, expr, signature)
        relation = "<" if fnty.typing_key is min else ">"
        chosen, *others = self.fold_call_args(fnty, signature, expr.args, expr.vararg, expr.kws)
        for other in others:
            chosen = self.builder.select(self.builder.icmp_signed(relation, other, chosen), other, chosen)
        return chosen

    # elements of arrays

    def _is_element(self, array: ir.Var, index: ir.Var) -> bool:
        """Whether a position for each axis selects one element of a contiguous array."""
        kind, positions = self.typeof(array.name), self.typeof(index.name)
        if type(kind) is not types.Array or kind.layout != "C" or not kind.aligned or isinstance(kind.dtype, types.Record):
            return False
        kinds = tuple(positions) if isinstance(positions, types.BaseTuple) else (positions,)
        return len(kinds) == kind.ndim and all(isinstance(position, types.Integer) for position in kinds)

    def _element(self, array: ir.Var, index: ir.Var) -> Any:
        """The address of an element; positions are never negative (``positions``)."""
        builder, kind, kinds = self.builder, self.typeof(array.name), self.typeof(index.name)
        model, value, given = default_manager.lookup(kind), self.loadvar(array.name), self.loadvar(index.name)
        if not isinstance(kinds, types.BaseTuple):
            given, kinds = [given], [kinds]
        else:
            given = cgutils.unpack_tuple(builder, given, len(kinds))
        offset = self.context.get_constant(types.intp, 0)
        for axis, (position, of) in enumerate(zip(given, kinds, strict=True)):
            position = self.context.cast(builder, position, of, types.intp)
            if axis > 0:
                extent = builder.extract_value(value, (model.get_field_position("shape"), axis))
                position = builder.add(builder.mul(offset, extent), position)
            offset = position
        return builder.gep(builder.extract_value(value, model.get_field_position("data")), [offset])

    # loops over ranges

    def _step(self, range_or_iterator: ir.Var) -> int | None:
        """The step of a range of signed integers where it is known, and not 0."""
        kind = self.typeof(range_or_iterator.name)
        if not isinstance(kind, types.RangeType | types.RangeIteratorType):
            return None
        made = guard(get_definition, self.func_ir, range_or_iterator)
        if getattr(made, "op", None) == "getiter":
            made = guard(get_definition, self.func_ir, made.value)
        dtype = kind.dtype if isinstance(kind, types.RangeType) else kind.yield_type
        if getattr(made, "op", None) != "call" or made.kws or made.vararg or not dtype.signed:
            return None
        if len(made.args) < 3:
            return 1
        step = self.typeof(made.args[2].name)
        return step.literal_value or None if isinstance(step, types.IntegerLiteral) else None

    def _start_range(self, kind: types.Type, made: ir.Var) -> Any:
        """An iterator: where the next number is kept, and the number to stop at."""
        start, stop, step = cgutils.unpack_tuple(self.builder, self.loadvar(made.name), 3)
        counter = cgutils.alloca_once(self.builder, start.type)
        self.builder.store(start, counter)
        iterator = llvm.Constant(self.context.get_value_type(kind), llvm.Undefined)
        for position, value in enumerate((counter, stop, step)):
            iterator = self.builder.insert_value(iterator, value, position)
        return iterator

    def _next_of_range(self, kind: types.Type, iterator: ir.Var, step: int) -> Any:
        """The next number, and whether there is one."""
        builder, value = self.builder, self.loadvar(iterator.name)
        counter, stop = builder.extract_value(value, 0), builder.extract_value(value, 1)
        number = builder.load(counter)
        exists = builder.icmp_signed("<" if step > 0 else ">", number, stop)
        builder.store(builder.add(number, llvm.Constant(number.type, step), flags=["nsw"]), counter)
        pair = llvm.Constant(self.context.get_value_type(kind), llvm.Undefined)
        return builder.insert_value(builder.insert_value(pair, number, 0), exists, 1)

    def alloca_lltype(self, name: str, lltype: Any, datamodel: Any = None) -> Any:
        """A slot of the stack. numba asks LLVM for its size, for debuggers, and would wait for its thread."""
        return cgutils.alloca_once(self.builder, lltype, name=name, zfill=False)
