"""The same program gives the same IR and the same source, to the byte, in every process."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import numpy as np
import jitgrad as jg

def network(params, x, y):
    hidden = np.tanh(x @ params["w1"] + params["b1"])
    return np.mean((hidden @ params["w2"] + params["b2"] - y) ** 2)

def sweep(a, steps):
    for _ in range(steps):
        for i in range(1, len(a) - 1):
            a[i] = (a[i - 1] + np.exp(-a[i]) * a[i + 1]) / 3
    return np.sum(np.where(a > 0, a, np.log1p(a**2)))

params = {"w1": np.ones((3, 4)), "b1": np.ones(4), "w2": np.ones((4, 2)), "b2": np.ones(2)}
print(jg.stages(jg.value_and_grad(network), params, np.ones((5, 3)), np.ones((5, 2))).optimised)
print(jg.source(jg.value_and_grad(network), params, np.ones((5, 3)), np.ones((5, 2))))
print(jg.source(jg.grad(lambda a, n: sweep(a.copy(), n)), np.ones(7), 3))
print(jg.source(jg.grad(lambda x: np.sum(jg.grad(lambda t: np.sum(np.arctan(t) * t**3))(x) ** 2)), np.ones(3)))
"""


def emit(folder: Path, seed: str) -> bytes:
    """What a new process prints, with an empty cache and its own order of hashes; nothing is compiled to native code."""
    script = folder / "script.py"
    script.write_text(SCRIPT)
    cache = folder / f"cache-{seed}"
    environment = os.environ | {"PYTHONHASHSEED": seed, "NUMBA_DISABLE_JIT": "1", "JITGRAD_CACHE_DIR": str(cache)}
    return subprocess.run([sys.executable, script], env=environment, check=True, stdout=subprocess.PIPE, timeout=300).stdout


def test_source_is_the_same_in_every_process(tmp_path):
    first, second = emit(tmp_path, "1"), emit(tmp_path, "2")
    assert b"@njit" in first
    assert first == second
