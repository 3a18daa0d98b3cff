"""`np.linalg` compiled: values against NumPy's, gradients against differences, failures, and programs in loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg


def everything(a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """Every function of `np.linalg` that is compiled, on stacks of square matrices and of right sides.

    Of vectors whose signs depend on rounding only the magnitude is given.
    """
    positive = a @ a.swapaxes(-1, -2) + np.eye(a.shape[-1], dtype=a.dtype)
    q, r = np.linalg.qr(b)
    u, s, vh = np.linalg.svd(b, full_matrices=False)
    values, vectors = np.linalg.eigh(positive)
    sign, logarithm = np.linalg.slogdet(a)
    return {
        "solve": np.linalg.solve(a, b), "vector": np.linalg.solve(a, b[..., 0, :, 0]), "inv": np.linalg.inv(a),
        "det": np.linalg.det(a), "sign": sign, "logarithm": logarithm, "root": np.linalg.cholesky(positive),
        "upper": np.linalg.cholesky(positive, upper=True), "values": values, "vectors": abs(vectors),
        "upper values": np.linalg.eigvalsh(positive, "U"), "q": q, "r": r, "u": abs(u), "s": s, "vh": abs(vh),
        "product": (u * s[..., None, :]) @ vh,
        "svdvals": np.linalg.svdvals(a), "wide": abs(np.linalg.svd(b.swapaxes(-1, -2), full_matrices=False)[2]),
        "wide qr": np.linalg.qr(b.swapaxes(-1, -2)),
        "pinv": np.linalg.pinv(b), "power": np.linalg.matrix_power(a, 5), "singular": np.linalg.det(a * 0),
        "lstsq": np.linalg.lstsq(b[0], a[0])[:2],
    }  # fmt: skip


def smooth(a: np.ndarray, b: np.ndarray) -> Any:
    """A number that depends on all results, not on the signs of vectors."""
    found = everything(a, b)
    total = found["det"].sum() + found["logarithm"].sum() + (found["values"] ** 3).sum() + (found["s"] ** 3).sum()
    for name in ("solve", "vector", "inv", "root", "upper", "pinv", "power", "svdvals"):
        total = total + np.sin(found[name]).sum()
    for name in ("q", "r", "u", "vh", "vectors"):
        total = total + np.cos(found[name] * np.arange(1, 1 + found[name].shape[-1])).sum()
    return total


def problem(size: int, columns: int, count: int = 2, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(size)
    a = rng.normal(size=(count, size, size)) / max(size, 1) ** 0.5 + np.eye(size)
    return a.astype(dtype), rng.normal(size=(count, size, columns)).astype(dtype)


def compare(found: Any, expected: Any, tolerance: float) -> None:
    if isinstance(expected, dict):
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, (tuple, list)):
        for one, other in zip(found, expected, strict=True):
            compare(one, other, tolerance)
        return
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.max(np.abs(expected), initial=1))


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.slow)])
def test_values(dtype: Any) -> None:
    """One program for all sizes of square matrices and tall right sides."""
    compiled = jg.jit(everything)
    for size, columns in ((4, 3), (7, 2), (60, 40)):
        arguments = problem(size, columns, dtype=dtype)
        compare(compiled(*arguments), everything(*arguments), 1e-3 if dtype == np.float32 else 1e-9)


@pytest.mark.parametrize(("size", "columns", "count"), [(0, 0, 2), (1, 1, 2), (3, 2, 0)])
def test_small_and_empty(size: int, columns: int, count: int) -> None:
    def program(a: np.ndarray, b: np.ndarray) -> Any:
        factors = *np.linalg.qr(b), *np.linalg.svd(b, full_matrices=False), *np.linalg.eigh(a), *np.linalg.slogdet(a)
        return (*factors, np.linalg.cholesky(a @ a.swapaxes(1, 2)), np.linalg.solve(a, b), np.linalg.pinv(b))

    arguments = problem(size, columns, count)
    compare(jg.jit(program)(*arguments), program(*arguments), 1e-12)


@pytest.mark.slow
def test_gradients() -> None:
    arguments = problem(4, 3)
    gradients = jg.grad(smooth, argnums=(0, 1))(*arguments)
    rng, step = np.random.default_rng(0), 1e-6
    directions = [rng.normal(size=x.shape) for x in arguments]
    for moved in ((1, 0), (0, 1)):
        ahead, behind = (
            smooth(*(x + sign * step * m * d for x, m, d in zip(arguments, moved, directions, strict=True))) for sign in (1, -1)
        )
        found = sum(m * np.vdot(g, d) for m, g, d in zip(moved, gradients, directions, strict=True))
        np.testing.assert_allclose(found, (ahead - behind) / (2 * step), rtol=1e-6)


def test_failures() -> None:
    solve, root = jg.jit(np.linalg.solve), jg.jit(lambda a: np.linalg.cholesky(a))
    good, bad = 2 * np.eye(3), np.ones((3, 3))
    np.testing.assert_array_equal(solve(good, np.ones(3)), np.full(3, 0.5))
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            solve(bad, np.ones(3))
        with pytest.raises(np.linalg.LinAlgError, match="Matrix is not positive definite"):
            root(-good)
    np.testing.assert_array_equal(solve(good, np.ones(3)), np.full(3, 0.5))


@pytest.mark.slow
def test_newtons_method_in_a_loop() -> None:
    """A Jacobian is factorised in every iteration; its factors are saved for the way back."""

    def residual(x: np.ndarray, target: np.ndarray) -> np.ndarray:
        return x**3 + x.sum() - target

    def loss(target: np.ndarray) -> Any:
        x = np.ones_like(target)
        for _ in range(12):
            x = x - np.linalg.solve(np.diag(3 * x**2) + np.ones((x.size, x.size)), residual(x, target))
        return np.sum(np.sin(x))

    target = np.array([3.0, 4.0, 5.5])
    found, step = jg.grad(loss)(target), 1e-6
    expected = [(loss(target + step * e) - loss(target - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(found, expected, rtol=1e-7)
