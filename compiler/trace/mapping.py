"""Functions that apply a Python function to elements or slices: ``np.vectorize``, ``np.apply_along_axis``, ``np.fromfunction``.

The function is traced once; a loop of the program applies it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .creation import dtype_or
from .grids import indices
from .iterables import Comprehension, Indexed
from .promotion import as_array, convert
from .shaping import broadcast_arrays, moveaxis, normal_axis, ravel
from .tracer import Tracer, new


def _rows(count: Any, make: Callable[[Any], Any]) -> Tracer:
    """The array of what a function makes of 0, 1, ..."""
    return Comprehension(Indexed(0, count, 1, lambda k: k), make, None).as_array()


def vectorized(function: np.vectorize) -> Callable[..., Any]:
    """What a ``np.vectorize`` object does with traced arguments."""
    from .calls import call

    if function.signature is not None or function.excluded:
        raise UnsupportedError("np.vectorize with a signature or excluded arguments; write a loop over the first axis")

    def apply(*args: Any, **kwargs: Any) -> Any:
        one = call(function.pyfunc)
        arrays = broadcast_arrays(*args)
        flat = [ravel(a) for a in arrays]
        result = _rows(flat[0].shape[0], lambda k: one(*(a[k] for a in flat), **kwargs)).reshape(arrays[0].shape)
        if function.otypes:
            result = convert(result, dtype_or(function.otypes[0], float))
        return result

    return apply


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.apply_along_axis``."""
    from .calls import call

    x = as_array(arr)
    number = normal_axis(axis, x.ndim)
    one = call(func1d)
    moved = moveaxis(x, number, -1)
    rows = moved.reshape((moved.size // moved.shape[-1], moved.shape[-1]))
    done = _rows(rows.shape[0], lambda k: as_array(one(rows[k], *args, **kwargs)))
    rank = done.ndim - 1
    shaped = done.reshape((*moved.shape[:-1], *done.shape[1:]))
    found = moveaxis(shaped, tuple(range(shaped.ndim - rank, shaped.ndim)), tuple(range(number, number + rank)))
    return found if found.ndim else new(found.value)


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """``np.apply_over_axes``."""
    from .calls import call

    x = as_array(a)
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        found = as_array(call(func)(x, axis))
        x = found if found.ndim == x.ndim else np.expand_dims(found, axis)
    return x


def fromfunction(function: Callable[..., Any], shape: Any, *, dtype: Any = float, like: Any = None, **kwargs: Any) -> Any:
    """``np.fromfunction``."""
    from .calls import call

    grid = indices(shape, dtype=dtype)
    return call(function)(*(grid[k] for k in range(len(grid))), **kwargs)
