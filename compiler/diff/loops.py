"""Reverse mode of loops: a forward loop that saves what the backward loop, over the same indices in reverse, reads.

Elements of an array that stay as they are until the loop, or one around it, has ended are read from what it leaves (``leaving``).
A carried value that is read both as an iteration starts and as it ends is saved once: the backward loop hands the start of each iteration
on to the one before, which ended with it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..ir import ArrayType, Dim, Equation, Function, SourceLine, Var
from .activity import loop_activity
from .demand import Demand
from .lasting import states_of
from .leaving import plan_readings
from .linear import DiffBuilder
from .linearize import Linearizer, same_loop_without_identities
from .parts import read_parts
from .regions import Input, close_region, free_variables, live_equations
from .residuals import (
    TYPICAL_SIZE,
    Plan,
    free_variables_of,
    plan_residuals,
    price_outside,
    typical,
    weight,
)
from .saving import LinearRegion, adopt_stacks, push_saved, restore, room_outside, stack_equation, stack_type
from .transpose import Transposer
from .trips import index_bounds, reversed_range, trip_count
from .undoing import Undoing, Write, carried_place, in_order, undoing, writes_between


@dataclass(slots=True)
class LinearLoop:
    """The derivative of a loop: what stands outside (the loop, its linear operands and results) and its linearized body."""

    builder: DiffBuilder  # where the forward loop stands
    equation: Equation  # the forward loop
    times: Dim | None  # how often it runs
    body: LinearRegion
    consts: tuple[Var | None, ...]  # linear variables, outside
    starts: tuple[Var | None, ...]
    results: tuple[Var | None, ...]
    inner: Demand = field(default_factory=lambda: Demand((), ()))  # on the body's linear program
    useful: set[int] = field(default_factory=set)  # carried values that have cotangents

    @property
    def source(self) -> SourceLine | None:
        """The user's line."""
        return self.equation.source

    @property
    def const_tangents(self) -> Sequence[Var | None]:
        """The tangents of the constants inside the body."""
        return self.body.tangents[1 : 1 + len(self.consts)]

    @property
    def carried_tangents(self) -> Sequence[Var | None]:
        """The tangents of the carried values at the start of the body."""
        return self.body.tangents[1 + len(self.consts) :]

    def demand(self, demand: Demand) -> None:
        """A carried value has a cotangent if a useful one depends on it through any number of iterations."""
        for start, result in zip(self.starts, self.results, strict=True):
            demand.join([v for v in (start, result) if v is not None and demand.is_stack(v)])
        useful = {k for k, r in enumerate(self.results) if r in demand.useful}
        masked = {k for k, r in enumerate(self.results) if r in demand.masked}
        if not useful:
            return
        self._iterate(useful, masked)
        for outside, inside in zip(self.consts, self.const_tangents, strict=True):
            if outside is not None and inside in self.inner.useful:
                demand.need(outside, inside in self.inner.masked)
        for k in self.useful:
            if (start := self.starts[k]) is not None:
                demand.need(start, k in masked or self.carried_tangents[k] in self.inner.masked)
            if demand.is_stack(result := self.results[k]) and result is not None:
                demand.need(result, False)

    def _iterate(self, useful: set[int], masked: set[int]) -> None:
        """Find the fixpoint over the body; both sets grow."""
        size = -1
        while size != len(useful) + len(masked):
            size = len(useful) + len(masked)
            ends = self.body.result_tangents
            self.inner = Demand(
                (end for k in useful if (end := ends[k]) is not None), (end for k in masked if (end := ends[k]) is not None)
            ).run(self.body.items)
            useful |= {k for k, v in enumerate(self.carried_tangents) if v in self.inner.useful}
            masked |= {k for k, v in enumerate(self.carried_tangents) if v in self.inner.masked}
        self.useful = useful

    def writes(self, k: int) -> tuple[Write, ...]:
        """The writes to a carried array in one run of the body; none if they cannot be undone."""
        return writes_between(self.body.builder, self.body.parameters[1 + len(self.consts) + k], self.body.results[k])

    def chains(self, provided: Container[Var]) -> list[int]:
        """The carried arrays whose writes can be undone; what inner loops wrote, they must have undone."""
        found = [k for k in range(len(self.starts)) if self.body.results.count(self.body.results[k]) == 1 and self.writes(k)]
        return [k for k in found if all(w.before in provided for w in self.writes(k) if w.by_loop)]

    def undoing(self, walked: Sequence[int], handed: Sequence[int] = ()) -> Undoing:
        """The undoing of the writes to the carried arrays ``walked``; of ``handed`` values an iteration ends with the next one's start."""
        b, starts = self.body.builder, self.body.parameters[1 + len(self.consts) :]
        ends = {self.body.results[k]: self.price_of_end(k) for k in (*walked, *handed)}
        undone = undoing(b, [self.writes(k) for k in walked], ends, b.free or ())
        same = {v: e for k in handed for v, e in self._same_as_end(k)}
        return replace(undone, starts=(*undone.starts, *(starts[k] for k in handed)), instead={**undone.instead, **same})

    def _same_as_end(self, k: int) -> Iterator[tuple[Var, Equation]]:
        """What a carried value is under another shape at the end of the body, and how to have it from there."""
        end = self.body.results[k]
        e = self.body.builder.definitions.get(end)
        if e is not None and e.op == "assume_shape":
            (v,) = e.operands
            yield v, e.replace(operands=(end,), results=(v,), attributes=(("shape", v.type.shape),))  # type: ignore[union-attr]

    def handed_on(self, price: float) -> list[int]:
        """The carried values whose ends may be worth more, of this price, than that an iteration gives its start to the one before."""
        ends = self.body.results
        made = [k for k, end in enumerate(ends) if end in self.body.builder.definitions and isinstance(end.type, ArrayType)]
        return [k for k in made if ends.count(ends[k]) == 1 and weight(ends[k]) <= price]

    @property
    def runs(self) -> int:
        """A guess at how often the body runs, forward and backward."""
        return 2 * self.typical_times

    def leaves(self, region: DiffBuilder, state: Var) -> Var | None:
        """The result for an array that the loop carries, from a state of it in the body; a constant is left as it was."""
        constants, starts = self.body.parameters[1 : 1 + len(self.consts)], self.body.parameters[1 + len(self.consts) :]
        if state in constants:
            return self.equation.operands[2 + constants.index(state)]
        for start, end, result in zip(starts, self.body.results, self.equation.results[-len(starts) :], strict=True):
            if state in states_of(region.definitions, start, end):
                return result
        return None

    def price_of_end(self, k: int) -> float:
        """What one run of the backward body pays for an array as the loop left it."""
        result = self.equation.results[k - len(self.starts)]
        return price_outside(self.builder, result) / self.runs

    def price_of_undoing(self, k: int) -> float | None:
        """What is saved per run to undo the writes to a carried array; None if they cannot be undone."""
        writes = self.writes(k)
        prices = [self._price_of_write(write) for write in writes]
        known = [price for price in prices if price is not None]
        return sum(known) if writes and len(known) == len(prices) else None

    def _price_of_write(self, write: Write) -> float | None:
        if not write.by_loop:
            return weight(write.equation.operands[1])
        inner = (item for item in self.body.items if isinstance(item, LinearLoop) and write.after in item.equation.results)
        loop = next(inner, None)
        price = loop.price_of_undoing(carried_place(write.equation, write.after)) if loop and loop.useful else None
        return price * loop.typical_times if price is not None and loop is not None else None

    def work_of_undoing(self, k: int) -> float:
        """About what it costs to put back what was overwritten, compared with saving it."""
        return sum(weight(write.equation.operands[1]) for write in self.writes(k) if not write.by_loop) / 4

    @property
    def typical_times(self) -> int:
        """A guess at how often the body runs."""
        return TYPICAL_SIZE if self.times is None else typical(self.times)

    def is_inside(self, transposer: Transposer) -> bool:
        """Whether the backward loop stands in another backward region than the forward loop."""
        return transposer.builder is not self.builder

    def transpose(self, transposer: Transposer) -> None:
        """Emit the backward loop, and let the forward loop save what it reads."""
        carried = sorted(self.useful)
        if not carried:
            return
        consts = [c for c, v in enumerate(self.const_tangents) if v is not None and v in self.inner.useful]
        backward = _BackwardBody(self, carried, consts, transposer)
        filled = _save(self, backward)
        _emit_backward_loop(self, backward, filled, transposer)


class _BackwardBody:
    """The equations of the backward loop's body and what they read."""

    def __init__(self, loop: LinearLoop, carried: list[int], consts: list[int], transposer: Transposer) -> None:
        body = loop.body
        self.carried, self.consts = carried, consts
        _set_prices(loop)
        self.builder = b = DiffBuilder(numbers=body.builder.numbers)
        inner = Transposer(b, loop.inner)
        self.cotangents = [b.fresh(body.results[k].type) for k in carried]
        self.totals = [b.fresh(body.parameters[1 + c].type) for c in consts]
        for c, total in zip(consts, self.totals, strict=True):
            inner.add(loop.const_tangents[c], total)
        for k, cotangent in zip(carried, self.cotangents, strict=True):
            inner.add(body.result_tangents[k], cotangent)
        inner.run(body.items)
        self.results = inner.take_all([loop.carried_tangents[k] for k in carried], self.cotangents)
        self.results += inner.take_all([loop.const_tangents[c] for c in consts], self.totals)
        b.equations = read_parts(body.builder, live_equations(b.equations, self.results))
        self.plan, self.walked = self._plan(loop, transposer)

    def _plan(self, loop: LinearLoop, transposer: Transposer) -> tuple[Plan, list[int]]:
        """The cheapest plan, and the carried values that it has from their ends: undone, or handed on by the next iteration.

        Those of which the state at the end is had by undoing must be undone further.
        """
        body, results = loop.body, loop.equation.results
        given = body.parameters[: 1 + len(loop.consts)]
        plan, reading = plan_readings(body.builder, self.builder.equations, self.results, given)
        walked: list[int] = []
        for k in loop.chains(self.builder.definitions):
            goes_on = loop.is_inside(transposer) and results[k - len(loop.carried_tangents)] in transposer.builder.definitions
            undone = loop.undoing([*walked, k]).reading(reading.ends, reading.instead)
            trial = plan_residuals(body.builder, self.builder.equations, self.results, given, undone)
            if trial is not None and (goes_on or trial.price + loop.work_of_undoing(k) < plan.price):
                plan, walked = trial, [*walked, k]
        handed: list[int] = []
        for k in sorted({*loop.handed_on(plan.price)}.difference(walked)):
            undone = loop.undoing(walked, [*handed, k]).reading(reading.ends, reading.instead)
            trial = plan_residuals(body.builder, self.builder.equations, self.results, given, undone)
            if trial is not None and trial.price < plan.price:
                plan, handed = trial, [*handed, k]
        return plan, [*walked, *handed]

    def close(self, loop: LinearLoop) -> tuple[Function, list[Var]]:
        """The body as a function, and what it takes as constants: those of the forward loop, and arrays that loops leave."""
        forward, plan = loop.body.builder, self.plan
        index, *consts = forward.parameters[: 1 + len(loop.consts)]
        prologue = DiffBuilder(numbers=forward.numbers)
        stacks = {v: prologue.fresh(stack_type(v)) for v in plan.saved}
        rests = restore(prologue, forward, plan, stacks)
        taken = [k for k, v in enumerate(consts) if v in plan.outside]
        inputs: list[Input] = [(index, index.name), *((consts[k], consts[k].name) for k in taken)]
        split = len(inputs)
        names = [forward.parameters[1 + len(loop.consts) + k].name for k in self.carried]
        inputs += [(v, f"ct_{name}") for v, name in zip(self.cotangents, names, strict=True)]
        inputs += [(v, f"ct_{consts[c].name}") for v, c in zip(self.totals, self.consts, strict=True)]
        inputs += [(loop.body.results[k], forward.parameters[1 + len(loop.consts) + k].name) for k in self.walked]
        inputs += [(v, "saved") for v in (*stacks.values(), *plan.stacks)]
        ends = [rests[v] for v in plan.saved] + [self.builder.stack_rests[v] for v in plan.stacks]
        results = [*self.results, *plan.undoing.starts, *ends]
        equations = [*prologue.equations, *self.builder.equations]
        if not self.builder.definitions.keys().isdisjoint(forward.states) or self.walked:
            equations = in_order(prologue.equations, self.builder.equations, results, forward.states)
        left = sorted(free_variables(equations, results).difference(v for v, _ in inputs), key=lambda v: int(v.name[1:]))
        inputs[split:split] = [(v, "left") for v in left]
        function = close_region(f"{loop.body.function.name}_backward", inputs, equations, results)
        return function, [*(loop.equation.operands[2 + k] for k in taken), *left]


def linearize_loop(linearizer: Linearizer, original: Equation) -> None:
    """Repeat a loop; its linear program is kept with it."""
    e, same = same_loop_without_identities(original)
    consts, carried = loop_activity(e, linearizer.active)
    b = linearizer.builder
    results = b.repeat(e, linearizer.operands(e))
    new = b.equations[-1]
    times = trip_count(b, new)
    counts: list[None] = [None] * (len(results) - len(carried))
    tangents = [b.linear_variable(r.type) if flag else None for r, flag in zip(results[len(counts) :], carried, strict=True)]
    linearizer.set_results(e, results, [*counts, *tangents])
    for result, operand in same.items():
        linearizer.values[result] = linearizer.values[operand]
        linearizer.set_tangents([result], [linearizer.tangents.get(operand)])
    if any(carried):
        body = LinearRegion(linearizer, e.regions[0], [False, *consts, *carried], carried)
        operands = linearizer.tangents_of_operands(e)[2:]
        split = len(consts)
        loop = LinearLoop(b, new, times, body, tuple(operands[:split]), tuple(operands[split:]), tuple(tangents))
        body.builder.around = loop
        b.items.append(loop)


def linearize_stack(linearizer: Linearizer, e: Equation) -> None:
    """The tangent of an empty stack is a linear variable that nothing defines."""
    results = linearizer.builder.repeat(e, ())
    linearizer.set_results(e, results, [linearizer.builder.linear_variable(results[0].type)])


def _set_prices(loop: LinearLoop) -> None:
    """Per run of the body: the index is free, constants are had once for all runs, carried values must be saved.

    Of equal prices that of the constant is lower: an array is copied faster as a whole.
    """
    b, outer = loop.body.builder, loop.builder
    index, *others = b.parameters
    b.prices = {index: 0.0}
    for k, (parameter, operand) in enumerate(zip(others, loop.equation.operands[2:], strict=True)):
        if isinstance(parameter.type, ArrayType):
            b.prices[parameter] = price_outside(outer, operand) / loop.runs if k < len(loop.consts) else weight(parameter)
    b.free = free_variables_of(b)
    b.states = {}
    for k in range(len(loop.starts)):
        price = loop.price_of_undoing(k)
        if price is not None:
            price += loop.price_of_end(k)
            writes = loop.writes(k)
            b.states.update((v, price) for write in writes for v in (write.before, write.after))


def _save(loop: LinearLoop, backward: _BackwardBody) -> list[Var]:
    """Let the forward loop fill the stacks of the plan; returns the full stacks, outside."""
    plan, forward, outer, e = backward.plan, loop.body.builder, loop.builder, loop.equation
    if not plan.saved and not plan.stacks:
        return []
    bounds = index_bounds(outer, forward, e)
    adopted = adopt_stacks(forward, plan)
    empty = {v: forward.fresh(stack_type(v)) for v in plan.saved}
    full = push_saved(forward, empty)
    roots = [outer.fresh(v.type) for v in (*empty.values(), *plan.stacks)]
    rooms = [v.type.size for v in plan.saved] + [old["capacity"] for _, old in adopted]  # type: ignore[union-attr]
    news = [
        stack_equation(root, root.type.dtype, room_outside(room, loop.times, forward, bounds))
        for root, room in zip(roots, rooms, strict=True)
    ]
    starts = [*empty.values(), *(root for root, _ in adopted)]
    inputs = [(p, p.name) for p in loop.body.function.parameters] + [(v, "saved") for v in starts]
    ends = [*(full[v] for v in plan.saved), *plan.stacks]
    body = close_region(loop.body.function.name, inputs, forward.equations, [*loop.body.results, *ends], forward.guards)
    tests = [_with_parameters(region, starts) for region in e.regions[1:]]
    filled = [outer.fresh(v.type) for v in roots]
    new = e.replace(operands=(*e.operands, *roots), results=(*e.results, *filled), regions=(body, *tests))
    outer.replace(e, [*news, new])
    outer.stack_roots.update(zip(filled, roots, strict=True))
    return filled


def _with_parameters(region: Function, more: Sequence[Var]) -> Function:
    """The same region with further parameters, which it ignores."""
    inputs = [(p, p.name) for p in region.parameters] + [(v, "saved") for v in more]
    return close_region(region.name, inputs, region.equations, region.results)


def _emit_backward_loop(loop: LinearLoop, backward: _BackwardBody, filled: list[Var], transposer: Transposer) -> None:
    b, e = transposer.builder, loop.equation
    region, constants = backward.close(loop)
    start, stop = reversed_range(b, loop.builder, e)
    cotangents = transposer.take_all([loop.results[k] for k in backward.carried], backward.cotangents)
    totals = transposer.take_all([loop.consts[c] for c in backward.consts], backward.totals)
    ends = [e.results[k - len(loop.starts)] for k in backward.walked]
    carried = [*cotangents, *totals, *ends, *filled]
    results = [b.fresh(v.type) for v in carried]
    split = len(cotangents) + len(totals)
    for place, k in enumerate(backward.walked, split):
        results[place] = _state_before(loop, k, transposer, constants) or results[place]
    results = _emit_loop(b, start, stop, constants, carried, results, region, -e["step"])
    for k, result in zip(backward.carried, results, strict=False):
        transposer.add(loop.starts[k], result)
    for c, result in zip(backward.consts, results[len(cotangents) :], strict=False):
        transposer.add(loop.consts[c], result)
    b.stack_rests.update(zip(filled, results[split + len(ends) :], strict=True))


def _state_before(loop: LinearLoop, k: int, transposer: Transposer, constants: Sequence[Var]) -> Var | None:
    """The state of a carried array before the loop, as a variable of the forward region, if the backward one around may have it so."""
    b, state = transposer.builder, loop.equation.operands[2 + len(loop.consts) + k]
    is_read = state in constants or any(state in e.operands for e in b.equations)
    if not loop.is_inside(transposer) or state not in loop.builder.states or state in b.definitions or is_read:
        return None
    return state


def _emit_loop(
    b: DiffBuilder, start: Var, stop: Var, constants: Sequence[Var], carried: Sequence[Var], results: Sequence[Var],
    body: Function, step: int,
) -> list[Var]:  # fmt: skip
    """Append a loop; what its body hands on unchanged is not carried. Returns what all carried values have become."""
    attributes = (("step", step), ("consts", len(constants)))
    e = Equation("loop", (start, stop, *constants, *carried), tuple(results), attributes, (body,), b.source)
    loop, same = same_loop_without_identities(e)
    if loop.results:
        b.append(loop)
    return [same.get(r, r) for r in results]
