"""Iterations that go through inner loops together give the numbers that they give one after the other."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jitgrad.compiler.ir import Function, parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import eliminate_dead_code, interchange_loops
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg
from tests.interpreted import interpreting


def product(a: Any, b: Any) -> Any:
    """A matrix product by hand."""
    out = np.zeros((len(a), b.shape[1]))
    for i in range(len(a)):
        for j in range(b.shape[1]):
            total = 0.0
            for k in range(len(b)):
                total += a[i, k] * b[k, j]
            out[i, j] = total
    return out


def filtered(a: Any, b: Any) -> Any:
    """A window that moves by 2; what it finds is kept in order."""
    out, largest = np.zeros(b.shape[1] // 2), -1.0
    for i in range(b.shape[1] // 2 - 2):
        total = a[0, 0]
        for k in range(3):
            total = 0.9 * total + b[0, 2 * i + k] * a[1, k]
        out[i] = max(total, 0.0)
        largest = max(largest, total)
    return out, largest


def columns(a: Any, b: Any) -> Any:
    """A recurrence along each column, there and back, from the last column to the first."""
    for j in range(b.shape[1] - 1, -1, -1):
        for i in range(1, len(b)):
            b[i, j] -= 0.5 * b[i - 1, j]
        for i in range(len(b) - 2, -1, -1):
            b[i, j] = 0.25 * b[i, j] + b[i + 1, j]
    return b[0] * 2.0


def butterflies(a: Any, b: Any) -> Any:
    """The inner loop goes in steps that grow, and its length differs by one at some place."""
    x, half = b[0], 1
    while half < len(x):
        for k in range(half):
            c = np.cos(k / half)
            for i in range(k, len(x) - half, 2 * half):
                x[i], x[i + half] = x[i] + c * x[i + half], x[i] - c * x[i + half]
        half *= 2
    return x


def horner(a: Any, b: Any) -> Any:
    """A polynomial at each point; a sum over the points goes on in order."""
    total = 0.0
    for i in range(b.shape[1]):
        y, x = 0.0, b[0, i]
        for k in range(a.shape[1]):
            y = y * x + a[0, k]
        total = 0.5 * total + y
    return total


def powers(a: Any, b: Any) -> Any:
    """Two numbers change places in a loop inside a loop."""
    out = np.zeros((3, b.shape[1]))
    for j in range(b.shape[1]):
        x, y = 1.0, b[0, j]
        for k in range(2):
            for i in range(3):
                x, y = y, 0.5 * x + b[i, j]
                out[i, j] = x
            y += k
        out[0, j] += y
    return out


PROGRAMS = (product, filtered, columns, butterflies, horner, powers)
SIZES = [0, 1, 5, 31, 32, 33, 70]


def arguments(n: int) -> list[Any]:
    rng = np.random.default_rng(n)
    return [rng.normal(size=(4, 6)), rng.normal(size=(6, n))]


def interchanged(function: Callable[..., Any]) -> tuple[Function, Function]:
    """The function before and after the pass."""
    before = optimise(parse(jg.ir(function, *arguments(70))))
    return before, verify(eliminate_dead_code(interchange_loops(before)))


@pytest.mark.parametrize("function", PROGRAMS)
def test_every_number_is_the_same(function: Callable[..., Any]) -> None:
    before, after = interchanged(function)
    assert "step=32" in str(after) or "step=-32" in str(after)
    for n in SIZES:
        for expected, found in zip(interpret(before, arguments(n)), interpret(after, arguments(n)), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("function", PROGRAMS)
def test_compiled(function: Callable[..., Any]) -> None:
    compiled = jg.jit(function)
    for n in SIZES:
        (a, b), (c, d) = arguments(n), arguments(n)
        found, expected = compiled(a, b), function(c, d)
        for one, other in zip(*((r if isinstance(r, tuple) else (r,)) for r in (found, expected)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(b, d, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("function", [columns, butterflies, filtered])
def test_gradients(function: Callable[..., Any]) -> None:
    def loss(a: Any, b: Any) -> Any:
        found = function(a, b.copy())
        return np.sum(np.sin(found[0] if isinstance(found, tuple) else found))

    with interpreting():
        jg.check_grads(loss, arguments(35), order=2)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0])
def test_one_lane_does_not_disturb_the_others(special: float) -> None:
    (a, b), (c, d) = arguments(40), arguments(40)
    b[:, [0, 7, 33]] = d[:, [0, 7, 33]] = special
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(jg.jit(columns)(a, b), columns(c, d))


def triangle(a: Any, b: Any) -> Any:
    """The inner loop is longer in each iteration."""
    out = np.zeros(b.shape[1])
    for i in range(b.shape[1]):
        total = 0.0
        for k in range(i):
            total += b[0, k] * b[1, i]
        out[i] = total
    return out


def rows(a: Any, b: Any) -> Any:
    """Together the iterations would go through memory in large steps."""
    out = np.zeros(len(b))
    for i in range(len(b)):
        total = 0.0
        for k in range(b.shape[1]):
            total += b[i, k]
        out[i] = total
    return out


def overlapping(a: Any, b: Any) -> Any:
    """An iteration reads what the one before it wrote."""
    x = b[0]
    for i in range(len(x) - 6):
        for k in range(6):
            x[i + k] += 0.5 * x[i] * a[0, k]
    return x


def spreading(a: Any, b: Any) -> Any:
    """In steps, but each iteration writes what the next one reads."""
    x, half = b[0], 1
    while half < len(x):
        for k in range(half):
            for i in range(k, len(x) - 1, 2 * half):
                x[i + 1] += 0.5 * x[i]
        half *= 2
    return x


def neighbours(a: Any, b: Any) -> Any:
    """A sweep that uses new values at once: Seidel's."""
    for j in range(1, b.shape[1]):
        for i in range(1, 5):
            b[i, j] = 0.2 * (b[i - 1, j] + b[i + 1, j] + b[i, j - 1])
    return b


def onwards(a: Any, b: Any) -> Any:
    """The sum of one iteration goes on in the next."""
    total, out = 0.0, np.zeros(b.shape[1])
    for j in range(b.shape[1]):
        for i in range(6):
            total = 0.9 * total + b[i, j]
        out[j] = total
    return out


def first_at_once(a: Any, b: Any) -> Any:
    """What an iteration leaves is where the inner loop of the next begins."""
    last, out = 0.0, np.zeros(b.shape[1])
    for j in range(b.shape[1]):
        total = last
        for i in range(6):
            total = 0.9 * total + b[i, j]
        last = 0.5 * total
        out[j] = total
    return out


def one_element(a: Any, b: Any) -> Any:
    """All iterations add to the same elements."""
    for j in range(b.shape[1]):
        for i in range(6):
            a[0, i] = 0.9 * a[0, i] + b[i, j]
    return a


def few(a: Any, b: Any) -> Any:
    """Three iterations are not worth it."""
    out = np.zeros(3)
    for j in range(3):
        for i in range(6):
            out[j] = 0.9 * out[j] + b[i, j]
    return out


REFUSED = (triangle, rows, overlapping, spreading, neighbours, onwards, first_at_once, one_element, few)


@pytest.mark.parametrize("function", REFUSED)
def test_what_must_run_one_after_the_other(function: Callable[..., Any]) -> None:
    before, after = interchanged(function)
    assert after == before


def test_a_position_out_of_bounds_is_an_error() -> None:
    with pytest.raises(IndexError, match="out of bounds for axis 1 of argument b"):
        jg.jit(filtered_too_far)(*arguments(40))


def filtered_too_far(a: Any, b: Any) -> Any:
    out = np.zeros(b.shape[1])
    for i in range(b.shape[1]):
        total = 0.0
        for k in range(3):
            total += b[0, i + k]
        out[i] = total
    return out


def test_positions_may_be_counted_from_the_end() -> None:
    def turned(a: Any, b: Any, shift: int) -> Any:
        out = np.zeros(b.shape[1])
        for i in range(b.shape[1]):
            total = 0.0
            for k in range(3):
                total = 0.5 * total + b[0, i + k - shift]
            out[i] = total
        return out

    compiled = jg.jit(turned)
    for n in (3, 32, 70):
        for shift in (2, n // 2, n):
            if n - 1 + 2 - shift < n:
                np.testing.assert_array_equal(compiled(*arguments(n), shift), turned(*arguments(n), shift))


POSITIONS = [
    "i",
    "i + 1",
    "i + k",
    "k",
    "n - 1 - i",
    "i + 2 * k",
    "i + h",
    "i + h * k",
    "2 * i",
    "i + 2 * h * k",
    "i + 2 * h * k + h",
]


@st.composite
def nests(draw: st.DrawFn) -> str:
    """A loop in a loop that reads and writes a matrix and a vector."""
    places = st.sampled_from(POSITIONS)
    elements = st.one_of(places.map("z[{}]".format), st.tuples(places, places).map("A[{0[0]}, {0[1]}]".format))
    element = st.one_of(st.sampled_from(["A[k, i]", "z[i]"]), elements)
    ranges = st.sampled_from(["n", "n - 1, -1, -1", "1, n", "h"])
    statements = [
        f"{draw(element)} = 0.5 * {draw(element)} + 0.1 * {draw(element)} * t" for _ in range(draw(st.integers(0, 2)))
    ]
    statements += [f"t = 0.9 * t + {draw(element)}"] * draw(st.integers(0, 1)) or [f"{draw(element)} += 0.5 * t"]
    return "\n".join(
        [
            "def program(A, z, n, h):",
            "    s = 0.5",
            f"    for i in range({draw(ranges)}):",
            f"        t = {draw(st.sampled_from(['0.1', 's', 'z[i]', '0.1 * i']))}",
            f"        for k in range({draw(st.sampled_from(['n', 'h', '3, -1, -1', 'i', '(n - i + 2 * h - 1) // (2 * h)']))}):",
            *("            " + line for line in statements),
            f"        {draw(st.sampled_from(['s += t', 'z[i] = t', 'A[0, i] += t', 's = 0.5 * s + t']))}",
            "    return s",
        ]
    )


@settings(max_examples=30)
@given(nests(), st.sampled_from([1, 3, 6, 9]), st.sampled_from([1, 2, 3, 5]))
def test_random_nests(source: str, n: int, h: int) -> None:
    scope: dict[str, Any] = {}
    exec(compile_source(source), scope)
    rng = np.random.default_rng(n)
    A, z = rng.normal(size=(120, 120)), rng.normal(size=120)
    given, expected = (A.copy(), z.copy()), (A.copy(), z.copy())
    with mock.patch("jitgrad.compiler.passes.interchange.LANES", 4), interpreting():
        found = jg.jit(scope["program"])(*given, n, h)
    np.testing.assert_array_equal(found, scope["program"](*expected, n, h), err_msg=source)
    for one, other in zip(given, expected, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=source)


def compile_source(source: str) -> Any:
    """Code whose source can be read again, as tracing does."""
    import linecache

    name = f"<interchanged {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    return compile(source, name, "exec")
