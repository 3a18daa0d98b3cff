"""Functions that look at the same elements in another shape or order: reshape, transpose, flip, diagonal, broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import Dim, Var
from ..ir.sizes import product
from ..ir.types import I64
from .broadcasting import assume_shape, broadcast_shapes, broadcast_to, check_equal, fit
from .cells import Cell, View
from .context import active_trace
from .layout import is_in_c_order, only_axes_of_one, order_in_memory, shares_storage
from .promotion import as_array
from .tracer import Tracer, as_dim, describe, new, python_size


def normal_axis(axis: Any, rank: int) -> int:
    """An axis counted from the start; raises NumPy's ``AxisError``."""
    number = int(axis)
    if not -rank <= number < rank:
        raise np.exceptions.AxisError(number, rank)
    return number % rank


def normal_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes as a growing tuple; None is all of them."""
    return tuple(sorted(given_axes(axis, rank)))


def given_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes in the order in which they are given; None is all of them."""
    if axis is None:
        return tuple(range(rank))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    normal = tuple(normal_axis(a, rank) for a in axes)
    if len(set(normal)) != len(normal):
        raise ValueError("duplicate value in 'axis'")
    return normal


def reduced_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """The axes along which a ufunc reduces; the axis 0 or -1 of a 0-d array, which NumPy takes there, is none."""
    return () if not rank and isinstance(axis, int) and axis in (0, -1) else normal_axes(axis, rank)


def dims_of(shape: Any) -> tuple[Dim, ...]:
    """A user's shape (an int or a sequence of ints) as dims."""
    items = dims_user(shape)
    dims = []
    for item in items:
        dim = as_dim(item)
        if dim is None:
            raise TypeError(f"a shape is made of integers, found {describe(item)}")
        if isinstance(dim, int) and dim < -1:
            raise ValueError("negative dimensions are not allowed")
        dims.append(dim)
    return tuple(dims)


def reshape(x: Any, shape: Any, order: str = "C") -> Tracer:
    """``np.reshape``: a view of the same elements."""
    x = as_array(x)
    order = order_in_memory(x, order)
    if order == "F":
        return transpose(reshape(transpose(x), tuple(reversed(dims_user(shape)))))
    if order != "C":
        raise ValueError(f"order must be one of 'C', 'F', 'A' or 'K', found {order!r}")
    dims = dims_of(shape)
    return reshaped(x, _with_inferred(x, dims))


def dims_user(shape: Any) -> tuple[Any, ...]:
    """The entries of a user's shape."""
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    if isinstance(shape, Tracer) and shape.type.rank:
        return tuple(shape)
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)


def _with_inferred(x: Tracer, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """Replace -1 by what the number of elements asks for."""
    sizing = active_trace().sizing
    unknown = [k for k, dim in enumerate(dims) if isinstance(dim, int) and dim == -1]
    known = product(tuple(dim for k, dim in enumerate(dims) if k not in unknown))
    if len(unknown) > 1:
        raise ValueError("can only specify one unknown dimension")
    if not unknown:
        return dims
    total = x.type.size
    if known != 0 and sizing.decide(total % known, "==", 0) is not False:
        return tuple(total // known if k in unknown else dim for k, dim in enumerate(dims))
    raise _cannot_reshape(x, dims)


def _cannot_reshape(x: Tracer, dims: tuple[Dim, ...]) -> ShapeError:
    text = active_trace().sizing.shape_text
    return ShapeError(f"cannot reshape {describe(x)} of shape {text(x.type.shape)} into shape {text(dims)}")


def reshaped(x: Tracer, shape: tuple[Dim, ...]) -> Tracer:
    """x in a shape of as many elements: a view where NumPy gives one, else a copy."""
    trace = active_trace()
    if x.type.shape == shape:
        return Tracer(x.cell, x.type, x.views, x.is_scalar)
    source = x.type.shape
    if product(source) != product(shape):
        equal = trace.sizing.decide(product(source), "==", product(shape))
        if equal is False:
            raise _cannot_reshape(x, shape)
        if equal is None:
            check_equal(product(source), product(shape), "cannot reshape an array")
    if x.views and not shares_storage(x, shape):
        copy = new(_reshape(x.value, source, shape), scalar=False)
        copy.cell.origin = x.cell
        return copy
    kind = "axes" if only_axes_of_one(source, shape) else "reshape"
    view = View(lambda base: _reshape(base, source, shape), lambda base, value: _reshape(value, shape, source), (kind, shape))
    return x.through(view, x.type.with_shape(shape))


def _reshape(value: Var, source: tuple[Dim, ...], target: tuple[Dim, ...]) -> Var:
    """Reshape where guards, rather than the expressions, say that the numbers of elements are equal."""
    trace = active_trace()
    if product(source) == product(target):
        return trace.emit("reshape", value, shape=target)
    flat = trace.emit("reshape", value, shape=(product(source),))
    return trace.emit("reshape", assume_shape(flat, (product(target),)), shape=target)


def transpose(x: Any, axes: Any = None) -> Tracer:
    """``np.transpose``: a view with the axes in another order."""
    x = as_array(x)
    rank = x.type.rank
    if axes is None:
        order = tuple(reversed(range(rank)))
    else:
        order = tuple(normal_axis(a, rank) for a in (axes if isinstance(axes, (tuple, list)) else (axes,)))
        if sorted(order) != list(range(rank)):
            raise ValueError("axes don't match array")
    if order == tuple(range(rank)):
        return Tracer(x.cell, x.type, x.views, x.is_scalar)
    inverse = tuple(int(k) for k in np.argsort(order))
    trace = active_trace()
    view = View(
        lambda base: trace.emit("transpose", base, axes=order),
        lambda base, value: trace.emit("transpose", value, axes=inverse),
        ("transpose", order),
    )
    return x.through(view, x.type.with_shape(tuple(x.type.shape[k] for k in order)))


def swapaxes(x: Any, first: int, second: int) -> Tracer:
    """``np.swapaxes``."""
    x = as_array(x)
    order = list(range(x.type.rank))
    a, b = normal_axis(first, x.type.rank), normal_axis(second, x.type.rank)
    order[a], order[b] = order[b], order[a]
    return transpose(x, tuple(order))


def moveaxis(x: Any, source: Any, destination: Any) -> Tracer:
    """``np.moveaxis``."""
    x = as_array(x)
    rank = x.type.rank
    sources = [normal_axis(a, rank) for a in (source if isinstance(source, Sequence) else [source])]
    targets = [normal_axis(a, rank) for a in (destination if isinstance(destination, Sequence) else [destination])]
    for axes, name in ((sources, "source"), (targets, "destination")):
        if len(set(axes)) != len(axes):
            raise ValueError(f"repeated axis in `{name}` argument")
    if len(sources) != len(targets):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    order = [k for k in range(rank) if k not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return transpose(x, tuple(order))


def expand_dims(x: Any, axis: Any) -> Tracer:
    """``np.expand_dims``."""
    x = as_array(x)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    rank = x.type.rank + len(axes)
    places = normal_axes(tuple(axes), rank)
    remaining = iter(x.type.shape)
    return reshaped(x, tuple(1 if k in places else next(remaining) for k in range(rank)))


def squeeze(x: Any, axis: Any = None) -> Tracer:
    """``np.squeeze``."""
    x = as_array(x)
    sizing = active_trace().sizing
    if axis is None:
        axes = tuple(k for k, dim in enumerate(x.type.shape) if sizing.decide(dim, "==", 1))
    else:
        axes = normal_axes(axis, x.type.rank)
        if any(sizing.decide(x.type.shape[k], "==", 1) is False for k in axes):
            raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return reshaped(x, tuple(dim for k, dim in enumerate(x.type.shape) if k not in axes))


def ravel(x: Any, order: str = "C") -> Tracer:
    """``np.ravel``: a view of what is in C order, else a copy."""
    x = as_array(x)
    order = order_in_memory(x, order)
    if order == "C" and not is_in_c_order(x):
        return copy_of(reshape(x, -1))
    return reshape(in_c_order(x) if x.type.rank == 1 else x, -1, order)


def in_c_order(x: Any) -> Tracer:
    """``np.ascontiguousarray``: the array itself where it is in C order, else a copy."""
    x = as_array(x)
    if x.is_scalar or not x.type.rank:
        return reshape(x, (1,))
    shape = x.type.shape
    view = View(lambda base: base, lambda base, value: value, ("reshape", shape))
    return x.through(view, x.type) if is_in_c_order(x) else copy_of(x)


def in_fortran_order(x: Any) -> Tracer:
    """``np.asfortranarray``: the array itself where it is in Fortran order, else a copy."""
    x = as_array(x)
    return transpose(in_c_order(transpose(x)))


def copy_of(x: Tracer) -> Tracer:
    """An array of its own with the same elements."""
    return new(active_trace().scope.resolve(x.value), scalar=False)


def broadcast(x: Any, shape: Any) -> Tracer:
    """``np.broadcast_to``: a view that cannot be written to."""
    x = as_array(x)
    dims = dims_of(shape)
    if x.type.rank > len(dims):
        raise ShapeError(
            f"input operand has more dimensions than allowed: {describe(x)} cannot be broadcast to {len(dims)} axes"
        )
    fit(x, dims, "broadcast_to")
    type = x.type

    def read(base: Var) -> Var:
        return broadcast_to(Tracer(Cell(base, active_trace().scope), type), dims)

    return x.through(View(read, read_only, ("broadcast", dims)), x.type.with_shape(dims))


def read_only(base: Var, value: Var) -> Var:
    """The write of a view that cannot be written to."""
    raise ValueError("assignment destination is read-only; write to a copy made with .copy()")


def broadcast_arrays(*arrays: Any, subok: bool = False) -> tuple[Tracer, ...]:
    """``np.broadcast_arrays``."""
    tracers = [as_array(a) for a in arrays]
    shape = broadcast_shapes(tracers, "broadcast_arrays")
    return tuple(t if t.type.shape == shape else broadcast(t, tuple(map(python_size, shape))) for t in tracers)


def at_least(rank: int, x: Any) -> Tracer:
    """An array of at least so many axes; new ones come first, but for the third, which is the last."""
    x = as_array(x)
    if x.type.rank >= rank:
        return Tracer(x.cell, x.type, x.views) if not x.is_scalar else new(x.value, scalar=False)
    if rank == 3:
        return reshaped(x, (1, *at_least(1, x).type.shape, 1) if x.type.rank < 2 else (*x.type.shape, 1))
    return reshaped(x, (1,) * (rank - x.type.rank) + x.type.shape)


def leading_axes(rank: int, x: Any) -> Tracer:
    """An array with axes of size 1 put first until it has so many."""
    x = as_array(x)
    return x if x.type.rank >= rank else reshaped(x, (1,) * (rank - x.type.rank) + x.type.shape)


def flip(x: Any, axis: Any = None) -> Tracer:
    """``np.flip``: a view."""
    x = as_array(x)
    axes = normal_axes(axis, x.type.rank)
    return x[tuple(slice(None, None, -1) if k in axes else slice(None) for k in range(x.type.rank))]


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tracer:
    """``np.rot90``: a view."""
    x = as_array(m)
    first, second = (normal_axis(a, x.type.rank) for a in axes)
    if first == second:
        raise ValueError("Axes must be different.")
    turns = k % 4
    if turns == 2:
        return flip(x, (first, second))
    return (
        swapaxes(flip(x, second), first, second)
        if turns == 1
        else flip(swapaxes(x, first, second), second)
        if turns
        else flip(x, ())
    )


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, *, writeable: bool = False) -> Tracer:
    """``np.diagonal``: a view that cannot be written to, unless asked for."""
    x = as_array(x)
    if x.type.rank < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    axes = tuple(normal_axis(a, x.type.rank) for a in (axis1, axis2))
    if axes[0] == axes[1]:
        raise ValueError("axis1 and axis2 cannot be the same")
    dims = [x.type.shape[a] - skipped for a, skipped in zip(axes, (max(-offset, 0), max(offset, 0)), strict=True)]
    sizing = active_trace().sizing
    shorter = dims[0] if sizing.decide(dims[0], "<=", dims[1]) else dims[1]
    length = sizing.clamp(shorter, 0, shorter) if sizing.decide(shorter, ">=", 0) is not False else 0
    kept = tuple(k for k in range(x.type.rank) if k not in axes)

    def places() -> list[Var]:
        count = active_trace().emit("iota", size=length, dtype=I64)
        found = [_shifted(count, max(-offset, 0)), _shifted(count, max(offset, 0))]
        return found if axes[0] < axes[1] else found[::-1]

    def read(base: Var) -> Var:
        trace = active_trace()
        taken = trace.emit("take", base, *places(), axes=tuple(sorted(axes)))
        return trace.emit("transpose", taken, axes=(*range(1, len(kept) + 1), 0)) if kept else taken

    def write(base: Var, value: Var) -> Var:
        trace = active_trace()
        source = trace.emit("transpose", value, axes=(len(kept), *range(len(kept)))) if kept else value
        return trace.emit("put", base, source, *places(), axes=tuple(sorted(axes)))

    shape = (*(x.type.shape[k] for k in kept), length)
    view = View(read, write if writeable else read_only, ("diagonal", offset, axes))
    return x.through(view, x.type.with_shape(shape))


def _shifted(places: Var, offset: int) -> Var:
    builder = active_trace().scope.builder
    return builder.add(places, builder.constant(offset, places.type)) if offset else places  # type: ignore[arg-type]


def flat(x: Tracer) -> Tracer:
    """``x.flat``: the elements in C order, written to through the array whatever its layout."""
    source, size = x.type.shape, (x.type.size,)
    view = View(lambda base: _reshape(base, source, size), lambda base, value: _reshape(value, size, source), ("flat", size))
    return x.through(view, x.type.with_shape(size))
