"""A kernel that does at each point the work of several iterations, one after the other.

    def subtract(y, x, a, k):                           def subtract_by_4(y, x, x_2, x_3, x_4, a, k):
        for i in range(y.shape[0]):                         for i in range(y.shape[0]):
            y[i] = y[i] - x * a[k, i]                           y[i] = y[i] - x * a[k, i] - x_2 * a[k + 1, i] - ...

In: a kernel, and which of its parameters differ from iteration to iteration. Out: the kernel for several of them. Where an element is the same
one in all iterations, it is read once and written once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..ir import Dim, symbol
from ..ir.sizes import substitute, symbols
from .program import Atom, Index, Kernel, Let, Load, Local, Position, Reduce, Step, Store


def jammed(kernel: Kernel, name: str, together: int, varying: set[str], steps: Mapping[int, int]) -> Kernel:
    """The kernel for several iterations, which reads and writes elements, computes and reduces to numbers, and does nothing else.

    ``varying`` are the numbers that differ; an integer among them that grows by a fixed step, by its place among the kernel's numbers, remains one
    parameter. Of others there is one for each iteration, after those that stay the same. An element that several iterations touch is the
    same one for all.
    """
    return _Jammed(kernel, together, varying, steps).kernel(name)


class _Jammed:
    """Writes a kernel for several iterations: at each point the work of one after the other."""

    def __init__(self, kernel: Kernel, together: int, varying: set[str], steps: Mapping[int, int]) -> None:
        self.old, self.together, self.varying, self.steps = kernel, together, varying, steps
        self.taken = {p.name for p in kernel.buffers} | {s.name for s in kernel.scalars} | {a.name for a in kernel.axes}
        self.taken |= {n for p in kernel.buffers for dim in p.type.shape for n in symbols(dim)}
        self.body: list[Step] = []
        self.elements: dict[tuple[str, Index], Atom] = {}  # what is known to be there
        self.computed: dict[tuple[str, str], Atom] = {}

    def kernel(self, name: str) -> Kernel:
        scalars = [s for s in self.old.scalars if s.name not in self.varying]
        copies: list[tuple[dict[str, Atom], dict[str, Dim]]] = [({}, {}) for _ in range(self.together)]
        for k, s in enumerate(self.old.scalars):
            if s.name not in self.varying:
                continue
            for number, (atoms, dims) in enumerate(copies):
                if k in self.steps and number > 0:
                    dims[s.name] = symbol(s.name) + number * self.steps[k]
                    atoms[s.name] = Position(dims[s.name])
                else:
                    scalars.append(Local(self.fresh(s.name) if number else s.name, s.dtype))
                    dims[s.name], atoms[s.name] = symbol(scalars[-1].name), scalars[-1]
        for number, (atoms, dims) in enumerate(copies):
            for step in self.old.body:
                self.add(step, atoms, dims, number == self.together - 1)
        return Kernel(name, self.old.buffers, tuple(scalars), self.old.axes, tuple(self.body))

    def fresh(self, wish: str) -> str:
        number = 2
        while (name := f"{wish}_{number}") in self.taken:
            number += 1
        self.taken.add(name)
        return name

    def name(self, wish: str) -> str:
        if wish in self.taken:
            return self.fresh(wish)
        self.taken.add(wish)
        return wish

    def add(self, step: Step, atoms: dict[str, Atom], dims: dict[str, Dim], is_last: bool) -> None:
        """Do a step of one iteration. What is known is not read or computed again, and what a later iteration overwrites not written."""

        def atom(a: Atom) -> Atom:
            if isinstance(a, Local):
                return atoms.get(a.name, a)
            return Position(substitute(a.dim, dims)) if isinstance(a, Position) else a

        match step:
            case Load(name=name, buffer=buffer, index=index):
                self.remember(name, self.load(step, (buffer, tuple(substitute(d, dims) for d in index))), atoms, dims)
            case Let(name=name):
                self.remember(name, self.let(step, tuple(map(atom, step.operands))), atoms, dims)
            case Store(buffer=buffer, index=index, value=value):
                self.store(step, (buffer, tuple(substitute(d, dims) for d in index)), atom(value), is_last)
            case Reduce(target=target):
                self.body.append(dataclasses.replace(step, target=self.name(target), value=atom(step.value)))

    def remember(self, name: str, value: Atom, atoms: dict[str, Atom], dims: dict[str, Dim]) -> None:
        atoms[name] = value
        if isinstance(value, Local):
            dims[name] = symbol(value.name)

    def let(self, like: Let, operands: tuple[Atom, ...]) -> Atom:
        key = like.op, repr((like.dtype, operands))  # 0.0 is not -0.0
        if key not in self.computed:
            name = self.name(like.name)
            self.computed[key] = Local(name, like.dtype)
            self.body.append(dataclasses.replace(like, name=name, operands=operands))
        return self.computed[key]

    def load(self, step: Load, place: tuple[str, Index]) -> Atom:
        if place not in self.elements:
            name = self.name(step.name)
            self.elements[place] = Local(name, step.dtype)
            self.body.append(dataclasses.replace(step, name=name, index=place[1]))
        return self.elements[place]

    def store(self, step: Store, place: tuple[str, Index], value: Atom, is_last: bool) -> None:
        """Write an element; one that all iterations write to is written by the last of them."""
        if any(not self.varying.isdisjoint(symbols(d)) for d in step.index):
            self.elements.pop(place, None)
            self.body.append(dataclasses.replace(step, index=place[1], value=value))
            return
        if step.add:
            before = self.load(Load(step.buffer, step.dtype, *place, step.source), place)
            value = self.let(Let("added", step.dtype, "add", (before, value), step.source), (before, value))
        self.elements[place] = value
        if is_last:
            self.body.append(dataclasses.replace(step, value=value, add=False))
