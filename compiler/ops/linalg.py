"""Factorisations of matrices, and what is solved with them: what NumPy's linear algebra is made of.

The last two axes of an operand are a matrix (rows, columns), all others count matrices. Only floats. Each rule for a tangent
is written with other ops, so that it serves both modes and all orders.

Formulas: Giles (2008), Collected matrix derivative results for forward and reverse mode algorithmic differentiation (G);
Murray (2016), Differentiation of the Cholesky decomposition (M); Walter and Lehmann (2010), Algorithmic differentiation of
linear algebra functions (W); Golub and Pereyra (1973), The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate (P).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import VerifyError
from ..ir import ArrayType, Equation, Type, Var
from ..ir.types import BOOL, DTYPES, I64
from .builder import Builder
from .op import Attrs, Contribution, Op

Tangents = Sequence[Var | None]
I32 = DTYPES["i32"]

# types


def _check(holds: bool, name: str, types: Sequence[Any]) -> None:
    if not holds:
        raise VerifyError(f"{name} does not take {', '.join(map(str, types))}")


def _is_matrix(type: Any) -> bool:
    return isinstance(type, ArrayType) and type.is_float and type.rank >= 2


def _is_square(type: Any) -> bool:
    return _is_matrix(type) and type.shape[-2] == type.shape[-1]


def _fits(matrix: Any, right: Any) -> bool:
    """Whether a square matrix can be solved for the columns of another."""
    return _is_square(matrix) and matrix.dtype == right.dtype and matrix.shape[:-1] == right.shape[:-1]


def _infer_lu(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    _check(_is_square(types[0]), "lu", types)
    return (types[0], ArrayType(I32, types[0].shape[:-1]))


def _infer_lu_solve(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    factors, pivots, right = types
    _check(_fits(factors, right) and pivots == ArrayType(I32, factors.shape[:-1]), "lu_solve", types)
    return (right,)


def _infer_lu_slogdet(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    factors, pivots = types
    _check(_is_square(factors) and pivots == ArrayType(I32, factors.shape[:-1]), "lu_slogdet", types)
    return (factors.with_shape(factors.shape[:-2]),) * 2


def _infer_triangular_solve(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    _check(_fits(*types), "triangular_solve", types)
    return (types[1],)


def _infer_cholesky(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    _check(_is_square(types[0]), "cholesky", types)
    return (types[0],)


def _infer_is_positive_definite(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    _check(_is_square(types[0]), "is_positive_definite", types)
    return (ArrayType(BOOL),)


def _infer_is_regular(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    factors, pivots = types
    _check(_is_square(factors) and pivots == ArrayType(I32, factors.shape[:-1]), "is_regular", types)
    return (ArrayType(BOOL),)


def _infer_eigh(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    _check(_is_square(types[0]), "eigh", types)
    return (types[0].with_shape(types[0].shape[:-1]), types[0])


def _infer_qr(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    _check(_is_matrix(types[0]), "qr", types)
    *batch, rows, columns = types[0].shape
    if isinstance(rows - columns, int) and rows - columns < 0:
        raise VerifyError(f"qr takes matrices with at least as many rows as columns, found {types[0]}")
    return (types[0], types[0].with_shape((*batch, columns, columns)))


def _infer_svd(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    _check(_is_matrix(types[0]), "svd", types)
    *batch, rows, columns = types[0].shape
    size = a["size"]
    if size not in (rows, columns):
        raise VerifyError(f"svd of {types[0]}: its size is the smaller of rows and columns, found {size}")
    return tuple(types[0].with_shape((*batch, *end)) for end in ((rows, size), (size,), (size, columns)))


def _infer_pinv(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    matrix, cutoff = types
    _check(_is_matrix(matrix) and cutoff == ArrayType(matrix.dtype), "pinv", types)
    *batch, rows, columns = matrix.shape
    return (matrix.with_shape((*batch, columns, rows)),)


# matrices in the words of other ops


def _swapped(b: Builder, x: Var) -> Var:
    """The transposes of all matrices."""
    rank = len(x.type.shape)  # type: ignore[union-attr]
    return b.transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def _product(b: Builder, x: Var, y: Var, swap_x: bool = False, swap_y: bool = False) -> Var:
    """x @ y, either transposed if told to."""
    rank = len(x.type.shape)  # type: ignore[union-attr]
    batch = tuple(range(rank - 2))
    contract = ((rank - 2 if swap_x else rank - 1,), (rank - 1 if swap_y else rank - 2,))
    product: Var = b.emit("dot", x, y, contract=contract, batch=(batch, batch))
    return product


def _along(b: Builder, vector: Var, like: Var, axis: int) -> Var:
    """Vectors repeated so that they run along the rows (-2) or the columns (-1) of matrices."""
    shape = like.type.shape  # type: ignore[union-attr]
    return b.broadcast(vector, (*range(len(shape) - 2), len(shape) + axis), shape)


def _part(b: Builder, x: Var, relation: str) -> Var:
    """The elements whose row number is in a relation to their column number, zeros elsewhere: "ge" is the lower triangle."""
    rows, columns = (_along(b, _numbers(b, x, axis), x, axis) for axis in (-2, -1))
    return b.select(b.emit(relation, rows, columns), x, b.zeros_like(x))


def _numbers(b: Builder, x: Var, axis: int) -> Var:
    shape = x.type.shape  # type: ignore[union-attr]
    counted = b.emit("iota", size=shape[axis], dtype=I64)
    return b.broadcast(counted, (len(shape) - 2,), (*shape[:-2], shape[axis]))


def _diagonal(b: Builder, x: Var) -> Var:
    return b.sum(_part(b, x, "eq"), (len(x.type.shape) - 1,))  # type: ignore[union-attr]


def _reciprocal(b: Builder, x: Var) -> Var:
    """1 / x, and 0 where x is 0."""
    zero = b.emit("eq", x, b.zeros_like(x))
    one = b.constant(1, x.type)  # type: ignore[arg-type]
    return b.select(zero, b.zeros_like(x), b.div(one, b.select(zero, one, x)))


def _symmetric(b: Builder, x: Var, lower: bool = True) -> Var:
    """The symmetric matrix of which one triangle is read."""
    with_diagonal, without = ("ge", "gt") if lower else ("le", "lt")
    return b.add(_part(b, x, with_diagonal), _swapped(b, _part(b, x, without)))


# tangents


def _jvp_lu(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """The factors stand for the matrix, also where tangents are concerned: those of the matrix are theirs."""
    return (tangents[0], None)


def _jvp_lu_solve(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """A dX = dB - dA X (G 2.3.1)."""
    factors, pivots, _ = e.operands
    matrix, _, right = tangents
    assert matrix is not None
    moved = _product(b, matrix, e.result, swap_x=e["transposed"])
    rest = b.emit("neg", moved) if right is None else b.sub(right, moved)
    return (b.emit("lu_solve", factors, pivots, rest, transposed=e["transposed"]),)


def _transpose_lu_solve(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    factors, pivots, _ = e.operands
    return (None, None, b.emit("lu_solve", factors, pivots, ct[0], transposed=not e["transposed"]))


def _jvp_lu_slogdet(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """d log |det A| = trace of A^-1 dA (G 2.2.4)."""
    factors, pivots = e.operands
    matrix, _ = tangents
    assert matrix is not None
    rank = len(matrix.type.shape)  # type: ignore[union-attr]
    identity = _part(b, b.constant(1, factors.type), "eq")  # type: ignore[arg-type]
    inverse = b.emit("lu_solve", factors, pivots, identity, transposed=True)
    return (None, b.sum(b.mul(matrix, inverse), (rank - 2, rank - 1)))


def _jvp_triangular_solve(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """As for any matrix, of which one triangle is read."""
    matrix, right = tangents
    assert matrix is not None
    moved = _product(b, _part(b, matrix, "ge" if e["lower"] else "le"), e.result, swap_x=e["transposed"])
    rest = b.emit("neg", moved) if right is None else b.sub(right, moved)
    return (b.emit("triangular_solve", e.operands[0], rest, lower=e["lower"], transposed=e["transposed"]),)


def _transpose_triangular_solve(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    solved = b.emit("triangular_solve", e.operands[0], ct[0], lower=e["lower"], transposed=not e["transposed"])
    return (None, solved)


def _jvp_cholesky(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """dL = L tril(L^-1 dA L^-T), with half of the diagonal (M).

    Only the lower triangle of A is read, so its upper one has no derivative, and an element of the lower one counts twice.
    """
    (matrix,), root = tangents, e.result
    assert matrix is not None
    half = b.emit("triangular_solve", root, _symmetric(b, matrix), lower=True, transposed=False)
    whole = b.emit("triangular_solve", root, _swapped(b, half), lower=True, transposed=False)
    twice = b.add(_part(b, whole, "ge"), _part(b, whole, "gt"))
    return (_product(b, root, b.mul(twice, b.constant(0.5, twice.type))),)  # type: ignore[arg-type]


def _jvp_eigh(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """dw = diag(P), dV = V (F * P) with P = V^T dA V and F_ij = 1 / (w_j - w_i) (G 3.1).

    One triangle of A is read, as for ``cholesky``. Vectors of equal eigenvalues have no derivative, only the space that they
    span has one: F is 0 for such a pair.
    """
    (matrix,), (values, vectors) = tangents, e.results
    assert matrix is not None
    inner = _product(b, vectors, _product(b, _symmetric(b, matrix, e["lower"]), vectors), swap_x=True)
    gaps = b.sub(_along(b, values, inner, -1), _along(b, values, inner, -2))
    return (_diagonal(b, inner), _product(b, vectors, b.mul(inner, _reciprocal(b, gaps))))


def _jvp_qr(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """dQ = Q W + (I - Q Q^T) D, dR = (Q^T D - W) R, where D = dA R^-1 and W is antisymmetric with the lower triangle of Q^T D.

    For full column rank (W).
    """
    (matrix,), (q, r) = tangents, e.results
    assert matrix is not None
    solved = b.emit("triangular_solve", r, _swapped(b, matrix), lower=False, transposed=True)
    change = _swapped(b, solved)
    inner = _product(b, q, change, swap_x=True)
    lower = _part(b, inner, "gt")
    rest = b.sub(inner, b.sub(lower, _swapped(b, lower)))
    return (b.sub(change, _product(b, q, rest)), _product(b, rest, r))


def _jvp_svd(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """ds = diag(P), dU = U (F * (P S + S P^T)) + (I - U U^T) dA V S^-1, and dV as dU of A^T (G 3.2).

    P = U^T dA V and F_ij = 1 / (s_j^2 - s_i^2). Equal singular values are treated as equal eigenvalues are.
    """
    (matrix,), (u, s, vh) = tangents, e.results
    assert matrix is not None
    *_, rows, columns = matrix.type.shape  # type: ignore[union-attr]
    left, right = _product(b, u, matrix, swap_x=True), _product(b, matrix, vh, swap_y=True)
    inner = _product(b, left, vh, swap_y=True)
    of_row, of_column = (_along(b, s, inner, axis) for axis in (-2, -1))
    factor = _reciprocal(b, b.mul(b.sub(of_column, of_row), b.add(of_column, of_row)))

    def turn(scale: Var) -> Var:
        scaled = b.mul(inner, scale)
        return b.mul(b.add(scaled, _swapped(b, scaled)), factor)

    du = _product(b, u, turn(of_column))
    dvh = b.emit("neg", _product(b, turn(of_row), vh))
    if e["size"] != rows:
        outside = b.mul(right, _along(b, _reciprocal(b, s), right, -1))
        du = b.add(du, b.sub(outside, _product(b, u, _product(b, u, outside, swap_x=True))))
    if e["size"] != columns:
        outside = b.mul(left, _along(b, _reciprocal(b, s), left, -2))
        dvh = b.add(dvh, b.sub(outside, _product(b, _product(b, outside, vh, swap_y=True), vh)))
    return (du, _diagonal(b, inner), dvh)


def _jvp_pinv(b: Builder, e: Equation, tangents: Tangents) -> Tangents:
    """dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P, where the rank does not change (P 4.12)."""
    (a, _), (matrix, _), p = e.operands, tangents, e.result
    if matrix is None:
        return (None,)
    inside = _product(b, _product(b, p, matrix), p)
    first = _product(b, _product(b, p, p, swap_y=True), matrix, swap_y=True)
    second = _product(b, matrix, _product(b, p, p, swap_x=True), swap_x=True)
    first = b.sub(first, _product(b, _product(b, first, a), p))
    second = b.sub(second, _product(b, p, _product(b, a, second)))
    return (b.sub(b.add(first, second), inside),)


# meanings


def _lu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return a, np.zeros(a.shape[:-1], np.int32)


def _lu_solve(factors: np.ndarray, pivots: np.ndarray, b: np.ndarray, transposed: bool) -> np.ndarray:
    return np.linalg.solve(np.swapaxes(factors, -1, -2) if transposed else factors, b)


def _succeeds(function: Callable[[np.ndarray], Any], a: np.ndarray) -> bool:
    """Whether linear algebra is possible with matrices."""
    try:
        function(a)
    except np.linalg.LinAlgError:
        return False
    return True


def _triangular_solve(matrix: np.ndarray, b: np.ndarray, lower: bool, transposed: bool) -> np.ndarray:
    triangle = np.tril(matrix) if lower else np.triu(matrix)
    return np.linalg.solve(np.swapaxes(triangle, -1, -2) if transposed else triangle, b)


LINALG: tuple[Op, ...] = (
    # a matrix made ready for solving: factors and pivots, to be read by ``lu_solve`` and ``lu_slogdet`` alone; what they
    # hold is the backend's affair, and here it is the matrix itself
    Op("lu", _infer_lu, _lu, jvp=_jvp_lu),
    # A^-1 B, or A^-T B; raises LinAlgError if A is singular
    Op("lu_solve", _infer_lu_solve, _lu_solve, linear=(2,), jvp=_jvp_lu_solve, transpose=_transpose_lu_solve),
    # the sign of the determinant, and the logarithm of its magnitude
    Op("lu_slogdet", _infer_lu_slogdet, lambda factors, pivots: np.linalg.slogdet(factors), jvp=_jvp_lu_slogdet),
    # T^-1 B, or T^-T B, reading one triangle of T
    Op("triangular_solve", _infer_triangular_solve, _triangular_solve, linear=(1,), jvp=_jvp_triangular_solve,
       transpose=_transpose_triangular_solve),
    # the lower triangular root; reads the lower triangle; raises LinAlgError if the matrix is not positive definite
    Op("cholesky", _infer_cholesky, np.linalg.cholesky, jvp=_jvp_cholesky),
    # whether ``lu_solve`` does not raise, and whether ``cholesky`` does not
    Op("is_regular", _infer_is_regular, lambda factors, pivots: _succeeds(np.linalg.inv, factors), no_derivative="a truth value"),
    Op("is_positive_definite", _infer_is_positive_definite, lambda a: _succeeds(np.linalg.cholesky, a), no_derivative="a truth value"),
    # growing eigenvalues and the eigenvectors, as columns, of a symmetric matrix of which one triangle is read
    Op("eigh", _infer_eigh, lambda a, lower: tuple(np.linalg.eigh(a, "L" if lower else "U")), jvp=_jvp_eigh),
    # orthonormal columns and an upper triangle; at least as many rows as columns
    Op("qr", _infer_qr, lambda a: tuple(np.linalg.qr(a)), jvp=_jvp_qr),
    # left singular vectors as columns, falling singular values, right ones as rows; "size" is their number
    Op("svd", _infer_svd, lambda a, size: tuple(np.linalg.svd(a, full_matrices=False)), jvp=_jvp_svd),
    # the pseudo-inverse; singular values up to the cutoff times the largest count as zero
    Op("pinv", _infer_pinv, lambda a, cutoff: np.linalg.pinv(a, cutoff), jvp=_jvp_pinv),
)  # fmt: skip
