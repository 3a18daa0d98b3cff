"""Products of matrices inside other arrays: against einsum, and without moving an operand."""

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.emit import emit_cpu
from jitgrad.compiler.ir import ArrayType, Function, Var, symbol
from jitgrad.compiler.ir.types import F64
from jitgrad.compiler.load import load
from jitgrad.compiler.lower.striding import striding
from jitgrad.compiler.ops import Builder, interpret

import jitgrad as jg

EINSUMS = [
    "nthd,nshd->nhts",  # scores of attention: matrices whose rows are far apart
    "nhts,nshd->nhtd",
    "nhts,nhtd->nhsd",
    "nop,ntp->ot",  # summed over a batch
    "not,nop->tp",
    "ntd,nte->de",  # axes that are one in both operands
    "btd,de->bte",
    "dbt,de->bte",
    "bdt,de->bte",
    "adb,cd->abc",
    "bij,bjk->bik",
    "bij,bj->bi",  # vectors
    "bi,bi->b",
    "abcij,abcjk->abcik",
    "aibjc,cjbka->abcik",  # three loops are too many: operands move
    "ij,kl->ijkl",
]


def product_of(text: str, sizes: dict[str, int], symbolic: bool) -> Function:
    """A ``dot`` that computes an einsum whose result has the order of a ``dot``."""
    left, right = text.partition("->")[0].split(",")
    out = text.partition("->")[2]
    shared = [c for c in left if c in right]
    batch, contract = [c for c in out if c in shared], [c for c in shared if c not in out]
    dims = {c: symbol(c) if symbolic and c != "n" else sizes[c] for c in sizes}
    x, y = (Var(name, ArrayType(F64, tuple(dims[c] for c in letters))) for name, letters in (("x", left), ("y", right)))
    builder = Builder([x, y])
    contract, batch = (tuple(tuple(letters.index(c) for c in cs) for letters in (left, right)) for cs in (contract, batch))
    return builder.finish("f", [builder.emit("dot", x, y, contract=contract, batch=batch)])


@pytest.mark.parametrize("text", EINSUMS)
@pytest.mark.parametrize("size", [0, 1, 2, 5])
@pytest.mark.parametrize("symbolic", [False, True])
def test_products_are_einsums(check: Any, text: str, size: int, symbolic: bool) -> None:
    rng = np.random.default_rng(0)
    left, right = text.partition("->")[0].split(",")
    sizes = {c: size + (size > 1) * k % 3 for k, c in enumerate(dict.fromkeys(left + right))}
    x, y = (rng.normal(size=[sizes[c] for c in letters]) for letters in (left, right))
    function = product_of(text, sizes, symbolic)
    np.testing.assert_allclose(interpret(function, [x, y])[0], np.einsum(text, x, y), atol=1e-13)
    check(function, x, y)


@pytest.mark.parametrize(
    "text", [t for t in EINSUMS if striding(product_of(t, dict.fromkeys("abcdehijklnopst", 4), True).equations[0], {})]
)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_compiled_products(text: str, size: int) -> None:
    rng = np.random.default_rng(0)
    left, right = text.partition("->")[0].split(",")
    sizes = {c: size + k % 2 for k, c in enumerate(dict.fromkeys(left + right))} | {"n": 3}
    x, y = (rng.normal(size=[sizes[c] for c in letters]) for letters in (left, right))
    emitted = emit_cpu(product_of(text, sizes, True), "run")
    found = load(emitted.source, emitted.entry, emitted.signature)(x, y)
    np.testing.assert_allclose(found, np.einsum(text, x, y), atol=1e-12)


def test_no_operand_moves_in_attention() -> None:
    def attend(q: Any, k: Any, v: Any) -> Any:
        q, k, v = (a.transpose(0, 2, 1, 3) for a in (q, k, v))
        return np.sum(np.exp(q @ np.swapaxes(k, -1, -2)) @ v)

    like = jg.spec("f64[n, t, h, d]")
    source = jg.source(jg.grad(attend, argnums=(1, 2)), like, like, like)
    assert source.count("    gemms(") == 4
    assert "transpose" not in source


def test_a_repeated_operand_is_not_copied() -> None:
    def loss(w: Any, x: Any) -> Any:
        return np.sum(np.tanh(w @ x))

    w, x = np.random.default_rng(0).normal(size=(3, 4)), np.random.default_rng(1).normal(size=(5, 4, 6))
    source = jg.source(jg.grad(loss), w, x)
    assert source.count("    gemms(") == 2
    assert source.count("def ") == 2, source  # tanh with its derivative, and the driver
    assert "total" not in source  # products are added up as they are made
    expected = np.einsum("nop,ntp->ot", 1 - np.tanh(w @ x) ** 2, x)
    np.testing.assert_allclose(jg.grad(loss)(w, x), expected, atol=1e-12)
    jg.check_grads(loss, (w, x), order=2)
