"""Makes constants where they are used: inside regions, which otherwise get them as operands."""

from __future__ import annotations

from ..ir import Equation, Function, Var
from ..ops import Builder

_MADE_OF_NOTHING = ("constant", "size", "iota")


def sink_constants(function: Function) -> Function:
    """Repeat constants, sizes, and broadcasts of them, inside the regions that read them.

    %0: f64[] = constant {value=2.0, dtype=f64}           %0: f64[] = constant {value=2.0, dtype=f64}
    %1: f64[] = cond c x %0                               %1: f64[] = cond c x %0
      (fn then(x: f64[], k: f64[]) -> (f64[]) {             (fn then(x: f64[], k: f64[]) -> (f64[]) {
        %0: f64[] = mul x k                                   %0: f64[] = constant {value=2.0, dtype=f64}
        return %0                                             %1: f64[] = mul x %0
      })                                                      return %1
      ...                                                   })
                                                            ...
    """
    return _sink(function, {})


Chain = tuple[Equation, ...]


def _sink(function: Function, known: dict[Var, Chain]) -> Function:
    """``known`` gives, for parameters, the equations that make the same value; the last one is the value."""
    if not known and not any(equation.regions for equation in function.equations):
        return function
    builder = Builder(function.parameters)
    environment: dict[Var, Var] = {}
    chains = dict(known)
    for parameter in function.parameters:
        environment[parameter] = _remake(builder, known[parameter]) if parameter in known else parameter
    for equation in function.equations:
        chain = _chain(equation, chains)
        if chain is not None:
            chains[equation.result] = chain
        builder.copy(_inside(equation, chains), environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)


def _chain(equation: Equation, chains: dict[Var, Chain]) -> Chain | None:
    if equation.op in _MADE_OF_NOTHING:
        return (equation,)
    if equation.op in ("broadcast", "convert", "reshape") and equation.operands[0] in chains:
        return (*chains[equation.operands[0]], equation)
    return None


def _remake(builder: Builder, chain: Chain) -> Var:
    environment: dict[Var, Var] = {}
    value: Var | None = None
    for equation in chain:
        if equation.operands:
            assert value is not None
            environment[equation.operands[0]] = value
        (value,) = builder.copy(equation, environment)
    assert value is not None
    return value


def _inside(equation: Equation, chains: dict[Var, Chain]) -> Equation:
    if not equation.regions:
        return equation
    if equation.op == "loop":
        shared = range(2, 2 + equation["consts"])
        offset = 1
    elif equation.op == "cond":
        shared = range(1, len(equation.operands))
        offset = 1
    else:
        return equation
    regions = []
    for region in equation.regions:
        known = {
            region.parameters[k - shared.start + (offset if equation.op == "loop" else 0)]: chains[equation.operands[k]]
            for k in shared
            if equation.operands[k] in chains
        }
        read = {v for e in region.equations for v in e.operands} | set(region.results)
        regions.append(_sink(region, {p: chain for p, chain in known.items() if p in read}))
    return equation.replace(regions=tuple(regions))
