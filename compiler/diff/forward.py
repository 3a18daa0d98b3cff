"""Forward mode: each equation is followed by that of its tangent; loops and branches carry both together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import DTypeError, UnsupportedError
from ..ir import Equation, Function, Var
from .activity import activity, loop_activity
from .linear import DiffBuilder
from .linearize import Linearizer, RegionRule, is_differentiable, same_loop_without_identities
from .regions import as_tuple, close_region, without_dead_equations


def jvp(function: Function, wrt: Sequence[int]) -> Function:
    """The function and its derivative in one direction.

    Parameters: those of the function, then a tangent ``d_x`` for each parameter x in ``wrt``. Results: those of the function,
    then a tangent for each float result, zeros where it does not depend on ``wrt``.
    """
    for k in wrt:
        if not is_differentiable(function.parameters[k]):
            raise DTypeError(f"{function.parameters[k].name} is {function.parameters[k].type}: only floats have tangents")
    b = DiffBuilder(function.parameters)
    b.guards = list(function.guards)
    tangents = {k: b.parameter(f"d_{function.parameters[k].name}", function.parameters[k].type) for k in wrt}
    linearizer = Linearizer(b, FORWARD_RULES)
    start = [tangents.get(k) for k in range(len(function.parameters))]
    results, _ = linearizer.run(function, function.parameters, start)
    b.source = None
    floats = [v for v in function.results if is_differentiable(v)]
    return without_dead_equations(b.finish(f"{function.name}_jvp", [*results, *linearizer.tangents_or_zeros(floats)]))


class _Joint:
    """A region with the tangents of its active parameters and results."""

    def __init__(self, outer: DiffBuilder, function: Function, parameters: Sequence[bool], results: Sequence[bool]) -> None:
        self.function = function
        self.builder = DiffBuilder(function.parameters, outer.numbers)
        self.tangents = [
            self.builder.fresh(p.type) if flag else None for p, flag in zip(function.parameters, parameters, strict=True)
        ]
        linearizer = Linearizer(self.builder, FORWARD_RULES)
        known = activity(function, parameters, results)
        values, _ = linearizer.run(function, function.parameters, self.tangents, known)
        self.builder.source = None
        active = [v for v, flag in zip(function.results, results, strict=True) if flag]
        self.results = [*values, *linearizer.tangents_or_zeros(active)]

    def close(self, order: Sequence[int]) -> Function:
        """As a function; ``order`` says how many parameters stand before their tangents, group by group."""
        return close_region(self.function.name, self._inputs(order), self.builder.equations, self.results)

    def beside(self, other: Function, order: Sequence[int]) -> Function:
        """Another region of the same parameters, which ignores the tangents."""
        b = DiffBuilder(self.function.parameters, self.builder.numbers)
        results = b.inline(other, self.function.parameters)
        return close_region(other.name, self._inputs(order), b.equations, results)

    def _inputs(self, order: Sequence[int]) -> list[tuple[Var, str]]:
        inputs: list[tuple[Var, str]] = []
        start = 0
        for count in order:
            group = self.function.parameters[start : start + count]
            tangents = self.tangents[start : start + count]
            inputs += [(p, p.name) for p in group]
            inputs += [(t, f"d_{p.name}") for p, t in zip(group, tangents, strict=True) if t is not None]
            start += count
        return inputs


def _jvp_loop(linearizer: Linearizer, original: Equation) -> None:
    """A loop that carries values and tangents together."""
    e, same = same_loop_without_identities(original)
    consts, carried = loop_activity(e, linearizer.active)
    body, *test = e.regions
    joint = _Joint(linearizer.builder, body, [False, *consts, *carried], carried)
    order = (1, len(consts), len(carried))
    regions = [joint.close(order), *(joint.beside(region, order) for region in test)]
    split = 2 + len(consts)
    operands = linearizer.operands(e)
    const_tangents = linearizer.tangents_or_zeros(_chosen(e.operands[2:split], consts))
    carried_tangents = linearizer.tangents_or_zeros(_chosen(e.operands[split:], carried))
    results = as_tuple(linearizer.builder.emit(
        "loop", *operands[:split], *const_tangents, *operands[split:], *carried_tangents,
        regions=regions, step=e["step"], consts=len(consts) + len(const_tangents),
    ))  # fmt: skip
    _set_joint_results(linearizer, e, results, [False] * len(test) + carried)
    for result, operand in same.items():
        linearizer.values[result] = linearizer.values[operand]
        linearizer.set_tangents([result], [linearizer.tangents.get(operand)])


def _jvp_calls(linearizer: Linearizer, e: Equation, before: int) -> None:
    """Branches and checkpoints: their regions take and return tangents too."""
    arguments = e.operands[before:]
    active = [v in linearizer.tangents for v in arguments]
    results = [r in linearizer.active for r in e.results]
    joints = [_Joint(linearizer.builder, region, active, results) for region in e.regions]
    tangents = linearizer.tangents_or_zeros(_chosen(arguments, active))
    regions = [joint.close((len(arguments),)) for joint in joints]
    found = as_tuple(linearizer.builder.emit(e.op, *linearizer.operands(e), *tangents, regions=regions))
    _set_joint_results(linearizer, e, found, results)


def _set_joint_results(linearizer: Linearizer, e: Equation, results: Sequence[Var], active: Sequence[bool]) -> None:
    """The first results are the values, the others the tangents of the active ones."""
    tangents = iter(results[len(e.results) :])
    found = [next(tangents) if flag else None for flag in active]
    linearizer.set_results(e, results[: len(e.results)], found)


def _refuse_custom(linearizer: Linearizer, e: Equation) -> None:
    raise UnsupportedError(
        "forward mode of a function with a custom backward rule: only reverse mode knows its derivative; use grad or vjp"
    )


def _jvp_stack(linearizer: Linearizer, e: Equation) -> None:
    """The tangent of an empty stack is another empty stack."""
    attributes: dict[str, Any] = dict(e.attributes)
    value, tangent = (linearizer.builder.emit("stack_new", **attributes) for _ in range(2))
    linearizer.set_results(e, [value], [tangent])


def _chosen(variables: Sequence[Var], flags: Sequence[bool]) -> list[Var]:
    return [v for v, flag in zip(variables, flags, strict=True) if flag]


FORWARD_RULES: Mapping[str, RegionRule] = {
    "loop": _jvp_loop,
    "cond": lambda linearizer, e: _jvp_calls(linearizer, e, before=1),
    "checkpoint": lambda linearizer, e: _jvp_calls(linearizer, e, before=0),
    "custom_vjp": _refuse_custom,
    "stack_new": _jvp_stack,
}
