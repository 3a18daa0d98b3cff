"""What NumPy offers as objects rather than functions: ``np.mgrid``, ``np.ogrid``, ``np.r_``, ``np.c_``, ``np.ndenumerate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .creation import arange, linspace, zeros
from .grids import meshgrid, unravel_index
from .iterables import Indexed, Once
from .joining import concatenate, stack
from .promotion import as_array, common_dtype, convert, operand, result_dtype
from .shaping import leading_axes, ravel
from .tracer import Tracer, new


def ndarray(
    shape: Any, dtype: Any = float, buffer: Any = None, offset: int = 0, strides: Any = None, order: Any = None
) -> Tracer:
    """``np.ndarray(shape, dtype)``: an array whose elements are given later."""
    if buffer is not None or offset or strides is not None:
        raise UnsupportedError("np.ndarray with a buffer; write slices, np.reshape or sliding_window_view")
    return zeros(shape, dtype)


def ndenumerate(arr: Any) -> Any:
    """``np.ndenumerate``: indices and elements."""
    if not isinstance(arr, Tracer):
        return np.ndenumerate(arr)
    x = as_array(arr)
    elements = ravel(x)
    if not x.ndim:
        return Once.of(Indexed(0, 1, 1, lambda k: ((), elements[k])))
    return Once.of(Indexed(0, elements.shape[0], 1, lambda k: (tuple(map(_number, unravel_index(k, x.shape))), elements[k])))


def _number(index: Tracer) -> Tracer:
    """An index as the Python number that NumPy gives."""
    return new(index.value, weak=True, dim=index.dim)


def poly1d(c_or_r: Any, r: bool = False, variable: Any = None) -> Any:
    """``np.poly1d``; of traced coefficients all are kept, as zeros in front change no value."""
    if not isinstance(c_or_r, Tracer) and not (
        isinstance(c_or_r, (list, tuple)) and any(isinstance(c, Tracer) for c in c_or_r)
    ):
        return np.poly1d(c_or_r, r, variable)
    made = np.poly1d.__new__(np.poly1d)
    made.__dict__.update(coeffs=np.poly(c_or_r) if r else leading_axes(1, as_array(c_or_r)), _variable=variable or "x")
    return made


def _places(part: slice) -> Tracer:
    """The numbers that a slice stands for: with an imaginary step that many, the end included."""
    start = 0 if part.start is None else part.start
    if isinstance(part.step, complex):
        return linspace(start, part.stop, int(abs(part.step)))
    return arange(start, part.stop, part.step)


def _grid(sparse: bool) -> Callable[[Any], Any]:
    def grid(index: Any) -> Any:
        if isinstance(index, slice):
            return _places(index)
        axes = [_places(part) for part in index]
        target = common_dtype(axes)
        found = meshgrid(*(convert(axis, target) for axis in axes), indexing="ij", sparse=sparse)
        return found if sparse else stack(found)

    return grid


def _pieces(index: Any) -> list[Tracer]:
    items = index if isinstance(index, tuple) else (index,)
    if any(isinstance(item, str) for item in items):
        raise UnsupportedError("np.r_ and np.c_ with directions in a string; write np.concatenate or np.stack with an axis")
    found = [_places(item) if isinstance(item, slice) else item for item in items]
    target = result_dtype(*(as_array(item) if isinstance(item, (list, tuple)) else item for item in found))
    return [operand(item, target) for item in found]


def _row(index: Any) -> Tracer:
    return concatenate([leading_axes(1, piece) for piece in _pieces(index)])


def _columns(index: Any) -> Tracer:
    wide = [piece.reshape((-1, 1)) if piece.ndim < 2 else piece for piece in _pieces(index)]
    return concatenate(wide, -1)


INDEXED: dict[int, Callable[[Any], Any]] = {
    id(np.mgrid): _grid(False), id(np.ogrid): _grid(True), id(np.r_): _row, id(np.c_): _columns,
}  # fmt: skip
"""What indexing one of NumPy's objects gives, by the id of the object."""
