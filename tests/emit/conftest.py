"""Running emitted modules as plain Python, next to the interpreter."""

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.emit.cpu import Emitted, emit_cpu
from jitgrad.compiler.ir import Function, parse
from jitgrad.compiler.ops import interpret, verify


def run_plain(emitted: Emitted, arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Run the driver with its decorators removed, and see that kernels get no memory twice that they write to."""
    namespace: dict[str, Any] = {}
    text = re.sub(r"(?m)^@njit\(.*\)\n", "", emitted.source)
    exec(compile(text, "<emitted>", "exec"), namespace)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name != emitted.entry:
            namespace[node.name] = _kept_apart(namespace[node.name], node)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = namespace[emitted.entry](*arguments)
    return results if isinstance(results, tuple) else () if results is None else (results,)


def _kept_apart(kernel: Callable[..., Any], node: ast.FunctionDef) -> Callable[..., Any]:
    """A kernel that asserts, before it runs, that what it writes shares no memory with its other arguments."""
    names = [parameter.arg for parameter in node.args.args]
    stores = [n for n in ast.walk(node) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
    written = {store.value.id for store in stores if isinstance(store.value, ast.Name)}

    def run(*arguments: Any) -> Any:
        arrays = [(name, a) for name, a in zip(names, arguments, strict=True) if isinstance(a, np.ndarray)]
        for name, array in arrays:
            for other, read in arrays:
                assert name == other or name not in written or not np.shares_memory(array, read), (node.name, name, other)
        return kernel(*arguments)

    return run


def assert_equal(found: Sequence[Any], expected: Sequence[Any], text: str, exact: bool = False) -> None:
    """Compare results with the interpreter's, to a few roundings of their largest."""
    assert len(found) == len(expected), text
    for one, other in zip(found, expected, strict=True):
        assert np.shape(one) == other.shape, text
        if other.shape:
            assert one.dtype == other.dtype, text
        if other.dtype.kind != "f" or exact:
            np.testing.assert_array_equal(one, other, err_msg=text)
        else:
            tolerance = 1e-4 if other.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=text)


def check_function(
    function: Function, arguments: Sequence[Any], donated: Mapping[int, int] | None = None, exact: bool = False
) -> Emitted:
    """The emitted module gives the interpreter's results, those of donated parameters in their memory, and shares no memory."""
    verify(function)
    donated = donated or {}
    emitted = emit_cpu(function, "run", donated)
    arguments = [np.asarray(a, p.type.dtype) for a, p in zip(arguments, function.parameters, strict=True)]
    expected = interpret(function, arguments)
    plain = [a.copy() if a.ndim else a[()] for a in arguments]
    results = run_plain(emitted, plain)
    check_memory([r for r in results if np.ndim(r)], [a for a in plain if np.ndim(a)], emitted.source)
    returned = iter(results)
    targets = {result: plain[k] for k, result in donated.items()}
    found = [targets[k] if k in targets else next(returned) for k in range(len(expected))]
    assert_equal(found, expected, emitted.source, exact)
    for k, argument in enumerate(arguments):
        if k not in donated:
            np.testing.assert_array_equal(plain[k], argument, err_msg=emitted.source)
    return emitted


def check_memory(results: Sequence[np.ndarray], arguments: Sequence[np.ndarray], text: str) -> None:
    """Results share no memory with arguments or each other, keep no other memory alive, and are C-contiguous."""
    assert all(result.base is None or result.base.size == result.size for result in results), text
    for k, result in enumerate(results):
        assert result.flags.c_contiguous, text
        assert not any(np.may_share_memory(result, other) for other in [*results[:k], *arguments]), text


@pytest.fixture
def check() -> Any:
    """Check IR text, or a function, on arguments."""

    def run(program: str | Function, *arguments: Any, donated: Mapping[int, int] | None = None) -> Emitted:
        function = parse(program) if isinstance(program, str) else program
        return check_function(function, arguments, donated)

    return run
