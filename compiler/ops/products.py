"""Products of arrays that sum over shared axes: ``dot``, which matmul, outer, tensordot and einsum are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import VerifyError
from ..ir import Dim, Equation, Type, Var
from .builder import Builder
from .op import Attrs, Contribution, Op

Axes = tuple[int, ...]


def free_axes(rank: int, contract: Axes, batch: Axes) -> Axes:
    """The axes that are neither summed over nor shared."""
    return tuple(k for k in range(rank) if k not in contract and k not in batch)


def _infer_dot(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    x, y = types
    (contract_x, contract_y), (batch_x, batch_y) = a["contract"], a["batch"]
    pairs = [*zip(contract_x, contract_y, strict=True), *zip(batch_x, batch_y, strict=True)]
    if x.dtype != y.dtype or any(x.shape[i] != y.shape[j] for i, j in pairs):
        raise VerifyError(f"dot of {x} and {y} with {dict(a)}: dtypes or sizes differ")
    shape: list[Dim] = [x.shape[k] for k in batch_x]
    shape += [x.shape[k] for k in free_axes(x.rank, contract_x, batch_x)]
    shape += [y.shape[k] for k in free_axes(y.rank, contract_y, batch_y)]
    return (x.with_shape(tuple(shape)),)


def _dot(x: np.ndarray, y: np.ndarray, contract: tuple[Axes, Axes], batch: tuple[Axes, Axes]) -> np.ndarray:
    letters_x, letters_y = list(range(x.ndim)), list(range(x.ndim, x.ndim + y.ndim))
    for i, j in [*zip(*contract, strict=True), *zip(*batch, strict=True)]:
        letters_y[j] = letters_x[i]
    out = [letters_x[k] for k in batch[0]]
    out += [letters_x[k] for k in free_axes(x.ndim, contract[0], batch[0])]
    out += [letters_y[k] for k in free_axes(y.ndim, contract[1], batch[1])]
    return np.asarray(np.einsum(x, letters_x, y, letters_y, out)).astype(x.dtype, copy=False)


def _transpose_dot(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    x, y = e.operands
    (contract_x, contract_y), (batch_x, batch_y) = e["contract"], e["batch"]
    free_x, free_y = free_axes(x.type.rank, contract_x, batch_x), free_axes(y.type.rank, contract_y, batch_y)
    shared = tuple(range(len(batch_x)))
    ct_x_axes = tuple(range(len(shared), len(shared) + len(free_x)))
    ct_y_axes = tuple(range(len(shared) + len(free_x), len(shared) + len(free_x) + len(free_y)))
    # the axes of a product come as: batch, free of the first, free of the second
    order_x = (*batch_x, *free_x, *(contract_x[contract_y.index(k)] for k in sorted(contract_y)))
    order_y = (*batch_y, *(contract_y[contract_x.index(k)] for k in sorted(contract_x)), *free_y)

    def dx() -> Var:
        product = b.emit("dot", ct[0], y, contract=(ct_y_axes, free_y), batch=(shared, batch_y))
        return b.transpose(product, _inverse(order_x))

    def dy() -> Var:
        product = b.emit("dot", x, ct[0], contract=(free_x, ct_x_axes), batch=(batch_x, shared))
        return b.transpose(product, _inverse(order_y))

    return (dx, dy)


def _inverse(order: Sequence[int]) -> Axes:
    return tuple(int(k) for k in np.argsort(order))


PRODUCTS: tuple[Op, ...] = (
    # sums over pairs of contracted axes; batch axes are shared; the result has batch, free x, free y axes
    Op("dot", _infer_dot, _dot, multilinear=(0, 1), transpose=_transpose_dot),
)
