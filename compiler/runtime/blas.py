"""Matrix and vector products for emitted programs.

In: arrays and an array to write to. Out: nothing but that array's new content, or a number.

Each function below has a plain Python meaning, which is NumPy's, and stands for a compiled one: floats go to the BLAS
that SciPy ships, small products, integers and bools to loops. SciPy's routines are linked by name
(`scipy.linalg.cython_blas`), so code that calls them can be kept on disk.
"""

import ctypes
import functools
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import scipy
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .linking import stands_for

SMALL_PRODUCT = 8 * 8 * 8
"""Multiplications below which loops beat a BLAS call (measured: about 0.3 us for the call)."""


def gemm(out: Any, a: Any, b: Any, trans_a: bool, trans_b: bool, alpha: float, beta: float) -> None:
    """out = alpha * op(a) @ op(b) + beta * out, where op transposes if told to; all matrices C-contiguous.

    With beta 0 the old content of `out` does not matter, not even NaN.
    """
    _accumulate(out, (a.T if trans_a else a) @ (b.T if trans_b else b), alpha, beta)


def gemv(out: Any, a: Any, x: Any, trans_a: bool, alpha: float, beta: float) -> None:
    """out = alpha * op(a) @ x + beta * out; `a` is C-contiguous, the vectors may have any strides."""
    _accumulate(out, (a.T if trans_a else a) @ x, alpha, beta)


def ger(out: Any, x: Any, y: Any, alpha: float) -> None:
    """out += alpha * outer(x, y); `out` is C-contiguous, the vectors may have any strides."""
    _accumulate(out, np.outer(x, y), alpha, 1)


def dot(x: Any, y: Any) -> Any:
    """The sum of x * y, vectors of any strides, without conjugation."""
    return np.dot(x, y)


def _accumulate(out: Any, product: Any, alpha: float, beta: float) -> None:
    kind = out.dtype.type
    scaled = product if alpha == 1 else kind(alpha) * product
    out[...] = scaled if beta == 0 else scaled + kind(beta) * out


@stands_for(gemm)
def _gemm(out, a, b, trans_a, trans_b, alpha, beta):
    rows, columns = out.shape
    inner = a.shape[0] if trans_a else a.shape[1]
    if not _is_float(out) or rows * columns * inner <= SMALL_PRODUCT:
        _gemm_loops(out, a, b, trans_a, trans_b, alpha, beta)
    else:
        _gemm_blas(out, a, b, trans_a, trans_b, alpha, beta)
