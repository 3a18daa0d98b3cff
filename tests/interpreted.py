"""Running jitgrad without compiling: the interpreter stands in for the compiled driver.

In: nothing. Out: ``interpreting()``, a context in which functions made by ``jit``, ``grad`` and their like trace, differentiate and
run the passes as ever (each pass verified), but are run by the interpreter of the IR.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.pipeline import optimise

from jitgrad.program import Program


def interpreted_program(traced: Any, target: str, tracing: float) -> Program:
    """A program whose driver is the interpreter."""
    function = verify(optimise(verify(traced.function), verify, "cpu"))
    taken = [k for k, leaf in enumerate(traced.leaves) if leaf.is_parameter]
    donated = {taken.index(k): result for k, result in traced.written if traced.leaves[k].shape}

    def run(*arguments: Any) -> Any:
        results = [np.array(r) for r in interpret(function, [np.array(a) for a in arguments])]
        for place, result in donated.items():
            arguments[place][...] = results[result]
        kept = [r if r.ndim else r[()] for k, r in enumerate(results) if k not in donated.values()]
        return kept[0] if len(kept) == 1 else tuple(kept)

    return Program(traced, None, run, {"trace": tracing})


@contextlib.contextmanager
def interpreting() -> Iterator[None]:
    """Interpret what would be compiled."""
    with mock.patch("jitgrad.compiled.compile_traced", interpreted_program):
        yield
