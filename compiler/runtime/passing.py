"""How compiled functions hand arrays to each other: what numba's target does differently for adopted functions.

In: numba's context for the CPU. Out: one under which an adopted function takes of each array the address of its elements and its
shape, besides strides where it is not contiguous in C order. numba passes seven fields, and a driver that calls a hundred kernels spends half of its
code on them. A function that returns an array keeps numba's way: the array may be one of its arguments, whose owner it must know.

Other numba functions may call adopted ones, and the other way round: how arguments are passed is the called function's affair.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.callconv import RETCODE_OK, CPUCallConv
from numba.core.cpu import CPUContext
from numba.core.datamodel.manager import DataModelManager
from numba.core.datamodel.models import ArrayModel
from numba.core.datamodel.packer import ArgPacker
from numba.core.datamodel.registry import default_manager
from numba.core.funcdesc import FunctionDescriptor
from numba.core.imputils import user_function
from numba.core.runtime.context import NRTContext
from numba.np.numpy_support import as_dtype

_INDEX = ir.IntType(types.intp.bitwidth)
_POINTER = ir.IntType(8).as_pointer()


class ObjectContext(CPUContext):
    """numba's context for the CPU, for adopted functions. Made from an existing one, with which it shares what is registered there."""

    @classmethod
    def of(cls, context: CPUContext) -> ObjectContext:
        """A context like this one."""
        if isinstance(context, cls):
            return context
        made = copy.copy(context)
        made.__class__, made.calls = cls, ObjectCalls
        made.nrt = References(made, context.enable_nrt)
        return made

    def without_references(self) -> ObjectContext:
        """A context like this one, for a function that makes no arrays and so counts no references to them."""
        made = copy.copy(self)
        made.enable_nrt = False
        return made

    calls: type[CPUCallConv]

    @property
    def call_conv(self) -> CPUCallConv:
        return self.calls(self)

    def declare_function(self, module: ir.Module, fndesc: FunctionDescriptor) -> ir.Function:
        if not _is_lean(fndesc):
            return super().declare_function(module, fndesc)
        if (known := module.globals.get(fndesc.mangled_name)) is not None:
            return known
        calls = LeanCalls(self)
        function = cgutils.get_or_insert_function(
            module, calls.get_function_type(fndesc.restype, fndesc.argtypes), fndesc.mangled_name
        )
        calls.decorate_function(function, fndesc.args, fndesc.argtypes, noalias=fndesc.noalias)
        function.is_lean = True
        return function

    def post_lowering(self, module: ir.Module, library: Any) -> None:
        """Complete a module: numba's own counting of references would be linked in next, and yields to this one."""
        _count_in_one_thread(module)
        super().post_lowering(module, library)

    def get_function(self, fn: Any, sig: Any, _firstcall: bool = True) -> Any:
        """How a function is written. numba asks how an array becomes one, finds nothing, and would look through all registries for what is new."""
        return super().get_function(fn, sig, _firstcall and fn != "__array__")

    def create_cpython_wrapper(self, library: Any, fndesc: FunctionDescriptor, *rest: Any, **options: Any) -> None:
        """Write the function through which Python calls an adopted one."""
        wrapping = copy.copy(self)
        wrapping.calls = LeanCalls if _is_lean(fndesc) else CPUCallConv
        super(ObjectContext, wrapping).create_cpython_wrapper(library, fndesc, *rest, **options)

    def insert_user_function(self, func: Any, fndesc: FunctionDescriptor, libs: Any = ()) -> None:
        """Register an adopted function: whoever calls it, under whatever context, calls it in its way."""
        call = user_function(fndesc, libs)

        def call_in_its_way(context: CPUContext, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            if _is_lean(fndesc) and isinstance(context, ObjectContext):
                return call_lean(context, builder, fndesc, arguments)
            return call(ObjectContext.of(context), builder, signature, arguments)

        call_in_its_way.signature, call_in_its_way.libs = call.signature, call.libs
        self._defns[func].append(call_in_its_way, call.signature)


def _count_in_one_thread(module: ir.Module) -> None:
    """Define numba's functions that count references, where a module calls them, without atomic operations, which cost 7 ns each.

    The arrays of a call are known to its own thread alone: for each argument numba makes a new owner, whoever else has the array.
    """
    for name, change in (("NRT_incref", 1), ("NRT_decref", -1)):
        function = module.globals.get(name)
        if function is None or not function.is_declaration or len(function.args) != 1:
            continue
        function.linkage = "linkonce_odr"
        function.attributes.add("noinline")  # numba takes out pairs of calls by their names
        builder, (owner,) = ir.IRBuilder(function.append_basic_block()), function.args
        with cgutils.if_unlikely(builder, cgutils.is_null(builder, owner)):
            builder.ret_void()
        place = builder.bitcast(owner, _INDEX.as_pointer())
        count = builder.add(builder.load(place), _INDEX(change))
        builder.store(count, place)
        if change < 0:
            with cgutils.if_unlikely(builder, cgutils.is_null(builder, count)):
                free = cgutils.get_or_insert_function(module, function.function_type, "NRT_MemInfo_call_dtor")
                builder.call(free, [owner])
        builder.ret_void()


def call_lean(context: ObjectContext, builder: ir.IRBuilder, fndesc: FunctionDescriptor, arguments: Any) -> Any:
    """Call a lean function from an adopted one, which catches no exceptions: its exception is the caller's at once."""
    calls = LeanCalls(context)
    slot = result_slot(builder, calls.get_return_type(fndesc.restype).pointee)
    exception = calls._get_excinfo_argument(builder.function)
    passed = calls._get_arg_packer(fndesc.argtypes).as_arguments(builder, arguments)
    code = builder.call(context.declare_function(builder.module, fndesc), [slot, exception, *passed])
    with cgutils.if_unlikely(builder, builder.icmp_signed("!=", code, RETCODE_OK)):
        builder.ret(code)
    return context.get_returned_value(builder, fndesc.restype, builder.load(slot))


def result_slot(builder: ir.IRBuilder, kind: ir.Type) -> ir.Value:
    """Where a call puts its result, of an LLVM type: one place for all calls of a function, as each result is read at once.

    With a place for each call, LLVM's time grows with the square of their number.
    """
    slots = vars(builder.function).setdefault("result_slots", {})
    if kind not in slots:
        slots[kind] = cgutils.alloca_once(builder, kind)
    return slots[kind]


def _is_lean(fndesc: FunctionDescriptor) -> bool:
    """Whether arrays are passed to a function without their owners: it is adopted, which its identity tells, and returns none."""
    return isinstance(fndesc.uid, str) and not holds_memory(fndesc.restype)


@functools.cache
def holds_memory(kind: types.Type) -> bool:
    """Whether references to values of a type are counted."""
    return default_manager.lookup(kind).contains_nrt_meminfo()


class ObjectCalls(CPUCallConv):
    """Calls by numba's convention, or by the lean one where the function says so."""

    def decode_arguments(self, builder: ir.IRBuilder, argtypes: Any, func: ir.Function) -> Any:
        if getattr(func, "is_lean", False):
            return LeanCalls(self.context).decode_arguments(builder, argtypes, func)
        return super().decode_arguments(builder, argtypes, func)

    def call_function(self, builder: ir.IRBuilder, callee: ir.Function, *rest: Any, **options: Any) -> Any:
        if getattr(callee, "is_lean", False):
            return LeanCalls(self.context).call_function(builder, callee, *rest, **options)
        return super().call_function(builder, callee, *rest, **options)


class LeanCalls(CPUCallConv):
    """numba's convention, but for what is passed of an array."""

    def _get_arg_packer(self, argtypes: Any) -> ArgPacker:
        return _packer(tuple(argtypes))


@functools.lru_cache(maxsize=1024)
def _packer(parameters: tuple[types.Type, ...]) -> ArgPacker:
    return ArgPacker(_ARGUMENTS, parameters)


class ArrayArgument(ArrayModel):
    """An array, passed as the address of its elements, its shape, and its strides unless they follow from that."""

    def __init__(self, manager: DataModelManager, kind: types.Array) -> None:
        super().__init__(manager, kind)
        names = ("data", "shape") if kind.layout == "C" else ("data", "shape", "strides")
        self.passed = [(name, self.get_model(self.get_field_position(name))) for name in names]

    def get_argument_type(self) -> tuple[Any, ...]:
        return tuple(model.get_argument_type() for _, model in self.passed)

    def as_argument(self, builder: ir.IRBuilder, value: Any) -> tuple[Any, ...]:
        return tuple(model.as_argument(builder, self.get(builder, value, name)) for name, model in self.passed)

    def from_argument(self, builder: ir.IRBuilder, value: tuple[Any, ...]) -> Any:
        data, shape, *strides = value
        owner = ir.Constant(_POINTER, None)
        return array_value(builder, self._fe_type, data, list(shape), *map(list, strides), meminfo=owner, parent=owner)


class _Arguments(DataModelManager):
    """The data models of arguments: arrays are special, everything else is as in numba."""

    def lookup(self, fetype: types.Type) -> Any:
        return ArrayArgument(default_manager, fetype) if type(fetype) is types.Array else default_manager.lookup(fetype)


_ARGUMENTS = _Arguments()


def array_value(
    builder: ir.IRBuilder,
    kind: types.Array,
    data: Any,
    shape: list[Any],
    strides: list[Any] | None = None,
    *,
    meminfo: Any,
    parent: Any,
) -> Any:
    """An array as a value, made at once, where numba's own way goes through a variable for each field; in C order without strides."""
    itemsize = ir.Constant(_INDEX, as_dtype(kind.dtype).itemsize)
    if strides is None:
        strides, size = [], itemsize
        for extent in reversed(shape):
            strides.insert(0, size)
            size = builder.mul(size, extent)
    model = default_manager.lookup(kind)
    array = ir.Constant(model.get_value_type(), ir.Undefined)
    fields = {
        "meminfo": meminfo,
        "parent": parent,
        "nitems": functools.reduce(builder.mul, shape, ir.Constant(_INDEX, 1)),
        "itemsize": itemsize,
        "data": data,
        "shape": cgutils.pack_array(builder, shape, ty=_INDEX),
        "strides": cgutils.pack_array(builder, strides, ty=_INDEX),
    }
    for name, value in fields.items():
        array = model.set(builder, array, value, name)
    return array


class References(NRTContext):
    """numba's reference counts. Of a value only what holds memory is looked at, where numba takes all of it apart each time."""

    def get_meminfos(self, builder: ir.IRBuilder, ty: types.Type, val: Any) -> list[tuple[types.Type, Any]]:
        model = default_manager.lookup(ty)
        found = [(ty, model.get_nrt_meminfo(builder, val))] if model.has_nrt_meminfo() else []
        for inner, get in model.traverse(builder):
            if holds_memory(inner):
                found += self.get_meminfos(builder, inner, get(val))
        return found
