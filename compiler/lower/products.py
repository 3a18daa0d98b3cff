"""Products in the forms that lowering knows: of matrices and vectors, of matrices inside other arrays, or of batches of matrices.

%0: f64[n, m] = dot x y {contract=((1,), (0,)), batch=((), ())}            one product
%0: f64[b, n, m] = dot x y {contract=((1,), (2,)), batch=((0,), (0,))}     a batch of products, the batch axis first
%0: f64[b, n, m] = dot x y {contract=((2,), (1,)), batch=((1,), (0,))}     matrices inside other arrays, see ``.striding``
%0: f64[n, m] = dot x y {contract=((), ()), batch=((), ())}                becomes a product of broadcasts
"""

from __future__ import annotations

from collections.abc import Mapping

from ..ir import Equation, Function, Var
from ..ir.sizes import product
from ..ops import Builder
from ..ops.products import free_axes
from .striding import striding

Axes = tuple[int, ...]


def canonicalize_products(function: Function, strided: bool = False) -> Function:
    """Rewrite every ``dot`` to a form that lowering knows, with transposes and reshapes around it.

    With ``strided``, matrices may lie inside other arrays.
    """
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    definition = {r: e for e in function.equations for r in e.results}
    for equation in function.equations:
        if equation.op == "dot" and not is_canonical(equation, definition, strided):
            operands = [environment[v] for v in equation.operands]
            builder.source, builder.hint = equation.source, equation.hint
            environment[equation.result] = _rewrite(builder, equation, *operands)
        else:
            regions = tuple(canonicalize_products(region, strided) for region in equation.regions)
            builder.copy(equation.replace(regions=regions), environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)


def is_canonical(equation: Equation, definition: Mapping[Var, Equation], strided: bool) -> bool:
    """Whether a product is one that lowering knows."""
    if is_single(equation):
        return True
    x, y = equation.operands
    (contract_x, _contract_y), (batch_x, batch_y) = equation["contract"], equation["batch"]
    ranks = (len(x.type.shape), len(y.type.shape))  # type: ignore[union-attr]
    if strided:
        return _sums_matrices(equation) and needs_loop(equation) and striding(equation, definition) is not None
    return len(contract_x) == 1 and batch_x == batch_y == (0,) and ranks == (3, 3)


def is_single(equation: Equation) -> bool:
    """Whether a product is one of matrices and vectors as they are."""
    (contract, _), (batch, _) = equation["contract"], equation["batch"]
    return not batch and len(contract) == 1 and all(len(v.type.shape) <= 2 for v in equation.operands)  # type: ignore[union-attr]


def _sums_matrices(equation: Equation) -> bool:
    """Whether a product sums over something, and batches are of matrices: the rest becomes elementwise products."""
    (contract_x, contract_y), (batch_x, batch_y) = equation["contract"], equation["batch"]
    x, y = (len(v.type.shape) for v in equation.operands)  # type: ignore[union-attr]
    free = free_axes(x, contract_x, batch_x), free_axes(y, contract_y, batch_y)
    return bool(contract_x) and (not batch_x or all(free))


def needs_loop(equation: Equation) -> bool:
    """Whether a product is more than one of matrices whose axes only have to be merged."""
    (contract_x, contract_y), (batch, _) = equation["contract"], equation["batch"]
    ranks = (len(v.type.shape) for v in equation.operands)  # type: ignore[union-attr]
    bundled = (
        _order((), free_axes(rank, contract, ()), contract)[0]
        for rank, contract in zip(ranks, (contract_x, contract_y), strict=True)
    )
    return bool(batch) or any(list(order) != sorted(order) for order in bundled)


def _rewrite(b: Builder, e: Equation, x: Var, y: Var) -> Var:
    (contract_x, contract_y), (batch_x, batch_y) = e["contract"], e["batch"]
    free_x = free_axes(len(x.type.shape), contract_x, batch_x)  # type: ignore[union-attr]
    free_y = free_axes(len(y.type.shape), contract_y, batch_y)  # type: ignore[union-attr]
    if not _sums_matrices(e):
        return _as_sum(b, e, x, y, free_x, free_y)
    shape = e.result.type.shape  # type: ignore[union-attr]
    left, contract_left = _matrices(b, x, batch_x, free_x, contract_x)
    right, contract_right = _matrices(b, y, batch_y, free_y, contract_y)
    axes = tuple(range(bool(batch_x)))
    return b.reshape(b.emit("dot", left, right, contract=((contract_left,), (contract_right,)), batch=(axes, axes)), shape)


def _matrices(b: Builder, x: Var, batch: Axes, free: Axes, contract: Axes) -> tuple[Var, int]:
    """The operand with its axes in bundles, of which an empty one leaves no axis, and the place of the contracted one."""
    order, place = _order(batch, free, contract)
    moved = b.transpose(x, order)
    size = x.type.shape  # type: ignore[union-attr]
    bundles = (batch, free, contract) if place else (batch, contract, free)
    shape = tuple(product(tuple(size[k] for k in bundle)) for bundle in bundles if bundle)
    return b.reshape(moved, shape), len(shape) - 1 if place else bool(batch)


def _order(batch: Axes, free: Axes, contract: Axes) -> tuple[Axes, bool]:
    """The axes of an operand in bundles, and whether the contracted ones come last: where the last axis is, it stays."""
    last = max((*batch, *free, *contract))
    contracted_last = not free or last not in free
    return ((*batch, *free, *contract) if contracted_last else (*batch, *contract, *free)), contracted_last


def _as_sum(b: Builder, e: Equation, x: Var, y: Var, free_x: Axes, free_y: Axes) -> Var:
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
