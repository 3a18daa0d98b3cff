"""Expressions become equations; SymPy's derivatives become expressions; what it derived once is not derived again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler import store
from jitgrad.compiler.diff import derive
from jitgrad.compiler.diff.derived import DERIVED
from jitgrad.compiler.diff.expressions import evaluate_expression
from jitgrad.compiler.diff.linear import DiffBuilder
from jitgrad.compiler.ir import ArrayType, Function, Var
from jitgrad.compiler.ops import interpret, verify


def function_of(expression: str, arity: int, dtype: str = "f8") -> Function:
    b = DiffBuilder()
    operands = [b.parameter(name, ArrayType(np.dtype(dtype), (3,))) for name in "xyz"[:arity]]
    return verify(b.finish("f", [evaluate_expression(b, expression, operands)]))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 - tanh(x) ** 2", lambda x, y: 1 - np.tanh(x) ** 2),
        ("-x / (y + 0.5)", lambda x, y: -x / (y + 0.5)),
        ("select((x > 0) & ~(y >= 1), x, -y)", lambda x, y: np.where((x > 0) & ~(y >= 1), x, -y)),
        ("select((x == 0) | (x != y), 2, 3)", lambda x, y: np.where((x == 0) | (x != y), 2.0, 3.0)),
        ("pow(y, 3) * pow(y, 0.5) / pow(y, -1)", lambda x, y: y**4.5),
        ("pow(x, 2) + pow(x, 1) - pow(x, 0)", lambda x, y: x**2 + x - 1),
    ],
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_value(expression: str, expected: Any, dtype: str) -> None:
    x, y = np.array([0.5, -1.0, 0.0], dtype), np.array([0.25, 2.0, 1.0], dtype)
    (found,) = interpret(function_of(expression, 2, dtype), [x, y])
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected(x, y), rtol=1e-5)


def test_equal_parts_are_emitted_once() -> None:
    ops = [e.op for e in function_of("tanh(x) * tanh(x) + tanh(x)", 1).equations]
    assert ops == ["tanh", "mul", "add"]


def test_constants_are_known_at_once() -> None:
    """The partial derivatives of x**3 are 3 x**2 and nothing else, though the rule is full of tests."""
    b = DiffBuilder()
    x = b.parameter("x", ArrayType(np.dtype("f8"), (3,)))
    three = b.constant(3, x.type)
    before = len(b.equations)
    evaluate_expression(b, "select(y == 0, 0, y * pow(x, select(y == 0, 1, y - 1)))", [x, three])
    assert {e.op for e in b.equations[before:]} <= {"constant", "broadcast", "square", "mul"}


@pytest.mark.parametrize("expression", ["x[0]", "x.real", "lambda: x", "x if x else y", "x < y < z"])
def test_refuses_what_is_no_expression(expression: str) -> None:
    with pytest.raises(ValueError, match="not an expression"):
        function_of(expression, 3)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("tanh(x)", "1 - tanh(x) ** 2"),
        ("cos(x)", "-sin(x)"),
        ("asin(x)", "1 / sqrt(1 - x ** 2)"),
        ("x**3*exp(-x)", "3 * x ** 2 * exp(-x) - x * x ** 2 * exp(-x)"),
        ("erf(x)", "1.1283791670955126 * exp(-x ** 2)"),
        ("Piecewise((x**2, x > 0), (0, True))", "select(x > 0, 2 * x, 0)"),
        ("log(x)/x", "1 / x ** 2 - log(x) / x ** 2"),
        ("x**Rational(5, 2)", "2.5 * pow(x, 1.5)"),
    ],
)
def test_derivation(expression: str, expected: str) -> None:
    assert derive.derive(expression, 1) == (expected,)


def test_derivation_in_two_variables() -> None:
    assert derive.derive("x * sin(y)", 2) == ("sin(y)", "x * cos(y)")


def test_derived_functions_that_are_no_op_are_refused() -> None:
    with pytest.raises(ValueError, match="zeta"):
        derive.derive("zeta(x, 2)", 1)


def test_the_module_of_derivatives_is_up_to_date() -> None:
    """If this fails: python -m jitgrad.compiler.diff.derive."""
    assert derive.derived_table() == DERIVED


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path))
    derive.partials_of_expression.cache_clear()
    yield tmp_path
    derive.partials_of_expression.cache_clear()


def test_what_was_derived_is_kept_on_disk(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = derive.partials_of_expression("x**2 * sin(y)", 2)
    derive.partials_of_expression.cache_clear()
    monkeypatch.setattr(derive, "derive", lambda *_: pytest.fail("derived again"))
    assert derive.partials_of_expression("x**2 * sin(y)", 2) == first == ("2 * x * sin(y)", "x ** 2 * cos(y)")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'["x", "y"]'])
def test_a_damaged_file_is_derived_again(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(store, "read_entry", lambda key: content)
    assert derive.partials_of_expression("x**5 + x", 1) == derive.derive("x**5 + x", 1)


def test_common_programs_do_not_import_sympy() -> None:
    program = (
        "import sys\n"
        "from jitgrad.compiler.diff import vjp\n"
        "from jitgrad.compiler.ir import parse\n"
        "f = parse('fn f(x: f64[]) -> (f64[]) {\\n  %0: f64[] = tanh x\\n  return %0\\n}')\n"
        "vjp(vjp(f, [0]), [0])\n"
        "assert 'sympy' not in sys.modules and 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_variables_that_are_numbers_need_a_diff_builder() -> None:
    """Any builder will do; only one that keeps definitions knows constants."""
    from jitgrad.compiler.ops import Builder

    b = Builder()
    x = b.parameter("x", ArrayType(np.dtype("f8")))
    assert isinstance(evaluate_expression(b, "x * 2 + 1", [x]), Var)
