"""Products of matrices that lie inside other arrays, as loops around products of matrices.

    %0: f64[n, h, t, s] = dot q k {contract=((3,), (3,)), batch=((0, 2), (0, 2))}

    for i in range(n):
        for j in range(h):
            %0[i, j] = q[i, :, j] @ k[i, :, j].T

In: a ``dot``, whose result may have its axes in another order (see ``.ordering``). Out: how far apart in memory the elements are along
the two loops, and along the rows and columns of the matrices, in each of the three arrays. Axes that stay side by side count as one.
Along an axis over which a product sums, but which cannot be one with the others, products are added up; an operand that a broadcast
repeats along an axis is not repeated but read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from ..ir import Dim, Equation, Var
from ..ops.products import free_axes

LOOPS = 2


@dataclass(frozen=True, slots=True)
class Letter:
    """One or more axes that a product treats alike: its size, and the distances of its elements in result and operands."""

    kind: str  # what of: batch, left, right, contract
    size: Dim
    out: Dim
    a: Dim
    b: Dim


@dataclass(frozen=True, slots=True)
class Striding:
    """Loops and matrices: sizes (outer, inner, rows, columns, depth); distances along the loops and both axes of each matrix."""

    sizes: tuple[Dim, ...]
    out: tuple[Dim, ...]
    a: tuple[Dim, ...]
    b: tuple[Dim, ...]


def striding(equation: Equation, definition: Mapping[Var, Equation]) -> Striding | None:
    """How to compute a ``dot`` without moving its operands; None if it takes more than two loops or BLAS cannot read a matrix."""
    letters = _merged(list(_letters(equation, definition)))
    kinds = {
        kind: [k for k in letters if k.kind == kind] or [Letter(kind, 1, 0, 0, 0)] for kind in ("left", "right", "contract")
    }
    for row, column, depth in product(*(reversed(kinds[kind]) for kind in ("left", "right", "contract"))):
        loops = [k for k in letters if k not in (row, column, depth)]
        if len(loops) <= LOOPS and _is_readable(row.a, depth.a, row, depth) and _is_readable(depth.b, column.b, depth, column):
            if column.out == 1 or column.size == 1:
                outer, inner = [Letter("batch", 1, 0, 0, 0)] * (LOOPS - len(loops)) + loops
                return Striding(
                    (outer.size, inner.size, row.size, column.size, depth.size),
                    (outer.out, inner.out, row.out, column.out),
                    (outer.a, inner.a, row.a, depth.a),
                    (outer.b, inner.b, depth.b, column.b),
                )
    return None


def repeated(var: Var, definition: Mapping[Var, Equation]) -> Var:
    """The array whose elements an operand of a product repeats, or the operand itself."""
    equation = definition.get(var)
    is_broadcast = equation is not None and equation.op == "broadcast" and equation.operands[0].type.shape  # type: ignore[union-attr]
    return equation.operands[0] if is_broadcast else var  # type: ignore[union-attr]


def _is_readable(first: Dim, second: Dim, rows: Letter, columns: Letter) -> bool:
    """Whether BLAS can read a matrix: neighbours along one of its axes, and no repetition along the other."""
    repeats = (first == 0 and rows.size != 1) or (second == 0 and columns.size != 1)
    return not repeats and (first == 1 or second == 1 or rows.size == 1 or columns.size == 1)


def _letters(e: Equation, definition: Mapping[Var, Equation]) -> Iterator[Letter]:
    """The axes of a product, each with its distances in all three arrays."""
    x, y = e.operands
    (contract_x, contract_y), (batch_x, batch_y) = e["contract"], e["batch"]
    a, b = _steps(x, definition), _steps(y, definition)
    written = _contiguous(e.result.type.shape)  # type: ignore[union-attr]
    out = [step for _, step in sorted(zip(e.get("order", range(len(written))), written, strict=True))]
    size = x.type.shape  # type: ignore[union-attr]
    for i, j in zip(batch_x, batch_y, strict=True):
        yield Letter("batch", size[i], out.pop(0), a[i], b[j])
    for i in free_axes(len(size), contract_x, batch_x):
        yield Letter("left", size[i], out.pop(0), a[i], 0)
    for j in free_axes(len(b), contract_y, batch_y):
        yield Letter("right", y.type.shape[j], out.pop(0), 0, b[j])  # type: ignore[union-attr]
    for i, j in zip(contract_x, contract_y, strict=True):
        yield Letter("contract", size[i], 0, a[i], b[j])


def _steps(var: Var, definition: Mapping[Var, Equation]) -> list[Dim]:
    """The distances of elements along the axes of an operand: 0 where a broadcast repeats them."""
    base = repeated(var, definition)
    if base == var:
        return list(_contiguous(var.type.shape))  # type: ignore[union-attr]
    steps: list[Dim] = [0] * len(var.type.shape)  # type: ignore[union-attr]
    for axis, step in zip(definition[var]["axes"], _contiguous(base.type.shape), strict=True):  # type: ignore[union-attr]
        steps[axis] = step
    return steps


def _contiguous(shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
    steps: list[Dim] = []
    step: Dim = 1
    for size in reversed(shape):
        steps.insert(0, step)
        step = step * size if size != 0 else step  # of no elements: any will do, but 0 would say that they repeat
    return tuple(steps)


def _merged(letters: list[Letter]) -> list[Letter]:
    """The axes with neighbours in all arrays made one, and without those of size 1."""
    letters = [k for k in letters if k.size != 1]
    for first, second in product(letters, letters):
        if first is not second and first.kind == second.kind and _are_neighbours(first, second):
            one = replace(second, size=first.size * second.size)
            return _merged([one if k is second else k for k in letters if k is not first])
    return letters


def _are_neighbours(first: Letter, second: Letter) -> bool:
    pairs = ((first.out, second.out), (first.a, second.a), (first.b, second.b))
    return all(outer == inner * second.size for outer, inner in pairs)
