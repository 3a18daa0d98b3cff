"""Types of values: an array of a dtype and a shape of dims, or a stack of numbers.

Dtypes are NumPy's; their text is short: ``f64``, ``i32``, ``u8``, ``bool``. The text of an array type is ``f64[n, 3]``, of
a scalar ``f64[]``, of a stack ``stack<f64>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .sizes import Dim, product, substitute, symbols

DTYPES: dict[str, np.dtype] = {
    "bool": np.dtype(np.bool_),
    **{f"i{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"u{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
    **{f"f{bits}": np.dtype(f"float{bits}") for bits in (32, 64)},
}
DTYPE_NAMES: dict[np.dtype, str] = {dtype: name for name, dtype in DTYPES.items()}

BOOL, I64, F32, F64 = (DTYPES[name] for name in ("bool", "i64", "f32", "f64"))


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An n-dimensional array; a scalar has the empty shape."""

    dtype: np.dtype
    shape: tuple[Dim, ...] = ()

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """The number of elements."""
        return product(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether values of this type can be differentiated."""
        return self.dtype.kind == "f"

    def with_shape(self, shape: tuple[Dim, ...]) -> ArrayType:
        """The same dtype in another shape."""
        return ArrayType(self.dtype, tuple(shape))

    def with_dtype(self, dtype: np.dtype) -> ArrayType:
        """The same shape of another dtype."""
        return ArrayType(dtype, self.shape)

    def substitute(self, values: Mapping[Any, Dim]) -> ArrayType:
        """Replace symbols in the shape."""
        return ArrayType(self.dtype, tuple(substitute(dim, values) for dim in self.shape))

    def symbols(self) -> frozenset[str]:
        """All symbols of the shape."""
        return frozenset().union(*(symbols(dim) for dim in self.shape))

    def __str__(self) -> str:
        return f"{DTYPE_NAMES[self.dtype]}[{', '.join(map(str, self.shape))}]"

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class StackType:
    """A stack of numbers of one dtype that grows as values are pushed; what reverse mode saves in loops."""

    dtype: np.dtype

    def substitute(self, values: Mapping[Any, Dim]) -> StackType:
        """A stack has no sizes."""
        return self

    def symbols(self) -> frozenset[str]:
        """A stack has no sizes."""
        return frozenset()

    def __str__(self) -> str:
        return f"stack<{DTYPE_NAMES[self.dtype]}>"

    __repr__ = __str__


Type = ArrayType | StackType
