"""Runs iterations of a loop side by side where each waits for a loop of its own, as in a root found for every element.

One iteration after the other, such an inner loop waits for its own last result all the time, and LLVM vectorises none of it. Here
``LANES`` iterations of the outer loop go through the inner one together: each scalar becomes an array with one element per lane, a lane
that is done keeps its values, and the inner loop ends with the last lane. What depends on the iteration before, such as sums and
writes into arrays, stays a loop over the lanes, in the old order: every number is the same as before.

So it is with a sum of exponentials: LLVM must add them up in order, and would compute them one by one, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

from ..ir import ArrayType, Equation, Function, Var, symbol
from ..ir.types import I64
from ..ops import Builder
from .lanes import MAY_RAISE, Lanes, Need, Wanted, has_test, is_function, read_by

LANES = 32  # few, because a lane that is done still costs; enough to fill the widest vectors several times
FEW = 6  # with fewer lanes, what surrounds the work takes longer
Work = Callable[[Equation], Wanted | None]  # which equations of a loop are, if any


def run_side_by_side(function: Function) -> Function:
    """Run iterations together that do not depend on each other and hold a loop with a test.

    loop 0 n x y {step=1, consts=1}           loop 0 n n x y {step=32, consts=2}
      (fn body(i, x, y) -> (f64[n]) {           (fn body(first, stop, x, y) -> (f64[n]) {
        %0: f64[] = index x i                     bind_size ... {symbol='lanes'}
        %1: i64[], %2: f64[] = loop ... %0        %3: f64[lanes] = index x first
          (fn body(k, a) ...)                     %4: f64[lanes], %5: bool[lanes], %6: bool[] = loop ... %3
          (fn test(k, a) ...)                       (fn body(k, a, going, any_going) ...)
        %3: f64[n] = update y %2 i                  (fn test(k, a, going, any_going) ...)
        return %3                                 %7: f64[n] = loop first ... %4 y
      })                                            (fn body(i, first, a, y) ...)
                                                  return %7
                                                })
    """
    return _run(function, _loops_or_functions)


def run_side_by_side_for_gradients(function: Function) -> Function:
    """The same for all inner loops that wait for themselves, before derivatives are taken.

    Without a test LLVM vectorises some such loops, but not what their derivatives save and read.
    """
    return _run(function, _waiting_loops)


def _run(function: Function, work: Work) -> Function:
    if not any(equation.op == "loop" and work(equation) for equation in function.walk()):
        return function
    return _inside(function, set(function.symbols()), work)


def _inside(function: Function, taken: set[str], work: Work) -> Function:
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    numbers = {e.result: e["value"] for e in function.equations if e.op in ("constant", "size")}
    for equation in function.equations:
        equation = equation.replace(regions=tuple(_inside(region, taken, work) for region in equation.regions))
        is_long = equation.op == "loop" and not _is_short(equation, numbers)
        wide = _widened(equation, taken, work) if is_long else None
        if wide is None:
            builder.copy(equation, environment)
            continue
        operands = tuple(environment[v] for v in wide.operands)
        results = tuple(builder.fresh(r.type) for r in wide.results)
        builder.append(wide.replace(operands=operands, results=results))
        environment.update(zip(equation.results, results, strict=True))
    results = tuple(environment[v] for v in function.results)
    return builder.finish(function.name, results).replace(guards=function.guards)


def _is_short(loop: Equation, numbers: dict[Var, Any]) -> bool:
    """Whether a loop is known to have too few iterations to be worth the trouble; ``numbers`` are those known."""
    start, stop = (numbers.get(v) for v in loop.operands[:2])
    return isinstance(start, int) and isinstance(stop, int) and abs(stop - start) < FEW


def _fresh(taken: set[str]) -> str:
    return next(name for k in count(1) if (name := f"lanes_{k}" if k > 1 else "lanes") not in taken)


def _waits(equation: Equation) -> bool:
    """Whether each iteration of a loop waits for a number that the one before computes."""
    if equation.op != "loop":
        return False
    carried = equation.operands[2 + equation["consts"] :]
    return has_test(equation) or any(map(_is_number, carried))


def _waiting_loops(loop: Equation) -> Wanted | None:
    return _waits if any(map(_waits, loop.regions[0].walk())) else None


def _loops_or_functions(loop: Equation) -> Wanted | None:
    """Loops with a test; where there are no loops inside, functions whose values are added up in order."""
    (body, *_) = loop.regions
    if any(map(has_test, body.walk())):
        return has_test
    carried = body.parameters[1 + loop["consts"] :]
    is_last = not any(e.op == "loop" for e in body.walk())
    return is_function if is_last and any(map(_is_number, carried)) and any(map(is_function, body.walk())) else None


def _is_number(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and not var.type.shape and var.type.is_float


def _widened(loop: Equation, taken: set[str], work: Work) -> Equation | None:
    """The loop over blocks of iterations, if there is something to run together."""
    if has_test(loop) or abs(loop["step"]) != 1 or (wanted := work(loop)) is None:
        return None
    start, stop, *inner = loop.operands
    (body,) = loop.regions
    split, step = 1 + loop["consts"], loop["step"]
    name = _fresh(taken)
    lanes = symbol(name)
    b = Builder()
    first, last = b.parameter(body.parameters[0].name, ArrayType(I64)), b.parameter("stop", ArrayType(I64))
    outer = {p: b.parameter(p.name, p.type) for p in body.parameters[1:]}
    left = b.sub(last, first) if step > 0 else b.sub(first, last)
    width = b.emit("minimum", left, b.constant(LANES, left.type))
    b.emit("bind_size", width, symbol=name)
    together = Lanes(b, lanes, {p: outer[p] for p in body.parameters[1:split]}, Need.ALL)
    together.number(body.parameters[0], first, step)
    together.reads_far = any(map(has_test, body.walk()))  # which takes longer than to read
    together.reads_first = wanted is is_function
    rest = together.run_what_can(body, wanted)
    if rest is None or (wanted is is_function and _fails_early(b.equations, rest)):
        return None
    taken.add(name)
    end = b.add(first, width) if step > 0 else b.sub(first, width)
    needed = [v for v in read_by(rest, body.results) if v in together.values and v not in body.parameters]
    region = _one_by_one(body, rest, split, step, needed, together)
    constants = [first, *(outer[p] for p in body.parameters[1:split]), *(together.values[v] for v in needed)]
    carried = [outer[p] for p in body.parameters[split:]]
    results = b.emit("loop", first, end, *constants, *carried, regions=(region,), step=step, consts=len(constants))
    results = results if isinstance(results, tuple) else (results,)
    attributes = (("step", step * LANES), ("consts", split))
    return loop.replace(operands=(start, stop, stop, *inner), attributes=attributes, regions=(b.finish(body.name, results),))


def _fails_early(together: Iterable[Equation], rest: Iterable[Equation]) -> bool:
    """Whether an iteration may raise an error before an earlier one has written to an array, or raised its own."""
    writes = any(isinstance(r.type, ArrayType) and r.type.shape for e in rest for r in e.results)
    shows = writes or any(e.op in MAY_RAISE for equation in rest for e in equation.walk())
    return shows and any(e.op == "wrap_index" for e in together)


def _one_by_one(
    body: Function, rest: Sequence[Equation], split: int, step: int, needed: Sequence[Var], together: Lanes
) -> Function:
    """The body of the loop over the lanes: the rest of the work, with what was computed together."""
    b = Builder()
    index, first = b.parameter(body.parameters[0].name, ArrayType(I64)), b.parameter("first", ArrayType(I64))
    environment = {p: b.parameter(p.name, p.type) for p in body.parameters[1:split]}
    given = {v: b.parameter(v.name.replace("%", "v"), together.values[v].type) for v in needed}
    environment |= {p: b.parameter(p.name, p.type) for p in body.parameters[split:]}
    environment[body.parameters[0]] = index
    lane = b.sub(index, first) if step > 0 else b.sub(first, index)
    for var, value in given.items():
        environment[var] = b.index(value, (None,), lane) if together.is_wide(value) else value
    for equation in rest:
        b.source, b.hint = equation.source, equation.hint
        b.copy(equation, environment)
    return b.finish(body.name, [environment[v] for v in body.results])
