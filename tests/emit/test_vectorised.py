"""Loops that LLVM must vectorise: what it makes of kernels, not how long they take."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from jitgrad.compiler.emit import Emitted
from jitgrad.compiler.load import execute, parse_parameter
from jitgrad.compiler.runtime import elementary
from jitgrad.compiler.runtime.linking import adopt
from jitgrad.compiler.syntax import parse_module

import jitgrad as jg
from jitgrad.nn import functional as f

VECTOR, SCALAR = re.compile(r"fmul <\d+ x float>"), re.compile(r"fmul float")


def compiled_kernels(emitted: Emitted) -> dict[str, str]:
    """The optimised LLVM code of each kernel of a program, by its name."""
    source, entry = emitted.source, emitted.entry
    elementary.register()
    namespace = execute(source, "vectorised.py")
    names = [node.name for node in parse_module(source).body if hasattr(node, "args")]
    for name in names:
        digest = hashlib.sha256((name + source).encode()).hexdigest()
        adopt(namespace[name], digest, python_callable=name == entry, keeps_apart=name != entry)
    namespace[entry].compile(tuple(map(parse_parameter, emitted.signature)))
    libraries = {name: [found.library for found in namespace[name].overloads.values()] for name in names if name != entry}
    return {name: library.get_llvm_str() for name, (library,) in libraries.items()}


def test_gradient_of_layer_norm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masked products and sums, over rows and columns, stand in one loop."""
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path))

    @jg.grad
    def loss(params, x, v, y):
        weight, gain, shift = params
        return np.sum(f.relu(f.layer_norm(x @ weight, (48,), gain, shift)) @ v * y)

    params = tuple(map(jg.spec, ("f32[9, 48]", "f32[48]", "f32[48]")))
    arguments = loss.arguments((params, *map(jg.spec, ("f32[n, 9]", "f32[48, 7]", "f32[n, 7]"))), {})
    kernels = compiled_kernels(loss.compile(arguments).built.emitted)
    assert any("masked_mul" in name for name in kernels)
    assert not [name for name, code in kernels.items() if SCALAR.search(code) and not VECTOR.search(code)]


def test_short_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops that LLVM would unroll, if it knew how short they are, before it makes vectors of them."""
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path))
    quotient = jg.jit(lambda x, y: x / y[:, None])
    (code,) = compiled_kernels(
        quotient.compile(quotient.arguments((jg.spec("f32[n, 32]"), jg.spec("f32[n]")), {})).built.emitted
    ).values()
    assert re.search(r"fdiv <\d+ x float>", code)


def test_arrays_that_are_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel gets memory twice that it writes to: none looks at run time whether its arrays overlap."""
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path))

    @jg.jit
    def both(x, y):
        for i in range(len(x)):
            x[i], y[i] = 2.0 * x[i] + y[i], 3.0 * x[i]
        return 2.0 * x + y

    kernels = compiled_kernels(both.compile(both.arguments((jg.spec("f64[n, m]"),) * 2, {})).built.emitted)
    assert any(re.search(r"fmul <\d+ x double>", code) for code in kernels.values())
    assert not [name for name, code in kernels.items() if "memcheck" in code]
