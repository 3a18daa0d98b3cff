"""Skips loops that would add nothing but zeros.

Where a function has chosen, by ``maximum``, ``where`` or a branch, what was not chosen has a cotangent of 0, and ``masked_mul`` keeps it 0
whatever it is multiplied by. A loop that only spreads such a cotangent then need not run: of a rectified layer about every other.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..ir import ArrayType, Equation, Function, StackType, Var
from ..ops import Builder
from .dce import has_effect

_KEEPS_ZERO = frozenset(("neg", "convert", "broadcast", "reshape", "transpose"))


def skip_idle_loops(function: Function) -> Function:
    """Run a loop only if the number is not 0 without which nothing changes.

    %0: f64[n] = loop ... x ct ct_x {consts=2}        %0: bool[] = ne ct 0.0
      (fn body(i, x, ct, ct_x) -> (f64[n]) {          %1: f64[n] = cond %0 ... x ct ct_x
        %0: f64[] = index x i                           (fn then(..., x, ct, ct_x) -> (f64[n]) {
        %1: f64[] = masked_mul ct %0                      %0: f64[n] = loop ... x ct ct_x {consts=2}
        %2: f64[n] = index_add ct_x %1 i                  ...
        return %2                                         return %0
      })                                                })
                                                        (fn orelse(..., x, ct, ct_x) -> (f64[n]) {
                                                          return ct_x
                                                        })
    """
    if not any(equation.op == "masked_mul" for equation in function.walk()):
        return function
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        factor = _factor(equation)
        if factor is None:
            regions = tuple(map(skip_idle_loops, equation.regions))
            builder.copy(equation.replace(regions=regions), environment)
            continue
        operands = tuple(environment[v] for v in equation.operands)
        builder.source, builder.hint = equation.source, ""
        test = builder.emit("ne", environment[factor], builder.zeros_like(factor))
        results = builder.emit("cond", test, *operands, regions=_branches(equation, equation.operands.index(factor)))
        environment.update(zip(equation.results, results if isinstance(results, tuple) else (results,), strict=True))
    return builder.finish(function.name, [environment[v] for v in function.results]).replace(guards=function.guards)


def _branches(loop: Equation, place: int) -> tuple[Function, Function]:
    """The loop, whose operand at a place is not 0 any more, and nothing, as functions of what the loop takes."""
    (body,) = loop.regions
    loop = loop.replace(regions=(_with_factors(body, {body.parameters[place - 1]}),))
    branches = []
    for name in ("then", "orelse"):
        b = Builder()
        given = [b.parameter("limit" if k < 2 else "given", v.type) for k, v in enumerate(loop.operands)]
        results: Iterable[Var] = given[2 + loop["consts"] :]
        if name == "then":
            results = b.copy(loop, dict(zip(loop.operands, given, strict=True)))
        branches.append(b.finish(name, tuple(results)))
    return branches[0], branches[1]


def _with_factors(function: Function, factors: set[Var]) -> Function:
    """The function with plain products by these parameters, which are not 0."""
    equations = []
    for e in function.equations:
        if e.op == "masked_mul" and e.operands[0] in factors:
            e = e.replace(op="mul")
        elif e.op == "loop":
            inner = zip(e.operands[2 : 2 + e["consts"]], range(1, 1 + e["consts"]), strict=True)
            places = [k for v, k in inner if v in factors]
            e = e.replace(regions=tuple(_with_factors(region, {region.parameters[k] for k in places}) for region in e.regions))
        equations.append(e)
    return function.replace(equations=tuple(equations))


def _factor(equation: Equation) -> Var | None:
    """A number such that the loop changes nothing if it is 0; None if there is none, or if it will hardly ever be 0."""
    if equation.op != "loop" or len(equation.regions) != 1 or not equation.results:
        return None
    (body,) = equation.regions
    if not any(e.op == "masked_mul" for e in body.walk()):
        return None
    for operand, parameter in zip(equation.operands[2 : 2 + equation["consts"]], body.parameters[1:], strict=False):
        if _is_number(parameter) and all(_unchanged(body, {parameter})):
            return operand
    return None


def _is_number(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and not var.type.shape and var.type.is_float


def _unchanged(body: Function, zeros: set[Var]) -> list[bool]:
    """Which carried values the body of a loop returns as they came, if these parameters are 0."""
    origin = {p: p for p in body.parameters}
    zeros = set(zeros)
    for equation in body.equations:
        if has_effect(equation) or equation.op == "wrap_index" or any(isinstance(v.type, StackType) for v in equation.operands):
            return [False for _ in body.results]
        _learn(equation, zeros, origin)
    carried = body.parameters[len(body.parameters) - len(body.results) :]
    return [origin.get(r) == p for r, p in zip(body.results, carried, strict=True)]


def _learn(equation: Equation, zeros: set[Var], origin: dict[Var, Var]) -> None:
    """Note which results are 0, or a parameter that did not change; the sign of a zero does not count."""
    operands = equation.operands
    match equation.op:
        case "masked_mul" if operands[0] in zeros:
            zeros.add(equation.result)
        case op if op in _KEEPS_ZERO and operands[0] in zeros:
            zeros.add(equation.result)
        case "add" | "sub" if zeros.issuperset(operands):
            zeros.add(equation.result)
        case "add" if not zeros.isdisjoint(operands):
            (other,) = (v for v in operands if v not in zeros)
            _pass_on(other, equation.result, origin)
        case "sub" | "index_add" if operands[1] in zeros:
            _pass_on(operands[0], equation.result, origin)
        case "select" if zeros.issuperset(operands[1:]):
            zeros.add(equation.result)
        case "loop" if len(equation.regions) == 1:
            (body,) = equation.regions
            consts = equation["consts"]
            given = {p for p, v in zip(body.parameters[1 : 1 + consts], operands[2:], strict=False) if v in zeros}
            for same, before, result in zip(_unchanged(body, given), operands[2 + consts :], equation.results, strict=True):
                if same:
                    _pass_on(before, result, origin)


def _pass_on(before: Var, after: Var, origin: dict[Var, Var]) -> None:
    if before in origin:
        origin[after] = origin[before]
