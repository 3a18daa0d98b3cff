"""Tiled matrix products: a block of threads makes a square tile of the product, one element each.

The block walks along the index that is summed over, one tile at a time: its threads copy a tile of each operand into shared
memory, side by side as they lie there, transposed or not, and then each multiplies a row of one by a column of the other. What
else is to be done with an element of the product follows in the same thread.
"""

from __future__ import annotations

from ...ir import Dim
from ...ir.sizes import single_symbol
from ...ir.types import I64
from ..expressions import dtype_text
from ..reductions import first_text
from . import blocks
from .kernels import KernelWriter, array_type
from .statements import ProductKernel


def product_lines(kernel: ProductKernel, functions: set[str]) -> list[str]:
    """The text of a product kernel."""
    return _Tiles(kernel, functions).lines()


class _Tiles(KernelWriter):
    def __init__(self, product: ProductKernel, functions: set[str]) -> None:
        super().__init__(product.then, functions)
        self.product = product
        element, *self.scalars = product.then.scalars
        self.total, self.dtype = element.name, element.dtype
        self.names.taken |= {product.a, product.b}
        self.rows, self.columns = (
            self.extent(axis.extent, wish) for axis, wish in zip(product.then.axes, ("rows", "columns"), strict=True)
        )
        fresh = self.names.fresh
        self.depth, self.start, self.k, self.part = fresh("depth"), fresh("start"), fresh("k"), fresh("part")
        self.row, self.column = fresh("row"), fresh("column")
        self.first = tuple(fresh(f"{axis.name}0") for axis in product.then.axes)
        self.tiles = fresh(f"{product.a}_tile"), fresh(f"{product.b}_tile")

    def extent(self, dim: Dim, wish: str) -> str:
        """The name under which the kernel knows its number of rows or columns."""
        return single_symbol(dim) or self.names.fresh(wish)

    def lines(self) -> list[str]:
        code, operands = self.code, (self.product.a, self.product.b)
        code.line(self.decorator([array_type(self.dtype, 2)] * 2, self.scalars))
        with code.block(f"def {self.kernel.name}({self.parameters(operands, self.scalars)}):"):
            self.read_sizes()
            self.multiply()
            for total in self.totals:
                total.begin(code)
            i, j = (axis.name for axis in self.kernel.axes)
            code.line(f"{i}, {j} = {self.first[0]} + {self.row}, {self.first[1]} + {self.column}")
            with code.block(f"if {i} < {self.rows} and {j} < {self.columns}:"):
                self.steps()
            if self.totals:
                member = self.names.fresh("member")
                code.line(f"{member} = {self.row} * {blocks.TILE} + {self.column}")
                self.leave_parts("cuda.blockIdx.x * cuda.gridDim.y + cuda.blockIdx.y", member, (blocks.TILE**2, 1))
        return code.lines

    def read_sizes(self) -> None:
        """Rows, columns and depth from the operands; whatever else the body needs from the other buffers."""
        (a, b), (flip_a, flip_b) = (self.product.a, self.product.b), self.product.transposed
        self.code.line(f"{', '.join((self.depth, self.rows) if flip_a else (self.rows, self.depth))} = {a}.shape")
        if self.columns != self.rows:
            self.code.line(f"{self.columns} = {b}.shape[{0 if flip_b else 1}]")
        self.sizes((self.rows, self.columns))

    def multiply(self) -> None:
        """The element of the product that belongs to the thread."""
        code, (a, b), (tile_a, tile_b) = self.code, (self.product.a, self.product.b), self.tiles
        i0, j0 = self.first
        code.line(f"{self.row}, {self.column} = cuda.threadIdx.y, cuda.threadIdx.x")
        code.line(f"{i0}, {j0} = cuda.blockIdx.x * {blocks.TILE}, cuda.blockIdx.y * {blocks.TILE}")
        for tile in self.tiles:  # the odd width keeps the threads that walk down a column in different banks
            code.line(f"{tile} = cuda.shared.array(({blocks.TILE}, {blocks.TILE + 1}), {dtype_text(self.dtype)})")
        code.line(f"{self.total} = {first_text('sum', self.dtype)}")
        with code.block(f"for {self.start} in range(0, {self.depth}, {blocks.TILE}):"):
            self.copy_tile(tile_a, a, (i0, self.rows), (self.start, self.depth), self.product.transposed[0])
            self.copy_tile(tile_b, b, (self.start, self.depth), (j0, self.columns), self.product.transposed[1])
            code.line("cuda.syncthreads()")
            code.line(f"{self.part} = {first_text('sum', self.dtype)}")
            with code.block(f"for {self.k} in range({blocks.TILE}):"):
                self.accumulate(self.part, f"{tile_a}[{self.row}, {self.k}]", f"{tile_b}[{self.k}, {self.column}]")
            self.accumulate(self.total, self.part)
            code.line("cuda.syncthreads()")

    def copy_tile(self, tile: str, operand: str, down: tuple[str, str], along: tuple[str, str], flipped: bool) -> None:
        """One element of a tile per thread, zero outside of the matrix; threads side by side read what lies side by side."""
        place = f"{self.row}, {self.column}"
        if flipped:
            place, down, along = f"{self.column}, {self.row}", along, down
        (first_down, end_down), (first_along, end_along) = down, along
        i, j = f"{first_down} + {self.row}", f"{first_along} + {self.column}"
        inside = f"{i} < {end_down} and {j} < {end_along}"
        self.code.line(f"{tile}[{place}] = {operand}[{i}, {j}] if {inside} else {first_text('sum', self.dtype)}")

    def accumulate(self, total: str, *factors: str) -> None:
        """Add a product to a total; for truth values, or and and."""
        if self.dtype.kind == "b":
            self.code.line(f"{total} |= {' & '.join(factors)}")
        elif self.dtype.kind == "f" or self.dtype == I64:
            self.code.line(f"{total} += {' * '.join(factors)}")
        else:
            self.code.line(f"{total} = {dtype_text(self.dtype)}({total} + {' * '.join(factors)})")
