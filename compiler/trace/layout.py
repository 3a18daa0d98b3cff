"""Whether an array lies in C order, and whether NumPy's reshape shares storage: told from the strides that a chain of views gives an array in C order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..errors import UnsupportedError
from ..ir import Dim
from .context import active_trace
from .tracer import Tracer, describe

Strides = list[int]


def shares_storage(x: Tracer, shape: tuple[Dim, ...]) -> bool:
    """Whether ``x.reshape(shape)`` is a view of x, its base being in C order."""
    if all(view.key is not None and view.key[0] in ("reshape", "axes") for view in x.views) or only_axes_of_one(
        x.type.shape, shape
    ):
        return True
    target = _numbers(shape)
    found = _layout(x)
    return target is not None and found is not None and restride(*found, target) is not None


def is_in_c_order(x: Tracer) -> bool:
    """Whether an array is known to lie in C order, its base doing so."""
    found = _layout(x)
    if found is None:
        return False
    return _is_contiguous(*found)


def _is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    return 0 in shape or all(n == 1 or s == c for n, s, c in zip(shape, strides, contiguous(shape), strict=True))


def order_in_memory(x: Tracer, order: str) -> str:
    """The order, "C" or "F", that "A" or "K" stands for; an argument must then be in C order at each call."""
    if order not in ("A", "K"):
        return order
    if x.type.rank < 2:
        return "C"
    x.cell.ordered = True
    found = _layout(x)
    if found is None:
        raise UnsupportedError(
            f"order={order!r} of {describe(x)}, whose order in memory is not known here; give order='C' or 'F'"
        )
    shape, strides = found
    if _is_contiguous(shape, strides):
        return "C"
    if _is_contiguous(shape[::-1], strides[::-1]):
        return "F"
    if order == "K" and not is_visited_in_c_order(x):
        raise UnsupportedError(
            f"order='K' of {describe(x)}, whose elements are not in the order of its axes; give order='C' or 'F'"
        )
    return "C"


def is_visited_in_c_order(x: Tracer) -> bool:
    """Whether C order is the order in which the elements are known to lie in memory, with gaps or without."""
    if not x.views:
        return True
    found = _layout(x)
    if found is None:
        return False
    shape, strides = found
    steps = [step for n, step in zip(shape, strides, strict=True) if n != 1]
    return 0 in shape or (all(step > 0 for step in steps) and steps == sorted(steps, reverse=True))


def only_axes_of_one(source: tuple[Dim, ...], target: tuple[Dim, ...]) -> bool:
    """Whether two shapes differ by axes of size 1 only."""
    return [d for d in source if d != 1] == [d for d in target if d != 1]


def _numbers(shape: Sequence[Dim]) -> list[int] | None:
    hints = [active_trace().sizing.hint(dim) for dim in shape]
    return None if None in hints else hints  # type: ignore[return-value]


def _layout(x: Tracer) -> tuple[list[int], Strides] | None:
    """Shape and strides (in elements) in the call that is traced; None where they are not known."""
    shape = _numbers(x.cell.value.type.shape)  # type: ignore[union-attr]
    if shape is None:
        return None
    strides = contiguous(shape)
    for view in x.views:
        kind, what = view.key[:2]
        if kind == "basic":
            kept = [(entry, stride) for entry, stride in zip(what, strides, strict=True) if hasattr(entry, "step")]
            found = _numbers([entry.length for entry, _ in kept])
            after: Strides | None = [entry.step * stride for entry, stride in kept]
        elif kind == "transpose":
            found, after = [shape[k] for k in what], [strides[k] for k in what]
        elif kind in ("reshape", "axes"):
            found = _numbers(what)
            after = None if found is None else restride(shape, strides, found)
        else:
            return None
        if found is None or after is None:
            return None
        shape, strides = found, after
    return shape, strides


def contiguous(shape: Sequence[int]) -> Strides:
    """Strides in C order."""
    strides = [1] * len(shape)
    for k in range(len(shape) - 1, 0, -1):
        strides[k - 1] = strides[k] * max(shape[k], 1)
    return strides


def restride(shape: Sequence[int], strides: Strides, target: Sequence[int]) -> Strides | None:
    """The strides of a reshaped array that shares storage, None where it cannot.

    Axes are taken in groups of as many elements on both sides; within a group the old axes must lie one after the other.
    """
    if 0 in shape:
        return contiguous(target)
    old = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    result: Strides = []
    rest = list(target)
    while rest:
        group = [rest.pop(0)]
        count = group[0]
        inside: list[tuple[int, int]] = []
        total = 1
        while total != count:
            if total < count:
                inside.append(old.pop(0))
                total *= inside[-1][0]
            elif rest:
                group.append(rest.pop(0))
                count *= group[-1]
            else:
                break
        if any(a[1] != b[0] * b[1] for a, b in pairwise(inside)):
            return None
        last = inside[-1][1] if inside else 1
        result += [last * s for s in contiguous(group)]
    return result
