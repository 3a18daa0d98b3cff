"""Matrix products that go on with what their only reader does.

    dot = x @ w; h[i, j] = max(dot[i, j] + b[j], 0)

becomes one kernel: each thread has its element of the product in a register, adds the bias, takes the maximum and stores ``h``.
The product itself is never in memory. The reader may store, also in place of the product, and reduce over all axes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...ir import ArrayType, symbol
from ...ir.sizes import single_symbol, symbols
from ...lower.kernels import rename
from ...lower.names import Names
from ...lower.program import (
    Allocate,
    Axis,
    BufferParameter,
    Check,
    For,
    If,
    Kernel,
    Launch,
    Let,
    Load,
    Local,
    Product,
    Program,
    Reduce,
    Store,
    View,
    Wrap,
)  # fmt: skip
from .statements import (
    Fetch,
    KernelNames,
    Multiply,
    ProductKernel,
    kernel_names,
    map_blocks,
    names_in,
    plain_name,
    storage_roots,
    with_body,
)  # fmt: skip


def fuse_products(program: Program, names: KernelNames) -> Program:
    """Make every matrix product a ``Multiply``, together with the kernel that reads it where there is just one."""
    fusion = _Fusion(program, names)
    return with_body(program, map_blocks(program.body, fusion.block))


class _Fusion:
    def __init__(self, program: Program, names: KernelNames) -> None:
        self.names = names
        self.roots = storage_roots(program.body)
        self.mentions: Counter[str] = Counter(names_in(program.results))

        def count(block: list[Any]) -> list[Any]:
            for s in block:
                self.mentions.update(_own_names(s))
            return block

        map_blocks(program.body, count)

    def block(self, block: list[Any]) -> list[Any]:
        """Fuse in one list of statements; what is in loops and branches has been done."""
        dropped: set[str] = set()
        ready: dict[int, Multiply] = {}
        for start, s in reversed(list(enumerate(block))):
            if not isinstance(s, Product):
                continue
            end = self.reader(block, start)
            if end is None or end in ready:
                ready[start] = self.alone(s)
            else:
                ready[end] = self.together(s, block[end])
                dropped.update({s.out} - set(ready[end].buffers))
        kept = [ready.get(k, s) for k, s in enumerate(block) if k in ready or not isinstance(s, Product)]
        return [s for s in kept if not (isinstance(s, Allocate) and s.name in dropped)]

    # with what a product is fused

    def reader(self, block: Sequence[Any], start: int) -> int | None:
        """Where the launch is that may take the product in: the next to touch it."""
        product = block[start]
        operands = {self.root(product.a), self.root(product.b)}
        if product.beta or product.out in self.roots or None in operands:
            return None
        for k in range(start + 1, len(block)):
            s = block[k]
            if any(self.root(name) == product.out for name in names_in(s)):
                return k if isinstance(s, Launch) and not operands & self.written(s) and self.takes(s, product) else None
            if isinstance(s, Launch | Product):
                if operands & self.written(s):
                    return None
            elif not isinstance(s, Let | Allocate | View | Check | Fetch):
                return None
        return None

    def takes(self, launch: Launch, product: Product) -> bool:
        """Whether a kernel reads the product at its own point only, and nobody reads it later."""
        kernel = launch.kernel
        if launch.buffers.count(product.out) != 1 or len(kernel.axes) != 2 or kernel.sequential:
            return False
        own = kernel.buffers[launch.buffers.index(product.out)]
        if own.type.shape != tuple(axis.extent for axis in kernel.axes) or not _stays_at_its_point(kernel, own):
            return False
        alone = self.mentions[product.out] == 3  # by its allocation, the product and this launch
        return own.written or (alone and _known_without(kernel, own))

    def root(self, name: str) -> str | None:
        """The buffer whose memory a name shows, if that is known."""
        while name in self.roots:
            base = self.roots[name]
            if base is None:
                return None
            name = base
        return name

    def written(self, s: Launch | Product) -> set[str | None]:
        """The memory that a statement writes to; None if that is not known."""
        if isinstance(s, Product):
            return {self.root(s.out)}
        return {self.root(b) for b, p in zip(s.buffers, s.kernel.buffers, strict=True) if p.written}

    # the kernels

    def alone(self, s: Product) -> Multiply:
        """A product that is stored."""
        shape = (symbol("rows"), symbol("columns"))
        axes = (Axis("i", shape[0]), Axis("j", shape[1]))
        store = Store("out", (symbol("i"), symbol("j")), Local("total", s.dtype), s.dtype, add=bool(s.beta), source=s.source)
        out = BufferParameter("out", ArrayType(s.dtype, shape), True)
        then = Kernel("", (out,), (Local("total", s.dtype),), axes, (store,))
        kernel = self.names.product(ProductKernel(then, "a", "b", s.transposed), "matmul")
        return Multiply(kernel, (s.a, s.b), (s.out,), (), (), s.source)

    def together(self, s: Product, launch: Launch) -> Multiply:
        """A product and the kernel that reads it."""
        old = launch.kernel
        own = old.buffers[launch.buffers.index(s.out)]
        loads = [step.name for step in old.body if isinstance(step, Load) and step.buffer == own.name]
        element = Names(kernel_names(old)).fresh(f"{own.name}_here") if own.written else own.name
        renamed = rename(old, dict.fromkeys(loads, element))
        body = tuple(step for step in renamed.body if not (isinstance(step, Load) and step.buffer == own.name))
        pairs = [(p, b) for p, b in zip(renamed.buffers, launch.buffers, strict=True) if p.written or p.name != own.name]
        scalars = (Local(element, s.dtype), *renamed.scalars)
        then = Kernel("", tuple(p for p, _ in pairs), scalars, renamed.axes, body)
        names = Names(kernel_names(then))
        a, b = names.fresh(s.a), names.fresh(s.b)
        kernel = self.names.product(ProductKernel(then, a, b, s.transposed), f"matmul_{plain_name(old)}")
        return Multiply(kernel, (s.a, s.b), tuple(b for _, b in pairs), launch.scalars, launch.results, launch.source)


def _own_names(s: Any) -> list[str]:
    """The names that a statement mentions itself, those in its loops and branches aside."""
    match s:
        case For():
            return list(names_in((s.index, s.start, s.stop, s.condition)))
        case If():
            return list(names_in(s.test))
    return list(names_in(s))


def _stays_at_its_point(kernel: Kernel, own: BufferParameter) -> bool:
    """Whether a kernel touches a buffer nowhere but at its own point, where it writes, if at all, once and last."""
    point = tuple(symbol(axis.name) for axis in kernel.axes)
    written = False
    for step in kernel.body:
        match step:
            case Load(buffer=own.name, index=index):
                if index != point or written:
                    return False
            case Store(buffer=own.name, index=index, add=add):
                if index != point or written or add:
                    return False
                written = True
            case Wrap():
                return False
            case Reduce(axes=axes) if len(axes) != len(kernel.axes):
                return False
    return written == own.written


def _known_without(kernel: Kernel, own: BufferParameter) -> bool:
    """Whether the body needs no size that the product's shape alone shows, its number of rows and columns aside."""
    known = {single_symbol(axis.extent) for axis in kernel.axes} | {axis.name for axis in kernel.axes}
    known |= {single_symbol(d) for p in kernel.buffers if p is not own for d in p.type.shape}
    lost: Mapping[str, None] = dict.fromkeys(n for d in own.type.shape for n in symbols(d) if n not in known)
    return not any(name in lost for step in kernel.body for name in names_in(step))
