"""The CUDA writer: on numba's simulator, which runs kernels but checks no types, and compiled to PTX, which checks them all."""

import importlib.util
import os
import re
import subprocess
import sys
import types
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from tests.emit import cuda_cases as cases

CAPABILITIES = ((7, 5), (9, 0), (12, 0))


def cuda_source(function: Any, *arguments: Any) -> str:
    return jg.source(jg.jit(function, target="cuda"), *arguments)


def step_source(dtype: str = "float32") -> str:
    return cuda_source(cases.step, *cases.network(dtype, "a"), 0.1)


# results


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, np.ndarray]:
    """What the simulator makes of all cases; it must be switched on before numba is imported, so in another process."""
    if importlib.util.find_spec("numba.cuda") is None:
        pytest.skip("this numba has no CUDA simulator; install numba-cuda")
    path = tmp_path_factory.mktemp("cuda") / "results.npz"
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run([sys.executable, cases.__file__, str(path)], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(np.load(path))


def assert_same(found: Mapping[str, np.ndarray], prefix: str, expected: Mapping[str, Any]) -> None:
    for key, value in expected.items():
        other = found[f"{prefix}/{key}"]
        assert other.shape == np.shape(value) and other.dtype == np.asarray(value).dtype, key
        tolerance = 2e-5 if other.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(other, value, rtol=tolerance, atol=tolerance, err_msg=f"{prefix} {key}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_network_trains_as_on_the_cpu(simulated, dtype):
    expected = {
        **dict(cases.differentiate(jg.value_and_grad(cases.loss), dtype, "a")),
        **dict(cases.train(jg.jit(cases.step), dtype, "a")),
    }
    assert_same(simulated, f"{dtype} a", expected)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("batch", cases.BATCHES)
def test_network_trains_as_by_hand(simulated, dtype, batch):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gradients = dict(cases.differentiate(cases.value_and_grad_by_hand, dtype, batch))
        trained = dict(cases.train(cases.step_by_hand, dtype, batch))
    assert_same(simulated, f"{dtype} {batch}", {**gradients, **trained})


def test_network_in_blocks_of_full_size(simulated):
    assert_same(simulated, "full blocks", dict(cases.differentiate(cases.value_and_grad_by_hand, "float32", "a")))


@pytest.mark.parametrize("name", cases.OPERATIONS)
def test_operation_is_numpys(simulated, name):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = dict(cases.operate(name, lambda f: f))
    assert_same(simulated, name, expected)


# types


def ptx(source: str, capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The PTX of each kernel of a module, compiled without a driver."""
    from numba import cuda
    from numba.core.sigutils import normalize_signature

    device = types.SimpleNamespace(compute_capability=capability)
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)
    kernels: dict[str, tuple[Any, Any]] = {}

    def kernel(signature: str) -> Any:
        return lambda function: kernels.setdefault(function.__name__, (function, normalize_signature(signature)[0]))

    exec(compile(source.replace('@cuda.jit("', '@kernel("'), "<emitted>", "exec"), {"kernel": kernel})
    return {name: cuda.compile_ptx(function, types, cc=capability)[0] for name, (function, types) in kernels.items()}


needs_numba_cuda = pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed")


@needs_numba_cuda
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_network_compiles_in_single_precision_throughout(capability, monkeypatch):
    texts = ptx(step_source(), capability, monkeypatch)
    for name, text in texts.items():
        assert f".target sm_{capability[0]}{capability[1]}" in text
        assert ".f64" not in text, f"{name} computes in double precision"


@needs_numba_cuda
def test_network_compiles_in_double_precision(monkeypatch):
    assert all(".f32" not in text for text in ptx(step_source("float64"), (9, 0), monkeypatch).values())


@needs_numba_cuda
@pytest.mark.slow
@pytest.mark.parametrize("name", cases.OPERATIONS)
def test_operation_compiles(name, monkeypatch):
    function, arguments = cases.OPERATIONS[name]
    texts = ptx(cuda_source(function, *arguments), (9, 0), monkeypatch)
    if name != "trigonometry" and all(a.dtype == np.float32 for a in map(np.asarray, arguments)):  # CUDA's own sine widens
        assert not [kernel for kernel, text in texts.items() if ".f64" in text]


# text


def test_products_go_on_with_their_readers():
    source = step_source()
    driver = source[source.index("\ndef step(") :]
    launches = re.findall(r"(?m)^    (\w+)\[", driver)
    products = [name for name in launches if name.startswith("matmul")]
    assert len(launches) == 9 and len(products) == 5
    assert all(re.fullmatch(r"matmul_(add|mul)\w+|matmul_mul", name) for name in products)
    assert driver.index("gpu.combine") > driver.rindex("](")  # the host waits when all is launched


def test_text_depends_on_nothing_else():
    script = "from tests.emit.test_cuda import step_source; print(step_source())"
    root = str(Path(__file__).parents[2])

    def run(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root}
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert run("1") == run("2")


# errors


def test_without_cuda_one_sentence(monkeypatch):
    cuda = pytest.importorskip("numba.cuda")
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError) as caught:
        jg.jit(lambda x: x + 1, target="cuda")(np.ones(3))
    assert "\n" not in str(caught.value)
    assert "needs an NVIDIA GPU with its driver and the package numba-cuda" in str(caught.value)


def total_of_elements(x):
    total = 0.0
    for k in range(len(x)):
        total += x[k]
    return total


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (np.cumsum, "cumsum"),
        (np.sort, "sort"),
        (total_of_elements, "a loop over single elements"),
        (lambda x: x[np.array([0, 1])], "indexing with an array of positions"),
    ],
)
def test_what_a_gpu_cannot_do_yet_is_named(function, what):
    with pytest.raises(NotImplementedError, match=f'{what}.* cannot run on a GPU yet.*; use target="cpu"'):
        cuda_source(function, np.ones(4))


def test_unknown_target():
    with pytest.raises(ValueError, match="target is"):
        jg.grad(np.sum, target="tpu")
