"""Adds to one element of an array after the loop that makes the terms, instead of in each of its iterations.

    for j in range(n):                      s = 0.0
        ct_a[i] += x[j] * ct_b[j]           for j in range(n):
        ct_x[j] += a[i] * ct_b[j]               s += x[j] * ct_b[j]
                                                ct_x[j] += a[i] * ct_b[j]
                                            if n > 0: ct_a[i] += s

The backward loop of one that reads an element again and again is like this. In memory each sum would wait until the one before is written and
read again; in a register it waits for an addition. Only loops of numbers are changed. Where the loop makes no iteration, the position may be
none of the array's.
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
    if not any(equation.op == "index_add" for equation in function.walk()):
        return function
    return _inside(function, Integers.of(function))


def _inside(function: Function, integers: Integers) -> Function:
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        integers.learn(equation)
        builder.source, builder.hint = equation.source, equation.hint
        equation = equation.replace(regions=tuple(_inside(r, integers.enter(equation, r)) for r in equation.regions))
        sums = list(_sums(equation, integers)) if equation.op == "loop" and len(equation.regions) == 1 else []
        if sums:
            _write(builder, equation, sums, environment, integers)
        else:
            builder.copy(equation, environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)


@dataclass(frozen=True, slots=True)
class _Sum:
    """What is added to an element of the array that a loop carries at a place; ``starts`` say where, in terms of what is outside."""

    place: int
    addition: Equation
    starts: tuple[Var | Equation, ...]


def _sums(loop: Equation, around: Integers) -> Iterator[_Sum]:
    """The additions that can wait until the loop has ended."""
    (body,), split = loop.regions, 1 + loop["consts"]
    if not all(_is_of_numbers(e) for e in body.equations):
        return
    integers = around.enter(loop, body)
    for equation in body.equations:
        integers.learn(equation)
    for place, (start, end) in enumerate(zip(body.parameters[split:], body.results, strict=True)):
        accesses = _accesses(body, start, end)
        for addition in accesses:
            starts = _starts_outside(loop, addition) if addition.op == "index_add" and _is_float(addition.operands[1]) else None
            others = [e for e in accesses if e is not addition]
            if starts is not None and all(_are_apart(integers, addition, other) for other in others):
                yield _Sum(place, addition, starts)


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


def _starts_outside(loop: Equation, addition: Equation) -> tuple[Var | Equation, ...] | None:
    """Where an addition goes, if it goes to the same element in each iteration: variables outside, or equations that make constants."""
    body = loop.regions[0]
    outside = dict(zip(body.parameters[1 : 1 + loop["consts"]], loop.operands[2:], strict=False))
    made = {e.results[0]: e for e in body.equations if e.op in ("constant", "size") and e.results}
    bound = {e["symbol"] for e in body.equations if e.op == "bind_size"}
    found: list[Var | Equation] = []
    for v in addition.operands[2:]:
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
    starts = iter(access.operands[1 if access.op == "index" else 2 :])
    for entry in access["spec"]:
        yield integers.of_var(next(starts)) if entry is None else substitute(entry, integers.bound)


def _write(builder: Builder, loop: Equation, sums: list[_Sum], environment: dict[Var, Var], integers: Integers) -> None:
    """Write the loop with sums that it carries, and the additions after it."""
    start, stop = loop.operands[:2]
    zeros = [builder.constant(0.0, s.addition.operands[1].type) for s in sums]  # type: ignore[arg-type]
    regions = (_with_sums(loop.regions[0], sums),)
    operands = tuple(environment[v] for v in loop.operands) + tuple(zeros)
    results = tuple(builder.fresh(v.type) for v in (*loop.results, *zeros))
    builder.append(loop.replace(operands=operands, results=results, regions=regions))
    environment.update(zip(loop.results, results, strict=False))
    first, last = map(integers.of_var, (start, stop) if loop["step"] > 0 else (stop, start))
    is_run = None if integers.is_natural(last - first - 1) else _is_run(builder, loop, environment)
    for s, total in zip(sums, results[len(loop.results) :], strict=True):
        starts = [environment[v] if isinstance(v, Var) else builder.emit(v.op, **dict(v.attributes)) for v in s.starts]
        array = environment[loop.results[s.place]]
        environment[loop.results[s.place]] = _added(builder, s.addition, is_run, array, total, *starts)


def _is_run(builder: Builder, loop: Equation, environment: dict[Var, Var]) -> Var:
    """Whether the loop makes an iteration."""
    result: Var = builder.emit("lt" if loop["step"] > 0 else "gt", *(environment[v] for v in loop.operands[:2]))
    return result


def _added(builder: Builder, like: Equation, is_run: Var | None, *operands: Var) -> Var:
    """The array with the sum added to an element, if the loop was run."""
    builder.source, builder.hint = like.source, like.hint
    if is_run is None:
        added: Var = builder.emit("index_add", *operands, spec=like["spec"])
        return added
    then, orelse = Builder(), Builder()
    given = [then.parameter(f"v{k}", v.type) for k, v in enumerate(operands)]
    same = [orelse.parameter(p.name, p.type) for p in given]
    regions = (
        then.finish("then", [then.emit("index_add", *given, spec=like["spec"])]),
        orelse.finish("orelse", same[:1]),
    )
    result: Var = builder.emit("cond", is_run, *operands, regions=regions)
    return result


def _with_sums(body: Function, sums: list[_Sum]) -> Function:
    """The body with a sum for each of the additions."""
    builder = Builder(body.parameters)
    environment = {p: p for p in body.parameters}
    totals = {id(s.addition): builder.parameter("total", s.addition.operands[1].type) for s in sums}
    for equation in body.equations:
        if id(equation) not in totals:
            builder.copy(equation, environment)
            continue
        array, value, *_ = equation.operands
        builder.source, builder.hint = equation.source, ""
        environment[equation.result] = environment[array]
        totals[id(equation)] = builder.add(totals[id(equation)], environment[value])
    return builder.finish(body.name, [*(environment[v] for v in body.results), *totals.values()])
