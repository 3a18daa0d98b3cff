"""``np.linalg.norm`` and its like. The gradient of a Euclidean norm at 0 is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import F64
from .elementwise import elementwise
from .linalg import svdvals
from .promotion import as_array, convert
from .reductions import reduce, root_of_squares
from .shaping import expand_dims, moveaxis, normal_axes, normal_axis, ravel, reshaped
from .tracer import Tracer, new


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``."""
    x = _floats(x)
    if axis is None and ord is not None and x.ndim not in (1, 2):
        if not (ord in ("f", "fro") and x.ndim == 2) and not (ord == 2 and x.ndim == 1):
            raise ValueError("Improper number of dimensions to norm.")
    axes = tuple(range(x.ndim)) if axis is None else tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(normal_axis(a, x.ndim) for a in axes)
    if ord is None and (axis is None or len(axes) <= 2):
        return _euclidean(x, axes, keepdims)
    if len(axes) == 1:
        return _vector(x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    return _matrix(x, ord, axes, keepdims)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``np.linalg.vector_norm``."""
    x = _floats(x)
    if axis is None and not keepdims:
        return _vector(ravel(x), ord, (0,), False)
    return _vector(x, ord, normal_axes(axis, x.ndim), keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """``np.linalg.matrix_norm`` over the last two axes."""
    x = _floats(x)
    return _matrix(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def _floats(x: Any) -> Tracer:
    x = as_array(x)
    return convert(x, F64) if x.dtype.kind != "f" else x


def _euclidean(x: Tracer, axes: tuple[int, ...], keepdims: bool) -> Any:
    return root_of_squares(reduce("sum", elementwise("square", x), axes, keepdims=keepdims))


def _vector(x: Tracer, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord is None or ord == 2:
        return _euclidean(x, axes, keepdims)
    size = np.abs(x)
    if ord == np.inf:
        return reduce("max", size, axes, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return reduce("min", size, axes, keepdims=keepdims)
    if ord == 0:
        return reduce("sum", convert(x != 0, x.dtype), axes, keepdims=keepdims)
    if ord == 1:
        return reduce("sum", size, axes, keepdims=keepdims)
    total = reduce("sum", size**ord, axes, keepdims=keepdims)
    if ord < 0:
        return total ** (1.0 / ord)
    zero = np.equal(total, 0)
    return elementwise("select", zero, total, np.where(zero, total.dtype.type(1), total) ** (1.0 / ord))


def _matrix(x: Tracer, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    rows, columns = axes
    if rows == columns:
        raise ValueError("Duplicate axes given.")
    if ord in (None, "fro", "f"):
        return _euclidean(x, tuple(sorted(axes)), keepdims)
    if ord in (2, -2, "nuc"):
        values = svdvals(moveaxis(x, axes, (-2, -1)))
        found = reduce("min", values, -1) if ord == -2 else reduce("sum" if ord == "nuc" else "max", values, -1, initial=0)
        return expand_dims(found, tuple(sorted(axes))) if keepdims else found
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError("Invalid norm order for matrices.")
    summed, kept = (rows, columns) if abs(ord) == 1 else (columns, rows)
    totals = reduce("sum", np.abs(x), summed, keepdims=True)
    result = reduce("max", totals, kept, keepdims=True, initial=0) if ord > 0 else reduce("min", totals, kept, keepdims=True)
    if keepdims:
        return result
    flat = reshaped(result, tuple(d for k, d in enumerate(x.type.shape) if k not in axes))
    return flat if flat.ndim else new(flat.value)
