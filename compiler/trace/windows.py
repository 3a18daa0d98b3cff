"""Windows of arrays as views: ``sliding_window_view``, and every so-many of its windows, or of their elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir import ArrayType, Dim, Var
from ..ops.windows import windows_type
from .cells import View
from .context import active_trace
from .promotion import as_array
from .shaping import dims_of, dims_user, normal_axis, read_only
from .tracer import Tracer
from .unbound import emit_check

Axes = tuple[int, ...]


def windows(x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False) -> Tracer:
    """``np.lib.stride_tricks.sliding_window_view``: windows as new last axes."""
    x = as_array(x)
    sizes, decide = dims_of(window_shape), active_trace().sizing.decide
    axes = tuple(range(x.type.rank)) if axis is None else tuple(normal_axis(a, x.type.rank) for a in dims_user(axis))
    if any(decide(size, ">=", 0) is False for size in sizes):
        raise ValueError("`window_shape` cannot contain negative values")
    if len(axes) != len(sizes):
        raise ValueError("Must provide matching length window_shape and axis")
    rest = list(zip(axes, sizes, dims_user(window_shape), strict=True))
    while rest:  # an axis that is named again has windows of windows
        taken = [entry for k, entry in enumerate(rest) if entry[0] not in [other[0] for other in rest[:k]]]
        rest = [entry for entry in rest if entry not in taken]
        for axis, _, given in taken:
            emit_check(x.shape[axis] >= given, ValueError("window shape cannot be larger than input array shape"))
        along, size = tuple(entry[0] for entry in taken), tuple(entry[1] for entry in taken)
        ones = (1,) * len(along)
        x = _view(x, x.type, along, tuple(x.type.shape[k] - n + 1 for k, n in zip(along, size, strict=True)), size, ones, ones)
    return x


def every(x: Tracer, entries: Sequence[Any]) -> Tracer | None:
    """The windows that a basic index of windows selects, if it takes all of the other axes and starts with the first of each."""
    _, parent, axes, _counts, _sizes, steps, spread = x.views[-1].key
    rank = parent.rank
    starts = all(hasattr(e, "step") and e.step > 0 and e.start.var is None and e.start.dim == 0 for e in entries)
    others = (k for k in range(rank) if k not in axes)
    if not starts or any(entries[k].step != 1 or entries[k].length != parent.shape[k] for k in others):
        return None
    places, inner = [entries[k] for k in axes], entries[rank:]
    return _view(
        Tracer(x.cell, parent, x.views[:-1]), parent, axes,
        tuple(e.length for e in places), tuple(e.length for e in inner),
        tuple(step * e.step for step, e in zip(steps, places, strict=True)),
        tuple(step * e.step for step, e in zip(spread, inner, strict=True)),
    )  # fmt: skip


def _view(
    x: Tracer, type: ArrayType, axes: Axes, counts: tuple[Dim, ...], sizes: tuple[Dim, ...], steps: Axes, spread: Axes
) -> Tracer:
    def read(base: Var) -> Var:
        return active_trace().emit("windows", base, axes=axes, counts=counts, sizes=sizes, steps=steps, spread=spread)

    view = View(read, read_only, ("windows", type, axes, counts, sizes, steps, spread))
    return x.through(view, windows_type(type, axes, counts, sizes))
