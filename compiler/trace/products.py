"""Products that sum over axes: matmul, dot, outer, tensordot, einsum; norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..ir import Dim
from ..ir.types import BOOL, F64, I64
from .context import active_trace
from .elementwise import as_tracer, assume_shape, broadcast_to, convert, elementwise, resolve, result_dtype, write_out
from .reductions import reduce
from .shaping import normal_axes, normal_axis, ravel, reshaped, transpose
from .tracer import Tracer, describe, new

Axes = tuple[int, ...]


def dot_general(x: Tracer, y: Tracer, contract: tuple[Axes, Axes], batch: tuple[Axes, Axes], name: str) -> Tracer:
    """The sum of products over paired axes; batch axes come first in the result."""
    dtype = result_dtype(x, y)
    if dtype == BOOL:
        counted = dot_general(convert(x, I64), convert(y, I64), contract, batch, name)
        return elementwise("ne", counted, 0)
    x, y = convert(x, dtype), convert(y, dtype)
    trace = active_trace()
    shape = list(y.type.shape)
    for i, j in [*zip(*contract, strict=True), *zip(*batch, strict=True)]:
        left, right = x.type.shape[i], y.type.shape[j]
        equal = trace.sizing.decide(left, "==", right)
        if equal is False:
            text = trace.sizing.shape_text
            raise ShapeError(
                f"{name}: shapes {text(x.type.shape)} and {text(y.type.shape)} do not fit: axis {i} of {describe(x)} has "
                f"size {trace.sizing.text(left)}, axis {j} of {describe(y)} has size {trace.sizing.text(right)}; "
                "they are summed over together and must be equal"
            )
        if equal is None:
            from .elementwise import check_equal

            check_equal(left, right, f"{name}: sizes do not fit")
        shape[j] = left
    second = assume_shape(trace.scope.resolve(y.var), tuple(shape))
    return new(trace.emit("dot", x.var, second, contract=contract, batch=batch))


def matmul(x: Any, y: Any, out: Any = None, **_: Any) -> Any:
    """``np.matmul``: matrix products over the last two axes, broadcast over the rest."""
    x, y = as_tracer(x, "the first operand of matmul"), as_tracer(y, "the second operand of matmul")
    if not x.type.rank or not y.type.rank:
        raise ValueError(f"matmul: {describe(x if not x.type.rank else y)} is a scalar; use * in place of @")
    resolve(np.matmul, (x, y))
    result = _matmul(x, y)
    if out is not None:
        write_out(out[0] if isinstance(out, tuple) else out, result, True, "matmul")
        return out
    return result


def _matmul(x: Tracer, y: Tracer) -> Tracer:
    last = x.type.rank - 1
    second = max(y.type.rank - 2, 0)
    if x.type.rank <= 2 and y.type.rank <= 2:
        return dot_general(x, y, ((last,), (second,)), ((), ()), "matmul")
    if y.type.rank <= 2:
        return dot_general(x, y, ((last,), (second,)), ((), ()), "matmul")
    if x.type.rank == 1:
        row = reshaped(x, (1, x.type.shape[0]))
        result = _matmul(row, y)
        return reshaped(result, (*result.type.shape[:-2], result.type.shape[-1]))
    lead = max(x.type.rank, y.type.rank) - 2
    shape = _batch_shape(x, y)
    x = new(broadcast_to(x, (*shape, *x.type.shape[-2:])))
    y = new(broadcast_to(y, (*shape, *y.type.shape[-2:])))
    axes = tuple(range(lead))
    return dot_general(x, y, ((lead + 1,), (lead,)), (axes, axes), "matmul")


def _batch_shape(x: Tracer, y: Tracer) -> tuple[Dim, ...]:
    from .elementwise import broadcast_shapes

    return broadcast_shapes([Tracer(v.cell, v.type.with_shape(v.type.shape[:-2])) for v in (x, y)], "matmul")


def dot(x: Any, y: Any, out: Any = None) -> Any:
    """``np.dot``."""
    x, y = as_tracer(x), as_tracer(y)
    if not x.type.rank or not y.type.rank:
        result = x * y
    else:
        result = dot_general(x, y, ((x.type.rank - 1,), (max(y.type.rank - 2, 0),)), ((), ()), "dot")
    if out is not None:
        write_out(out, result, True, "dot")
        return out
    return result


def vdot(x: Any, y: Any) -> Any:
    """``np.vdot``."""
    return dot(ravel(x), ravel(y))


def inner(x: Any, y: Any) -> Any:
    """``np.inner``."""
    x, y = as_tracer(x), as_tracer(y)
    if not x.type.rank or not y.type.rank:
        return x * y
    return dot_general(x, y, ((x.type.rank - 1,), (y.type.rank - 1,)), ((), ()), "inner")


def outer(x: Any, y: Any, out: Any = None) -> Any:
    """``np.outer``."""
    x, y = ravel(x), ravel(y)
    result = reshaped(x, (x.type.shape[0], 1)) * y
    if out is not None:
        write_out(out, result, True, "outer")
        return out
    return result


def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """``np.tensordot``."""
    x, y = as_tracer(x), as_tracer(y)
    if isinstance(axes, int):
        first = tuple(range(x.type.rank - axes, x.type.rank))
        second = tuple(range(axes))
    else:
        first, second = (tuple(a) if isinstance(a, (tuple, list)) else (a,) for a in axes)
        first = tuple(normal_axis(a, x.type.rank) for a in first)
        second = tuple(normal_axis(a, y.type.rank) for a in second)
    if len(first) != len(second):
        raise ValueError("shape-mismatch for sum: the axes of both operands must be as many")
    return dot_general(x, y, (first, second), ((), ()), "tensordot")


def kron(x: Any, y: Any) -> Any:
    """``np.kron``."""
    x, y = as_tracer(x), as_tracer(y)
    rank = max(x.type.rank, y.type.rank)
    from .shaping import at_least

    x, y = at_least(rank, x), at_least(rank, y)
    spread_x = reshaped(x, tuple(d for dim in x.type.shape for d in (dim, 1)))
    spread_y = reshaped(y, tuple(d for dim in y.type.shape for d in (1, dim)))
    return reshaped(spread_x * spread_y, tuple(a * b for a, b in zip(x.type.shape, y.type.shape, strict=True)))


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, **_: Any) -> Any:
    """``np.trace``."""
    from .shaping import diagonal

    return reduce("sum", diagonal(x, offset, axis1, axis2), -1)


def cross(x: Any, y: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """``np.cross`` of vectors of three components along the last axis."""
    x, y = as_tracer(x), as_tracer(y)
    if axis is not None and axis != -1:
        raise UnsupportedError("np.cross along another axis than the last; use np.moveaxis first")
    from .shaping import stack

    a, b = [x[..., k] for k in range(3)], [y[..., k] for k in range(3)]
    return stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], -1)


def einsum(subscripts: str, *operands: Any, out: Any = None, optimize: Any = False, **_: Any) -> Any:
    """``np.einsum`` with subscripts given as text."""
    if not isinstance(subscripts, str):
        raise UnsupportedError("np.einsum with lists of axes; give the subscripts as text, as in 'ij,jk->ik'")
    arrays = [as_tracer(v) for v in operands]
    inputs, output = _subscripts(subscripts.replace(" ", ""), arrays)
    terms = [_without_repeats(letters, x) for letters, x in zip(inputs, arrays, strict=True)]
    while len(terms) > 1:
        first, second, *rest = terms
        needed = set(output).union(*(letters for letters, _ in rest))
        terms = [_pair(first, second, needed), *rest]
    letters, x = terms[0]
    x = reduce("sum", x, tuple(k for k, c in enumerate(letters) if c not in output)) if set(letters) - set(output) else x
    kept = [c for c in letters if c in output]
    result = transpose(x, tuple(kept.index(c) for c in output)) if x.type.rank else x
    if out is not None:
        write_out(out, result, True, "einsum")
        return out
    return new(result.var) if not result.type.rank else result


def _subscripts(text: str, arrays: list[Tracer]) -> tuple[list[str], str]:
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(arrays):
        raise ValueError(f"einsum: {len(inputs)} subscripts for {len(arrays)} operands")
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in text]
    widest = max((x.type.rank - len(s.replace("...", "")) for s, x in zip(inputs, arrays, strict=True) if "..." in s), default=0)
    dots = "".join(spare[:widest])
    expanded = []
    for s, x in zip(inputs, arrays, strict=True):
        count = x.type.rank - len(s.replace("...", ""))
        if "..." not in s and count:
            raise ValueError(f"einsum: subscripts {s!r} for {describe(x)}, which has {x.type.rank} axes")
        expanded.append(s.replace("...", dots[len(dots) - count :] if count else ""))
    if arrow:
        return expanded, output.replace("...", dots)
    letters = "".join(expanded)
    once = sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots)
    return expanded, dots + "".join(once)


def _without_repeats(letters: str, x: Tracer) -> tuple[str, Tracer]:
    """Take the diagonal where one letter stands for two axes."""
    from .shaping import diagonal

    for c in letters:
        while letters.count(c) > 1:
            i = letters.index(c)
            j = letters.index(c, i + 1)
            x = diagonal(x, 0, i, j)
            letters = letters[:i] + letters[i + 1 : j] + letters[j + 1 :] + c
    return letters, x


def _pair(first: tuple[str, Tracer], second: tuple[str, Tracer], needed: set[str]) -> tuple[str, Tracer]:
    """Multiply two terms, summing over letters that nothing else needs."""
    (a, x), (b, y) = first, second
    a, x = _sum_alone(a, x, needed | set(b))
    b, y = _sum_alone(b, y, needed | set(a))
    shared = [c for c in a if c in b]
    contract = [c for c in shared if c not in needed]
    batch = [c for c in shared if c in needed]
    product = dot_general(
        x, y,
        (tuple(a.index(c) for c in contract), tuple(b.index(c) for c in contract)),
        (tuple(a.index(c) for c in batch), tuple(b.index(c) for c in batch)),
        "einsum",
    )  # fmt: skip
    letters = batch + [c for c in a if c not in shared] + [c for c in b if c not in shared]
    return "".join(letters), product


def _sum_alone(letters: str, x: Tracer, needed: set[str]) -> tuple[str, Tracer]:
    axes = tuple(k for k, c in enumerate(letters) if c not in needed)
    if not axes:
        return letters, x
    return "".join(c for c in letters if c in needed), reduce("sum", x, axes)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm`` of vectors, and the Frobenius norm; its gradient at 0 is 0."""
    x = as_tracer(x)
    if x.dtype.kind != "f":
        x = convert(x, F64)
    axes = normal_axes(axis, x.type.rank)
    if ord in (None, "fro") or (ord == 2 and (len(axes) == 1)):
        total = reduce("sum", elementwise("square", x), axes, keepdims=keepdims)
        zero = elementwise("eq", total, 0.0)
        root = elementwise("sqrt", elementwise("select", zero, total.dtype.type(1), total))
        return elementwise("select", zero, total.dtype.type(0), root)
    if len(axes) == 1 or (axis is None and x.type.rank == 1):
        size = np.abs(x)
        if ord == np.inf:
            return reduce("max", size, axes, keepdims=keepdims)
        if ord == -np.inf:
            return reduce("min", size, axes, keepdims=keepdims)
        if ord == 0:
            return reduce("sum", convert(elementwise("ne", x, 0.0), x.dtype), axes, keepdims=keepdims)
        if ord == 1:
            return reduce("sum", size, axes, keepdims=keepdims)
        return reduce("sum", size**ord, axes, keepdims=keepdims) ** (1.0 / ord)
    if len(axes) == 2 and ord in (1, -1, np.inf, -np.inf):
        summed, kept = axes if abs(ord) == 1 else axes[::-1]
        totals = reduce("sum", np.abs(x), summed, keepdims=True)
        result = reduce("max" if ord > 0 else "min", totals, kept, keepdims=True)
        return result if keepdims else reshaped(result, tuple(d for k, d in enumerate(x.type.shape) if k not in axes))
    raise UnsupportedError(f"np.linalg.norm with ord={ord!r} over {len(axes)} axes")
