"""NumPy's functions and array methods, by name: what a traced program may call.

``FUNCTIONS`` maps each NumPy function to what runs in its place on tracers. ``METHODS`` and ``PROPERTIES`` are the attributes
of arrays. A function that is not here is followed where it is Python code in terms of others (``is_followed``), else refused.
"""

from __future__ import annotations

import functools
import os
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import BOOL
from ..tree import flatten
from . import (
    calculus,
    choosing,
    creation,
    editing,
    einsum,
    grids,
    histograms,
    joining,
    linalg,
    mapping,
    norms,
    padding,
    polynomials,
    products,
    quantiles,
    reductions,
    searching,
    shaping,
    statistics,
    strided,
    windows,
)
from .iterables import Comprehension, Indexed
from .promotion import as_array, as_tracer, is_python, scalar_type, strong
from .rows import Rows
from .signatures import fitted
from .tracer import Concretize, TracedSize, Tracer, describe, handles, new


def _each(rank: int) -> Callable[..., Any]:
    def apply(*arrays: Any) -> Any:
        results = tuple(shaping.at_least(rank, a) for a in arrays)
        return results[0] if len(results) == 1 else results

    return apply


def _size(a: Any, axis: Any = None) -> Any:
    x = as_tracer(a)
    return reductions.count_along(x, shaping.normal_axes(axis, x.ndim))


def _result_type(*values: Any) -> np.dtype:
    kinds = [scalar_type(v) if isinstance(v, (Tracer, TracedSize)) else v for v in values]
    return np.result_type(*(kind(0) if kind is int or (kind is float and is_python(v)) else kind
                            for kind, v in zip(kinds, values, strict=True)))  # fmt: skip


def _is_scalar(element: Any) -> bool:
    return isinstance(element, TracedSize) or (isinstance(element, Tracer) and element.is_scalar)


def _rollaxis(a: Any, axis: int, start: int = 0) -> Tracer:
    x = as_array(a)
    source = shaping.normal_axis(axis, x.ndim)
    if not -x.ndim <= start <= x.ndim:
        raise np.exceptions.AxisError(f"'start' arg requires {-x.ndim} <= start < {x.ndim + 1}, but {start} was passed in")
    target = start + x.ndim if start < 0 else start
    return shaping.moveaxis(x, source, target - 1 if source < target else target)


def _reshape(a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None) -> Tracer:
    return shaping.reshape(a, newshape if shape is None else shape, order)


def _same(x: Any) -> Tracer:
    return as_array(x)


def _named(module: Any, functions: dict[str, Callable[..., Any]]) -> dict[Callable[..., Any], Callable[..., Any]]:
    """A table by function from one by name; names that this version of NumPy has not are left out."""
    return {getattr(module, name): function for name, function in functions.items() if hasattr(module, name)}


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = _named(np, {
    # making
    "zeros": creation.zeros, "empty": creation.zeros, "ones": creation.ones, "full": creation.full,
    "zeros_like": creation.zeros_like, "empty_like": creation.zeros_like, "ones_like": creation.ones_like,
    "full_like": creation.full_like, "arange": creation.arange, "linspace": creation.linspace,
    "logspace": creation.logspace, "geomspace": creation.geomspace, "array": creation.array, "asarray": creation.asarray,
    "asanyarray": creation.asarray, "ascontiguousarray": lambda a, dtype=None, *, like=None: shaping.in_c_order(creation.asarray(a, dtype)),
    "asfortranarray": lambda a, dtype=None, *, like=None: shaping.in_fortran_order(creation.asarray(a, dtype)),
    "asarray_chkfinite": creation.asarray_chkfinite, "require": lambda a, dtype=None, *_, **__: creation.asarray(a, dtype),
    "fromiter": lambda iter, dtype, count=-1, *, like=None: creation.array(iter, dtype),
    "copy": lambda a, order="K", subok=False: creation.array(a), "astype": creation.astype,
    "eye": grids.eye, "identity": lambda n, dtype=None, **_: grids.eye(n, dtype=dtype), "meshgrid": grids.meshgrid,
    "tri": grids.tri, "tril": grids.triangle(True), "triu": grids.triangle(False), "ix_": grids.ix_,
    "indices": grids.indices, "tril_indices": grids.triangle_indices(True), "triu_indices": grids.triangle_indices(False),
    "tril_indices_from": grids.triangle_indices_from(True), "triu_indices_from": grids.triangle_indices_from(False),
    "diag": grids.diag, "diagflat": lambda v, k=0: grids.diag(shaping.ravel(v), k), "diag_indices": grids.diag_indices,
    "diag_indices_from": grids.diag_indices_from, "unravel_index": grids.unravel_index,
    "ravel_multi_index": grids.ravel_multi_index, "fromfunction": mapping.fromfunction, "vander": polynomials.vander,
    # rearranging
    "reshape": _reshape, "ravel": shaping.ravel, "transpose": shaping.transpose, "permute_dims": shaping.transpose,
    "matrix_transpose": lambda x, /: shaping.swapaxes(x, -1, -2), "swapaxes": shaping.swapaxes, "moveaxis": shaping.moveaxis,
    "rollaxis": _rollaxis, "expand_dims": shaping.expand_dims, "squeeze": shaping.squeeze,
    "broadcast_to": lambda array, shape, subok=False: shaping.broadcast(array, shape),
    "broadcast_arrays": shaping.broadcast_arrays, "atleast_1d": _each(1), "atleast_2d": _each(2), "atleast_3d": _each(3),
    "flip": shaping.flip, "flipud": lambda m: shaping.flip(m, 0), "fliplr": lambda m: shaping.flip(m, 1), "rot90": shaping.rot90,
    "diagonal": shaping.diagonal, "real": _same, "real_if_close": lambda a, tol=100: creation.asarray(a),
    "imag": lambda val: creation.zeros_like(val), "concatenate": joining.concatenate, "concat": joining.concatenate,
    "stack": joining.stack, "vstack": joining.vstack, "hstack": joining.hstack, "dstack": joining.dstack,
    "column_stack": joining.column_stack, "block": joining.block, "append": joining.append, "split": joining.split,
    "array_split": joining.array_split, "hsplit": joining.split_along(1, 1), "vsplit": joining.split_along(0, 2),
    "dsplit": joining.split_along(2, 3), "unstack": joining.unstack, "tile": joining.tile, "repeat": editing.repeat,
    "roll": joining.roll, "delete": editing.delete, "insert": editing.insert, "resize": joining.resize, "pad": padding.pad,
    # combining
    "sum": reductions.reduction("sum"), "prod": reductions.reduction("prod"), "max": reductions.extreme("max"),
    "amax": reductions.extreme("max"), "min": reductions.extreme("min"), "amin": reductions.extreme("min"),
    "all": reductions.truth("all"), "any": reductions.truth("any"), "mean": reductions.mean, "var": reductions.var,
    "std": reductions.std, "ptp": reductions.ptp, "count_nonzero": reductions.count_nonzero,
    "argmax": reductions.position("argmax"), "argmin": reductions.position("argmin"),
    "cumsum": reductions.running("cumsum"), "cumprod": reductions.running("cumprod"),
    "cumulative_sum": reductions.running_with_initial("cumsum", 0),
    "cumulative_prod": reductions.running_with_initial("cumprod", 1), "sort": reductions.sort, "argsort": reductions.argsort,
    "partition": reductions.partition, "argpartition": reductions.argpartition, "lexsort": reductions.lexsort,
    "average": statistics.average, "histogram": histograms.histogram, "histogramdd": histograms.histogramdd,
    "histogram_bin_edges": histograms.histogram_bin_edges, "cov": statistics.cov, "corrcoef": statistics.corrcoef,
    "median": quantiles.median_of(False), "quantile": quantiles.quantile_of(1, False),
    "percentile": quantiles.quantile_of(100, False), "nanmedian": quantiles.median_of(True),
    "nanquantile": quantiles.quantile_of(1, True), "nanpercentile": quantiles.quantile_of(100, True),
    "nansum": statistics.nan_reduction("sum", 0.0), "nanprod": statistics.nan_reduction("prod", 1.0),
    "nanmax": statistics.nan_reduction("max", -np.inf), "nanmin": statistics.nan_reduction("min", np.inf),
    "nanmean": statistics.nanmean, "nanvar": statistics.nanvar, "nanstd": statistics.nanstd,
    "nancumsum": statistics.nan_running("cumsum", 0.0), "nancumprod": statistics.nan_running("cumprod", 1.0),
    "nanargmax": statistics.nan_position("argmax", -np.inf), "nanargmin": statistics.nan_position("argmin", np.inf),
    # products
    "dot": products.dot, "vdot": products.vdot, "inner": products.inner, "outer": products.outer,
    "tensordot": products.tensordot, "kron": products.kron, "trace": products.trace, "cross": products.cross,
    "einsum": einsum.einsum,
    # choosing, searching, comparing
    "where": choosing.where, "clip": choosing.clip, "select": choosing.select, "choose": choosing.choose,
    "piecewise": choosing.piecewise, "take": choosing.take, "take_along_axis": choosing.take_along_axis,
    "compress": choosing.compress, "extract": choosing.extract, "nonzero": choosing.where,
    "flatnonzero": lambda a: choosing.where(shaping.ravel(a))[0], "argwhere": choosing.argwhere, "unique": choosing.unique,
    "union1d": choosing.union1d, "setdiff1d": choosing.setdiff1d, "setxor1d": choosing.setxor1d, "trim_zeros": choosing.trim_zeros, "intersect1d": choosing.intersect1d, "isin": searching.isin, "searchsorted": searching.searchsorted, "digitize": searching.digitize,
    "bincount": choosing.bincount, "isclose": choosing.isclose, "allclose": choosing.allclose,
    "array_equal": choosing.array_equal, "array_equiv": choosing.array_equiv,
    # writing
    "copyto": choosing.copyto, "put": choosing.put, "put_along_axis": choosing.put_along_axis, "place": choosing.place,
    "putmask": choosing.putmask, "fill_diagonal": grids.fill_diagonal,
    # functions of real arrays
    "round": calculus.round_, "around": calculus.round_, "nan_to_num": calculus.nan_to_num, "diff": calculus.diff,
    "ediff1d": calculus.ediff1d, "gradient": calculus.gradient, "trapezoid": calculus.trapezoid, "unwrap": calculus.unwrap,
    "interp": calculus.interp, "angle": calculus.angle, "fix": lambda x, out=None: np.trunc(x, out=out), "sinc": calculus.sinc,
    "polyval": polynomials.polyval, "polyadd": polynomials.polyadd, "polysub": polynomials.polysub, "polymul": polynomials.polymul,
    "polyder": polynomials.polyder, "polyint": polynomials.polyint, "polyfit": polynomials.polyfit, "convolve": calculus.convolve, "correlate": calculus.correlate,
    "apply_along_axis": mapping.apply_along_axis, "apply_over_axes": mapping.apply_over_axes,
    # asking
    "shape": lambda a: as_tracer(a).shape, "ndim": lambda a: as_tracer(a).ndim, "size": _size, "result_type": _result_type,
    "isscalar": _is_scalar, "isreal": lambda x: creation.ones_like(x, BOOL), "iscomplex": lambda x: creation.zeros_like(x, BOOL),
    "iscomplexobj": lambda x: False, "isrealobj": lambda x: True,
}) | _named(np.linalg, {
    "norm": norms.norm, "vector_norm": norms.vector_norm, "matrix_norm": norms.matrix_norm, "multi_dot": products.multi_dot,
    "outer": lambda x1, x2, /: products.outer(x1, x2), "vecdot": products.vecdot, "tensordot": products.tensordot, "matmul": products.matmul,
    "cross": lambda x1, x2, /, *, axis=-1: products.cross_of_three(x1, x2, axis),
    "trace": lambda x, /, *, offset=0, dtype=None: products.trace(x, offset, -2, -1, dtype),
    "diagonal": lambda x, /, *, offset=0: shaping.diagonal(x, offset, -2, -1),
    "matrix_transpose": lambda x, /: shaping.swapaxes(x, -1, -2),
}) | linalg.FUNCTIONS | _named(np.lib.stride_tricks, {"sliding_window_view": windows.windows, "as_strided": strided.as_strided})  # fmt: skip


_FOLLOWED = tuple(
    os.path.join(os.path.dirname(np.__file__), *place)
    for place in (
        *(("lib", f"_{name}_impl.py") for name in (
            "arraysetops", "function_base", "histograms", "polynomial", "shape_base", "twodim_base", "type_check", "ufunclike")),
        ("polynomial", ""),
        ("fft", "_helper.py"),
    )
)  # fmt: skip


def is_followed(function: types.FunctionType) -> bool:
    """Whether a function is Python code of NumPy's that says in terms of other functions what it does."""
    return function.__code__.co_filename.startswith(_FOLLOWED)


@handles("function")
def function(func: Callable[..., Any]) -> Callable[..., Any]:
    """What runs in place of a NumPy function; refuses what is not in the table."""
    found = FUNCTIONS.get(func)
    return functools.partial(_followed, func) if found is None else functools.partial(_in_place_of, func, found)


def _followed(func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """A function of NumPy's that is not in the table."""
    from .calls import of_numpy

    implementation = getattr(func, "_implementation", None)
    if not isinstance(implementation, types.FunctionType) or not is_followed(implementation):
        raise not_compiled(UnsupportedError(), func)
    return strong(of_numpy(implementation, *args, **kwargs))


def not_compiled(error: UnsupportedError, func: Callable[..., Any]) -> UnsupportedError:
    """The error, of the same kind, as one that says that a function of NumPy's cannot be compiled, and why."""
    reason = getattr(error, "reason", str(error))
    is_public = getattr(getattr(np, func.__name__, func), "_implementation", None) is func
    places = [part for part in (func.__module__ or "").split(".") if not part.startswith("_")]
    name = f"np.{func.__name__}" if is_public else f"{'.'.join(places)}.{func.__name__}".replace("numpy", "np", 1)
    error.args = (
        f"{name} is not compiled by jitgrad; write it with functions that are (see jitgrad.numpy), or compute it outside of "
        f"the traced function{reason and f' (in its own code: {reason})'}",
    )
    if reason:
        error.reason = reason
    return error


def _in_place_of(func: Callable[..., Any], found: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    if kwargs:
        args, kwargs = fitted(func, found, args, kwargs)
    return _strongly(found, *args, **kwargs)


def _strongly(found: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return strong(found(*args, **kwargs)) if found not in _GIVE_PYTHON_NUMBERS else found(*args, **kwargs)


_GIVE_PYTHON_NUMBERS = (choosing.allclose, choosing.array_equal, choosing.array_equiv, linalg.matrix_rank)


def _reshape_method(x: Tracer, *shape: Any, order: str = "C", copy: Any = None) -> Tracer:
    return shaping.reshape(x, shape[0] if len(shape) == 1 else shape, order)


def _transpose_method(x: Tracer, *axes: Any) -> Tracer:
    return shaping.transpose(x, axes[0] if len(axes) == 1 else axes or None)


def _tolist(x: Tracer) -> Any:
    if not x.ndim:
        return creation.item(x)
    if x.ndim == 1:
        return Rows([shaping.copy_of(x)], flatten(0)[1], [True])
    return Comprehension(Indexed(0, x.shape[0], 1, lambda k: x[k]), _tolist, None).as_rows()


def _view(x: Tracer, dtype: Any = None, type: Any = None) -> Tracer:
    if type not in (None, np.ndarray) or (dtype not in (None, np.ndarray) and np.dtype(dtype) != x.dtype):
        raise UnsupportedError(f"the bytes of {describe(x)} as another type; x.astype(dtype) converts the values")
    return x if x.is_scalar else x[...]


def _fill(x: Tracer, value: Any) -> None:
    x[...] = value


def _sort_in_place(x: Tracer, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> None:
    x[...] = reductions.sort(x, axis)


def _partition_in_place(x: Tracer, kth: Any, axis: int = -1, kind: Any = None, order: Any = None) -> None:
    x[...] = reductions.partition(x, kth, axis)


_AS_FUNCTIONS = (
    "ravel", "swapaxes", "squeeze", "sum", "prod", "max", "min", "mean", "var", "std", "all", "any", "dot", "cumsum", "cumprod",
    "argmax", "argmin", "argsort", "argpartition", "clip", "round", "take", "repeat", "diagonal", "trace",
    "nonzero", "searchsorted", "put",
)  # fmt: skip

METHODS: dict[str, Callable[..., Any]] = {
    **{name: FUNCTIONS[getattr(np, name)] for name in _AS_FUNCTIONS},
    "choose": lambda x, *choices, out=None, mode="raise": choosing.choose(x, choices if len(choices) > 1 else choices[0], out, mode),
    "compress": lambda x, condition, axis=None, out=None: choosing.compress(condition, x, axis, out),
    "reshape": _reshape_method, "transpose": _transpose_method, "astype": creation.astype, "item": creation.item,
    "flatten": lambda x, order="C": shaping.copy_of(shaping.ravel(x, order)), "copy": lambda x, order="C": copy(x),
    "sort": _sort_in_place, "partition": _partition_in_place, "fill": _fill, "conj": _same, "conjugate": _same,
    "tolist": _tolist, "view": _view, "tobytes": creation.unsupported_copy("tobytes"),
}  # fmt: skip

PROPERTIES: dict[str, Callable[[Tracer], Any]] = {
    "T": shaping.transpose, "mT": lambda x: shaping.swapaxes(x, -1, -2), "real": lambda x: x,
    "imag": lambda x: creation.zeros_like(x), "flat": lambda x: shaping.flat(x), "strides": strided.strides,
}  # fmt: skip


def _class_of_number(x: Tracer) -> type:
    """The class of a number that a tracer stands for; of an array, that of an array."""
    if x.weak:
        return {"b": bool, "i": int, "f": float}[x.dtype.kind]
    return x.dtype.type if x.is_scalar else np.ndarray


@handles("attribute")
def attribute(x: Tracer, name: str) -> Any:
    """A method or property of a traced array."""
    if name in METHODS:
        return functools.partial(
            METHODS[name] if name in ("item", "tolist") else functools.partial(_strongly, METHODS[name]), x
        )
    if name in PROPERTIES:
        return PROPERTIES[name](x)
    if name == "is_integer" and (x.weak or x.is_scalar):
        return lambda: new((np.isfinite(x) & (np.floor(x) == x)).value, weak=True)
    if not name.startswith("__") and hasattr(_class_of_number(x), name) and not hasattr(np.ndarray, name):
        raise Concretize(f"the method .{name}() of {describe(x)} is not compiled by jitgrad; write it with arithmetic", x)
    if name.startswith("__") or not hasattr(np.ndarray, name):
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
    raise UnsupportedError(f"the attribute .{name} of {describe(x)} is not compiled by jitgrad")


@handles("copy")
def copy(x: Tracer) -> Tracer:
    """``copy.copy`` and ``copy.deepcopy`` of a traced array."""
    return x if x.is_scalar else shaping.copy_of(x)
