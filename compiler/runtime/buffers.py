"""Memory of arrays, for emitted programs: new, cleared, or seen under another shape, as a whole or in part.

In: shapes, C-contiguous arrays. Out: C-contiguous arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.npydecl import parse_dtype
from numba.extending import lower_builtin, type_callable
from numba.np.numpy_support import as_dtype

from .passing import array_value, result_slot

ALIGNMENT = 64  # bytes: a cache line


def empty(shape: Any, dtype: Any) -> Any:
    """`np.empty(shape, dtype)`, a few instructions where numba compiles a function for each rank and element type."""
    return np.empty(shape, dtype)


def zeros(shape: Any, dtype: Any) -> Any:
    """`np.zeros(shape, dtype)`, likewise."""
    return np.zeros(shape, dtype)


def _type_new(context: Any) -> Any:
    def resolve(shape: types.Type, dtype: types.Type) -> types.Type | None:
        dims = tuple(shape) if isinstance(shape, types.BaseTuple) else (shape,)
        element = parse_dtype(dtype)
        if element is None or not all(isinstance(dim, types.Integer) for dim in dims):
            return None
        return types.Array(element, len(dims), "C")

    return resolve


type_callable(empty)(_type_new)
type_callable(zeros)(_type_new)


@lower_builtin(empty, types.BaseTuple, types.Any)
@lower_builtin(empty, types.Integer, types.Any)
def _lower_empty(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return _new(context, builder, signature, arguments, cgutils.false_bit)


@lower_builtin(zeros, types.BaseTuple, types.Any)
@lower_builtin(zeros, types.Integer, types.Any)
def _lower_zeros(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return _new(context, builder, signature, arguments, cgutils.true_bit)


def _new(context: Any, builder: Any, signature: Any, arguments: Any, clear: Any) -> Any:
    """A new array, filled with zeros if told to."""
    given, kind = arguments[0], signature.args[0]
    dims = (
        zip(cgutils.unpack_tuple(builder, given), kind, strict=True) if isinstance(kind, types.BaseTuple) else [(given, kind)]
    )
    shape = [context.cast(builder, value, of, types.intp) for value, of in dims]
    element = context.get_data_type(signature.return_type.dtype)
    itemsize = context.get_constant(types.intp, as_dtype(signature.return_type.dtype).itemsize)
    slot = result_slot(builder, cgutils.voidptr_t)
    exception = context.call_conv._get_excinfo_argument(builder.function)
    code = builder.call(_allocator(context, builder.module, len(shape)), [slot, exception, clear, itemsize, *shape])
    with cgutils.if_unlikely(builder, cgutils.is_not_null(builder, code)):
        builder.ret(code)
    meminfo, parent = builder.load(slot), context.get_constant_null(types.pyobject)
    data = builder.bitcast(context.nrt.meminfo_data(builder, meminfo), element.as_pointer())
    return array_value(builder, signature.return_type, data, shape, meminfo=meminfo, parent=parent)


def _allocator(context: Any, module: ir.Module, rank: int) -> ir.Function:
    """The function of a module that allocates all its arrays of one rank: a long driver would repeat its checks a hundred times."""
    name = f"jitgrad.allocate.{rank}"
    if name in module.globals:
        return module.globals[name]
    calls, index = context.call_conv, context.get_value_type(types.intp)
    parameters = [types.voidptr, types.boolean, types.intp, *[types.intp] * rank]
    returned, *taken = map(context.get_value_type, parameters)
    exception = calls.get_function_type(types.none, ()).args[1]
    function = ir.Function(module, ir.FunctionType(ir.IntType(32), [returned.as_pointer(), exception, *taken]), name)
    function.linkage = "private"
    function.attributes.add("noinline")
    slot, _, clear, size, *shape = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    negative, too_big = cgutils.false_bit, cgutils.false_bit
    for extent in shape:
        product = builder.smul_with_overflow(size, extent)
        size = builder.extract_value(product, 0)
        too_big = builder.or_(too_big, builder.extract_value(product, 1))
        negative = builder.or_(negative, builder.icmp_signed("<", extent, ir.Constant(index, 0)))
    for test, message in ((negative, "negative dimensions not allowed"), (too_big, "array is too big")):
        with builder.if_then(test, likely=False):
            calls.return_user_exc(builder, ValueError, (message,))
    meminfo = context.nrt.meminfo_alloc_aligned(builder, size=size, align=ALIGNMENT)
    builder.store(meminfo, slot)
    with builder.if_then(clear):
        cgutils.memset(builder, context.nrt.meminfo_data(builder, meminfo), size, 0)
    builder.ret(ir.Constant(ir.IntType(32), 0))
    return function


def clear(x: Any) -> None:
    """Make all elements of a C-contiguous array zeros."""
    x.fill(0)


@type_callable(clear)
def _type_clear(context: Any) -> Any:
    return lambda x: types.none if isinstance(x, types.Array) and x.layout == "C" else None


@lower_builtin(clear, types.Array)
def _lower_clear(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    model, (x,) = context.data_model_manager[signature.args[0]], arguments
    data, count, itemsize = (model.get(builder, x, name) for name in ("data", "nitems", "itemsize"))
    cgutils.memset(builder, data, builder.mul(count, itemsize), 0)
    return context.get_dummy_value()


def view(x: Any, shape: Any) -> Any:
    """The array ``x`` under another shape of as many elements: the same memory.

    numba's own ``reshape`` checks at run time what the compiler knows, and costs fifteen times as much to compile.
    """
    return x.reshape(shape)


@type_callable(view)
def _type_view(context: Any) -> Any:
    def resolve(x: types.Type, shape: types.Type) -> types.Type | None:
        if not isinstance(x, types.Array) or x.layout != "C":
            return None
        rank = len(shape) if isinstance(shape, types.BaseTuple) else 1
        return x.copy(ndim=rank)

    return resolve


def within(x: Any, start: Any, shape: Any) -> Any:
    """The elements of the array ``x`` from one on, counted in the order of memory, under a shape: the same memory."""
    size = int(np.prod(shape))
    return x.reshape(-1)[start : start + size].reshape(shape)


@type_callable(within)
def _type_within(context: Any) -> Any:
    def resolve(x: types.Type, start: types.Type, shape: types.Type) -> types.Type | None:
        if not isinstance(x, types.Array) or x.layout != "C" or not isinstance(start, types.Integer):
            return None
        return x.copy(ndim=len(shape) if isinstance(shape, types.BaseTuple) else 1)

    return resolve


@lower_builtin(within, types.Array, types.Integer, types.BaseTuple)
def _lower_within(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    x, start, shape = arguments
    dims = list(zip(cgutils.unpack_tuple(builder, shape), signature.args[2], strict=True))
    return _view(context, builder, signature, x, dims, context.cast(builder, start, signature.args[1], types.intp))


@lower_builtin(within, types.Array, types.Integer, types.Integer)
def _lower_flat_within(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    x, start, size = arguments
    start = context.cast(builder, start, signature.args[1], types.intp)
    return _view(context, builder, signature, x, [(size, signature.args[2])], start)


@lower_builtin(view, types.Array, types.BaseTuple)
def _lower_view(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    dims = cgutils.unpack_tuple(builder, arguments[1])
    return _view(context, builder, signature, arguments[0], list(zip(dims, signature.args[1], strict=True)))


@lower_builtin(view, types.Array, types.Integer)
def _lower_flat_view(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return _view(context, builder, signature, arguments[0], [(arguments[1], signature.args[1])])


def _view(context: Any, builder: Any, signature: Any, x: Any, dims: list[tuple[Any, types.Type]], start: Any = None) -> Any:
    model = context.data_model_manager[signature.args[0]]
    meminfo, parent, data = (model.get(builder, x, name) for name in ("meminfo", "parent", "data"))
    if start is not None:
        data = builder.gep(data, [start])
    shape = [context.cast(builder, value, kind, types.intp) for value, kind in dims]
    result = array_value(builder, signature.return_type, data, shape, meminfo=meminfo, parent=parent)
    if context.enable_nrt:
        context.nrt.incref(builder, signature.return_type, result)
    return result
