"""Matrix and vector products for emitted programs.

In: arrays, and an array to write to. Out: that array's new content, or a number.

Each function has a plain Python meaning, which is NumPy's, and stands for a compiled one: floats go to the BLAS that
SciPy ships, small products, integers and bools to loops. An array that is written to shares no memory with the others.
"""

from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.lib.stride_tricks import as_strided

from .buffers import empty, view, within
from .fortran import fortran, has_routines
from .linking import kernel, stands_for
from .threads import limit_threads

SMALL_MATRIX_PRODUCT = 64
SMALL_VECTOR_PRODUCT = 256
SMALL_DOT = 64
"""Multiplications up to which loops are faster than a BLAS call."""

PACKED_DEPTH = 64
"""How many terms a product may sum where copying a transposed right matrix is faster than having BLAS read it as it is."""

UNPACKED_PRODUCT = 1_000_000
"""Multiplications up to which OpenBLAS reads matrices as they lie, if it ever does; it copies those of larger products first.

A large product with one small matrix is computed in such pieces: x.T @ y with long columns in half the time, x @ y with many rows in
three quarters of it (8192 x 48 x 48, AVX-512). Elsewhere OpenBLAS copies always, and long columns in pieces take as long as before.
"""

READS_UNPACKED = bool(llvm.get_host_cpu_features().get("avx512f"))

LEAST_PIECE, PIECE = 64, 2**18
"""The least rows of a piece, and multiplications that are worth a call."""

SHARED_MATRIX_PRODUCT = 256**3
SHARED_VECTOR_PRODUCT = 2_000_000
"""Multiplications from which BLAS may use its threads: about a millisecond of work."""


def gemm(out: Any, a: Any, b: Any, trans_a: bool, trans_b: bool, alpha: float, beta: float) -> None:
    """out = alpha * op(a) @ op(b) + beta * out, where op transposes if told to; all three are C-contiguous.

    With beta 0 the old content of `out` does not matter, not even NaN.
    """
    _accumulate(out, (a.T if trans_a else a) @ (b.T if trans_b else b), alpha, beta)


def gemms(out: Any, a: Any, b: Any, sizes: Any, steps_out: Any, steps_a: Any, steps_b: Any) -> None:
    """out[i, j] = a[i, j] @ b[i, j] for matrices inside flat arrays; added up where ``out`` does not move along i or j.

    ``sizes`` are the numbers of i, j, rows, columns, and of what is summed over. Steps are distances of elements along i, j, and both
    axes of a matrix, of which ``a`` and ``b`` have neighbours along one, ``out`` along its rows.
    """
    outer, inner, rows, columns, depth = sizes
    parts = [(out, steps_out, (rows, columns)), (a, steps_a, (rows, depth)), (b, steps_b, (depth, columns))]
    whole, left, right = (
        as_strided(x, (outer, inner, *matrix), [step * x.itemsize for step in steps]) for x, steps, matrix in parts
    )
    summed = tuple(k for k in (0, 1) if steps_out[k] == 0 and sizes[k] != 1)
    product = np.sum(left @ right, axis=summed, keepdims=True, dtype=out.dtype)
    whole[tuple(slice(0, 1) if k in summed else slice(None) for k in (0, 1))] = product


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
    threads = limit_threads(1)
    is_shared = threads > 0 and work >= SHARED_MATRIX_PRODUCT
    if is_shared:
        limit_threads(threads)
    size = rows * columns if trans_a else columns * inner  # of what is written or read again for each piece
    height, depth = rows, inner
    if not is_shared and not trans_b and size * LEAST_PIECE <= UNPACKED_PRODUCT:
        if trans_a:
            depth = max(LEAST_PIECE, PIECE // size)
        elif READS_UNPACKED:
            height = UNPACKED_PRODUCT // size
    for i in range(0, rows, height):
        for k in range(0, inner, depth):
            left = within(a, k * rows if trans_a else i * inner, 0)
            right, part = within(b, k * columns, 0), within(out, i * columns, 0)
            some_rows = rows - i if rows - i < height else height
            some_inner = inner - k if inner - k < depth else depth
            # BLAS takes columns where we have rows, so it sees transposes: out.T = op(b).T @ op(a).T
            _blas_gemm(
                trans_b, trans_a, columns, some_rows, some_inner, alpha, right, b.shape[1], left, a.shape[1],
                beta if k == 0 else 1.0, part, columns,
            )  # fmt: skip
    limit_threads(threads)


@kernel
def _gemm_loops(out, a, b, trans_a, trans_b, alpha, beta):
    """Steps in place of transposes: LLVM would write the loops out for each case of both."""
    kind = out.dtype.type
    rows, columns = out.shape
    inner = a.shape[0] if trans_a else a.shape[1]
    left, right = view(a, a.size), view(b, b.size)
    left_row, left_step = (1, rows) if trans_a else (inner, 1)
    right_column, right_step = (inner, 1) if trans_b else (1, columns)
    for i in range(rows):
        for j in range(columns):
            total = kind(0)
            for k in range(inner):
                total = kind(total + left[i * left_row + k * left_step] * right[j * right_column + k * right_step])
            total = kind(kind(alpha) * total)
            out[i, j] = total if beta == 0 else kind(total + kind(beta) * out[i, j])


@stands_for(gemms, allocates=True)
def _gemms(out, a, b, sizes, steps_out, steps_a, steps_b):
    rows, columns, depth = sizes[2:]
    packs = steps_b[3] != 1 and columns != 1 and depth <= min(rows, PACKED_DEPTH)
    _gemm_each(out, a, b, empty(depth * columns if packs else 0, out.dtype), sizes, steps_out, steps_a, steps_b)


@kernel
def _gemm_each(out, a, b, room, sizes, steps_out, steps_a, steps_b):
    """Where there is room for it, each right matrix is copied so that its rows lie in memory: BLAS then takes a third of the time."""
    outer, inner, rows, columns, depth = sizes
    if min(outer, inner) == 0:
        out[:] = 0
        return
    packs = room.size > 0
    trans_a, trans_b = steps_a[3] != 1 and depth != 1, not packs and steps_b[3] != 1 and columns != 1
    ld_a = max(steps_a[3], rows) if trans_a else max(steps_a[2], depth)
    ld_b = columns if packs else max(steps_b[3], depth) if trans_b else max(steps_b[2], columns)
    ld_out = max(steps_out[2], columns)
    work = rows * columns * depth
    loops = work <= SMALL_MATRIX_PRODUCT or not has_routines(out)
    threads = limit_threads(work < SHARED_MATRIX_PRODUCT)
    for i in range(outer):
        for j in range(inner):
            part = out[i * steps_out[0] + j * steps_out[1] :]
            left = a[i * steps_a[0] + j * steps_a[1] :]
            right = b[i * steps_b[0] + j * steps_b[1] :]
            first = (i == 0 or steps_out[0] != 0) and (j == 0 or steps_out[1] != 0)
            if loops:
                _gemm_strided(part, left, right, sizes, steps_out, steps_a, steps_b, first)
                continue
            if packs:
                for k in range(depth):
                    for l in range(columns):
                        room[k * columns + l] = right[k * steps_b[2] + l * steps_b[3]]
                right = room
            beta = 0.0 if first else 1.0
            # BLAS takes columns where we have rows, as in gemm
            _blas_gemm(trans_b, trans_a, columns, rows, depth, 1.0, right, ld_b, left, ld_a, beta, part, ld_out)
    limit_threads(threads)


@kernel
def _gemm_strided(out, a, b, sizes, steps_out, steps_a, steps_b, first):
    kind = out.dtype.type
    for i in range(sizes[2]):
        for j in range(sizes[3]):
            total = kind(0)
            for k in range(sizes[4]):
                total = kind(total + a[i * steps_a[2] + k * steps_a[3]] * b[k * steps_b[2] + j * steps_b[3]])
            at = i * steps_out[2] + j
            out[at] = total if first else kind(out[at] + total)


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
