"""Reductions on a GPU: each thread combines the points that it visits, then a block combines its threads' values as a tree.

Everything happens in an order that depends on sizes alone, so results repeat to the bit. A thread keeps aside what its sum of
floats loses to rounding, and the tree is pairwise.
"""

from __future__ import annotations

from ...ir.types import I64
from ...lower.names import Names
from ...lower.program import Position, Reduce
from ..expressions import Text, dtype_text
from ..reductions import first_text
from .expressions import DeviceCode

COMBINE = {
    "sum": "plus", "prod": "times", "max": "larger", "min": "smaller", "all": "both", "any": "either",
    "argmax": "above", "argmin": "below",
}  # fmt: skip

_TREE = '''
@cuda.jit(device=True)
def block_{op}(scratch, member, slot, value):
    """Combine the values of the members of each slot of a block; member 0 gets the result."""
    scratch[member, slot] = value
    half = scratch.shape[0] // 2
    while half > 0:
        cuda.syncthreads()
        if member < half:
            scratch[member, slot] = device.{combine}(scratch[member, slot], scratch[member + half, slot])
        half //= 2
    return scratch[member, slot]
'''
_POSITION_TREE = '''
@cuda.jit(device=True)
def block_{op}(values, positions, member, slot, value, position):
    """The position of the best of the values of the members of each slot of a block; member 0 gets the result."""
    values[member, slot] = value
    positions[member, slot] = position
    half = values.shape[0] // 2
    while half > 0:
        cuda.syncthreads()
        other = member + half
        if member < half and device.{combine}(
            values[other, slot], positions[other, slot], values[member, slot], positions[member, slot]
        ):
            values[member, slot] = values[other, slot]
            positions[member, slot] = positions[other, slot]
        half //= 2
    return positions[member, slot]
'''


def tree_text(op: str) -> str:
    """The function that combines the values of a block."""
    template = _POSITION_TREE if op.startswith("arg") else _TREE
    return template.format(op=op, combine=COMBINE[op]).strip("\n")


class Total:
    """The value of one reduction in a thread, and then in its block."""

    def __init__(self, step: Reduce, names: Names, functions: set[str]) -> None:
        self.step, self.functions = step, functions
        self.value_dtype = I64 if isinstance(step.value, Position) else step.value.dtype
        self.here = names.fresh(f"{step.target}_here" if step.index else step.target)
        self.compensated = step.op == "sum" and step.dtype.kind == "f"
        self.is_position = step.op in ("argmax", "argmin")
        self.lost = names.fresh(f"{step.target}_lost") if self.compensated else ""
        self.best = names.fresh(f"{step.target}_value") if self.is_position else ""
        self.value = names.fresh("value") if self.compensated or self.is_position else ""
        self.scratch = names.fresh(f"{step.target}_scratch")
        self.positions = names.fresh(f"{step.target}_positions") if self.is_position else ""
        functions.update((f"block_{step.op}", "device"))

    def begin(self, code: DeviceCode) -> None:
        """Start with nothing."""
        if self.is_position:
            code.line(f"{self.here} = -1")
            code.line(f"{self.best} = {first_text(self.step.op, self.value_dtype)}")
            return
        code.line(f"{self.here} = {first_text(self.step.op, self.step.dtype)}")
        if self.compensated:
            code.line(f"{self.lost} = {first_text('sum', self.step.dtype)}")

    def add(self, code: DeviceCode) -> None:
        """Take one point into account."""
        step, value = self.step, code.atom(self.step.value)
        if self.is_position:
            name = self.variable(code, value)
            (axis,) = step.axes
            with code.block(f"if device.{COMBINE[step.op]}({name}, {axis}, {self.best}, {self.here}):", step.source):
                code.line(f"{self.here} = {axis}")
                code.line(f"{self.best} = {name}")
        elif self.compensated:
            name = self.variable(code, value)
            code.line(f"{self.lost} += device.rounding_error({self.here}, {name})", step.source)
            code.line(f"{self.here} += {name}")
        else:
            text = f"device.{COMBINE[step.op]}({self.here}, {value.text})"
            narrow = step.dtype.kind in "iu" and step.dtype != I64 and step.op in ("sum", "prod")
            code.line(f"{self.here} = {dtype_text(step.dtype)}({text})" if narrow else f"{self.here} = {text}", step.source)

    def variable(self, code: DeviceCode, value: Text) -> str:
        """The name of a value that is mentioned more than once."""
        if value.text.isidentifier():
            return value.text
        code.line(f"{self.value} = {value.text}", self.step.source)
        return self.value

    def combine(self, code: DeviceCode, shape: tuple[int, int], member: str, slot: str) -> None:
        """Combine the threads' values; in member 0 the total is then that of the block."""
        code.line(f"{self.scratch} = cuda.shared.array({shape}, {dtype_text(self.value_dtype)})")
        if self.is_position:
            code.line(f"{self.positions} = cuda.shared.array({shape}, np.int64)")
            arguments = f"{self.scratch}, {self.positions}, {member}, {slot}, {self.best}, {self.here}"
        else:
            value = f"device.with_error({self.here}, {self.lost})" if self.compensated else self.here
            arguments = f"{self.scratch}, {member}, {slot}, {value}"
        code.line(f"{self.here} = block_{self.step.op}({arguments})", self.step.source)
