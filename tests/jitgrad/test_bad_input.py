"""What bad input gets: the error that a user of NumPy expects, at the user's line, with the call and what to write instead."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad as jg


def shapes_misfit(x, y):
    return np.sum(x * y)  # here


def products_misfit(x, y):
    return x @ y.T  # here


def not_compiled(x):
    return np.fft.fft(x)  # here


def reduces_nothing(x):
    return np.max(x)  # here


def out_of_range(x):
    return x[np.array([0, 99])] + x[99]  # here


def adds_text(x):
    return x + "a"  # here


def adds_to_text(x):
    return "a" + x  # here


def adds_none(x):
    return len(x) + None  # here


def writes_floats(k):
    k += 0.5  # here
    return k


def writes_a_view_that_repeats(x):
    wide = np.broadcast_to(x, (2, 3))
    wide[0] = 1.0  # here
    return wide


def draws(x):
    return x + np.random.rand()  # here


def needs_one_shape(x):
    return np.cumsum([10, x, 30][np.argmax(x)])  # here


def none_or_a_set(x):
    best = None
    if x[0] > 0:  # here
        best = {1}
    return best


def gains_an_axis(x, n):
    y = x
    for _ in range(n):  # here
        y = y[None]
    return y


def writes_a_file(x):
    for v in x:
        io.StringIO().write(f"{v}\n")  # here
    return x


A, B, K, EMPTY = np.ones((2, 3)), np.ones((4, 5)), np.arange(3), np.ones(0)

MISTAKES = [
    (shapes_misfit, (A, B), ValueError, r"argument x \(float64\(2, 3\)\).*argument y \(float64\(4, 5\)\)"),
    (products_misfit, (A, B), ValueError, r"axis 1 of argument x \(float64\(2, 3\)\) has size 3"),
    (not_compiled, (A,), NotImplementedError, r"np\.fft\.fft is not compiled.*write"),
    (reduces_nothing, (EMPTY,), ValueError, r"zero-size array to reduction operation maximum.*argument x \(float64\(0,\)\)"),
    (out_of_range, (K,), IndexError, r"out of bounds for axis 0"),
    (adds_text, (A,), TypeError, r"unsupported operand type\(s\) for \+: 'ndarray' and 'str'"),
    (adds_to_text, (A,), TypeError, r'can only concatenate str \(not "ndarray"\) to str'),
    (adds_none, (A,), TypeError, r"unsupported operand type\(s\) for \+: 'int' and 'NoneType'"),
    (writes_floats, (K,), TypeError, r"cannot write float64 results in place into argument k \(int64\(3,\)\).*x = x \+ y"),
    (writes_a_view_that_repeats, (np.ones(3),), ValueError, r"read-only.*\.copy\(\)"),
    (draws, (A,), NotImplementedError, r"random numbers.*pass them as an argument"),
    (
        none_or_a_set,
        (np.ones(3),),
        NotImplementedError,
        r"best is \{1\}, depending on a value that is known only when the program runs; give it an array or a number",
    ),
    (
        gains_an_axis,
        (np.ones(3), np.int64(2)),
        NotImplementedError,
        r"y has another dtype or number of axes after each iteration",
    ),
    (writes_a_file, (np.ones(3),), NotImplementedError, r"write\(\) of a file.*print them, or return them"),
    (
        needs_one_shape,
        (K,),
        NotImplementedError,
        r"the item is an array of shape \(3,\) on some ways through a branch or loop only, and on others a number",
    ),
]


def users_lines(error: BaseException) -> list[str]:
    """The lines of this file in the traceback, innermost last."""
    return [f.line or "" for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).samefile(__file__)]


@pytest.mark.parametrize(("function", "args", "kind", "message"), MISTAKES, ids=lambda v: getattr(v, "__name__", None))
def test_mistakes_are_raised_at_the_users_line(
    function: Callable[..., Any], args: tuple[Any, ...], kind: type, message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        jg.jit(function)(*args)
    assert "# here" in users_lines(caught.value)[-1]
    assert traceback.extract_tb(caught.value.__traceback__)[-1].filename == __file__
    assert any(f"in the call {function.__name__}(" in note for note in caught.value.__notes__)


def test_mistakes_inside_nested_transforms() -> None:
    outer = jg.jit(lambda x, y: jg.grad(lambda v: jg.jit(shapes_misfit)(v, y))(x))
    with pytest.raises(ValueError, match="could not be broadcast") as caught:
        outer(A, B)
    assert "# here" in users_lines(caught.value)[-1]


def picked(x: np.ndarray, i: int) -> Any:
    y = 2 * x
    return y[i] + 1  # here


def picked_again(x: np.ndarray, i: int) -> Any:
    y = 2 * x
    return y[i] + 1  # here, too


def positive(value: Any) -> Any:
    if value <= 0:
        raise ValueError(f"{value} is not positive")  # here
    return value


def sum_of_roots(x: np.ndarray) -> Any:
    total = 0.0
    for value in x:
        total += np.sqrt(positive(value))
    assert total < 10, "too much"  # here, in the loop's function
    return total


@pytest.mark.parametrize("way", [jg.jit, jg.value_and_grad], ids=lambda way: way.__name__)
def test_errors_of_a_run_are_raised_at_the_users_line_too(way: Callable[..., Any]) -> None:
    roots = way(sum_of_roots)
    assert roots(np.ones(3)) is not None
    for x, kind, line, name in [
        (np.array([1.0, -2.0]), ValueError, "# here", "positive"),
        (np.full(3, 1e4), AssertionError, "# here, in the loop's function", "sum_of_roots"),
    ]:
        with pytest.raises(kind) as caught:
            roots(x)
        assert users_lines(caught.value)[-1].endswith(line)
        assert traceback.extract_tb(caught.value.__traceback__)[-1].name == name
    for function in (picked, picked_again):
        other = way(lambda x, i, function=function: np.sum(function(x, i)))
        with pytest.raises(IndexError, match="out of bounds") as caught:
            other(np.ones(3), 7)
        assert users_lines(caught.value)[-1].endswith("# here" if function is picked else "# here, too")


def test_no_line_is_shown_rather_than_that_of_another_file_of_the_same_name(tmp_path: Path) -> None:
    parts = []
    for folder in "ab":
        path = tmp_path / folder / "part.py"
        path.parent.mkdir()
        path.write_text("def pick(x, i):\n    return x[i] + 1.0\n")
        scope: dict[str, Any] = {}
        exec(compile(path.read_text(), str(path), "exec"), scope)
        parts.append(scope["pick"])
    function = jg.jit(lambda x, i, j: parts[0](x, i) * parts[1](x, j))
    with pytest.raises(IndexError) as caught:
        function(np.ones(3), 0, 7)
    assert not traceback.extract_tb(caught.value.__traceback__)[-1].filename.startswith(str(tmp_path))


ARGUMENTS = [
    (np.array([None, 1]), TypeError, r"argument x has dtype object.*astype"),
    (np.array(["a"]), TypeError, r"argument x has dtype <U1.*astype"),
    (np.zeros(2, [("a", float)]), TypeError, r"argument x has dtype"),
    (np.zeros(2, ">f8"), TypeError, r"byte order >f8.*astype\('float64'\)"),
    (np.zeros(2, np.float16), TypeError, r"float16; use float32"),
    (np.zeros(2, complex), TypeError, r"complex numbers are not supported"),
    (1j, TypeError, r"argument x is complex"),
    (np.complex128(1), TypeError, r"complex numbers are not supported"),
    (np.zeros(2, "datetime64[s]"), TypeError, r"argument x has dtype datetime64"),
    (np.ma.masked_array([1.0, 2.0], [True, False]), TypeError, r"MaskedArray.*filled"),
    (np.eye(2).view(np.matrix), TypeError, r"numpy\.matrix.*np\.asarray"),
    (2**70, OverflowError, r"does not fit into int64"),
]


@pytest.mark.parametrize(("value", "kind", "message"), ARGUMENTS, ids=lambda v: type(v).__name__)
def test_arguments_that_are_refused(value: Any, kind: type, message: str) -> None:
    @jg.jit
    def double(x):
        return x * 2

    with pytest.raises(kind, match=message):
        double(value)


def test_a_subclass_is_refused_after_a_plain_array_of_its_type() -> None:
    double = jg.jit(lambda x: np.multiply(x, 2))
    double(np.eye(2))
    with pytest.raises(TypeError, match="MaskedArray"):
        double(np.ma.masked_array(np.eye(2), np.eye(2) > 0))


def test_what_cannot_be_differentiated() -> None:
    with pytest.raises(TypeError, match="scalar"):
        jg.grad(lambda x: x * 2)(A)
    with pytest.raises(TypeError, match=r"int64.*astype"):
        jg.grad(lambda x: np.sum(x * 2.0))(K)
    with pytest.raises(TypeError, match="bool"):
        jg.grad(lambda x: np.sum(x * 2.0))(A > 0)


def test_nan_and_infinity_are_numpys() -> None:
    @jg.jit
    def f(x):
        return np.max(x), np.sum(x), np.where(np.isnan(x), 0.0, x), np.sort(x), np.maximum(x, 0.0), np.argmax(x)

    for x in (np.array([1.0, np.nan, np.inf]), np.array([-np.inf, -0.0, 2.0])):
        with np.errstate(all="ignore"):
            expected = f.function(x)
        for one, other in zip(f(x), expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_value_that_leaks_out_of_a_trace() -> None:
    leaked: list[Any] = []

    @jg.jit
    def f(x):
        leaked.extend([x, x.shape[0]])
        return x + 1

    f(np.ones(3))
    for use in (lambda: leaked[0] + 1, lambda: np.sum(leaked[0]), lambda: leaked[1] + 1):
        with pytest.raises(RuntimeError, match="traced another function"):
            use()
    assert "float64" in repr(leaked[0])
    for k in range(2):
        with pytest.raises(RuntimeError, match="traced another function"):
            jg.jit(lambda y, k=k: y * leaked[k])(np.ones(3))


def test_writes_through_a_reshape_need_arrays_in_c_order() -> None:
    @jg.jit
    def f(x):
        x.ravel()[1] = 7.0

    x = np.zeros((2, 2))
    f(x)
    assert x[0, 1] == 7.0
    with pytest.raises(ValueError, match=r"argument x is not in C order.*ascontiguousarray"):
        f(np.asfortranarray(x))


def test_the_explicit_namespace_serves_functions_without_source() -> None:
    namespace: dict[str, Any] = {"jnp": jg.numpy}
    exec(
        "def f(x):\n    out = jnp.zeros(x.shape)\n    out[0] = jnp.sum(x)\n    return jnp.linalg.norm(out) + jnp.logistic(x[0])",
        namespace,
    )
    assert jg.jit(namespace["f"])(np.array([3.0, 4.0])) == pytest.approx(7 + 1 / (1 + np.exp(-3.0)))


@pytest.mark.parametrize(
    "text",
    [
        "for v in x:\n        if v > 0: x = x + v",
        "while x[0] > 0:\n        x = x - 1",
        "for i in range(int(x[0])):\n        x = x + i",
    ],
)
def test_loops_of_functions_without_source_say_what_to_write(text: str) -> None:
    scope: dict[str, Any] = {"np": np}
    exec(f"def f(x):\n    {text}\n    return x", scope)
    with pytest.raises(
        NotImplementedError, match=r"function whose source jitgrad can read, which functions made by exec lack"
    ) as caught:
        jg.jit(scope["f"])(np.ones(3))
    assert "jg.fori_loop" in str(caught.value)


def test_sizes_that_do_not_fit_are_told() -> None:
    @jg.jit
    def f(x):
        for i in range(3):
            x[i:] = x[:2]

    with pytest.raises(ValueError, match="could not be broadcast together: sizes 3 and 2 differ"):
        f(np.ones(3))


def scaled(x, power, *, mode="up"):
    return x**power if mode == "up" else -x


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jg.jit(scaled, static_argnames="kind"), "static_argnames: scaled has no parameter 'kind'"),
        (lambda: jg.jit(scaled, static_argnums=2), "static_argnums: scaled has no positional parameter 2"),
        (lambda: jg.jit(scaled, static_argnums=1)(A, [2]), "argument power.*type list, which cannot be hashed"),
        (lambda: jg.jit(scaled)(A, bytearray(2)), "argument power.*type bytearray, which cannot be hashed"),
        (lambda: jg.grad(scaled, argnums="x")(A, 2), "argnums is the number of an argument"),
        (lambda: jg.grad(lambda x: None)(A), "returns None[.]"),
        (lambda: jg.grad(lambda x: (x, x))(A), r"returns \(\*, \*\)[.]"),
    ],
)
def test_arguments_of_transforms(make: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make()
