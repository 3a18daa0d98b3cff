"""What each op means, and what follows from that alone: building, verifying and interpreting functions.

``op`` is the record; ``elementwise``, ``shapes``, ``reductions``, ``indexing``, ``products``, ``linalg`` and
``regions`` are the rows; ``table`` is ``OPS``, all of them by name.
"""

from .builder import Builder, renumber
from .interpret import interpret
from .op import ALL, Into, Op
from .table import OPS
from .verify import verify

__all__ = ["ALL", "OPS", "Builder", "Into", "Op", "interpret", "renumber", "verify"]
