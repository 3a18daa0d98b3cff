"""Computes once more, after a loop, what the loop has kept of one of its iterations: so its gradient goes through that iteration alone.

A search keeps the best of many candidates. Its derivative is that of the one it kept, but the loop's would go back through all of them, with
a truth value saved for each. So the loop keeps in mind which iteration it was, too, and the candidate of that one is computed again after it: by
the same operations on the same numbers, and only where these are not changed by the loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..ir import ArrayType, Equation, Function, Type, Var
from ..ir.types import I64
from ..ops import Builder
from .dce import eliminate_dead_code, has_effect

_NUMBER = ArrayType(I64)


def compute_what_is_kept(function: Function) -> Function:
    """Let loops remember where what they keep comes from, and compute it after them.

    %1: f64[] = loop %0 n x worst {consts=1}          %1: f64[], %2: i64[], %3: i64[] = loop %0 n x worst zero zero {consts=1}
      (fn body(i, x, best) -> (f64[]) {                 (fn body(i, x, best, choice, at) -> (f64[], i64[], i64[]) {
        %0: f64[] = index x i                             %0: f64[] = index x i
        %1: f64[] = sin %0                                %1: f64[] = sin %0
        %2: bool[] = lt %1 best                           %2: bool[] = lt %1 best
        %3: f64[] = select %2 %1 best                     %3: f64[] = select %2 %1 best
        return %3                                         ...
      })                                                  return %3, %6, %7
                                                        })
                                                      %4: bool[] = eq %2 one
                                                      %5: f64[] = cond %4 %3 x worst
                                                        (fn then(i, x, best) -> (f64[]) {
                                                          %0: f64[] = index x i
                                                          %1: f64[] = sin %0
                                                          return %1
                                                        }) ...
    """
    if not any(equation.op == "loop" and _may_keep(equation) for equation in function.walk()):
        return function
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        equation = equation.replace(regions=tuple(map(compute_what_is_kept, equation.regions)))
        groups = _groups(equation) if equation.op == "loop" and _may_keep(equation) else []
        if groups:
            _Loop(builder, equation, groups).rewrite(environment)
        else:
            builder.copy(equation, environment)
    return builder.finish(function.name, [environment[v] for v in function.results]).replace(guards=function.guards)


def _may_keep(loop: Equation) -> bool:
    """Whether a loop has something to choose by, and a number to keep."""
    body = loop.regions[0]
    return any(e.op in ("select", "cond") for e in body.equations) and any(_is_float(v) for v in body.results)


def _is_float(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and var.type.is_float


def _is_whole(var: Var) -> bool:
    """Whether a value is an integer or a truth value: it has no derivative."""
    return isinstance(var.type, ArrayType) and not var.type.shape and not var.type.is_float


# Where a value comes from: another one by each way through branches, or the old one


@dataclass(frozen=True, slots=True)
class _Choice:
    """A value that is one of two by a test: a select, or a branch."""

    equation: Equation
    ways: tuple[_Way, ...]


_Way = _Choice | Var | None  # None is the old value
_Path = tuple[tuple[Equation, int], ...]  # branches, and which of their regions, from the outer to the inner


def _way(function: Function, var: Var, old: frozenset[Var]) -> _Way:
    """How a function comes to a value, ``old`` being what came in."""
    if var in old:
        return None
    equation = next((e for e in function.equations if var in e.results), None)
    if equation is None:
        return var
    ways: tuple[_Way, ...] = ()
    if equation.op == "select" and _is_whole(equation.operands[0]):
        ways = tuple(_way(function, v, old) for v in equation.operands[1:])
    elif equation.op == "cond":
        k = equation.results.index(var)
        for region in equation.regions:
            inner = frozenset(p for p, v in zip(region.parameters, equation.operands[1:], strict=True) if v in old)
            ways += (_way(region, region.results[k], inner),)
    return _Choice(equation, ways) if any(way is None or isinstance(way, _Choice) for way in ways) else var


def _outline(way: _Way) -> object:
    """What is the same of two values that are chosen together."""
    match way:
        case _Choice(equation, ways):
            by = equation.operands[0] if equation.op == "select" else equation.results[0]
            return by, tuple(map(_outline, ways))
    return way is None


def _others(way: _Way, path: _Path = ()) -> Iterator[tuple[_Path, Var]]:
    """The values other than the old one."""
    match way:
        case Var():
            yield path, way
        case _Choice(equation, ways):
            for k, inner in enumerate(ways):
                yield from _others(inner, path if equation.op == "select" else (*path, (equation, k)))


# What can be computed again


@dataclass(frozen=True, slots=True)
class _Group:
    """Carried values, by their places, that a loop replaces together; and the values that it replaces them by."""

    places: tuple[int, ...]
    way: _Choice
    candidates: tuple[_Candidate, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What one iteration offers: a function of the loop's index, its constants, its first values, and numbers of that iteration."""

    function: Function
    numbers: tuple[Var, ...]


def _reads_numbers(candidate: _Candidate) -> bool:
    """Whether there is anything that a derivative could go to."""
    function = candidate.function
    read = {v for e in function.equations for v in e.operands} | set(function.results)
    return any(_is_float(p) and p in read for p in function.parameters)


class _RefusedError(Exception):
    """Something depends on the iterations before."""


def _groups(loop: Equation) -> list[_Group]:
    """What a loop keeps that can be computed again."""
    body = loop.regions[0]
    carried = body.parameters[1 + loop["consts"] :]
    found: dict[object, list[tuple[int, _Choice]]] = {}
    for k, (parameter, result) in enumerate(zip(carried, body.results, strict=True)):
        way = _way(body, result, frozenset((parameter,))) if _is_float(result) else None
        if isinstance(way, _Choice):
            found.setdefault(_outline(way), []).append((k, way))
    groups = []
    for members in found.values():
        places = tuple(k for k, _ in members)
        try:
            _require_no_other_use(body, carried, places)
            others = zip(*(_others(way) for _, way in members), strict=True)
            candidates = tuple(_candidate(body, carried, several) for several in others)
        except _RefusedError:
            continue
        if any(map(_reads_numbers, candidates)):
            groups.append(_Group(places, members[0][1], candidates))
    return groups


def _require_no_other_use(body: Function, carried: Sequence[Var], places: Sequence[int]) -> None:
    """Give up where another value's derivative goes through those kept: then all iterations matter."""
    needed = {r for k, r in enumerate(body.results) if k not in places and not _is_whole(r)}
    for equation in reversed(body.equations):
        if not needed.isdisjoint(equation.results):
            needed.update(v for v in equation.operands if not _is_whole(v))
    if any(carried[k] in needed for k in places):
        raise _RefusedError


def _candidate(body: Function, carried: Sequence[Var], several: Sequence[tuple[_Path, Var]]) -> _Candidate:
    """The function that computes candidates again, all on the same path."""
    b = Builder(body.parameters)
    environment = {p: p for p in body.parameters}
    for equation in body.equations:
        b.copy(equation, environment)
    names = {new: old for old, new in environment.items()}
    inner = environment
    for equation, k in several[0][0]:
        region = equation.regions[k]
        inner = dict(zip(region.parameters, (inner[v] for v in equation.operands[1:]), strict=True))
        for e in region.equations:
            b.copy(e, inner)
    results = [inner[v] for _, v in several]
    equations, numbers = _needed(b.equations, results, carried, names)
    given = {v: Var(f"number_{k}", v.type) for k, v in enumerate(numbers)}
    equations = [e.replace(operands=tuple(given.get(v, v) for v in e.operands)) for e in equations]
    parameters = (*body.parameters, *given.values())
    function = Function("then", parameters, tuple(equations), tuple(given.get(v, v) for v in results))
    return _Candidate(eliminate_dead_code(function), tuple(names[v] for v in numbers))


def _needed(
    equations: Sequence[Equation], results: Sequence[Var], carried: Sequence[Var], names: dict[Var, Var]
) -> tuple[list[Equation], list[Var]]:
    """The equations that compute results, and integers of the iteration that they need; ``names`` are the body's own variables."""
    varying = set(carried)
    for e in equations:
        if not varying.isdisjoint(e.operands):
            varying.update(e.results)
    needed, numbers, kept = set(results), set(), []
    symbols = {name for v in results for name in v.type.symbols()}
    for e in reversed(equations):
        numbers |= {r for r in e.results if r in needed and r in varying and r in names and _is_whole(r)}
        if not any(r in needed and r not in numbers for r in e.results) and e.get("symbol") not in symbols:
            continue
        if has_effect(e):
            raise _RefusedError
        needed.update(e.operands)
        symbols |= e.symbols()
        kept.append(e)
    numbers |= {p for p in carried if p in needed and _is_whole(p)}
    if any(p in needed and p not in numbers for p in carried):
        raise _RefusedError
    return kept[::-1], sorted(numbers, key=lambda v: v.name)


# The loop, and what comes after it


class _Loop:
    """A loop that is written anew with more to carry: for each group which candidate it kept, from which iteration, and its numbers."""

    def __init__(self, builder: Builder, loop: Equation, groups: Sequence[_Group]) -> None:
        self.b, self.loop, self.groups = builder, loop, groups
        self.numbers = [tuple(dict.fromkeys(v for c in group.candidates for v in c.numbers)) for group in groups]
        self.added = [t for numbers in self.numbers for t in (_NUMBER, _NUMBER, *(v.type for v in numbers))]

    def rewrite(self, environment: dict[Var, Var]) -> None:
        """Append the loop and what is computed after it; the environment learns the results."""
        body, *test = self.loop.regions
        regions = (self.body(body), *(_with_parameters(t, self.added) for t in test))
        operands = tuple(environment[v] for v in self.loop.operands)
        self.b.source, self.b.hint = self.loop.source, ""
        starts = [self.b.zeros(t) for t in self.added]
        results = tuple(self.b.fresh(t) for t in (*(r.type for r in self.loop.results), *self.added))
        self.b.append(self.loop.replace(operands=(*operands, *starts), results=results, regions=regions))
        environment.update(zip(self.loop.results, results, strict=False))
        given = list(operands[2:])
        more = iter(results[len(self.loop.results) :])
        first = len(self.loop.results) - len(body.results)
        for group, numbers in zip(self.groups, self.numbers, strict=True):
            choice, at = next(more), next(more)
            saved = {v: next(more) for v in numbers}
            values = [operands[len(operands) - len(body.results) + k] for k in group.places]
            for n, candidate in enumerate(group.candidates, 1):
                arguments = [at, *given, *(saved[v] for v in candidate.numbers)]
                values = self.chosen(choice, n, candidate.function, arguments, values)
            environment.update((self.loop.results[first + k], v) for k, v in zip(group.places, values, strict=True))

    def chosen(self, choice: Var, n: int, function: Function, arguments: Sequence[Var], values: Sequence[Var]) -> list[Var]:
        """The values of a candidate where it was chosen, else others."""
        test = self.b.emit("eq", choice, self.b.constant(n, _NUMBER))
        read = {v for e in function.equations for v in e.operands} | set(function.results)
        pairs = [(p, v) for p, v in zip(function.parameters, arguments, strict=True) if p in read]
        others = [Var(f"other_{k}", v.type) for k, v in enumerate(values)]
        parameters = (*(p for p, _ in pairs), *others)
        regions = (function.replace(parameters=parameters), Function("orelse", parameters, (), tuple(others)))
        results = self.b.emit("cond", test, *(v for _, v in pairs), *values, regions=regions)
        return list(results) if isinstance(results, tuple) else [results]

    def body(self, body: Function) -> Function:
        """The body with more to carry."""
        b = Builder(body.parameters)
        added = iter([b.parameter("kept", t) for t in self.added])
        environment = {p: p for p in body.parameters}
        choices = _copy(b, body, environment, [(group.way, 1) for group in self.groups])
        results = []
        for choice, numbers in zip(choices, self.numbers, strict=True):
            before = next(added)
            is_new = b.emit("ne", choice, b.zeros(_NUMBER))
            results.append(b.select(is_new, choice, before))
            for v in (body.parameters[0], *numbers):
                results.append(b.select(is_new, environment[v], next(added)))
        return b.finish(body.name, [*(environment[v] for v in body.results), *results])


def _with_parameters(function: Function, types: Iterable[Type]) -> Function:
    """A function with parameters that it does not read."""
    b = Builder(function.parameters)
    for type in types:
        b.parameter("kept", type)
    return function.replace(parameters=tuple(b.parameters))


def _copy(b: Builder, function: Function, environment: dict[Var, Var], ways: Sequence[tuple[_Way, int]]) -> list[Var]:
    """Append the equations of a function; returns for each way which value it takes, counted from its number on, or 0 for the old one."""
    branches = [(k, choice, first) for k, way in enumerate(ways) for choice, first in _branches(*way)]
    numbers: dict[tuple[int, int], Var] = {}
    for equation in function.equations:
        asked = [(k, c, first) for k, c, first in branches if c.equation is equation]
        regions = equation.regions
        if asked:
            regions = tuple(_with_choices(r, [_inside(c, n, first) for _, c, first in asked]) for n, r in enumerate(regions))
        operands = tuple(environment[v] for v in equation.operands)
        results = tuple(b.fresh(t) for t in (*(r.type for r in equation.results), *[_NUMBER] * len(asked)))
        b.append(equation.replace(operands=operands, results=results, regions=regions))
        environment.update(zip(equation.results, results, strict=False))
        numbers.update(((k, first), v) for (k, _, first), v in zip(asked, results[len(equation.results) :], strict=True))

    def number(k: int, way: _Way, first: int) -> Var:
        if not isinstance(way, _Choice):
            return b.constant(0 if way is None else first, _NUMBER)
        if way.equation.op == "cond":
            return numbers[k, first]
        inner = [number(k, *_inside(way, n, first)) for n in range(2)]
        return b.select(environment[way.equation.operands[0]], *inner)

    return [number(k, *way) for k, way in enumerate(ways)]


def _with_choices(region: Function, ways: Sequence[tuple[_Way, int]]) -> Function:
    """A branch that says, too, which values it takes."""
    b = Builder(region.parameters)
    environment = {p: p for p in region.parameters}
    choices = _copy(b, region, environment, ways)
    return b.finish(region.name, [*(environment[v] for v in region.results), *choices])


def _branches(way: _Way, first: int) -> Iterator[tuple[_Choice, int]]:
    """The branches of the function at hand that decide, each with the number of its first value."""
    if isinstance(way, _Choice):
        if way.equation.op == "cond":
            yield way, first
        else:
            for n in range(2):
                yield from _branches(*_inside(way, n, first))


def _inside(choice: _Choice, n: int, first: int) -> tuple[_Way, int]:
    """One way of a choice, and the number of its first value."""
    return choice.ways[n], first + sum(len(list(_others(way))) for way in choice.ways[:n])
