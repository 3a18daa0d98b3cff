"""`runtime.blas`: compiled and plain products against NumPy, at odd sizes, strides and values."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from jitgrad.compiler.load import load
from jitgrad.compiler.runtime import blas

SOURCE = """
from numba import njit
from jitgrad.compiler.runtime.blas import dot, gemm, gemms, gemv, ger

@njit(error_model="numpy")
def run_gemm(out, a, b, trans_a, trans_b, alpha, beta):
    gemm(out, a, b, trans_a, trans_b, alpha, beta)

@njit(error_model="numpy")
def run_gemms(out, a, b, n, m, rows, columns, depth, added, flip):
    matrix = rows * columns
    steps_out = (0 if added else m * matrix, matrix, columns, 1)
    steps_a = (m * rows * depth, rows * depth, 1 if flip else depth, rows if flip else 1)
    steps_b = (0, depth * columns, 1 if flip else columns, depth if flip else 1)
    gemms(out, a, b, (n, m, rows, columns, depth), steps_out, steps_a, steps_b)

@njit(error_model="numpy")
def run_gemv(out, a, x, trans_a, alpha, beta):
    gemv(out, a, x, trans_a, alpha, beta)

@njit(error_model="numpy")
def run_ger(out, x, y, alpha):
    ger(out, x, y, alpha)

@njit(error_model="numpy")
def run_dot(x, y):
    return dot(x, y)
"""

PARAMETERS = {
    "gemm": "{0}[:, ::1] {0}[:, ::1] {0}[:, ::1] b1 b1 f64 f64",
    "gemms": "{0}[::1] {0}[::1] {0}[::1] i64 i64 i64 i64 i64 b1 b1",
    "gemv": "{0}[:] {0}[:, ::1] {0}[:] b1 f64 f64",
    "ger": "{0}[:, ::1] {0}[:] {0}[:] f64",
    "dot": "{0}[:] {0}[:]",
}
DTYPES = {"f64": np.float64, "f32": np.float32, "i64": np.int64, "b1": np.bool_}
SCALES = [(1.0, 0.0), (1.0, 1.0), (2.0, 3.0), (0.0, 1.0)]


def compiled(name: str, dtype: str) -> Callable[..., Any]:
    signature = tuple(PARAMETERS[name].replace(", ", ",").format(dtype).split())
    return load(SOURCE, f"run_{name}", tuple(parameter.replace(",", ", ") for parameter in signature))


def compiled_anew(implementation: Any) -> Callable[..., Any]:
    """A function of the runtime compiled by numba itself, with the constants of its module as they are now."""
    return numba.njit(error_model="numpy")(implementation.py_func)


def draw(dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(-3, 4, shape).astype(DTYPES[dtype])


def strided(vector: np.ndarray, step: int) -> np.ndarray:
    """The same numbers, `step` elements apart."""
    wide = np.zeros(abs(step) * vector.size, vector.dtype)[::step]
    wide[...] = vector
    return wide


def agree(function: Callable[..., Any], plain: Callable[..., Any], out: np.ndarray, *arguments: Any) -> np.ndarray:
    """Both give the same, exactly: the operands are small integers."""
    expected = out.copy()
    with np.errstate(invalid="ignore"):
        plain(expected, *arguments)
    function(out, *arguments)
    np.testing.assert_array_equal(out, expected)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
def test_gemm(dtype: str) -> None:
    sizes = [(1, 1, 1), (2, 3, 4), (20, 30, 40), (0, 2, 3), (2, 0, 3), (2, 3, 0), (0, 0, 0), (1, 700, 1), (33, 1, 33)]
    for (rows, inner, columns), trans_a, trans_b in itertools.product(sizes, (False, True), (False, True)):
        a = draw(dtype, *((inner, rows) if trans_a else (rows, inner)))
        b = draw(dtype, *((columns, inner) if trans_b else (inner, columns)))
        for alpha, beta in SCALES:
            agree(compiled("gemm", dtype), blas.gemm, draw(dtype, rows, columns), a, b, trans_a, trans_b, alpha, beta)


@pytest.mark.parametrize("unpacked", [False, True])
def test_products_in_pieces(unpacked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long sums of small products, and many rows, in pieces of which the last is shorter: as in one, also with NaN in ``out``."""
    monkeypatch.setattr(blas, "READS_UNPACKED", unpacked)
    in_pieces = compiled_anew(blas._gemm)
    for (rows, inner, columns), trans_a in itertools.product([(3, 1000, 30), (130, 5000, 9), (120, 129, 130)], (False, True)):
        if not trans_a:
            rows, inner = inner, rows
        a = draw("f64", *((inner, rows) if trans_a else (rows, inner)))
        b = draw("f64", inner, columns)
        for alpha, beta in SCALES:
            agree(in_pieces, blas.gemm, draw("f64", rows, columns), a, b, trans_a, False, alpha, beta)
        agree(in_pieces, blas.gemm, np.full((rows, columns), np.nan), a, b, trans_a, False, 1.0, 0.0)


@pytest.mark.parametrize("dtype", ["f64", "f32", "i64"])
def test_gemms(dtype: str) -> None:
    """Small and large ones, none, added up or not, transposed or not, with the second operand read again in the first loop."""
    sizes = [
        (2, 3, 4, 5, 6),
        (3, 1, 2, 2, 2),
        (0, 2, 3, 3, 3),
        (2, 0, 3, 3, 3),
        (2, 2, 3, 0, 3),
        (2, 2, 3, 3, 0),
        (2, 2, 1, 1, 90),
    ]
    for (n, m, rows, columns, depth), added, flip in itertools.product(sizes, (False, True), (False, True)):
        a, b = draw(dtype, n, m, rows, depth), draw(dtype, m, depth, columns)
        expected = (a @ b).sum(axis=0) if added else a @ b
        left, right = (np.swapaxes(x, -1, -2).ravel() if flip else x.ravel() for x in (a, b))
        out = draw(dtype, expected.size)
        compiled("gemms", dtype)(out, left, right, n, m, rows, columns, depth, added, flip)
        np.testing.assert_array_equal(out, expected.ravel())


@pytest.mark.parametrize("dtype", DTYPES)
def test_gemv(dtype: str) -> None:
    for (rows, columns), trans, step in itertools.product(
        [(1, 1), (3, 4), (40, 30), (0, 3), (3, 0), (1, 500), (500, 1)], (False, True), (1, 3, -1, -2)
    ):
        x = strided(draw(dtype, rows if trans else columns), step)
        for alpha, beta in SCALES:
            out = strided(draw(dtype, columns if trans else rows), step)
            agree(compiled("gemv", dtype), blas.gemv, out, draw(dtype, rows, columns), x, trans, alpha, beta)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ger(dtype: str) -> None:
    for (rows, columns), step in itertools.product([(1, 1), (3, 4), (40, 30), (0, 3), (3, 0)], (1, -2)):
        x, y = strided(draw(dtype, rows), step), strided(draw(dtype, columns), step)
        agree(compiled("ger", dtype), blas.ger, draw(dtype, rows, columns), x, y, 2.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dot(dtype: str) -> None:
    for size, step in itertools.product((0, 1, 5, 255, 257, 1000), (1, 2, -1)):
        x, y = strided(draw(dtype, size), step), strided(draw(dtype, size), 1)
        result = compiled("dot", dtype)(x, y)
        assert result == blas.dot(x, y)
        assert np.asarray(result).dtype == (np.float64 if dtype == "f32" else DTYPES[dtype])


def test_vectors_that_do_not_move_or_move_by_halves() -> None:
    still = np.broadcast_to(np.float64(2), 400).copy()[:1].repeat(400)
    same = np.lib.stride_tricks.as_strided(still, (400,), (0,))
    assert compiled("dot", "f64")(same, np.ones(400)) == 800
    halves = np.zeros(400, np.dtype([("a", "f4"), ("b", "f8")], align=False))["b"]
    assert halves.strides == (12,)
    with pytest.raises(TypeError):  # not aligned
        compiled("dot", "f64")(halves, np.ones(400))


def test_bytes_wrap_around() -> None:
    out = np.zeros((1, 1), np.uint8)
    signature = tuple(parameter.replace(",", ", ") for parameter in PARAMETERS["gemm"].replace(", ", ",").format("u8").split())
    a = np.full((1, 10), 200, np.uint8)
    agree(load(SOURCE, "run_gemm", signature), blas.gemm, out, a, a, False, True, 1.0, 0.0)


@pytest.mark.parametrize("size", [2, 40])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_beta_zero_forgets_and_values_survive(dtype: str, size: int) -> None:
    matrix = np.full((size, size), np.nan, DTYPES[dtype])
    agree(compiled("gemm", dtype), blas.gemm, matrix, *[np.eye(size, dtype=DTYPES[dtype])] * 2, False, False, 1.0, 0.0)
    vector = np.full(size, np.nan, DTYPES[dtype])
    ones = np.ones(size, DTYPES[dtype])
    agree(compiled("gemv", dtype), blas.gemv, vector, np.ones_like(matrix), ones, False, 1.0, 0.0)
    for odd in (np.nan, np.inf, -np.inf):
        a = draw(dtype, size, size)
        a[0, 1] = odd
        for alpha in (1.0, 0.0):
            with np.errstate(invalid="ignore"):
                agree(compiled("gemm", dtype), blas.gemm, np.ones_like(a), a, a.copy(), False, True, alpha, 1.0)
                agree(compiled("gemv", dtype), blas.gemv, np.ones_like(ones), a, ones, True, alpha, 1.0)
        with np.errstate(invalid="ignore"):
            np.testing.assert_equal(compiled("dot", dtype)(a[0], a[0]), float(np.dot(a[0], a[0])))


def test_real_numbers() -> None:
    rng = np.random.default_rng(0)
    a, b, out = rng.normal(size=(64, 100)), rng.normal(size=(50, 100)), rng.normal(size=(64, 50))
    expected = 0.5 * a @ b.T - 2.0 * out
    compiled("gemm", "f64")(out, a, b, False, True, 0.5, -2.0)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


def test_number_of_threads_is_put_back() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpoolctl.threadpool_info()]

    a = np.ones((40, 40))
    compiled("gemm", "f64")(a.copy(), a, a, False, False, 1.0, 0.0)
    with threadpoolctl.threadpool_limits(2):
        before = threads()
        compiled("gemm", "f64")(a.copy(), a, a, False, False, 1.0, 0.0)
        compiled("gemv", "f64")(a[0].copy(), a, a[0], False, 1.0, 0.0)
        compiled("dot", "f64")(a[0].repeat(9), a[0].repeat(9))
        assert threads() == before


LAPACK = """
import sys
import numpy as np
from jitgrad.compiler.load import load
source = '''
import numpy as np
from numba import njit
from jitgrad.compiler.runtime.fortran import fortran
potrf = fortran("cython_lapack", "potrf")
@njit(error_model="numpy")
def cholesky(a):
    info = np.zeros(1, np.int32)
    potrf(np.uint8(85), a.shape[0], a, a.shape[0], info)
    return info[0]
'''
a = np.array([[4.0, 2.0], [2.0, 5.0]])
assert load(source, "cholesky", ("f64[:, ::1]",))(a) == 0
np.testing.assert_allclose(np.tril(a), [[2.0, 0.0], [1.0, 2.0]])
assert "scipy.linalg" not in sys.modules and "scipy.linalg.cython_blas" not in sys.modules
import scipy.linalg
assert scipy.linalg.cython_lapack.__pyx_capi__ and scipy.linalg.cython_blas.__pyx_capi__
np.testing.assert_allclose(scipy.linalg.solve(np.eye(2) * 2, np.ones(2)), 0.5)
"""


def test_lapack_from_a_cold_and_a_warm_process(tmp_path: Any) -> None:
    for _ in range(2):
        environment = {**os.environ, "JITGRAD_CACHE_DIR": str(tmp_path)}
        subprocess.run([sys.executable, "-c", LAPACK], env=environment, check=True, timeout=60)
