"""Compiled functions do what plain Python does, in little code, and free all memory that they take."""

import re

import numpy as np
import pytest
from jitgrad.compiler.load import load
from numba.core.runtime import _nrt_python, rtsys

HEADER = """
import re

import numpy as np
from numba import njit

from jitgrad.compiler.runtime.arrays import grow
from jitgrad.compiler.runtime.buffers import empty, view, within, zeros

"""
DECORATOR = '@njit(error_model="numpy")\n'
BODIES = {
    "steps": """
    for i in range(0, n, 3):
        for j in range(i, min(i + 3, n)):
            out[i] += j
    for i in range(n - 1, -1, -1):
        out[i] *= 2.0
    for i in range(n - 1, 0, -2):
        out[i] -= 1.0
    for i in range(n, 0):
        out[i] = np.nan
    for i in range(-2):
        out[i] = np.nan
    for i in range(3, n - 20, -1):
        out[n - 1] += i
    return out
""",
    "a step known only when it runs": "    for i in range(0, out.size, n - 7):\n        out[i] = i\n    return out\n",
    "the index is changed inside": """
    for i in range(n):
        first = i
        i += 5
        out[first] = i
    return out
""",
    "leaves loops early": """
    for i in range(n):
        if i == 4:
            break
        for j in range(n):
            if j == 2:
                continue
            if j == 6:
                break
            out[i] += 10.0 * i + j
    return out
""",
    "variables assigned in some branches": """
    last = 0.0
    for i in range(n):
        if i > 3:
            value = 2.0 * i
        else:
            value = 1.0 - i
        last = value + last
        out[i] = last
    return out
""",
    "arrays made in a loop and read after it": """
    kept = zeros(n, np.float64)
    for i in range(n):
        made = zeros(n, np.float64)
        made[i] = i
        part = within(made, 1, n - 1)
        part[0] += 1.0
        if i % 3 == 0:
            kept = made
    for i in range(n):
        out[i] = kept[i]
    return out
""",
    "arrays that change places": """
    a, b = zeros(n, np.float64), zeros(n, np.float64)
    for i in range(n):
        if i > 1:
            c = view(a, n)
            c[i] += b[i - 1] + i
        a, b = b, a
    for i in range(n):
        out[i] = a[i] - b[i]
    return out
""",
    "arrays kept from some rounds of a loop that is left early": """
    last, best = zeros(n, np.float64), zeros(n, np.float64)
    for i in range(n):
        made = zeros(n, np.float64)
        made[i] = 1.0 + i % 4
        if made[i] > 3.5:
            best = made
            if i > 6:
                break
        if i == 2:
            continue
        last = made
        if i == 5:
            last = zeros(n, np.float64)
            last[0] = 7.0
    for i in range(n):
        out[i] = last[i] + 10.0 * best[i]
    return out
""",
    "arrays of one branch": """
    for i in range(n):
        if i % 2 == 0:
            made = zeros(n, np.float64)
            made[i] = i
        if i % 4 == 0:
            out[i] = made[i]
            made = zeros(n, np.float64)
        if i % 2 == 0:
            out[i] += made[i] - 1.0
    return out
""",
    "an array grows": """
    stack = empty(2, np.float64)
    for i in range(n):
        if stack.size < i + 1:
            stack = grow(stack, i + 1)
        stack[i] = i
    for i in range(n):
        out[i] = stack[i]
    return out
""",
    "least and greatest": """
    small, flag = zeros(2, np.int8), n > 3
    small[0], small[1] = 3, -3
    for i in range(n):
        out[i] = min(i, n - i) + 10 * max(i, 4, n - 2 * i) + 100.0 * min(i, 2.5) + max(small[0], i) + min(small[1], flag)
    return out
""",
    "bools and small integers": """
    marks = zeros((n, 2), np.bool_)
    small = zeros((2, n), np.int8)
    for i in range(n):
        marks[i, 1] = i > 4
        small[1, i] = i - 3
    for i in range(n):
        out[i] = small[1, i] + 10 * marks[i, 1]
    return out
""",
}


def both(body: str) -> tuple:
    """What a function returns, in plain Python and compiled."""
    source = f"{HEADER}{DECORATOR}def run(out, n):\n{body}"
    namespace: dict = {}
    exec(source.replace(DECORATOR, ""), namespace)
    expected = namespace["run"](np.zeros(9), 9)
    return expected, load(source, "run", ("f64[::1]", "i64"))


@pytest.mark.parametrize("name", BODIES)
def test_the_result_is_that_of_plain_python(name: str) -> None:
    expected, run = both(BODIES[name])
    np.testing.assert_array_equal(run(np.zeros(9), 9), expected)


@pytest.mark.parametrize("name", [name for name in BODIES if name.startswith(("arrays", "an array"))])
def test_all_memory_is_freed_once(name: str) -> None:
    run = both(BODIES[name])[1]
    out = np.zeros(9)
    _nrt_python.memsys_enable_stats()
    try:
        before = rtsys.get_allocation_stats()
        for _ in range(3):
            run(out, 9)
        after = rtsys.get_allocation_stats()
    finally:
        _nrt_python.memsys_disable_stats()
    assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free > 0


def code(source: str, name: str, signature: tuple) -> str:
    """The code of one function before LLVM improves it."""
    from jitgrad.compiler.runtime.objects import ObjectLibrary

    found: dict[str, str] = {}
    plain = ObjectLibrary.begin

    def keep(self: ObjectLibrary) -> None:
        found[self.name] = "".join(self.texts)
        plain(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ObjectLibrary, "begin", keep)
        load(source, "run", signature)
    return found[name]


def test_a_kernel_is_little_code() -> None:
    """No division for a range, no slots for arrays and sizes, no references counted: numba itself writes 500 lines for this."""
    kernel = "def fill_with_17(out, x):\n    n, m = x.shape\n    for i in range(n):\n        for j in range(m):\n            out[i, j] = 17.0 * x[i, j]\n"
    driver = "def run(out, x):\n    fill_with_17(out, x)\n    return out\n"
    signature = ("f64[:, ::1]", "f64[:, ::1]")
    text = code(HEADER + DECORATOR + kernel + "\n\n" + DECORATOR + driver, "fill_with_17", signature)
    assert "sdiv" not in text and "NRT_" not in text
    assert text.count("\n") < 200


def test_least_and_greatest_of_sizes_are_no_functions() -> None:
    """numba compiles one for each way in which they are called, and copies it into the caller."""
    driver = "def run(out, n):\n    for i in range(min(n, out.size)):\n        out[i] = max(n - 1, 23, i)\n    return out\n"
    text = code(HEADER + DECORATOR + driver, "run", ("f64[::1]", "i64"))
    assert "ol_min" not in text and "ol_max" not in text


def test_slots_are_not_emptied_where_nobody_looks_at_them() -> None:
    """Each slot is cleared as the function begins, which LLVM takes out, and nowhere else."""
    body = BODIES["arrays that change places"]
    text = code(f"{HEADER}{DECORATOR}def run(out, n):\n{body}# its slots\n", "run", ("f64[::1]", "i64"))
    for slot in ("a", "b"):
        assert len(re.findall(rf'store \{{[^\n]* zeroinitializer, [^\n]* %"{slot}"\n', text)) == 1
