"""Building functions: the only mutable object of the IR; it dies with ``finish``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..errors import VerifyError
from ..ir import ArrayType, Equation, Function, Guard, SourceLine, Type, Var
from ..ir.types import DTYPES


def infer(op: str, operands: Sequence[Var], attributes: dict[str, Any], regions: Sequence[Function]) -> tuple[Type, ...]:
    """The types of an equation's results, by the rule of its op."""
    from .table import OPS  # the table is made of modules that import this one

    if op not in OPS:
        raise VerifyError(f"there is no op {op}")
    return OPS[op].infer([v.type for v in operands], attributes, regions)


class Builder:
    """Collects equations.

    ``b.emit("mul", x, y)`` appends an equation and returns its result (a tuple unless there is exactly one). The methods
    are the ops that derivatives and rewrites use most.
    """

    def __init__(self, parameters: Iterable[Var] = ()) -> None:
        self.parameters = list(parameters)
        self.equations: list[Equation] = []
        self.guards: list[Guard] = []
        self.source: SourceLine | None = None
        self.hint = ""
        self._taken = {p.name for p in self.parameters}
        self._count = 0

    def parameter(self, name: str, type: Type) -> Var:
        """Add a parameter; the name gets a number where it is taken."""
        unique, number = name, 1
        while unique in self._taken:
            number += 1
            unique = f"{name}_{number}"
        self._taken.add(unique)
        var = Var(unique, type)
        self.parameters.append(var)
        return var

    def fresh(self, type: Type) -> Var:
        """A new variable that no equation defines yet."""
        var = Var(f"%{self._count}", type)
        self._count += 1
        return var

    def emit(self, op: str, *operands: Var, regions: Sequence[Function] = (), **attributes: Any) -> Any:
        """Append an equation; returns its result, or the tuple of its results."""
        types = infer(op, operands, attributes, regions)
        results = tuple(self.fresh(t) for t in types)
        self.append(Equation(op, operands, results, tuple(attributes.items()), tuple(regions), self.source, self.hint))
        return results[0] if len(results) == 1 else results

    def append(self, equation: Equation) -> None:
        """Append an equation whose results are fresh variables of this builder."""
        self.equations.append(equation)

    def copy(self, equation: Equation, environment: dict[Var, Var]) -> tuple[Var, ...]:
        """Append an equation of another function, operands translated; the environment learns the results."""
        operands = tuple(environment[v] for v in equation.operands)
        results = tuple(self.fresh(v.type) for v in equation.results)
        environment.update(zip(equation.results, results, strict=True))
        self.append(equation.replace(operands=operands, results=results))
        return results

    def inline(self, function: Function, arguments: Sequence[Var]) -> tuple[Var, ...]:
        """Append all equations of a function applied to arguments; returns its results."""
        environment = dict(zip(function.parameters, arguments, strict=True))
        for equation in function.equations:
            self.copy(equation, environment)
        return tuple(environment[v] for v in function.results)

    def finish(self, name: str, results: Sequence[Var]) -> Function:
        """The function built, its results numbered in order."""
        return renumber(Function(name, tuple(self.parameters), tuple(self.equations), tuple(results), tuple(self.guards)))

    # the ops that derivatives are written in

    def constant(self, value: float, type: Type) -> Var:
        """A number, repeated to the shape of a type."""
        assert isinstance(type, ArrayType)
        scalar = self.emit("constant", value=python_scalar(value, type.dtype), dtype=type.dtype)
        return self.broadcast(scalar, (), type.shape) if type.shape else scalar

    def zeros(self, type: Type) -> Var:
        """An array of zeros."""
        return self.constant(0, type)

    def zeros_like(self, x: Var) -> Var:
        """Zeros of the type of x."""
        return self.zeros(x.type)  # type: ignore[arg-type]

    def broadcast(self, x: Var, axes: tuple[int, ...], shape: Sequence[Any]) -> Var:
        """Repeat; axis i of x becomes axis axes[i]."""
        if tuple(x.type.shape) == tuple(shape):  # type: ignore[union-attr]
            return x
        return self.emit("broadcast", x, axes=tuple(axes), shape=tuple(shape))

    def reshape(self, x: Var, shape: Sequence[Any]) -> Var:
        """The same elements in another shape."""
        if tuple(x.type.shape) == tuple(shape):  # type: ignore[union-attr]
            return x
        return self.emit("reshape", x, shape=tuple(shape))

    def transpose(self, x: Var, axes: Sequence[int]) -> Var:
        """Axes in another order."""
        if tuple(axes) == tuple(range(len(axes))):
            return x
        return self.emit("transpose", x, axes=tuple(axes))

    def convert(self, x: Var, dtype: np.dtype) -> Var:
        """The same values in another dtype."""
        return x if x.type.dtype == dtype else self.emit("convert", x, dtype=dtype)

    def sum(self, x: Var, axes: Sequence[int]) -> Var:
        """The sum over axes."""
        return self.emit("sum", x, axes=tuple(axes)) if axes else x

    def index(self, x: Var, spec: tuple[Any, ...], *starts: Var) -> Var:
        """A part of an array."""
        return self.emit("index", x, *starts, spec=tuple(spec))

    def select(self, test: Var, x: Var, y: Var) -> Var:
        """x where test, else y."""
        return self.emit("select", test, x, y)

    def add(self, x: Var, y: Var) -> Var:
        """x + y."""
        return self.emit("add", x, y)

    def sub(self, x: Var, y: Var) -> Var:
        """x - y."""
        return self.emit("sub", x, y)

    def mul(self, x: Var, y: Var) -> Var:
        """x * y."""
        return self.emit("mul", x, y)

    def div(self, x: Var, y: Var) -> Var:
        """x / y."""
        return self.emit("div", x, y)

    def scale(self, cotangent: Var, factor: Var) -> Var:
        """cotangent * factor; a builder of derivatives lets a masked zero win over an infinite factor."""
        return self.mul(cotangent, factor)

    def scale_down(self, cotangent: Var, divisor: Var) -> Var:
        """cotangent / divisor, likewise."""
        return self.div(cotangent, divisor)


def python_scalar(value: Any, dtype: np.dtype) -> Any:
    """The Python number that stands for a value of a dtype in attributes."""
    if dtype.kind == "b":
        return bool(value)
    if dtype.kind in "iu":
        return int(np.asarray(value).astype(dtype))
    return float(np.asarray(value, dtype))


def renumber(function: Function, rename: Callable[[str], str] = lambda name: name) -> Function:
    """The same function with the results of equations named %0, %1, ... in order, in regions too."""
    environment = {p: Var(rename(p.name), p.type) for p in function.parameters}
    equations = []
    numbers = count()
    for equation in function.equations:
        results = [Var(f"%{next(numbers)}", result.type) for result in equation.results]
        operands = tuple([environment[v] for v in equation.operands])
        environment.update(zip(equation.results, results, strict=True))
        regions = tuple([r if _is_numbered(r) else renumber(r) for r in equation.regions])
        equations.append(equation.replace(operands=operands, results=tuple(results), regions=regions))
    return function.replace(
        parameters=tuple(environment[p] for p in function.parameters),
        equations=tuple(equations),
        results=tuple(environment[v] for v in function.results),
    )


def _is_numbered(function: Function) -> bool:
    """Whether the results of equations have these names already, as those of regions have that were built before."""
    numbers = count()
    named = all(result.name == f"%{next(numbers)}" for equation in function.equations for result in equation.results)
    return named and all(_is_numbered(region) for equation in function.equations for region in equation.regions)


__all__ = ["DTYPES", "Builder", "infer", "python_scalar", "renumber"]
