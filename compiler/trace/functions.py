"""NumPy's functions and array methods, by name: what a traced program may call.

``FUNCTIONS`` maps each NumPy function to what runs in its place on tracers. ``METHODS`` and ``PROPERTIES`` are the attributes of
arrays. Anything that is not here is refused with its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import BOOL, F64
from . import creation, linalg, products, reductions, shaping
from .context import active_trace
from .elementwise import apply_ufunc, as_tracer, convert, elementwise, result_dtype, write_out
from .indexing import nonzero, put, take
from .tracer import TracedSize, Tracer, as_dim, check_dtype, describe, handles, new

array = creation.array


def _reduction(op: str) -> Callable[..., Any]:
    def reduce(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
               initial: Any = None, where: Any = None) -> Any:  # fmt: skip
        return reductions.reduce(op, a, axis, dtype, out, keepdims, initial, where)

    return reduce


def _extreme(op: str) -> Callable[..., Any]:
    def reduce(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = None) -> Any:
        return reductions.reduce(op, a, axis, None, out, keepdims, initial, where)

    return reduce


def _truth(op: str) -> Callable[..., Any]:
    def reduce(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Any:
        x = as_tracer(a)
        x = x if x.dtype == BOOL else elementwise("ne", x, 0)
        return reductions.reduce(op, x, axis, None, out, keepdims, None, where)

    return reduce


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return nonzero(_as_mask(condition))
    return elementwise("select", _as_mask(condition), x, y)


def _as_mask(condition: Any) -> Tracer:
    mask = as_tracer(condition)
    return mask if mask.dtype == BOOL else elementwise("ne", mask, 0)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None, **_: Any) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    result = as_tracer(a)
    if low is not None:
        result = apply_ufunc(np.maximum, result, low)
    if high is not None:
        result = apply_ufunc(np.minimum, result, high)
    return _finish(result, out, "clip")


def _finish(result: Any, out: Any, operation: str) -> Any:
    if out is None:
        return result
    write_out(out, result, True, operation)
    return out


def _round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    x = as_tracer(a)
    if decimals == 0 or x.dtype.kind != "f":
        return _finish(np.rint(x), out, "round")
    scale = x.dtype.type(10.0 ** abs(decimals))
    result = np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale
    return _finish(result, out, "round")


def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    x = as_tracer(a)
    if axis is None:
        x, axis = shaping.ravel(x), 0
    axis = shaping.normal_axis(axis, x.ndim)
    index = as_tracer(indices)
    length = x.shape[axis]
    if mode == "clip":
        index = _clip(index, 0, length - 1)
    elif mode == "wrap":
        index = np.remainder(index, length)
    return _finish(x[(slice(None),) * axis + (index,)], out, "take")


def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    x, order = as_tracer(arr), as_tracer(indices)
    if axis is None:
        x, axis = shaping.ravel(x), 0
    axis = shaping.normal_axis(axis, x.ndim)
    grid = [creation.arange(n).reshape(tuple(-1 if j == k else 1 for j in range(x.ndim))) for k, n in enumerate(order.shape)]
    return x[tuple(order if k == axis else g for k, g in enumerate(grid))]


def _diff(a: Any, n: int = 1, axis: int = -1, **kwargs: Any) -> Any:
    if kwargs.get("prepend", None) is not None or kwargs.get("append", None) is not None:
        raise UnsupportedError("np.diff with prepend or append; concatenate first")
    x = as_tracer(a)
    before = (slice(None),) * shaping.normal_axis(axis, x.ndim)
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x


def _gradient(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    x = as_tracer(f)
    if edge_order != 1 or len(spacing) > 1 or (spacing and as_tracer(spacing[0]).ndim):
        raise UnsupportedError("np.gradient with edge_order=2 or spacing that varies; write the differences with slices")
    step = spacing[0] if spacing else 1.0
    axes = shaping.normal_axes(axis, x.ndim)
    results = []
    for k in axes:
        before = (slice(None),) * k
        first = x[(*before, slice(1, 2))] - x[(*before, slice(0, 1))]
        inner = (x[(*before, slice(2, None))] - x[(*before, slice(None, -2))]) / 2.0
        last = x[(*before, slice(-1, None))] - x[(*before, slice(-2, -1))]
        results.append(shaping.concatenate([first, inner, last], k) / step)
    return results[0] if len(axes) == 1 else results


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_tracer(y)
    before = (slice(None),) * shaping.normal_axis(axis, y.ndim)
    step = dx if x is None else _diff(x, axis=axis if as_tracer(x).ndim > 1 else -1)
    sums = y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]
    return reductions.reduce("sum", step * sums / 2.0, axis)


def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    x = as_tracer(a)
    if weights is None:
        return reductions.mean(x, axis, keepdims=keepdims)
    w = as_tracer(weights)
    if w.ndim < x.ndim:
        number = shaping.normal_axis(axis, x.ndim)
        w = w.reshape(tuple(-1 if k == number else 1 for k in range(x.ndim)))
    total = reductions.reduce("sum", w * (x * 0 + 1), axis, keepdims=keepdims)
    result = reductions.reduce("sum", x * w, axis, keepdims=keepdims) / total
    return (result, total) if returned else result


def _nan_reduction(op: str) -> Callable[..., Any]:
    neutral = {"sum": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf}[op]

    def reduce(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **kwargs: Any) -> Any:
        x = as_tracer(a)
        missing = np.isnan(x)
        result = reductions.reduce(op, elementwise("select", missing, x.dtype.type(neutral), x), axis, keepdims=keepdims)
        if op in ("max", "min"):
            empty = reductions.reduce("all", missing, axis, keepdims=keepdims)
            result = elementwise("select", empty, x.dtype.type(np.nan), result)
        return _finish(result, out, f"nan{op}")

    return reduce


def _nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **_: Any) -> Any:
    x = as_tracer(a)
    present = elementwise("not", np.isnan(x))
    total = reductions.reduce("sum", elementwise("select", present, x, x.dtype.type(0)), axis, keepdims=keepdims)
    return total / reductions.reduce("sum", convert(present, x.dtype), axis, keepdims=keepdims)


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    x = as_tracer(x)
    if x.dtype.kind != "f":
        return x * 1
    limits = np.finfo(x.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    kind = x.dtype.type
    result = elementwise("select", np.isnan(x), kind(nan), x)
    result = elementwise("select", np.equal(x, np.inf), kind(high), result)
    return elementwise("select", np.equal(x, -np.inf), kind(low), result)


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    if period is not None:
        raise UnsupportedError("np.interp with period; take the remainder first")
    x, xp, fp = as_tracer(x) * 1.0, as_tracer(xp) * 1.0, as_tracer(fp) * 1.0
    index = _clip(_searchsorted(xp, x, "right"), 1, xp.shape[0] - 1)
    x0, x1, y0, y1 = xp[index - 1], xp[index], fp[index - 1], fp[index]
    inside = y0 + (y1 - y0) / (x1 - x0) * (x - x0)
    result = elementwise("select", np.less(x, xp[0]), fp[0] if left is None else left, inside)
    result = elementwise("select", np.greater(x, xp[-1]), fp[-1] if right is None else right, result)
    return elementwise("select", np.equal(x, xp[-1]), fp[-1], result)


def _searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """By counting: exact, and linear in the sorted array's length."""
    a, v = as_tracer(a), as_tracer(v)
    column = shaping.expand_dims(v, -1)
    below = np.less(a, column) if side == "left" else np.less_equal(a, column)
    return reductions.count_nonzero(below, -1)


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = elementwise("select", _as_mask(condition), choice, result)
    return result


def _isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    a, b = as_tracer(a), as_tracer(b)
    near = np.less_equal(np.abs(a - b), atol + rtol * np.abs(b)) & np.isfinite(b) | np.equal(a, b)
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near


def _allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    return _truth("all")(_isclose(a, b, rtol, atol, equal_nan))


def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    a, b = as_tracer(a1), as_tracer(a2)
    if a.ndim != b.ndim or any(m != n for m, n in zip(a.shape, b.shape, strict=True)):
        return False
    return _truth("all")(np.equal(a, b))


def _shape(a: Any) -> tuple[Any, ...]:
    return as_tracer(a).shape


def _size(a: Any, axis: Any = None) -> Any:
    x = as_tracer(a)
    return x.size if axis is None else x.shape[axis]


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    write_out(dst, convert(as_tracer(src), dst.dtype), where, "copyto")


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    x, order = as_tracer(arr), as_tracer(indices)
    axis = shaping.normal_axis(axis, x.ndim)
    grid = [creation.arange(n).reshape(tuple(-1 if j == k else 1 for j in range(x.ndim))) for k, n in enumerate(order.shape)]
    x[tuple(order if k == axis else g for k, g in enumerate(grid))] = values


def _delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    x = as_tracer(arr)
    if axis is None:
        x, axis = shaping.ravel(x), 0
    axis = shaping.normal_axis(axis, x.ndim)
    number = as_dim(obj)
    if number is None:
        raise UnsupportedError("np.delete of several positions; index with the positions to keep")
    before = (slice(None),) * axis
    length = x.shape[axis]
    place = obj if obj >= 0 else obj + length
    return shaping.concatenate([x[(*before, slice(0, place))], x[(*before, slice(place + 1, None))]], axis)


def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return shaping.concatenate([shaping.ravel(arr), shaping.ravel(values)])
    return shaping.concatenate([arr, values], axis)


def _polyval(p: Any, x: Any) -> Any:
    coefficients = as_tracer(p)
    result = as_tracer(x) * 0
    for k in range(len(coefficients)):
        result = result * x + coefficients[k]
    return result


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = as_tracer(a), as_tracer(v)
    if bool(a.shape[0] < v.shape[0]):
        a, v = v, a
    n, m = a.shape[0], v.shape[0]
    padded = shaping.pad(a, m - 1)
    windows = padded[creation.arange(n + m - 1).reshape((-1, 1)) + creation.arange(m)]
    full = products.dot(windows, shaping.flip(v))
    if mode == "full":
        return full
    if mode == "valid":
        return full[m - 1 : n]
    return full[(m - 1) // 2 : (m - 1) // 2 + n]


def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    return _convolve(a, shaping.flip(v), mode)


def _vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    x = as_tracer(x)
    count = int(x.shape[0] if N is None else N)
    powers = [x**k if k else x * 0 + 1 for k in range(count)]
    return shaping.stack(powers if increasing else powers[::-1], -1)


def _cov(m: Any, rowvar: bool = True, bias: bool = False, ddof: Any = None, **kwargs: Any) -> Any:
    x = as_tracer(m) * 1.0
    x = x if rowvar or x.ndim == 1 else shaping.transpose(x)
    x = shaping.at_least(2, x)
    centered = x - reductions.mean(x, -1, keepdims=True)
    n = x.shape[-1]
    ddof = (0 if bias else 1) if ddof is None else ddof
    return shaping.squeeze(products.matmul(centered, shaping.transpose(centered)) / (n - ddof))


def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    raise UnsupportedError("np.bincount: its length depends on the data; write out = np.zeros(n); np.add.at(out, x, weights)")


def _flatnonzero(a: Any) -> Any:
    return nonzero(_as_mask(shaping.ravel(a)))[0]


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    # making
    np.zeros: creation.zeros, np.empty: creation.zeros, np.ones: creation.ones, np.full: creation.full,
    np.zeros_like: creation.zeros_like, np.empty_like: creation.zeros_like, np.ones_like: creation.ones_like,
    np.full_like: creation.full_like, np.arange: creation.arange, np.linspace: creation.linspace, np.eye: creation.eye,
    np.identity: creation.identity, np.array: creation.array, np.asarray: creation.asarray,
    np.asanyarray: creation.asarray, np.ascontiguousarray: creation.asarray, np.asfortranarray: creation.asarray,
    np.copy: lambda a, **_: creation.copy_of(as_tracer(a)), np.meshgrid: creation.meshgrid, np.tri: creation.tri,
    np.tril: creation.tril, np.triu: creation.triu, np.ix_: lambda *a: tuple(creation.indices_of(a)),
    # rearranging
    np.reshape: lambda a, shape=None, order="C", **k: shaping.reshape(a, k.get("newshape", shape), order),
    np.ravel: shaping.ravel, np.transpose: shaping.transpose, np.permute_dims: shaping.transpose,
    np.matrix_transpose: lambda x: shaping.swapaxes(x, -1, -2), np.swapaxes: shaping.swapaxes,
    np.moveaxis: shaping.moveaxis, np.rollaxis: lambda a, axis, start=0: shaping.moveaxis(
        a, axis, start - 1 if axis < start else start),
    np.expand_dims: shaping.expand_dims, np.squeeze: shaping.squeeze, np.broadcast_to: shaping.broadcast,
    np.concatenate: shaping.concatenate, np.concat: shaping.concatenate, np.stack: shaping.stack,
    np.vstack: shaping.vstack, np.hstack: shaping.hstack, np.dstack: shaping.dstack,
    np.column_stack: shaping.column_stack, np.atleast_1d: lambda *a: _each(1, a), np.atleast_2d: lambda *a: _each(2, a),
    np.flip: shaping.flip, np.flipud: lambda m: shaping.flip(m, 0), np.fliplr: lambda m: shaping.flip(m, 1),
    np.roll: shaping.roll, np.tile: shaping.tile, np.repeat: shaping.repeat, np.split: shaping.split,
    np.array_split: shaping.array_split, np.hsplit: lambda a, n: shaping.split(a, n, 1 if as_tracer(a).ndim > 1 else 0),
    np.vsplit: lambda a, n: shaping.split(a, n, 0), np.pad: lambda array, pad_width, mode="constant", **k: shaping.pad(
        array, pad_width, mode, **k),
    np.diag: shaping.diag, np.diagonal: shaping.diagonal, np.append: _append, np.delete: _delete,
    np.broadcast_arrays: lambda *a, **_: _broadcast_arrays(a),
    # combining
    np.sum: _reduction("sum"), np.prod: _reduction("prod"), np.max: _extreme("max"), np.amax: _extreme("max"),
    np.min: _extreme("min"), np.amin: _extreme("min"), np.all: _truth("all"), np.any: _truth("any"),
    np.mean: reductions.mean, np.var: reductions.var, np.std: reductions.std, np.average: _average,
    np.median: reductions.median, np.ptp: reductions.ptp, np.count_nonzero: reductions.count_nonzero,
    np.argmax: lambda a, axis=None, out=None, **k: reductions.position("argmax", a, axis, out, **k),
    np.argmin: lambda a, axis=None, out=None, **k: reductions.position("argmin", a, axis, out, **k),
    np.cumsum: lambda a, axis=None, dtype=None, out=None: reductions.running("cumsum", a, axis, dtype, out),
    np.cumprod: lambda a, axis=None, dtype=None, out=None: reductions.running("cumprod", a, axis, dtype, out),
    np.sort: reductions.sort, np.argsort: reductions.argsort, np.nansum: _nan_reduction("sum"),
    np.nanprod: _nan_reduction("prod"), np.nanmax: _nan_reduction("max"), np.nanmin: _nan_reduction("min"),
    np.nanmean: _nanmean,
    # products
    np.dot: products.dot, np.vdot: products.vdot, np.inner: products.inner, np.outer: products.outer,
    np.tensordot: products.tensordot, np.kron: products.kron, np.trace: products.trace, np.cross: products.cross,
    np.einsum: products.einsum, np.linalg.norm: products.norm, np.cov: _cov,
    np.linalg.multi_dot: lambda arrays, **_: _multi_dot(arrays), **linalg.FUNCTIONS,
    # choosing and searching
    np.where: _where, np.clip: _clip, np.select: _select, np.take: _take, np.take_along_axis: _take_along_axis,
    np.put_along_axis: _put_along_axis, np.nonzero: lambda a: nonzero(_as_mask(a)), np.flatnonzero: _flatnonzero,
    np.searchsorted: _searchsorted, np.interp: _interp, np.isclose: _isclose, np.allclose: _allclose,
    np.array_equal: _array_equal, np.copyto: _copyto, np.bincount: _bincount,
    # elementwise
    np.round: _round, np.around: _round, np.nan_to_num: _nan_to_num, np.diff: _diff, np.gradient: _gradient,
    np.trapezoid: _trapezoid, np.real: lambda x: as_tracer(x), np.imag: lambda x: as_tracer(x) * 0,
    np.isreal: lambda x: as_tracer(x) == as_tracer(x) * 1, np.fix: lambda x: np.trunc(x),
    np.sinc: lambda x: _sinc(as_tracer(x)), np.polyval: _polyval, np.convolve: _convolve, np.correlate: _correlate,
    np.vander: _vander, np.iscomplexobj: lambda x: False, np.isrealobj: lambda x: True,
    # asking
    np.shape: _shape, np.ndim: lambda a: as_tracer(a).ndim, np.size: _size,
    np.result_type: lambda *a: result_dtype(*(v for v in a)), np.isscalar: lambda x: isinstance(x, TracedSize) or (
        isinstance(x, Tracer) and x.is_scalar),
}  # fmt: skip


def _each(rank: int, arrays: tuple[Any, ...]) -> Any:
    results = [shaping.at_least(rank, a) for a in arrays]
    return results[0] if len(results) == 1 else results


def _broadcast_arrays(arrays: tuple[Any, ...]) -> tuple[Tracer, ...]:
    from .elementwise import broadcast_shapes, broadcast_to

    tracers = [as_tracer(a) for a in arrays]
    shape = broadcast_shapes(tracers, "broadcast_arrays")
    return tuple(new(broadcast_to(t, shape), scalar=False) for t in tracers)


def _multi_dot(arrays: Any) -> Any:
    result, *rest = arrays
    for other in rest:
        result = products.dot(result, other)
    return result


def _sinc(x: Tracer) -> Any:
    angle = np.pi * x
    zero = np.equal(angle, 0)
    safe = elementwise("select", zero, 1.0, angle)
    return elementwise("select", zero, 1.0, np.sin(safe) / safe)


@handles("function")
def function(func: Callable[..., Any]) -> Callable[..., Any]:
    """What runs in place of a NumPy function; refuses what is not in the table."""
    found = FUNCTIONS.get(func)
    if found is None:
        name = f"{func.__module__}.{func.__name__}".replace("numpy", "np", 1)
        raise UnsupportedError(
            f"{name} is not compiled by jitgrad; write it with functions that are (see jitgrad.numpy), "
            "or compute it outside of the traced function"
        )
    return found


def _astype(x: Tracer, dtype: Any, *args: Any, copy: bool = True, **_: Any) -> Tracer:
    target = check_dtype(np.dtype(dtype), "astype")
    if x.weak and x.dtype == target:
        return new(x.var, scalar=x.is_scalar)
    converted = convert(x, target)
    return creation.copy_of(converted) if converted is x and not x.is_scalar and copy else converted


def _reshape(x: Tracer, *shape: Any, order: str = "C") -> Tracer:
    return shaping.reshape(x, shape[0] if len(shape) == 1 else shape, order)


def _transpose(x: Tracer, *axes: Any) -> Tracer:
    return shaping.transpose(x, axes[0] if len(axes) == 1 else axes or None)


def _item(x: Tracer, *index: Any) -> Any:
    element = x[index if len(index) > 1 else index[0]] if index and x.ndim == len(index) else shaping.ravel(x)[index[0] if index else 0]
    return new(element.var, weak=True)


def _fill(x: Tracer, value: Any) -> None:
    x[...] = value


def _sort_in_place(x: Tracer, axis: int = -1, **_: Any) -> None:
    x[...] = reductions.sort(x, axis)


METHODS: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "ravel": shaping.ravel, "flatten": lambda x, order="C": creation.copy_of(shaping.ravel(x, order)),
    "transpose": _transpose, "swapaxes": shaping.swapaxes, "squeeze": shaping.squeeze, "astype": _astype,
    "copy": lambda x, order="C": creation.copy_of(x), "sum": FUNCTIONS[np.sum], "prod": FUNCTIONS[np.prod],
    "max": FUNCTIONS[np.max], "min": FUNCTIONS[np.min], "mean": reductions.mean, "var": reductions.var,
    "std": reductions.std, "all": FUNCTIONS[np.all], "any": FUNCTIONS[np.any], "dot": products.dot,
    "cumsum": FUNCTIONS[np.cumsum], "cumprod": FUNCTIONS[np.cumprod], "argmax": FUNCTIONS[np.argmax],
    "argmin": FUNCTIONS[np.argmin], "argsort": reductions.argsort, "sort": _sort_in_place, "clip": _clip, "round": _round,
    "take": _take, "repeat": shaping.repeat, "diagonal": shaping.diagonal, "trace": products.trace, "fill": _fill,
    "nonzero": FUNCTIONS[np.nonzero], "item": _item, "conj": lambda x: x * 1, "conjugate": lambda x: x * 1,
    "ptp": reductions.ptp, "searchsorted": _searchsorted,
}  # fmt: skip

PROPERTIES: dict[str, Callable[[Tracer], Any]] = {
    "T": shaping.transpose,
    "mT": lambda x: shaping.swapaxes(x, -1, -2),
    "real": lambda x: x,
    "imag": lambda x: x * 0,
    "flat": shaping.ravel,
}


@handles("attribute")
def attribute(x: Tracer, name: str) -> Any:
    """A method or property of a traced array."""
    if name in METHODS:
        method = METHODS[name]
        return lambda *args, **kwargs: method(x, *args, **kwargs)
    if name in PROPERTIES:
        return PROPERTIES[name](x)
    if name.startswith("__") or not hasattr(np.ndarray, name):
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
    raise UnsupportedError(f"the attribute .{name} of {describe(x)} is not compiled by jitgrad")


@handles("copy")
def copy(x: Tracer) -> Tracer:
    """``copy.copy`` and ``copy.deepcopy`` of a traced array."""
    return x if x.is_scalar else creation.copy_of(x)


__all__ = ["F64", "FUNCTIONS", "METHODS", "active_trace", "array", "put", "take"]
