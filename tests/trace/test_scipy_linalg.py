"""``scipy.linalg`` and ``scipy.integrate`` in traced programs: values against SciPy, derivatives against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg as sla
from against_scipy import compare, compare_slope
from interpreted import interpreting

import jitgrad as jg

rng = np.random.default_rng(0)
S = rng.normal(size=(3, 3)) + 3 * np.eye(3)
A = rng.normal(size=(3, 4))
w = np.array([0.5, -1.2, 0.8])

PROGRAMS: dict[str, Callable[..., Any]] = {
    "cholesky": lambda S: sla.cholesky(S @ S.T),
    "lower cholesky": lambda S: sla.cholesky(S @ S.T, lower=True),
    "cholesky of one triangle": lambda S: sla.cholesky(np.triu(S @ S.T)),
    "cho_factor": lambda S: np.triu(sla.cho_factor(S @ S.T)[0]),
    "lower cho_factor": lambda S: np.tril(sla.cho_factor(S @ S.T, lower=True)[0]),
    "cho_solve": lambda S, w: sla.cho_solve(sla.cho_factor(S @ S.T), w),
    "lower cho_solve": lambda S, w: sla.cho_solve((sla.cholesky(S @ S.T, lower=True), True), w),
    "solve_triangular": lambda S, w: sla.solve_triangular(S, w),
    "lower solve_triangular": lambda S: sla.solve_triangular(S, S.T, lower=True),
    "transposed solve_triangular": lambda S, w: sla.solve_triangular(S, w, trans="T", lower=True),
    "unit solve_triangular": lambda S, w: sla.solve_triangular(S, w, trans=1, unit_diagonal=True),
    "solve": lambda S, w: sla.solve(S, w),
    "transposed solve": lambda S, w: sla.solve(S, w, transposed=True),
    "symmetric solve": lambda S, w: sla.solve(S @ S.T, w, assume_a="pos"),
    "lu_solve": lambda S, w: sla.lu_solve(sla.lu_factor(S), w) + sla.lu_solve(sla.lu_factor(S), w, trans=1),
    "inv": lambda S: sla.inv(S),
    "inv of one triangle": lambda S: sla.inv(np.triu(S @ S.T), assume_a="pos"),
    "inv of a triangular matrix": lambda S: sla.inv(S, assume_a="lower triangular"),
    "det": lambda S: sla.det(S),
    "pinv": lambda A: sla.pinv(A),
    "pinv of less than rounding": lambda A: sla.pinv(A[0, 0] * np.diag(np.array([1.0] + [3e-15] * 35)))[:3, :3],
    "pinv with rtol": lambda A: sla.pinv(A, rtol=1e-3),
    "norm": lambda A: sla.norm(A),
    "lstsq": lambda A: sla.lstsq(A.T, A[0] ** 2)[0],
    "residuals of lstsq": lambda A: sla.lstsq(A.T, A[0] ** 2)[1],
    "eigh": lambda S: sla.eigh(S @ S.T)[0],
    "eigvalsh": lambda S: sla.eigvalsh(S + S.T),
    "generalized eigh": lambda S, w: sla.eigh(S @ S.T, np.diag(w**2 + 1))[0],
    "some of eigh": lambda S: sla.eigh(S @ S.T, subset_by_index=[0, 1])[0],
    "svdvals": lambda A: sla.svdvals(A),
    "svd": lambda A: sla.svd(A, full_matrices=False)[1],
    "qr": lambda A: sla.qr(A.T),
    "economic qr": lambda A: sla.qr(A.T, mode="economic")[1],
    "expm": lambda S: sla.expm(S),
    "expm of no matrix": lambda S: sla.expm(S[:0, :0]),
    "expm of a small matrix": lambda S: sla.expm(0.01 * S),
    "expm of a large matrix": lambda S: sla.expm(-4.0 * (S @ S.T)),
    "expm of zero": lambda S: sla.expm(0.0 * S),
    "block_diag": lambda A, S: sla.block_diag(A, S),
    "toeplitz": lambda w, A: sla.toeplitz(w, A[0]),
    "hankel": lambda w, A: sla.hankel(w, A[0]),
    "circulant": lambda w: sla.circulant(w),
    "circulants": lambda A: sla.circulant(A),
    "solve_banded": lambda S, w: sla.solve_banded((1, 1), S + np.array([[0], [5], [0]]), w),
    "solveh_banded": lambda S, w: sla.solveh_banded(0.1 * S[:2] + np.array([[0], [3]]), w),
    "lower solveh_banded": lambda S, w: sla.solveh_banded(0.1 * S[:2] + np.array([[3], [0]]), w, lower=True),
    "solve_toeplitz": lambda S, w: sla.solve_toeplitz((S[0] + 5, S[1] + np.array([5, 0, 0])), w),
    "solve_sylvester": lambda S: sla.solve_sylvester(S, S.T, S @ S),
    "trapezoid": lambda A, w: scipy.integrate.trapezoid(A, axis=0, x=w),
    "cumulative_trapezoid": lambda A: scipy.integrate.cumulative_trapezoid(A, axis=0, initial=0),
    "cumulative_trapezoid over places": lambda A, w: scipy.integrate.cumulative_trapezoid(A[:, 0], w),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_functions(name: str) -> None:
    program = PROGRAMS[name]
    code = program.__code__
    arguments = tuple({"S": S, "A": A, "w": w}[name] for name in code.co_varnames[: code.co_argcount])
    compare(program, *arguments, tolerance=1e-10)
    compare_slope(program, *arguments)


def test_a_singular_triangle_is_an_error() -> None:
    with interpreting(), pytest.raises(ValueError, match="singular matrix"):
        jg.jit(lambda t, b: sla.solve_triangular(t, b))(np.diag([1.0, 0.0, 2.0]), w)


def test_functions_without_a_counterpart_are_named() -> None:
    with interpreting(), pytest.raises(NotImplementedError, match=r"^scipy\.linalg\.logm is not compiled by jitgrad"):
        jg.jit(lambda t: sla.logm(t))(S)


def test_factors_are_for_solving_alone() -> None:
    with interpreting(), pytest.raises(NotImplementedError, match="lu_factor gives here what lu_solve takes"):
        jg.jit(lambda t: sla.lu_factor(t)[0])(S)


def test_dtypes_and_what_is_not_read() -> None:
    a = S.astype(np.float32)
    compare(lambda a, k: (sla.block_diag(k, k + 1), sla.toeplitz(k[0, 0]), sla.circulant(k[0])), a, np.arange(4).reshape(2, 2))
    compare(lambda a: (sla.det(a), sla.inv(a)), a, tolerance=1e-5)
    upper = np.where(np.arange(3)[:, None] <= np.arange(3), S @ S.T, np.nan)
    compare(
        lambda a: (sla.inv(a, assume_a="sym", check_finite=False), sla.eigh(a, lower=False, check_finite=False)[0]),
        upper,
        tolerance=1e-10,
    )
