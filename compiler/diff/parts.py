"""Parts of arrays: where backward loops read nothing but the first elements of an array, those are all that they are given.

In: the forward equations of a loop's body, and its backward equations. Out: backward equations that read a slice, which is among the forward
equations now. So a triangular loop saves a triangle; and where those elements were just written, what was written to them serves.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import ArrayType, Dim, Equation, Function, Var
from ..ir.integers import Integers
from ..ir.sizes import Size, single_symbol, substitute, symbol, symbols
from .linear import DiffBuilder
from .residuals import weight
from .trips import index_bounds, lower_bound


def read_parts(b: DiffBuilder, backward: Sequence[Equation]) -> list[Equation]:
    """The backward equations of a body ``b``, reading parts of its arrays."""
    integers = _integers(b, backward)
    equations = list(backward)
    for v in _read_by_loops(b, backward):
        stops = {_stop(integers, e, v) for e in backward if v in e.operands}
        stop = stops.pop()
        part = None if stops or stop is None else _part(b, v, stop)
        if part is not None:
            equations = [_given(e, v, part) for e in equations]
    return equations


def _integers(b: DiffBuilder, backward: Sequence[Equation]) -> Integers:
    """What is known of the integers of a body, by the names of the sizes that it binds."""
    integers = Integers.of(Function("body", tuple(b.parameters), (), ()))
    integers.values.update((scalar, symbol(name)) for name, scalar in b.sizes.items())
    for e in (*b.equations, *backward):
        if e.op != "bind_size":
            integers.learn(e)
    return integers


def _read_by_loops(b: DiffBuilder, backward: Sequence[Equation]) -> list[Var]:
    """The arrays of a body that would have to be saved, and that nothing but loops reads."""
    own = {*b.parameters, *b.definitions}
    read = dict.fromkeys(v for e in backward if e.op == "loop" for v in e.operands[2 : 2 + e["consts"]] if v in own)
    others = {v for e in backward for v in (e.operands if e.op != "loop" else e.operands[2 + e["consts"] :])}
    return [v for v in read if v not in others and _is_array(v) and b.prices.get(v, weight(v)) >= weight(v)]


def _is_array(v: Var) -> bool:
    return isinstance(v.type, ArrayType) and bool(v.type.shape)


def _stop(integers: Integers, loop: Equation, array: Var) -> Dim | None:
    """A number that no position along the first axis reaches where a loop reads an array, in terms of what is known outside of it."""
    if len(loop.regions) > 1 or abs(loop["step"]) != 1:
        return None
    (body,) = loop.regions
    inner = integers.enter(loop, body)
    start, stop = (integers.of_var(v) for v in loop.operands[:2])
    last = (stop - start if loop["step"] > 0 else start - stop) - 1
    inside = {p for p, v in zip(body.parameters[1:], loop.operands[2:], strict=True) if v == array}
    stops: set[Dim | None] = set()
    for e in body.equations:
        inner.learn(e)
        read = inside.intersection(e.operands)
        if not read:
            continue
        if e.op == "loop":
            found = {_stop(inner, e, v) for v in read}
        elif e.op == "index" and e["spec"][0] is None and e.operands[0] in read:
            found = {inner.of_var(e.operands[1]) + 1}
        else:
            found = {None}
        stops |= {None if stop is None else _largest(stop, inner.iteration, last) for stop in found}
    if not inside.isdisjoint(body.results) or len(stops) != 1:
        return None
    return stops.pop()


def _largest(number: Dim, iteration: str, last: Dim) -> Dim | None:
    """The largest value of a number in the iterations 0 to ``last``; None if it does not grow or fall evenly."""
    if iteration not in symbols(number):
        return number
    assert isinstance(number, Size)
    slope = sum(c for monomial, c in number.terms if monomial == (iteration,))
    if iteration in symbols(number - symbol(iteration) * slope):
        return None
    return substitute(number, {iteration: last if slope > 0 else 0})


def _part(b: DiffBuilder, array: Var, stop: Dim) -> Var | None:
    """The first elements of an array, in the body; None if there may be fewer."""
    assert isinstance(array.type, ArrayType)
    size, *others = array.type.shape
    definition = b.definitions.get(array)
    spec = ((0, stop, 1), *((0, dim, 1) for dim in others))
    if definition is not None and definition.op == "update" and definition["spec"] == spec:
        return definition.operands[1]
    first = next((k for k, e in enumerate(b.equations) if array in e.operands), None)  # the next ones may overwrite it
    if first is None or stop == size or not _is_known(b, stop, b.equations[:first]):
        return None
    if not (_is_natural(b, stop) and _is_natural(b, size - stop)):
        return None
    known = next((e.result for e in b.equations if e.op == "index" and e.operands == (array,) and e["spec"] == spec), None)
    if known is not None:
        return known
    part = b.fresh(ArrayType(array.type.dtype, (stop, *others)))
    following = b.equations[first]
    reading = Equation("index", (array,), (part,), (("spec", spec),), source=following.source)
    b.replace(following, [reading, following])
    return part


def _is_known(b: DiffBuilder, dim: Dim, before: Sequence[Equation]) -> bool:
    """Whether a body knows a size after some of its equations."""
    missing = b.sizes.keys() - {e.get("symbol") for e in before}
    return missing.isdisjoint(symbols(dim)) and not any(name.startswith("#") for name in symbols(dim))


def _is_natural(b: DiffBuilder, dim: Dim) -> bool:
    """Whether a size is never negative, by the bounds of the loops around a body."""
    sizes = {single_symbol(d) for v in (*b.parameters, *b.definitions) if _is_array(v) for d in v.type.shape}  # type: ignore[union-attr]
    region: DiffBuilder | None = b
    least: Dim | None = dim
    while region is not None and region.around is not None and least is not None:
        around = region.around
        if around.equation.op == "loop":
            least = lower_bound(least, index_bounds(around.builder, region, around.equation))
        region = around.builder
    if not isinstance(least, Size):
        return least is not None and least >= 0
    return all(c > 0 and len(monomial) < 2 and sizes.issuperset(monomial) for monomial, c in least.terms)


def _given(e: Equation, old: Var, new: Var) -> Equation:
    """A loop that gets another array as a constant, with loops inside."""
    if old not in e.operands:
        return e
    (body,) = e.regions
    renamed = {p: Var(p.name, new.type) for p, v in zip(body.parameters[1:], e.operands[2:], strict=True) if v == old}
    equations = body.equations
    for p, part in renamed.items():
        equations = tuple(_with_part(inner, p, part) for inner in equations)
    region = body.replace(parameters=tuple(renamed.get(p, p) for p in body.parameters), equations=equations)
    return e.replace(operands=tuple(new if v == old else v for v in e.operands), regions=(region,))


def _with_part(e: Equation, old: Var, new: Var) -> Equation:
    if e.op == "loop":
        return _given(e, old, new)
    return e.replace(operands=tuple(new if v == old else v for v in e.operands))
