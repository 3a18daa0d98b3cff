"""Many threads in one compiled function: right results, one compilation, and no lock held while kernels run."""

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.syntax import parse_module

import jitgrad as jg
from jitgrad import compiled

THREADS = 8


def run_at_once(call: Callable[[int], Any]) -> list[Any]:
    """Call with 0 to 7, each in a thread of its own, all starting at the same moment."""
    results: list[Any] = [None] * THREADS
    barrier = threading.Barrier(THREADS)

    def work(k: int) -> None:
        barrier.wait()
        try:
            results[k] = call(k)
        except Exception as error:
            results[k] = error

    threads = [threading.Thread(target=work, args=(k,)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the functions that are traced and compiled during a test, in order."""
    names: list[str] = []
    original = compiled.Compiled.compile

    def compile_and_note(self: compiled.Compiled, arguments: Any) -> Any:
        names.append(self.name)
        return original(self, arguments)

    monkeypatch.setattr(compiled.Compiled, "compile", compile_and_note)
    return names


def energy(x):
    total = 0.0
    for k in range(len(x)):
        total += np.sin(x[k]) * x[k]
    return total + np.sum(x**2)


def energy_gradient(x):
    return np.cos(x) * x + np.sin(x) + 2 * x


def test_first_call_by_eight_threads_at_once(compilations):
    gradient = jg.grad(energy)
    inputs = [np.linspace(0.0, 1.0 + k, 50 + k) for k in range(THREADS)]
    for x, found in zip(inputs, run_at_once(lambda k: gradient(inputs[k])), strict=True):
        np.testing.assert_allclose(found, energy_gradient(x), rtol=1e-12)
    assert compilations == ["grad_energy"]


def test_eight_threads_in_one_compiled_function(compilations):
    gradient = jg.grad(energy)
    gradient(np.ones(3))
    inputs = [np.linspace(-1.0, 1.0 + k, 1000 + k) for k in range(THREADS)]

    def call_often(k: int) -> list[np.ndarray]:
        return [gradient(inputs[k]) for _ in range(50)]

    for x, found in zip(inputs, run_at_once(call_often), strict=True):
        for one in found:
            np.testing.assert_allclose(one, energy_gradient(x), rtol=1e-12)
    assert compilations == ["grad_energy"]


def test_threads_that_trace_different_functions_at_once():
    def make(k: int) -> Callable[..., Any]:
        return jg.grad(lambda x: np.sum(x ** (k + 1)))

    x = np.array([1.0, 2.0])
    for k, found in enumerate(run_at_once(lambda k: make(k)(x))):
        np.testing.assert_allclose(found, (k + 1) * x**k, rtol=1e-12)


def test_source_is_read_by_many_threads_while_the_collector_calls_python():
    """CPython 3.11 mixes up syntax trees that several threads make at once."""
    text = "\n".join(f"x{k} = (x[{k}] + f(a, b={k})) * 2" for k in range(300))
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()

    def work(_: object, __: object) -> int:
        return sum(range(200))

    gc.callbacks.append(work)
    gc.set_threshold(50)
    sys.setswitchinterval(1e-6)
    try:
        run_at_once(lambda k: [len(parse_module(text).body) for _ in range(30)])
    finally:
        gc.callbacks.remove(work)
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)


def test_kernels_release_the_interpreter():
    driver = jg.source(jg.grad(energy), np.ones(3)).split("@njit")[-1]
    assert driver.startswith('(error_model="numpy", nogil=True)')
