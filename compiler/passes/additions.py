"""Adds in the branch that makes it what the other branch leaves at zero.

A loop that writes to an array in a branch has a backward loop like this: where the branch was not taken, nothing but zeros are added.
"""

from __future__ import annotations

from collections import Counter

from ..ir import ArrayType, Equation, Function, Var
from ..ops import Builder

_KEEPS_ZERO = frozenset(("neg", "convert", "masked_mul"))  # of the first operand


def add_in_branches(function: Function) -> Function:
    """Move additions of what only one branch makes into that branch, if it writes to arrays anyhow.

    %0: f64[n], %1: f64[] = cond c x i                    %0: f64[n] = cond c x i j
      (fn then(x, i) -> (f64[n], f64[]) {                   (fn then(x, i, j) -> (f64[n]) {
        ...                                                   ...
        return %2, %0                                         %3: f64[n] = index_add %2 %0 j
      })                                                      return %3
      (fn orelse(x, i) -> (f64[n], f64[]) {                 })
        %0: f64[] = constant {value=0.0, dtype=f64}         (fn orelse(x, i, j) -> (f64[n]) {
        return x, %0                                          return x
      })                                                    })
    %2: f64[n] = index_add %0 %1 j
    """
    if not any(equation.op == "cond" for equation in function.walk()):
        return function
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    uses = Counter(v for e in function.equations for v in e.operands)
    uses.update(function.results)
    moved: set[int] = set()
    for place, equation in enumerate(function.equations):
        if place in moved:
            continue
        regions = tuple(map(add_in_branches, equation.regions))
        equation = equation.replace(regions=regions) if regions else equation
        tail = _tail(equation, function.equations, place, set(environment), uses) if equation.op == "cond" else []
        if tail:
            moved.update(tail)
            equation = _with_tail(equation, [function.equations[k] for k in tail])
        builder.copy(equation, environment)
    return builder.finish(function.name, [environment[v] for v in function.results]).replace(guards=function.guards)


def _tail(cond: Equation, equations: tuple[Equation, ...], place: int, known: set[Var], uses: Counter[Var]) -> list[int]:
    """The places of the equations to move into the branches of ``cond``; ``known`` are the variables before it."""
    if not any(_is_array(r) for r in cond.results):
        return []
    zeros = {r for r, *ends in zip(cond.results, *_zero_results(cond), strict=True) if any(ends)}
    known = known.union(cond.results)
    tail: list[int] = []
    for k, e in enumerate(equations[place + 1 :], place + 1) if zeros else ():
        if not known.issuperset(e.operands):
            continue
        if e.op in _KEEPS_ZERO and e.operands[0] in zeros and not _is_array(e.result):
            zeros.add(e.result)
        elif not (
            e.op == "index_add" and e.operands[1] in zeros and uses[e.operands[0]] == 1 + (e.operands[0] in cond.operands)
        ):
            continue
        tail.append(k)
        known.add(e.result)
    return tail if any(equations[k].op == "index_add" for k in tail) else []


def _is_array(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and bool(var.type.shape)


def _zero_results(cond: Equation) -> list[list[bool]]:
    """For each branch, which of its results are the number 0."""
    zeros = [{e.result for e in r.equations if e.op == "constant" and e["value"] == 0} for r in cond.regions]
    return [[v in found for v in region.results] for found, region in zip(zeros, cond.regions, strict=True)]


def _with_tail(cond: Equation, tail: list[Equation]) -> Equation:
    """The branches with further equations at their ends, and the results of these; what adds a zero is left out."""
    made = {*cond.results, *(e.result for e in tail)}
    taken = cond.operands[1:]
    added = tuple(dict.fromkeys(v for e in tail for v in e.operands if v not in made and v not in taken))
    regions = []
    for region, is_zero in zip(cond.regions, _zero_results(cond), strict=True):
        builder = Builder()
        parameters = [builder.parameter(p.name, p.type) for p in region.parameters]
        given = [builder.parameter(v.name.replace("%", "v"), v.type) for v in added]
        results = builder.inline(region, parameters)
        environment = dict(zip((*taken, *added, *cond.results), (*parameters, *given, *results), strict=True))
        zeros = {r for r, flag in zip(cond.results, is_zero, strict=True) if flag}
        for e in tail:
            if e.op != "index_add" and e.operands[0] in zeros:
                environment[e.result] = builder.zeros_like(e.result)
                zeros.add(e.result)
            elif e.op == "index_add" and e.operands[1] in zeros:
                environment[e.result] = environment[e.operands[0]]
            else:
                builder.source, builder.hint = e.source, e.hint
                builder.copy(e, environment)
        regions.append(builder.finish(region.name, [*results, *(environment[e.result] for e in tail)]))
    return cond.replace(
        operands=(*cond.operands, *added),
        results=(*cond.results, *(e.result for e in tail)),
        regions=tuple(regions),
    )
