"""All equations of a function or region in order; the regions of loops and branches stand inside the driver code around them."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import LoweringError
from ..ir import Equation, Function, StackType, Var, symbol
from .elements import Buffer, Value
from .launching import compute, run_group
from .opaque import OPAQUE
from .program import Atom, Bind, For, If, Position, Statement
from .roles import Role, is_array
from .scope import Scope, Stack, argument, name_of
from .stacks import reserve


def lower_groups(scope: Scope) -> None:
    """Lower every group of a function or region."""
    for position, group in enumerate(scope.plan.groups):
        match group.role:
            case Role.SCALAR:
                compute(scope, group.equations[0])
            case Role.OPAQUE:
                _lower_opaque(scope, group.equations[0])
            case _:
                run_group(scope, group, position)


def _lower_opaque(scope: Scope, equation: Equation) -> None:
    if equation.op not in _RULES:
        raise LoweringError(f"{equation.op} cannot be lowered; inline it first")
    _RULES[equation.op](scope, equation)


def _lower_region(
    scope: Scope, function: Function, values: Sequence[Value | Stack], owned: frozenset[Var] = frozenset()
) -> tuple[Scope, list[Value | Stack]]:
    """Lower a region applied to values; returns its scope and its results."""
    region = Scope(scope.shared, function, dict(zip(function.parameters, values, strict=True)), owned)
    lower_groups(region)
    return region, [region.values[v] for v in function.results]


def _carry(scope: Scope, var: Var, parameter: Var) -> Value | Stack:
    """The variable of a loop for a carried value: the one that holds its initial value if nobody else reads that."""
    value = scope.values[var]
    if isinstance(value, Stack | Buffer) or _is_own_variable(scope, var, value):
        return value
    name = scope.shared.names.fresh(parameter.name)
    scope.shared.variables.add(name)
    scope.statements.append(Bind((name,), (value,)))
    return argument(name, parameter.type)  # type: ignore[arg-type]


def _is_own_variable(scope: Scope, var: Var, value: Atom) -> bool:
    """Whether a scalar is a variable that loops assign, and that is read only once more."""
    here = var in scope.definition or var in scope.owned
    return here and scope.uses[var] == 1 and name_of(value) in scope.shared.variables


def _lower_loop(scope: Scope, equation: Equation) -> None:
    start, stop, *inner = equation.operands
    split = equation["consts"]
    body, *tests = equation.regions
    constants = [scope.values[v] for v in inner[:split]]
    carried = [_carry(scope, v, p) for v, p in zip(inner[split:], body.parameters[1 + split :], strict=True)]
    reserved = reserve(scope, equation, carried)
    index = scope.shared.names.index(body.parameters[0].name)
    arguments = [Position(symbol(index)), *constants, *carried]
    scope.shared.loops += 1
    inside, results = _lower_region(scope, body, arguments, frozenset(body.parameters[1 + split :]))
    inside.rebind(carried, results)
    test: tuple[Statement, ...] = ()
    condition, count = None, ""
    if tests:
        test_scope, (found,) = _lower_region(scope, tests[0], arguments)
        test, condition = tuple(test_scope.statements), found
        count = scope.bind_scalar(equation.results[0], "count")
    scope.shared.loops -= 1
    scope.shared.names.release(index)
    for stack in reserved:
        stack.has_room = False
    scope.statements.append(
        For(index, scope.atom(start), scope.atom(stop), equation["step"], tuple(inside.statements), test, condition, count,  # type: ignore[arg-type]
            equation.source)
    )  # fmt: skip
    for result, value, last in zip(equation.results[-len(carried) :] if carried else (), carried, results, strict=True):
        scope.values[result] = _after(scope, value, last)
    moved = {v.storage for v in map(scope.values.get, equation.results) if isinstance(v, Buffer)} - {
        v.storage for v in carried if isinstance(v, Buffer)
    }
    if any(v.storage in scope.shared.borrowed for v in results if isinstance(v, Buffer)):
        scope.shared.borrowed |= moved  # they may have changed places


def _after(scope: Scope, value: Value | Stack, last: Value | Stack) -> Value | Stack:
    """The value that a loop leaves in a carried variable."""
    if isinstance(value, Buffer) and isinstance(last, Buffer) and last.storage != value.storage:
        scope.forget_views(value.name)
        return Buffer(value.name, value.type, f"{value.name}'")
    return value


def _lower_cond(scope: Scope, equation: Equation) -> None:
    test, *arguments = equation.operands
    values = [scope.values[v] for v in arguments]
    branches = [_lower_region(scope, region, values) for region in equation.regions]
    (then, then_results), (orelse, else_results) = branches
    targets = [_join(scope, r, a, b, equation) for r, a, b in zip(equation.results, then_results, else_results, strict=True)]
    then.rebind(targets, then_results)
    orelse.rebind(targets, else_results)
    scope.statements.append(If(scope.atom(test), tuple(then.statements), tuple(orelse.statements), equation.source))


def _join(scope: Scope, result: Var, a: Value | Stack, b: Value | Stack, equation: Equation) -> Value | Stack:
    """The variable in which both branches leave a result."""
    if a == b:
        scope.values[result] = a
        scope.shared.variables.discard(name_of(a))  # it may have two readers now
        return a
    if isinstance(result.type, StackType):
        raise LoweringError("the branches of cond leave different stacks")
    name = scope.bind_scalar(result, equation.hint or "value")
    if not is_array(result):
        scope.shared.variables.add(name)
    elif {v.storage for v in (a, b) if isinstance(v, Buffer)} & scope.shared.borrowed:
        scope.shared.borrowed.add(name)
    return scope.values[result]


_RULES = {**OPAQUE, "loop": _lower_loop, "cond": _lower_cond}
