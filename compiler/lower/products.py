"""Products in the forms that BLAS knows: matrices and vectors, or batches of matrices with the batch axis first.

%0: f64[b, n, m] = dot x y {contract=((1,), (2,)), batch=((0,), (0,))}     a batch of matrix products
%0: f64[n, m] = dot x y {contract=((1,), (0,)), batch=((), ())}            one
%0: f64[n, m] = dot x y {contract=((), ()), batch=((), ())}                becomes a product of broadcasts
"""

from __future__ import annotations

from ..ir import Equation, Function, Var
from ..ir.sizes import product
from ..ops import Builder
from ..ops.products import free_axes


def canonicalize_products(function: Function) -> Function:
    """Rewrite every ``dot`` to a form that lowering knows, with transposes and reshapes around it."""
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        if equation.op == "dot" and not is_canonical(equation):
            operands = [environment[v] for v in equation.operands]
            builder.source, builder.hint = equation.source, equation.hint
            environment[equation.result] = _rewrite(builder, equation, *operands)
        else:
            regions = tuple(canonicalize_products(region) for region in equation.regions)
            builder.copy(equation.replace(regions=regions), environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)


def is_canonical(equation: Equation) -> bool:
    """Whether a product is one that lowering knows."""
    x, y = equation.operands
    (contract_x, _contract_y), (batch_x, batch_y) = equation["contract"], equation["batch"]
    ranks = (len(x.type.shape), len(y.type.shape))  # type: ignore[union-attr]
    if len(contract_x) != 1:
        return False
    if not batch_x:
        return max(ranks) <= 2
    return batch_x == batch_y == (0,) and ranks == (3, 3)


def _rewrite(b: Builder, e: Equation, x: Var, y: Var) -> Var:
    (contract_x, contract_y), (batch_x, batch_y) = e["contract"], e["batch"]
    free_x = free_axes(len(x.type.shape), contract_x, batch_x)  # type: ignore[union-attr]
    free_y = free_axes(len(y.type.shape), contract_y, batch_y)  # type: ignore[union-attr]
    if not contract_x or (batch_x and not (free_x and free_y)):
        return _as_sum(b, e, x, y, free_x, free_y)
    shape = e.result.type.shape  # type: ignore[union-attr]
    left = _matrices(b, x, batch_x, free_x, contract_x)
    right = _matrices(b, y, batch_y, contract_y, free_y)
    batch = len(left.type.shape) - bool(free_x) - 1  # type: ignore[union-attr]
    axes = tuple(range(batch))
    contract = ((batch + bool(free_x),), (batch,))
    return b.reshape(b.emit("dot", left, right, contract=contract, batch=(axes, axes)), shape)


def _matrices(b: Builder, x: Var, batch: tuple[int, ...], first: tuple[int, ...], second: tuple[int, ...]) -> Var:
    """The operand with its axes in three bundles: batch, first, second; an empty bundle leaves no axis."""
    moved = b.transpose(x, (*batch, *first, *second))
    size = x.type.shape  # type: ignore[union-attr]
    shape = tuple(product(tuple(size[k] for k in bundle)) for bundle in (batch, first, second) if bundle)
    return b.reshape(moved, shape)


def _as_sum(b: Builder, e: Equation, x: Var, y: Var, free_x: tuple[int, ...], free_y: tuple[int, ...]) -> Var:
    """An elementwise product over all axes, summed over the contracted ones, which come last."""
    (contract_x, contract_y), (batch_x, batch_y) = e["contract"], e["batch"]
    sizes = x.type.shape  # type: ignore[union-attr]
    shape = (*e.result.type.shape, *(sizes[k] for k in contract_x))  # type: ignore[union-attr]
    batch, rank = len(batch_x), len(e.result.type.shape)  # type: ignore[union-attr]
    shared = tuple(range(batch))
    summed = tuple(range(rank, len(shape)))
    left = b.transpose(x, (*batch_x, *free_x, *contract_x))
    right = b.transpose(y, (*batch_y, *free_y, *contract_y))
    axes_x = (*shared, *range(batch, batch + len(free_x)), *summed)
    axes_y = (*shared, *range(batch + len(free_x), rank), *summed)
    return b.sum(b.mul(b.broadcast(left, axes_x, shape), b.broadcast(right, axes_y, shape)), summed)
