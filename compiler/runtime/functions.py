"""Which function of the runtime computes an op on one number."""

from __future__ import annotations

import numpy as np

from .elementary import FUNCTIONS

NUMERIC = "numeric"
ELEMENTARY = "elementary"
SPECIAL = frozenset(("gamma", "erfcx", "ndtri", "erfinv", "log_ndtr", "i0e", "i1e", "gammainc", "gammaincc", "betainc"))
"""The ops that functions of ``special`` compute."""


def scalar_function(op: str, dtype: np.dtype) -> str:
    """The qualified name, in an emitted module, of the function for an op on operands of a dtype."""
    short = {"float32": "f32", "float64": "f64"}.get(dtype.name, "")
    if short in FUNCTIONS.get(op, {}):
        return f"{ELEMENTARY}.{FUNCTIONS[op][short]}"
    return f"special.{op}" if op in SPECIAL else f"{NUMERIC}.{op}"
