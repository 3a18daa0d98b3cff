"""Texts with traced values in them: keys of dicts, printed lines, messages of errors."""
# ruff: noqa: UP031, UP032

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([1.0, 2.0, 3.0])
WEIGHTS = {"w0": np.eye(3), "w1": np.ones((3, 3)), "b0": np.ones(3), "b1": np.zeros(3)}


def keys_of_arguments(weights: dict[str, Any], x: Any) -> Any:
    for i in range(2):
        x = np.tanh(x @ weights[f"w{i}"] + weights["b" + str(i)])
    for i in range(2):
        x = np.tanh(x @ weights["w%d" % i] + weights["b{}".format(i)])
    return x


def keys_of_results(weights: dict[str, Any], x: Any) -> Any:
    found = {}
    for i in range(2):
        found[f"v{i}"] = x[i] * 2
    for i in range(len(x)):
        found["u" + str(i)] = x[i] * 3
    return found


def keys_asked_for(weights: dict[str, Any], x: Any) -> Any:
    total = x[0]
    for i in range(4):
        if f"w{i}" in weights:
            total = total + i
    return total


def sizes(weights: dict[str, Any], x: Any) -> Any:
    return {f"{x.shape[0]}-{len(x)}-{x.ndim}-{x.shape}-{x.dtype}": x}


@pytest.mark.parametrize("program", [keys_of_arguments, keys_of_results, keys_asked_for, sizes], ids=lambda f: f.__name__)
def test_texts_are_pythons(program: Callable[..., Any]) -> None:
    compiled = jg.jit(program)
    with interpreting():
        for x in (X, X[:2]) if program is not keys_of_arguments else (X,):
            found, expected = compiled(WEIGHTS, x), program(WEIGHTS, x)
            if not isinstance(expected, dict):
                found, expected = {"": found}, {"": expected}
            assert list(found) == list(expected)
            for key in expected:
                np.testing.assert_allclose(found[key], expected[key], rtol=1e-14)


def of_each_kind(x: Any, n: int) -> Any:
    for i in range(n):
        print("step", i, x[i], f"{x[i]:.3f} {x.shape} {{}} {i!r}", "%d: %s 100%%" % (i, x[i]), sep="|")
        print({"a": x[i], "b": [1, "c"]}, "{0} {k}".format(i, k=x[i]), x.shape, (), ", ".join(str(v) for v in (x[i], 2)))
    print(f"{n=}", n, "{}")
    return x


PRINTED = (
    "step|0|1.0|1.0 (3,) {} 0|0: 1.0 100%\n{'a': 1.0, 'b': [1, 'c']} 0 1.0 (3,) () 1.0, 2\n"
    "step|1|2.0|2.0 (3,) {} 1|1: 2.0 100%\n{'a': 2.0, 'b': [1, 'c']} 1 2.0 (3,) () 2.0, 2\nn=2 2 {}\n"
)


def test_print(capsys: pytest.CaptureFixture[str]) -> None:
    with interpreting():
        jg.jit(of_each_kind)(X, 2)
    assert capsys.readouterr().out == PRINTED


@pytest.mark.slow
def test_print_of_compiled_programs(capsys: pytest.CaptureFixture[str]) -> None:
    jg.jit(of_each_kind)(X, 2)
    assert capsys.readouterr().out.replace(" ", "") == PRINTED.replace(" ", "")


@pytest.mark.parametrize(
    "text",
    [lambda x: f"{x[0]:.2f}", lambda x: str(x), lambda x: repr(x[1]), lambda x: "%.2f" % x[0], lambda x: {f"{x[0]}": x},
     lambda x: x if "1" in f"{x[0]}" else -x, lambda x: len(str(x[0])), lambda x: x if str(x[0]) == "1.0" else -x],
)  # fmt: skip
def test_texts_that_python_needs_now_are_refused(text: Callable[[Any], Any]) -> None:
    with (
        interpreting(),
        pytest.raises(UnsupportedError, match="is known only when the program runs; print it, or return the number"),
    ):
        jg.jit(text)(X)


def test_messages_of_errors() -> None:
    def check(x: Any) -> Any:
        if x[0] > 0:
            raise ValueError(f"x[0] is {x[0]} of {len(x)}")
        return x

    with interpreting(), pytest.raises(ValueError, match=r"x\[0\] is <a value of type float64\(\)> of 3"):
        jg.jit(check)(X)
