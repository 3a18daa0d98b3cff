"""Adds up the outer products of a loop after it, as one product of matrices.

    for i in range(n):                      for i in range(n):
        ...                                     ...
        c += np.outer(u, v)                     us[i], vs[i] = u, v
                                            c += us.T @ vs

An outer product reads and writes all of ``c`` for two operations on each element; a product of matrices keeps its parts in the nearest cache. The
gradient for a matrix by which a loop multiplies vectors is such a sum. What is kept takes as much memory as the vectors that the gradient
reads anyway: only loops that read such are changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from ..ir import ArrayType, Equation, Function, StackType, Var, sizes, symbol
from ..ir.types import I64
from ..ops import Builder

TINY = 64  # elements of an outer product that are added as fast as its factors are kept
_INDEX = ArrayType(I64)
_OUTER = {"contract": ((), ()), "batch": ((), ())}


def collect_products(function: Function) -> Function:
    """Add outer products together after the loop that makes them.

    %0: f64[n, m], %1: stack<f64> = loop 0 k x c s            bind_size k {symbol='steps'}
      (fn body(i, x, c, s) -> (f64[n, m], stack<f64>) {       %0: stack<f64>, %1: stack<f64>, %2: stack<f64> = loop 0 k x s us vs
        %0: stack<f64>, %1: f64[n] = pop s                      (fn body(i, x, s, us, vs) -> (stack<f64>, stack<f64>, stack<f64>) {
        %2: f64[m] = mul x %1                                     %0: stack<f64>, %1: f64[n] = pop s
        %3: f64[n, m] = dot %1 %2                                 %2: stack<f64> = push us %1
        %4: f64[n, m] = add c %3                                  %3: f64[m] = mul x %1
        return %4, %0                                             %4: stack<f64> = push vs %3
      })                                                          return %0, %2, %4
                                                                })
                                                              %3: stack<f64>, %4: f64[steps, n] = pop %1
                                                              %5: stack<f64>, %6: f64[steps, m] = pop %2
                                                              %7: f64[n, m] = dot %4 %6 {contract=((0,), (0,)), batch=((), ())}
                                                              %8: f64[n, m] = add c %7
    """
    if not any(equation.op == "loop" and _sums(equation) for equation in function.walk()):
        return function
    return _inside(function, set(function.symbols()))


def _inside(function: Function, taken: set[str]) -> Function:
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    definition = {r: e for e in function.equations for r in e.results}
    for equation in function.equations:
        equation = equation.replace(regions=tuple(_inside(region, taken) for region in equation.regions))
        sums = _sums(equation) if equation.op == "loop" else []
        if sums:
            _Collector(builder, equation, sums, environment, definition).run(taken)
        else:
            builder.copy(equation, environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)


@dataclass(frozen=True, slots=True)
class _Sum:
    """A carried array to which a loop adds outer products: its place, their factors, what else is added, and the equations that do it."""

    place: int
    products: tuple[tuple[Equation, Var, Var], ...]
    others: tuple[Var, ...]
    equations: tuple[Equation, ...]


def _sums(loop: Equation) -> list[_Sum]:
    """The sums of outer products among what a loop carries, if it reads what was saved for it."""
    body, split = loop.regions[0], 1 + loop["consts"]
    if len(loop.regions) > 1 or not any(e.op == "pop" for e in body.equations):
        return []
    uses = Counter(v for e in body.equations for v in e.operands) + Counter(body.results)
    found = (_sum(body, split, k, uses) for k in range(len(body.results)))
    return [s for s in found if s is not None]


def _sum(body: Function, split: int, place: int, uses: Mapping[Var, int]) -> _Sum | None:
    total = body.parameters[split + place]
    definition = {r: e for e in body.equations for r in e.results}
    products: list[tuple[Equation, Var, Var]] = []
    others: list[Var] = []
    equations: list[Equation] = []
    waiting, met = [body.results[place]], False
    while waiting:
        var = waiting.pop()
        equation = definition.get(var)
        if uses[var] > 1 or (equation is None and var != total):
            others.append(var)
        elif equation is None:
            met = True
        elif equation.op == "add":
            waiting += reversed(equation.operands)
            equations.append(equation)
        elif (outer := list(_outer(equation, definition, uses))) and _may_wait(outer[-1], body, split):
            products.append((equation, *_factors(outer)))
            equations += outer
        else:
            others.append(var)
    return _Sum(place, tuple(products), tuple(others), tuple(equations)) if met and products else None


def _outer(equation: Equation, definition: Mapping[Var, Equation], uses: Mapping[Var, int]) -> Iterator[Equation]:
    """The equations of an outer product of two vectors: the product, after a transpose of it if there is one."""
    product: Equation | None = equation
    if equation.op == "transpose" and uses[equation.operands[0]] == 1:
        product = definition.get(equation.operands[0])
    if product is None or product.op != "dot" or dict(product.attributes) != _OUTER:
        return
    if all(isinstance(v.type, ArrayType) and v.type.rank == 1 for v in product.operands):
        yield from dict.fromkeys((equation, product))


def _factors(outer: list[Equation]) -> tuple[Var, Var]:
    x, y = outer[-1].operands
    return (x, y) if len(outer) == 1 else (y, x)


def _may_wait(outer: Equation, body: Function, split: int) -> bool:
    """Whether the factors change from iteration to iteration, but not their sizes, which are not known to be tiny."""
    bound = {e["symbol"] for e in body.walk() if e.get("symbol") is not None}
    type = outer.result.type
    assert isinstance(type, ArrayType)
    size = sizes.product(type.shape)
    constant = set(outer.operands) & set(body.parameters[:split])
    return type.is_float and not constant and type.symbols().isdisjoint(bound) and not (isinstance(size, int) and size <= TINY)


class _Collector:
    """Writes one loop anew, and the products after it."""

    def __init__(
        self, b: Builder, loop: Equation, sums: list[_Sum], environment: dict[Var, Var], definition: Mapping[Var, Equation]
    ) -> None:
        self.b, self.loop, self.sums, self.environment, self.definition = b, loop, sums, environment, definition
        (self.body,) = loop.regions
        self.split = 1 + loop["consts"]
        self.factors = tuple(dict.fromkeys(v for s in sums for _, *factors in s.products for v in factors))
        self.gone = {s.place for s in sums if not s.others}  # the sums that the loop need not carry

    def run(self, taken: set[str]) -> None:
        start, stop, *given = (self.environment[v] for v in self.loop.operands)
        self.b.source, self.b.hint = self.loop.source, "kept"
        name = next(name for k in count(1) if (name := f"steps_{k}" if k > 1 else "steps") not in taken)
        taken.add(name)
        self.b.emit("bind_size", self.trips(start, stop), symbol=name)
        consts, carried = given[: self.split - 1], given[self.split - 1 :]
        kept = [k for k in range(len(carried)) if k not in self.gone]
        stacks = [self.b.emit("stack_new", dtype=v.type.dtype, capacity=None) for v in self.factors]  # type: ignore[union-attr]
        self.b.hint, attributes = "", dict(self.loop.attributes)
        found = self.b.emit(
            "loop", start, stop, *consts, *(carried[k] for k in kept), *stacks, regions=(self.region(kept),), **attributes
        )
        found = found if isinstance(found, tuple) else (found,)
        self.environment.update((self.loop.results[k], v) for k, v in zip(kept, found, strict=False))
        collected = {v: self.pop(stack, v, name) for v, stack in zip(self.factors, found[len(kept) :], strict=True)}
        for s in self.sums:
            self.add_up(s, collected)

    def trips(self, start: Var, stop: Var) -> Var:
        """How many iterations the loop makes."""
        b, step = self.b, self.loop["step"]
        distance = b.sub(stop, start) if step > 0 else b.sub(start, stop)
        if abs(step) > 1:
            distance = b.add(distance, b.constant(abs(step) - 1, _INDEX))
            distance = b.emit("floor_divide", distance, b.constant(abs(step), _INDEX))
        trips: Var = b.emit("maximum", distance, b.constant(0, _INDEX))
        return trips

    def region(self, kept: list[int]) -> Function:
        """The body, which keeps the factors and adds up the rest."""
        carried = self.body.parameters[self.split :]
        b = Builder((*self.body.parameters[: self.split], *(carried[k] for k in kept)))
        stacks = {v: b.parameter("factors", StackType(v.type.dtype)) for v in self.factors}  # type: ignore[union-attr]
        environment = {p: p for p in self.body.parameters}
        dropped = {id(e) for s in self.sums for e in s.equations}
        waiting = [v for v in self.body.parameters if v in stacks]
        for equation in (None, *self.body.equations):
            if equation is not None and id(equation) not in dropped:
                b.copy(equation, environment)
                waiting = [v for v in equation.results if v in stacks]
            for v in waiting:
                stacks[v] = b.emit("push", stacks[v], environment[v])
            waiting = []
        results = dict(enumerate(self.body.results))
        totals: dict[int, Var] = {}
        for s in self.sums:
            total = carried[s.place]
            for other in s.others:
                total = b.add(total, environment[other])
            totals[s.place] = total
        return b.finish(
            self.body.name, [*(totals[k] if k in totals else environment[results[k]] for k in kept), *stacks.values()]
        )

    def pop(self, stack: Var, factor: Var, name: str) -> Var:
        """All that was pushed for a factor, one row for each iteration."""
        self.b.hint = "factors"
        _, rows = self.b.emit("pop", stack, shape=(symbol(name), *factor.type.shape))  # type: ignore[union-attr]
        return rows  # type: ignore[no-any-return]

    def add_up(self, s: _Sum, collected: Mapping[Var, Var]) -> None:
        """The sum of all iterations."""
        initial = self.loop.operands[1 + self.split + s.place]
        total = (
            None
            if s.place in self.gone and self.is_zero(initial)
            else self.environment[initial if s.place in self.gone else self.loop.results[s.place]]
        )
        for equation, x, y in s.products:
            self.b.source, self.b.hint = equation.source, ""
            part = self.b.emit("dot", collected[x], collected[y], contract=((0,), (0,)), batch=((), ()))
            total = part if total is None else self.b.add(total, part)
        assert total is not None
        self.environment[self.loop.results[s.place]] = total

    def is_zero(self, var: Var) -> bool:
        """Whether a variable repeats the number 0."""
        equation = self.definition.get(var)
        while equation is not None and equation.op == "broadcast":
            equation = self.definition.get(equation.operands[0])
        return equation is not None and equation.op == "constant" and equation["value"] == 0
