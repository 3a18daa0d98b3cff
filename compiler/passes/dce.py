"""Drops what nobody reads."""

from __future__ import annotations

from collections.abc import Iterable

from ..ir import Equation, Function, Var
from ..ops import OPS, renumber


def eliminate_dead_code(function: Function) -> Function:
    """Drop equations, carried values, results and arguments of regions that nobody reads.

    fn f(x: f64[]) -> (f64[]) {                       fn f(x: f64[]) -> (f64[]) {
      %0: f64[] = sin x                                 %0: f64[] = cos x
      %1: f64[] = cos x                                 return %0
      return %1                                       }
    }
    """
    return renumber(_prune(function))


def _prune(function: Function) -> Function:
    live: set[Var] = set(function.results)
    symbols: set[str] = set()
    for result in function.results:
        symbols |= result.type.symbols()
    kept: list[Equation] = []
    for equation in reversed(function.equations):
        if not _is_needed(equation, live, symbols):
            continue
        equation = _prune_regions(equation, live)
        live.update(equation.operands)
        symbols |= equation.symbols()
        kept.append(equation)
    return function.replace(equations=tuple(reversed(kept)))


def has_effect(equation: Equation) -> bool:
    """Whether an equation does something besides giving results."""
    return OPS[equation.op].effect or any(has_effect(e) for region in equation.regions for e in region.equations)


def _is_needed(equation: Equation, live: set[Var], symbols: set[str]) -> bool:
    if not live.isdisjoint(equation.results) or has_effect(equation):
        return True
    return equation.get("symbol") in symbols


def _prune_regions(equation: Equation, live: set[Var]) -> Equation:
    match equation.op:
        case "loop":
            return _prune_loop(equation, live)
        case "cond":
            return _prune_cond(equation, live)
    return equation.replace(regions=tuple(map(_prune, equation.regions))) if equation.regions else equation


def _read_by(function: Function) -> set[Var]:
    """What the equations and results of a function read."""
    return {v for e in function.equations for v in e.operands} | set(function.results)


def _pick(items: tuple, chosen: Iterable[int]) -> tuple:
    return tuple(items[k] for k in chosen)


def _prune_cond(equation: Equation, live: set[Var]) -> Equation:
    results = [k for k, r in enumerate(equation.results) if r in live]
    branches = [_prune(region.replace(results=_pick(region.results, results))) for region in equation.regions]
    read = [_read_by(branch) for branch in branches]
    arguments = [
        k for k in range(len(equation.operands) - 1)
        if any(branch.parameters[k] in r for branch, r in zip(branches, read, strict=True))
    ]  # fmt: skip
    return equation.replace(
        operands=(equation.operands[0], *_pick(equation.operands[1:], arguments)),
        results=_pick(equation.results, results),
        regions=tuple(b.replace(parameters=_pick(b.parameters, arguments)) for b in branches),
    )


def _prune_loop(equation: Equation, live: set[Var]) -> Equation:
    """A carried value stays if it is read after the loop, or by what stays inside."""
    consts = equation["consts"]
    body, *test = equation.regions
    count = len(body.results)
    results = equation.results[-count:] if count else ()
    test = [_prune(t) for t in test]
    read_by_test = _read_by(test[0]) if test else set()
    kept = {
        k for k in range(count)
        if results[k] in live or (test and test[0].parameters[1 + consts + k] in read_by_test)
    }  # fmt: skip
    while True:
        pruned = _prune(body.replace(results=_pick(body.results, sorted(kept))))
        read = _read_by(pruned)
        more = {k for k in range(count) if body.parameters[1 + consts + k] in read} - kept
        if not more:
            break
        kept |= more
    carried = sorted(kept)
    shared = [
        k for k in range(consts)
        if body.parameters[1 + k] in read or (test and test[0].parameters[1 + k] in read_by_test)
    ]  # fmt: skip
    inner = [0, *(1 + k for k in shared), *(1 + consts + k for k in carried)]
    regions = [pruned.replace(parameters=_pick(pruned.parameters, inner))]
    regions += [t.replace(parameters=_pick(t.parameters, inner)) for t in test]
    attributes = tuple((name, len(shared) if name == "consts" else value) for name, value in equation.attributes)
    return equation.replace(
        operands=_pick(equation.operands, [0, 1, *(1 + k for k in inner[1:])]),
        results=(*equation.results[: len(equation.results) - count], *_pick(results, carried)),
        attributes=attributes,
        regions=tuple(regions),
    )
