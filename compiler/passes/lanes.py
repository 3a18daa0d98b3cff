"""Iterations of a loop that run together: equations on scalars, written again on arrays with one element per lane.

A lane that is done keeps its values, and a loop inside ends with the last lane. Which loops are run so says ``side_by_side``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Any

from ..ir import ArrayType, Dim, Equation, Function, StackType, Var
from ..ir.types import BOOL, I64
from ..ops import OPS, Builder
from .dce import has_effect

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
RUNNING = Var("running", ArrayType(BOOL))  # a parameter of loops inside of loops
MAY_RAISE = frozenset(("check", "print", "wrap_index"))


def is_function(equation: Equation) -> bool:
    """Whether LLVM computes a function in vectors where it can, at a fraction of the time."""
    return equation.op in _IN_VECTORS


def _functions(branch: Equation) -> int:
    """How many functions a branch computes, outside of loops."""
    inside = [e for region in branch.regions for e in region.equations]
    return sum(map(is_function, inside)) + sum(_functions(e) for e in inside if e.op == "cond")


def has_test(equation: Equation) -> bool:
    """Whether an equation is a loop that ends by a test."""
    return equation.op == "loop" and len(equation.regions) == 2


def read_by(equations: Iterable[Equation], results: Iterable[Var]) -> list[Var]:
    """What equations read, and results, each once."""
    return list(dict.fromkeys([*(v for e in equations for v in e.operands), *results]))


class Need(IntEnum):
    """Whose iterations compute something in the old program, too: only there an array may be read, or an error raised."""

    NONE = 0
    SOME = 1
    ALL = 2


class _RefusedError(Exception):
    """An equation cannot be computed for all lanes together."""


class Lanes:
    """Equations on scalars, written again for all lanes; what is the same for all of them stays a scalar."""

    def __init__(self, builder: Builder, lanes: Dim, values: dict[Var, Var], need: Need) -> None:
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
                risky = risky or any(e.op in MAY_RAISE for e in equation.walk())
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
            self.run(equation, set(read_by(body.equations, body.results)))
        except _RefusedError:
            del self.b.equations[before:]
            self.runs, self.loaded = runs, loaded
            return False
        return True

    def run_all(self, function: Function) -> list[Var]:
        """Write all equations of a region; returns its results."""
        read = set(read_by(function.equations, function.results))
        for equation in function.equations:
            self.run(equation, read)
        return [self.values[v] for v in function.results]

    def inline(self, function: Function, arguments: Sequence[Var], running: Var | None = None) -> list[Var]:
        """Write a region applied to arguments right here, though not all lanes, or none, may run it."""
        scope = Lanes(self.b, self.lanes, dict(zip(function.parameters, arguments, strict=True)), Need.NONE)
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
                if self.need < (Need.ALL if self.is_wide(results[0]) else Need.SOME):
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
        if self.need < (Need.ALL if wide else Need.SOME) or len(wide) > 1 or any(v not in self.runs for v in wide):
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
            return not has_test(equation)
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
        if has_test(equation):
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

        need = min(self.need, Need.SOME)
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

    def region(self, function: Function, arguments: Sequence[Var], need: Need) -> tuple[Lanes, list[Var]]:
        """A scope for a region that takes arguments like these, and its parameters."""
        builder = Builder()
        parameters = [builder.parameter(p.name, v.type) for p, v in zip(function.parameters, arguments, strict=True)]
        scope = Lanes(builder, self.lanes, dict(zip(function.parameters, parameters, strict=True)), need)
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
    wanted = set(read_by(left, body.results))
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
