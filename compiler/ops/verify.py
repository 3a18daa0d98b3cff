"""The verifier: infers every type again and checks scope, single assignment and symbols."""

from __future__ import annotations

from ..errors import VerifyError
from ..ir import ArrayType, Equation, Function, Type, Var
from .builder import infer


def verify(function: Function, name: str = "") -> Function:
    """Return the function if it obeys every rule; raises ``VerifyError`` with the line and the pass's name."""
    bound = frozenset().union(*(p.type.symbols() for p in function.parameters))
    _verify(function, bound, name)
    return function


def _verify(function: Function, bound: frozenset[str], name: str) -> None:
    defined: set[Var] = set()
    names: set[str] = set()

    def define(var: Var) -> None:
        if var.name in names:
            raise VerifyError(_message(function, name, f"{var.name} is defined twice", var))
        names.add(var.name)
        defined.add(var)

    for parameter in function.parameters:
        define(parameter)
    for equation in function.equations:
        for operand in equation.operands:
            if operand not in defined:
                raise VerifyError(_message(function, name, f"{operand.name}: {operand.type} is not defined here", equation))
        try:
            types = infer(equation.op, equation.operands, dict(equation.attributes), equation.regions)
        except VerifyError as error:
            raise VerifyError(_message(function, name, str(error), equation)) from None
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise VerifyError(_message(function, name, f"{equation.op}: {error!r}", equation)) from None
        found = tuple(result.type for result in equation.results)
        if found != types:
            raise VerifyError(_message(function, name, f"{equation.op} gives {types}, the equation says {found}", equation))
        bound = bound | _bound_by(equation)
        _check_symbols(function, equation, types, bound, name)
        for region in equation.regions:
            _verify(region, bound, name)
        for result in equation.results:
            define(result)
    for result in function.results:
        if result not in defined:
            raise VerifyError(_message(function, name, f"the result {result.name} is not defined", result))


def _bound_by(equation: Equation) -> frozenset[str]:
    symbol = equation.get("symbol")
    return frozenset() if symbol is None else frozenset((symbol,))


def _check_symbols(function: Function, equation: Equation, types: tuple[Type, ...], bound: frozenset[str], name: str) -> None:
    used = frozenset().union(*(t.symbols() for t in types)) if types else frozenset()
    own = equation.replace(regions=(), results=()).symbols()
    free = (used | own) - bound
    if free:
        raise VerifyError(_message(function, name, f"the sizes {', '.join(sorted(free))} are not bound here", equation))


def _message(function: Function, name: str, text: str, place: Equation | Var) -> str:
    """The error with the function's text, the place marked."""
    from ..ir.text import _equation_lines

    heading = f"{f'after {name}: ' if name else ''}in {function.name}: {text}"
    if isinstance(place, Var):
        return heading
    marked = _equation_lines(place, notes=True)[0]
    try:
        lines = str(function).splitlines()
    except Exception:  # an ill-formed function may not print
        return f"{heading}\n  > {marked}"
    plain = _equation_lines(place, notes=False)[0]
    return "\n".join([heading, *(("> " if line.strip() == plain else "  ") + line for line in lines)])


def is_scalar(type: Type) -> bool:
    """Whether a type is an array type of rank 0."""
    return isinstance(type, ArrayType) and not type.shape
