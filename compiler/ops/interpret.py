"""The meaning of the IR: runs a function with NumPy, one equation after the other. The oracle of every test."""

from __future__ import annotations

import builtins
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import ArrayType, Equation, Function
from ..ir.sizes import Size, evaluate, single_symbol
from ..ir.types import I64
from .table import OPS

Sizes = dict[str, int]


def interpret(function: Function, arguments: Sequence[Any], output: Callable[[str], None] = print) -> tuple[Any, ...]:
    """Run a function on arrays; returns its results as arrays. Raises ``ValueError`` where shapes or guards do not fit."""
    sizes: Sizes = {}
    values = []
    for parameter, argument in zip(function.parameters, arguments, strict=True):
        if isinstance(parameter.type, ArrayType):
            argument = np.asarray(argument, order="C")
            if argument.dtype != parameter.type.dtype or argument.ndim != parameter.type.rank:
                raise ValueError(f"{parameter.name} is {parameter.type}, found {argument.dtype}{argument.shape}")
            bind_shape(parameter.type, argument.shape, sizes, parameter.name)
        values.append(argument)
    for guard in function.guards:
        if not guard.holds(sizes):
            raise ValueError(f"the guard {guard} does not hold for {sizes}")
    with np.errstate(all="ignore"):
        return _run(function, values, sizes, output)


def bind_shape(type: ArrayType, shape: tuple[int, ...], sizes: Sizes, name: str) -> None:
    """Give symbols that stand alone in a type their values from a shape."""
    for dim, size in zip(type.shape, shape, strict=True):
        found = single_symbol(dim)
        if found is not None and found not in sizes:
            sizes[found] = size
    for dim, size in zip(type.shape, shape, strict=True):
        if evaluate(dim, sizes) != size:
            raise ValueError(f"{name} is {type}, found shape {shape} with {sizes}")


def _run(function: Function, arguments: Sequence[Any], sizes: Sizes, output: Callable[[str], None]) -> tuple[Any, ...]:
    values = dict(zip(function.parameters, arguments, strict=True))
    for equation in function.equations:
        operands = [values[v] for v in equation.operands]
        results = _equation(equation, operands, sizes, output)
        values.update(zip(equation.results, results, strict=True))
    return tuple(values[v] for v in function.results)


def _equation(equation: Equation, operands: list[Any], sizes: Sizes, output: Callable[[str], None]) -> tuple[Any, ...]:
    attributes = {name: _concrete(value, sizes) for name, value in equation.attributes}
    match equation.op:
        case "loop":
            return _loop(equation, operands, sizes, output)
        case "cond":
            region = equation.regions[0 if operands[0] else 1]
            return _run(region, operands[1:], dict(sizes), output)
        case "custom_vjp" | "formula" | "checkpoint":
            return _run(equation.regions[0], operands, dict(sizes), output)
        case "bind_size":
            sizes[attributes["symbol"]] = int(operands[0])
            return ()
        case "stack_new":
            return ((),)
        case "push":
            return ((*operands[0], np.asarray(operands[1])),)
        case "pop":
            return _pop(operands[0], attributes["shape"], equation.results[1].type.dtype)  # type: ignore[union-attr]
        case "check":
            if not operands[0]:
                message, values = attributes["message"], operands[1:]
                raise getattr(builtins, attributes["kind"])(message.format(*values) if values else message)
            return ()
        case "print":
            text = attributes["text"].format(*operands)
            if "warning" in attributes:
                warnings.warn(text, getattr(builtins, attributes["warning"]), stacklevel=2)
            elif "end" in attributes:
                builtins.print(text, end=attributes["end"])
            else:
                output(text)
            return ()
    reference = OPS[equation.op].reference
    assert reference is not None, equation.op
    results = reference(*operands, **attributes)
    if equation.op == "nonzero":
        sizes[attributes["symbol"]] = len(results)
    results = results if isinstance(results, tuple) else (results,)
    return tuple(np.asarray(r, v.type.dtype, order="C") for r, v in zip(results, equation.results, strict=True))


def _pop(stack: tuple[Any, ...], shape: tuple[int, ...], dtype: np.dtype) -> tuple[Any, ...]:
    """The stack without as many elements as a shape has, and these in the order in which they were pushed."""
    first, missing = len(stack), math.prod(shape)
    while missing > 0:
        first -= 1
        missing -= stack[first].size
    return stack[:first], np.concatenate([np.zeros(0, dtype), *map(np.ravel, stack[first:])]).reshape(shape)


def _loop(equation: Equation, operands: list[Any], sizes: Sizes, output: Callable[[str], None]) -> tuple[Any, ...]:
    start, stop = int(operands[0]), int(operands[1])
    split = 2 + equation["consts"]
    constants, carried = operands[2:split], operands[split:]
    body, *test = equation.regions
    count = 0
    for index in range(start, stop, equation["step"]):
        i = np.asarray(index, I64)
        if test and not _run(test[0], [i, *constants, *carried], dict(sizes), output)[0]:
            break
        carried = list(_run(body, [i, *constants, *carried], dict(sizes), output))
        count += 1
    return (np.asarray(count, I64), *carried) if test else tuple(carried)


def _concrete(value: Any, sizes: Sizes) -> Any:
    if isinstance(value, Size):
        return value.evaluate(sizes)
    if isinstance(value, tuple):
        return tuple(_concrete(item, sizes) for item in value)
    return value
