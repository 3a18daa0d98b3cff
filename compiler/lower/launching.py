"""Groups of elementwise work become numbers in the driver, tiny loops written out, or kernels that are launched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..ir import Equation, Var
from .elements import Buffer, Value, literal
from .flatten import flatten
from .fusion import Group
from .kernels import Surroundings, build
from .moves import generalise
from .program import Call, Launch, Literal, Position
from .roles import Role, is_array, role_of
from .scope import Scope, Stack, name_of
from .tiny import is_tiny, write_out


def compute(scope: Scope, equation: Equation) -> None:
    """Compute a number in the driver."""
    body = scope.body()
    value = body.element(equation.result, ())
    scope.statements += body.steps  # type: ignore[arg-type]
    scope.shared.variables.discard(name_of(value))  # it may have two readers now
    scope.values[equation.result] = value


def run_group(scope: Scope, group: Group, position: int) -> None:
    """Make the kernel of a group and run it."""
    stored: dict[Var, Buffer] = {}
    if len(group.equations) == 1 and _makes_zeros(scope, group.equations[0]):
        (equation,) = group.equations
        scope.new_buffer(equation.result, scope.wish(equation), zero=True, source=equation.source)
        return
    for equation in group.equations:
        result = equation.result
        if role_of(equation) is Role.WRITE:
            if _write_scalar(scope, equation):
                return
            stored[result] = scope.values[result] = scope.buffer(equation.operands[0])
        elif result in scope.plan.stored and is_array(result):
            wish, source = scope.wish(equation), equation.source
            reused = scope.on_stack(result, wish, source) or _reuse(scope, group, position, result, stored)
            stored[result] = reused or scope.new_buffer(result, wish, source=source)
    seen = Surroundings(_Apart(scope, stored), scope.definition, scope.shared.sizes)
    scalars = [e.result for e in group.equations if role_of(e) is Role.REDUCE and not is_array(e.result)]
    run_kernel(scope, build(group, stored, seen), scalars)


class _Apart:
    """Where variables are, for a kernel that writes to some buffers: it sees no memory under two names, if it writes there."""

    def __init__(self, scope: Scope, stored: Mapping[Var, Buffer]) -> None:
        self.scope = scope
        self.written = {buffer.storage: buffer.name for buffer in stored.values()}
        self.copies: dict[str, Buffer] = {}

    def __call__(self, var: Var) -> Value | None:
        value = self.scope.lookup(var)
        if not isinstance(value, Buffer) or self.written.get(value.storage, value.name) == value.name:
            return value
        if var in self.scope.plan.views:
            return None  # its elements are elements of what it shows
        if value.name not in self.copies:
            name = self.scope.shared.names.fresh(value.name)
            self.scope.statements.append(Call("copied", (value.name,), (name,)))
            self.copies[value.name] = Buffer(name, value.type, name)
        return self.copies[value.name]


def run_kernel(scope: Scope, built: Launch, scalars: Sequence[Var] = ()) -> None:
    """Launch a kernel that returns these scalars, or write it out if it is tiny and stands in a loop."""
    if scope.shared.loops and scope.shared.flat and is_tiny(built.kernel):
        steps, totals = write_out(built, scope.shared.names.fresh)
        scope.statements += steps  # type: ignore[arg-type]
        scope.values.update(zip(scalars, totals, strict=True))
        return
    launch = _flattened(scope, built)
    results = tuple(scope.bind_scalar(var, scope.wish(scope.definition[var])) for var in scalars)
    kernel = scope.shared.share(launch.kernel)
    scope.statements.append(Launch(kernel, launch.buffers, launch.scalars, results, launch.source))


def _flattened(scope: Scope, launch: Launch) -> Launch:
    """The launch of the kernel with as few axes as possible, on buffers seen as it wants them."""
    if not scope.shared.flat:
        return launch
    flat, types = flatten(launch)
    parameters = zip(launch.kernel.buffers, launch.buffers, types, strict=True)
    seen = tuple(scope.seen_as(Buffer(name, p.type, name), type).name for p, name, type in parameters)
    return generalise(replace(flat, buffers=seen), types)


def _reuse(scope: Scope, group: Group, position: int, result: Var, stored: Mapping[Var, Buffer]) -> Buffer | None:
    """The memory of an operand that nobody reads after this group, for a result of the same type."""
    used = {buffer.storage for buffer in stored.values()}
    for read in sorted(group.reads, key=lambda read: _preference(scope, read.var, result)):
        value = scope.values.get(read.var)
        if not isinstance(value, Buffer) or value.type != result.type or value.storage in used:
            continue
        alone = all(r.here and r.var == read.var for r in group.reads if scope.storage(r.var) == value.storage)
        if alone and _is_free(scope, read.var, position) and _may_hold(scope, value, result):
            scope.values[result] = value
            return value
    return None


def _preference(scope: Scope, operand: Var, result: Var) -> int:
    """Which memory a result would rather have: that which it must go to in the end, as that of a carried value, then what
    comes from outside."""
    if scope.shared.targets.get(scope.storage(operand) or "") == result or scope.before.get(result) == operand:
        return 0
    return 2 if operand in scope.definition else 1


def _may_hold(scope: Scope, value: Buffer, result: Var) -> bool:
    """Whether memory may hold a result: the caller's should not hold what is returned."""
    if value.storage not in scope.shared.borrowed or result not in scope.shared.function.results:
        return True
    return scope.shared.targets.get(value.storage) == result


def _is_free(scope: Scope, var: Var, position: int) -> bool:
    """Whether the memory of a variable is this scope's, and its last reader is the group at a position."""
    if not scope.shared.reuse or var in scope.plan.views or var in scope.plan.destroyed or scope.plan.last.get(var) != position:
        return False
    if var in scope.kept:
        return False
    return var in scope.owned or var in scope.definition


def _makes_zeros(scope: Scope, equation: Equation) -> bool:
    """Whether an equation makes nothing but zeros."""
    while equation.op in ("copy", "broadcast", "convert"):
        (operand,) = equation.operands
        if operand in scope.values or operand not in scope.definition:
            return _is_zero(scope.values.get(operand))
        equation = scope.definition[operand]
    return equation.op == "constant" and _is_zero(literal(equation["value"], equation["dtype"]))


def _is_zero(value: Value | Stack | None) -> bool:
    """Whether a value is the number 0, not -0.0."""
    number = value.value if isinstance(value, Literal) else value.dim if isinstance(value, Position) else None
    return repr(number) in ("0", "0.0", "False")


def _write_scalar(scope: Scope, equation: Equation) -> bool:
    """Write a single element from the driver."""
    if is_array(equation.operands[1]) or equation.op not in ("update", "index_add"):
        return False
    target, value, *starts = equation.operands
    buffer, body = scope.buffer(target), scope.body()
    index = body.selected(equation["spec"], tuple(starts), ())
    body.store(buffer, index, body.element(value, ()), equation, add=equation.op == "index_add")
    scope.statements += body.steps  # type: ignore[arg-type]
    scope.values[equation.result] = buffer
    return True
