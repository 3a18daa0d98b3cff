"""Kernels that only move elements, made alike: where they begin and how far they go are arguments.

    def set_2(joined, a):                          def set_2(joined, a, count, first, first_2):
        n = a.shape[0]                                 for i in range(count):
        for i in range(n - 1):                             joined[first + i] = a[first_2 + i]
            joined[1 + i] = a[i]

Rolls, borders and rows of tables differ in nothing else, and each kernel that need not be compiled saves a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..ir import ArrayType, Dim, symbol
from ..ir.sizes import single_symbol, substitute, symbols
from ..ir.types import I64
from .elements import atom_dim
from .names import Names
from .program import Atom, Axis, BufferParameter, Index, Kernel, Launch, Load, Local, Position, Step, Store

MOST_ARGUMENTS = 8


def generalise(launch: Launch, types: Sequence[ArrayType]) -> Launch:
    """The launch of a kernel that takes all positions and extents as arguments, if it moves parts of arrays and does nothing else.

    ``types`` are those of the launch's buffers, in the driver's terms.
    """
    kernel = launch.kernel
    parts = [dim for step in kernel.body if isinstance(step, Load | Store) for dim in step.index]
    variables = {axis.name for axis in kernel.axes} | {step.name for step in kernel.body if isinstance(step, Load)}
    moves_parts = any(_fixed_part(dim, variables) != 0 for dim in parts)
    if not _only_moves(kernel) or not moves_parts or len(parts) + len(kernel.axes) > MOST_ARGUMENTS:
        return launch
    return _General(kernel, variables, _in_driver(launch, types)).launch(launch)


def _only_moves(kernel: Kernel) -> bool:
    """Whether every step reads or writes, and what is written is a number or was read; integers may be positions."""
    values = [step.value for step in kernel.body if isinstance(step, Store)]
    simple = not kernel.sequential and all(isinstance(step, Load | Store) for step in kernel.body)
    return simple and not any(isinstance(v, Position) or (isinstance(v, Local) and v.dtype == I64) for v in values)


def _in_driver(launch: Launch, types: Sequence[ArrayType]) -> dict[str, Dim]:
    """What the names of integers in a kernel stand for in the driver."""
    known: dict[str, Dim] = {}
    for parameter, type in zip(launch.kernel.buffers, types, strict=True):
        pairs = zip(parameter.type.shape, type.shape, strict=True)
        known.update((name, dim) for own, dim in pairs if (name := single_symbol(own)) is not None)
    known.update((s.name, atom_dim(a)) for s, a in zip(launch.kernel.scalars, launch.scalars, strict=True) if s.dtype == I64)
    return known


def _fixed_part(dim: Dim, variables: set[str]) -> Dim:
    """The terms of a position that are the same at all points."""
    if isinstance(dim, int):
        return dim
    moving: Dim = 0
    for monomial, coefficient in dim.terms:
        term = replace(dim, terms=((monomial, coefficient),))
        if not symbols(term).isdisjoint(variables):
            moving = moving + term
    return dim - moving


class _General:
    def __init__(self, kernel: Kernel, variables: set[str], known: Mapping[str, Dim]) -> None:
        self.kernel, self.variables, self.known = kernel, variables, known
        self.names = Names({p.name for p in kernel.buffers} | {s.name for s in kernel.scalars} | variables)
        self.scalars: list[Local] = []
        self.arguments: list[Atom] = []

    def launch(self, launch: Launch) -> Launch:
        axes = tuple(Axis(axis.name, self.argument("count", axis.extent)) for axis in self.kernel.axes)
        body = tuple(map(self.step, self.kernel.body))
        given = [(s, a) for s, a in zip(self.kernel.scalars, launch.scalars, strict=True) if s.dtype != I64]
        buffers = tuple(BufferParameter(p.name, self.open_type(p.type), p.written) for p in self.kernel.buffers)
        scalars = (*self.scalars, *(s for s, _ in given))
        kernel = replace(self.kernel, buffers=buffers, scalars=scalars, axes=axes, body=body)
        return replace(launch, kernel=kernel, scalars=(*self.arguments, *(a for _, a in given)))

    def argument(self, wish: str, dim: Dim) -> Dim:
        """A new parameter for a number."""
        self.scalars.append(Local(self.names.fresh(wish), I64))
        self.arguments.append(Position(substitute(dim, self.known)))
        return symbol(self.scalars[-1].name)

    def step(self, step: Step) -> Step:
        assert isinstance(step, Load | Store)
        index: Index = tuple(self.position(dim) for dim in step.index)
        return replace(step, index=index)

    def position(self, dim: Dim) -> Dim:
        fixed = _fixed_part(dim, self.variables)
        return dim - fixed + self.argument("first", fixed)

    def open_type(self, type: ArrayType) -> ArrayType:
        """The same type for arrays of all sizes."""
        return type.with_shape(tuple(symbol(self.names.fresh("n")) for _ in type.shape))
