"""The table of all ops, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .elementwise import ELEMENTWISE
from .indexing import INDEXING
from .linalg import LINALG
from .op import Op
from .products import PRODUCTS
from .reductions import REDUCTIONS
from .regions import REGIONS
from .shapes import SHAPES
from .windows import WINDOWS

OPS: Mapping[str, Op] = MappingProxyType(
    {op.name: op for op in (*ELEMENTWISE, *SHAPES, *REDUCTIONS, *INDEXING, *WINDOWS, *PRODUCTS, *LINALG, *REGIONS)}
)
