"""What a CUDA program consists of besides the lowered statements.

A ``Multiply`` runs a tiled matrix product whose elements go straight into the body of a kernel. A kernel that reduces over all
axes leaves one number per block, a *part*; a ``Fetch`` brings the parts to the host and combines them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from ...ir import ArrayType, Size, SourceLine
from ...lower.kernels import canonical
from ...lower.names import Names
from ...lower.program import Atom, Bind, For, If, Kernel, Program, Statement, View


@dataclass(frozen=True, slots=True)
class ProductKernel:
    """``then`` at each row and column of ``op(a) @ op(b)``; its first scalar is the element of the product there."""

    then: Kernel
    a: str
    b: str
    transposed: tuple[bool, bool]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.then.name

    @property
    def dtype(self) -> np.dtype:
        """The dtype of both operands and of the product."""
        return self.then.scalars[0].dtype


@dataclass(frozen=True, slots=True)
class Multiply:
    """Run a product kernel: its operands, then the buffers, scalars and results of the kernel that takes the elements."""

    kernel: ProductKernel
    operands: tuple[str, str]
    buffers: tuple[str, ...]
    scalars: tuple[Atom, ...]
    results: tuple[str, ...]
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Fetch:
    """``name`` is what the parts of a reduction come to."""

    name: str
    op: str
    parts: str
    source: SourceLine | None = field(default=None, compare=False)


DeviceKernel = Kernel | ProductKernel


def map_blocks(statements: Iterable[Any], change: Callable[[list[Any]], list[Any]]) -> tuple[Any, ...]:
    """Apply a change to a list of statements and to every list inside its loops and branches, innermost first."""
    changed: list[Any] = []
    for s in statements:
        match s:
            case For():
                body, test = map_blocks(s.body, change), map_blocks(s.test, change)
                s = For(s.index, s.start, s.stop, s.step, body, test, s.condition, s.count, s.source)
            case If():
                s = If(s.test, map_blocks(s.then, change), map_blocks(s.orelse, change), s.source)
        changed.append(s)
    return tuple(change(changed))


def with_body(program: Program, body: tuple[Statement, ...]) -> Program:
    """The program with other statements, and no list of kernels: the driver's launches say what there is."""
    return Program(program.name, program.parameters, program.guards, body, program.results, ())


def names_in(value: Any) -> Iterator[str]:
    """All words in a statement, the names that it mentions among them; what a kernel is inside does not count."""
    match value:
        case str():
            yield value
        case Size():
            yield from value.symbols()
        case tuple():
            for item in value:
                yield from names_in(item)
        case ArrayType(shape=shape):
            yield from names_in(shape)
        case Kernel() | ProductKernel() | SourceLine():
            return
        case _ if is_dataclass(value):
            for entry in fields(value):
                yield from names_in(getattr(value, entry.name))


def kernel_names(kernel: Kernel) -> set[str]:
    """All names that a kernel uses inside."""
    return {name for part in (kernel.buffers, kernel.scalars, kernel.axes, kernel.body) for name in names_in(part)}


class KernelNames:
    """Names for the kernels and buffers that the CUDA writer adds to a program, and one kernel for all that do the same."""

    def __init__(self, program: Program) -> None:
        own = {program.name, *(kernel.name for kernel in program.kernels)}
        self.names = Names(own | set(names_in((program.parameters, program.guards, program.body, program.results))))
        self.known: dict[Any, Any] = {}

    def kernel(self, kernel: Kernel, name: str) -> Kernel:
        """The kernel that does this, under its own name if it is new."""
        key = canonical(kernel)
        if key not in self.known:
            self.known[key] = named(kernel, self.names.fresh(name))
        return self.known[key]

    def product(self, kernel: ProductKernel, name: str) -> ProductKernel:
        """The product kernel that does this, under its own name if it is new."""
        key = (canonical(kernel.then), kernel.transposed)
        if key not in self.known:
            then = named(kernel.then, self.names.fresh(name))
            self.known[key] = ProductKernel(then, kernel.a, kernel.b, kernel.transposed)
        return self.known[key]


def plain_name(kernel: Kernel) -> str:
    """The name of a kernel without the number that tells it from another."""
    return re.sub(r"_\d+$", "", kernel.name)


def named(kernel: Kernel, name: str) -> Kernel:
    """The kernel under another name."""
    return Kernel(name, kernel.buffers, kernel.scalars, kernel.axes, kernel.body, kernel.sequential)


def storage_roots(statements: Iterable[Any]) -> Mapping[str, str | None]:
    """The buffer whose memory each name shows; None where a name stands for more than one."""
    roots: dict[str, str | None] = {}

    def visit(block: list[Any]) -> list[Any]:
        for s in block:
            match s:
                case View(name=name, base=base):
                    roots[name] = base
                case Bind(names=names):
                    roots.update(dict.fromkeys(names))
        return block

    map_blocks(statements, visit)
    return roots
