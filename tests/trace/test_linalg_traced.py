"""`np.linalg` in traced programs, run by the interpreter, against NumPy: values, kinds, errors, sizes other than traced."""

from __future__ import annotations

import numpy as np
import pytest
from interpreted import interpreting
from jitgrad.compiler.errors import UnsupportedError
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg
from tests.trace.against_numpy import FLOATS, check, traced_program

FINITE = [name for name in FLOATS if "special" not in name] + ["int64", "int32", "bool"]

PROGRAMS = [
    "np.linalg.norm(A, 'nuc')",
    "np.linalg.norm(T, 2, axis=(0, 2), keepdims=True)",
    "np.linalg.norm(A, -2)",
    "np.linalg.norm(A, 3, axis=1)",
    "np.linalg.norm(x, -1.5)",
    "np.linalg.matrix_rank(A)",
    "np.linalg.matrix_rank(np.stack([S, S * 0, np.ones_like(S)]))",
    "np.linalg.matrix_rank(x), np.linalg.matrix_rank(A, tol=2.0)",
    "np.linalg.cond(S + 9 * np.eye(len(S)))",
    "np.linalg.cond(S + 9 * np.eye(len(S)), 1), np.linalg.cond(S + 9 * np.eye(len(S)), 'fro')",
    "np.linalg.tensorsolve(S + 9 * np.eye(len(S)), w)",
    "np.linalg.tensorinv(S + 9 * np.eye(len(S)), 1)",
    "np.linalg.solve(S + 9 * np.eye(len(S)), w)",
    "np.linalg.solve(S + 9 * np.eye(len(S)), A)",
    "np.linalg.solve(np.stack([S, S.T]) + 9 * np.eye(len(S)), T[:2, :len(S), :1])",
    "np.linalg.solve(S + 9 * np.eye(len(S)), np.stack([A, B]))",
    "np.linalg.inv(S + 9 * np.eye(len(S)))",
    "np.linalg.det(S + 2 * np.eye(len(S)))",
    "np.linalg.det(np.stack([S, S.T, S * 0]))",
    "np.linalg.slogdet(S + 2 * np.eye(len(S)))",
    "np.linalg.slogdet(np.stack([S, S * 0])).logabsdet",
    "np.linalg.cholesky(S @ S.T + 9 * np.eye(len(S)))",
    "np.linalg.cholesky(np.tril(S) + 50 * np.eye(len(S)))",
    "np.linalg.cholesky(np.triu(S) + 50 * np.eye(len(S)), upper=True)",
    "np.linalg.eigvalsh(S)",
    "np.linalg.eigvalsh(np.stack([S, S.T]), 'U')",
    "np.abs(np.linalg.eigh(S + np.diag(2.0 ** np.arange(len(S)))).eigenvectors)",
    "np.abs(np.linalg.qr(A + np.eye(*A.shape)))",
    "np.linalg.qr((A + np.eye(*A.shape)).T, 'r')",
    "np.linalg.qr(np.stack([A, B]) + np.eye(*A.shape)).R",
    "np.linalg.svd(A, compute_uv=False)",
    "np.linalg.svdvals(np.stack([A, B]))",
    "np.linalg.svd(S)[1]",
    "u, s, v = np.linalg.svd(A.T, full_matrices=False)\nreturn (u * s) @ v",
    "np.linalg.pinv(A)",
    "np.linalg.pinv(np.stack([A.T, A.T]), rcond=0.1)",
    "np.linalg.pinv(A * 1.0, rtol=None)",
    "np.linalg.matrix_power(S, 0)",
    "np.linalg.matrix_power(S, 1)",
    "np.linalg.matrix_power(S, 5)",
    "np.linalg.matrix_power(S + 9 * np.eye(len(S)), -3)",
    "np.linalg.matrix_power(np.stack([S, S.T]), 3)",
    "np.linalg.qr(A.T + np.eye(*A.T.shape), mode='complete')",
    "np.linalg.qr(np.stack([A.T, B.T]) + np.eye(*A.T.shape), 'complete').Q",
    "np.linalg.qr(np.triu(A.T) + np.eye(*A.T.shape), mode='complete')",
    "np.linalg.qr(np.eye(*A.T.shape) * (A.T + 9 * np.eye(*A.T.shape)) + (np.arange(A.shape[0]) == 1), mode='complete')",
    "np.linalg.qr(A + np.eye(*A.shape), mode='complete')",
    "np.linalg.svd(S + S.T, hermitian=True).S, np.linalg.svd(S + S.T, compute_uv=False, hermitian=True)",
    "u, s, v = np.linalg.svd(S + S.T, hermitian=True)\nreturn (u * s) @ v",
    "np.linalg.cond(S * 0), np.linalg.cond(np.stack([S * 0, np.eye(len(S))])), np.linalg.cond(S * 0, -2)",
    "np.linalg.matrix_rank(np.stack([S, S * 0]), rtol=[0.1, 0.2])",
    "np.linalg.matrix_rank(S + S.T, hermitian=True)",
    "np.linalg.matrix_norm(A[:0], ord=2), np.linalg.norm(A[:, :0], 2), np.linalg.norm(A[:0], 'nuc')",
    "np.linalg.lstsq(np.stack([v, v, v * 2]).T, v)[1:3]",
    "np.linalg.trace(T), np.linalg.diagonal(T, offset=1), np.linalg.matrix_transpose(T), np.linalg.outer(v, w)",
]

ERRORS = [
    "np.linalg.solve(A, v)",
    "np.linalg.solve(S, v)",
    "np.linalg.solve(S, x[0])",
    "np.linalg.inv(A)",
    "np.linalg.det(v)",
    "np.linalg.cholesky(A)",
    "np.linalg.qr(v)",
    "np.linalg.eigh(S, 'X')",
    "np.linalg.matrix_power(A, 2)",
    "np.linalg.solve(S * 0 + 1, w)",
    "np.linalg.cholesky(-np.eye(3) * (1 + np.abs(S)))",
    "np.linalg.matrix_rank(S, tol=1.0, rtol=0.1)",
    "np.linalg.pinv(S, rcond=0.1, rtol=0.1)",
    "np.linalg.norm(T, axis=(0, 1, 2))",
]

UNSUPPORTED = [
    "np.linalg.svd(A)",
    "np.linalg.qr(A, mode='raw')",
    "np.linalg.pinv(T, rcond=x[:2])",
    "np.linalg.eig(S)",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_programs(text: str) -> None:
    check(text, FINITE)


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text: str) -> None:
    check(text, ["float64"])


@pytest.mark.parametrize("text", UNSUPPORTED)
def test_what_is_not_compiled_is_refused(text: str) -> None:
    with pytest.raises(Exception, match=r"np.linalg\.(svd|qr|pinv|eig)\b") as caught:
        check(text, ["float64"])
    assert UnsupportedError.__name__ in str(caught.value)


def test_least_squares() -> None:
    rng = np.random.default_rng(0)
    for rows, columns in ((5, 3), (3, 3), (2, 4), (3, 0)):
        for right in (rng.normal(size=rows), rng.normal(size=(rows, 2))):
            check_least_squares(rng.normal(size=(rows, columns)), right)


def check_least_squares(a: np.ndarray, right: np.ndarray) -> None:
    program = traced_program(lambda a, b: np.linalg.lstsq(a, b), (a, right))
    for found, expected in zip(program([a, right]), np.linalg.lstsq(a, right), strict=True):
        assert type(found) is type(expected) and found.dtype == expected.dtype and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_the_gradients_of_a_complete_basis_and_of_singular_vectors_of_a_symmetric_matrix() -> None:
    def program(a: np.ndarray, w: np.ndarray) -> np.ndarray:
        q, r = np.linalg.qr(a, mode="complete")
        u, s, v = np.linalg.svd(a.T @ a, hermitian=True)
        return np.sum(q * w) + np.sum(r * w[:, :2]) + np.sum((u * s**2) @ v * w[:2, :2])

    rng = np.random.default_rng(0)
    with interpreting():
        jg.check_grads(program, (rng.normal(size=(4, 2)), rng.normal(size=(4, 4))), 1)


def test_results_have_numpys_names() -> None:
    a = np.eye(2)
    traced = jg.jit(lambda a: (np.linalg.eigh(a), np.linalg.qr(a), np.linalg.svd(a), np.linalg.slogdet(a))).trace(((a,), {}))
    text = str(traced.function)
    assert all(op in text for op in ("eigh", "qr", "svd", "lu_slogdet"))


def test_one_factorisation_serves_all() -> None:
    def program(a: np.ndarray, b: np.ndarray) -> tuple:
        return np.linalg.solve(a, b), np.linalg.solve(a, 2 * b), np.linalg.inv(a), np.linalg.slogdet(a)

    function = optimise(jg.jit(program).trace(((np.eye(3), np.ones(3)), {})).function)
    assert [e.op for e in function.equations].count("lu") == 1
