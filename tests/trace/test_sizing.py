"""What is proved of sizes whose values are known only when the program runs."""

import numpy as np
import pytest
from interpreted import interpreting
from jitgrad.compiler.ir.bounds import Bounds
from jitgrad.compiler.ir.sizes import maximum, minimum
from jitgrad.compiler.trace.context import Trace, tracing

import jitgrad as jg


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (lambda n, i, j: (i, "<", n), True),
        (lambda n, i, j: (n - i + j, ">=", 1), True),
        (lambda n, i, j: (j, ">", i), False),
        (lambda n, i, j: (2 * i - 2 * j, ">=", 0), True),
        (lambda n, i, j: (minimum(i, j) + 1, ">", 0), True),
        (lambda n, i, j: (maximum(i, j), "<", n), True),
        (lambda n, i, j: (n * n - n * i, ">=", 0), True),
        (lambda n, i, j: (i * j, "<=", i * i), True),
        (lambda n, i, j: (i // 2 + j % 3, ">=", 0), True),
        (lambda n, i, j: (i, "==", n), False),
        (lambda n, i, j: (i, "==", j), None),
        (lambda n, i, j: (i, ">=", 3), None),
    ],
)
def test_bounds_of_indices_decide(claim, expected) -> None:
    with tracing(Trace("f")) as trace:
        n = trace.sizing.axis("n", 7)
        i = trace.sizing.dynamic("i", 0, n - 1)
        j = trace.sizing.dynamic("j", 0, i)
        assert trace.sizing.decide(*claim(n, i, j)) is expected
        assert not trace.root.builder.guards


def test_slices_between_integers_that_are_arguments_are_traced_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    plain = Bounds._without_latest
    monkeypatch.setattr(Bounds, "_without_latest", lambda self, dim: steps.append(dim) or plain(self, dim))

    def program(count, data):
        corr = np.eye(count)
        for i in range(count - 1):
            corr[i + 1 : count, i] = corr[i, i + 1 : count] = data[:, i] @ data[:, i + 1 : count]
        return corr

    data = np.random.default_rng(0).random((5, 6))
    with interpreting():
        np.testing.assert_allclose(jg.jit(program)(6, data), program(6, data), rtol=1e-12)
    assert len(steps) < 2000


def test_guards_between_numbers_are_not_kept() -> None:
    def program(x):
        counts = [0] * x.shape[0]  # pins the size
        return (x[1:-1] if x.shape[0] > 3 else x).sum() + x[5] + counts[0]

    text = str(jg.ir(program, np.ones(28)))
    assert "x: f64[28]" in text
    assert "guard" not in text


def test_sizes_are_integers_of_python() -> None:
    def program(x):
        n = len(x)
        exact = n // 2, -n // 4, -n % 4, n**2, n & 3, ~n, +n, abs(-n), divmod(n, 4), n << 1, n >> 1, min(n, 3), max(n, 9)
        return exact, (n / 4, n * 0.5, float(n), round(n / 4), n == 6, bool(n), str(n), [0] * n, f"{n:03d}")

    x = np.ones(6)
    with interpreting():
        assert jg.jit(program)(x) == program(x)


SAMPLES = (0.5, 2.0, 2.5, 3.0, 3.5, -1.0, np.inf, -np.inf, np.nan, np.float64(3.0))


def test_sizes_are_compared_with_floats_when_tracing() -> None:
    def program(x):
        n = len(x)
        found = [test for f in SAMPLES for test in (n < f, n <= f, n > f, n >= f, n == f, n != f, f < n, f == n)]
        named = {3.0: "three", 4.0: "four"}
        return (
            [bool(test) for test in found],
            named[n] == "three",
            n in named,
            (n, n) in {(3, 3.0)},
            n in [2.5, 3.0],
            [n] == [3.0],
        )

    compiled = jg.jit(program)
    with interpreting():
        for count in (3, 4):
            x = np.zeros(count)
            assert compiled(x) == program(x)


def test_parts_of_one_element_that_are_as_long_as_each_other_are_not_repeated_at_other_sizes() -> None:
    def program(x, y, mask):
        return x[1:] * y[1:], x[1:] * y[mask], np.where(mask[:-1], x[:-1], y[1:])

    compiled = jg.jit(program)
    with interpreting():
        for count in (2, 5):
            arguments = np.arange(count) + 0.5, np.arange(count) ** 2 - 1.5, np.arange(count) > 0
            for found, expected in zip(compiled(*arguments), program(*arguments), strict=True):
                np.testing.assert_array_equal(found, expected)
