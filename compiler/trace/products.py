"""Products that sum over axes: matmul, dot, outer, tensordot, kron, cross."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import Dim
from ..ir.types import BOOL, I64
from .broadcasting import assume_shape, broadcast_shapes, check_equal, repeated
from .context import active_trace
from .elementwise import into
from .promotion import as_array, as_tracer, common_dtype, convert
from .reductions import reduce
from .shaping import diagonal, expand_dims, leading_axes, moveaxis, normal_axis, ravel, reshaped, swapaxes
from .tracer import Tracer, describe, new
from .versions import NUMPY_2_5

Axes = tuple[int, ...]


def dot_general(x: Tracer, y: Tracer, contract: tuple[Axes, Axes], batch: tuple[Axes, Axes], name: str) -> Tracer:
    """The sum of products over paired axes; batch axes come first in the result."""
    dtype = common_dtype([x, y])
    if dtype == BOOL:
        return dot_general(convert(x, I64), convert(y, I64), contract, batch, name) != 0
    x, y = convert(x, dtype), convert(y, dtype)
    trace = active_trace()
    shape = list(y.type.shape)
    for i, j in [*zip(*contract, strict=True), *zip(*batch, strict=True)]:
        left, right = x.type.shape[i], y.type.shape[j]
        equal = trace.sizing.decide(left, "==", right)
        if equal is False:
            text = trace.sizing.shape_text
            raise ShapeError(
                f"{name}: shapes {text(x.type.shape)} and {text(y.type.shape)} do not fit: axis {i} of {describe(x)} has "
                f"size {trace.sizing.text(left)}, axis {j} of {describe(y)} has size {trace.sizing.text(right)}; "
                "they are summed over together and must be equal"
            )
        if equal is None:
            check_equal(left, right, f"{name}: sizes do not fit")
        shape[j] = left
    second = assume_shape(trace.scope.resolve(y.value), tuple(shape))
    return new(trace.emit("dot", x.value, second, contract=contract, batch=batch))


def matmul(x: Any, y: Any, axes: Any = None) -> Any:
    """``np.matmul``: matrix products over the last two axes, or those given for operands and result, broadcast over the rest."""
    if axes is not None:
        return _at_axes(x, y, axes)
    x, y = as_tracer(x, "the first operand of matmul"), as_tracer(y, "the second operand of matmul")
    if not x.type.rank or not y.type.rank:
        raise ValueError(f"matmul: {describe(x if not x.type.rank else y)} is a scalar; use * in place of @")
    return _matmul(x, y)


def _at_axes(x: Any, y: Any, axes: Any) -> Any:
    """The product of matrices, or of a vector, along other axes than the last ones."""
    x, y = as_array(x), as_array(y)
    rank = min(x.ndim, 2) + min(y.ndim, 2) - 2
    entries = [(entry,) if isinstance(entry, int) else tuple(entry) for entry in axes]
    if [len(entry) for entry in entries] != [min(x.ndim, 2), min(y.ndim, 2), rank]:
        raise ValueError(
            "matmul: axes should be a list with an entry for each operand and the result, of as many axes as each has in the product"
        )
    moved = (moveaxis(v, entry, tuple(range(-len(entry), 0))) for v, entry in zip((x, y), entries, strict=False))
    return moveaxis(matmul(*moved), tuple(range(-rank, 0)), entries[2])


def _matmul(x: Tracer, y: Tracer) -> Tracer:
    last = x.type.rank - 1
    second = max(y.type.rank - 2, 0)
    if x.type.rank <= 2 and y.type.rank <= 2:
        return dot_general(x, y, ((last,), (second,)), ((), ()), "matmul")
    if y.type.rank <= 2:
        return dot_general(x, y, ((last,), (second,)), ((), ()), "matmul")
    if x.type.rank == 1:
        row = reshaped(x, (1, x.type.shape[0]))
        result = _matmul(row, y)
        return reshaped(result, (*result.type.shape[:-2], result.type.shape[-1]))
    lead = max(x.type.rank, y.type.rank) - 2
    shape = _batch_shape(x, y)
    x, y = (repeated(v, (*shape, *v.type.shape[-2:])) for v in (x, y))
    axes = tuple(range(lead))
    return dot_general(x, y, ((lead + 1,), (lead,)), (axes, axes), "matmul")


def _batch_shape(x: Tracer, y: Tracer) -> tuple[Dim, ...]:
    return broadcast_shapes([Tracer(v.cell, v.type.with_shape(v.type.shape[:-2])) for v in (x, y)], "matmul")


def vecdot(x: Any, y: Any, *, axis: int = -1, keepdims: bool = False) -> Any:
    """``np.vecdot``."""
    if keepdims:
        return expand_dims(vecdot(x, y, axis=axis), axis)
    x, y = (moveaxis(as_array(v), axis, -1) for v in (x, y))
    return swapaxes(matmul(x[..., None, :], y[..., :, None]), -1, -2)[..., 0, 0] if x.ndim + y.ndim > 2 else dot(x, y)


def matvec(x: Any, y: Any) -> Any:
    """``np.matvec``."""
    return matmul(as_array(x), as_array(y)[..., None])[..., 0]


def vecmat(x: Any, y: Any) -> Any:
    """``np.vecmat``."""
    return matmul(as_array(x)[..., None, :], as_array(y))[..., 0, :]


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """``np.dot``."""
    x, y = as_array(a), as_array(b)
    if not x.type.rank or not y.type.rank:
        return into(out, x * y, "dot")
    return into(out, dot_general(x, y, ((x.type.rank - 1,), (max(y.type.rank - 2, 0),)), ((), ()), "dot"), "dot")


def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """``np.linalg.multi_dot``, left to right."""
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    result, *rest = arrays
    for other in rest:
        result = dot(result, other)
    return into(out, result, "multi_dot")


def vdot(a: Any, b: Any) -> Any:
    """``np.vdot``."""
    return dot(ravel(a), ravel(b))


def inner(a: Any, b: Any) -> Any:
    """``np.inner``."""
    x, y = as_array(a), as_array(b)
    if not x.type.rank or not y.type.rank:
        return x * y
    return dot_general(x, y, ((x.type.rank - 1,), (y.type.rank - 1,)), ((), ()), "inner")


def outer(a: Any, b: Any, out: Any = None) -> Any:
    """``np.outer``."""
    x = ravel(a)
    return into(out, reshaped(x, (x.type.shape[0], 1)) * ravel(b), "outer")


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``np.tensordot``; of no axes the result is a 0-d array."""
    x, y = as_array(a), as_array(b)
    if np.ndim(axes) == 0:
        axes = int(axes)
        first = tuple(range(x.type.rank - axes, x.type.rank))
        second = tuple(range(axes))
        if axes > min(x.type.rank, y.type.rank):
            raise ValueError(f"shape-mismatch for sum: {axes} axes of {describe(x)} and {describe(y)}")
    else:
        first, second = (tuple(a) if isinstance(a, (tuple, list)) else (a,) for a in axes)
        first = tuple(normal_axis(a, x.type.rank) for a in first)
        second = tuple(normal_axis(a, y.type.rank) for a in second)
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        raise ValueError("duplicate axes are not allowed in tensordot")
    if len(first) != len(second):
        raise ValueError("shape-mismatch for sum: the axes of both operands must be as many")
    return new(dot_general(x, y, (first, second), ((), ()), "tensordot").value, scalar=False)


def kron(a: Any, b: Any) -> Any:
    """``np.kron``."""
    rank = max(as_array(a).type.rank, as_array(b).type.rank)
    x, y = leading_axes(rank, a), leading_axes(rank, b)
    spread_x = reshaped(x, tuple(d for dim in x.type.shape for d in (dim, 1)))
    spread_y = reshaped(y, tuple(d for dim in y.type.shape for d in (1, dim)))
    found = reshaped(spread_x * spread_y, tuple(m * n for m, n in zip(x.type.shape, y.type.shape, strict=True)))
    return found if rank else new(found.value)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    """``np.trace``."""
    return reduce("sum", diagonal(a, offset, axis1, axis2), -1, dtype, out)


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """``np.cross`` of vectors of three components, or, where NumPy takes them, of two: then the third component of the product alone."""
    from .joining import stack

    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = moveaxis(as_array(a), axisa, -1), moveaxis(as_array(b), axisb, -1)
    sizes = x.shape[-1], y.shape[-1]
    if any(n not in ((3,) if NUMPY_2_5 else (2, 3)) for n in sizes):
        raise ValueError(
            f"np.cross: both operands must have 3 components, found {describe(as_array(a))} and {describe(as_array(b))}"
        )
    u, v = ([z[..., k] for k in range(int(n))] for z, n in zip((x, y), sizes, strict=True))

    def component(i: int, j: int) -> Any:
        terms: list[Any] = [p[i] * q[j] if i < len(p) and j < len(q) else None for p, q in ((u, v), (v, u))]
        first, second = terms
        return -second if first is None else first if second is None else first - second

    if sizes == (2, 2):
        return new(component(0, 1).value, scalar=False)
    return moveaxis(stack([component(1, 2), component(2, 0), component(0, 1)], -1), -1, axisc)


def cross_of_three(x1: Any, x2: Any, axis: int) -> Any:
    """``np.linalg.cross``, of vectors of three components only."""
    if any(as_array(x).shape[axis] != 3 for x in (x1, x2)):
        raise ValueError("Both input arrays must be (arrays of) 3-dimensional vectors")
    return cross(x1, x2, axis=axis)


GENERALIZED: dict[np.ufunc, Callable[..., Any]] = {
    np.matmul: matmul,
    np.vecdot: vecdot,
    np.matvec: matvec,
    np.vecmat: vecmat,
}
