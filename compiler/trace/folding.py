"""The methods of ufuncs (``reduce``, ``accumulate``, ``outer``, ``at``): an op of the IR where there is one, else a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.sizes import product
from .broadcasting import fit, repeated
from .context import active_trace
from .elementwise import assign, into, truth_of
from .gathering import Advanced
from .loops import Bounds, staged_loop
from .promotion import as_array, convert, operand, strong
from .reductions import given, reduce, running
from .shaping import expand_dims, moveaxis, normal_axis, reduced_axes, reshaped
from .tracer import Tracer, new, python_size
from .ufuncs import apply_ufunc, resolve
from .unbound import emit_check

_REDUCED = {
    np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min",
    np.logical_and: "all", np.logical_or: "any",
}  # fmt: skip
_RUNNING = {np.add: "cumsum", np.multiply: "cumprod"}
_LOGICAL = (np.logical_and, np.logical_or, np.logical_xor)


def _out(out: Any) -> Any:
    return out[0] if isinstance(out, tuple) else out


def ufunc_reduce(
    ufunc: np.ufunc, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = None,
) -> Any:  # fmt: skip
    """``np.add.reduce`` and its like."""
    if ufunc in _REDUCED:
        return reduce(_REDUCED[ufunc], a, axis, dtype if dtype is not bool else None, _out(out), keepdims, initial, where)
    if given(where) and where is not True:
        raise UnsupportedError(f"np.{ufunc.__name__}.reduce with where=; use np.where first")
    x = _operands(ufunc, as_array(a), dtype)
    for number in reversed(reduced_axes(axis, x.type.rank)):
        x = _folded(ufunc, x, number, initial)
        x = expand_dims(x, number) if keepdims else x
    return into(_out(out), x if x.type.rank else new(x.value), ufunc.__name__)


def _operands(ufunc: np.ufunc, x: Tracer, dtype: Any) -> Tracer:
    """The array in the dtype in which NumPy folds it."""
    if ufunc in _LOGICAL:
        return truth_of(x)
    return convert(x, resolve(ufunc, (x, x), dtype)[-1])


def _folded(ufunc: np.ufunc, x: Tracer, axis: int, initial: Any) -> Tracer:
    items = moveaxis(x, axis, 0)
    count = items.shape[0]
    if not given(initial):
        is_empty = count == 0
        if ufunc.identity is None:
            message = f"zero-size array to reduction operation {ufunc.__name__} which has no identity"
            emit_check(count != 0, ValueError(message))
        elif isinstance(is_empty, Tracer) or is_empty:
            initial = ufunc.identity
    start = 0 if given(initial) else 1
    first = repeated(operand(initial, x.dtype), items.type.shape[1:]) if start == 0 else items[0]

    def body(index: Any, total: Any) -> tuple[Any]:
        return (strong(apply_ufunc(ufunc, total, items[index])),)

    return staged_loop(Bounds(start, count, 1), body, (first,), ("the reduction",), None)[0]


def ufunc_accumulate(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """``np.add.accumulate`` and its like."""
    if isinstance(axis, tuple):
        (axis,) = axis
    if not as_array(array).type.rank:
        raise TypeError("cannot accumulate on a scalar")
    if ufunc in _RUNNING:
        return running(_RUNNING[ufunc])(array, axis, dtype, _out(out))
    x = as_array(array)
    number = normal_axis(axis, x.type.rank)
    x = _operands(ufunc, x, dtype)
    items = moveaxis(x, number, 0)
    result = new(active_trace().scope.resolve(items.value), scalar=False)

    def body(index: Any) -> tuple[()]:
        result[index] = apply_ufunc(ufunc, result[index - 1], items[index])
        return ()

    is_empty = items.shape[0] == 0
    if isinstance(is_empty, Tracer) or not is_empty:
        staged_loop(Bounds(1, items.shape[0], 1), body, (), (), None)
    return into(_out(out), moveaxis(result, 0, number), ufunc.__name__)


def ufunc_outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    """``np.multiply.outer`` and its like."""
    left, right = as_array(a), as_array(b)
    return ufunc(reshaped(left, left.type.shape + (1,) * right.type.rank), right, **kwargs)


def ufunc_reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """``np.add.reduceat``: each index to the next, or the element alone where the next is no larger."""
    from .iterables import Comprehension, Indexed

    x = moveaxis(as_array(array), axis, 0)
    starts = as_array(indices)
    inside = reduce("all", (starts >= 0) & (starts < x.shape[0]))
    message = f"index out-of-bounds in {ufunc.__name__}.reduceat"
    active_trace().emit("check", inside.value, kind="IndexError", message=message)
    ends = np.append(starts[1:], x.shape[0])

    def segment(k: Any) -> Any:
        first, last = starts[k], ends[k]
        return ufunc_reduce(ufunc, x[first : np.maximum(last, first + 1)], axis=0, dtype=dtype)

    found = Comprehension(Indexed(0, starts.shape[0], 1, lambda k: k), segment, None).as_array()
    return into(_out(out), moveaxis(found, 0, axis), ufunc.__name__)


def ufunc_at(ufunc: np.ufunc, a: Any, indices: Any, b: Any = None) -> None:
    """``np.add.at`` and its like: positions that repeat are written to repeatedly."""
    from .indexing import add_at, part_of

    if not isinstance(a, Tracer):
        raise UnsupportedError(f"np.{ufunc.__name__}.at on an array that is not traced; make it inside the function")
    operands = (a,) if b is None else (a, as_array(b) if isinstance(b, (list, tuple)) else b)
    dtype = resolve(ufunc, operands)[-1]
    exact = dtype == a.dtype or (dtype.kind in "iu" and a.dtype.kind in "iu")
    if ufunc in (np.add, np.subtract) and exact:
        added = operand(b, a.dtype)
        add_at(a, indices, added if ufunc is np.add else apply_ufunc(np.negative, added))
        return
    part = part_of(a, indices)
    if isinstance(part, Advanced):
        _write_one_by_one(ufunc, part, b)
    else:
        assign(part, convert(apply_ufunc(ufunc, part, *operands[1:]), a.dtype), f"np.{ufunc.__name__}.at")


def _write_one_by_one(ufunc: np.ufunc, part: Advanced, value: Any) -> None:
    """A loop over the positions, in order."""
    count = product(part.positions[0].type.shape)
    places = [reshaped(p, (count,)) for p in part.positions]
    rest = tuple(d for k, d in enumerate(part.base.type.shape) if k not in part.axes)
    values = None
    if value is not None:
        moved = part.front_first(repeated(fit(as_array(value), part.shape), part.shape))
        values = reshaped(moved, (count, *rest))

    def body(index: Any) -> tuple[()]:
        where: list[Any] = [slice(None)] * part.base.type.rank
        for axis, place in zip(part.axes, places, strict=True):
            where[axis] = place[index]
        operands = (part.base[tuple(where)],) if values is None else (part.base[tuple(where)], values[index])
        part.base[tuple(where)] = apply_ufunc(ufunc, *operands)
        return ()

    staged_loop(Bounds(0, python_size(count), 1), body, (), (), None)


METHODS: dict[str, Callable[..., Any]] = {
    "reduce": ufunc_reduce, "accumulate": ufunc_accumulate, "outer": ufunc_outer, "reduceat": ufunc_reduceat, "at": ufunc_at,
}  # fmt: skip
