"""The driver of a CUDA program: plain Python on the host that keeps arrays on the device and launches kernels in order.

    n = x.shape[0]
    x, w = cuda.to_device(x), cuda.to_device(w)
    h = cuda.device_array((n, m), np.float32)
    matmul_maximum[gpu.tiles(n, m), (16, 16)](x, w, h)
    return h.copy_to_host()

Scalars are numbers of Python and NumPy. Scalar loops and branches stay what they are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ...errors import UnsupportedError
from ...ir import Dim, symbol
from ...ir.sizes import product, single_symbol, substitute
from ...lower.program import (
    Allocate,
    Atom,
    Call,
    Check,
    For,
    Kernel,
    Launch,
    Load,
    Local,
    NewStack,
    Pop,
    Position,
    Print,
    Program,
    Push,
    Reserve,
    Statement,
    Store,
    View,
)  # fmt: skip
from ..code import element_text
from ..driver import _Driver as HostDriver
from ..driver import shape_text
from ..expressions import dim_text, dtype_text
from ..reductions import EMPTY_ERRORS
from . import blocks
from .kernels import layout, reductions
from .statements import Fetch, Multiply, storage_roots


def driver_lines(program: Program, donated: Collection[int], functions: set[str]) -> list[str]:
    """The text of the driver; the parameters at ``donated`` are written to."""
    return _Driver(program, donated, functions).lines()


class _Driver(HostDriver):
    def __init__(self, program: Program, donated: Collection[int], functions: set[str]) -> None:
        super().__init__(program, functions)
        written = [program.parameters[k].name for k in sorted(donated)]
        roots = storage_roots(program.body)
        self.rebound = [name for name in written if name in roots]
        self.returns = {name: f"{name}_device" if name in self.rebound else name for name in written}  # what goes back
        self.loops = 0

    def lines(self) -> list[str]:
        arrays = [p.name for p in self.program.parameters if p.type.shape]
        names = ", ".join(p.name for p in self.program.parameters)
        with self.code.block(f"def {self.program.name}({names}):"):
            self.sizes()
            for name in self.returns:
                self.code.line(f"{name}_host = {name}")
            for name in arrays:
                self.code.line(f"{name} = cuda.to_device({name})")
            for name in self.rebound:
                self.code.line(f"{name}_device = {name}")
            self.statements(self.program.body)
            self.code.flush()
            for name, found in self.returns.items():
                self.code.line(f"{found}.copy_to_host({name}_host)")
            results = [self.on_host(r) for r in self.program.results]
            self.code.line(f"return {', '.join(results)}".rstrip())
        return self.code.lines

    def on_host(self, value: str | Atom) -> str:
        """A number, or a device array's copy on the host."""
        return f"{value}.copy_to_host()" if isinstance(value, str) else self.text(value)

    def statement(self, s: Statement) -> None:
        if isinstance(s, Load | Store):
            self.write_element(s)
        else:
            super().statement(s)

    # kernels

    def write_launch(self, s: Launch) -> None:
        extents = self.extents(s)
        self.refuse_empty(s.kernel, extents, s)
        scalars = [self.text(atom) for atom in s.scalars]
        self.code.flush()
        if len(s.kernel.returned) != len(reductions(s.kernel)):
            inner = reductions(s.kernel)[0].axes
            outer = product(tuple(d for axis, d in zip(s.kernel.axes, extents, strict=True) if axis.name not in inner))
            members, slots = layout(s.kernel)
            threads = (members, slots) if (members, slots) == blocks.ACROSS else (slots, members)
            self.run(s.kernel.name, f"gpu.groups({dim_text(outer)}, {slots})", str(threads), [*s.buffers, *scalars], s)
            return
        alone = any(r.op in ("argmax", "argmin") for r in reductions(s.kernel))  # positions of parts would need their values
        grid = "1" if alone else f"gpu.blocks({self.size(s, extents)}, {blocks.THREADS})"
        if s.results:
            self.allocate_parts(s.kernel, s.results, grid)
            grid = f"{s.results[0]}.size"
        self.run(s.kernel.name, grid, str(blocks.THREADS), [*s.buffers, *s.results, *scalars], s)

    def write_multiply(self, s: Multiply) -> None:
        scalars = [self.text(atom) for atom in s.scalars]
        self.code.flush()
        (a, b), (flip_a, flip_b) = s.operands, s.kernel.transposed
        rows, columns = f"{a}.shape[{1 if flip_a else 0}]", f"{b}.shape[{0 if flip_b else 1}]"
        self.refuse_empty(s.kernel.then, (symbol(rows), symbol(columns)), s)
        grid = f"gpu.tiles({rows}, {columns}, {blocks.TILE})"
        if s.results:
            self.allocate_parts(s.kernel.then, s.results, f"gpu.count({grid})")
        self.run(s.kernel.name, grid, f"({blocks.TILE}, {blocks.TILE})", [*s.operands, *s.buffers, *s.results, *scalars], s)

    def run(self, name: str, grid: str, threads: str, arguments: Sequence[str], s: Launch | Multiply) -> None:
        self.code.line(f"{name}[{grid}, {threads}]({', '.join(arguments)})", s.source)

    def allocate_parts(self, kernel: Kernel, results: Sequence[str], count: str) -> None:
        for name, local in zip(results, kernel.returned, strict=True):
            self.code.line(f"{name} = cuda.device_array({count}, {dtype_text(local.dtype)})")
            count = f"{results[0]}.size"

    def extents(self, s: Launch) -> tuple[Dim, ...]:
        """The extents of a launch's domain, in the driver's terms: shapes of its buffers, and its scalars."""
        known: dict[str, Dim] = {}
        for parameter, buffer in zip(s.kernel.buffers, s.buffers, strict=True):
            for axis, dim in enumerate(parameter.type.shape):
                if (name := single_symbol(dim)) is not None:
                    known.setdefault(name, symbol(f"{buffer}.shape[{axis}]"))
        for local, atom in zip(s.kernel.scalars, s.scalars, strict=True):
            match atom:
                case Position(dim=dim):
                    known[local.name] = dim
                case Local(name=name):
                    known[local.name] = symbol(name)
        return tuple(substitute(axis.extent, known) for axis in s.kernel.axes)

    def size(self, s: Launch, extents: Sequence[Dim]) -> str:
        """The number of points: a buffer's size where one has the shape of the domain."""
        shape = tuple(axis.extent for axis in s.kernel.axes)
        for parameter, buffer in zip(s.kernel.buffers, s.buffers, strict=True):
            if parameter.type.shape == shape:
                return f"{buffer}.size"
        return dim_text(product(tuple(extents)))

    def refuse_empty(self, kernel: Kernel, extents: Sequence[Dim], s: Launch | Multiply) -> None:
        """Refuse to reduce nothing where there is no identity."""
        for r in reductions(kernel):
            if r.op not in EMPTY_ERRORS:
                continue
            inner = product(tuple(d for axis, d in zip(kernel.axes, extents, strict=True) if axis.name in r.axes))
            outer = product(tuple(d for axis, d in zip(kernel.axes, extents, strict=True) if axis.name not in r.axes))
            if isinstance(inner, int) and inner > 0:
                continue
            test = f"{dim_text(inner)} == 0" + (f" and {dim_text(outer)} != 0" if outer != 1 else "")
            with self.code.block(f"if {test}:", s.source):
                self.code.line(f'raise ValueError("{EMPTY_ERRORS[r.op]}")')

    def write_fetch(self, s: Fetch) -> None:
        self.code.flush()
        self.code.line(f'{s.name} = gpu.combine("{s.op}", {s.parts})', s.source)

    # memory

    def write_allocate(self, s: Allocate) -> None:
        self.code.flush()
        function = "gpu.zeros" if s.zero else "cuda.device_array"
        self.code.line(f"{s.name} = {function}({shape_text(s.type)}, {dtype_text(s.type.dtype)})", s.source)

    def write_view(self, s: View) -> None:
        self.code.flush()
        text = element_text(s.base, s.positions) if s.positions else f"{s.base}.reshape({shape_text(s.type)})"
        if s.offset is not None:
            span = f"{dim_text(s.offset)}:{dim_text(s.offset + s.type.size)}"
            text = f"{s.base}.reshape({s.base}.size)[{span}].reshape({shape_text(s.type)})"
        self.code.line(f"{s.name} = {text}", s.source)

    def write_element(self, s: Load | Store) -> None:
        """Single elements go to and from the device, which is for once, not for loops."""
        if self.loops:
            refuse("a loop over single elements of arrays", s)
        index = ", ".join(map(dim_text, s.index))
        if isinstance(s, Load):
            self.code.flush()
            self.code.line(f"{s.name} = gpu.read({s.buffer}, {index})", s.source)
            return
        value = self.text(s.value)
        self.code.flush()
        self.code.line(f"gpu.{'add' if s.add else 'write'}({s.buffer}, {value}, {index})", s.source)

    def write_call(self, s: Call) -> None:
        if s.function not in ("copied", "copy_into"):
            refuse(s.function, s)
        self.code.flush()
        if s.function == "copied":
            self.code.line(f"{s.results[0]} = gpu.copy({s.arguments[0]})", s.source)
            return
        target, value = map(str, s.arguments)
        if target in self.returns:
            self.returns[target] = value  # goes to the host from where it is
        else:
            self.code.line(f"{target}.copy_to_device({value})", s.source)

    def write_for(self, s: For) -> None:
        self.loops += 1
        super().write_for(s)
        self.loops -= 1

    def write_print(self, s: Print) -> None:
        operands = tuple(self.on_host(o) if isinstance(o, str) else o for o in s.operands)
        super().write_print(replace(s, operands=operands))

    def write_check(self, s: Check) -> None:
        operands = tuple(self.on_host(o) if isinstance(o, str) else o for o in s.operands)
        super().write_check(replace(s, operands=operands))

    # stacks are lists

    def write_newstack(self, s: NewStack) -> None:
        self.code.flush()
        self.code.line(f"{s.name} = []", s.source)

    def write_reserve(self, s: Reserve) -> None:
        """A list grows by itself."""

    def write_push(self, s: Push) -> None:
        assert s.value is not None, "only flat programs compute values on a stack"
        value = f"gpu.copy({s.value})" if isinstance(s.value, str) else self.text(s.value)
        self.code.flush()
        self.code.line(f"{s.stack}.append({value})", s.source)

    def write_pop(self, s: Pop) -> None:
        self.code.flush()
        self.code.line(f"{s.name} = {s.stack}.pop()", s.source)


def refuse(what: str, s: Statement) -> None:
    """Say what cannot run on a GPU, and where it stands."""
    source = getattr(s, "source", None)
    where = f" ({source.in_short()})" if source else ""
    raise UnsupportedError(f'{what} cannot run on a GPU yet{where}; use target="cpu"')
