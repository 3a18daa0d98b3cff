"""Factorisations of matrices, and what is solved with them, for emitted programs.

In: C-contiguous stacks of matrices (count, rows, columns) or of vectors (count, size), floats, and stacks to write to; no two
share memory. Out: their new content.

Each function has a plain Python meaning, which is NumPy's, and stands for a compiled one that calls the LAPACK that SciPy
ships. Both raise NumPy's `LinAlgError`. LAPACK takes columns where we have rows. Where it does not matter which, it sees
transposes; where signs or rounding depend on it, it gets a copy with rows and columns swapped, as NumPy gives it.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from .blas import SHARED_MATRIX_PRODUCT, gemm
from .buffers import empty, zeros
from .fortran import fortran
from .linking import kernel, stands_for
from .threads import limit_threads

BLOCK = 64
"""Columns that LAPACK works on at a time, at most: for the size of its workspaces."""

LOWER, UPPER, RIGHT = (np.uint8(ord(letter)) for letter in "LUR")
UNIT, ANY = (np.uint8(ord(letter)) for letter in "UN")  # what the diagonal of a triangle is
VECTORS, SMALLEST, ONLY_VALUES = (np.uint8(ord(letter)) for letter in "VSN")  # what is asked for


def lu(factors: Any, pivots: Any, a: Any) -> None:
    """Make matrices ready for `lu_solve` and `lu_slogdet`; only these know what factors and pivots hold."""
    factors[...], pivots[...] = a, 0


def lu_solve(out: Any, factors: Any, pivots: Any, b: Any, transposed: bool) -> None:
    """out = A^-1 b, or A^-T b; raises `LinAlgError` if a matrix is singular."""
    out[...] = np.linalg.solve(factors.swapaxes(1, 2) if transposed else factors, b)


def lu_slogdet(sign: Any, logarithm: Any, factors: Any, pivots: Any) -> None:
    """The signs of determinants and the logarithms of their magnitudes."""
    sign[...], logarithm[...] = np.linalg.slogdet(factors)


def triangular_solve(out: Any, matrix: Any, b: Any, lower: bool, transposed: bool) -> None:
    """out = T^-1 b, or T^-T b, where T is a triangle of `matrix`."""
    triangle = np.tril(matrix) if lower else np.triu(matrix)
    out[...] = np.linalg.solve(triangle.swapaxes(1, 2) if transposed else triangle, b)


def cholesky(out: Any, a: Any) -> None:
    """Lower triangular roots; only lower triangles are read. Raises `LinAlgError` if a matrix is not positive definite."""
    out[...] = np.linalg.cholesky(a)


def is_regular(out: Any, factors: Any, pivots: Any) -> None:
    """Whether `lu_solve` can solve with all matrices."""
    out[0] = True
    try:
        np.linalg.inv(factors)
    except LinAlgError:
        out[0] = False


def is_positive_definite(out: Any, a: Any) -> None:
    """Whether `cholesky` has roots of all matrices."""
    out[0] = True
    try:
        np.linalg.cholesky(a)
    except LinAlgError:
        out[0] = False


def eigh(values: Any, vectors: Any, a: Any, lower: bool) -> None:
    """Growing eigenvalues, and eigenvectors as columns, of symmetric matrices of which one triangle is read."""
    values[...], vectors[...] = np.linalg.eigh(a, "L" if lower else "U")


def eigvalsh(values: Any, a: Any, lower: bool) -> None:
    """The eigenvalues alone."""
    values[...] = np.linalg.eigvalsh(a, "L" if lower else "U")


def qr(q: Any, r: Any, a: Any) -> None:
    """Orthonormal columns and upper triangles, of matrices with at least as many rows as columns."""
    q[...], r[...] = np.linalg.qr(a)


def svd(u: Any, s: Any, vh: Any, a: Any) -> None:
    """As many singular vectors and falling singular values as the smaller size of the matrices."""
    u[...], s[...], vh[...] = np.linalg.svd(a, full_matrices=False)


def svdvals(s: Any, a: Any) -> None:
    """The singular values alone."""
    s[...] = np.linalg.svd(a, compute_uv=False)


def pinv(out: Any, a: Any, cutoff: float) -> None:
    """Pseudo-inverses; singular values up to `cutoff` times the largest count as zero."""
    out[...] = np.linalg.pinv(a, cutoff)


_getrf = fortran("cython_lapack", "getrf")
_potrf = fortran("cython_lapack", "potrf")
_syevd = fortran("cython_lapack", "syevd")
_geqrf = fortran("cython_lapack", "geqrf")
_orgqr = fortran("cython_lapack", "orgqr")
_gesdd = fortran("cython_lapack", "gesdd")
_trsm = fortran("cython_blas", "trsm")


@kernel
def _swap(out, a):
    """Write the transpose of a matrix."""
    rows, columns = a.shape
    for i in range(rows):
        for j in range(columns):
            out[j, i] = a[i, j]


@stands_for(lu, allocates=True)
def _lu(factors, pivots, a):
    count, size, _ = a.shape
    info = empty(1, np.int32)
    threads = limit_threads(size * size * size < SHARED_MATRIX_PRODUCT)
    for k in range(count if size else 0):
        _swap(factors[k], a[k])
        _getrf(size, size, factors[k], size, pivots[k], info)
    limit_threads(threads)


@stands_for(lu_solve)
def _lu_solve(out, factors, pivots, b, transposed):
    count, size, columns = b.shape
    for k in range(count):
        for i in range(size):
            if factors[k, i, i] == 0:
                raise LinAlgError("Singular matrix")
            for j in range(columns):
                out[k, i, j] = b[k, i, j]
    threads = limit_threads(size * size * columns < SHARED_MATRIX_PRODUCT)
    for k in range(count if size and columns else 0):
        # A = P L U, and the transposes of right sides and solutions are multiplied from the right
        if transposed:
            _trsm(RIGHT, UPPER, False, ANY, columns, size, 1.0, factors[k], size, out[k], columns)
            _trsm(RIGHT, LOWER, False, UNIT, columns, size, 1.0, factors[k], size, out[k], columns)
            _exchange(out[k], pivots[k], size - 1, -1, -1)
        else:
            _exchange(out[k], pivots[k], 0, size, 1)
            _trsm(RIGHT, LOWER, True, UNIT, columns, size, 1.0, factors[k], size, out[k], columns)
            _trsm(RIGHT, UPPER, True, ANY, columns, size, 1.0, factors[k], size, out[k], columns)
    limit_threads(threads)


@stands_for(is_regular)
def _is_regular(out, factors, pivots):
    count, size, _ = factors.shape
    out[0] = True
    for k in range(count):
        for i in range(size):
            if factors[k, i, i] == 0:
                out[0] = False


@kernel
def _exchange(matrix, pivots, start, stop, step):
    """Exchange rows, one pair after the other."""
    for i in range(start, stop, step):
        other = pivots[i] - 1
        if other != i:
            for j in range(matrix.shape[1]):
                matrix[i, j], matrix[other, j] = matrix[other, j], matrix[i, j]


@stands_for(lu_slogdet)
def _lu_slogdet(sign, logarithm, factors, pivots):
    kind = factors.dtype.type
    for k in range(sign.size):
        sign[k], logarithm[k] = kind(1), kind(0)
        for i in range(pivots.shape[1]):
            factor = factors[k, i, i]
            if (factor < 0) != (pivots[k, i] != i + 1):
                sign[k] = -sign[k]
            logarithm[k] += np.log(abs(factor))
        for i in range(pivots.shape[1]):
            if factors[k, i, i] == 0:
                sign[k], logarithm[k] = kind(0), kind(-np.inf)


@stands_for(triangular_solve)
def _triangular_solve(out, matrix, b, lower, transposed):
    count, size, columns = b.shape
    threads = limit_threads(size * size * columns < SHARED_MATRIX_PRODUCT)
    for k in range(count):
        for i in range(size):
            for j in range(columns):
                out[k, i, j] = b[k, i, j]
        if size and columns:
            triangle = UPPER if lower else LOWER
            _trsm(RIGHT, triangle, transposed, ANY, columns, size, 1.0, matrix[k], size, out[k], columns)
    limit_threads(threads)


@kernel
def _root(out, a, info):
    """Write the lower triangular root of a matrix; the status is 0 if it has one."""
    size = a.shape[0]
    for i in range(size):
        for j in range(size):
            out[i, j] = a[i, j] if j <= i else 0
    threads = limit_threads(size * size * size < SHARED_MATRIX_PRODUCT)
    _potrf(UPPER, size, out, size, info)
    limit_threads(threads)


@stands_for(cholesky, allocates=True)
def _cholesky(out, a):
    count, size, _ = a.shape
    info = zeros(1, np.int32)
    for k in range(count if size else 0):
        _root(out[k], a[k], info)
        if info[0] != 0:
            raise LinAlgError("Matrix is not positive definite")


@stands_for(is_positive_definite, allocates=True)
def _is_positive_definite(out, a):
    count, size, _ = a.shape
    root, info = empty((size, size), a.dtype), zeros(1, np.int32)
    out[0] = True
    for k in range(count if size else 0):
        _root(root, a[k], info)
        if info[0] != 0:
            out[0] = False


@stands_for(eigh, allocates=True)
def _eigh(values, vectors, a, lower):
    turned = empty(a.shape[1:], a.dtype)
    for k in range(a.shape[0] if a.size else 0):
        _eigenvalues(values[k], turned, a[k], lower, VECTORS)
        _swap(vectors[k], turned)


@stands_for(eigvalsh, allocates=True)
def _eigvalsh(values, a, lower):
    scratch = empty(a.shape[1:], a.dtype)
    for k in range(a.shape[0] if a.size else 0):
        _eigenvalues(values[k], scratch, a[k], lower, ONLY_VALUES)


@partial(kernel, allocates=True)
def _eigenvalues(values, vectors, a, lower, job):
    """Eigenvalues, and as rows the eigenvectors if they are asked for."""
    size = values.size
    info = zeros(1, np.int32)
    work = empty(1 + 6 * size + 2 * size * size, a.dtype)
    integers = empty(3 + 5 * size, np.int32)
    _swap(vectors, a)
    threads = limit_threads(size * size * size < SHARED_MATRIX_PRODUCT)
    triangle = LOWER if lower else UPPER
    _syevd(job, triangle, size, vectors, size, values, work, work.size, integers, integers.size, info)
    limit_threads(threads)
    if info[0] != 0:
        raise LinAlgError("Eigenvalues did not converge")


@stands_for(qr, allocates=True)
def _qr(q, r, a):
    count, rows, columns = a.shape
    turned, scales = empty((columns, rows), a.dtype), empty(columns, a.dtype)
    work, info = empty(BLOCK * columns, a.dtype), empty(1, np.int32)
    threads = limit_threads(rows * columns * columns < SHARED_MATRIX_PRODUCT)
    for k in range(count if columns else 0):
        _swap(turned, a[k])
        _geqrf(rows, columns, turned, rows, scales, work, work.size, info)
        for i in range(columns):
            for j in range(columns):
                r[k, i, j] = turned[j, i] if i <= j else 0
        _orgqr(rows, columns, columns, turned, rows, scales, work, work.size, info)
        _swap(q[k], turned)
    limit_threads(threads)


@stands_for(svd, allocates=True)
def _svd(u, s, vh, a):
    count, rows, columns = a.shape
    size = s.shape[1]
    left, right = empty((size, rows), a.dtype), empty((columns, size), a.dtype)
    for k in range(count if size else 0):
        _singular_values(left, s[k], right, a[k], SMALLEST)
        _swap(u[k], left)
        _swap(vh[k], right)


@stands_for(svdvals, allocates=True)
def _svdvals(s, a):
    nothing = empty((1, 1), a.dtype)
    for k in range(a.shape[0] if a.size else 0):
        _singular_values(nothing, s[k], nothing, a[k], ONLY_VALUES)


@partial(kernel, allocates=True)
def _singular_values(left, s, right, a, job):
    """Singular values, and the transposes of the matrices of singular vectors if they are asked for."""
    rows, columns = a.shape
    turned, info = empty((columns, rows), a.dtype), zeros(1, np.int32)
    integers, work = empty(8 * s.size, np.int32), empty(1, a.dtype)
    _swap(turned, a)
    threads = limit_threads(rows * columns * s.size < SHARED_MATRIX_PRODUCT)
    room = -1  # asks for the size of the workspace
    for _ in range(2):
        _gesdd(job, rows, columns, turned, rows, s, left, rows, right, s.size, work, room, integers, info)
        if room < 0:
            room = int(work[0])
            work = empty(room, a.dtype)
    limit_threads(threads)
    if info[0] != 0:
        raise LinAlgError("SVD did not converge")


@stands_for(pinv, allocates=True)
def _pinv(out, a, cutoff):
    count, rows, columns = a.shape
    size = min(rows, columns)
    u, s, vh = empty((1, rows, size), a.dtype), empty((1, size), a.dtype), empty((1, size, columns), a.dtype)
    for k in range(count if size else 0):
        svd(u, s, vh, a[k : k + 1])
        for j in range(size):
            factor = 1 / s[0, j] if s[0, j] > cutoff * s[0, 0] else a.dtype.type(0)
            for i in range(rows):
                u[0, i, j] *= factor
        gemm(out[k], vh[0], u[0], True, True, 1.0, 0.0)
