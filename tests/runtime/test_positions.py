"""Unsigned positions: arrays are read and written where plain Python does it, and nobody asks whether a position is negative."""

import numpy as np
import pytest
from jitgrad.compiler.load import load

HEADER = """
import numpy as np
from numba import njit

@njit(error_model="numpy")
def run({parameters}):
"""
BODIES = {
    "a loop over neighbours": (
        ("a", "b"),
        """
    for i in range(1, a.size - 1):
        b[i] = a[i - 1] + 2.0 * a[i + 1]
    return b
""",
    ),
    "backwards": (("a", "b"), "    for i in range(a.size - 1, -1, -1):\n        b[i] += a[a.size - 1 - i]\n    return b\n"),
    "constants": (("a", "b"), "    b[0] = a[3]\n    b[1] += a[0]\n    return b\n"),
    "matrices": (
        ("m", "b"),
        """
    for i in range(m.shape[0]):
        b[i] = m[i, 0] + m[0, i]
        m[i, i] = b[0]
        m[i, 1] += b[i]
    return m
""",
    ),
    "narrow integers": (("a", "b", "k"), "    for i in range(k.size):\n        b[k[i]] += a[k[i]]\n    return b\n"),
    "a row as a view": (("m", "b"), "    row = m[1]\n    for i in range(row.size):\n        row[i] += b[i]\n    return m\n"),
}
VALUES = {"a": np.arange(4.0), "b": np.ones(4), "m": np.arange(16.0).reshape(4, 4), "k": np.array([3, 0, 2], np.int32)}
TYPES = {"a": "f64[::1]", "b": "f64[::1]", "m": "f64[:, ::1]", "k": "i32[::1]"}


def compiled(name: str) -> tuple:
    """The source of a program, what was compiled, and fresh arguments."""
    parameters, body = BODIES[name]
    source = HEADER.format(parameters=", ".join(parameters)) + body
    return source, load(source, "run", tuple(TYPES[p] for p in parameters)), [VALUES[p].copy() for p in parameters]


@pytest.mark.parametrize("name", BODIES)
def test_elements_are_those_of_plain_python(name: str) -> None:
    source, run, arguments = compiled(name)
    namespace: dict = {}
    exec(source.replace('@njit(error_model="numpy")', ""), namespace)
    expected = namespace["run"](*[a.copy() for a in arguments])
    np.testing.assert_array_equal(run(*arguments), expected)


def test_no_position_is_counted_from_the_end() -> None:
    """numba itself would choose, for each position that is read from an array, between two addresses."""
    from jitgrad.compiler.runtime.linking import _linked

    before = set(_linked)
    source = HEADER.format(parameters="a, b, k") + "    for i in range(k.size):\n        b[k[i]] = a[k[i]]\n    return b\n"
    load(source + f"# {np.random.default_rng().integers(1 << 62)}\n", "run", ("f64[::1]", "f64[::1]", "i64[::1]"))
    (key,) = set(_linked) - before
    kernel = _linked[key].library.get_llvm_str().partition("cpython")[0]  # type: ignore[attr-defined]
    assert "getelementptr" in kernel
    assert "select" not in kernel
