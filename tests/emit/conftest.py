"""Running emitted modules as plain Python, next to the interpreter."""

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.emit.cpu import Emitted, emit_cpu
from jitgrad.compiler.ir import Function, parse
from jitgrad.compiler.ops import interpret, verify


def run_plain(emitted: Emitted, arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Run the driver with its decorators removed."""
    namespace: dict[str, Any] = {}
    exec(compile(re.sub(r"(?m)^@njit\(.*\)\n", "", emitted.source), "<emitted>", "exec"), namespace)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = namespace[emitted.entry](*[a.copy() if np.ndim(a) else a for a in arguments])
    return results if isinstance(results, tuple) else () if results is None else (results,)


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


def check_function(function: Function, arguments: Sequence[Any], donated: Mapping[int, int] | None = None) -> Emitted:
    """The emitted module gives the interpreter's results, leaves arguments alone and shares no memory between results."""
    verify(function)
    emitted = emit_cpu(function, "run", donated)
    arguments = [np.asarray(a, p.type.dtype) for a, p in zip(arguments, function.parameters, strict=True)]
    plain = [a if a.ndim else a[()] for a in arguments]
    assert_equal(run_plain(emitted, plain), interpret(function, arguments), emitted.source)
    return emitted


@pytest.fixture
def check() -> Any:
    """Check IR text, or a function, on arguments."""

    def run(program: str | Function, *arguments: Any) -> Emitted:
        function = parse(program) if isinstance(program, str) else program
        return check_function(function, arguments)

    return run
