"""`runtime.memory`: what is freed is not fetched again page by page."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
import jitgrad as jg

@jg.jit
def f(x):
    y = np.sort(np.outer(x, x).ravel()) @ np.ones(x.size * x.size)
    return np.sum(np.outer(x, x) @ np.outer(x, x)) + y

x = np.ones(1000)
for _ in range(3):
    f(x)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    f(x)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 5)
"""


def faults(**settings: str) -> int:
    """Page faults of each call of a function with temporary arrays of 8 MB."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **settings}, text=True, capture_output=True, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_pages_are_fetched_once() -> None:
    assert faults() < 100
    assert faults(MALLOC_TRIM_THRESHOLD_="1000000", MALLOC_MMAP_THRESHOLD_="1000000") > 1000  # as the user wants it
