"""Counts of values in bins: histogram, histogramdd, and the edges of the bins.

Bins are given by their edges or by their number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib import _histograms_impl

from ..errors import UnsupportedError
from .calculus import diff
from .creation import full, linspace, zeros
from .promotion import as_array, convert, result_dtype
from .searching import searchsorted
from .shaping import leading_axes, ravel, reshape, transpose
from .tracer import Tracer
from .unbound import emit_check

_RULES: dict[str, Any] = _histograms_impl._hist_bin_selectors  # type: ignore[attr-defined]


def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> tuple[Any, Any]:
    """``np.histogram``."""
    if isinstance(bins, str) and weights is not None:
        raise TypeError("Automated estimation of the number of bins is not supported for weighted data")
    x, values = as_array(a), as_array(1 if weights is None else weights)
    if weights is not None and (values.ndim != x.ndim or any(m != n for m, n in zip(values.shape, x.shape, strict=True))):
        raise ValueError("weights should have the same shape as a.")
    x, values = ravel(x), values if weights is None else ravel(values)
    edges = _edges(x, bins, range)
    found = full(edges.shape, 0, values.dtype)
    np.add.at(found, _places(x, edges), values)
    found = found[:-1]
    return (found / diff(edges) / np.sum(found) if density else found), edges


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Tracer:
    """``np.histogram_bin_edges``."""
    return _edges(ravel(as_array(a)), bins, range)


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Any, list[Any]]:
    """``np.histogramdd``: points are the rows of an array, or their coordinates are given one by one."""
    points = as_array(sample)
    points = points if isinstance(sample, Tracer) and points.ndim == 2 else transpose(leading_axes(2, points))
    columns = list(transpose(points))
    several = bins if isinstance(bins, (list, tuple)) or as_array(bins).ndim else (bins,) * len(columns)
    ranges = (None,) * len(columns) if range is None else range
    if len(several) != len(columns):
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    if len(ranges) != len(columns):
        raise ValueError("range argument must have one entry per dimension")
    edges = [_edges(x, number, limits, even=False) for x, number, limits in zip(columns, several, ranges, strict=True)]
    found = zeros([ends.shape[0] for ends in edges])
    places = tuple(_places(x, ends) for x, ends in zip(columns, edges, strict=True))
    np.add.at(found, places, 1.0 if weights is None else as_array(weights))
    found = found[(slice(None, -1),) * len(edges)]
    if density:
        total = np.sum(found)
        for k, ends in enumerate(edges):
            found = found / reshape(diff(ends), (-1,) + (1,) * (len(edges) - k - 1))
        found = found / total
    return found, edges


def _places(x: Tracer, edges: Tracer) -> Tracer:
    """The bin of each value: the last has its right edge as well, and what is in none is put into one more."""
    count = edges.shape[0] - 1
    place = np.where(np.equal(x, edges[-1]), count - 1, searchsorted(edges, x, "right") - 1)
    return np.where((place >= 0) & (place < count), place, count)  # type: ignore[return-value]


def _edges(x: Tracer, bins: Any, range: Any, even: bool = True) -> Tracer:
    """The edges of the bins; ``even`` ones are of the dtype of the values, and all of some width."""
    edges = None if isinstance(bins, str) else as_array(bins)
    if edges is not None and edges.ndim:
        return _increasing(edges)
    low, high = _outer_edges(x, range)
    outer = _apart(low, high)
    edges = linspace(*outer, (_number(bins) if edges is not None else _number_by_rule(x, bins, outer, range is not None)) + 1)
    if even:
        dtype = result_dtype(x, low, high)
        edges = convert(edges, dtype) if dtype.kind == "f" else edges
        message = "Too many bins for data range. Cannot create so many finite-sized bins."
        emit_check(np.all(edges[1:] > edges[:-1]), ValueError(message))
    return edges


def _increasing(edges: Tracer) -> Tracer:
    if edges.ndim > 1:
        raise ValueError("`bins` must be 1d, when an array")
    emit_check(np.all(edges[1:] >= edges[:-1]), ValueError("`bins` must increase monotonically, when an array"))
    return edges


def _number(bins: Any) -> Any:
    if as_array(bins).dtype.kind not in "iu":
        raise TypeError("`bins` must be an integer, a string, or an array")
    emit_check(bins >= 1, ValueError("`bins` must be positive, when an integer"))
    return bins


def _number_by_rule(x: Tracer, rule: str, outer: tuple[Any, Any], is_part: bool) -> Any:
    """As many bins as a rule of NumPy's asks for, whose own function for their width is followed."""
    from .calls import OPERATORS, follow

    if rule not in _RULES:
        raise ValueError(f"{rule!r} is not a valid estimator for `bins`")
    if rule == "stone":
        raise UnsupportedError("np.histogram with bins='stone'; use another rule, or pass the number of bins")
    low, high = outer
    x = x[(x >= low) & (x <= high)] if is_part else x

    def number() -> Any:
        width = as_array(follow(_RULES[rule])(x * 1.0, outer))
        width = np.maximum(width, 1.0) if x.dtype.kind in "iu" else width
        is_wide = width > 0
        return np.where(is_wide, np.ceil((high - low) / np.where(is_wide, width, 1.0)), 1.0).astype(np.int64)

    return OPERATORS[0].ifexp(x.shape[0] == 0, lambda: 1, number)


def _outer_edges(x: Tracer, range: Any) -> tuple[Any, Any]:
    """The first and the last edge: those of the range, or the least and the greatest value."""
    if range is None:
        is_empty = x.shape[0] == 0
        if not isinstance(is_empty, Tracer) and is_empty:
            return 0.0, 1.0
    low, high = (np.min(x), np.max(x)) if range is None else range
    emit_check(low <= high, ValueError("max must be larger than min in range parameter."))
    which = "autodetected" if range is None else "supplied"
    emit_check(np.isfinite(low) & np.isfinite(high), ValueError(f"the {which} range of the bins is not finite"))
    return low, high


def _apart(low: Any, high: Any) -> tuple[Any, Any]:
    """Two edges with some width between them."""
    narrow = np.equal(low, high)
    return np.where(narrow, low - 0.5, low), np.where(narrow, high + 0.5, high)
