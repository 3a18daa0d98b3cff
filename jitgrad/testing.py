"""Checking derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .compiler.tree import flatten
from .transforms import jvp, vjp


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
) -> None:
    """Check the derivatives of a function against central differences along random directions.

    Parameters
    ----------
    f : a function of float arrays and pytrees of them.
    args : the point at which to check.
    order : up to which order of derivative.
    modes : "fwd", "rev" or both.
    atol, rtol, eps : tolerances and step of the differences; by default by dtype.

    Raises AssertionError where they differ.

    >>> check_grads(np.sin, (np.array([0.3, 1.2]),), order=2)
    """
    for mode in modes:
        if mode not in ("fwd", "rev"):
            raise ValueError(f"modes are 'fwd' and 'rev', found {mode!r}")
    _check(f, tuple(args), order, tuple(modes), atol, rtol, eps, np.random.default_rng(0))


def _check(
    f: Callable[..., Any], args: tuple[Any, ...], order: int, modes: Sequence[str], atol: float | None,
    rtol: float | None, eps: float | None, rng: np.random.Generator,
) -> None:  # fmt: skip
    leaves, tree = flatten(args)
    single = any(np.asarray(leaf).dtype == np.float32 for leaf in leaves)
    step = eps or (1e-2 if single else 1e-4)
    tolerance: dict[str, Any] = {"atol": atol or (2e-2 if single else 1e-5), "rtol": rtol or (2e-2 if single else 1e-5)}
    direction = [_like(leaf, rng.standard_normal(np.shape(leaf))) for leaf in leaves]
    moved = [
        tree.unflatten([_like(x, x + sign * step * d) for x, d in zip(leaves, direction, strict=True)]) for sign in (1, -1)
    ]
    ahead, behind = (flatten(f(*point))[0] for point in moved)
    slopes = [(np.asarray(a) - np.asarray(b)) / (2 * step) for a, b in zip(ahead, behind, strict=True)]
    if "fwd" in modes:
        found = flatten(jvp(f, args, tree.unflatten(direction))[1])[0]
        for expected, value in zip(slopes, found, strict=True):
            np.testing.assert_allclose(value, expected, err_msg="forward mode differs from central differences", **tolerance)
    value, pull = vjp(f, *args)
    results, result_tree = flatten(value)
    weights = [_like(r, rng.standard_normal(np.shape(r))) for r in results]
    if "rev" in modes:
        gradients = flatten(pull(result_tree.unflatten(weights)))[0]
        expected = sum(float(np.sum(np.asarray(w) * s)) for w, s in zip(weights, slopes, strict=True))
        got = sum(float(np.sum(np.asarray(g) * d)) for g, d in zip(gradients, direction, strict=True))
        np.testing.assert_allclose(got, expected, err_msg="reverse mode differs from central differences", **tolerance)
    if order > 1:

        def pulled(*point: Any) -> Any:
            return vjp(f, *point)[1](result_tree.unflatten(weights))

        _check(pulled, args, order - 1, modes, atol, rtol, eps, rng)


def _like(leaf: Any, value: Any) -> Any:
    """A value as a scalar or array like a leaf."""
    if isinstance(leaf, float):
        return float(value)
    return np.asarray(value, np.asarray(leaf).dtype)[()] if np.ndim(value) == 0 else np.asarray(value, leaf.dtype)
