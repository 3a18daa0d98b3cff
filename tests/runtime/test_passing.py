"""Arrays reach the functions that they are passed to whole, whoever compiled caller and callee."""

import gc
import platform
import re

import numba
import numpy as np
from jitgrad.compiler.load import load
from jitgrad.compiler.runtime.arrays import grow
from jitgrad.compiler.runtime.blas import gemm
from numba.core.runtime import _nrt_python, rtsys

HEADER = "import numpy as np\nfrom numba import njit\n\n"
KERNELS = '''
@njit(error_model="numpy")
def describe(out, x, pair, flag, scalar):
    """Everything that an array knows of itself, and what stands beside it."""
    out[0] = x.shape[0]
    out[1] = x.shape[1]
    out[2] = x.strides[0]
    out[3] = x.strides[1]
    out[4] = x.size
    out[5] = x.itemsize
    out[6] = x[1, 2]
    out[7] = pair[0] + 10 * pair[1] + 100 * flag
    out[8] = scalar

@njit(error_model="numpy")
def total(x):
    return np.sort(x)[0] + np.sum(x)

@njit(error_model="numpy")
def element(x):
    return x[()]

@njit(error_model="numpy")
def run(out, x, flag, scalar, empty):
    describe(out[0], x, (3, x.shape[0]), flag, scalar)
    describe(out[1], x[::2, 1:], (4, 5), not flag, 2 * scalar)
    describe(out[2], x.T, (0, 0), flag, scalar)
    describe(out[3], x[1:], (0, 0), flag, scalar)
    return total(x[0]) + total(x[:, 1]), empty.shape[0] * 100 + empty.size
'''


def plain(source: str) -> dict:
    namespace: dict = {}
    exec(source.replace('@njit(error_model="numpy")', ""), namespace)
    return namespace


def test_an_array_arrives_whole() -> None:
    source = HEADER + KERNELS
    x = np.arange(20.0).reshape(4, 5)
    arguments = (x, True, 7.0, np.zeros((3, 0), np.float32))
    found, expected = np.zeros((4, 9)), np.zeros((4, 9))
    run = load(source, "run", ("f64[:, ::1]", "f64[:, ::1]", "b1", "f64", "f32[:, ::1]"))
    assert run(found, *arguments) == plain(source)["run"](expected, *arguments)
    np.testing.assert_array_equal(found, expected)


def test_strided_and_zero_dimensional_parameters_of_a_driver() -> None:
    source = HEADER + KERNELS + '\n@njit(error_model="numpy")\ndef strided(x, y):\n    return total(x) + element(y)\n'
    run = load(source, "strided", ("f64[:]", "f64[]"))
    assert run(np.arange(10.0)[::-3], np.array(5.0)) == 0.0 + 18.0 + 5.0


def test_an_array_that_comes_back_keeps_its_owner() -> None:
    source = HEADER + '@njit(error_model="numpy")\ndef same(x):\n    return x, x[1:], x.size\n'
    x = np.arange(5.0)
    whole, part, size = load(source, "same", ("f64[::1]",))(x)
    x[2] = 7
    del x
    gc.collect()
    assert [*whole, *part, size] == [0, 1, 7, 3, 4, 1, 7, 3, 4, 5]


def test_numbas_own_functions_call_ours() -> None:
    @numba.njit
    def product(a, b, out):
        gemm(out, a, b, False, True, 1.0, 0.0)
        return grow(out.reshape(-1), 3), grow(out.reshape(-1), 30).size

    a, b, out = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(4, 3), np.empty((2, 4))
    same, size = product(a, b, out)
    np.testing.assert_array_equal(out, a @ b.T)
    assert np.shares_memory(same, out) and size == 30


def test_an_error_in_a_kernel_reaches_numbas_own_functions() -> None:
    source = HEADER + (
        '@njit(error_model="numpy")\ndef check(x):\n    if x[0] < 0:\n        raise ValueError("negative")\n    return x[0]\n\n'
        '@njit(error_model="numpy")\ndef run(x):\n    y = np.empty(3)\n    y[:] = check(x)\n    return y\n'
    )
    run = load(source, "run", ("f64[::1]",))
    assert list(run(np.ones(2))) == [1, 1, 1]
    try:
        run(-np.ones(2))
    except ValueError as error:
        assert error.args == ("negative",)
    else:
        raise AssertionError


COUNTED = """
import numpy as np
from numba import njit
from jitgrad.compiler.runtime.arrays import grow
from jitgrad.compiler.runtime.buffers import empty, view, within

@njit(error_model="numpy")
def run(x, n):
    saved, top = empty(1, np.float64), 0
    a, b = empty(3, np.float64), empty(3, np.float64)
    for i in range(n):
        if saved.size < top + 3:
            saved = grow(saved, top + 3)
        part = within(saved, top, 3)
        part[:] = x[i]
        top += 3
        a, b = b, a
        view(a, (3, 1))[0, 0] += part[1]
    return saved, x, a
"""


def test_references_are_counted_in_one_thread() -> None:
    """Without atomic operations, and yet each array is freed once: when the last who has it lets it go."""
    run = load(COUNTED, "run", ("f64[::1]", "i64"))
    _nrt_python.memsys_enable_stats()
    before = rtsys.get_allocation_stats()
    x = np.array([1.0, 2.0, 3.0])
    for n in (0, 1, 2, 3):
        saved, same, a = run(x, n)
        assert same is x
        assert saved.size >= 3 * n
        assert a.shape == (3,)
        np.testing.assert_array_equal(saved[: 3 * n].reshape(n, 3)[:, 2], x[:n])
    del saved, same, a
    gc.collect()
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc == after.free - before.free > 0
    assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free > 0
    if platform.machine() in ("x86_64", "AMD64"):
        assert not re.search(r"\block\b", run.compiled.library.get_asm_str())
