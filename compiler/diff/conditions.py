"""Reverse mode of branches: the branch that runs pushes what its backward branch pops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..ir import ArrayType, Equation, Function, SourceLine, StackType, Var
from .demand import Demand
from .lasting import states_of, way_of
from .leaving import plan_readings
from .linear import DiffBuilder
from .linearize import Linearizer
from .regions import as_tuple, close_region, free_variables, live_equations
from .residuals import Plan, free_variables_of, own_variables, price_outside
from .saving import LinearRegion, adopt_stacks, push_saved, restore, stack_equation
from .transpose import Transposer


@dataclass(slots=True)
class LinearCond:
    """The derivative of a branch: the equation, its linear operands and results, and both linearized regions."""

    builder: DiffBuilder  # where the forward branch stands
    equation: Equation
    regions: tuple[LinearRegion, LinearRegion]
    arguments: tuple[Var | None, ...]  # linear variables
    results: tuple[Var | None, ...]
    inner: list[Demand] = field(default_factory=lambda: [Demand((), ()), Demand((), ())])
    asked: list[tuple[frozenset[Var], ...]] = field(
        default_factory=lambda: [(), ()]
    )  # of the branches: the results that are useful, or masked

    @property
    def source(self) -> SourceLine | None:
        """The user's line."""
        return self.equation.source

    @property
    def runs(self) -> int:
        """At most once."""
        return 1

    def leaves(self, region: DiffBuilder, state: Var) -> Var | None:
        """The result for an array that a branch hands on, from a state of it there; or the argument that it is."""
        (inside,) = (r for r in self.regions if r.builder is region)
        for end, result in zip(inside.results, self.equation.results, strict=True):
            start, _ = way_of(region.definitions, end)
            if start in inside.parameters and state in states_of(region.definitions, start, end):
                return result
        outside = dict(zip(inside.parameters, self.equation.operands[1:], strict=True))
        return outside.get(state)

    def demand(self, demand: Demand) -> None:
        """What either branch needs."""
        demand.join([v for v in (*self.arguments, *self.results) if v is not None and demand.is_stack(v)])
        for k, region in enumerate(self.regions):
            pairs = [(v, r) for v, r in zip(region.result_tangents, self.results, strict=True) if v is not None]
            asked = tuple(frozenset(v for v, r in pairs if r in of) for of in (demand.useful, demand.masked))
            if self.asked[k] != asked:  # the answer is known otherwise, and branches may be nested deeply
                self.asked[k], self.inner[k] = asked, Demand(*asked).run(region.items)
            inner = self.inner[k]
            for argument, tangent in zip(self.arguments, region.tangents, strict=True):
                if argument is not None and tangent in inner.useful:
                    demand.need(argument, tangent in inner.masked)

    def transpose(self, transposer: Transposer) -> None:
        """Emit the backward branch, and let the forward one save what it reads."""
        useful = [k for k, r in enumerate(self.results) if r is not None and r in transposer.demand.useful]
        needed = [k for k, a in enumerate(self.arguments) if a is not None and self._is_needed(k)]
        if not needed:
            return
        b, e = transposer.builder, self.equation
        given = [k for k in needed if transposer.has(self.arguments[k])]
        totals = {k: transposer.take_or_zeros(self.arguments[k]) for k in given}  # type: ignore[arg-type]
        cotangents = transposer.take_all([self.results[k] for k in useful], [e.results[k] for k in useful])
        branches = [
            _BackwardBranch(self, region, inner, useful, needed, given)
            for region, inner in zip(self.regions, self.inner, strict=True)
        ]
        slots = _Slots(branches)
        filled = _save(self, branches, slots)
        taken = sorted({k for branch in branches for k in branch.taken})
        left = sorted({v for branch in branches for v in branch.left}, key=lambda v: int(v.name[1:]))
        regions = [branch.close(taken, left, slots) for branch in branches]
        constants = [*(e.operands[1 + k] for k in taken), *left]
        operands = [e.operands[0], *constants, *cotangents, *totals.values(), *filled]
        results = as_tuple(b.emit("cond", *operands, regions=regions))
        for k, result in zip(needed, results, strict=False):
            transposer.add(self.arguments[k], result)
        b.stack_rests.update(zip(filled, results[len(needed) :], strict=True))

    def _is_needed(self, k: int) -> bool:
        return any(region.tangents[k] in inner.useful for region, inner in zip(self.regions, self.inner, strict=True))


class _BackwardBranch:
    """The backward equations of one branch and what they read."""

    def __init__(
        self, cond: LinearCond, region: LinearRegion, demand: Demand, useful: list[int], needed: list[int], given: list[int]
    ) -> None:
        self.region = region
        _set_prices(cond, region)
        self.builder = b = DiffBuilder(numbers=region.builder.numbers)
        inner = Transposer(b, demand)
        self.cotangents = [b.fresh(region.results[k].type) for k in useful]
        self.totals = [b.fresh(region.parameters[k].type) for k in given]
        for k, cotangent in zip(useful, self.cotangents, strict=True):
            inner.add(region.result_tangents[k], cotangent)
        for k, total in zip(given, self.totals, strict=True):
            inner.add(region.tangents[k], total)
        inner.run(region.items)
        self.results = inner.take_all([region.tangents[k] for k in needed], [region.parameters[k] for k in needed])
        b.equations = live_equations(b.equations, self.results)
        self.plan: Plan = plan_readings(region.builder, b.equations, self.results, region.parameters)[0]
        self.taken = [k for k, p in enumerate(region.parameters) if p in self.plan.outside]
        self.names = [f"ct_{region.parameters[k].name}" for k in given]
        read = free_variables(b.equations, self.results).difference(self.cotangents, self.totals)
        self.left = {*self.plan.left, *read.difference(own_variables(region.builder))}

    def close(self, taken: list[int], left: list[Var], slots: _Slots) -> Function:
        """The branch as a function of arguments, arrays that were left, cotangents and stacks."""
        parameters = self.region.parameters
        b = DiffBuilder(numbers=self.builder.numbers)
        mine = slots.of(self)
        stacks = [b.fresh(t) for t in slots.types]
        rests = restore(b, self.region.builder, self.plan, {v: stacks[k] for v, k in mine.items() if v in self.plan.saved})
        for v, k in mine.items():
            if v in self.plan.stacks:
                stacks[k] = v
        inputs = [(parameters[k], parameters[k].name) for k in taken] + [(v, "left") for v in left]
        inputs += [(v, "ct") for v in self.cotangents] + list(zip(self.totals, self.names, strict=True))
        inputs += [(v, "saved") for v in stacks]
        rests.update((v, self.builder.stack_rests[v]) for v in self.plan.stacks)
        ends = list(stacks)
        for v, k in mine.items():
            ends[k] = rests[v]
        name = f"{self.region.function.name}_backward"
        return close_region(name, inputs, [*b.equations, *self.builder.equations], [*self.results, *ends])


class _Slots:
    """The stacks of a branch: each is used by at most one value of either branch."""

    def __init__(self, branches: Sequence[_BackwardBranch]) -> None:
        self.types: list[StackType] = []
        self._places: list[tuple[_BackwardBranch, dict[Var, int]]] = []
        for branch in branches:
            places: dict[Var, int] = {}
            for v in (*branch.plan.saved, *branch.plan.stacks):
                places[v] = self._free_slot(StackType(v.type.dtype), places)
            self._places.append((branch, places))

    def _free_slot(self, type: StackType, places: dict[Var, int]) -> int:
        for k, other in enumerate(self.types):
            if other == type and k not in places.values():
                return k
        self.types.append(type)
        return len(self.types) - 1

    def of(self, branch: _BackwardBranch) -> dict[Var, int]:
        """Which slot holds which value."""
        return next(places for owner, places in self._places if owner is branch)


def linearize_cond(linearizer: Linearizer, e: Equation) -> None:
    """Repeat a branch; its linear programs are kept with it."""
    b = linearizer.builder
    active = [r in linearizer.active for r in e.results]
    results = b.repeat(e, linearizer.operands(e))
    new = b.equations[-1]
    tangents = [b.linear_variable(r.type) if flag else None for r, flag in zip(results, active, strict=True)]
    linearizer.set_results(e, results, tangents)
    arguments = linearizer.tangents_of_operands(e)[1:]
    flags = [a is not None for a in arguments]
    then, orelse = (LinearRegion(linearizer, region, flags, active) for region in e.regions)
    cond = LinearCond(b, new, (then, orelse), tuple(arguments), tuple(tangents))
    for region in cond.regions:
        region.builder.around = cond
    b.items.append(cond)


def _set_prices(cond: LinearCond, region: LinearRegion) -> None:
    """What the backward pass has anyway is free; other arguments would have to be saved for it."""
    b, outer = region.builder, cond.builder
    b.prices = {
        parameter: price_outside(outer, operand)
        for parameter, operand in zip(b.parameters, cond.equation.operands[1:], strict=True)
        if isinstance(parameter.type, ArrayType)
    }
    b.free = free_variables_of(b)


def _save(cond: LinearCond, branches: Sequence[_BackwardBranch], slots: _Slots) -> list[Var]:
    """Let the forward branches fill the stacks; returns the full stacks, outside."""
    if not slots.types:
        return []
    outer, e = cond.builder, cond.equation
    regions = tuple(_forward_branch(branch, slots) for branch in branches)
    roots = [outer.fresh(t) for t in slots.types]
    filled = [outer.fresh(t) for t in slots.types]
    news = [stack_equation(root, root.type.dtype, None) for root in roots]
    new = e.replace(operands=(*e.operands, *roots), results=(*e.results, *filled), regions=regions)
    outer.replace(e, [*news, new])
    outer.stack_roots.update(zip(filled, roots, strict=True))
    return filled


def _forward_branch(branch: _BackwardBranch, slots: _Slots) -> Function:
    forward, plan, mine = branch.region.builder, branch.plan, slots.of(branch)
    stacks = [forward.fresh(t) for t in slots.types]
    for v, (root, _) in zip(plan.stacks, adopt_stacks(forward, plan), strict=True):
        stacks[mine[v]] = root
    full = push_saved(forward, {v: stacks[mine[v]] for v in plan.saved})
    ends = list(stacks)
    for v, k in mine.items():
        ends[k] = full.get(v, v)
    inputs = [(p, p.name) for p in branch.region.function.parameters] + [(v, "saved") for v in stacks]
    results = [*branch.region.results, *ends]
    return close_region(branch.region.function.name, inputs, forward.equations, results, forward.guards)
