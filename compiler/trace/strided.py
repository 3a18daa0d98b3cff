"""``np.lib.stride_tricks.as_strided`` and ``x.strides``: views of an array's memory, whose elements here are in C order."""

from __future__ import annotations

from typing import Any

from ..errors import UnsupportedError
from ..ir import Dim, Var
from ..ir.types import I64
from .broadcasting import repeated
from .cells import View
from .context import active_trace
from .layout import is_in_c_order
from .promotion import as_array, as_tracer
from .shaping import dims_of, python_size, read_only
from .tracer import Tracer, describe, new
from .unbound import emit_check


def strides(x: Tracer) -> tuple[Any, ...]:
    """``x.strides``: bytes from one element of each axis to the next."""
    _require_order(x)
    return tuple(python_size(step * x.dtype.itemsize) for step in _steps(x.type.shape))


def as_strided(x: Any, shape: Any = None, strides: Any = None, subok: bool = False, writeable: bool = True, **_: Any) -> Tracer:
    """``np.lib.stride_tricks.as_strided``: the elements that so many bytes lead to, all of them within the array."""
    x = as_array(x)
    _require_order(x)
    dims = x.type.shape if shape is None else dims_of(shape)
    steps = _steps(x.type.shape) if strides is None else [_elements(step, x.dtype.itemsize) for step in dims_of(strides)]
    if len(steps) != len(dims):
        raise ValueError("mismatch in length of strides and shape")
    whole, size = x.type.shape, x.type.size

    def places() -> Var:
        trace = active_trace()
        place = as_tracer(0)
        for axis, (dim, step) in enumerate(zip(dims, steps, strict=True)):
            along = new(trace.emit("iota", size=dim, dtype=I64), scalar=False) * as_tracer(python_size(step))
            place = place + along.reshape((-1, *[1] * (len(dims) - axis - 1)))
        message = "as_strided: an element lies outside of the array"
        return trace.emit("wrap_index", repeated(place, dims).value, size=size, message=message)  # type: ignore[no-any-return]

    def flat(base: Var) -> Var:
        return active_trace().emit("reshape", base, shape=(size,))  # type: ignore[no-any-return]

    def read(base: Var) -> Var:
        return active_trace().emit("take", flat(base), places(), axes=(0,))  # type: ignore[no-any-return]

    def write(base: Var, value: Var) -> Var:
        written = active_trace().emit("put", flat(base), value, places(), axes=(0,))
        return active_trace().emit("reshape", written, shape=whole)  # type: ignore[no-any-return]

    view = View(read, write if writeable else read_only, ("strided", whole, dims, tuple(steps)))
    return x.through(view, x.type.with_shape(dims))


def _elements(stride: Dim, itemsize: int) -> Dim:
    """How many elements a stride in bytes goes on by."""
    message = f"as_strided with strides that are no multiples of the {itemsize} bytes of an element"
    emit_check(python_size(stride % itemsize) == 0, NotImplementedError(message))
    return stride // itemsize


def _steps(shape: tuple[Dim, ...]) -> list[Dim]:
    """Elements from one to the next along each axis, in C order."""
    steps: list[Dim] = [1]
    for dim in reversed(shape[1:]):
        steps.append(steps[-1] * dim)
    return steps[::-1] if shape else []


def _require_order(x: Tracer) -> None:
    if x.views and not is_in_c_order(x):
        raise UnsupportedError(
            f"the strides of {describe(x)}, which is a view of another array; make a copy first, as in np.ascontiguousarray(x)"
        )
