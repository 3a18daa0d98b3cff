"""Texts with traced values in them: keys of dicts, printed lines, messages of errors."""
# ruff: noqa: UP031, UP032

import re
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
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
    "step|0|1.0|1.000 (3,) {} 0|0: 1.0 100%\n{'a': 1.0, 'b': [1, 'c']} 0 1.0 (3,) () 1.0, 2\n"
    "step|1|2.0|2.000 (3,) {} 1|1: 2.0 100%\n{'a': 2.0, 'b': [1, 'c']} 1 2.0 (3,) () 2.0, 2\nn=2 2 {}\n"
)


def test_print(capsys: pytest.CaptureFixture[str]) -> None:
    with interpreting():
        jg.jit(of_each_kind)(X, 2)
    assert capsys.readouterr().out == PRINTED


@pytest.mark.slow
def test_print_of_compiled_programs(capsys: pytest.CaptureFixture[str]) -> None:
    jg.jit(of_each_kind)(X, 2)
    assert capsys.readouterr().out == PRINTED


def of_what_it_does(x: Any, v: float) -> Any:
    print("begins {}")
    if v > 0:
        print("positive", end="! ")
    else:
        warnings.warn(f"{v:g} is not positive", RuntimeWarning, stacklevel=1)
    for _ in range(2):
        print("goes on")
    return x * v


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_a_program_says_is_said_in_each_call(capsys: pytest.CaptureFixture[str], compiled: bool) -> None:
    program = jg.jit(of_what_it_does)
    for v in (1.0, -2.0, 3.0):
        with warnings.catch_warnings(record=True) as expected:
            warnings.simplefilter("always")
            of_what_it_does(X, v)
        printed = capsys.readouterr().out
        with warnings.catch_warnings(record=True) as found, nullcontext() if compiled else interpreting():
            warnings.simplefilter("always")
            program(X, v)
        assert capsys.readouterr().out == printed
        assert [(w.category, str(w.message)) for w in found] == [(w.category, str(w.message)) for w in expected]
        assert not compiled or all(w.filename == __file__ for w in found)


def test_a_loop_that_may_warn_stays_a_loop() -> None:
    def program(x: Any, most: int) -> Any:
        for k in range(most):
            x = 0.5 * x
            if np.any(np.isnan(x)):
                warnings.warn("nothing but NaN after %d steps" % k, UserWarning, stacklevel=1)
                break
        return x

    assert jg.ir(program, X, 1000).count("= mul") == 1


def in_formats(x: Any, n: int, v: float) -> Any:
    print(f"{v:.3f}|{v:10.2e}|{v:<12.4g}|{v:+.1f}|{v:,.2f}|{n:05d}|{n:>8}|{n:x}|{x[0]:.2f}|{v!r:>12}|{v!s}|{n:.1f}|{x!r}")
    print("%.3f|%8.2e|%-10.2f|%+d|%5d|%05d|%s|%r|%10s|%x|%%|%g|%d" % (v, v, v, n, n, n, v, n, n, n, v, v))
    print("{1:>6} {0:.2f} {k!r}".format(v, n, k=n), format(v, ".2f"), format(n), "é ☺ {}", end=";\n")
    print(v, n, sep="", end="")
    print(" ", n, x, x[:2].sum(), v > 0, f"{v > 0!s:>7}", [v, n], end="\n\n")
    for i in range(3):
        print(f"{i:02d}: {x[i]:8.3f}")
    if v > 0:
        print(f"{v:.1f}", x.astype(np.float32)[1], np.float32(v), f"{np.float32(v)}")
    return x


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_formats(capsys: pytest.CaptureFixture[str], compiled: bool) -> None:
    for arguments in [(X / 3, 42, 1234.5678), (-X / 7, -7, -0.25), (X, 0, 0.1)]:
        in_formats(*arguments)
        expected = capsys.readouterr().out
        with nullcontext() if compiled else interpreting():
            jg.jit(in_formats)(*arguments)
        assert capsys.readouterr().out == expected


def test_keys_in_formats() -> None:
    def program(x: Any) -> Any:
        return {f"k{i:03d}%02d" % i: x[i] for i in range(3)}

    with interpreting():
        assert list(jg.jit(program)(X)) == list(program(X))


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [(lambda x: f"{x[0]:d}", ValueError, "Unknown format code 'd' for object of type 'float'"),
     (lambda x: f"{x:.2f}", TypeError, "unsupported format string passed to numpy.ndarray.__format__"),
     (lambda x: f"{x[0]:{int(x[1])}.1f}", UnsupportedError, "is known only when the program runs"),
     (lambda x: print(x, file=sys.stderr), UnsupportedError, "print them to standard output")],
)  # fmt: skip
def test_formats_that_are_refused(text: Callable[[Any], Any], kind: type[Exception], message: str) -> None:
    with interpreting(), pytest.raises(kind, match=message):
        jg.jit(lambda x: print(text(x)))(X)


@pytest.mark.parametrize(
    "text",
    [lambda x: f"{x[0]:.2f}", lambda x: str(x), lambda x: repr(x[1]), lambda x: "%.2f" % x[0], lambda x: {f"{x[0]}": x},
     lambda x: x if "1" in f"{x[0]}" else -x, lambda x: len(str(x[0])), lambda x: x if str(x[0]) == "1.0" else -x,
     lambda x: print(str(x[0]).upper()), lambda x: print("{:>9}".format(str(x[0]))), lambda x: print("%9s" % str(x[0])),
     lambda x: float(str(x[0])), lambda x: int(f"{x[0]:.0f}"), lambda x: str(x[0]).split(".")],
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

    with interpreting(), pytest.raises(ValueError, match=r"x\[0\] is 1\.0 of 3"):
        jg.jit(check)(X)


def test_sizes_that_only_the_run_knows_are_shown() -> None:
    def check(x: Any, which: Any) -> Any:
        found = len(x[x > 1])
        if which == 0:
            raise ValueError(f"{found} of {len(x)}: {[found]}")
        if which == 1:
            raise ValueError("{:03d}".format(found) + str(found))
        if which == 2:
            raise ValueError("%d, %s" % (found, found))
        return x

    with interpreting():
        compiled = jg.jit(check)
        np.testing.assert_array_equal(compiled(X, np.int64(3)), X)
        for which in range(3):
            with pytest.raises(ValueError) as expected:
                check(X, which)
            with pytest.raises(ValueError, match=f"^{re.escape(str(expected.value))}"):
                compiled(X, np.int64(which))


class Orbit:
    def __init__(self, height: Any) -> None:
        self.height, self.message, self.error = height, None, 0

    def moved(self, by: Any) -> Any:
        height = self.height + by
        if height < 0:
            self.message, self.error = f"{height} below the ground", 1
            return 0.0
        if height > 5:
            self.message, self.error = "height %g" % height, 2
        return height * self.height


def test_texts_of_some_ways_may_be_kept_where_nobody_looks_at_them() -> None:
    def program(x: Any) -> Any:
        orbit = Orbit(x)
        return orbit.moved(1.0), orbit.moved(-2.0), orbit.error

    def told(x: Any) -> Any:
        orbit = Orbit(x)
        return orbit.moved(1.0) if orbit.message is None else orbit.message

    def asked(x: Any) -> Any:
        orbit = Orbit(x)
        orbit.moved(1.0)
        return 1.0 if orbit.message == "" else 2.0

    def looked_up(x: Any) -> Any:
        orbit = Orbit(x)
        orbit.message = "high %g" % x if x > 2 else "low"
        return {"low": 1.0}.get(orbit.message, 2.0)

    def of_which_class(x: Any) -> Any:
        orbit = Orbit(x)
        orbit.message = "high %g" % x if x > 2 else "low"
        return type(orbit.message) is str

    def returned(x: Any) -> Any:
        orbit = Orbit(x)
        return orbit.moved(1.0), orbit.message

    with interpreting():
        for x in (-3.0, 0.5, 3.0, 9.0):
            assert jg.jit(program)(x) == program(x)
            assert jg.jit(told)(x) == told(x)
        for refused in (asked, looked_up, of_which_class, returned):
            with pytest.raises(
                UnsupportedError, match="is a text of values of the run on some ways only; use it where it is made"
            ):
                jg.jit(refused)(3.0)
