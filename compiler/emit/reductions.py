"""How a CPU reduces: the lines before, inside and after a loop.

A reduction over the innermost axes runs in a scalar, one over others in the elements of its target. Sums of floats keep what rounding
loses: of blocks of elements in a row, of blocks of rows where a matrix is summed along its columns, else of single elements. A single block
loses no more than NumPy's sum does.
"""

from __future__ import annotations

import numpy as np

from ..ir.sizes import Dim, product, symbol
from ..ir.types import I64
from ..lower.program import Axis, Position, Reduce
from .code import Code, element_text
from .expressions import Text, dim_text, dtype_text

BLOCK = 512  # elements that a sum adds in any order
ROWS = 16  # rows whose elements a sum along columns adds one after the other

EMPTY_ERRORS = {
    "max": "zero-size array to reduction operation maximum which has no identity",
    "min": "zero-size array to reduction operation minimum which has no identity",
    "argmax": "attempt to get argmax of an empty sequence",
    "argmin": "attempt to get argmin of an empty sequence",
}


class Reduction:
    """Writes the lines of one reduction."""

    def __init__(self, step: Reduce, code: Code, axes: tuple[Axis, ...]) -> None:
        self.step, self.code, self.dtype = step, code, step.dtype
        names = tuple(axis.name for axis in axes)
        self.in_scalar = step.axes == names[len(names) - len(step.axes) :]
        self.in_runs = self.is_float_sum and not self.in_scalar and names[-1] in step.axes
        self.in_rows = self.is_float_sum and not self.has_scalar and len(step.axes) == 1
        self.depth = names.index(step.axes[0]) if step.axes else 0  # of the outermost loop that it is over
        self.outer, self.inner = axes[: self.depth], tuple(axis.extent for axis in axes[self.depth + 1 :])
        count = product(tuple(axis.extent for axis in axes if axis.name in step.axes))
        self.is_short = isinstance(count, int) and count <= BLOCK
        self.innermost = axes[-1].extent if axes else 1
        self.total = f"{step.target}_here" if step.index else step.target
        self.place = element_text(step.target, step.index) if step.index else step.target

    @property
    def is_float_sum(self) -> bool:
        """Whether rounding errors are kept."""
        return self.step.op == "sum" and self.dtype.kind == "f"

    @property
    def has_scalar(self) -> bool:
        """Whether a scalar takes what is reduced, at least along the innermost axis."""
        return self.in_scalar or self.in_runs

    @property
    def in_blocks(self) -> bool:
        """Whether the innermost loop goes in blocks: of what is summed, or of runs that end in an element of the target."""
        return self.in_runs or (self.is_float_sum and self.in_scalar and not self.is_short)

    @property
    def searches_nan(self) -> bool:
        """Whether NaN is looked for besides."""
        return self.step.op in ("max", "min") and self.dtype.kind == "f" and self.in_scalar

    def call(self, function: str) -> str:
        self.code.functions.add(f"reducing.{function}")
        return function

    # in a scalar

    def begin(self) -> None:
        """Before the loops that it is over."""
        if self.in_runs:
            return
        if self.in_blocks:
            for name in (self.total, self.lost):
                self.code.line(f"{name} = {number_text('0.0', self.dtype)}")
        elif self.step.op in ("argmax", "argmin"):
            self.code.line(f"{self.total} = 0")
            self.code.line(f"{self.total}_value = {first_text(self.step.op, self.operand_dtype)}")
        else:
            self.code.line(f"{self.total} = {first_text(self.step.op, self.dtype)}")
        if self.searches_nan:
            self.code.line(f"{self.total}_nan = False")

    @property
    def lost(self) -> str:
        return f"{self.total}_lost" if self.in_scalar else f"{self.step.target}_lost"

    @property
    def part(self) -> str:
        return f"{self.total}_part"

    @property
    def parts(self) -> str:
        """Sums of a block of rows."""
        return f"{self.step.target}_parts"

    @property
    def operand_dtype(self) -> np.dtype:
        return I64 if isinstance(self.step.value, Position) else self.step.value.dtype

    @property
    def first_block_is_all(self) -> bool:
        """Whether what the first block of the innermost axis gives is added to nothing."""
        return self.in_blocks and self.in_scalar and len(self.step.axes) == 1

    def begin_block(self) -> None:
        """Before a block."""
        self.code.line(f"{self.part} = {number_text('0.0', self.dtype)}")

    def keep_error(self) -> None:
        """Keep what is lost when a block is added."""
        error = self.call("rounding_error")
        lost, total = (element_text(self.lost, self.step.index), self.place) if self.in_runs else (self.lost, self.total)
        self.code.line(f"{lost} += {error}({total}, {self.part})")

    def end_block(self) -> None:
        """Add what a block gave."""
        self.code.line(f"{self.place if self.in_runs else self.total} += {self.part}")

    def end_rows(self) -> None:
        """Add what a block of rows gave."""
        self.code.functions.add("numeric.add_parts")
        total, lost = self.step.target, self.lost
        if self.outer:
            self.code.functions.add("buffers.within")
            first: Dim = 0
            for axis in self.outer:
                first = first * axis.extent + symbol(axis.name)
            size = product(self.inner)
            total, lost = (f"within({name}, {dim_text(first * size)}, {dim_text(size)})" for name in (total, lost))
        self.code.line(f"numeric.add_parts({total}, {lost}, {self.parts})")

    def end(self) -> None:
        """After the loops that it is over."""
        if self.in_runs:
            return
        text = self.total
        if self.in_blocks:
            text = f"{self.call('with_error')}({self.total}, {self.lost})"
            if self.first_block_is_all:
                text += f" if {dim_text(self.innermost)} > {BLOCK} else {self.total}"
        elif self.searches_nan:
            nan = "np.nan" if self.dtype.name == "float64" else f"{dtype_text(self.dtype)}(np.nan)"
            text = f"{nan} if {self.total}_nan else {self.total}"
        if text != self.place:
            self.code.line(f"{self.place} = {text}", self.step.source)

    # in memory

    def fill(self) -> None:
        """Before all loops, where the target itself holds the totals."""
        self.code.line(f"{self.step.target}[:] = {first_text(self.step.op, self.dtype)}")
        if self.is_float_sum:
            self.code.functions.add("buffers.zeros")
            shape = f"{self.step.target}.shape"
            self.code.line(f"{self.lost} = zeros({shape}, {dtype_text(self.dtype)})")
            if self.in_rows:
                shape = f"({', '.join(map(dim_text, self.inner))},)" if self.outer else shape
                self.code.line(f"{self.parts} = zeros({shape}, {dtype_text(self.dtype)})")

    def finish(self) -> None:
        """After all loops."""
        if self.is_float_sum:
            self.code.functions.add("numeric.add_errors")
            self.code.line(f"numeric.add_errors({self.step.target}, {self.lost})")

    # inside

    def accumulate(self) -> None:
        """Take one point into account."""
        value = self.code.atom(self.step.value)
        if self.step.op in ("argmax", "argmin"):
            self._remember(self.named(value))
        elif self.is_float_sum and self.has_scalar:
            total = self.part if self.in_blocks else self.total
            self.code.functions.add("arrays.add_any_order")
            self.code.line(f"{total} = add_any_order({total}, {value.text})", self.step.source)
        elif self.in_rows:
            self.code.line(f"{element_text(self.parts, self.step.index[self.depth :])} += {value.text}", self.step.source)
        elif self.is_float_sum:
            error = self.call("rounding_error")
            name = self.named(value)
            lost = element_text(self.lost, self.step.index)
            self.code.line(f"{lost} += {error}({self.place}, {name})", self.step.source)
            self.code.line(f"{self.place} += {name}")
        elif self.searches_nan:
            name = self.named(value)
            larger = self.call("larger" if self.step.op == "max" else "smaller")
            self.code.line(f"{self.total} = {larger}({self.total}, {name})", self.step.source)
            self.code.line(f"{self.total}_nan = True if {name} != {name} else {self.total}_nan")
        else:
            self.code.line(self._combined(self.total if self.in_scalar else self.place, value), self.step.source)

    def _remember(self, value: str) -> None:
        sign = ">" if self.step.op == "argmax" else "<"
        best = f"{self.total}_value"
        with self.code.block(f"if ({value} {sign} {best}) | (({value} != {value}) & ({best} == {best})):", self.step.source):
            self.code.line(f"{self.total} = {self.step.axes[0]}")
            self.code.line(f"{best} = {value}")

    def named(self, value: Text) -> str:
        """The name of a value that is mentioned more than once."""
        if value.text.isidentifier():
            return value.text
        name = f"{self.total}_value" if self.step.op in ("max", "min", "sum") else f"{self.total}_next"
        self.code.line(f"{name} = {value.text}")
        return name

    def _combined(self, target: str, value: Text) -> str:
        """The statement that takes a value into a total."""
        op, kind = self.step.op, self.dtype.kind
        if kind == "b":
            return f"{target} {'&' if op in ('all', 'min', 'prod') else '|'}= {value.text}"
        if op in ("sum", "prod"):
            sign = "+" if op == "sum" else "*"
            if kind in "iu" and self.dtype != I64:
                return f"{target} = {dtype_text(self.dtype)}({target} {sign} {value.inside(8)})"
            return f"{target} {sign}= {value.text}"
        name = self.named(value)
        sign = ">" if op == "max" else "<"
        test = f"{name} {sign} {target}"
        return f"{target} = {name} if {test if kind != 'f' else f'({test}) | ({name} != {name})'} else {target}"


def first_text(op: str, dtype: np.dtype) -> str:
    """What a reduction starts from."""
    if dtype.kind == "b":
        return str(op in ("all", "min", "argmin", "prod"))
    if op in ("sum", "prod"):
        number = "0" if op == "sum" else "1"
        return number_text(number + ".0" if dtype.kind == "f" else number, dtype)
    low = op in ("max", "argmax")
    if dtype.kind == "f":
        return number_text("-np.inf" if low else "np.inf", dtype)
    limits = np.iinfo(dtype)
    return number_text(str(limits.min if low else limits.max), dtype)


def number_text(number: str, dtype: np.dtype) -> str:
    """A number with its dtype."""
    return number if dtype.name in ("float64", "int64") else f"{dtype_text(dtype)}({number})"
