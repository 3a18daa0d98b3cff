"""Kernels that add blocks to one array at shifted places: each element gathers what belongs to it, and is read and written once.

    for i in range(n + 1):
        if 1 <= i < n and 2 <= m:                           # a row in which all blocks overlap
            for j in range(0, 2):
                ct[i, j] = ct[i, j] + v[i - 1, j]
            for j in range(2, m):
                ct[i, j] = ct[i, j] + v[i, j - 2] + v[i - 1, j]
            for j in range(m, m + 2):
                ct[i, j] = ct[i, j] + v[i, j - 2]
        else:
            if i < n:
                for j in range(2, m + 2): ...
            if 1 <= i < n + 1:
                for j in range(0, m): ...

In: a kernel that adds at several places, the same ones but for a shift that is known. Out: such a nest. Its points are those of the array, from
the first that a block covers to the last. Blocks are added to an element in the order of the kernel's steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import pairwise

from ..ir.sizes import Dim, symbol, symbols
from ..lower.kernels import rename_step, step_dims
from ..lower.names import Names
from ..lower.program import Axis, Kernel, Let, Load, Local, Step, Store, atoms
from .code import Code, count_readers
from .expressions import dim_text
from .nests import Nest, store_line


def gathering_lines(kernel: Kernel, functions: set[str]) -> list[str] | None:
    """The text of a kernel as a function, if it adds blocks at shifted places."""
    blocks = _blocks(kernel)
    return None if blocks is None else _Gathering(kernel, blocks, functions).lines()


@dataclass(frozen=True, slots=True)
class _Block:
    """The steps that add an element of a block, the writing one last, and by how much its place is shifted along each axis of the kernel."""

    steps: tuple[Step, ...]
    shift: tuple[int, ...]  # from where the foremost blocks begin


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a kernel writes at its first point: along each of its axes, and along the other axes of the array."""

    along: tuple[Dim, ...]
    others: tuple[tuple[int, Dim], ...]


def _blocks(kernel: Kernel) -> list[_Block] | None:
    """The blocks that a kernel adds to one array, of which it reads nothing; None if it does anything else."""
    stores = [step for step in kernel.body if isinstance(step, Store)]
    if not kernel.sequential or len(stores) < 2 or not all(isinstance(step, Let | Load | Store) for step in kernel.body):
        return None
    target, places = stores[0].buffer, [_place(store, kernel.axes) for store in stores]
    if any(store.buffer != target or not store.add or place is None for store, place in zip(stores, places, strict=True)):
        return None
    if any(isinstance(step, Load) and step.buffer == target for step in kernel.body):
        return None
    shifts = [_shift(place, places[0]) for place in places]  # type: ignore[arg-type]
    if None in shifts:
        return None
    foremost = [min(along) for along in zip(*shifts, strict=True)]  # type: ignore[arg-type]
    return [
        _Block(_needed(store, kernel.body), tuple(s - f for s, f in zip(shift, foremost, strict=True)))  # type: ignore[arg-type]
        for store, shift in zip(stores, shifts, strict=True)
    ]


def _place(store: Store, axes: Sequence[Axis]) -> _Place | None:
    """Where a store writes, if its position grows by 1 with each axis of the kernel, in order."""
    points, names = [symbol(axis.name) for axis in axes], {axis.name for axis in axes}
    along: list[Dim] = []
    others: list[tuple[int, Dim]] = []
    for number, dim in enumerate(store.index):
        if symbols(dim).isdisjoint(names):
            others.append((number, dim))
        elif len(along) < len(points):
            along.append(dim - points[len(along)])
    is_regular = len(along) == len(points) and all(symbols(dim).isdisjoint(names) for dim in along)
    return _Place(tuple(along), tuple(others)) if is_regular and len(along) + len(others) == len(store.index) else None


def _shift(place: _Place, first: _Place) -> tuple[int, ...] | None:
    """By how much a place differs from another one along the kernel's axes, if that is known and they differ in nothing else."""
    shift = [x - y for x, y in zip(place.along, first.along, strict=True)]
    return tuple(shift) if place.others == first.others and all(isinstance(s, int) for s in shift) else None  # type: ignore[arg-type]


def _needed(store: Store, body: Sequence[Step]) -> tuple[Step, ...]:
    """The steps that a store needs, and the store."""
    kept: list[Step] = []
    needed: set[str] = set()
    for step in reversed(body):
        if step is store or (isinstance(step, Let | Load) and step.name in needed):
            kept.append(step)
            needed |= {atom.name for atom in atoms(step) if isinstance(atom, Local)}
            needed |= {name for dim in step_dims(step) for name in symbols(dim)}
    return tuple(reversed(kept))


class _Gathering(Nest):
    """The nest over all points of the array that a block covers."""

    def __init__(self, kernel: Kernel, blocks: Sequence[_Block], functions: set[str]) -> None:
        super().__init__(kernel, functions)
        self.most = [max(along) for along in zip(*(block.shift for block in blocks), strict=True)]
        self.names = Names(
            {p.name for p in kernel.buffers} | {s.name for s in kernel.scalars} | set(self.extents)
            | {name for p in kernel.buffers for dim in p.type.shape for name in symbols(dim)}
            | {name for step in kernel.body for dim in step_dims(step) for name in symbols(dim)}
        )  # fmt: skip
        self.alone = [(block, self.renamed(block)) for block in blocks]
        self.together = list(self.parts_of_row(blocks))
        steps = [step for _, steps in self.alone for step in steps] + [step for *_, steps in self.together for step in steps]
        self.code = Code(count_readers(steps), self.pinned(steps), functions)

    def parts_of_row(self, blocks: Sequence[_Block]) -> Iterator[tuple[Dim, Dim, list[Step]]]:
        """The parts of a row in which all blocks overlap: from where, to where, and the steps that add what blocks have for an element."""
        extent, shifts = self.kernel.axes[-1].extent, sorted({block.shift[-1] for block in blocks})
        for start, stop in pairwise(shifts):
            yield start, stop, self.in_order([block for block in blocks if block.shift[-1] <= start])
        yield self.most[-1], extent, self.in_order(blocks)
        for start, stop in pairwise(shifts):
            yield extent + start, extent + stop, self.in_order([block for block in blocks if block.shift[-1] >= stop])

    def pinned(self, steps: Sequence[Step]) -> frozenset[str]:
        return frozenset(name for step in steps for dim in step_dims(step) for name in symbols(dim))

    def renamed(self, block: _Block) -> list[Step]:
        """The steps of a block at the point of the array, under names of their own."""
        names: dict[str, str] = {}
        dims = {a.name: symbol(a.name) - shift for a, shift in zip(self.kernel.axes, block.shift, strict=True)}
        found = []
        for step in block.steps:
            if isinstance(step, Let | Load):
                names[step.name] = self.names.fresh(step.name)
                dims[step.name] = symbol(names[step.name])
            found.append(rename_step(step, names, dims))
        return found

    def in_order(self, blocks: Sequence[_Block]) -> list[Step]:
        """The steps that add to an element what blocks have for it, and write it once."""
        parts = list(map(self.renamed, blocks))
        first = parts[0][-1]
        assert isinstance(first, Store)
        value = Local(self.names.fresh(first.buffer), first.dtype)
        steps: list[Step] = [Load(value.name, value.dtype, first.buffer, first.index)]
        for *needed, store in parts:
            assert isinstance(store, Store)
            added = Local(self.names.fresh("added"), store.dtype)
            steps += [*needed, Let(added.name, store.dtype, "add", (value, store.value), store.source)]
            value = added
        return [*steps, replace(first, value=value, add=False)]

    # the loops

    def nest(self, depth: int) -> None:
        """Loops over all but the last axis, and inside them a row."""
        if depth < self.rank - 1:
            axis = self.kernel.axes[depth]
            with self.code.block(f"for {axis.name} in range({dim_text(axis.extent + self.most[depth])}):"):
                self.nest(depth + 1)
        elif test := " and ".join(self.tests()):
            with self.code.block(f"if {test}:"):
                self.row()
            with self.code.block("else:"):
                self.one_by_one()
        else:
            self.row()

    def tests(self) -> Iterator[str]:
        """Tests for the rows in which all blocks overlap."""
        for axis, most in zip(self.kernel.axes[:-1], self.most, strict=False):
            if most:
                yield f"{most} <= {axis.name} < {dim_text(axis.extent)}"
        extent, most = self.kernel.axes[-1].extent, self.most[-1]
        if most and not (isinstance(extent, int) and most <= extent):
            yield f"{most} <= {dim_text(extent)}"

    def row(self) -> None:
        """A row in which all blocks overlap."""
        for start, stop, steps in self.together:
            self.loop_over(start, stop, steps)

    def one_by_one(self) -> None:
        """What each block has for a row."""
        for block, steps in self.alone:
            start = block.shift[-1]
            covered = [
                (f"{by} <= " if by else "") + f"{axis.name} < {dim_text(axis.extent + by)}"
                for axis, by, most in zip(self.kernel.axes[:-1], block.shift, self.most, strict=False)
                if most
            ]
            with self.code.block(f"if {' and '.join(covered)}:") if covered else nullcontext():
                self.loop_over(start, self.kernel.axes[-1].extent + start, steps)

    def loop_over(self, start: Dim, stop: Dim, steps: Sequence[Step]) -> None:
        first = f"{dim_text(start)}, " if start != 0 else ""
        with self.code.block(f"for {self.kernel.axes[-1].name} in range({first}{dim_text(stop)}):"):
            for step in steps:
                if isinstance(step, Let | Load):
                    self.code.scalar(step)
                else:
                    assert isinstance(step, Store)
                    store_line(self.code, step)
