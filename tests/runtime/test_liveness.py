"""Where variables are alive, found quickly: the same as numba finds, and in long functions too."""

from __future__ import annotations

import numpy as np
import pytest
from jitgrad.compiler.load import load
from jitgrad.compiler.runtime.liveness import live_map, quick_liveness
from numba.core import analysis, compiler, postproc
from numba.core.runtime import _nrt_python as memory


def nested(x, n):  # type: ignore[no-untyped-def]
    total, before = 0.0, x[:0]
    for i in range(n):
        row = x[i:]
        while row[0] < total:
            if row[1] > 3.0:
                break
            before = row.copy()
            total += before[0]
        else:
            total -= 1.0
        if total > 100.0:
            raise ValueError("too large")
        for j in range(i):
            if j % 2:
                continue
            total += before[j]
    return total, before


def test_variables_are_alive_where_numba_finds_them() -> None:
    blocks = compiler.run_frontend(nested).blocks
    lifetime = postproc.VariableLifetime(blocks)
    given = lifetime.cfg, blocks, lifetime.usedefs.usemap, lifetime.usedefs.defmap
    assert live_map(*given) == analysis.compute_live_map(*given)


def test_numba_is_left_as_it_was() -> None:
    before = analysis.compute_live_map, postproc.PostProcessor.run
    with pytest.raises(KeyError), quick_liveness():
        assert analysis.compute_live_map is live_map
        raise KeyError
    assert (analysis.compute_live_map, postproc.PostProcessor.run) == before


SOURCE = """
import numpy as np
from numba import njit

@njit(error_model="numpy")
def run(x, n):
    total = 0.0
    row = np.empty(4)
    for i in range(n):
        row = np.full(4, x[i])
        if x[i] < 0.0:
            raise ValueError("negative")
        other = row + 1.0 if x[i] > 1.0 else row
        total += other[0]
    return row, total
"""


def test_arrays_are_given_back_once() -> None:
    run = load(SOURCE, "run", ("f64[::1]", "i64"))
    run(np.ones(2), 2)
    memory.memsys_enable_stats()
    try:
        row, total = run(np.array([0.5, 2.0, 1.5]), 3)
        assert (row[0], total) == (1.5, 0.5 + 3.0 + 2.5)
        with pytest.raises(ValueError, match="negative"):
            run(np.array([0.5, 2.0, -1.0]), 3)
        del row
        assert memory.memsys_get_stats_alloc() == memory.memsys_get_stats_free() > 0
    finally:
        memory.memsys_disable_stats()
