"""How many threads a block has, and how they share the work."""

TILE = 16
"""Rows and columns of the tile of a matrix product that a block makes, one element per thread; a power of two."""

THREADS = 256
"""Threads of a block that visits points in flat order; a power of two."""

ACROSS = (32, 8)
"""Members and slots of a block in a reduction over the last axis: that many threads share each result; powers of two."""

ALONG = (8, 32)
"""Members and slots in a reduction over other axes: as many threads as there are slots read side by side; powers of two."""
