"""Linear algebra in emitted modules, run as plain Python, against the interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.diff import vjp

from tests.ops.test_linalg import CASES, STACK, built


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(check: Any, name: str) -> None:
    program, arguments = CASES[name]
    function = built(program, arguments)
    check(function, *arguments)
    check(vjp(function, [0]), *arguments, *(np.ones(r.type.shape) for r in function.results))


def test_vectors_that_nobody_reads_are_not_computed(check: Any) -> None:
    for op, attributes, position, cheap in (("eigh", {"lower": True}, 0, "eigvalsh"), ("svd", {"size": 3}, 1, "svdvals")):
        function = built(lambda b, a, op=op, k=attributes, at=position: b.emit(op, a, **k)[at], [STACK])
        source = check(function, STACK).source
        assert f"lapack.{cheap}(" in source and f"lapack.{op}(" not in source
