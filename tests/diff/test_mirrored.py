"""Slices read in both directions are saved once; a value that was just written is not read again."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from test_undoing import check, matrices

import jitgrad as jg


def durbin(A, z):
    for k in range(1, z.size):
        z[:k] += np.sin(z[k]) * z[:k][::-1]
    return z @ z


def columns(A, z):
    for k in range(1, z.size):
        A[:k, k] *= z[k] * A[k - 1 :: -1, k] + A[0, 0]
    return np.sum(A)


def backwards_first(A, z):
    for k in range(1, z.size):
        z[:k] = A[k, :k] * z[k - 1 :: -1] * z[:k]
    return z @ z


def both_axes(A, z):
    for k in range(1, z.size):
        A[:k, :k] *= 0.5 * A[:k, :k][::-1, ::-1] + z[k]
    return np.sum(A)


def others(A, z):
    """One element apart."""
    for k in range(1, z.size):
        z[:k] *= z[k:0:-1]
    return z @ z


@pytest.mark.parametrize("function", [durbin, backwards_first, both_axes])
def test_one_direction_is_saved(function: Callable) -> None:
    source = jg.source(jg.grad(function, argnums=(0, 1)), *matrices(0))
    assert len(re.findall(r"_top \+= (?!1\b)", source)) == 1


@pytest.mark.parametrize("function", [durbin, columns, backwards_first, both_axes, others])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_gradients(function: Callable, size: int) -> None:
    rng = np.random.default_rng(size)
    check(function, 0.2 * rng.normal(size=(size, size)) + 0.5 * np.eye(size), rng.normal(size=size))


def test_what_was_just_written_is_saved_once() -> None:
    def factors(A, z):
        for k in range(z.size - 1):
            for i in range(z.size):
                A[i, k] /= z[k] * A[k, k]
                A[i, k + 1 :] -= A[i, k] * A[k, k + 1 :]
        return np.sum(A[-1])

    source = jg.source(jg.grad(factors), *matrices(0))
    stacks = re.findall(r"\n +(saved\w*)\[saved\w*\] = (\w+)", source)
    assert len({value for _, value in stacks}) == len(stacks)
