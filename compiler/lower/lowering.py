"""From a function to a program: groups become kernels and driver code, variables get names and buffers."""

from __future__ import annotations

from collections.abc import Mapping

from ..ir import ArrayType, Function
from .ordering import order_products
from .ownership import own
from .products import canonicalize_products
from .program import Bind, Call, Parameter, Program, Statement
from .regions import lower_groups
from .scope import Scope, Shared, argument
from .views import allocate_as_seen, drop_unused_views


def lower(function: Function, donated: Mapping[int, int] | None = None, reuse: bool = False, flat: bool = True) -> Program:
    """The program of a function; ``donated`` maps parameters whose memory is to receive a result to that result.

    With ``reuse``, results of kernels take the memory of operands that nobody reads any more. With ``flat``, kernels have as few
    axes as possible, and products take matrices out of other arrays.
    """
    donated = dict(donated or {})
    function = order_products(function) if flat else function
    function = own(canonicalize_products(function, strided=flat), frozenset(donated))
    return _program(Shared(function, donated, reuse, flat))


def _program(shared: Shared) -> Program:
    """Lower all equations, and hand over the results: as values, or in the memory that is to receive them."""
    function, donated = shared.function, shared.donated
    scope = Scope(shared, function, {}, frozenset(function.parameters[k] for k in donated))
    parameters = []
    for parameter in function.parameters:
        assert isinstance(parameter.type, ArrayType)
        name = shared.names.fresh(parameter.name)
        scope.values[parameter] = argument(name, parameter.type)
        parameters.append(Parameter(name, parameter.type))
    shared.borrowed |= {parameter.name for parameter in parameters}
    shared.targets = {parameters[k].name: function.results[r] for k, r in donated.items()}
    lower_groups(scope)
    returned = tuple(scope.alone(r) for k, r in enumerate(function.results) if k not in donated.values())
    final = {parameters[k].name: scope.settled(parameters[k].name, function.results[r]) for k, r in donated.items()}
    for name, value in final.items():
        scope.copy_back(name, value)
    keep: list[Statement] = []
    for name, given in shared.given.items():
        keep += [Bind((given,), (name,)), Call("copied", (name,), (name,))]
    body, returned = allocate_as_seen(drop_unused_views((*keep, *scope.statements), returned), returned)
    return Program(function.name, tuple(parameters), function.guards, body, returned, tuple(shared.kernels.values()))
