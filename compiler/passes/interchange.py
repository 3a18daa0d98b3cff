"""Lets iterations of a loop go together through the loops inside, where they keep apart.

    for i in range(n):                      for first in range(0, n, LANES):
        s = b[i]                                for i in range(first, end): s[i - first] = b[i]
        for k in range(m):                      for k in range(m):
            s += a[k, i]                            for i in range(first, end): s[i - first] += a[k, i]
        c[i] = s                                for i in range(first, end): c[i] = s[i - first]

The innermost loop then goes through memory step by step, and none of its iterations waits for the one before. Each iteration of the outer loop
computes what it did, in the same order: every number is the same as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from ..ir import ArrayType, Equation, Function, Size, Var, symbol
from ..ir.integers import Integers
from ..ir.types import I64
from ..ops import Builder
from .apart import limits_inside

LANES = 32  # enough to fill the widest vectors several times, few enough for all that they need to stay in the nearest cache
FEW = 6  # with fewer iterations, what surrounds the work takes longer
_AGAIN = frozenset(("add", "sub", "mul", "neg", "floor_divide", "maximum", "minimum", "select"))
_WRITES = frozenset(("update", "index_add", "push", "pop"))
_INDEX = ArrayType(I64)


def interchange_loops(function: Function) -> Function:
    """Interchange loops with those inside, ``LANES`` iterations at a time, where that helps and gives the same numbers.

    loop 0 n a c {consts=1}                               loop 0 n n a c {step=32, consts=2}
      (fn body(i, a, c) -> (f64[n]) {                       (fn body(first, stop, a, c) -> (f64[n]) {
        %1: f64[] = loop 0 m i a 0.0                          %1: f64[32] = loop 0 m first end a zeros
          (fn body(k, i, a, s) -> (f64[]) {                     (fn body(k, first, end, a, s) -> (f64[32]) {
            %0: f64[] = index a k i                               %0: f64[32] = loop first end first a k s
            %1: f64[] = add s %0                                    (fn body(i, first, a, k, s) -> (f64[32]) ...)
            return %1                                             return %0
          })                                                    })
        %2: f64[n] = update c %1 i                            %2: f64[n] = loop first end first %1 c
        return %2                                               (fn body(i, first, s, c) -> (f64[n]) ...)
      })                                                      return %2
                                                            })
    """
    if not any(
        inner.op == "loop" for e in function.walk() if e.op == "loop" for region in e.regions for inner in region.equations
    ):
        return function
    return _inside(function, Integers.of(function))


def _inside(function: Function, integers: Integers) -> Function:
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        integers.learn(equation)
        changed = _interchanged(equation, integers) if equation.op == "loop" else None
        if changed is None:
            changed = equation.replace(regions=tuple(_inside(r, integers.enter(equation, r)) for r in equation.regions))
        builder.copy(changed, environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)


def _interchanged(loop: Equation, integers: Integers) -> Equation | None:
    """The loop over blocks of iterations, if they may go together."""
    start, stop = (integers.of_var(v) for v in loop.operands[:2])
    if isinstance(stop - start, int) and abs(stop - start) < FEW:  # type: ignore[arg-type]
        return None
    limits = limits_inside(loop, integers, LANES)
    return None if limits is None else _Lanes(loop, limits).blocks()


class _Scope:
    """A region that is being built. What it reads from the regions around it becomes its constants."""

    def __init__(self, outer: _Scope | None, index: str) -> None:
        self.b, self.outer = Builder(), outer
        self.index = self.b.parameter(index, _INDEX)
        self.taken: dict[_Held, Var] = {}
        self.carried: list[Var] = []

    def carry(self, name: str, type: Any) -> _Held:
        """A new carried value."""
        self.carried.append(self.b.parameter(name.replace("%", "v"), type))
        return _Held(self, self.carried[-1])

    def read(self, held: _Held) -> Var:
        """A value of this region or of one around it."""
        if held.scope is self:
            return held.var
        if held not in self.taken:
            self.taken[held] = self.b.parameter(held.var.name.replace("%", "v"), held.var.type)
        return self.taken[held]

    def region(self, name: str, results: Sequence[Var]) -> Function:
        """The finished region."""
        return self.b.finish(name, results).replace(parameters=(self.index, *self.taken.values(), *self.carried))

    def close(
        self, like: Equation, limits: Sequence[Var], step: int, initial: Sequence[Var], results: Sequence[Var]
    ) -> list[_Held]:
        """Write the loop with this region as its body into the region around it; returns what it carries."""
        assert self.outer is not None
        outer, region = self.outer, self.region(like.regions[0].name, results)
        constants = [outer.read(held) for held in self.taken]
        outer.b.source, outer.b.hint = like.source, ""
        found = outer.b.emit("loop", *limits, *constants, *initial, regions=(region,), step=step, consts=len(constants))
        return [_Held(outer, v) for v in (found if isinstance(found, tuple) else (found,))]


@dataclass(frozen=True, slots=True)
class _Held:
    """A variable of a region that is being built; of the old one around the outer loop if there is no scope."""

    scope: _Scope | None
    var: Var


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """One value for all lanes. If it changes from lane to lane in order, it must be used so."""

    held: _Held
    is_ordered: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Wide:
    """An array with a value for each lane."""

    held: _Held


@dataclass(frozen=True, slots=True, eq=False)
class _Again:
    """A position that is computed again where it is read; without an equation, the index of the lane itself."""

    equation: Equation | None
    operands: tuple[_Value, ...] = ()


_Value = _Same | _Wide | _Again
_Environment = dict[Var, _Value]


class _Lane:
    """Where the work of one lane is written: a region, and which lane that is."""

    def __init__(self, lanes: _Lanes, scope: _Scope, index: Var) -> None:
        self.lanes, self.scope, self.index = lanes, scope, index
        self.known: dict[_Value, Var] = {}
        self.arrays: dict[_Held, Var] = {}  # arrays of lanes that are written here
        self.counted: Var | None = None

    def read(self, value: _Value) -> Var:
        """The value for this lane."""
        if value not in self.known:
            self.known[value] = self._compute(value)
        return self.known[value]

    def _compute(self, value: _Value) -> Var:
        b = self.scope.b
        match value:
            case _Same(held):
                return self.scope.read(held)
            case _Wide(held):
                array = self.arrays[held] if held in self.arrays else self.scope.read(held)
                return b.index(array, (None,), self.place())
            case _Again(equation, operands):
                if equation is None:
                    return self.index
                read = [self.read(operand) for operand in operands]
                if equation.op != "size":
                    return b.emit(equation.op, *read, **dict(equation.attributes))  # type: ignore[no-any-return]
                return self._size(equation["value"], read[0])

    def _size(self, dim: Size, varying: Var) -> Var:
        """A sum of sizes, one of which differs from lane to lane."""
        b = self.scope.b
        ((name, c),) = [(monomial[0], c) for monomial, c in dim.terms if monomial and monomial[0] in self.lanes.symbols]
        return b.add(b.mul(varying, b.constant(c, _INDEX)), b.emit("size", value=dim - c * symbol(name)))

    def place(self) -> Var:
        """Which of the lanes this is."""
        if self.counted is None:
            first = self.scope.read(self.lanes.first)
            self.counted = self.scope.b.sub(*((self.index, first) if self.lanes.step > 0 else (first, self.index)))
        return self.counted


class _Lanes:
    """Writes the body of a loop again, for some of its iterations together."""

    def __init__(self, loop: Equation, limits: Iterable[Var]) -> None:
        self.loop, self.step, self.limits = loop, loop["step"], tuple(dict.fromkeys(limits))
        (self.body,) = loop.regions
        self.carried = dict(zip(self.body.results, self.body.parameters[1 + loop["consts"] :], strict=True))
        self.symbols: dict[str, _Value] = {}  # sizes that differ from lane to lane
        self.last: dict[Var, _Same] = {}  # numbers that wait for the iteration before, after the last lane
        self.first = self.end = _Held(None, loop.operands[0])

    def blocks(self) -> Equation:
        """The loop over blocks of iterations."""
        loop, body, split = self.loop, self.body, 1 + self.loop["consts"]
        scope = _Scope(None, body.parameters[0].name)
        environment: _Environment = {body.parameters[0]: _Again(None)}
        environment |= {p: _Same(_Held(None, v)) for p, v in zip(body.parameters[1:split], loop.operands[2:], strict=False)}
        carried = {p: scope.carry(p.name, p.type) for p in body.parameters[split:]}
        stop = scope.read(_Held(None, loop.operands[1]))
        left = scope.b.sub(*((stop, scope.index) if self.step > 0 else (scope.index, stop)))
        width = scope.b.emit("minimum", left, scope.b.constant(LANES, _INDEX))
        run = self.parts if self.limits else self.block
        region = scope.region(body.name, run(scope, scope.index, width, environment, carried))
        attributes = tuple((n, {"step": self.step * LANES, "consts": len(scope.taken)}.get(n, v)) for n, v in loop.attributes)
        operands = (*loop.operands[:2], *(held.var for held in scope.taken), *loop.operands[1 + split :])
        return loop.replace(operands=operands, attributes=attributes, regions=(region,))

    def parts(self, scope: _Scope, first: Var, width: Var, environment: _Environment, carried: dict[Var, _Held]) -> list[Var]:
        """All lanes together if they agree in the limits of loops inside, else one after the other."""
        b = scope.b
        for equation in self.body.equations:
            if equation.op != "loop":
                self.settle(scope, equation, environment, self.body)
        one = b.constant(1, _INDEX)
        lanes = [_Lane(self, scope, index) for index in (first, self.beyond(b, first, b.sub(width, one)))]
        agree = [b.emit("eq", *(lane.read(environment[limit]) for lane in lanes)) for limit in self.limits]
        test = reduce(lambda x, y: b.emit("and", x, y), agree)
        inner = _Scope(scope, "part")
        many = inner.read(_Held(scope, b.select(test, width, one)))
        start = self.beyond(inner.b, inner.read(_Held(scope, first)), inner.b.mul(inner.index, many))
        results = self.block(inner, start, many, environment, {p: inner.carry(p.name, p.type) for p in carried})
        limits = [b.constant(0, _INDEX), b.select(test, one, width)]
        return [
            held.var for held in inner.close(self.loop, limits, 1, [scope.read(held) for held in carried.values()], results)
        ]

    def beyond(self, b: Builder, first: Var, number: Var) -> Var:
        """The index of a later iteration."""
        return b.add(first, number) if self.step > 0 else b.sub(first, number)

    def block(self, scope: _Scope, first: Var, width: Var, environment: _Environment, carried: dict[Var, _Held]) -> list[Var]:
        """The iterations from ``first`` on, together."""
        self.first, self.end = _Held(scope, first), _Held(scope, self.beyond(scope.b, first, width))
        environment |= {p: _Same(held, is_ordered=True) for p, held in carried.items()}
        self.run(scope, self.body, environment, {})
        found = (self.last.get(result) or environment[result] for result in self.body.results)
        return [scope.read(value.held) for value in found]  # type: ignore[union-attr]

    def run(self, scope: _Scope, function: Function, environment: _Environment, bases: dict[Var, tuple[Var, _Wide]]) -> None:
        """Write a region. ``bases`` are, for numbers that it returns in arrays, what it got them in."""
        pending: list[Equation] = []
        for k, equation in enumerate((*function.equations, None)):
            if equation is None or equation.op == "loop":
                later = _read_by(function.equations[k:])
                made = [r for e in pending for r in e.results if _is_scalar(r) and (r in later or r in bases)]
                free = {r: wide for r, (p, wide) in bases.items() if p not in later and p not in function.results}
                self.flush(scope, pending, made, environment, free)
                pending = []
            if equation is None:
                break
            if equation.op == "loop":
                self.enter(scope, equation, environment)
            elif not self.settle(scope, equation, environment, function):
                pending.append(equation)

    def settle(self, scope: _Scope, equation: Equation, environment: _Environment, function: Function) -> bool:
        """Write what is the same for all lanes, and note what each computes again; whether the equation is of one of these kinds."""
        if equation.results and environment.keys() >= set(equation.results):
            return True
        if equation.op == "bind_size" and equation["symbol"] in self.symbols:
            return True
        values = tuple(environment[v] for v in equation.operands if v in environment)
        is_same = all(isinstance(value, _Same) and not value.is_ordered for value in values)
        if len(values) < len(equation.operands) or not set(function.results).isdisjoint(equation.results):
            return False
        if equation.op == "bind_size":
            self.symbols[equation["symbol"]] = values[0]
            if is_same:
                scope.b.emit("bind_size", scope.read(values[0].held), symbol=equation["symbol"])  # type: ignore[union-attr]
            return True
        if equation.op in _WRITES:
            return False
        varying = [self.symbols[s] for s in equation.symbols() if isinstance(self.symbols.get(s), _Again)]
        if varying:
            environment[equation.result] = _Again(equation, tuple(varying))
        elif is_same:
            scope.b.source, scope.b.hint = equation.source, equation.hint
            operands = [scope.read(value.held) for value in values]  # type: ignore[union-attr]
            environment[equation.result] = _Same(
                _Held(scope, scope.b.emit(equation.op, *operands, **dict(equation.attributes)))
            )
        elif equation.op in _AGAIN and equation.result.type == _INDEX and all(_is_known(value) for value in values):
            environment[equation.result] = _Again(equation, values)
        else:
            return False
        return True

    def flush(
        self, scope: _Scope, pending: Sequence[Equation], made: Sequence[Var], environment: _Environment, free: dict[Var, _Wide]
    ) -> None:
        """Write equations for one lane after the other; what is ``made`` by them goes to arrays, into ``free`` ones if there are any."""
        if not pending and not made:
            return
        inner = _Scope(scope, self.body.parameters[0].name)
        lane, local, initial = _Lane(self, inner, inner.index), dict[Var, Var](), list[Var]()
        chains = self.chains(pending, scope is self.first.scope)
        for var in chains:
            initial.append(scope.read(environment[var].held))  # type: ignore[union-attr]
            local[var] = inner.carry(var.name, var.type).var
        arrays = []
        for var in made:
            base, type = free.get(var), ArrayType(var.type.dtype, (LANES,))
            initial.append(scope.b.zeros(type) if base is None else scope.read(base.held))
            arrays.append(inner.carry(var.name, type).var)
            if base is not None:
                lane.arrays[base.held] = arrays[-1]
        for equation in pending:
            operands = tuple(local[v] if v in local else lane.read(environment[v]) for v in equation.operands)
            written = tuple(inner.b.fresh(r.type) for r in equation.results)
            inner.b.append(equation.replace(operands=operands, results=written))
            local.update(zip(equation.results, written, strict=True))
        results = [local[var] for var in chains.values()]
        for var, array in zip(made, arrays, strict=True):
            value = local[var] if var in local else lane.read(environment[var])
            results.append(inner.b.emit("update", array, value, lane.place(), spec=(None,)))
        found = inner.close(self.loop, [scope.read(self.first), scope.read(self.end)], self.step, initial, results)
        for var, held in zip(chains.values(), found, strict=False):
            if _is_scalar(var):
                self.last[var] = _Same(held, is_ordered=True)
            else:
                environment[var] = _Same(held, is_ordered=True)
        environment.update((var, _Wide(held)) for var, held in zip(made, found[len(chains) :], strict=True))

    def chains(self, equations: Sequence[Equation], is_outside: bool) -> dict[Var, Var]:
        """What equations change in order, from lane to lane, as it is before and after: arrays, and outside of loops stacks and numbers."""
        origin: dict[Var, Var] = {}
        last: dict[Var, Var] = {}
        for equation in equations:
            if equation.op in _WRITES:
                before, after = equation.operands[0], equation.results[0]
                origin[after] = origin.get(before, before)
                last[origin[after]] = after
            if is_outside:
                last.update((self.carried[r], r) for r in equation.results if r in self.carried and _is_scalar(r))
        return last

    def enter(self, scope: _Scope, loop: Equation, environment: _Environment) -> None:
        """Write a loop inside, through which all lanes go together."""
        (body,), consts = loop.regions, loop["consts"]
        inner = _Scope(scope, body.parameters[0].name)
        within: _Environment = {body.parameters[0]: _Same(_Held(inner, inner.index))}
        within |= {p: environment[v] for p, v in zip(body.parameters[1 : 1 + consts], loop.operands[2:], strict=False)}
        initial: list[Var] = []
        bases: dict[Var, tuple[Var, _Wide]] = {}
        for p, v, r in zip(body.parameters[1 + consts :], loop.operands[2 + consts :], body.results, strict=True):
            if _is_scalar(p):
                initial.append(self.widened(scope, environment, v))
                wide = _Wide(inner.carry(p.name, initial[-1].type))
                within[p] = wide
                bases[r] = p, wide
            else:
                initial.append(scope.read(environment[v].held))  # type: ignore[union-attr]
                within[p] = _Same(inner.carry(p.name, p.type), is_ordered=True)
        self.run(inner, body, within, bases)
        results = [self.widened(inner, within, r) if _is_scalar(r) else inner.read(within[r].held) for r in body.results]  # type: ignore[union-attr]
        lane = _Lane(self, scope, scope.read(self.first))
        limits = [lane.read(environment[limit]) for limit in loop.operands[:2]]
        for result, held in zip(loop.results, inner.close(loop, limits, loop["step"], initial, results), strict=True):
            environment[result] = _Wide(held) if _is_scalar(result) else _Same(held, is_ordered=True)

    def widened(self, scope: _Scope, environment: _Environment, var: Var) -> Var:
        """An array with the value of a variable for each lane."""
        if not isinstance(environment[var], _Wide):
            environment = dict(environment)
            self.flush(scope, (), (var,), environment, {})
        value = environment[var]
        assert isinstance(value, _Wide)
        return scope.read(value.held)


def _is_known(value: _Value) -> bool:
    """Whether a position can be computed again."""
    return isinstance(value, _Again) or (isinstance(value, _Same) and not value.is_ordered)


def _is_scalar(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and not var.type.shape


def _read_by(equations: Sequence[Equation]) -> set[Var]:
    return {v for equation in equations for v in equation.operands}
