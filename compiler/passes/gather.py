"""Adds to one element of an array after the loop that makes the terms, instead of in each of its iterations.

    for j in range(n):                      s = 0.0
        ct_a[i] += x[j] * ct_b[j]           for j in range(n):
        ct_x[j] += a[i] * ct_b[j]               s += x[j] * ct_b[j]
                                                ct_x[j] += a[i] * ct_b[j]
                                            if n > 0: ct_a[i] += s

The backward loop of one that reads an element again and again is like this. In memory each sum would wait until the one before is written and
read again; in a register it waits for an addition. An element that a loop reads, changes and writes is kept in a variable, too, in the same
order. Only loops of numbers are changed. Where the loop makes no iteration, the position may be none of the array's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..ir import ArrayType, Dim, Equation, Function, Var
from ..ir.integers import Integers
from ..ir.sizes import substitute
from ..ops import Builder

_ACCESSES = ("index", "update", "index_add")


def gather_sums(function: Function) -> Function:
    """Gather what a loop adds to an element that it does not otherwise read or write.

    %0: f64[n] = loop %4 n i x a {consts=2}               %0: f64[n], %1: f64[] = loop %4 n i x a 0.0 {consts=2}
      (fn body(j, i, x, a: f64[n]) -> (f64[n]) {            (fn body(j, i, x, a: f64[n], s: f64[]) -> (f64[n], f64[]) {
        %0: f64[] = index x j                                 %0: f64[] = index x j
        %1: f64[n] = index_add a %0 i                         %1: f64[] = add s %0
        return %1                                             return a, %1
      })                                                    })
                                                          %2: f64[n] = index_add %0 %1 i
    """
    if not any(equation.op in ("index_add", "update") for equation in function.walk()):
        return function
    return _inside(function, Integers.of(function))


def _inside(function: Function, integers: Integers) -> Function:
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        integers.learn(equation)
        builder.source, builder.hint = equation.source, equation.hint
        equation = equation.replace(regions=tuple(_inside(r, integers.enter(equation, r)) for r in equation.regions))
        kept = list(_kept(equation, integers)) if equation.op == "loop" and len(equation.regions) == 1 else []
        if kept:
            _write(builder, equation, kept, environment, integers)
        else:
            builder.copy(equation, environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is done to one element of the array that a loop carries at a place; ``starts`` say where, in terms of what is outside.

    That is an addition, or reads and writes in order.
    """

    place: int
    accesses: tuple[Equation, ...]
    starts: tuple[Var | Equation, ...]

    @property
    def is_sum(self) -> bool:
        """Whether there is nothing but an addition."""
        return self.accesses[0].op == "index_add"

    @property
    def like(self) -> Equation:
        """An access that writes."""
        return next(e for e in self.accesses if e.op != "index")

    @property
    def type(self) -> ArrayType:
        """The type of the element."""
        return self.like.operands[1].type  # type: ignore[return-value]


def _kept(loop: Equation, around: Integers) -> Iterator[_Kept]:
    """The elements that need not be in memory before the loop has ended."""
    (body,), split = loop.regions, 1 + loop["consts"]
    if not all(_is_of_numbers(e) for e in body.equations):
        return
    inside = _inside_of(loop, body, around)
    for place, (start, end) in enumerate(zip(body.parameters[split:], body.results, strict=True)):
        accesses = _accesses(body, start, end)
        for group in _at_one_place(accesses):
            starts = _starts_outside(loop, group[0])
            others = [e for e in accesses if e not in group]
            if starts is not None and all(any(_are_apart(i, group[0], other) for i in inside) for other in others):
                yield _Kept(place, group, starts)


def _inside_of(loop: Equation, body: Function, around: Integers) -> tuple[Integers, Integers]:
    """What is known of integers in the body of a loop: its index counted from the smallest, and from the largest."""
    upwards, downwards = around.enter(loop, body), around.enter(loop, body)
    start, stop = map(around.of_var, loop.operands[:2])
    left = downwards.unknown()
    downwards.least[str(left)] = 0
    if abs(loop["step"]) == 1:
        downwards.values[body.parameters[0]] = (stop - 1 if loop["step"] > 0 else start) - left
    for equation in body.equations:
        upwards.learn(equation)
        downwards.learn(equation)
    return upwards, downwards


def _at_one_place(accesses: list[Equation]) -> Iterator[tuple[Equation, ...]]:
    """The additions of numbers, each alone, and the reads and writes of what is certainly the same element."""
    groups: dict[object, list[Equation]] = {}
    for e in accesses:
        if e.op != "index_add":
            groups.setdefault((e["spec"], _starts(e)), []).append(e)
        elif _is_float(e.operands[1]):
            yield (e,)
    for group in groups.values():
        if {e.op for e in group} == {"index", "update"}:
            yield tuple(group)


def _starts(access: Equation) -> tuple[Var, ...]:
    return access.operands[1 if access.op == "index" else 2 :]


def _is_of_numbers(e: Equation) -> bool:
    """Whether an equation computes numbers, or reads and writes elements."""
    if e.regions or not e.results:
        return e.op == "bind_size"
    made = e.operands[1] if e.op in ("update", "index_add", "push") else e.results[-1]
    return isinstance(made.type, ArrayType) and not made.type.shape


def _is_float(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and var.type.is_float


def _accesses(body: Function, start: Var, end: Var) -> list[Equation]:
    """All that reads and writes an array from state to state; nothing if anything else is done with it."""
    states, found = [start], []
    for e in body.equations:
        if not any(v in states for v in e.operands):
            continue
        if e.op not in _ACCESSES or any(v in states for v in e.operands[1:]):
            return []
        if e.op != "index":
            if e.operands[0] != states[-1]:
                return []
            states.append(e.result)
        found.append(e)
    return found if end == states[-1] else []


def _starts_outside(loop: Equation, access: Equation) -> tuple[Var | Equation, ...] | None:
    """Where an access goes, if it goes to the same element in each iteration: variables outside, or equations that make constants."""
    body = loop.regions[0]
    outside = dict(zip(body.parameters[1 : 1 + loop["consts"]], loop.operands[2:], strict=False))
    made = {e.results[0]: e for e in body.equations if e.op in ("constant", "size") and e.results}
    bound = {e["symbol"] for e in body.equations if e.op == "bind_size"}
    found: list[Var | Equation] = []
    for v in _starts(access):
        if v in outside:
            found.append(outside[v])
        elif v in made and bound.isdisjoint(made[v].symbols()):
            found.append(made[v])
        else:
            return None
    return tuple(found)


def _are_apart(integers: Integers, one: Equation, other: Equation) -> bool:
    """Whether two accesses never meet, in whatever iterations."""
    for p, q in zip(_positions(integers, one), _positions(integers, other), strict=True):
        if integers.is_natural(p - q - 1) or integers.is_natural(q - p - 1):
            return True
    return False


def _positions(integers: Integers, access: Equation) -> Iterator[Dim]:
    starts = iter(_starts(access))
    for entry in access["spec"]:
        yield integers.of_var(next(starts)) if entry is None else substitute(entry, integers.bound)


def _write(builder: Builder, loop: Equation, kept: list[_Kept], environment: dict[Var, Var], integers: Integers) -> None:
    """Write the loop with the elements that it carries, and what is done with them after it."""
    start, stop = loop.operands[:2]
    first, last = map(integers.of_var, (start, stop) if loop["step"] > 0 else (stop, start))
    is_run = None if integers.is_natural(last - first - 1) else _is_run(builder, loop, environment)
    places = [
        tuple(environment[v] if isinstance(v, Var) else builder.emit(v.op, **dict(v.attributes)) for v in k.starts)
        for k in kept
    ]
    arrays = loop.operands[len(loop.operands) - len(loop.results) :]
    firsts = [_first(builder, k, is_run, environment[arrays[k.place]], *at) for k, at in zip(kept, places, strict=True)]
    operands = (*(environment[v] for v in loop.operands), *firsts)
    results = tuple(builder.fresh(v.type) for v in (*loop.results, *firsts))
    builder.append(loop.replace(operands=operands, results=results, regions=(_with_elements(loop.regions[0], kept),)))
    environment.update(zip(loop.results, results, strict=False))
    for k, at, value in zip(kept, places, results[len(loop.results) :], strict=True):
        result = loop.results[k.place]
        environment[result] = _written(builder, k.like, is_run, environment[result], value, *at)


def _is_run(builder: Builder, loop: Equation, environment: dict[Var, Var]) -> Var:
    """Whether the loop makes an iteration."""
    result: Var = builder.emit("lt" if loop["step"] > 0 else "gt", *(environment[v] for v in loop.operands[:2]))
    return result


def _first(builder: Builder, kept: _Kept, is_run: Var | None, *operands: Var) -> Var:
    """What an element is before the loop, if that is run; sums begin with 0."""
    zero = builder.zeros(kept.type)
    return zero if kept.is_sum else _where(builder, "index", kept.like, is_run, operands, zero)


def _written(builder: Builder, like: Equation, is_run: Var | None, *operands: Var) -> Var:
    """The array with the element changed, if the loop was run."""
    builder.source, builder.hint = like.source, like.hint
    return _where(builder, like.op, like, is_run, operands, operands[0])


def _where(builder: Builder, op: str, like: Equation, is_run: Var | None, operands: tuple[Var, ...], other: Var) -> Var:
    """An access to elements, if the loop is run, else something else."""
    result: Var
    if is_run is None:
        result = builder.emit(op, *operands, spec=like["spec"])
        return result
    taken = operands if other in operands else (*operands, other)
    then, orelse = Builder(), Builder()
    given = [then.parameter(f"v{k}", v.type) for k, v in enumerate(taken)]
    same = [orelse.parameter(p.name, p.type) for p in given]
    regions = (
        then.finish("then", [then.emit(op, *given[: len(operands)], spec=like["spec"])]),
        orelse.finish("orelse", [same[taken.index(other)]]),
    )
    result = builder.emit("cond", is_run, *taken, regions=regions)
    return result


def _with_elements(body: Function, kept: list[_Kept]) -> Function:
    """The body with a number in place of each of the elements."""
    builder = Builder(body.parameters)
    environment = {p: p for p in body.parameters}
    values = [builder.parameter("total" if k.is_sum else "element", k.type) for k in kept]
    place = {id(e): n for n, k in enumerate(kept) for e in k.accesses}
    for equation in body.equations:
        if id(equation) not in place:
            builder.copy(equation, environment)
            continue
        n, array = place[id(equation)], equation.operands[0]
        builder.source, builder.hint = equation.source, ""
        if equation.op == "index":
            environment[equation.result] = values[n]
            continue
        environment[equation.result], value = environment[array], environment[equation.operands[1]]
        values[n] = builder.add(values[n], value) if equation.op == "index_add" else value
    return builder.finish(body.name, [*(environment[v] for v in body.results), *values])
