"""The order of the stages: from an IR function to a callable. Nobody else knows it.

``optimise`` runs the passes; ``build`` goes on to source text; ``compile_function`` to native code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .emit import Emitted, emit_cpu
from .ir import Function
from .load import load
from .ops import verify
from .passes import PASSES

Verifier = Callable[[Function, str], Function]


@dataclass(frozen=True, slots=True)
class Built:
    """A function after the passes, its emitted source, and how long each stage took, in seconds."""

    function: Function
    emitted: Emitted
    seconds: Mapping[str, float]


def optimise(function: Function, check: Verifier | None = None) -> Function:
    """Run all passes, in order; ``check`` is called with the result and the name of each."""
    for transform in PASSES:
        function = transform(function)
        if check is not None:
            check(function, transform.__name__)
    return function


def build(function: Function, donated: Mapping[int, int], check: Verifier | None = None) -> Built:
    """From a traced function to source text. The results at ``donated`` go into the storage of parameters."""
    start = time.perf_counter()
    optimised = verify(optimise(function, check))
    passed = time.perf_counter()
    emitted = emit_cpu(optimised, function.name, donated)
    done = time.perf_counter()
    return Built(optimised, emitted, {"passes": passed - start, "emit": done - passed})


def compile_source(emitted: Emitted) -> Callable[..., Any]:
    """Native code for emitted source: from the cache, or compiled now."""
    return load(emitted.source, emitted.entry, emitted.signature)
