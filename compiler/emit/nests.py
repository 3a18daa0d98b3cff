"""Loop nests: how a CPU visits the points of a kernel's domain.

Axes become loops in their order. A step stands in the outermost loop that knows all it reads. Sums of floats over the innermost axes go in
blocks: within a block in any order, so that LLVM vectorises them. So do those over one axis outside of them, in blocks of rows.
"""

from __future__ import annotations

from ..ir.sizes import Dim, product, single_symbol, symbols
from ..lower.kernels import step_dims
from ..lower.program import Kernel, Let, Load, Local, Reduce, Step, Store, Wrap, atoms
from .code import Code, count_readers, element_text
from .expressions import atom_text, dim_text
from .reductions import BLOCK, EMPTY_ERRORS, ROWS, Reduction


def kernel_lines(kernel: Kernel, functions: set[str]) -> list[str]:
    """The text of a kernel as a function, without decorator."""
    return Nest(kernel, functions).lines()


class Nest:
    """The loops of one kernel."""

    def __init__(self, kernel: Kernel, functions: set[str]) -> None:
        self.kernel = kernel
        self.rank = len(kernel.axes)
        pinned = frozenset().union(*(symbols(d) for step in kernel.body for d in step_dims(step)))
        self.code = Code(count_readers(kernel.body), pinned, functions)
        self.written = {p.name for p in kernel.buffers if p.written}
        self.extents = {axis.name: axis.extent for axis in kernel.axes}
        self.depths: dict[str, int] = {axis.name: k + 1 for k, axis in enumerate(kernel.axes)}
        self.steps: list[list[Step]] = [[] for _ in range(self.rank + 1)]
        for step in kernel.body:
            self.steps[self.depth(step)].append(step)
        self.reductions = {s: Reduction(s, self.code, kernel.axes) for s in kernel.body if isinstance(s, Reduce)}

    def depth(self, step: Step) -> int:
        """In how many loops a step stands."""
        if isinstance(step, Store | Reduce):
            return self.rank
        names = {a.name for a in atoms(step) if isinstance(a, Local)}
        for dim in step_dims(step):
            names |= symbols(dim)
        depth = max((self.depths.get(name, 0) for name in names), default=0)
        if isinstance(step, Load) and step.buffer in self.written:
            depth = self.rank
        self.depths[step.name] = depth
        return depth

    def lines(self) -> list[str]:
        parameters = [p.name for p in self.kernel.buffers] + [s.name for s in self.kernel.scalars]
        with self.code.block(f"def {self.kernel.name}({', '.join(parameters)}):"):
            self.sizes()
            self.checks()
            in_memory = [r for r in self.reductions.values() if not r.in_scalar]
            for reduction in in_memory:
                reduction.fill()
            self.nest(0)
            for reduction in in_memory:
                reduction.finish()
            if self.kernel.returned:
                self.code.line(f"return {', '.join(local.name for local in self.kernel.returned)}")
        return self.code.lines

    def sizes(self) -> None:
        """Read the sizes that the nest needs off the shapes of buffers."""
        needed: set[str] = set()
        for dim in [*self.extents.values(), *(d for step in self.kernel.body for d in step_dims(step))]:
            needed |= symbols(dim)
        needed -= {s.name for s in self.kernel.scalars}
        for parameter in self.kernel.buffers:
            shown = [single_symbol(dim) for dim in parameter.type.shape]
            if len(shown) > 1 and all(name in needed for name in shown) and len(set(shown)) == len(shown):
                self.code.line(f"{', '.join(map(str, shown))} = {parameter.name}.shape")
                needed.difference_update(map(str, shown))
            for axis, name in enumerate(shown):
                if name in needed:
                    self.code.line(f"{name} = {parameter.name}.shape[{axis}]")
                    needed.discard(name)

    def checks(self) -> None:
        """Refuse to reduce nothing where there is no identity."""
        refused = set()
        for reduction in (r.step for r in self.reductions.values() if r.step.op in EMPTY_ERRORS):
            inner = product(tuple(self.extents[name] for name in reduction.axes))
            outer = product(tuple(d for name, d in self.extents.items() if name not in reduction.axes))
            if (isinstance(inner, int) and inner > 0) or (inner, outer, reduction.op) in refused:
                continue
            refused.add((inner, outer, reduction.op))
            test = f"{_tight(inner)} == 0" + (f" and {_tight(outer)} != 0" if outer != 1 else "")
            with self.code.block(f"if {test}:"):
                self.code.line(f'raise ValueError("{EMPTY_ERRORS[reduction.op]}")')

    # the loops

    def nest(self, depth: int) -> None:
        """The steps and the loops inside ``depth`` loops."""
        self.do_steps(depth)
        if depth == self.rank:
            return
        begun = [
            r for r in self.reductions.values() if depth == self.rank - (1 if r.in_runs else len(r.step.axes)) and r.has_scalar
        ]
        for reduction in begun:
            reduction.begin()
        self.loop(depth)
        for reduction in begun:
            reduction.end()

    def loop(self, depth: int) -> None:
        axis = self.kernel.axes[depth]
        reductions = self.reductions.values()
        if depth == self.rank - 1 and (blocks := [r for r in reductions if r.in_blocks]):
            self.loop_in_blocks(depth, blocks)
        elif rows := [r for r in reductions if r.in_rows and r.depth == depth]:
            self.loop_in_rows(depth, rows)
        else:
            with self.code.block(f"for {axis.name} in range({dim_text(axis.extent)}):"):
                self.nest(depth + 1)

    def loop_in_blocks(self, depth: int, reductions: list[Reduction]) -> None:
        """The innermost loop, in blocks; a first block that is added to nothing loses nothing."""
        first = f"{self.kernel.axes[depth].name}0"
        with self.code.block(f"for {first} in range(0, {dim_text(self.kernel.axes[depth].extent)}, {BLOCK}):"):
            for reduction in reductions:
                reduction.begin_block()
            self.part_of_loop(depth, BLOCK)
            if later := [r for r in reductions if r.first_block_is_all]:
                with self.code.block(f"if {first} > 0:"):
                    for reduction in later:
                        reduction.keep_error()
            for reduction in reductions:
                if not reduction.first_block_is_all:
                    reduction.keep_error()
                reduction.end_block()

    def loop_in_rows(self, depth: int, reductions: list[Reduction]) -> None:
        """A loop over rows, in blocks."""
        with self.code.block(
            f"for {self.kernel.axes[depth].name}0 in range(0, {dim_text(self.kernel.axes[depth].extent)}, {ROWS}):"
        ):
            self.part_of_loop(depth, ROWS)
            for reduction in reductions:
                reduction.end_rows()

    def part_of_loop(self, depth: int, size: int) -> None:
        """So many iterations of a loop."""
        axis = self.kernel.axes[depth]
        first, extent = f"{axis.name}0", dim_text(axis.extent)
        with self.code.block(f"for {axis.name} in range({first}, min({first} + {size}, {extent})):"):
            self.nest(depth + 1)

    def do_steps(self, depth: int) -> None:
        for step in self.steps[depth]:
            match step:
                case Let() | Load():
                    self.code.scalar(step)
                case Wrap():
                    wrap_lines(self.code, step)
                case Store():
                    store_line(self.code, step)
                case Reduce():
                    self.reductions[step].accumulate()
        self.code.flush()


def store_line(code: Code, step: Store) -> None:
    """Write an element."""
    value = code.atom(step.value)
    code.flush()
    place = element_text(step.buffer, step.index)
    sign = "" if not step.add else "|" if step.dtype.kind == "b" else "+"
    code.line(f"{place} {sign}= {value.text}", step.source)


def wrap_lines(code: Code, step: Wrap) -> None:
    """Count a position from the start. The processor foresees that most do so already, where a choice would make each read wait."""
    value = code.atom(step.value) if isinstance(step.value, Local) else atom_text(step.value)
    code.flush()
    code.line(f"{step.name} = {value.text}", step.source)
    size = _tight(step.size)
    test = f"0 <= {step.name} < {size}"
    with code.block(f"if not ({step.unless} or {test}):" if step.unless else f"if not {test}:"):
        with code.block(f"if not -{size} <= {step.name} < 0:"):
            code.line(f"raise IndexError({step.message!r})")
        code.line(f"{step.name} += {size}")


def _tight(dim: Dim) -> str:
    text = dim_text(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


__all__ = ["Nest", "kernel_lines", "store_line", "wrap_lines"]
