"""Ops of linear algebra: meaning against NumPy, derivatives against differences, types that do not fit, failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.diff import jvp, vjp
from jitgrad.compiler.errors import VerifyError
from jitgrad.compiler.ir import ArrayType, Function, Var
from jitgrad.compiler.ir.types import F64, I64
from jitgrad.compiler.ops import Builder, interpret
from jitgrad.compiler.ops.linalg import LINALG

from tests.diff.conftest import check_derivatives

RNG = np.random.default_rng(7)
SQUARE = RNG.normal(size=(3, 3)) + 2 * np.eye(3)
STACK = RNG.normal(size=(2, 3, 3)) + 2 * np.eye(3)
TALL, WIDE = RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 4))
RIGHT = RNG.normal(size=(3, 2))
POSITIVE = STACK @ STACK.swapaxes(-1, -2)
TWO_SIDED = np.tril(POSITIVE) + np.triu(STACK, 1)  # only one triangle counts

Program = Callable[..., Any]


def built(program: Program, arguments: list[Any]) -> Function:
    """A function of all arguments; sin of its results, so that second derivatives are not zero."""
    b = Builder()
    variables = [b.parameter("xyz"[k], ArrayType(np.asarray(a).dtype, np.shape(a))) for k, a in enumerate(arguments)]
    results = program(b, *variables)
    return b.finish("f", [b.emit("sin", r) for r in (results if isinstance(results, tuple) else (results,))])


def solve(b: Builder, a: Var, right: Var, transposed: bool = False) -> Any:
    return b.emit("lu_solve", *b.emit("lu", a), right, transposed=transposed)


def logarithm(b: Builder, a: Var) -> Any:
    return b.emit("lu_slogdet", *b.emit("lu", a))[1]


def pinv(b: Builder, a: Var) -> Any:
    return b.emit("pinv", a, b.constant(1e-10, ArrayType(F64)))


def emitted(name: str, **attributes: Any) -> Program:
    return lambda b, *operands: b.emit(name, *operands, **attributes)


def of_products(program: Program) -> Program:
    """The program on A A^T: smooth functions of A where A A^T has one triangle too many."""
    return lambda b, a: program(b, b.emit("dot", a, a, contract=((1,), (1,)), batch=((), ())))


def without_signs(program: Program) -> Program:
    """Results squared: the signs of vectors are LAPACK's affair, and may differ between points."""
    return lambda b, a: tuple(b.mul(r, r) for r in program(b, a))


def svd(b: Builder, a: Var) -> Any:
    return b.emit("svd", a, size=min(a.type.shape[-2:]))  # type: ignore[union-attr]


def possible(b: Builder, a: Var) -> Any:
    """The matrices, where they can be factorised and solved with, and zeros elsewhere."""
    both = b.emit("and", b.emit("is_regular", *b.emit("lu", a)), b.emit("is_positive_definite", a))
    assert isinstance(a.type, ArrayType)
    return b.select(b.broadcast(both, (), a.type.shape), a, b.zeros_like(a))


CASES: dict[str, tuple[Program, list[Any]]] = {
    "solve": (solve, [SQUARE, RIGHT]),
    "solve transposed": (lambda b, a, y: solve(b, a, y, True), [STACK, TALL[:, :3]]),
    "logarithm": (logarithm, [SQUARE]),
    "logarithms": (logarithm, [STACK]),
    "lower": (emitted("triangular_solve", lower=True, transposed=False), [SQUARE, RIGHT]),
    "lower transposed": (emitted("triangular_solve", lower=True, transposed=True), [STACK, TALL[:, :3]]),
    "upper": (emitted("triangular_solve", lower=False, transposed=False), [SQUARE, RIGHT]),
    "upper transposed": (emitted("triangular_solve", lower=False, transposed=True), [SQUARE, RIGHT]),
    "cholesky": (emitted("cholesky"), [TWO_SIDED]),
    "cholesky of products": (of_products(emitted("cholesky")), [SQUARE]),
    "eigh": (without_signs(emitted("eigh", lower=True)), [TWO_SIDED]),
    "eigh upper": (without_signs(emitted("eigh", lower=False)), [TWO_SIDED.swapaxes(-1, -2).copy()]),
    "qr": (without_signs(emitted("qr")), [SQUARE]),
    "qr tall": (without_signs(emitted("qr")), [TALL]),
    "svd": (without_signs(svd), [SQUARE]),
    "svd tall": (without_signs(svd), [TALL]),
    "svd wide": (without_signs(svd), [WIDE]),
    "pinv": (pinv, [SQUARE]),
    "pinv tall": (pinv, [TALL]),
    "pinv wide": (pinv, [WIDE]),
    "possible": (possible, [TWO_SIDED @ TWO_SIDED.swapaxes(-1, -2) + np.eye(3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name: str) -> None:
    program, arguments = CASES[name]
    function = built(program, arguments)
    check_derivatives(function, arguments, range(len(arguments)), order=1)
    for k in range(len(arguments)):
        check_derivatives(function, arguments, [k], order=2 if len(arguments[0].shape) == 2 else 1)


def test_every_op_has_a_case() -> None:
    used = {e.op for program, arguments in CASES.values() for e in built(program, arguments).equations}
    assert {op.name for op in LINALG} <= used


@pytest.mark.parametrize("size", [0, 1])
def test_small_matrices(size: int) -> None:
    a = RNG.normal(size=(size, size)) ** 2 + 1
    for program, arguments in CASES.values():
        if len(arguments) == 1:
            check_derivatives(built(program, [a]), [a], [0], order=1)
    check_derivatives(built(solve, [a, a]), [a, a], [0, 1], order=1)


def test_spaces_have_derivatives_where_vectors_have_none() -> None:
    """The projection onto the vectors of equal eigenvalues, and the sum of equal singular values."""

    def projection(b: Builder, a: Var) -> Any:
        _, vectors = b.emit("eigh", a, lower=True)
        some = b.index(vectors, ((0, 3, 1), (0, 2, 1)))
        return b.emit("dot", some, some, contract=((1,), (1,)), batch=((), ()))

    def total(b: Builder, a: Var) -> Any:
        return b.sum(svd(b, a)[1], (0,))

    twice = np.diag([1.0, 1.0, 2.0])
    check_derivatives(built(projection, [twice]), [twice], [0], order=1)
    check_derivatives(built(total, [twice]), [twice], [0], order=1)


def test_only_one_triangle_has_a_gradient() -> None:
    for program in (emitted("cholesky"), without_signs(emitted("eigh", lower=True))):
        function = built(program, [TWO_SIDED])
        seeds = [np.ones(r.type.shape) for r in function.results]
        *_, gradient = interpret(vjp(function, [0]), [TWO_SIDED, *seeds])
        assert not np.triu(gradient, 1).any()
        assert gradient[(..., *np.tril_indices(3))].all()


def test_single_precision_stays_single() -> None:
    for program, arguments in CASES.values():
        if program is pinv:
            continue
        narrow = [a.astype("f4") for a in arguments]
        function = built(program, narrow)
        for derivative in (jvp(function, [0]), vjp(function, [0])):
            dtypes = {v.type.dtype.name for e in derivative.equations for v in e.results}
            assert "float64" not in dtypes


@pytest.mark.parametrize(
    ("name", "types", "attributes"),
    [
        ("lu", [(F64, (2, 3))], {}),
        ("lu", [(I64, (3, 3))], {}),
        ("cholesky", [(F64, (3,))], {}),
        ("is_positive_definite", [(F64, (2, 3))], {}),
        ("is_regular", [(F64, (3, 3)), (I64, (3,))], {}),
        ("eigh", [(F64, (3, 2))], {"lower": True}),
        ("qr", [(F64, (2, 3))], {}),
        ("svd", [(F64, (4, 3))], {"size": 2}),
        ("triangular_solve", [(F64, (3, 3)), (F64, (2, 3))], {"lower": True, "transposed": False}),
        ("lu_solve", [(F64, (3, 3)), (I64, (3,)), (F64, (3, 3))], {"transposed": False}),
        ("lu_slogdet", [(F64, (3, 3)), (I64, (3,))], {}),
        ("pinv", [(F64, (3, 3)), (F64, (1,))], {}),
    ],
)
def test_types_that_do_not_fit(name: str, types: list[Any], attributes: dict[str, Any]) -> None:
    b = Builder()
    variables = [b.parameter(f"x{k}", ArrayType(*t)) for k, t in enumerate(types)]
    with pytest.raises(VerifyError):
        b.emit(name, *variables, **attributes)


def test_failures_are_numpys() -> None:
    singular = np.ones((2, 2))
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        interpret(built(solve, [singular, singular]), [singular, singular])
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        interpret(built(emitted("cholesky"), [singular]), [-singular])
    for case in (singular, -np.eye(2)):
        assert not interpret(built(possible, [case]), [case])[0].any()
