"""Products with vectors as sums over the index that both operands share.

    out = a @ x                    out[i] = sum over k of a[i, k] * x[k]
    out = x @ y                    out = sum over k of x[k] * y[k]

Matrix products stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...ir import ArrayType, Dim, symbol
from ...ir.types import BOOL
from ...lower.program import (
    Allocate,
    Axis,
    BufferParameter,
    Kernel,
    Launch,
    Let,
    Load,
    Local,
    Parameter,
    Pop,
    Product,
    Program,
    Reduce,
    Step,
    View,
)  # fmt: skip
from .statements import KernelNames, map_blocks, with_body


def sum_vector_products(program: Program, names: KernelNames) -> Program:
    """Replace every product with a vector by the launch of a reduction."""
    types: dict[str, ArrayType] = {p.name: p.type for p in program.parameters}

    def change(block: list[Any]) -> list[Any]:
        return [_as_sum(s, types, names) if isinstance(s, Product) and s.ranks != (2, 2) else s for s in block]

    def note(block: list[Any]) -> list[Any]:
        types.update({s.name: s.type for s in block if isinstance(s, Allocate | View | Pop | Parameter)})
        return block

    map_blocks(program.body, note)
    return with_body(program, map_blocks(program.body, change))


def _as_sum(product: Product, types: Mapping[str, ArrayType], names: KernelNames) -> Launch:
    """The reduction that computes a product with a vector."""
    rows, depth = Axis("i", symbol("rows")), Axis("k", symbol("depth"))
    index = (symbol("i"), symbol("k"))
    matrix, vector = (product.a, product.b) if product.ranks[0] == 2 else (product.b, product.a)
    across = product.transposed[0] if product.ranks[0] == 2 else not product.transposed[1]
    shape: tuple[Dim, ...] = (rows.extent, depth.extent)
    axes: tuple[Axis, ...]
    reads: list[tuple[str, str, tuple[Dim, ...], tuple[Dim, ...]]]
    if max(product.ranks) == 1:
        matrix, vector, axes = product.a, product.b, (depth,)
        reads = [("x", matrix, (depth.extent,), index[1:]), ("y", vector, (depth.extent,), index[1:])]
    else:
        axes = (rows, depth)
        place = (index[::-1], shape[::-1]) if across else (index, shape)
        reads = [("a", matrix, place[1], place[0]), ("x", vector, (depth.extent,), index[1:])]
    d = product.dtype
    both, total = ("and", "any") if d == BOOL else ("mul", "sum")
    body: list[Step] = [Load(f"{name}_here", d, name, at) for name, _, _, at in reads]
    body.append(Let("term", d, both, tuple(Local(f"{name}_here", d) for name, *_ in reads)))
    scalar = len(axes) == 1
    target = "total" if scalar else "out"
    body.append(Reduce(total, target, d, ("k",), () if scalar else index[:1], Local("term", d)))
    parameters = [BufferParameter(name, ArrayType(d, shown), False) for name, _, shown, _ in reads]
    buffers = [buffer for _, buffer, _, _ in reads]
    if not scalar:
        parameters.insert(0, BufferParameter("out", ArrayType(d, (rows.extent,)), True))
        buffers.insert(0, product.out)
    kernel = names.kernel(Kernel("", tuple(parameters), (), axes, tuple(body)), "dot" if scalar else "matvec")
    return Launch(kernel, tuple(buffers), (), (product.out,) if scalar else (), product.source)
