"""Takes work that is the same in every iteration out of loops."""

from __future__ import annotations

from ..ir import ArrayType, Equation, Function, StackType, Var
from ..ops import OPS, Builder
from .cse import is_repeatable

# no work by themselves: readers read through them, so memory for them outside of the loop would only cost
_FREE = frozenset(("constant", "size", "iota", "broadcast", "reshape", "transpose", "index"))
_MAY_RAISE = frozenset(
    ("wrap_index", "check", "max", "min", "argmax", "argmin", "lu_solve", "cholesky", "eigh", "svd", "pinv", "loop", "cond",
     "custom_vjp", "checkpoint")
)  # fmt: skip


def hoist_invariants(function: Function) -> Function:
    """Compute before a loop what does not depend on the iteration, and pass what never changes as a constant.

    loop ... y x {consts=1}                             %0: f64[] = sin y
      (fn body(i, y, x) -> (f64[]) {                    loop ... %0 x {consts=1}
        %0: f64[] = sin y                                 (fn body(i, s, x) -> (f64[]) {
        %1: f64[] = mul x %0                                %0: f64[] = mul x s
        return %1                                           return %0
      })                                                  })
    """
    if not any(equation.regions for equation in function.equations):
        return function
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for equation in function.equations:
        equation = equation.replace(regions=tuple(map(hoist_invariants, equation.regions)))
        if equation.op == "loop":
            _hoist_loop(builder, equation, environment)
        else:
            builder.copy(equation, environment)
    results = [environment[v] for v in function.results]
    return builder.finish(function.name, results).replace(guards=function.guards)


def _hoist_loop(builder: Builder, equation: Equation, environment: dict[Var, Var]) -> None:
    equation, unchanged = _constants_from_carried(equation)
    consts = equation["consts"]
    body, *test = equation.regions
    outside: dict[Var, Var] = {
        p: environment[v] for p, v in zip(body.parameters[1 : 1 + consts], equation.operands[2:], strict=False)
    }
    moved = _invariants(body, set(outside))
    for inner in moved:
        builder.source, builder.hint = inner.source, inner.hint
        builder.copy(inner, outside)
    gone = {r for inner in moved for r in inner.results if inner.op not in _FREE or not _is_array(r)}
    rest = tuple(e for e in body.equations if not (e.results and set(e.results) <= gone and _is_work(e)))
    read = {v for e in rest for v in e.operands} | set(body.results)
    defined = {r for e in rest for r in e.results}
    new = [v for inner in moved for v in inner.results if v in read and v not in defined]
    added = tuple(Var(f"{v.name}'", v.type) for v in new)
    renamed = _rename(rest, body.results, dict(zip(new, added, strict=True)))
    split = 1 + consts
    body = body.replace(
        parameters=(*body.parameters[:split], *added, *body.parameters[split:]), equations=renamed[0], results=renamed[1]
    )
    tests = [t.replace(parameters=(*t.parameters[:split], *added, *t.parameters[split:])) for t in test]
    operands = [environment[v] for v in equation.operands]
    operands[2 + consts : 2 + consts] = [outside[v] for v in new]
    attributes = tuple((n, consts + len(new) if n == "consts" else value) for n, value in equation.attributes)
    results = tuple(builder.fresh(r.type) for r in equation.results)
    builder.append(
        equation.replace(
            operands=tuple(operands), results=results, attributes=attributes,
            regions=(_clean(body), *map(_clean, tests)),
        )
    )  # fmt: skip
    environment.update(zip(equation.results, results, strict=True))
    for result, initial in unchanged.items():
        environment[result] = environment[initial]


def _clean(region: Function) -> Function:
    """The region with names that are its own: parameters that were added get plain ones."""
    builder = Builder()
    environment = {p: builder.parameter(p.name.replace("%", "v").rstrip("'"), p.type) for p in region.parameters}
    for equation in region.equations:
        builder.copy(equation, environment)
    return builder.finish(region.name, [environment[v] for v in region.results])


def _is_array(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and bool(var.type.shape)


def _is_work(equation: Equation) -> bool:
    """Whether an equation is worth a variable outside of the loop."""
    if equation.op in ("constant", "size"):
        return False
    return equation.op not in _FREE or not any(_is_array(r) for r in equation.results)


def _invariants(body: Function, known: set[Var]) -> list[Equation]:
    """The equations to compute outside, with the free ones that they read."""
    invariant: dict[Var, Equation] = {}
    for equation in body.equations:
        if all(v in known or v in invariant for v in equation.operands) and _is_movable(equation, body):
            invariant.update((r, equation) for r in equation.results)
    wanted: set[Var] = set()
    moved: list[Equation] = []
    for equation in reversed(body.equations):
        if not equation.results or equation.results[0] not in invariant:
            continue
        if _is_work(equation) or not wanted.isdisjoint(equation.results):
            wanted.update(equation.operands)
            moved.append(equation)
    return moved[::-1]


def _is_movable(equation: Equation, body: Function) -> bool:
    if equation.op in _MAY_RAISE or OPS[equation.op].effect or not is_repeatable(equation):
        return False
    return not any(isinstance(r.type, StackType) for r in equation.results) and not _uses_inner_symbol(equation, body)


def _uses_inner_symbol(equation: Equation, body: Function) -> bool:
    bound = {e.get("symbol") for e in body.equations} - {None}
    return bool(bound) and not bound.isdisjoint(equation.symbols())


def _rename(
    equations: tuple[Equation, ...], results: tuple[Var, ...], names: dict[Var, Var]
) -> tuple[tuple[Equation, ...], tuple[Var, ...]]:
    renamed = tuple(e.replace(operands=tuple(names.get(v, v) for v in e.operands)) for e in equations)
    return renamed, tuple(names.get(v, v) for v in results)


def _constants_from_carried(equation: Equation) -> tuple[Equation, dict[Var, Var]]:
    """Pass carried values that the body returns as they came as constants; also, which results are which operands."""
    consts = equation["consts"]
    body, *test = equation.regions
    carried = range(len(body.results))
    same = [k for k in carried if body.results[k] == body.parameters[1 + consts + k]]
    if not same:
        return equation, {}
    order = [*range(consts), *(consts + k for k in same), *(consts + k for k in carried if k not in same)]
    inner = [0, *(1 + k for k in order)]
    stay = [k for k in carried if k not in same]
    head = len(equation.results) - len(body.results)
    unchanged = {equation.results[head + k]: equation.operands[2 + consts + k] for k in same}
    regions = [region.replace(parameters=tuple(region.parameters[k] for k in inner)) for region in equation.regions]
    regions[0] = regions[0].replace(results=tuple(body.results[k] for k in stay))
    del test
    changed = equation.replace(
        operands=(*equation.operands[:2], *(equation.operands[2 + k] for k in order)),
        results=(*equation.results[:head], *(equation.results[head + k] for k in stay)),
        attributes=tuple((n, consts + len(same) if n == "consts" else v) for n, v in equation.attributes),
        regions=tuple(regions),
    )
    return changed, unchanged
