"""Writers: from a lowered program to source text. ``cpu`` writes numba kernels for a CPU."""

from .cpu import Emitted, emit_cpu

__all__ = ["Emitted", "emit_cpu"]
