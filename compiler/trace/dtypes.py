"""Which arrays may be arguments or constants of a program, and which dtypes its arrays may have."""

from __future__ import annotations

import numpy as np

from ..errors import DTypeError
from ..ir.types import DTYPE_NAMES


def check_array(array: np.ndarray, what: str) -> np.dtype:
    """The dtype of an array; refuses subclasses of ndarray, whose operations mean something else."""
    cls = type(array)
    if cls is not np.ndarray and cls is not np.memmap:
        remedy = (
            "pass x.filled(value), or x.data and x.mask apart" if isinstance(array, np.ma.MaskedArray) else "pass np.asarray(x)"
        )
        raise TypeError(f"{what} is a {cls.__module__}.{cls.__qualname__}, a subclass of numpy.ndarray; {remedy}")
    return check_dtype(array.dtype, what)


def check_dtype(dtype: np.dtype, what: str) -> np.dtype:
    """Refuse dtypes that the IR does not have, in the user's words."""
    if dtype in DTYPE_NAMES:
        return dtype
    if dtype.kind == "c":
        raise DTypeError(f"{what} is {dtype}: complex numbers are not supported; keep real and imaginary parts apart")
    if dtype.kind in "OSUV":
        raise DTypeError(f"{what} has dtype {dtype}, which holds no numbers; convert it first, as in x.astype(np.float64)")
    if dtype == np.float16:
        raise DTypeError(f"{what} is float16; use float32, as in x.astype(np.float32)")
    if not dtype.isnative:
        raise DTypeError(f"{what} has byte order {dtype.str}; convert it with x.astype({dtype.name!r})")
    raise DTypeError(f"{what} has dtype {dtype}; float32, float64, integers and bool are supported")
