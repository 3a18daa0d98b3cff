"""``scipy.linalg`` in terms of ``np.linalg``: by name, what runs in place of its functions in traced programs.

As there, one matrix at a time or, where NumPy takes them, several along leading axes. Options that only save time or memory are passed
over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import F64
from . import norms
from .creation import arange, zeros
from .linalg import FUNCTIONS as LINALG
from .linalg import factored, solve_factored, triangular_solve
from .products import kron, matmul
from .promotion import as_array, common_dtype, convert
from .shaping import swapaxes
from .tracer import Tracer, describe

_cholesky, _solve, _inv = LINALG[np.linalg.cholesky], LINALG[np.linalg.solve], LINALG[np.linalg.inv]


def _transposed(x: Tracer) -> Tracer:
    return swapaxes(x, -1, -2)


def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.cholesky``: of the upper triangle unless ``lower``."""
    x = as_array(a)
    return _cholesky(x) if lower else _transposed(_cholesky(_transposed(x)))


def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, bool]:
    """``scipy.linalg.cho_factor``; the other triangle holds what it held before."""
    x, factor = as_array(a), cholesky(a, lower)
    return (factor + np.triu(x, 1) if lower else factor + np.tril(x, -1)), lower


def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.cho_solve``."""
    c, lower = c_and_lower
    return solve_triangular(
        c, solve_triangular(c, b, trans=0 if lower else 1, lower=lower), trans=1 if lower else 0, lower=lower
    )


def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """``scipy.linalg.solve_triangular``."""
    x = as_array(a)
    if unit_diagonal:
        x = (np.tril(x, -1) if lower else np.triu(x, 1)) + np.eye(x.shape[-1], dtype=x.dtype)
    return triangular_solve(x, b, lower, trans not in (0, "N"))


class _Factors:
    """What ``lu_factor`` gives, for ``lu_solve`` alone."""

    def __init__(self, parts: tuple[Tracer, Tracer]) -> None:
        self.parts = parts

    def __getitem__(self, index: Any) -> Any:
        raise UnsupportedError("scipy.linalg.lu_factor gives here what lu_solve takes, and not the factors themselves")


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> _Factors:
    """``scipy.linalg.lu_factor``."""
    return _Factors(factored(a))


def lu_solve(lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.lu_solve``."""
    if not isinstance(lu_and_piv, _Factors):
        raise UnsupportedError("scipy.linalg.lu_solve of factors found elsewhere; call lu_factor in the traced function")
    return solve_factored(lu_and_piv.parts, b, trans != 0)


def _symmetric(x: Tracer, lower: bool) -> Tracer:
    """The symmetric matrix of which one triangle is read."""
    return np.tril(x) + _transposed(np.tril(x, -1)) if lower else np.triu(x) + _transposed(np.triu(x, 1))  # type: ignore[return-value]


def inv(
    a: Any, overwrite_a: bool = False, check_finite: bool = True, *, assume_a: Any = None, lower: bool = False
) -> Any:  # fmt: skip
    """``scipy.linalg.inv``."""
    x = as_array(a)
    return _inv(x) if assume_a is None else solve(x, np.eye(x.shape[-1], dtype=x.dtype), lower, assume_a=assume_a)


def solve(
    a: Any, b: Any, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False, check_finite: bool = True,
    assume_a: Any = None, transposed: bool = False,
) -> Any:  # fmt: skip
    """``scipy.linalg.solve``; what is assumed of the matrix is made so from the triangle that is read."""
    x = as_array(a)
    match assume_a:
        case "sym" | "symmetric" | "her" | "hermitian" | "pos" | "positive definite":
            x = _symmetric(x, lower)
        case "upper triangular" | "lower triangular":
            x = np.triu(x) if assume_a.startswith("upper") else np.tril(x)
        case None | "gen" | "general":
            pass
        case _:
            raise UnsupportedError(f"scipy.linalg.solve with assume_a={assume_a!r}; leave it out, or write the matrix in full")
    return _solve(_transposed(x) if transposed else x, as_array(b))


def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, subset_by_index: Any = None, **options: Any
) -> Any:  # fmt: skip
    """``scipy.linalg.eigh``, with a second matrix by its Cholesky factor."""
    if options.get("type", 1) != 1 or options.get("subset_by_value") is not None:
        raise UnsupportedError("scipy.linalg.eigh with another type or with subset_by_value; choose from all eigenvalues")
    uplo = "L" if lower else "U"
    if b is None:
        values, vectors = LINALG[np.linalg.eigh](as_array(a), uplo)
    else:
        full = _symmetric(as_array(a), lower)
        factor = _cholesky(as_array(b) if lower else _transposed(as_array(b)))
        inverse = solve_triangular(factor, np.eye(full.shape[-1]), lower=True)
        values, inner = LINALG[np.linalg.eigh](inverse @ full @ _transposed(inverse))
        vectors = matmul(_transposed(inverse), inner)
    if subset_by_index is not None:
        first, last = subset_by_index
        values, vectors = values[first : last + 1], vectors[:, first : last + 1]
    return values if eigvals_only else (values, vectors)


def eigvalsh(a: Any, b: Any = None, *, lower: bool = True, **options: Any) -> Any:
    """``scipy.linalg.eigvalsh``."""
    return eigh(a, b, lower=lower, eigvals_only=True, **options)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False, check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """``scipy.linalg.svd``."""
    found = LINALG[np.linalg.svd](as_array(a), full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False, check_finite: bool = True
) -> Any:  # fmt: skip
    """``scipy.linalg.qr``."""
    if pivoting or mode not in ("full", "economic", "r"):
        raise UnsupportedError(
            f"scipy.linalg.qr with pivoting={pivoting} and mode={mode!r}; leave pivoting out, or use mode='economic'"
        )
    if mode == "r":
        return (qr(a)[1],)
    return tuple(LINALG[np.linalg.qr](as_array(a), "complete" if mode == "full" else "reduced"))


def lstsq(a: Any, b: Any, cond: Any = None, **_: Any) -> Any:
    """``scipy.linalg.lstsq``; the residual of one vector is NaN where the rank is not full."""
    b = as_array(b)
    x, residuals, rank, values = LINALG[np.linalg.lstsq](as_array(a), b, cond)
    if b.ndim == 1 and x.shape[0] < b.shape[0]:
        residuals = np.where(rank == x.shape[0], np.sum(residuals), x.dtype.type(np.nan))[()]
    return x, residuals, rank, values


def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.norm``."""
    return norms.norm(a, ord, axis, keepdims)


def block_diag(*arrs: Any) -> Any:
    """``scipy.linalg.block_diag``."""
    blocks = [np.atleast_2d(as_array(a)) for a in arrs]
    dtype = common_dtype(blocks)
    rows = []
    for k, block in enumerate(blocks):
        parts = [block if j == k else zeros((block.shape[0], other.shape[1]), dtype) for j, other in enumerate(blocks)]
        rows.append(np.concatenate(parts, axis=1))
    return np.concatenate(rows)


def toeplitz(c: Any, r: Any = None) -> Any:
    """``scipy.linalg.toeplitz`` of a first column and a first row."""
    column = np.atleast_1d(as_array(c))
    row = column if r is None else np.atleast_1d(as_array(r))
    values = np.concatenate([column[::-1], row[1:]])
    return values[column.shape[0] - 1 - arange(column.shape[0])[:, None] + arange(row.shape[0])]


def hankel(c: Any, r: Any = None) -> Any:
    """``scipy.linalg.hankel`` of a first column and a last row."""
    column = as_array(c)
    row = np.zeros_like(column) if r is None else as_array(r)
    return np.concatenate([column, row[1:]])[arange(column.shape[0])[:, None] + arange(row.shape[0])]


def circulant(c: Any) -> Any:
    """``scipy.linalg.circulant``."""
    column = np.atleast_1d(as_array(c))
    n = column.shape[-1]
    return column[..., (arange(n)[:, None] - arange(n)) % n]


def _banded(ab: Tracer, below: int, above: int) -> Tracer:
    """The square matrix whose diagonals are the rows of ``ab``, the highest first."""
    n = ab.shape[-1]
    rows, columns = arange(n)[:, None], arange(n)
    place = above + rows - columns
    inside = (place >= 0) & (place <= above + below)
    return np.where(inside, ab[np.where(inside, place, 0), columns], ab.dtype.type(0))


def solve_banded(
    l_and_u: Any, ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, check_finite: bool = True
) -> Any:  # fmt: skip
    """``scipy.linalg.solve_banded``, by the full matrix."""
    below, above = (int(n) for n in l_and_u)
    diagonals = as_array(ab)
    if diagonals.shape[0] != below + above + 1:
        raise ValueError(f"invalid values for the number of lower and upper diagonals: l+u+1 ({below + above + 1}) does not equal "
                         f"ab.shape[0] of {describe(diagonals)}")  # fmt: skip
    return _solve(_banded(diagonals, below, above), as_array(b))


def solveh_banded(
    ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, lower: bool = False, check_finite: bool = True
) -> Any:  # fmt: skip
    """``scipy.linalg.solveh_banded``, by the full matrix."""
    diagonals = as_array(ab)
    count = int(diagonals.shape[0]) - 1
    half = _banded(diagonals, count if lower else 0, 0 if lower else count)
    factor = _cholesky(half + _transposed(np.tril(half, -1)) if lower else _transposed(half) + np.triu(half, 1))
    return cho_solve((factor, True), b)


def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """``scipy.linalg.solve_toeplitz``, by the full matrix."""
    column, row = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return _solve(toeplitz(column, row), as_array(b))


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """``scipy.linalg.solve_sylvester``: X of A X + X B = Q, as one system of all elements."""
    a, b, q = as_array(a), as_array(b), as_array(q)
    rows, columns = a.shape[0], b.shape[0]
    system = kron(a, np.eye(columns)) + kron(np.eye(rows), _transposed(b))
    return _solve(system, q.reshape(-1)).reshape((rows, columns))


# coefficients of the numerator of the Pade approximant of degree 13, and where it needs no scaling: N. J. Higham, The scaling and squaring
# method for the matrix exponential revisited (2005)
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0, 10559470521600.0,
    670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_PADE_REACH = 5.371920351148152


def expm(A: Any) -> Any:
    """``scipy.linalg.expm`` of one matrix, by scaling and squaring."""
    x = as_array(A) * 1.0
    if x.ndim != 2:
        raise UnsupportedError(f"scipy.linalg.expm of {describe(x)}; give it one matrix after the other")
    size = np.max(np.sum(np.abs(x), axis=0), initial=0.0)
    halvings = np.maximum(np.ceil(np.log2(np.maximum(size, _PADE_REACH) / _PADE_REACH)), 0.0).astype(np.int64)
    return _squared(_pade(x * np.exp2(-1.0 * halvings.astype(x.dtype))), halvings)


def _pade(x: Tracer) -> Tracer:
    identity = np.eye(x.shape[-1], dtype=x.dtype)
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    c = _PADE
    odd = x @ (x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * identity)
    even = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * identity
    return _solve(even - odd, even + odd)


def _squared(x: Tracer, times: Any) -> Tracer:
    from .loops import Bounds, staged_loop

    return staged_loop(Bounds(0, times, 1), lambda _, y: (y @ y,), (x,), ("the power",), None)[0]


def pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True) -> Tracer:
    """``scipy.linalg.pinv``."""
    if atol is not None or return_rank:
        raise UnsupportedError("scipy.linalg.pinv with atol or return_rank; give rtol, and ask np.linalg.matrix_rank")
    return LINALG[np.linalg.pinv](as_array(a), rtol=rtol)  # type: ignore[no-any-return]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cholesky": cholesky, "cho_factor": cho_factor, "cho_solve": cho_solve, "solve_triangular": solve_triangular, "solve": solve,
    "eigh": eigh, "eigvalsh": eigvalsh, "svd": svd, "qr": qr, "lstsq": lstsq, "norm": norm, "block_diag": block_diag,
    "toeplitz": toeplitz, "hankel": hankel, "circulant": circulant, "solve_banded": solve_banded, "solveh_banded": solveh_banded,
    "solve_toeplitz": solve_toeplitz, "solve_sylvester": solve_sylvester, "expm": expm,
    "svdvals": lambda a, overwrite_a=False, check_finite=True: LINALG[np.linalg.svd](as_array(a), compute_uv=False),
    "inv": inv,
    "det": lambda a, overwrite_a=False, check_finite=True: LINALG[np.linalg.det](convert(as_array(a), F64)),
    "pinv": pinv,
    "kron": kron, "lu_factor": lu_factor, "lu_solve": lu_solve,
}  # fmt: skip
