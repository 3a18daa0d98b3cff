"""How many operands of a type an op takes."""

import numpy as np
from jitgrad.compiler.errors import VerifyError
from jitgrad.compiler.ir import ArrayType
from jitgrad.compiler.ops import OPS


def arity(name: str, dtype: np.dtype) -> int:
    """1 or 2, or 0 if the op of this name takes no numbers of this type."""
    for count in (1, 2):
        try:
            OPS[name].infer([ArrayType(dtype)] * count, {}, ())
            return count
        except VerifyError:
            continue
    return 0
