"""Functions that rearrange elements: reshape and transpose in all their forms, joining, repeating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..ir import Dim, Var
from ..ir.sizes import product
from .context import active_trace
from .elementwise import as_tracer, assume_shape, broadcast_to, convert, result_dtype
from .tracer import Tracer, View, as_dim, describe, new


def normal_axis(axis: Any, rank: int) -> int:
    """An axis counted from the start; raises NumPy's ``AxisError``."""
    number = int(axis)
    if not -rank <= number < rank:
        raise np.exceptions.AxisError(number, rank)
    return number % rank


def normal_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes as a growing tuple; None is all of them."""
    if axis is None:
        return tuple(range(rank))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    normal = tuple(normal_axis(a, rank) for a in axes)
    if len(set(normal)) != len(normal):
        raise ValueError("duplicate value in 'axis'")
    return tuple(sorted(normal))


def dims_of(shape: Any) -> tuple[Dim, ...]:
    """A user's shape (an int or a sequence of ints) as dims."""
    items = shape if isinstance(shape, (tuple, list)) else [shape]
    if isinstance(shape, np.ndarray):
        items = shape.tolist()
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
    x = as_tracer(x)
    if order == "F":
        return transpose(reshape(transpose(x), tuple(reversed(dims_user(shape)))))
    if order not in ("C", "K", "A"):
        raise ValueError(f"order must be one of 'C', 'F', 'A' or 'K', found {order!r}")
    dims = dims_of(shape)
    return reshaped(x, _with_inferred(x, dims))


def dims_user(shape: Any) -> tuple[Any, ...]:
    """The entries of a user's shape."""
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
    """A view of x in a shape of as many elements."""
    trace = active_trace()
    if x.type.shape == shape:
        return Tracer(x.cell, x.type, x.views)
    source = x.type.shape
    if product(source) != product(shape):
        equal = trace.sizing.decide(product(source), "==", product(shape))
        if equal is False:
            raise _cannot_reshape(x, shape)
        if equal is None:
            from .elementwise import check_equal

            check_equal(product(source), product(shape), f"cannot reshape {describe(x)}")
    view = View(
        lambda base: _reshape(base, source, shape), lambda base, value: _reshape(value, shape, source), ("reshape", shape)
    )
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
    x = as_tracer(x)
    rank = x.type.rank
    if axes is None:
        order = tuple(reversed(range(rank)))
    else:
        order = tuple(normal_axis(a, rank) for a in (axes if isinstance(axes, (tuple, list)) else (axes,)))
        if sorted(order) != list(range(rank)):
            raise ValueError("axes don't match array")
    if order == tuple(range(rank)):
        return Tracer(x.cell, x.type, x.views)
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
    x = as_tracer(x)
    order = list(range(x.type.rank))
    a, b = normal_axis(first, x.type.rank), normal_axis(second, x.type.rank)
    order[a], order[b] = order[b], order[a]
    return transpose(x, tuple(order))


def moveaxis(x: Any, source: Any, destination: Any) -> Tracer:
    """``np.moveaxis``."""
    x = as_tracer(x)
    rank = x.type.rank
    sources = [normal_axis(a, rank) for a in (source if isinstance(source, (tuple, list)) else [source])]
    targets = [normal_axis(a, rank) for a in (destination if isinstance(destination, (tuple, list)) else [destination])]
    order = [k for k in range(rank) if k not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return transpose(x, tuple(order))


def expand_dims(x: Any, axis: Any) -> Tracer:
    """``np.expand_dims``."""
    x = as_tracer(x)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    rank = x.type.rank + len(axes)
    places = normal_axes(tuple(axes), rank)
    remaining = iter(x.type.shape)
    return reshaped(x, tuple(1 if k in places else next(remaining) for k in range(rank)))


def squeeze(x: Any, axis: Any = None) -> Tracer:
    """``np.squeeze``."""
    x = as_tracer(x)
    sizing = active_trace().sizing
    if axis is None:
        axes = tuple(k for k, dim in enumerate(x.type.shape) if sizing.decide(dim, "==", 1))
    else:
        axes = normal_axes(axis, x.type.rank)
        if any(sizing.decide(x.type.shape[k], "==", 1) is False for k in axes):
            raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return reshaped(x, tuple(dim for k, dim in enumerate(x.type.shape) if k not in axes))


def ravel(x: Any, order: str = "C") -> Tracer:
    """``np.ravel``: a view where NumPy gives one."""
    return reshape(x, -1, order)


def broadcast(x: Any, shape: Any) -> Tracer:
    """``np.broadcast_to``; the result is a value of its own."""
    from .indexing import _fit

    x = as_tracer(x)
    dims = dims_of(shape)
    if x.type.rank > len(dims):
        raise ShapeError(f"cannot broadcast {describe(x)} to fewer axes: {shape}")
    return new(broadcast_to(_fit(x, dims), dims), scalar=False)


def concatenate(arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> Tracer:
    """``np.concatenate``."""
    parts = [as_tracer(a) for a in (arrays if isinstance(arrays, (list, tuple)) else list(arrays))]
    if not parts:
        raise ValueError("need at least one array to concatenate")
    if axis is None:
        parts, axis = [ravel(p) for p in parts], 0
    rank = parts[0].type.rank
    if rank == 0:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    if any(p.type.rank != rank for p in parts):
        raise ShapeError(
            "all the input array dimensions must match: " + " and ".join(describe(p) for p in parts) + " differ in rank"
        )
    axis = normal_axis(axis, rank)
    target = np.dtype(dtype) if dtype is not None else result_dtype(*parts)
    parts = [convert(p, target) for p in parts]
    variables = [_matching(p, parts[0], axis) for p in parts]
    result = new(active_trace().emit("concatenate", *variables, axis=axis), scalar=False)
    return _into(result, out, "concatenate")


def _into(result: Tracer, out: Any, operation: str) -> Tracer:
    from .elementwise import write_out

    if out is None:
        return result
    write_out(out, result, True, operation)
    return out


def _matching(part: Tracer, first: Tracer, axis: int) -> Var:
    """The part with its sizes, but along the axis, written as the first part's."""
    sizing = active_trace().sizing
    for k, (dim, expected) in enumerate(zip(part.type.shape, first.type.shape, strict=True)):
        if k != axis and sizing.decide(dim, "==", expected) is False:
            raise ShapeError(
                f"all the input array dimensions except for the concatenation axis must match exactly: along axis {k}, "
                f"{describe(first)} and {describe(part)} differ"
            )
    shape = tuple(dim if k == axis else first.type.shape[k] for k, dim in enumerate(part.type.shape))
    return assume_shape(active_trace().scope.resolve(part.var), shape)


def stack(arrays: Any, axis: int = 0, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> Tracer:
    """``np.stack``."""
    parts = [as_tracer(a) for a in arrays]
    if not parts:
        raise ValueError("need at least one array to stack")
    text = active_trace().sizing.shape_text
    if any(p.type.rank != parts[0].type.rank for p in parts):
        raise ShapeError("all input arrays must have the same shape: " + ", ".join(text(p.type.shape) for p in parts))
    axis = normal_axis(axis, parts[0].type.rank + 1)
    return concatenate([expand_dims(p, axis) for p in parts], axis, out, dtype)


def at_least(rank: int, x: Any) -> Tracer:
    """``np.atleast_1d`` and ``np.atleast_2d``."""
    x = as_tracer(x)
    missing = rank - x.type.rank
    return x if missing <= 0 else reshaped(x, (1,) * missing + x.type.shape)


def vstack(arrays: Any, **kwargs: Any) -> Tracer:
    """``np.vstack``."""
    return concatenate([at_least(2, a) for a in arrays], 0, **kwargs)


def hstack(arrays: Any, **kwargs: Any) -> Tracer:
    """``np.hstack``."""
    parts = [at_least(1, a) for a in arrays]
    return concatenate(parts, 0 if parts[0].type.rank == 1 else 1, **kwargs)


def column_stack(arrays: Any) -> Tracer:
    """``np.column_stack``."""
    parts = [as_tracer(a) for a in arrays]
    return concatenate([p if p.type.rank == 2 else reshaped(p, (p.type.size, 1)) for p in parts], 1)


def dstack(arrays: Any) -> Tracer:
    """``np.dstack``."""
    parts = [at_least(2, a) if as_tracer(a).type.rank != 1 else reshaped(as_tracer(a), (1, as_tracer(a).type.size))
             for a in arrays]  # fmt: skip
    return concatenate([p if p.type.rank > 2 else expand_dims(p, 2) for p in parts], 2)


def flip(x: Any, axis: Any = None) -> Tracer:
    """``np.flip``: a view."""
    x = as_tracer(x)
    axes = normal_axes(axis, x.type.rank)
    return x[tuple(slice(None, None, -1) if k in axes else slice(None) for k in range(x.type.rank))]


def roll(x: Any, shift: Any, axis: Any = None) -> Tracer:
    """``np.roll``."""
    x = as_tracer(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    if isinstance(axis, (tuple, list)):
        for s, a in zip(shift if isinstance(shift, (tuple, list)) else [shift] * len(axis), axis, strict=True):
            x = roll(x, s, a)
        return x
    axis = normal_axis(axis, x.type.rank)
    length = x.shape[axis]
    if not isinstance(length, int) or length:
        shift = shift % length
    before = (slice(None),) * axis
    return concatenate([x[(*before, slice(length - shift, None))], x[(*before, slice(None, length - shift))]], axis)


def tile(x: Any, reps: Any) -> Tracer:
    """``np.tile``."""
    x = as_tracer(x)
    counts = dims_user(reps)
    rank = max(x.type.rank, len(counts))
    x = at_least(rank, x)
    counts = (1,) * (rank - len(counts)) + tuple(counts)
    dims = dims_of(counts)
    paired: list[Dim] = []
    for count, dim in zip(dims, x.type.shape, strict=True):
        paired += [count, dim]
    alternate = reshaped(x, tuple(d for dim in x.type.shape for d in (1, dim)))
    full = broadcast_to(alternate, tuple(paired))
    return reshaped(new(full, scalar=False), tuple(c * d for c, d in zip(dims, x.type.shape, strict=True)))


def repeat(x: Any, repeats: Any, axis: Any = None) -> Tracer:
    """``np.repeat`` with one count for all elements."""
    x = as_tracer(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normal_axis(axis, x.type.rank)
    count = as_dim(repeats)
    if count is None:
        raise UnsupportedError("np.repeat with a count per element; write x[index] with an index array")
    shape = x.type.shape
    wide = broadcast_to(expand_dims(x, axis + 1), (*shape[: axis + 1], count, *shape[axis + 1 :]))
    return reshaped(new(wide, scalar=False), (*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))


def split(x: Any, sections: Any, axis: int = 0) -> list[Tracer]:
    """``np.split`` and ``np.array_split``."""
    x = as_tracer(x)
    axis = normal_axis(axis, x.type.rank)
    length = x.shape[axis]
    if isinstance(sections, (list, tuple, np.ndarray)):
        bounds = [0, *sections, length]
    else:
        if length % sections != 0:
            raise ValueError("array split does not result in an equal division")
        bounds = [k * (length // sections) for k in range(sections + 1)]
    before = (slice(None),) * axis
    return [x[(*before, slice(low, high))] for low, high in zip(bounds[:-1], bounds[1:], strict=True)]


def array_split(x: Any, sections: Any, axis: int = 0) -> list[Tracer]:
    """``np.array_split``: the first parts are one longer where it does not divide."""
    x = as_tracer(x)
    if isinstance(sections, (list, tuple, np.ndarray)):
        return split(x, sections, axis)
    length = len(x) if axis == 0 else int(x.shape[axis])
    each, extra = divmod(length, sections)
    sizes = [each + 1] * extra + [each] * (sections - extra)
    return split(x, list(np.cumsum(sizes)[:-1]), axis)


def pad(x: Any, width: Any, mode: str = "constant", constant_values: Any = 0) -> Tracer:
    """``np.pad`` with constants, or the edge's values."""
    x = as_tracer(x)
    pairs = _pad_pairs(width, x.type.rank)
    if mode == "edge":
        for axis, (low, high) in enumerate(pairs):
            before = (slice(None),) * axis
            parts = [repeat(x[(*before, slice(0, 1))], low, axis), x, repeat(x[(*before, slice(-1, None))], high, axis)]
            x = concatenate(parts, axis)
        return x
    if mode != "constant":
        raise UnsupportedError(f"np.pad with mode {mode!r}; 'constant' and 'edge' are compiled")
    from .creation import full

    shape = tuple(n + low + high for n, (low, high) in zip(x.shape, pairs, strict=True))
    out = full(shape, constant_values, dtype=x.dtype)
    out[tuple(slice(low, low + n) for n, (low, _) in zip(x.shape, pairs, strict=True))] = x
    return out


def _pad_pairs(width: Any, rank: int) -> list[tuple[Any, Any]]:
    if isinstance(width, np.ndarray):
        width = width.tolist()
    if not isinstance(width, (tuple, list)):
        return [(width, width)] * rank
    if not isinstance(width[0], (tuple, list)):
        return [(width[0], width[-1])] * rank
    return [tuple(w) for w in width] if len(width) == rank else [tuple(width[0])] * rank


def diag(x: Any, k: int = 0) -> Tracer:
    """``np.diag``."""
    x = as_tracer(x)
    from .creation import arange, zeros

    if x.type.rank == 1:
        n = x.shape[0]
        size = n + abs(k)
        out = zeros((size, size), x.dtype)
        rows = arange(n)
        out[rows + max(-k, 0), rows + max(k, 0)] = x
        return out
    return diagonal(x, k)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tracer:
    """``np.diagonal``; the result is a value of its own."""
    from .creation import arange

    x = as_tracer(x)
    moved = moveaxis(x, (axis1, axis2), (0, 1))
    rows, columns = moved.shape[:2]
    low, right = max(-offset, 0), max(offset, 0)
    a, b = rows - low, columns - right
    index = arange(a if a <= b else b)
    taken = moved[index + low, index + right]
    return moveaxis(taken, 0, -1)
