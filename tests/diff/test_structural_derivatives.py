"""Every op that is not elementwise and has a derivative, on a small case; the list is checked against the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.diff import jvp, vjp
from jitgrad.compiler.ir import ArrayType, Function
from jitgrad.compiler.ir.types import F64, I64
from jitgrad.compiler.ops import OPS, Builder, interpret
from jitgrad.compiler.ops.linalg import LINALG

X = np.array([[0.3, -1.2, 0.7], [2.1, 0.4, -0.6]])
POSITIVE = np.array([[1.3, 0.2, 0.7], [2.1, 0.4, 1.6]])
WITH_ZEROS = np.array([[0.0, 1.2, 0.7], [2.1, 0.0, 0.0]])
STARTS = (np.array(1), np.array(0))
NUMBERS = np.arange(6.0).reshape(2, 3)

CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("broadcast", [X], {"axes": (0, 2), "shape": (2, 4, 3)}),
    ("broadcast", [np.array(2.0)], {"axes": (), "shape": (2, 2)}),
    ("reshape", [X], {"shape": (3, 2)}),
    ("assume_shape", [X], {"shape": (2, 3)}),
    ("transpose", [np.arange(24.0).reshape(2, 3, 4)], {"axes": (2, 0, 1)}),
    ("convert", [X], {"dtype": F64}),
    ("concatenate", [X, X + 1, X[:, :2]], {"axis": 1}),
    ("copy", [X], {}),
    ("barrier", [X, POSITIVE], {}),
    ("sum", [X], {"axes": (0,)}),
    ("sum", [X], {"axes": (0, 1)}),
    ("prod", [X], {"axes": (1,)}),
    ("prod", [WITH_ZEROS], {"axes": (0, 1)}),
    ("max", [X], {"axes": (1,)}),
    ("min", [X], {"axes": (0, 1)}),
    ("cumsum", [X], {"axis": 1, "reverse": False}),
    ("cumsum", [X], {"axis": 0, "reverse": True}),
    ("cumprod", [X], {"axis": 1, "reverse": False}),
    ("cumprod", [WITH_ZEROS], {"axis": 1, "reverse": True}),
    ("cumprod_before", [WITH_ZEROS], {"axis": 1, "reverse": False}),
    ("cumprod_before", [X], {"axis": 0, "reverse": True}),
    ("linear_recurrence", [X, POSITIVE], {"axis": 1, "reverse": False, "shifted": False}),
    ("linear_recurrence", [X, POSITIVE], {"axis": 1, "reverse": True, "shifted": True}),
    ("linear_recurrence", [X, POSITIVE], {"axis": 0, "reverse": False, "shifted": True}),
    ("sort", [X], {"axis": 1}),
    ("take_along", [X, np.array([[0, 0, 2], [1, 1, 1]])], {"axis": 1}),
    ("put_along_add", [X, POSITIVE, np.array([[0, 0, 2], [1, 1, 1]])], {"axis": 1}),
    ("index", [X, *STARTS], {"spec": (None, (None, 2, 1))}),
    ("index", [X], {"spec": ((1, 2, -1), (0, 2, 2))}),
    ("update", [X, POSITIVE[0, :2], *STARTS], {"spec": (None, (None, 2, 1))}),
    ("update", [X, POSITIVE[:, :2]], {"spec": ((1, 2, -1), (0, 2, 2))}),
    ("index_add", [X, POSITIVE[0, :2], *STARTS], {"spec": (None, (None, 2, 1))}),
    ("take", [X, np.array([2, 0, 2])], {"axes": (1,)}),
    ("take", [X, np.array([1, 0]), np.array([2, 2])], {"axes": (0, 1)}),
    ("put", [X, POSITIVE[0], np.array([1, 0, 1]), np.array([2, 2, 2])], {"axes": (0, 1)}),
    ("put", [X, POSITIVE, np.array([1, 1])], {"axes": (0,)}),
    ("put_add", [X, POSITIVE[0], np.array([1, 0, 1]), np.array([2, 2, 2])], {"axes": (0, 1)}),
    ("windows", [X], {"axes": (1,), "counts": (2,), "sizes": (2,), "steps": (1,), "spread": (1,)}),
    ("windows", [np.arange(48.0).reshape(2, 4, 6)],
     {"axes": (2, 1), "counts": (2, 3), "sizes": (2, 2), "steps": (2, 1), "spread": (3, 1)}),
    ("windows_add", [X, np.arange(8.0).reshape(2, 2, 2)],
     {"axes": (1,), "counts": (2,), "sizes": (2,), "steps": (1,), "spread": (1,)}),
    ("dot", [X, POSITIVE], {"contract": ((1,), (1,)), "batch": ((), ())}),
    ("dot", [X, POSITIVE.T.copy()], {"contract": ((0, 1), (1, 0)), "batch": ((), ())}),
    ("dot", [NUMBERS[:, :2], NUMBERS], {"contract": ((), ()), "batch": ((0,), (0,))}),
    ("dot", [np.arange(24.0).reshape(2, 3, 4), np.arange(36.0).reshape(3, 3, 4)],
     {"contract": ((2,), (2,)), "batch": ((1,), (0,))}),
]  # fmt: skip

TESTED_ELSEWHERE = {"loop", "cond", "custom_vjp", "formula", "checkpoint", "push", "pop"} | {op.name for op in LINALG}


def single(op: str, arguments: list[Any], attributes: dict[str, Any]) -> Function:
    """A function of one equation, sin of its first result added so that second derivatives are not zero."""
    b = Builder()
    variables = [b.parameter("xyzuv"[k], ArrayType(np.asarray(a).dtype, np.shape(a))) for k, a in enumerate(arguments)]
    results = b.emit(op, *variables, **attributes)
    results = results if isinstance(results, tuple) else (results,)
    return b.finish(op, [b.emit("sin", r) if r.type.is_float else r for r in results])


def floats(arguments: list[Any]) -> list[int]:
    return [k for k, a in enumerate(arguments) if np.asarray(a).dtype.kind == "f"]


def identifiers(case: Any) -> str:
    return f"{case[0]}-{'-'.join(f'{k}{v}' for k, v in case[2].items())}".replace(" ", "")


@pytest.mark.parametrize("case", CASES, ids=identifiers)
def test_derivative(case: Any, check_derivatives: Any) -> None:
    op, arguments, attributes = case
    function = single(op, arguments, attributes)
    check_derivatives(function, arguments, floats(arguments))
    for k in floats(arguments):  # one operand at a time: the others are constants
        check_derivatives(function, arguments, [k], order=1)


def test_every_op_has_a_case() -> None:
    wanted = {op.name for op in OPS.values() if not op.elementwise and not op.no_derivative}
    assert wanted - TESTED_ELSEWHERE == {op for op, _, _ in CASES}


@pytest.mark.parametrize("op", sorted(op.name for op in OPS.values() if op.no_derivative))
def test_an_op_without_a_derivative_says_why(op: str) -> None:
    assert len(OPS[op].no_derivative) > 3


@pytest.mark.parametrize("op", ["max", "min"])
def test_ties_share_the_gradient(op: str) -> None:
    x = np.array([[2.0, 1.0, 2.0], [1.0, 1.0, 1.0]])
    function = single(op, [x], {"axes": (1,)})
    _, gradient = interpret(vjp(function, [0]), [x, np.ones(2)])
    chosen = x == getattr(np, op)(x, 1, keepdims=True)
    expected = np.cos(getattr(np, op)(x, 1, keepdims=True)) * chosen / chosen.sum(1, keepdims=True)
    np.testing.assert_allclose(gradient, expected)


@pytest.mark.parametrize("op", ["max", "min"])
def test_shares_are_divided_once_for_all_elements(op: str) -> None:
    x = np.array([[2.0, 1.0, 2.0], [1.0, np.nan, 1.0]])
    derivative = vjp(single(op, [x], {"axes": (1,)}), [0])
    quotients = [e.result.type.shape for e in derivative.equations if e.op == "div"]
    assert quotients
    assert all(len(shape) == 1 for shape in quotients)
    _, gradient = interpret(derivative, [x, np.ones(2)])
    np.testing.assert_array_equal(np.isnan(gradient), [[False] * 3, [True] * 3])


@pytest.mark.parametrize("case", CASES, ids=identifiers)
def test_single_precision_stays_single(case: Any) -> None:
    op, arguments, attributes = case
    if op == "convert":
        attributes = {"dtype": np.dtype("f4")}
    narrow = [a.astype("f4") if np.asarray(a).dtype.kind == "f" else a for a in arguments]
    function = single(op, narrow, attributes)
    for derivative in (jvp(function, floats(narrow)), vjp(function, floats(narrow))):
        dtypes = {v.type.dtype.name for e in derivative.equations for v in e.results}
        assert dtypes <= {"float32", "int64", "bool"}


def test_integers_have_no_tangent() -> None:
    b = Builder()
    x = b.parameter("x", ArrayType(F64, (3,)))
    whole = b.emit("convert", x, dtype=I64)
    back = b.emit("convert", whole, dtype=F64)
    function = b.finish("f", [whole, back])
    assert len(jvp(function, [0]).results) == 3
    _, _, gradient = interpret(vjp(function, [0]), [np.array([1.5, 2.5, 3.5]), np.ones(3)])
    np.testing.assert_array_equal(gradient, np.zeros(3))
