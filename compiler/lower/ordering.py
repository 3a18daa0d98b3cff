"""Products written with their axes in the order in which they are read.

    %0: f64[n, h, t, d] = dot w v {contract=((3,), (1,)), batch=((0, 1), (0, 2))}
    %1: f64[n, t, h, d] = transpose %0 {axes=(0, 2, 1, 3)}

    %0: f64[n, t, h, d] = dot w v {contract=((3,), (1,)), batch=((0, 1), (0, 2)), order=(0, 2, 1, 3)}

In: a function. Out: an equal one, in which a ``dot`` that becomes loops around products of matrices takes over the transpose that alone
reads it. Its attribute ``order`` means what the ``axes`` of the transpose did; only lowering knows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ..ir import Equation, Function, Var
from ..ops import Builder
from ..ops.products import free_axes
from .products import Axes, is_canonical, is_single


def order_products(function: Function) -> Function:
    """Let products take over transposes, in a function and its regions."""
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    definition = {r: e for e in function.equations for r in e.results}
    uses = Counter(v for e in function.equations for v in e.operands) + Counter(function.results)
    readers = {e.operands[0]: e for e in function.equations if e.op == "transpose" and uses[e.operands[0]] == 1}
    taken: set[Var] = set()
    for equation in function.equations:
        reader = readers.get(equation.result) if equation.op == "dot" else None
        ordered = _ordered(equation, reader, definition) if reader is not None else None
        if ordered is not None:
            taken.add(ordered.result)
            builder.copy(ordered, environment)
        elif taken.isdisjoint(equation.results):
            regions = tuple(map(order_products, equation.regions))
            builder.copy(equation.replace(regions=regions), environment)
    return builder.finish(function.name, [environment[v] for v in function.results]).replace(guards=function.guards)


def _ordered(product: Equation, reader: Equation, definition: Mapping[Var, Equation]) -> Equation | None:
    """The product with the axes of its reader, if BLAS can write it so."""
    for candidate in _candidates(product, reader):
        if not is_single(candidate) and is_canonical(candidate, definition, strided=True):
            return candidate
    return None


def _candidates(product: Equation, reader: Equation) -> Iterator[Equation]:
    """The product in the order of its reader, as it is and with its operands exchanged."""
    x, y = product.operands
    (contract_x, contract_y), (batch_x, batch_y) = product["contract"], product["batch"]
    order: Axes = reader["axes"]
    batch, left = len(batch_x), len(free_axes(x.type.rank, contract_x, batch_x))  # type: ignore[union-attr]
    exchanged = (*range(batch), *range(batch + left, len(order)), *range(batch, batch + left))
    for operands, contract, batches, axes in (
        ((x, y), (contract_x, contract_y), (batch_x, batch_y), order),
        ((y, x), (contract_y, contract_x), (batch_y, batch_x), tuple(exchanged.index(k) for k in order)),
    ):
        attributes = (("contract", contract), ("batch", batches), ("order", axes))
        yield product.replace(operands=operands, results=reader.results, attributes=attributes)
