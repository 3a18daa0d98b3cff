"""What one element of an array is, given its index: the element rules.

A ``Body`` collects the steps that compute elements at one point of a kernel's domain, or scalars in the driver. Elements of
variables that lie in memory are loaded; those of CHEAP ops are elements of their operands at another index; those of MAPs are
computed from their operands' elements at the same index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import LoweringError
from ..ir import ArrayType, Dim, Equation, Var, symbol
from ..ir.types import I64
from ..ops import OPS
from ..ops.windows import place
from .program import Atom, Index, Let, Literal, Load, Local, Position, Step, Store, Wrap
from .roles import is_array


@dataclass(frozen=True, slots=True)
class Buffer:
    """An array in memory, under its name in the driver; buffers of one storage share memory."""

    name: str
    type: ArrayType
    storage: str


Value = Atom | Buffer


@dataclass(slots=True)
class Body:
    """Steps that compute elements.

    ``value`` gives what lies in memory or in a scalar variable, or None; ``definition`` the equations of the rest. ``fresh`` makes names.
    """

    value: Callable[[Var], Value | None]
    definition: Mapping[Var, Equation]
    fresh: Callable[[str], str]
    steps: list[Step] = field(default_factory=list)
    memo: dict[Any, Atom] = field(default_factory=dict)

    def element(self, var: Var, index: Index) -> Atom:
        """The element of a variable at an index."""
        key = (var, index)
        if key not in self.memo:
            self.memo[key] = self._element(var, index)
        return self.memo[key]

    def _element(self, var: Var, index: Index) -> Atom:
        value = self.value(var)
        if isinstance(value, Buffer):
            return self.load(value, index, self.definition.get(var))
        if value is not None:
            return value
        if var not in self.definition:
            raise LoweringError(f"{var.name}: {var.type} has no value here")
        return self._compute(self.definition[var], index)

    def load(self, buffer: Buffer, index: Index, equation: Equation | None = None) -> Atom:
        """Read an element of a buffer."""
        name = self.fresh(buffer.name)
        self.steps.append(Load(name, buffer.type.dtype, buffer.name, index, equation.source if equation else None))
        return Local(name, buffer.type.dtype)

    def store(self, buffer: Buffer, index: Index, value: Atom, equation: Equation, add: bool = False) -> None:
        """Write an element of a buffer."""
        self.steps.append(Store(buffer.name, index, value, buffer.type.dtype, add, equation.source))

    def _compute(self, equation: Equation, index: Index) -> Atom:
        x = equation.operands
        match equation.op:
            case "constant":
                return literal(equation["value"], equation["dtype"])
            case "size":
                return Position(equation["value"])
            case "iota":
                return self.convert(Position(index[0]), equation["dtype"], equation)
            case "broadcast":
                return self.element(x[0], tuple(index[axis] for axis in equation["axes"]))
            case "reshape":
                return self.element(x[0], reshaped_index(equation, index))
            case "transpose":
                axes = equation["axes"]
                return self.element(x[0], tuple(index[axes.index(k)] for k in range(len(axes))))
            case "index":
                return self.element(x[0], self.selected(equation["spec"], x[1:], index))
            case "windows":
                return self.element(x[0], windowed(equation, index))
            case "take":
                return self.element(x[0], self.taken(equation["axes"], x[1:], x[0], index))
            case "copy" | "stop_gradient" | "barrier" | "assume_shape":
                return self.element(x[0], index)
            case "convert":
                return self.convert(self.element(x[0], index), equation["dtype"], equation)
            case "wrap_index":
                return self.wrap(equation, index)
            case "sum" | "prod" | "max" | "min" | "all" | "any":
                return self.element(x[0], index)  # of a scalar, over no axes
        if not OPS[equation.op].elementwise:
            raise LoweringError(f"{equation.op} has no element rule")
        return self.let(equation.op, tuple(self.element(v, index) for v in x), equation.result.type.dtype, equation)  # type: ignore[union-attr]

    def let(self, op: str, operands: tuple[Atom, ...], dtype: np.dtype, equation: Equation) -> Atom:
        """Apply an elementwise op; integer arithmetic on positions stays an expression."""
        position = _position_arithmetic(op, operands) if dtype == I64 else None
        if position is not None:
            return position
        op = "mul" if op == "masked_mul" and _is_positive(operands[1]) else op
        name = self.fresh(equation.hint or op)
        self.steps.append(Let(name, dtype, op, operands, equation.source))
        return Local(name, dtype)

    def convert(self, value: Atom, dtype: np.dtype, equation: Equation) -> Atom:
        """The same number in another dtype."""
        if atom_dtype(value) == dtype:
            return value
        if isinstance(value, Literal) and not _overflows(value.value, dtype):
            return literal(value.value, dtype)
        return self.let("convert", (value,), dtype, equation)

    def wrap(self, equation: Equation, index: Index) -> Atom:
        """A position counted from the start; raises where it is out of bounds."""
        value, name = self.element(equation.operands[0], index), self.fresh(equation.hint or "position")
        self.steps.append(Wrap(name, value, equation["size"], equation["message"], equation.source))
        return Local(name, I64)

    def selected(self, spec: tuple[Any, ...], starts: tuple[Var, ...], index: Index) -> Index:
        """Where a basic index takes the element at ``index`` of its result from."""
        waiting, points = iter(starts), iter(index)
        found: list[Dim] = []
        for entry in spec:
            start = entry[0] if isinstance(entry, tuple) else entry
            first = start if start is not None else self.dim(next(waiting))
            found.append(first + next(points) * entry[2] if isinstance(entry, tuple) else first)
        return tuple(found)

    def taken(self, axes: tuple[int, ...], positions: tuple[Var, ...], array: Var, index: Index) -> Index:
        """Where an advanced index takes the element at ``index`` of its result from."""
        rank = len(positions[0].type.shape)  # type: ignore[union-attr]
        chosen = {axis: self.dim(p, index[:rank]) for axis, p in zip(axes, positions, strict=True)}
        rest = iter(index[rank:])
        return tuple(chosen[k] if k in chosen else next(rest) for k in range(len(array.type.shape)))  # type: ignore[union-attr]

    def dim(self, var: Var, index: Index = ()) -> Dim:
        """An element of type i64 as a dim."""
        return atom_dim(self.element(var, index))


def atom_dim(atom: Atom) -> Dim:
    """An i64 as an integer expression."""
    match atom:
        case Position(dim=dim):
            return dim
        case Literal(value=value):
            return int(value)
        case Local(name=name):
            return symbol(name)


def atom_dtype(atom: Atom) -> np.dtype:
    """The dtype of an atom."""
    return I64 if isinstance(atom, Position) else atom.dtype


def literal(value: Any, dtype: np.dtype) -> Atom:
    """A number of a dtype; an i64 becomes a position, so that arithmetic on it folds."""
    if dtype == I64:
        return Position(int(value))
    if dtype.kind == "b":
        return Literal(bool(value), dtype)
    return Literal(int(value) if dtype.kind in "iu" else float(np.asarray(value, dtype)), dtype)


def reshaped_index(equation: Equation, index: Index) -> Index:
    """The index in the operand of a reshape that only adds and drops axes of size 1."""
    before, after = equation.operands[0].type.shape, equation.result.type.shape  # type: ignore[union-attr]
    points = iter([i for i, dim in zip(index, after, strict=True) if dim != 1])
    return tuple(0 if dim == 1 else next(points) for dim in before)


def windowed(equation: Equation, index: Index) -> Index:
    """Where the element at an index of windows lies in the array that they are taken from, or added to."""
    rank = len(equation.operands[0].type.shape)  # type: ignore[union-attr]
    return place(rank, equation["axes"], equation["steps"], equation["spread"], index)


def _overflows(value: Any, dtype: np.dtype) -> bool:
    return dtype.kind in "iu" and not (
        np.isfinite(value) and int(np.iinfo(dtype).min) <= int(value) <= int(np.iinfo(dtype).max)
    )


def _is_positive(factor: Atom) -> bool:
    """Whether a factor is a number that keeps every zero as it is, with its sign, and needs no mask for that."""
    return isinstance(factor, Literal) and bool(0 < factor.dtype.type(factor.value) < np.inf)


def _position_arithmetic(op: str, operands: tuple[Atom, ...]) -> Atom | None:
    """Sums, differences, and products with a number, of i64 that are expressions already or plain variables."""
    if op not in ("add", "sub", "neg", "mul"):
        return None
    dims = [atom_dim(operand) for operand in operands]
    if op == "mul" and not any(isinstance(d, int) for d in dims):
        return None
    match op:
        case "add":
            return Position(dims[0] + dims[1])
        case "sub":
            return Position(dims[0] - dims[1])
        case "mul":
            return Position(dims[0] * dims[1])
    return Position(-dims[0])


__all__ = ["Body", "Buffer", "Value", "atom_dim", "atom_dtype", "is_array", "literal", "reshaped_index", "windowed"]
