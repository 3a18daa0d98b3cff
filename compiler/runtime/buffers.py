"""Memory of arrays, for emitted programs: new, filled with zeros, or seen under another shape, as a whole or in part.

In: shapes, C-contiguous arrays. Out: C-contiguous arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.typing.npydecl import parse_dtype
from numba.extending import lower_builtin, type_callable

from .passing import array_value

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
    return _allocate(context, builder, signature, arguments)[0]


@lower_builtin(zeros, types.BaseTuple, types.Any)
@lower_builtin(zeros, types.Integer, types.Any)
def _lower_zeros(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    result, data, size = _allocate(context, builder, signature, arguments)
    cgutils.memset(builder, data, size, 0)
    return result


def _allocate(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[Any, Any, Any]:
    """A new array, its data, and its bytes."""
    given, kind = arguments[0], signature.args[0]
    dims = (
        zip(cgutils.unpack_tuple(builder, given), kind, strict=True) if isinstance(kind, types.BaseTuple) else [(given, kind)]
    )
    shape = [context.cast(builder, value, of, types.intp) for value, of in dims]
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(signature.return_type.dtype)))
    size, negative, too_big = itemsize, cgutils.false_bit, cgutils.false_bit
    for extent in shape:
        product = builder.smul_with_overflow(size, extent)
        size = builder.extract_value(product, 0)
        too_big = builder.or_(too_big, builder.extract_value(product, 1))
        negative = builder.or_(negative, builder.icmp_signed("<", extent, extent.type(0)))
    _refuse(context, builder, negative, "negative dimensions not allowed")
    _refuse(context, builder, too_big, "array is too big")
    meminfo = context.nrt.meminfo_alloc_aligned(builder, size=size, align=ALIGNMENT)
    pointer = context.get_data_type(signature.return_type.dtype).as_pointer()
    data = builder.bitcast(context.nrt.meminfo_data(builder, meminfo), pointer)
    parent = context.get_constant_null(types.pyobject)
    return array_value(builder, signature.return_type, data, shape, meminfo=meminfo, parent=parent), data, size


def _refuse(context: Any, builder: Any, test: Any, message: str) -> None:
    with builder.if_then(test, likely=False):
        context.call_conv.return_user_exc(builder, ValueError, (message,))


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
