"""``np.nditer``: the elements of one array, or of several that are repeated to one shape, by a loop or one after the other by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .broadcasting import broadcast_shapes, broadcast_to
from .creation import zeros
from .gathering import unravel
from .iterables import ByIndex, Indexed
from .layout import order_in_memory
from .mutation import remember
from .promotion import as_array, as_tracer, result_dtype
from .shaping import dims_of, flat, ravel
from .tracer import Tracer, new, python_size
from .unbound import emit_check

_PLACES = {"multi_index", "c_index"}
_HARMLESS = {"refs_ok", "zerosize_ok", "copy_if_overlap", "buffered"}


def nditer(op: Any, flags: Any = None, op_flags: Any = None, *args: Any, order: str = "K", **kwargs: Any) -> Any:
    """``np.nditer`` over elements that are read or written, in C order."""
    operands = list(op) if isinstance(op, (list, tuple)) else [op]
    if not any(isinstance(operand, Tracer) for operand in operands):
        return np.nditer(op, flags, op_flags, *args, order=order, **kwargs)  # type: ignore[call-overload]
    wanted = set(flags or ())
    if args or kwargs or order not in ("C", "K") or not wanted <= _PLACES | _HARMLESS:
        raise UnsupportedError(
            f"np.nditer with flags other than {', '.join(sorted(_PLACES | _HARMLESS))}, or with dtypes, axes or another order than C; loop "
            "over np.ndindex(x.shape) and index the arrays"
        )
    if order == "K" and any(order_in_memory(as_array(operand), "K") != "C" for operand in operands if operand is not None):
        raise UnsupportedError(
            "np.nditer visits elements in the order in which they lie in memory, and not by axes; give order='C'"
        )
    modes = list(op_flags or [["readonly"] if operand is not None else ["writeonly"] for operand in operands])
    if any(isinstance(mode, str) for mode in modes):
        modes = [modes] * len(operands)
    writes = [bool({"readwrite", "writeonly"} & set(mode)) for mode in modes]
    iterator = NdIter(operands, writes, bool(wanted & _PLACES))
    if "zerosize_ok" not in wanted:
        emit_check(iterator.itersize != 0, ValueError("Iteration of zero-sized operands is not enabled"))
    return iterator


def _number(index: Any) -> Tracer:
    """An index as the Python number that NumPy gives."""
    tracer = as_tracer(index)
    return new(tracer.value, weak=True, dim=tracer.dim)


class NdIter(ByIndex):
    """What ``np.nditer`` gives; of one whose places are asked for, ``position`` is the number of the present elements."""

    def __init__(self, operands: list[Any], writes: list[bool], has_places: bool) -> None:
        known = [as_array(operand) for operand in operands if operand is not None]
        common = broadcast_shapes(known, "np.nditer")
        self.shape = tuple(map(python_size, common))
        kind = result_dtype(*known)
        self.operands = tuple(zeros(self.shape, kind) if operand is None else as_array(operand) for operand in operands)
        self.writes, self.nop, self.ndim, self.position = writes, len(operands), len(common), 0
        self._elements = [
            flat(operand) if operand.type.shape == common else ravel(new(broadcast_to(operand, common)))
            for operand in self.operands
        ]
        if any(written and operand.type.shape != common for operand, written in zip(self.operands, writes, strict=True)):
            raise ValueError("non-broadcastable output operand: np.nditer writes to arrays of the common shape")
        self.itersize = self._elements[0].shape[0]
        self._visit = self._move_to if has_places else self._at

    def _at(self, k: Any) -> Any:
        """What an iteration is given."""
        found = tuple(
            elements[k, ...] if written else elements[k] for elements, written in zip(self._elements, self.writes, strict=True)
        )
        return found if self.nop > 1 else found[0]

    def indexed(self) -> Indexed:
        return Indexed(0, self.itersize, 1, self._visit)

    def _move_to(self, k: Any) -> Any:
        self._move(k)
        return self._at(k)

    def _move(self, position: Any) -> None:
        remember(self, "attribute", "position")
        self.position = position

    # one after the other

    @property
    def finished(self) -> Any:
        """Whether all elements have been visited."""
        return self.position >= self.itersize

    @property
    def index(self) -> Any:
        """The number of the present elements."""
        return self.position

    @property
    def multi_index(self) -> tuple[Any, ...]:
        """The index of the present elements."""
        return tuple(map(_number, unravel(as_tracer(self.position), dims_of(self.shape)))) if self.shape else ()

    @property
    def value(self) -> Any:
        """The present elements."""
        return self._at(self.position)

    def iternext(self) -> Any:
        """Go on; whether there are elements."""
        self._move(self.position + 1)
        return self.position < self.itersize

    def reset(self) -> None:
        """Start again."""
        self._move(0)

    def close(self) -> None:
        """Nothing is kept that has to be written back."""

    def __getitem__(self, operand: Any) -> Any:
        elements = self._elements[operand]
        return elements[self.position, ...] if self.writes[operand] else elements[self.position]

    def __setitem__(self, operand: Any, value: Any) -> None:
        if not self.writes[operand]:
            raise ValueError("output operand requires a reduction, or is read-only")
        self._elements[operand][self.position, ...] = value

    def __len__(self) -> int:
        return self.nop

    def __enter__(self) -> NdIter:
        return self

    def __exit__(self, *_: object) -> None:
        return None
