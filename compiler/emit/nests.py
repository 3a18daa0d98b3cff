"""Loop nests: how a CPU visits the points of a kernel's domain.

Axes become loops in their order. A step stands in the outermost loop that knows all it reads. A reduction over the innermost axes runs in
a scalar; over others, in the elements of its target. Sums of floats go in blocks: within a block in any order, so that LLVM
vectorises them, and the blocks' sums with the rounding errors kept aside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..ir.sizes import Dim, product, single_symbol, symbols
from ..ir.types import I64
from ..lower.kernels import step_operands
from ..lower.program import Kernel, Let, Load, Local, Position, Reduce, Step, Store, Wrap
from .code import Code, count_readers, element_text
from .expressions import Text, atom_text, dim_text, dtype_text

BLOCK = 512  # elements that a sum adds in any order


def kernel_lines(kernel: Kernel, functions: set[str]) -> list[str]:
    """The text of a kernel as a function, without decorator."""
    return _Nest(kernel, functions).lines()


class _Nest:
    def __init__(self, kernel: Kernel, functions: set[str]) -> None:
        self.kernel, self.functions = kernel, functions
        self.rank = len(kernel.axes)
        pinned = frozenset().union(*(symbols(d) for step in kernel.body for d in _step_dims(step)))
        self.code = Code(count_readers(kernel.body), pinned, functions)
        self.written = {p.name for p in kernel.buffers if p.written}
        self.depths: dict[str, int] = {axis.name: k + 1 for k, axis in enumerate(kernel.axes)}
        self.steps: list[list[Step]] = [[] for _ in range(self.rank + 1)]
        for step in kernel.body:
            self.steps[self.depth(step)].append(step)
        self.reductions = [step for step in kernel.body if isinstance(step, Reduce)]
        self.extents = {axis.name: axis.extent for axis in kernel.axes}

    def depth(self, step: Step) -> int:
        """In how many loops a step stands."""
        if isinstance(step, Store | Reduce):
            return self.rank
        names = {a.name for a in step_operands(step) if isinstance(a, Local)}
        for dim in _step_dims(step):
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
            self.initial_targets()
            self.nest(0)
            self.final_targets()
            if self.kernel.returned:
                self.code.line(f"return {', '.join(local.name for local in self.kernel.returned)}")
        return self.code.lines

    def sizes(self) -> None:
        """Read the sizes that the nest needs off the shapes of buffers."""
        needed: set[str] = set()
        for dim in [*self.extents.values(), *(d for step in self.kernel.body for d in _step_dims(step))]:
            needed |= symbols(dim)
        needed -= {s.name for s in self.kernel.scalars}
        for parameter in self.kernel.buffers:
            shown = [single_symbol(dim) for dim in parameter.type.shape]
            if len(shown) > 1 and all(name in needed for name in shown) and len(set(shown)) == len(shown):
                self.code.line(f"{', '.join(map(str, shown))} = {parameter.name}.shape")
                needed -= set(shown)  # type: ignore[arg-type]
            for axis, name in enumerate(shown):
                if name in needed:
                    self.code.line(f"{name} = {parameter.name}.shape[{axis}]")
                    needed.discard(name)

    def checks(self) -> None:
        """Refuse to reduce nothing where there is no identity."""
        for reduction in self.reductions:
            if reduction.op not in _EMPTY_ERRORS:
                continue
            inner = product(tuple(self.extents[name] for name in reduction.axes))
            outer = product(tuple(d for name, d in self.extents.items() if name not in reduction.axes))
            if isinstance(inner, int) and inner > 0:
                continue
            test = f"{_tight(inner)} == 0" + (f" and {_tight(outer)} != 0" if outer != 1 else "")
            with self.code.block(f"if {test}:"):
                self.code.line(f'raise ValueError("{_EMPTY_ERRORS[reduction.op]}")')

    # the loops

    def nest(self, depth: int) -> None:
        """The steps and the loops inside ``depth`` loops."""
        begun = [r for r in self.reductions if self.in_scalar(r) and self.rank - len(r.axes) == depth]
        if depth < self.rank:
            self.do_steps(depth)
            for reduction in begun:
                self.begin(reduction)
            self.loop(depth)
            for reduction in begun:
                self.end(reduction)
        else:
            self.do_steps(depth)

    def loop(self, depth: int) -> None:
        axis = self.kernel.axes[depth]
        sums = [r for r in self.reductions if self.in_scalar(r) and _is_float_sum(r)]
        if depth < self.rank - 1 or not sums:
            with self.code.block(f"for {axis.name} in range({dim_text(axis.extent)}):"):
                self.nest(depth + 1)
            return
        first, extent = f"{axis.name}0", dim_text(axis.extent)
        with self.code.block(f"for {first} in range(0, {extent}, {BLOCK}):"):
            for reduction in sums:
                self.code.line(f"{_part(reduction)} = {_zero(reduction)}")
            with self.code.block(f"for {axis.name} in range({first}, min({first} + {BLOCK}, {extent})):"):
                self.nest(depth + 1)
            for reduction in sums:
                total, part = _total(reduction), _part(reduction)
                self.call("numeric.rounding_error")
                self.code.line(f"{_lost(reduction)} += numeric.rounding_error({total}, {part})")
                self.code.line(f"{total} += {part}")

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
                    self.accumulate(step)
        self.code.flush()

    def call(self, name: str) -> None:
        self.functions.add(name)

    # reductions

    def in_scalar(self, r: Reduce) -> bool:
        """Whether a reduction is over the innermost axes."""
        return tuple(r.axes) == tuple(axis.name for axis in self.kernel.axes[self.rank - len(r.axes) :])

    def begin(self, r: Reduce) -> None:
        """Start a reduction that runs in a scalar."""
        total = _total(r)
        if _is_float_sum(r):
            self.code.line(f"{total} = {_zero(r)}")
            self.code.line(f"{_lost(r)} = {_zero(r)}")
        elif r.op in ("argmax", "argmin"):
            self.code.line(f"{total} = 0")
            self.code.line(f"{total}_value = {_first(r, self.operand_dtype(r))}")
        else:
            self.code.line(f"{total} = {_first(r, r.dtype)}")

    def operand_dtype(self, r: Reduce) -> object:
        return I64 if isinstance(r.value, Position) else r.value.dtype

    def end(self, r: Reduce) -> None:
        """Finish a reduction that runs in a scalar, and store it if it has an index."""
        total = _total(r)
        if _is_float_sum(r):
            self.call("numeric.with_error")
            text = f"numeric.with_error({total}, {_lost(r)})"
        else:
            text = total
        if r.index:
            self.code.line(f"{element_text(r.target, r.index)} = {text}", r.source)
        elif text != r.target:
            self.code.line(f"{r.target} = {text}", r.source)

    def accumulate(self, r: Reduce) -> None:
        """Take one point into account."""
        if r.op in ("argmax", "argmin"):
            self.accumulate_position(r)
            return
        value = self.code.atom(r.value)
        if _is_float_sum(r):
            if self.in_scalar(r):
                self.call("arrays.add_any_order")
                self.code.line(f"{_part(r)} = add_any_order({_part(r)}, {value.text})", r.source)
                return
            old = self.element(r)
            new = self.named("value", value)
            self.call("numeric.rounding_error")
            self.code.line(f"{element_text(_lost(r), r.index)} += numeric.rounding_error({old}, {new})", r.source)
            self.code.line(f"{old} += {new}")
            return
        target = _total(r) if self.in_scalar(r) else self.element(r)
        self.code.line(_combine(r, target, value, self.named), r.source)

    def named(self, name: str, value: Text) -> str:
        """The name of a value that is mentioned more than once."""
        if value.text.isidentifier():
            return value.text
        unique = name
        taken = {*self.depths, *self.extents, *(p.name for p in self.kernel.buffers), *(s.name for s in self.kernel.scalars)}
        while unique in taken:
            unique += "_"
        self.code.line(f"{unique} = {value.text}")
        return unique

    def accumulate_position(self, r: Reduce) -> None:
        total = _total(r)
        value = self.named("value", self.code.atom(r.value))
        sign = ">" if r.op == "argmax" else "<"
        best = f"{total}_value"
        with self.code.block(f"if ({value} {sign} {best}) | (({value} != {value}) & ({best} == {best})):", r.source):
            self.code.line(f"{total} = {r.axes[0]}")
            self.code.line(f"{best} = {value}")

    def element(self, r: Reduce) -> str:
        return element_text(r.target, r.index)

    def array_reductions(self) -> list[Reduce]:
        return [r for r in self.reductions if not self.in_scalar(r)]

    def initial_targets(self) -> None:
        """Fill the targets of reductions that run in memory."""
        for r in self.array_reductions():
            self.code.line(f"{r.target}[:] = {_first(r, r.dtype)}")
            if _is_float_sum(r):
                self.code.line(f"{_lost(r)} = np.zeros_like({r.target})")

    def final_targets(self) -> None:
        for r in self.array_reductions():
            if _is_float_sum(r):
                self.call("numeric.add_errors")
                self.code.line(f"numeric.add_errors({r.target}, {_lost(r)})")


def store_line(code: Code, step: Store) -> None:
    """Write an element."""
    value = code.atom(step.value).text
    code.flush()
    place = element_text(step.buffer, step.index)
    if not step.add:
        code.line(f"{place} = {value}", step.source)
    elif step.dtype.kind == "b":
        code.line(f"{place} |= {value}", step.source)
    else:
        code.line(f"{place} += {value}", step.source)


def wrap_lines(code: Code, step: Wrap) -> None:
    """Count a position from the start."""
    value = atom_text(step.value).text if not isinstance(step.value, Local) else code.atom(step.value).text
    code.flush()
    code.line(f"{step.name} = {value}", step.source)
    size = _tight(step.size)
    with code.block(f"if not -{size} <= {step.name} < {size}:"):
        code.line(f"raise IndexError({step.message!r})")
    with code.block(f"if {step.name} < 0:"):
        code.line(f"{step.name} += {size}")


def _tight(dim: Dim) -> str:
    text = dim_text(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def _is_float_sum(r: Reduce) -> bool:
    return r.op == "sum" and r.dtype.kind == "f"


def _total(r: Reduce) -> str:
    return r.target if not r.index else f"{r.target}_here"


def _part(r: Reduce) -> str:
    return f"{_total(r)}_part"


def _lost(r: Reduce) -> str:
    return f"{r.target}_lost"


def _zero(r: Reduce) -> str:
    return "0.0" if r.dtype.name == "float64" else f"{dtype_text(r.dtype)}(0)"


_EMPTY_ERRORS = {
    "max": "zero-size array to reduction operation maximum which has no identity",
    "min": "zero-size array to reduction operation minimum which has no identity",
    "argmax": "attempt to get argmax of an empty sequence",
    "argmin": "attempt to get argmin of an empty sequence",
}


def _first(r: Reduce, dtype: object) -> str:
    """What a reduction starts from."""
    name, kind = dtype.name, dtype.kind  # type: ignore[attr-defined]
    if kind == "b":
        return "True" if r.op in ("all", "min", "argmin", "prod") else "False"
    number = {"sum": "0", "prod": "1"}.get(r.op)
    if number is None:
        low = r.op in ("max", "argmax")
        if kind == "f":
            number = "-np.inf" if low else "np.inf"
        else:
            import numpy as np

            number = str(np.iinfo(name).min if low else np.iinfo(name).max)
    elif kind == "f":
        number += ".0"
    return number if name in ("float64", "int64") else f"np.{name}({number})"


def _combine(r: Reduce, target: str, value: Text, named: Callable[[str, Text], str]) -> str:
    """The statement that takes a value into a total."""
    narrow = r.dtype.kind in "iu" and r.dtype.name != "int64"
    if r.op in ("sum", "prod"):
        sign = "+" if r.op == "sum" else "*"
        if r.dtype.kind == "b":
            return f"{target} {'|' if r.op == 'sum' else '&'}= {value.text}"
        if narrow:
            return f"{target} = {dtype_text(r.dtype)}({target} {sign} {value.inside(8)})"
        return f"{target} {sign}= {value.text}"
    if r.op in ("all", "any") or r.dtype.kind == "b":
        sign = "&" if r.op in ("all", "min") else "|"
        return f"{target} {sign}= {value.text}"
    name = named("value", value)
    sign = ">" if r.op == "max" else "<"
    test = f"{name} {sign} {target}" if r.dtype.kind != "f" else f"({name} {sign} {target}) | ({name} != {name})"
    return f"{target} = {name} if {test} else {target}"


def _step_dims(step: Step) -> Sequence[Dim]:
    """The integer expressions of a step."""
    dims = [a.dim for a in step_operands(step) if isinstance(a, Position)]
    match step:
        case Load(index=index) | Store(index=index) | Reduce(index=index):
            dims += index
        case Wrap(size=size):
            dims.append(size)
    return dims
