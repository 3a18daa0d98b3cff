"""Arrays of positions: grids, triangles, diagonals, and what is written by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.sizes import product
from ..ir.types import F64, I64
from .broadcasting import broadcast_shapes, repeated
from .creation import arange, dtype_or, zeros
from .gathering import unravel
from .promotion import as_array, convert
from .shaping import diagonal, dims_of, dims_user, ravel
from .tracer import Tracer, as_dim, python_size
from .unbound import emit_check


def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = None, order: str = "C", **_: Any) -> Tracer:
    """``np.eye``."""
    rows = _counted(N).reshape((-1, 1))
    return convert(rows + k == _counted(N if M is None else M), dtype_or(dtype, F64))


def _counted(number: Any) -> Tracer:
    """The positions along an axis of a given length."""
    emit_check(number >= 0, ValueError("negative dimensions are not allowed"))
    return arange(number)


def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = None, **_: Any) -> Tracer:
    """``np.tri``."""
    rows = arange(N).reshape((-1, 1))
    return convert(rows + k >= arange(N if M is None else M), dtype_or(dtype, F64))


def triangle(keep_lower: bool) -> Any:
    """``np.tril`` and ``np.triu``."""

    def apply(m: Any, k: int = 0) -> Tracer:
        x = as_array(m)
        rows, columns = x.shape[-2:] if x.ndim > 1 else (x.shape[0], x.shape[0])
        zero = x.dtype.type(0)
        return (
            np.where(tri(rows, columns, k=k, dtype=bool), x, zero)
            if keep_lower
            else np.where(tri(rows, columns, k=k - 1, dtype=bool), zero, x)
        )

    return apply


def triangle_indices(keep_lower: bool) -> Any:
    """``np.tril_indices`` and ``np.triu_indices``."""

    def apply(n: Any, k: int = 0, m: Any = None) -> tuple[Tracer, ...]:
        columns = int(n if m is None else m)
        return tuple(map(as_array, (np.tril_indices if keep_lower else np.triu_indices)(int(n), k, columns)))

    return apply


def triangle_indices_from(keep_lower: bool) -> Any:
    """``np.tril_indices_from`` and ``np.triu_indices_from``."""

    def apply(arr: Any, k: int = 0) -> tuple[Tracer, ...]:
        x = as_array(arr)
        if x.ndim != 2:
            raise ValueError("input array must be 2-d")
        return triangle_indices(keep_lower)(x.shape[0], k, x.shape[1])

    return apply


def diag(v: Any, k: int = 0) -> Tracer:
    """``np.diag``."""
    x = as_array(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    n = x.shape[0]
    out = zeros((n + abs(k), n + abs(k)), x.dtype)
    places = arange(n)
    out[places + max(-k, 0), places + max(k, 0)] = x
    return out


def diag_indices(n: Any, ndim: int = 2) -> tuple[Tracer, ...]:
    """``np.diag_indices``."""
    return (arange(n),) * ndim


def diag_indices_from(arr: Any) -> tuple[Tracer, ...]:
    """``np.diag_indices_from``."""
    x = as_array(arr)
    if x.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    if any(n != x.shape[0] for n in x.shape):
        raise ValueError("All dimensions of input must be of equal length")
    return diag_indices(x.shape[0], x.ndim)


def fill_diagonal(a: Tracer, val: Any, wrap: bool = False) -> None:
    """``np.fill_diagonal``."""
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if wrap:
        raise UnsupportedError("np.fill_diagonal with wrap=True; write the elements with a[rows, columns] = values")
    if a.ndim > 2 and any(n != a.shape[0] for n in a.shape):
        raise ValueError("All dimensions of input must be of equal length")
    n = a.shape[0] if a.ndim > 2 or a.shape[0] <= a.shape[1] else a.shape[1]
    places = arange(n)
    values = ravel(as_array(val))
    if as_array(val).ndim:
        values = values[places % values.shape[0]]
    a[(places,) * a.ndim] = values


def meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> tuple[Tracer, ...]:
    """``np.meshgrid``."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    shaped = ix_(*(ravel(as_array(x)) for x in xi))
    if indexing == "xy" and len(shaped) > 1:
        shaped = tuple(s.swapaxes(0, 1) for s in shaped)
    if sparse:
        return shaped
    shape = broadcast_shapes(shaped, "meshgrid")
    return tuple(repeated(s, shape) for s in shaped)


def indices(dimensions: Any, dtype: Any = int, sparse: bool = False) -> Any:
    """``np.indices``."""
    parts = ix_(*(arange(n, dtype=dtype) for n in dims_user(dimensions)))
    if sparse:
        return parts
    shape = dims_of(dimensions)
    return np.stack([repeated(p, shape) for p in parts])


def ix_(*args: Any) -> tuple[Tracer, ...]:
    """Arrays shaped so that they broadcast against each other: ``np.ix_``."""
    parts = [as_array(a) for a in args]
    if any(p.ndim != 1 for p in parts):
        raise ValueError("Cross index must be 1 dimensional")
    rank = len(parts)
    return tuple(p.reshape(tuple(-1 if j == k else 1 for j in range(rank))) for k, p in enumerate(parts))


def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    """``np.unravel_index``."""
    flat, dims = _whole(as_array(indices)), dims_of(shape)
    size = python_size(product(dims))
    emit_check(np.all((flat >= 0) & (flat < size)), ValueError(f"index is out of bounds for array with size {as_dim(size)}"))
    return unravel(flat, dims) if order == "C" else unravel(flat, dims[::-1])[::-1]


def _whole(indices: Tracer) -> Tracer:
    if indices.dtype.kind not in "iub":
        raise TypeError("only int indices permitted")
    return convert(indices, I64)


def ravel_multi_index(multi_index: Sequence[Any], dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """``np.ravel_multi_index``."""
    sizes = dims_user(dims)
    modes = (mode,) * len(sizes) if isinstance(mode, str) else mode
    axes = list(zip(multi_index, sizes, modes, strict=True))
    flat: Any = 0
    for index, size, how in axes if order == "C" else reversed(axes):
        places = _whole(as_array(index))
        if how == "raise":
            emit_check(np.all((places >= 0) & (places < size)), ValueError("invalid entry in coordinates array"))
        flat = flat * size + bounded(places, size, how)
    return flat


def bounded(index: Tracer, size: Any, mode: str) -> Tracer:
    """Positions brought into [0, size) as ``mode`` says: "clip", "wrap", or "raise", which leaves them."""
    if mode == "clip":
        return np.clip(index, 0, size - 1)
    return np.remainder(index, size) if mode == "wrap" else index


def grid_along(x: Tracer, order: Tracer, axis: int) -> tuple[Tracer, ...]:
    """The index of an array that picks, along one axis, the positions that ``order`` gives; along others both are repeated."""
    if order.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if order.ndim != x.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    places = ix_(*(arange(n) for n in x.shape))
    return tuple(order if k == axis else p for k, p in enumerate(places))
