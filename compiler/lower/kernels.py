"""Kernels from groups: the body at one point, the parameters, the name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from ..ir import ArrayType, Dim, Equation, Var, symbol
from ..ir.sizes import single_symbol, substitute, symbols
from ..ir.types import I64
from .elements import Body, Buffer, Value, windowed
from .fusion import Group
from .names import Names
from .program import (
    Atom,
    Axis,
    BufferParameter,
    Index,
    Kernel,
    Launch,
    Let,
    Load,
    Local,
    Position,
    Reduce,
    Step,
    Store,
    Wrap,
    atoms,
)  # fmt: skip
from .roles import Role, is_array, role_of

AXES = "ijklmn"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a kernel sees of the driver: where variables are, how the rest is computed, and the names of sizes."""

    value: Callable[[Var], Value | None]
    definition: Mapping[Var, Equation]
    sizes: frozenset[str]


def build(group: Group, stored: Mapping[Var, Buffer], seen: Surroundings) -> Launch:
    """The kernel of a group and its launch; ``stored`` says where results go, those that are written in place included."""
    return _KernelBuilder(group, stored, seen).build()


class _KernelBuilder:
    def __init__(self, group: Group, stored: Mapping[Var, Buffer], seen: Surroundings) -> None:
        self.group, self.stored, self.seen = group, stored, seen
        self.members = {result for e in group.equations for result in e.results}
        self.wishes: dict[str, str] = {}
        self.buffers: dict[str, ArrayType] = {}
        self.scalars: dict[str, Local] = {}
        self.returned: list[str] = []
        self.stores: list[tuple[Buffer, Index, Atom, Equation, bool]] = []
        self.body = Body(self.value, seen.definition, self.placeholder)
        self.axes = tuple(Axis(f"@{k}", extent) for k, extent in enumerate(group.domain))
        self.point: Index = tuple(symbol(axis.name) for axis in self.axes)

    def placeholder(self, wish: str) -> str:
        """A name that is settled when all are known."""
        name = f"%{len(self.wishes)}"
        self.wishes[name] = wish
        return name

    def value(self, var: Var) -> Value | None:
        """Where a variable is, unless the kernel itself computes it."""
        if var in self.members:
            return None
        value = self.seen.value(var)
        if isinstance(value, Buffer):
            self.buffers.setdefault(value.name, value.type)
        elif isinstance(value, Local):
            self.scalars.setdefault(value.name, value)
        return value

    def build(self) -> Launch:
        for equation in self.group.equations:
            self.add(equation)
        for store in self.stores:  # after all that is read: memory may be that of an operand
            self.body.store(*store)
        return self.finish()

    def add(self, equation: Equation) -> None:
        """Add what an equation does at one point."""
        role = role_of(equation)
        if role is Role.REDUCE:
            self.add_reduction(equation)
        elif role is Role.WRITE:
            self.add_write(equation)
        else:
            atom = self.body.element(equation.result, self.point)
            if equation.result in self.stored:
                self.stores.append((self.target(equation), self.point, atom, equation, False))

    def target(self, equation: Equation) -> Buffer:
        buffer = self.stored[equation.result]
        self.buffers.setdefault(buffer.name, buffer.type)
        return buffer

    def add_reduction(self, equation: Equation) -> None:
        value = self.body.element(equation.operands[0], self.point)
        axes = equation["axes"] if equation.op not in ("argmax", "argmin") else (equation["axis"],)
        index = tuple(point for k, point in enumerate(self.point) if k not in axes)
        if is_array(equation.result):
            target = self.target(equation).name
        else:
            target = self.placeholder(equation.hint or equation.op)
            self.returned.append(target)
        names = tuple(self.axes[k].name for k in axes)
        dtype = equation.result.type.dtype  # type: ignore[union-attr]
        self.body.steps.append(Reduce(equation.op, target, dtype, names, index, value, equation.source))

    def add_write(self, equation: Equation) -> None:
        _, value, *starts = equation.operands
        atom = self.body.element(value, self.point)
        if equation.op in ("put", "put_add"):
            index = self.body.taken(equation["axes"], tuple(starts), equation.operands[0], self.point)
        elif equation.op == "windows_add":
            index = windowed(equation, self.point)
        else:
            index = self.body.selected(equation["spec"], tuple(starts), self.point)
        self.stores.append((self.target(equation), index, atom, equation, equation.op in _ADDING))

    def finish(self) -> Launch:
        written = {step.buffer for step in self.body.steps if isinstance(step, Store)}
        written |= {step.target for step in self.body.steps if isinstance(step, Reduce) and step.target in self.buffers}
        steps = _live_steps(self.body.steps)
        used = {step.buffer for step in steps if isinstance(step, Load | Store)} | written
        order = sorted((name for name in self.buffers if name in used), key=lambda name: name not in written)
        buffers = tuple(BufferParameter(name, self.buffers[name], name in written) for name in order)
        kernel = Kernel(kernel_name(self.group), buffers, (), self.axes, tuple(steps), self.is_sequential())
        read = _locals_used(steps)
        scalars = [scalar for name, scalar in self.scalars.items() if name in read]
        scalars += [Local(name, I64) for name in sorted(free_integers(kernel) - {scalar.name for scalar in scalars})]
        kernel = replace(kernel, scalars=tuple(scalars), axes=self.ordered_axes())
        kernel = rename(kernel, self._final_names(kernel))
        arguments = tuple(_argument(scalar) for scalar in scalars)
        return Launch(kernel, tuple(order), arguments, tuple(self.returned), self.group.equations[-1].source)

    def is_sequential(self) -> bool:
        """Whether a later point may write where an earlier one wrote."""
        return self.group.shifted or any(e.op in ("put", "put_add", "windows_add") for e in self.group.equations)

    def ordered_axes(self) -> tuple[Axis, ...]:
        """The axes with one that wants to be innermost last; those of windows as what is added lies in memory."""
        if any(e.op == "windows_add" for e in self.group.equations):
            loaded = (step.index for step in self.body.steps if isinstance(step, Load))
            order = next((index for index in loaded if sorted(map(str, index)) == sorted(map(str, self.point))), self.point)
            return tuple(self.axes[self.point.index(dim)] for dim in order)
        if not self.group.sealed or self.group.shifted:
            return self.axes
        last = self.group.equations[0]["axis"]
        return (*(axis for k, axis in enumerate(self.axes) if k != last), self.axes[last])

    def _final_names(self, kernel: Kernel) -> dict[str, str]:
        outer = {p.name for p in kernel.buffers} | {s.name for s in kernel.scalars}
        shown = {name for p in kernel.buffers for dim in p.type.shape for name in symbols(dim)}
        names = Names(outer | shown | self.seen.sizes)
        final = {axis.name: names.fresh(wish) for axis, wish in zip(self.axes, cycle(AXES), strict=False)}
        for placeholder, wish in self.wishes.items():
            final[placeholder] = names.fresh(wish)
        return final


def free_integers(kernel: Kernel) -> set[str]:
    """Names in positions and extents that neither the kernel defines nor the shape of a buffer shows."""
    known = {name for p in kernel.buffers for dim in p.type.shape if (name := single_symbol(dim))}
    known |= {axis.name for axis in kernel.axes}
    known |= {step.name for step in kernel.body if isinstance(step, Let | Load | Wrap)}
    dims = [axis.extent for axis in kernel.axes] + [dim for step in kernel.body for dim in step_dims(step)]
    return set().union(*map(symbols, dims)) - known


def rename(kernel: Kernel, names: Mapping[str, str]) -> Kernel:
    """The kernel with other names for its parameters, axes and variables."""
    new = {old: symbol(name) for old, name in names.items()}

    def name(n: str) -> str:
        return names.get(n, n)

    return Kernel(
        kernel.name,
        tuple(BufferParameter(name(p.name), p.type.substitute(new), p.written) for p in kernel.buffers),
        tuple(Local(name(s.name), s.dtype) for s in kernel.scalars),
        tuple(Axis(name(a.name), substitute(a.extent, new)) for a in kernel.axes),
        tuple(rename_step(step, names, new) for step in kernel.body),
        kernel.sequential,
    )


def rename_step(step: Step, names: Mapping[str, str], dims: Mapping[str, Dim]) -> Step:
    """A step with other names, and other dims for names in positions."""

    def dim(d: Dim) -> Dim:
        return substitute(d, dims)

    def name(n: str) -> str:
        return names.get(n, n)

    def atom(a: Atom) -> Atom:
        match a:
            case Local():
                return Local(name(a.name), a.dtype)
            case Position():
                return Position(dim(a.dim))
        return a

    match step:
        case Let():
            return Let(name(step.name), step.dtype, step.op, tuple(map(atom, step.operands)), step.source)
        case Load():
            return Load(name(step.name), step.dtype, name(step.buffer), tuple(map(dim, step.index)), step.source)
        case Store():
            return Store(name(step.buffer), tuple(map(dim, step.index)), atom(step.value), step.dtype, step.add, step.source)
        case Wrap():
            return Wrap(name(step.name), atom(step.value), dim(step.size), step.message, step.source)
    axes = tuple(map(name, step.axes))
    return Reduce(step.op, name(step.target), step.dtype, axes, tuple(map(dim, step.index)), atom(step.value), step.source)


_SILENT = frozenset(("convert", "copy", "broadcast", "constant", "select", "and", "or", "not"))
_ADDING = frozenset(("index_add", "put_add", "windows_add"))
_VERBS = {
    "update": "set", "index_add": "add_to", "put": "put", "put_add": "scatter_add", "windows_add": "overlap_add", "wrap_index": "wrap",
}  # fmt: skip


def kernel_name(group: Group) -> str:
    """What the kernel does, in a few words."""
    words = [_VERBS.get(e.op, e.op) for e in group.equations if e.op not in _SILENT]
    words = [word for k, word in enumerate(words) if k == 0 or words[k - 1] != word]
    if not words:
        words = ["fill" if group.equations[0].op == "broadcast" else group.equations[0].op]
    return "_".join(words if len(words) <= 4 else [*words[:3], words[-1]])


def _argument(scalar: Local) -> Atom:
    return Position(symbol(scalar.name)) if scalar.dtype == I64 else scalar


def step_dims(step: Step) -> Iterator[Dim]:
    """The integer expressions in a step."""
    match step:
        case Load(index=index) | Store(index=index) | Reduce(index=index):
            yield from index
        case Wrap(size=size):
            yield size
    for atom in atoms(step):
        if isinstance(atom, Position):
            yield atom.dim


def _locals_used(steps: Iterable[Step]) -> set[str]:
    used = {a.name for step in steps for a in atoms(step) if isinstance(a, Local)}
    for step in steps:
        for dim in step_dims(step):
            used |= symbols(dim)
    return used


def _live_steps(steps: Sequence[Step]) -> list[Step]:
    """Without computations that nothing reads."""
    live: set[str] = set()
    kept: list[Step] = []
    for step in reversed(steps):
        if isinstance(step, Let | Load) and step.name not in live:
            continue
        kept.append(step)
        live |= _locals_used([step])
    return kept[::-1]


def canonical(kernel: Kernel) -> Kernel:
    """The kernel under names that depend on positions alone, and no name of its own."""
    ordered: dict[str, None] = {}
    for parameter in kernel.buffers:
        ordered[parameter.name] = None
        for dim in parameter.type.shape:
            ordered.update(dict.fromkeys(sorted(symbols(dim))))
    ordered.update((scalar.name, None) for scalar in kernel.scalars)
    ordered.update((axis.name, None) for axis in kernel.axes)
    for step in kernel.body:
        name = getattr(step, "name", None) or getattr(step, "target", None)
        if name is not None:
            ordered[name] = None
    renamed = rename(kernel, {old: f"v{k}" for k, old in enumerate(ordered)})
    return Kernel("", renamed.buffers, renamed.scalars, renamed.axes, renamed.body, renamed.sequential)
