"""LLVM works beside Python, and nothing of that can be seen afterwards."""

import sys
import threading
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.load import load
from jitgrad.compiler.runtime import machine
from numba.core import errors

SOURCE = """
import numpy as np
from numba import njit

@njit(error_model="numpy")
def add_{number}(out, x):
    for i in range(x.size):
        out[i] = x[i] + {number}

@njit(error_model="numpy")
def double_{number}(out, x):
    for i in range(x.size):
        out[i] = 2.0 * x[i]

@njit(error_model="numpy")
def run(x):
    out = np.empty(x.size)
    add_{number}(out, x)
    double_{number}(out, out)
    return {result}
"""


def fresh() -> float:
    return float(np.random.default_rng().integers(1 << 40))


def source(number: float, result: str = "out") -> str:
    return SOURCE.replace("_{number}", f"_{int(number)}").format(number=number, result=result)


def test_all_of_a_program_is_made_in_one_thread_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    plain = machine.begin

    def begin(work: Any, *arguments: Any) -> Any:
        def noted() -> Any:
            seen.append(threading.current_thread().name)
            return work(*arguments)

        return plain(noted)

    monkeypatch.setattr("jitgrad.compiler.runtime.objects.begin", begin)
    number, interval = fresh(), sys.getswitchinterval()
    run = load(source(number), "run", ("f64[::1]",))
    assert len(seen) == 3 and set(seen) == {"jitgrad-llvm_0"}
    assert "jitgrad-llvm_0" not in {thread.name for thread in threading.enumerate()}
    assert sys.getswitchinterval() == interval
    np.testing.assert_array_equal(run(np.ones(2)), [2.0 * (1 + number)] * 2)


def test_without_threads_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when Python is shutting down, or where it has no threads."""

    class NoThreads(machine.ThreadPoolExecutor):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            raise RuntimeError("cannot schedule new futures after shutdown")

    monkeypatch.setattr(machine, "ThreadPoolExecutor", NoThreads)
    number = fresh()
    run = load(source(number), "run", ("f64[::1]",))
    np.testing.assert_array_equal(run(np.ones(2)), [2.0 * (1 + number)] * 2)


def test_kernels_outlive_a_driver_that_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was at LLVM when the driver failed is linked all the same: the next driver calls it."""
    from jitgrad.compiler.runtime.objects import ObjectCompiler

    number = fresh()
    with pytest.raises(errors.TypingError):
        load(source(number, "out.no_such_attribute"), "run", ("f64[::1]",))
    compiled, compile_extra = [], ObjectCompiler.compile_extra

    def count(self: ObjectCompiler, function: Any) -> Any:
        compiled.append(function.__name__)
        return compile_extra(self, function)

    monkeypatch.setattr(ObjectCompiler, "compile_extra", count)
    run = load(source(number), "run", ("f64[::1]",))
    assert compiled == ["run"]
    np.testing.assert_array_equal(run(np.ones(2)), [2.0 * (1 + number)] * 2)


def test_unknown_symbols_are_an_error() -> None:
    """LLVM itself would end the process."""
    from numba.core.registry import cpu_target

    code = machine.MachineCode(b"", (), (), ("no.such.symbol",))
    with pytest.raises(RuntimeError, match=r"no\.such\.symbol"):
        machine.load_code(cpu_target.target_context.codegen(), code)
