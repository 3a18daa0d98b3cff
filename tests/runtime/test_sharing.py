"""What is computed once for several readers is the same for all of them."""

import numpy as np
import pytest
from jitgrad.compiler.load import load

HEADER = "import numpy as np\nfrom numba import njit\n\nfrom jitgrad.compiler.runtime.buffers import view, zeros\n\n"
DECORATOR = '@njit(error_model="numpy")\n'
BODIES = {
    "numbers that are equal and not the same": """
    out[0] = 1.0 / (0.0 * n)
    out[1] = 1.0 / (-0.0 * n)
    out[2] = (n / 2) * True
    out[3] = (n + 1) * 1
    out[4] = (n + 1) / 1.0
    return out
""",
    "sizes inside and outside of loops": """
    for i in range(n * 2 - n):
        if i > n * 2 - 10:
            out[i] = n * 2 + i
        for j in range(n * 2 - n):
            out[i] += n * 2 * (i + 1) + j * (i + 1)
        out[i] -= i + 1
    out[n - 1] = n * 2
    return out
""",
    "a size that changes": """
    k = n
    for i in range(4):
        out[i] = k * 2
        k = k + 1
        out[i + 4] = k * 2
    return out
""",
    "arrays that change their shape": """
    a = zeros((2, n), np.float64)
    out[0] = a.shape[0] + 10 * a.shape[1]
    a = zeros((n, 3), np.float64)
    out[1] = a.shape[0] + 10 * a.shape[1]
    for i in range(2):
        b = zeros((i + 1, n), np.float64)
        out[2 + i] = b.shape[0] + b.size
        out[4 + i] = b.shape[0] - b.size
    return out
""",
    "parts of shapes": """
    a = zeros((2, n, 3), np.float64)
    b = zeros(a.shape[1:], np.float64)
    c = zeros(a.shape[1:], np.float64)
    out[0] = b.size + c.shape[0] + a.shape[0]
    return out
""",
    "elements are read anew": """
    out[0] = 1.0
    x = out[0] + 1.0
    out[0] = x + out[0]
    y = out[0] + 1.0
    out[1] = x - y
    return out
""",
    "signs and remainders": """
    for i in range(n):
        out[i] = (-i) % n + max(0, n - i) - min(n - i, 3) + (-i) % n
    out[0] = max(0, -n) + max(0, -n) + max(-n, 0)
    return out
""",
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("name", BODIES)
def test_the_result_is_that_of_plain_python(name: str) -> None:
    source = f"{HEADER}{DECORATOR}def run(out, n):\n{BODIES[name]}"
    namespace: dict = {}
    exec(source.replace(DECORATOR, ""), namespace)
    run = load(source, "run", ("f64[::1]", "i64"))
    expected = namespace["run"](np.zeros(9), np.int64(9))
    np.testing.assert_array_equal(run(np.zeros(9), 9), expected)


def test_one_variable_for_each_global_number_and_size() -> None:
    from numba.core import compiler, ir

    seen: list[ir.Assign] = []
    plain = compiler.NopythonTypeInference.run_pass

    def look(self, state):
        seen.extend(a for block in state.func_ir.blocks.values() for a in block.find_insts(ir.Assign))
        return plain(self, state)

    body = "    for i in range(n):\n        out[i] = zeros(n * 2, np.float64)[0] + zeros(n * 2, np.float64)[0] + 3.5 * n + 3.5\n    return out\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler.NopythonTypeInference, "run_pass", look)
        load(f"{HEADER}{DECORATOR}def run(out, n):\n{body}", "run", ("f64[::1]", "i64"))
    values = [str(assign.value) for assign in seen]
    for text in ("global(zeros", "const(float, 3.5)", "attr=float64"):
        assert sum(text in value for value in values) == 1
