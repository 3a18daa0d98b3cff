"""Matrix and vector products for emitted programs.

In: arrays, and an array to write to. Out: that array's new content, or a number.

Each function has a plain Python meaning, which is NumPy's, and stands for a compiled one: floats go to the BLAS that
SciPy ships, small products, integers and bools to loops. An array that is written to shares no memory with the others.
"""

from typing import Any

import numpy as np

from .fortran import fortran, has_routines
from .linking import kernel, stands_for
from .threads import limit_threads

SMALL_MATRIX_PRODUCT = 64
SMALL_VECTOR_PRODUCT = 256
SMALL_DOT = 64
"""Multiplications up to which loops are faster than a BLAS call."""

SHARED_MATRIX_PRODUCT = 256**3
SHARED_VECTOR_PRODUCT = 2_000_000
"""Multiplications from which BLAS may use its threads: about a millisecond of work."""


def gemm(out: Any, a: Any, b: Any, trans_a: bool, trans_b: bool, alpha: float, beta: float) -> None:
    """out = alpha * op(a) @ op(b) + beta * out, where op transposes if told to; all three are C-contiguous.

    With beta 0 the old content of `out` does not matter, not even NaN.
    """
    _accumulate(out, (a.T if trans_a else a) @ (b.T if trans_b else b), alpha, beta)


def gemv(out: Any, a: Any, x: Any, trans_a: bool, alpha: float, beta: float) -> None:
    """out = alpha * op(a) @ x + beta * out; `a` is C-contiguous, the vectors have any strides. Beta 0 as in `gemm`."""
    _accumulate(out, (a.T if trans_a else a) @ x, alpha, beta)


def ger(out: Any, x: Any, y: Any, alpha: float) -> None:
    """out += alpha * outer(x, y); the arrays have any strides."""
    _accumulate(out, np.outer(x, y), alpha, 1)


def dot(x: Any, y: Any) -> Any:
    """The sum of x * y; the vectors have any strides."""
    return np.dot(x, y)


def _accumulate(out: Any, product: Any, alpha: float, beta: float) -> None:
    kind = out.dtype.type
    scaled = product if alpha == 1 else kind(alpha) * product
    out[...] = scaled if beta == 0 else scaled + kind(beta) * out


_blas_gemm = fortran("cython_blas", "gemm")
_blas_gemv = fortran("cython_blas", "gemv")
_blas_dot = fortran("cython_blas", "dot", returns=True)


@stands_for(gemm)
def _gemm(out, a, b, trans_a, trans_b, alpha, beta):
    rows, columns = out.shape
    inner = a.shape[0] if trans_a else a.shape[1]
    work = rows * columns * inner
    if work <= SMALL_MATRIX_PRODUCT or alpha == 0 or not has_routines(out):
        _gemm_loops(out, a, b, trans_a, trans_b, alpha, beta)
        return
    threads = limit_threads(work < SHARED_MATRIX_PRODUCT)
    # BLAS takes columns where we have rows, so it sees transposes: out.T = op(b).T @ op(a).T
    _blas_gemm(trans_b, trans_a, columns, rows, inner, alpha, b, b.shape[1], a, a.shape[1], beta, out, columns)
    limit_threads(threads)


@kernel
def _gemm_loops(out, a, b, trans_a, trans_b, alpha, beta):
    kind = out.dtype.type
    rows, columns = out.shape
    inner = a.shape[0] if trans_a else a.shape[1]
    for i in range(rows):
        for j in range(columns):
            total = kind(0)
            for k in range(inner):
                total = kind(total + (a[k, i] if trans_a else a[i, k]) * (b[j, k] if trans_b else b[k, j]))
            total = kind(kind(alpha) * total)
            out[i, j] = total if beta == 0 else kind(total + kind(beta) * out[i, j])


@stands_for(gemv)
def _gemv(out, a, x, trans_a, alpha, beta):
    rows, columns = a.shape
    work = rows * columns
    step_out, step_x = _step(out), _step(x)
    if work <= SMALL_VECTOR_PRODUCT or alpha == 0 or not has_routines(out) or not step_out or not step_x:
        _gemv_loops(out, a, x, trans_a, alpha, beta)
        return
    threads = limit_threads(work < SHARED_VECTOR_PRODUCT)
    _blas_gemv(not trans_a, columns, rows, alpha, a, columns, x, step_x, beta, out, step_out)
    limit_threads(threads)


@kernel
def _gemv_loops(out, a, x, trans_a, alpha, beta):
    kind = out.dtype.type
    for i in range(out.size):
        total = kind(0)
        for k in range(x.size):
            total = kind(total + (a[k, i] if trans_a else a[i, k]) * x[k])
        total = kind(kind(alpha) * total)
        out[i] = total if beta == 0 else kind(total + kind(beta) * out[i])


@stands_for(ger)
def _ger(out, x, y, alpha):
    kind = out.dtype.type
    for i in range(x.size):
        factor = kind(kind(alpha) * x[i])
        for j in range(y.size):
            out[i, j] = kind(out[i, j] + factor * y[j])


@stands_for(dot)
def _dot(x, y):
    step_x, step_y = _step(x), _step(y)
    if x.size > SMALL_DOT and has_routines(x) and step_x and step_y:
        threads = limit_threads(x.size < SHARED_VECTOR_PRODUCT)
        product = _blas_dot(x.size, x, step_x, y, step_y)
        limit_threads(threads)
        return product
    kind = x.dtype.type
    total = kind(0)
    for i in range(x.size):
        total = kind(total + x[i] * y[i])
    return total


@kernel
def _step(vector):
    """The distance of elements as BLAS counts it; 0 where BLAS has no word for it, or counts from the other end."""
    whole = vector.strides[0] % vector.itemsize == 0
    return max(vector.strides[0] // vector.itemsize, 0) if whole else 0
