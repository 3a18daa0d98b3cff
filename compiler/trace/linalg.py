"""``np.linalg``: solving, factorising, inverting, all made of the ops in ``ops.linalg``.

NumPy's rules hold: integers become float64, leading axes count matrices and broadcast, the lower triangle of a symmetric
matrix is read unless said otherwise, and failures are ``LinAlgError``.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ..errors import UnsupportedError
from ..ir import Dim
from ..ir.sizes import maximum
from ..ir.types import DTYPES, F64, I64
from . import creation, grids, joining, products, reductions, shaping
from .broadcasting import assume_shape, broadcast_shapes, broadcast_to, check_equal
from .context import active_trace
from .promotion import as_tracer, convert, result_dtype
from .tracer import Concretize, Tracer, describe, new, python_size
from .unbound import emit_check

I32 = DTYPES["i32"]


def _emit(op: str, *operands: Tracer, **attributes: Any) -> Any:
    """Append an equation; its results as arrays, or as scalars where they have no axes."""
    results = active_trace().emit(op, *(x.value for x in operands), **attributes)
    return tuple(map(new, results)) if isinstance(results, tuple) else new(results)


def _float(*values: Any) -> list[Tracer]:
    """Arrays of one float dtype."""
    tracers = [as_tracer(v) for v in values]
    dtype = result_dtype(*(t.dtype.type(0) for t in tracers))
    return [convert(t, dtype if dtype.kind == "f" else F64) for t in tracers]


def _matrix(x: Any, name: str) -> Tracer:
    """A float array with at least two axes."""
    (matrix,) = _float(x)
    if matrix.type.rank < 2:
        raise LinAlgError(f"np.linalg.{name}: {describe(matrix)} must be at least two-dimensional")
    return matrix


def _square(x: Any, name: str) -> Tracer:
    """A float array whose last two axes are equal, also by name."""
    matrix = _matrix(x, name)
    *batch, rows, columns = matrix.type.shape
    if not _are_equal(rows, columns):
        raise LinAlgError(f"np.linalg.{name}: the last two axes of {describe(matrix)} must be square")
    return new(assume_shape(active_trace().scope.resolve(matrix.value), (*batch, rows, rows)))


def _are_equal(left: Dim, right: Dim) -> bool:
    """Whether two sizes are equal; checked at run time where it cannot be told."""
    equal = active_trace().sizing.decide(left, "==", right)
    if equal is None:
        check_equal(left, right, "np.linalg: sizes do not fit")
    return equal is not False


def _swapped(x: Tracer) -> Tracer:
    return shaping.swapaxes(x, -1, -2)


def _named(function: Callable[..., Any], results: tuple[Any, ...]) -> Any:
    """Results in the named tuple that NumPy gives them in."""
    return type(function(np.eye(1)))(*results)


# solving


def solve(a: Any, b: Any) -> Tracer:
    """``np.linalg.solve``."""
    return solve_factored(factored(a), b)


def factored(a: Any) -> tuple[Tracer, Tracer]:
    """A matrix made ready for solving: what ``solve_factored`` takes, and nobody reads."""
    factors, pivots = _emit("lu", _square(a, "solve"))
    return factors, pivots


def solve_factored(factors_and_pivots: tuple[Tracer, Tracer], b: Any, transposed: bool = False) -> Tracer:
    """The solution for a vector, or for the columns of a matrix."""
    factors, pivots = factors_and_pivots
    factors, b = _float(factors, b)
    if b.type.rank == 1:
        return shaping.squeeze(solve_factored((factors, pivots), shaping.expand_dims(b, -1), transposed), -1)
    factors, b = _stacked(factors, _matrix(b, "solve"))
    return _emit("lu_solve", factors, _repeated(pivots, factors.type.shape[:-2], 1), b, transposed=transposed)


def triangular_solve(a: Any, b: Any, lower: bool, transposed: bool = False) -> Tracer:
    """The solution for a vector, or for the columns of a matrix, of which one triangle is read."""
    a, b = _float(a, b)
    a = _square(a, "solve")
    if b.type.rank == 1:
        return shaping.squeeze(triangular_solve(a, shaping.expand_dims(b, -1), lower, transposed), -1)
    regular = reductions.reduce("all", shaping.diagonal(a, 0, -2, -1))
    emit_check(regular, LinAlgError("singular matrix: an element of the diagonal is zero"))
    return _emit("triangular_solve", *_stacked(a, _matrix(b, "solve")), lower=lower, transposed=transposed)


def _stacked(a: Tracer, b: Tracer) -> tuple[Tracer, Tracer]:
    """A square matrix and a right side with as many rows, stacks of them broadcast to one shape."""
    size, rows = a.type.shape[-1], b.type.shape[-2]
    if not _are_equal(rows, size):
        raise ValueError(f"np.linalg.solve: {describe(a)} and {describe(b)} do not fit: the second needs as many rows")
    batch = broadcast_shapes([_without_matrix(a), _without_matrix(b)], "solve")
    a, b = (_repeated(x, batch, 2) for x in (a, b))
    return a, new(assume_shape(b.value, (*batch, size, b.type.shape[-1])))


def _without_matrix(x: Tracer) -> Tracer:
    return Tracer(x.cell, x.type.with_shape(x.type.shape[:-2]))


def _repeated(x: Tracer, batch: tuple[Dim, ...], axes: int) -> Tracer:
    """Stacks broadcast to one shape; the last axes stay."""
    return new(broadcast_to(x, (*batch, *x.type.shape[x.type.rank - axes :])))


def inv(a: Any) -> Tracer:
    """``np.linalg.inv``."""
    a = _square(a, "inv")
    return solve(a, grids.eye(a.shape[-1], dtype=a.dtype))


def slogdet(a: Any) -> Any:
    """``np.linalg.slogdet``."""
    return _named(np.linalg.slogdet, _emit("lu_slogdet", *_emit("lu", _square(a, "slogdet"))))


def det(a: Any) -> Any:
    """``np.linalg.det``, as NumPy computes it; its derivative is that of an invertible matrix."""
    sign, logarithm = slogdet(a)
    return sign * np.exp(logarithm)


_DEFAULT = object()


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _DEFAULT) -> Tracer:
    """``np.linalg.pinv``; its derivative is that of matrices of the same rank."""
    a = _matrix(a, "pinv")
    if rcond is not None:
        if rtol is not _DEFAULT:
            raise ValueError("`rtol` and `rcond` can't be both set.")
        return _pinv(a, rcond)
    return _pinv(a, 1e-15 if rtol is _DEFAULT else _rounding(a) if rtol is None else rtol)


def _pinv(a: Tracer, cutoff: Any) -> Tracer:
    (limit,) = _float(cutoff)
    if limit.type.rank:
        raise UnsupportedError("np.linalg.pinv with a cutoff per matrix; give one number")
    return _emit("pinv", a, convert(limit, a.dtype))


def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, ...]:
    """``np.linalg.lstsq``; where the rank is not full there are no sums of squared residuals."""
    a, b = _float(a, b)
    if a.type.rank != 2 or b.type.rank not in (1, 2):
        raise LinAlgError(f"np.linalg.lstsq takes a matrix and a matrix or vector, found {describe(a)} and {describe(b)}")
    cutoff = _rounding(a) if rcond is None else rcond
    x = products.matmul(_pinv(a, cutoff), b)
    values = svdvals(a)
    large = np.greater(values, cutoff * reductions.reduce("max", values, initial=0))
    rank = convert(reductions.count_nonzero(large), I32)
    if not _is_tall(a):
        return x, creation.zeros((0,), a.dtype), rank, values
    residuals = reductions.reduce("sum", np.square(b - products.matmul(a, x)), 0)
    residuals = shaping.reshape(residuals, (-1,))
    return x, residuals[: np.where(rank == a.shape[1], residuals.shape[0], 0)], rank, values


def _is_tall(a: Tracer) -> bool:
    """Whether a matrix has more rows than columns; one of which only the run knows must have."""
    rows, columns = a.shape[-2:]
    is_tall = rows > columns
    if isinstance(is_tall, Tracer):
        message = "a matrix whose size only the run knows has more columns than rows, or as many; factorise its transpose"
        emit_check(is_tall, NotImplementedError(message))
        return True
    return bool(is_tall)


def _rounding(a: Tracer) -> Any:
    """What singular values may be off by, relative to the largest."""
    return np.finfo(a.dtype).eps * python_size(maximum(*a.type.shape[-2:]))


def matrix_power(a: Any, n: int) -> Tracer:
    """``np.linalg.matrix_power`` of a power known when tracing."""
    if isinstance(n, Tracer) and n.type.dtype.kind in "iu":
        raise Concretize(f"np.linalg.matrix_power with a power that is not known when tracing: {describe(n)}", n)
    n = operator.index(n)
    if n < 0:
        return matrix_power(inv(a), -n)
    a = as_tracer(a)
    _square(a, "matrix_power")
    if n == 0:
        return new(broadcast_to(grids.eye(a.shape[-1], dtype=a.dtype), a.type.shape))
    result = None
    while n:
        if n & 1:
            result = a if result is None else products.matmul(result, a)
        n >>= 1
        a = products.matmul(a, a) if n else a
    return shaping.copy_of(result)


# factorising


def cholesky(a: Any, /, *, upper: bool = False) -> Tracer:
    """``np.linalg.cholesky``: reads one triangle; the gradient of the other is zero."""
    a = _square(a, "cholesky")
    return _swapped(_emit("cholesky", _swapped(a))) if upper else _emit("cholesky", a)


def eigh(a: Any, UPLO: str = "L") -> Any:
    """``np.linalg.eigh``: reads one triangle; the gradient of the other is zero."""
    return _named(np.linalg.eigh, _emit("eigh", _square(a, "eigh"), lower=_is_lower(UPLO)))


def eigvalsh(a: Any, UPLO: str = "L") -> Tracer:
    """``np.linalg.eigvalsh``."""
    matrix, lower = _square(a, "eigvalsh"), _is_lower(UPLO)
    read: Any = np.tril(matrix) if lower else np.triu(matrix)
    active_trace().may_raise(LinAlgError("Eigenvalues did not converge"), lambda: reductions.reduce("all", read == read))
    return _emit("eigh", matrix, lower=lower)[0]


def _is_lower(triangle: str) -> bool:
    if triangle.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return triangle.upper() == "L"


def qr(a: Any, mode: str = "reduced") -> Any:
    """``np.linalg.qr``; derivatives are those of full rank."""
    if mode not in ("reduced", "r", "complete"):
        raise UnsupportedError(f"np.linalg.qr with mode={mode!r}; 'reduced', 'complete' and 'r' are compiled")
    a = _matrix(a, "qr")
    rows, columns = a.shape[-2:]
    if _is_tall(a):
        q, r = _emit("qr", a)
        if mode == "complete":
            q, r = _completed(q), joining.concatenate([r, creation.zeros_like(a[..., columns:, :])], -2)
    elif rows == columns:
        q, r = _emit("qr", a)
    else:
        q, r = _emit("qr", new(a[..., :rows].value))
        r = joining.concatenate([r, products.matmul(_swapped(q), a[..., rows:])], -1)
    return r if mode == "r" else _named(np.linalg.qr, (q, r))


def _completed(q: Tracer) -> Tracer:
    """The product of the reflections I - Y T Y^T whose first columns are given.

    These are I + E, with E = -Y T Y1^T, Y1 being the first rows of Y. So the product is I + E (E1^T)^-1 E^T. A reflection that
    LAPACK leaves out, as where a column is zero below the diagonal, makes E1 singular; its pseudo-inverse leaves it out, too.
    """
    rows, columns = q.shape[-2:]
    outside = q - grids.eye(rows, columns, dtype=q.dtype)
    inverse = _pinv(outside[..., :columns, :], _rounding(q) * 16)
    product = products.matmul(products.matmul(outside, _swapped(inverse)), _swapped(outside))
    return joining.concatenate([q, (grids.eye(rows, dtype=q.dtype) + product)[..., columns:]], -1)


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """``np.linalg.svd`` without the vectors that belong to no singular value."""
    a = _matrix(a, "svd")
    if hermitian:
        return _svd_of_symmetric(a, compute_uv)
    rows, columns = a.shape[-2:]
    if compute_uv and full_matrices and rows != columns:
        raise UnsupportedError("np.linalg.svd with full_matrices=True of a matrix that is not square; give full_matrices=False")
    size = a.type.shape[-1 if _is_tall(a) else -2]
    u, s, vh = _emit("svd", a, size=size)
    return _named(np.linalg.svd, (u, s, vh)) if compute_uv else s


def _svd_of_symmetric(a: Tracer, compute_uv: bool) -> Any:
    """The eigenvectors are the singular vectors, in the order of the sizes of the eigenvalues; signs go to the right ones."""
    values, vectors = _emit("eigh", _square(a, "svd"), lower=True)
    s = np.abs(values)
    order = reductions.argsort(s)[..., ::-1]
    s = np.take_along_axis(s, order, -1)
    if not compute_uv:
        return s
    u = np.take_along_axis(vectors, order[..., None, :], -1)
    signs = np.sign(np.take_along_axis(values, order, -1))
    return _named(np.linalg.svd, (u, s, _swapped(u * signs[..., None, :])))


def svdvals(x: Any, /) -> Tracer:
    """``np.linalg.svdvals``."""
    return svd(x, compute_uv=False)


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """``np.linalg.matrix_rank``."""
    a = as_tracer(A)
    if a.type.rank < 2:
        return new(convert(reductions.reduce("any", a != 0), I64).value, weak=True)
    if tol is not None and rtol is not None:
        raise ValueError("`tol` and `rtol` can't be both set.")
    a = _matrix(a, "matrix_rank")
    values = svd(a, compute_uv=False, hermitian=hermitian)
    if tol is None:
        limit = _rounding(a) if rtol is None else shaping.expand_dims(rtol, -1)
        limit = reductions.reduce("max", values, -1, keepdims=True, initial=0) * limit
    else:
        limit = shaping.expand_dims(tol, -1)
    return reductions.count_nonzero(np.greater(values, limit), -1)


def cond(x: Any, p: Any = None) -> Any:
    """``np.linalg.cond``."""
    a = _matrix(x, "cond")
    if a.size == 0:
        raise LinAlgError("cond is not defined on empty arrays")
    if p in (None, 2, -2):
        values = svdvals(a)
        largest, smallest = values[..., 0], values[..., -1]
        found = smallest / largest if p == -2 else largest / smallest
        undefined = np.isnan(found) & ~np.any(np.isnan(a), axis=(-2, -1))
        return np.where(undefined, a.dtype.type(np.inf), found)[()]
    return np.linalg.norm(a, p, axis=(-2, -1)) * np.linalg.norm(inv(_square(a, "cond")), p, axis=(-2, -1))  # type: ignore[call-overload]


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Tracer:
    """``np.linalg.tensorsolve``."""
    (a, b) = _float(a, b)
    if axes is not None:
        a = shaping.moveaxis(a, axes, range(a.ndim - len(axes), a.ndim))
    inner = a.shape[b.ndim :]
    return shaping.reshape(solve(shaping.reshape(a, (b.size, b.size)), shaping.ravel(b)), inner)


def tensorinv(a: Any, ind: int = 2) -> Tracer:
    """``np.linalg.tensorinv``."""
    (a,) = _float(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    rows, columns = a.shape[:ind], a.shape[ind:]
    size = _product(rows)
    if size == 0:
        raise ValueError("np.linalg.tensorinv of an array without elements")
    return shaping.reshape(inv(shaping.reshape(a, (size, -1))), (*columns, *rows))


def _product(sizes: Any) -> Any:
    """The product of sizes."""
    return functools.reduce(operator.mul, sizes, 1)


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.linalg.solve: solve, np.linalg.inv: inv, np.linalg.slogdet: slogdet, np.linalg.det: det, np.linalg.pinv: pinv,
    np.linalg.lstsq: lstsq, np.linalg.matrix_power: matrix_power, np.linalg.cholesky: cholesky, np.linalg.eigh: eigh,
    np.linalg.eigvalsh: eigvalsh, np.linalg.qr: qr, np.linalg.svd: svd, np.linalg.svdvals: svdvals,
    np.linalg.matrix_rank: matrix_rank, np.linalg.cond: cond, np.linalg.tensorsolve: tensorsolve, np.linalg.tensorinv: tensorinv,
}  # fmt: skip
