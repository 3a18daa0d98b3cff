"""Functions that apply a Python function to elements or slices: ``np.vectorize``, ``np.apply_along_axis``, ``np.fromfunction``.

The function is traced once; a loop of the program applies it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .creation import dtype_or, zeros
from .grids import indices
from .iterables import Comprehension, Indexed
from .promotion import as_array, as_tracer, convert
from .shaping import broadcast, broadcast_arrays, moveaxis, normal_axis
from .tracer import Tracer, new
from .unbound import emit_check


def _rows(count: Any, make: Callable[[Any], Any]) -> Tracer:
    """The array of what a function makes of 0, 1, ..."""
    return Comprehension(Indexed(0, count, 1, lambda k: k), make, None).as_array()


def vectorized(function: np.vectorize) -> Callable[..., Any]:
    """What a ``np.vectorize`` object does with traced arguments."""
    from .calls import call

    def apply(*args: Any, **kwargs: Any) -> Any:
        excluded = function.excluded or set()
        mapped = [k for k in range(len(args)) if k not in excluded]
        named = [name for name in kwargs if name not in excluded]
        varying = [as_array(v) for v in (*(args[k] for k in mapped), *(kwargs[name] for name in named))]
        one = call(function.pyfunc)

        def at_once(*values: Any) -> Any:
            given = dict(zip([*mapped, *named], values, strict=True))
            return one(*(given.get(k, a) for k, a in enumerate(args)), **{k: given.get(k, v) for k, v in kwargs.items()})

        if function.signature is None:
            results = _mapped(at_once, varying, [0] * len(varying), bool(function.otypes))
        else:
            inner, _ = function.signature.replace(" ", "").split("->")
            ranks = [len(re.findall(r"\w+", group)) for group in re.findall(r"\(([^)]*)\)", inner)]
            results = _mapped(at_once, varying, ranks, bool(function.otypes))
        results = (
            [convert(r, dtype_or(t, float)) for r, t in zip(results, function.otypes, strict=True)]
            if function.otypes
            else results
        )
        return results[0] if len(results) == 1 else tuple(results)

    return apply


def of_numbers(ufunc: Any) -> Callable[..., Any]:
    """What a ufunc that numba made of a function of numbers does with traced arguments."""
    from .calls import call

    def apply(*args: Any) -> Any:
        inputs, output = _loop(ufunc, [as_tracer(a) for a in args])
        if all(x.ndim == 0 for x in inputs):
            found = as_array(call(ufunc.__wrapped__)(*(new(x.value) for x in inputs)))
        else:
            found = vectorized(np.vectorize(ufunc.__wrapped__))(*inputs)
        return found if output is None else convert(found, output)

    return apply


def _loop(ufunc: Any, args: list[Tracer]) -> tuple[list[Tracer], np.dtype | None]:
    """The operands as the first loop that fits them takes them, and what it returns; None where numba compiles for any dtype."""
    if not ufunc._frozen:
        return [as_array(x) for x in args], None
    for loop in ufunc.types:
        *inputs, output = (np.dtype(character) for character in loop.replace("->", ""))
        if all(np.can_cast(x.dtype, t) for x, t in zip(args, inputs, strict=True)):
            return [convert(as_array(x), t) for x, t in zip(args, inputs, strict=True)], output
    raise TypeError(
        f"ufunc '{ufunc.__name__}' has no loop for {', '.join(str(x.dtype) for x in args)}; it has {', '.join(ufunc.types)}"
    )


def _mapped(function: Callable[..., Any], arrays: list[Tracer], ranks: list[int], typed: bool) -> list[Tracer]:
    """A function applied along the leading axes of arrays, of which it takes the last ``ranks``; an array for each result."""
    inner = [x.shape[x.ndim - rank :] for x, rank in zip(arrays, ranks, strict=True)]
    outer = [x.shape[: x.ndim - rank] for x, rank in zip(arrays, ranks, strict=True)]
    shape = broadcast_arrays(*(zeros(s, bool) for s in outer))[0].shape
    flat = [broadcast(x, (*shape, *s)).reshape((-1, *s)) for x, s in zip(arrays, inner, strict=True)]
    if not typed:
        emit_check(flat[0].shape[0] != 0, ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set"))
    rows = Comprehension(
        Indexed(0, flat[0].shape[0], 1, lambda k: k), lambda k: function(*(x[k] for x in flat)), None
    ).as_rows()
    return [found.reshape((*shape, *found.shape[1:])) for found in rows.arrays]


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
