"""Runs iterations of a loop side by side where each waits for a loop of its own, as in a root found for every element.

One iteration after the other, such an inner loop waits for its own last result all the time, and LLVM vectorises none of it. Here
``LANES`` iterations of the outer loop go through the inner one together: each scalar becomes an array with one element per lane, a lane
that is done keeps its values, and the inner loop ends with the last lane. What depends on the iteration before, such as sums and
writes into arrays, stays a loop over the lanes, in the old order: every number is the same as before.

So it is with a sum of exponentials: LLVM must add them up in order, and would compute them one by one, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from itertools import count
from typing import Any

from ..ir import ArrayType, Dim, Equation, Function, StackType, Var, symbol
from ..ir.types import BOOL, I64
from ..ops import OPS, Builder
from .dce import has_effect

LANES = 32  # few, because a lane that is done still costs; enough to fill the widest vectors several times
FEW = 6  # with fewer lanes, what surrounds the work takes longer
FEW_FUNCTIONS = 4  # take as long in vectors as one alone
_FREE = frozenset(("constant", "size", "index", "convert"))  # as quick to compute again as to read
_QUICK = frozenset(
    ("abs", "maximum", "minimum", "fmax", "fmin", "sqrt", "floor", "ceil", "trunc", "rint", "sign", "copysign", "not")
)
_IN_VECTORS = frozenset((
    "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logistic", "softplus", "erf", "cbrt",
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh",
))  # fmt: skip
Wanted = Callable[[Equation], bool]  # whether an equation is worth to be run for many iterations together
Work = Callable[[Equation], Wanted | None]  # which equations of a loop are, if any
RUNNING = Var("running", ArrayType(BOOL))  # a parameter of loops inside of loops
_MAY_RAISE = frozenset(("check", "print", "wrap_index"))


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


def _has_test(equation: Equation) -> bool:
    return equation.op == "loop" and len(equation.regions) == 2


def _waits(equation: Equation) -> bool:
    """Whether each iteration of a loop waits for a number that the one before computes."""
    if equation.op != "loop":
        return False
    carried = equation.operands[2 + equation["consts"] :]
    return _has_test(equation) or any(map(_is_number, carried))


def _waiting_loops(loop: Equation) -> Wanted | None:
    return _waits if any(map(_waits, loop.regions[0].walk())) else None


def _loops_or_functions(loop: Equation) -> Wanted | None:
    """Loops with a test; where there are no loops inside, functions whose values are added up in order."""
    (body, *_) = loop.regions
    if any(map(_has_test, body.walk())):
        return _has_test
    carried = body.parameters[1 + loop["consts"] :]
    is_last = not any(e.op == "loop" for e in body.walk())
    return _is_function if is_last and any(map(_is_number, carried)) and any(map(_is_function, body.walk())) else None


def _is_function(equation: Equation) -> bool:
    """Whether LLVM computes a function in vectors where it can, at a fraction of the time."""
    return equation.op in _IN_VECTORS


def _functions(branch: Equation) -> int:
    """How many functions a branch computes, outside of loops."""
    inside = [e for region in branch.regions for e in region.equations]
    return sum(map(_is_function, inside)) + sum(_functions(e) for e in inside if e.op == "cond")


def _is_number(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and not var.type.shape and var.type.is_float


def _widened(loop: Equation, taken: set[str], work: Work) -> Equation | None:
    """The loop over blocks of iterations, if there is something to run together."""
    if _has_test(loop) or abs(loop["step"]) != 1 or (wanted := work(loop)) is None:
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
    together = _Lanes(b, lanes, {p: outer[p] for p in body.parameters[1:split]}, _Need.ALL)
    together.number(body.parameters[0], first, step)
    together.reads_far = any(map(_has_test, body.walk()))  # which takes longer than to read
    together.reads_first = wanted is _is_function
    rest = together.run_what_can(body, wanted)
    if rest is None or (wanted is _is_function and _fails_early(b.equations, rest)):
        return None
    taken.add(name)
    end = b.add(first, width) if step > 0 else b.sub(first, width)
    needed = [v for v in _read_by(rest, body.results) if v in together.values and v not in body.parameters]
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
    shows = writes or any(e.op in _MAY_RAISE for equation in rest for e in equation.walk())
    return shows and any(e.op == "wrap_index" for e in together)


def _read_by(equations: Iterable[Equation], results: Iterable[Var]) -> list[Var]:
    """What equations read, and results, each once."""
    return list(dict.fromkeys([*(v for e in equations for v in e.operands), *results]))


def _one_by_one(
    body: Function, rest: Sequence[Equation], split: int, step: int, needed: Sequence[Var], together: _Lanes
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


class _Need(IntEnum):
    """Whose iterations compute something in the old program, too: only there an array may be read, or an error raised."""

    NONE = 0
    SOME = 1
    ALL = 2


class _RefusedError(Exception):
    """An equation cannot be computed for all lanes together."""


class _Lanes:
    """Equations on scalars, written again for all lanes; what is the same for all of them stays a scalar."""

    def __init__(self, builder: Builder, lanes: Dim, values: dict[Var, Var], need: _Need) -> None:
        self.b, self.lanes, self.values, self.need = builder, lanes, values, need
        self.is_inside = False  # of a loop
        self.reads_far = True  # whether it reads elements in a loop that are far apart in memory
        self.reads_first = False  # whether it reads such elements one by one before it computes
        self.running: Var | None = None  # the lanes whose iterations run this at all; None for all of them
        self.runs: dict[Var, tuple[Var, int]] = {}  # numbers that grow evenly from lane to lane: the first, and the step
        self.loaded: dict[tuple, Var] = {}  # what was read from arrays

    def number(self, index: Var, first: Var, step: int) -> None:
        """Number the lanes: the index of the loop has a value in each."""
        numbers = self.b.emit("iota", size=self.lanes, dtype=I64)
        self.values[index] = self.b.emit("add" if step > 0 else "sub", self.widened(first), numbers)
        self.runs[self.values[index]] = first, step

    def is_wide(self, var: Var) -> bool:
        return var.type.shape == (self.lanes,)  # type: ignore[union-attr]

    def widened(self, var: Var) -> Var:
        """A value for each lane."""
        return var if self.is_wide(var) else self.b.broadcast(var, (), (self.lanes,))

    def run_what_can(self, body: Function, wanted: Wanted) -> list[Equation] | None:
        """Write what does not wait for the iteration before; returns the rest, or None if that is not worth the trouble."""
        left: list[Equation] = []
        found, risky = False, False
        again: dict[Var, Equation] = {}
        for equation in body.equations:
            if not self.try_to_run(equation, body):
                left.append(equation)
                risky = risky or any(e.op in _MAY_RAISE for e in equation.walk())
                continue
            again.update((r, equation) for r in equation.results if equation.op in _FREE)
            if any(map(wanted, equation.walk())):
                if risky:
                    return None  # an error must come before a loop that may go on for ever
                found = True
        return _with_free(body, left, again, self.values) if found else None

    def try_to_run(self, equation: Equation, body: Function) -> bool:
        """Write an equation if that is possible."""
        bound = {e.get("symbol") for e in body.equations}
        if not all(v in self.values for v in equation.operands) or not bound.isdisjoint(equation.symbols()):
            return False
        before, runs, loaded = len(self.b.equations), dict(self.runs), dict(self.loaded)
        try:
            self.run(equation, set(_read_by(body.equations, body.results)))
        except _RefusedError:
            del self.b.equations[before:]
            self.runs, self.loaded = runs, loaded
            return False
        return True

    def run_all(self, function: Function) -> list[Var]:
        """Write all equations of a region; returns its results."""
        read = set(_read_by(function.equations, function.results))
        for equation in function.equations:
            self.run(equation, read)
        return [self.values[v] for v in function.results]

    def inline(self, function: Function, arguments: Sequence[Var], running: Var | None = None) -> list[Var]:
        """Write a region applied to arguments right here, though not all lanes, or none, may run it."""
        scope = _Lanes(self.b, self.lanes, dict(zip(function.parameters, arguments, strict=True)), _Need.NONE)
        scope.runs, scope.loaded, scope.running, scope.is_inside = self.runs, self.loaded, running, self.is_inside
        scope.reads_far, scope.reads_first = self.reads_far, self.reads_first
        return scope.run_all(function)

    def among_running(self, test: Var) -> Var:
        """Of the lanes that run this, those where a test holds."""
        if self.running is None:
            return test
        both = (self.running, test)
        return self.b.emit("and", *(map(self.widened, both) if any(map(self.is_wide, both)) else both))

    def run(self, equation: Equation, read: set[Var]) -> None:
        """Write an equation; ``read`` are the variables that somebody reads."""
        if any(not isinstance(r.type, ArrayType) or r.type.shape for r in equation.results) or has_effect(equation):
            raise _RefusedError
        operands = [self.values[v] for v in equation.operands]
        self.b.source, self.b.hint = equation.source, equation.hint
        match equation.op:
            case "loop":
                results = self.loop(equation, operands, read)
            case "cond":
                results = self.cond(equation, operands)
            case "index":
                results = [self.index(equation, operands)]
            case "wrap_index":
                results = [self.elementwise(equation, operands)]
                if self.need < (_Need.ALL if self.is_wide(results[0]) else _Need.SOME):
                    raise _RefusedError
            case "constant" | "size":
                results = [self.b.emit(equation.op, **dict(equation.attributes))]
            case "bind_size" if not self.is_wide(operands[0]):
                self.b.emit("bind_size", *operands, **dict(equation.attributes))
                results = []
            case op if OPS[op].elementwise or op == "convert":
                results = [self.elementwise(equation, operands)]
                self.follow(equation, operands, results[0])
            case _:
                raise _RefusedError
        self.values.update(zip(equation.results, results, strict=True))

    def elementwise(self, equation: Equation, operands: Sequence[Var]) -> Var:
        if any(map(self.is_wide, operands)):
            operands = [self.widened(v) for v in operands]
        return self.b.emit(equation.op, *operands, **dict(equation.attributes))

    def follow(self, equation: Equation, operands: Sequence[Var], result: Var) -> None:
        """Remember the number of the first lane where numbers go on growing evenly."""
        if equation.op not in ("add", "sub") or result.type != ArrayType(I64, (self.lanes,)):
            return
        x, y = operands
        if (self.is_wide(x) and self.is_wide(y)) or not self.runs.keys() & {x, y}:
            return
        (a, step), (b, other) = self.runs.get(x, (x, 0)), self.runs.get(y, (y, 0))
        self.runs[result] = self.b.emit(equation.op, a, b), step + other if equation.op == "add" else step - other

    def index(self, equation: Equation, operands: Sequence[Var]) -> Var:
        """Read an element for each lane, or the one for all."""
        array, *starts = operands
        key = (array, *starts, equation["spec"])
        if key in self.loaded:
            return self.loaded[key]
        wide = [v for v in starts if self.is_wide(v)]
        if self.need < (_Need.ALL if wide else _Need.SOME) or len(wide) > 1 or any(v not in self.runs for v in wide):
            raise _RefusedError
        positions = iter(starts)
        chosen = [entry if entry is not None else next(positions) for entry in equation["spec"]]
        is_far = any(map(self.is_wide, (v for v in chosen[:-1] if isinstance(v, Var))))
        if is_far and self.is_inside and not self.reads_far:
            raise _RefusedError
        spec = tuple(
            ((None, self.lanes, self.runs[entry][1]) if self.is_wide(entry) else None) if isinstance(entry, Var) else entry
            for entry in chosen
        )
        if is_far and self.reads_first:
            self.loaded[key] = self.one_by_one(array, equation["spec"], starts)
        else:
            self.loaded[key] = self.b.index(array, spec, *(self.runs.get(v, (v, 1))[0] for v in starts))
        return self.loaded[key]

    def one_by_one(self, array: Var, spec: tuple[Any, ...], starts: Sequence[Var]) -> Var:
        """Read an element for each lane in a loop: where they are far apart in memory, LLVM would not compute in vectors what reads them."""
        b = Builder()
        lane, source = b.parameter("lane", ArrayType(I64)), b.parameter("array", array.type)
        firsts = [self.runs.get(v, (v, 1))[0] for v in starts]
        places = [b.parameter("first", v.type) for v in firsts]
        part = b.parameter("part", ArrayType(array.type.dtype, (self.lanes,)))  # type: ignore[union-attr]
        for k, v in enumerate(starts):
            if self.is_wide(v):
                places[k] = b.add(places[k], b.mul(lane, b.constant(self.runs[v][1], lane.type)))
        body = b.finish("body", [b.emit("update", part, b.index(source, spec, *places), lane, spec=(None,))])
        zero, count, empty = self.b.constant(0, lane.type), self.b.emit("size", value=self.lanes), self.b.zeros(part.type)
        return self.b.emit("loop", zero, count, array, *firsts, empty, regions=(body,), step=1, consts=1 + len(firsts))

    def cond(self, equation: Equation, operands: Sequence[Var]) -> list[Var]:
        """Both branches, and a choice; loops in a branch run for the lanes that take it."""
        if any(self.is_wasted(e) for region in equation.regions for e in region.walk()) or _functions(equation) > FEW_FUNCTIONS:
            raise _RefusedError
        test, *arguments = operands
        then, orelse = equation.regions
        chosen = self.inline(then, arguments, self.among_running(test))
        others = self.inline(orelse, arguments, self.among_running(self.b.emit("not", test)))
        return [self.select(test, x, y) for x, y in zip(chosen, others, strict=True)]

    def is_wasted(self, equation: Equation) -> bool:
        """Whether too much would be computed for nothing where no lane takes the branch: in a loop, that happens again and again."""
        if equation.op == "loop":
            return not _has_test(equation)
        return self.is_inside and OPS[equation.op].elementwise and not (OPS[equation.op].python or equation.op in _QUICK)

    def select(self, test: Var, x: Var, y: Var) -> Var:
        operands = [test, x, y]
        if any(map(self.is_wide, operands)):
            operands = [self.widened(v) for v in operands]
        return self.b.select(*operands)

    def loop(self, equation: Equation, operands: Sequence[Var], read: set[Var]) -> list[Var]:
        equation, (start, stop, *inner) = self.with_loads_outside(equation, operands)
        split = equation["consts"]
        if self.is_wide(start) or self.is_wide(stop) or any(isinstance(v.type, StackType) for v in inner):
            raise _RefusedError
        if _has_test(equation):
            return self.while_loop(equation, start, stop, inner[:split], inner[split:], equation.results[0] in read)
        return self.for_loop(equation, start, stop, inner[:split], inner[split:])

    def with_loads_outside(self, equation: Equation, operands: Sequence[Var]) -> tuple[Equation, list[Var]]:
        """The loop with what it reads from arrays at places that stay the same as constants, and its operands."""
        consts = equation["consts"]
        loads: dict[Var, Var] = {}
        regions = []
        for region in equation.regions:
            given = dict(zip(region.parameters[1 : 1 + consts], operands[2:], strict=False))
            outside: dict[Var, Var] = {}
            for inner in region.equations:
                if inner.op == "index" and not inner.result.type.shape and all(v in given for v in inner.operands):  # type: ignore[union-attr]
                    value = self.index(inner, [given[v] for v in inner.operands])
                    outside[inner.result] = loads.setdefault(value, Var(f"load_{len(loads)}", inner.result.type))
            regions.append((region, outside))
        changed = tuple(_given(region, 1 + consts, tuple(loads.values()), outside) for region, outside in regions)
        attributes = tuple((name, consts + len(loads) if name == "consts" else value) for name, value in equation.attributes)
        return equation.replace(regions=changed, attributes=attributes), [
            *operands[: 2 + consts],
            *loads,
            *operands[2 + consts :],
        ]

    def for_loop(self, equation: Equation, start: Var, stop: Var, constants: list[Var], carried: list[Var]) -> list[Var]:
        """A loop that all lanes leave together: values are the same for all lanes as long as nothing makes them differ."""
        (body,) = equation.regions
        if self.running is not None:
            body = _given(body, 1 + len(constants), (RUNNING,), {})
            constants = [*constants, self.widened(self.running)]
        runs = [(p, *self.runs[v]) for p, v in zip(body.parameters[1:], constants, strict=False) if v in self.runs]
        firsts = tuple(Var(f"first_{k}", ArrayType(I64)) for k in range(len(runs)))
        body = _given(body, 1 + len(constants), firsts, {})
        constants = [*constants, *(first for _, first, _ in runs)]
        while True:
            scope, _ = self.region(body, [start, *constants, *carried], self.need)
            scope.running = scope.values.get(RUNNING)
            for (p, _, step), first in zip(runs, firsts, strict=True):
                scope.runs[scope.values[p]] = scope.values[first], step
            results = scope.run_all(body)
            wide = [self.is_wide(v) or self.is_wide(r) for v, r in zip(carried, results, strict=True)]
            if wide == list(map(self.is_wide, carried)):
                break
            carried = [self.widened(v) if w else v for v, w in zip(carried, wide, strict=True)]
        results = [scope.widened(r) if w else r for r, w in zip(results, wide, strict=True)]
        region = scope.b.finish(body.name, results)
        attributes = dict(equation.attributes) | {"consts": len(constants)}
        found = self.b.emit("loop", start, stop, *constants, *carried, regions=(region,), **attributes)
        return list(found) if isinstance(found, tuple) else [found]

    def while_loop(
        self, equation: Equation, start: Var, stop: Var, constants: list[Var], carried: list[Var], counted: bool
    ) -> list[Var]:
        """A loop that each lane leaves when its test says so."""
        body, test = equation.regions
        step, number = equation["step"], len(carried)
        begins = self.among_running(*self.inline(test, [start, *constants, *carried]))
        any_begins = self.b.emit("any", begins, axes=(0,)) if self.is_wide(begins) else begins
        counts = [self.b.zeros(ArrayType(I64, (self.lanes,)))] if counted else []
        carried = [self.widened(v) for v in carried]
        started = [*carried, *counts, self.widened(begins), any_begins]

        need = min(self.need, _Need.SOME)
        scope, parameters = self.region(body, [start, *constants, *carried], need)
        added = [scope.b.parameter(name, v.type) for name, v in zip(("count",), counts, strict=False)]
        going, _ = scope.b.parameter("going", started[-2].type), scope.b.parameter("any_going", ArrayType(BOOL))
        scope.running = going
        inner, old = parameters[1 : 1 + len(constants)], parameters[1 + len(constants) :]
        new = [scope.select(going, r, v) for r, v in zip(scope.run_all(body), old, strict=True)]
        following = scope.b.add(parameters[0], scope.b.constant(step, ArrayType(I64)))
        still = scope.among_running(*scope.inline(test, [following, *inner, *new]))
        new += [scope.b.add(count, scope.b.convert(going, I64)) for count in added]
        region = scope.b.finish(body.name, [*new, still, scope.b.emit("any", still, axes=(0,))])

        question = Builder()
        asked = [question.parameter(p.name, p.type) for p in region.parameters]
        results = self.b.emit(
            "loop", start, stop, *constants, *started, regions=(region, question.finish(test.name, [asked[-1]])),
            **dict(equation.attributes),
        )  # fmt: skip
        count = results[1 + number] if counted else results[0]
        return [count, *results[1 : 1 + number]]

    def region(self, function: Function, arguments: Sequence[Var], need: _Need) -> tuple[_Lanes, list[Var]]:
        """A scope for a region that takes arguments like these, and its parameters."""
        builder = Builder()
        parameters = [builder.parameter(p.name, v.type) for p, v in zip(function.parameters, arguments, strict=True)]
        scope = _Lanes(builder, self.lanes, dict(zip(function.parameters, parameters, strict=True)), need)
        scope.is_inside, scope.reads_far = True, self.reads_far
        return scope, parameters


def _given(region: Function, place: int, parameters: tuple[Var, ...], names: dict[Var, Var]) -> Function:
    """The region with more parameters, some of which replace equations."""
    equations = tuple(
        e.replace(operands=tuple(names.get(v, v) for v in e.operands))
        for e in region.equations
        if not names.keys() & set(e.results)
    )
    results = tuple(names.get(v, v) for v in region.results)
    return region.replace(
        parameters=(*region.parameters[:place], *parameters, *region.parameters[place:]), equations=equations, results=results
    )


def _with_free(body: Function, left: Sequence[Equation], again: dict[Var, Equation], values: dict[Var, Var]) -> list[Equation]:
    """The equations left, and the free ones that they read, which each lane does again; those are no longer ``values``."""
    wanted = set(_read_by(left, body.results))
    kept = set(map(id, left))
    available = set(body.parameters) | {r for e in left for r in e.results}
    for equation in body.equations:
        if all(r in again for r in equation.results) and equation.results and available.issuperset(equation.operands):
            available.update(equation.results)
    for equation in reversed(body.equations):
        if (
            id(equation) not in kept
            and equation.results
            and equation.results[0] in available
            and wanted & set(equation.results)
        ):
            kept.add(id(equation))
            wanted.update(equation.operands)
            for result in equation.results:
                del values[result]
    return [e for e in body.equations if id(e) in kept]
