"""Memory of arrays, for emitted programs: filled with zeros, or seen under another shape.

In: shapes, C-contiguous arrays. Out: C-contiguous arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import make_array, populate_array

from .linking import stands_for


def zeros(shape: Any, dtype: Any) -> Any:
    """`np.zeros(shape, dtype)`, compiled once for all programs."""
    return np.zeros(shape, dtype)


@stands_for(zeros, allocates=True)
def _zeros(shape, dtype):
    return np.zeros(shape, dtype)


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


@lower_builtin(view, types.Array, types.BaseTuple)
def _lower_view(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    dims = cgutils.unpack_tuple(builder, arguments[1])
    return _view(context, builder, signature, arguments[0], list(zip(dims, signature.args[1], strict=True)))


@lower_builtin(view, types.Array, types.Integer)
def _lower_flat_view(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return _view(context, builder, signature, arguments[0], [(arguments[1], signature.args[1])])


def _view(context: Any, builder: Any, signature: Any, x: Any, dims: list[tuple[Any, types.Type]]) -> Any:
    array = make_array(signature.args[0])(context, builder, x)
    shape = [context.cast(builder, value, kind, types.intp) for value, kind in dims]
    strides: list[Any] = []
    stride = array.itemsize
    for size in reversed(shape):
        strides.insert(0, stride)
        stride = builder.mul(stride, size)
    result = make_array(signature.return_type)(context, builder)
    populate_array(
        result,
        data=array.data,
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=array.itemsize,
        meminfo=array.meminfo,
        parent=array.parent,
    )
    if context.enable_nrt:
        context.nrt.incref(builder, signature.return_type, result._getvalue())
    return result._getvalue()
