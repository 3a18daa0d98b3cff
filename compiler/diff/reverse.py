"""Reverse mode: linearize, then transpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import DTypeError
from ..ir import ArrayType, Function, Var, symbol
from .calls import linearize_checkpoint, linearize_custom
from .conditions import linearize_cond
from .demand import Demand
from .lasting import lasting
from .linear import DiffBuilder
from .linearize import Linearizer, RegionRule, is_differentiable
from .loops import linearize_loop, linearize_stack
from .regions import without_dead_equations
from .transpose import Transposer


def vjp(function: Function, wrt: Sequence[int], cotangents: Sequence[int] | None = None) -> Function:
    """The function and its gradient as one program.

    Parameters: those of the function, then one cotangent per float result, ``ct_0``, ``ct_1``, ... (only for the results named
    in ``cotangents``, if given; the others count as zero). Results: those of the function, then the gradient for each
    parameter in ``wrt``, zeros where nothing depends on it.
    """
    for k in wrt:
        if not is_differentiable(function.parameters[k]):
            raise DTypeError(f"{function.parameters[k].name} is {function.parameters[k].type}: only floats have gradients")
    b = DiffBuilder(function.parameters)
    b.guards = list(function.guards)
    tangents = {k: b.linear_variable(function.parameters[k].type, function.parameters[k].name) for k in wrt}
    linearizer = Linearizer(b, REVERSE_RULES, lasting(function))
    start = [tangents.get(k) for k in range(len(function.parameters))]
    results, result_tangents = linearizer.run(function, function.parameters, start)
    seeds = {k: _cotangent_parameter(b, n, results[k]) for n, k in enumerate(_seeded(function, cotangents))}
    found = _transpose(b, [(result_tangents[k], ct) for k, ct in seeds.items()], tangents)
    gradients = [found[k] for k in wrt]
    return without_dead_equations(b.finish(f"{function.name}_vjp", [*results, *gradients]))


def _seeded(function: Function, cotangents: Sequence[int] | None) -> list[int]:
    """The results that have a cotangent."""
    floats = [k for k, result in enumerate(function.results) if is_differentiable(result)]
    return floats if cotangents is None else [k for k in cotangents if k in floats]


def _cotangent_parameter(b: DiffBuilder, number: int, result: Var) -> Var:
    """A parameter for the cotangent of a result; sizes that the function binds itself get names of their own there."""
    assert isinstance(result.type, ArrayType)
    name = f"ct_{number}"
    if result.type.symbols().isdisjoint(b.sizes):
        return b.parameter(name, result.type)
    shape = tuple(symbol(f"{name}_{axis}") for axis in range(result.type.rank))
    cotangent: Var = b.emit("assume_shape", b.parameter(name, result.type.with_shape(shape)), shape=result.type.shape)
    return cotangent


def _transpose(b: DiffBuilder, seeds: Sequence[tuple[Var | None, Var]], parameters: Mapping[int, Var]) -> dict[int, Var]:
    """Run the linear program of a builder backwards, into the builder itself."""
    items = list(b.items)
    demand = Demand([tangent for tangent, _ in seeds if tangent is not None], []).run(items)
    transposer = Transposer(b, demand)
    for tangent, cotangent in seeds:
        transposer.add(tangent, cotangent)
    transposer.run(items)
    assert len(items) == len(b.items), "a transpose rule used a linear operand"
    b.source, b.hint = None, ""
    return {k: transposer.take_or_zeros(v) for k, v in parameters.items()}


REVERSE_RULES: Mapping[str, RegionRule] = {
    "loop": linearize_loop,
    "cond": linearize_cond,
    "custom_vjp": linearize_custom,
    "checkpoint": linearize_checkpoint,
    "stack_new": linearize_stack,
}
