"""Kernels for a GPU: how threads visit the points of a domain.

A map visits them in flat order, each thread every so many; so does a reduction over all axes, which leaves one part per block.
In a reduction over some axes, threads side by side read what lies side by side: where the last axis is reduced, they are
members that share a result; otherwise each has a slot for a result of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ...errors import UnsupportedError
from ...ir import Dim
from ...ir.sizes import product, single_symbol, symbols
from ...lower.kernels import step_dims
from ...lower.names import Names
from ...lower.program import Axis, Kernel, Let, Load, Local, Reduce, Store, Wrap
from ..code import count_readers, element_text
from ..expressions import dim_text
from ..nests import store_line
from . import blocks
from .expressions import DeviceCode
from .reductions import Total
from .statements import kernel_names, names_in


class KernelWriter:
    """What all kernels share: parameters, sizes, and the steps at one point."""

    def __init__(self, kernel: Kernel, functions: set[str]) -> None:
        self.kernel, self.functions = kernel, functions
        self.names = Names(kernel_names(kernel))
        pinned = frozenset(n for step in kernel.body for n in names_in(tuple(step_dims(step))))
        self.code = DeviceCode(count_readers(kernel.body), pinned, functions)
        self.totals = [Total(step, self.names, functions) for step in kernel.body if isinstance(step, Reduce)]
        whole = {local.name for local in kernel.returned}
        self.parts = {t.step.target: self.names.fresh(f"{t.step.target}_parts") for t in self.totals if t.step.target in whole}

    def decorator(self, operands: Sequence[str] = (), scalars: Sequence[Local] | None = None) -> str:
        """The types of the parameters, as numba takes them."""
        types = [*operands, *(array_type(p.type.dtype, p.type.rank) for p in self.kernel.buffers)]
        types += [array_type(t.dtype, 1) for t in (t.step for t in self.totals) if t.target in self.parts]
        types += [scalar_type(s.dtype) for s in (self.kernel.scalars if scalars is None else scalars)]
        return f'@cuda.jit("void({", ".join(types)})")'

    def parameters(self, operands: Sequence[str] = (), scalars: Sequence[Local] | None = None) -> str:
        """The names of the parameters."""
        last = self.kernel.scalars if scalars is None else scalars
        return ", ".join([*operands, *(p.name for p in self.kernel.buffers), *self.parts.values(), *(s.name for s in last)])

    def sizes(self, known: Iterable[str | None] = ()) -> None:
        """Read the sizes that the kernel needs off the shapes of buffers."""
        needed = {n for axis in self.kernel.axes for n in symbols(axis.extent)}
        needed |= {n for step in self.kernel.body for n in names_in(tuple(step_dims(step)))}
        needed -= {s.name for s in self.kernel.scalars} | set(known)
        for parameter in self.kernel.buffers:
            shown = [single_symbol(dim) for dim in parameter.type.shape]
            if len(shown) > 1 and all(name in needed for name in shown) and len(set(shown)) == len(shown):
                self.code.line(f"{', '.join(map(str, shown))} = {parameter.name}.shape")
                needed -= set(shown)  # type: ignore[arg-type]
            for axis, name in enumerate(shown):
                if name in needed:
                    self.code.line(f"{name} = {parameter.name}.shape[{axis}]")
                    needed.discard(name)

    def point(self, axes: Sequence[Axis], flat: str) -> None:
        """The indices of a point from its number."""
        rest: list[Dim] = [axis.extent for axis in axes]
        texts = []
        for k in range(len(axes)):
            after = product(tuple(rest[k + 1 :]))
            text = flat if after == 1 else f"{flat} // {tight(after)}"
            texts.append(text if k == 0 else f"{text} % {tight(axes[k].extent)}")
        self.code.line(f"{', '.join(axis.name for axis in axes)} = {', '.join(texts)}")

    def steps(self) -> None:
        """What happens at one point."""
        totals = iter(self.totals)
        for step in self.kernel.body:
            match step:
                case Let() | Load():
                    self.code.scalar(step)
                case Store():
                    store_line(self.code, step)
                case Reduce():
                    next(totals).add(self.code)
                case Wrap():
                    raise UnsupportedError('indexing with an array of positions cannot run on a GPU yet; use target="cpu"')
        self.code.flush()

    def leave_parts(self, block: str, member: str, shape: tuple[int, int]) -> None:
        """Combine what the threads of the block have, and leave one number per reduction."""
        for total in self.totals:
            total.combine(self.code, shape, member, "0")
        if self.totals:
            with self.code.block(f"if {member} == 0:"):
                for total in self.totals:
                    self.code.line(f"{self.parts[total.step.target]}[{block}] = {total.here}")


def kernel_lines(kernel: Kernel, functions: set[str]) -> list[str]:
    """The text of a kernel."""
    if kernel.sequential:
        raise UnsupportedError('writing at an array of positions cannot run on a GPU yet; use target="cpu"')
    writer = _Elements(kernel, functions) if len(kernel.returned) == len(reductions(kernel)) else _Columns(kernel, functions)
    return [writer.decorator(), *writer.lines()]


def reductions(kernel: Kernel) -> list[Reduce]:
    """The reductions of a kernel."""
    return [step for step in kernel.body if isinstance(step, Reduce)]


class _Elements(KernelWriter):
    """A map, perhaps with reductions over all axes."""

    def lines(self) -> list[str]:
        kernel, code = self.kernel, self.code
        with code.block(f"def {kernel.name}({self.parameters()}):"):
            self.sizes()
            for total in self.totals:
                total.begin(code)
            size = dim_text(product(tuple(axis.extent for axis in kernel.axes)))
            flat = kernel.axes[0].name if len(kernel.axes) == 1 else self.names.fresh("point")
            with code.block(f"for {flat} in range(cuda.grid(1), {size}, cuda.gridsize(1)):"):
                if len(kernel.axes) > 1:
                    self.point(kernel.axes, flat)
                self.steps()
            self.leave_parts("cuda.blockIdx.x", "cuda.threadIdx.x", (blocks.THREADS, 1))
        return code.lines


class _Columns(KernelWriter):
    """Reductions over some axes."""

    def lines(self) -> list[str]:
        kernel, code = self.kernel, self.code
        reduced = self.totals[0].step.axes
        inner = tuple(axis for axis in kernel.axes if axis.name in reduced)
        outer = tuple(axis for axis in kernel.axes if axis.name not in reduced)
        shape = layout(kernel)
        member, slot, kept = (self.names.fresh(wish) for wish in ("member", "slot", "kept"))
        of_thread = ("x", "y") if shape == blocks.ACROSS else ("y", "x")
        with code.block(f"def {kernel.name}({self.parameters()}):"):
            self.sizes()
            code.line(f"{member}, {slot} = cuda.threadIdx.{of_thread[0]}, cuda.threadIdx.{of_thread[1]}")
            code.line(f"{kept} = cuda.blockIdx.x * {shape[1]} + {slot}")
            for total in self.totals:
                total.begin(code)
            count = tight(product(tuple(axis.extent for axis in outer)))
            with code.block(f"if {kept} < {count}:"):
                self.point(outer, kept)
                flat = inner[0].name if len(inner) == 1 else self.names.fresh("point")
                size = dim_text(product(tuple(axis.extent for axis in inner)))
                with code.block(f"for {flat} in range({member}, {size}, {shape[0]}):"):
                    if len(inner) > 1:
                        self.point(inner, flat)
                    self.steps()
            for total in self.totals:
                total.combine(code, shape, member, slot)
            with code.block(f"if {member} == 0 and {kept} < {count}:"):
                for total in self.totals:
                    code.line(f"{element_text(total.step.target, total.step.index)} = {total.here}", total.step.source)
        return code.lines


def layout(kernel: Kernel) -> tuple[int, int]:
    """Members and slots of the blocks of a reduction over some axes."""
    return blocks.ACROSS if kernel.axes[-1].name in reductions(kernel)[0].axes else blocks.ALONG


def array_type(dtype: np.dtype, rank: int) -> str:
    """The type of a contiguous array, as numba writes it."""
    return f"{scalar_type(dtype)}[{':, ' * (rank - 1)}::1]"


def scalar_type(dtype: np.dtype) -> str:
    """The type of a number, as numba writes it."""
    return "boolean" if dtype.kind == "b" else dtype.name


def tight(dim: Dim) -> str:
    """A size as a factor."""
    text = dim_text(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"
