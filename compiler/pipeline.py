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
from .passes import CPU_PASSES, PASSES

Verifier = Callable[[Function, str], Function]


@dataclass(frozen=True, slots=True)
class Built:
    """A function after the passes, its emitted source, and how long each stage took, in seconds."""

    function: Function
    emitted: Emitted
    seconds: Mapping[str, float]


def optimise(function: Function, check: Verifier | None = None, target: str = "") -> Function:
    """Run all passes, those for a target last, in order; ``check`` is called with the result and the name of each."""
    for transform in (*PASSES, *(CPU_PASSES if target == "cpu" else ())):
        function = transform(function)
        if check is not None:
            check(function, transform.__name__)
    return function


def build(function: Function, donated: Mapping[int, int], check: Verifier | None = None, target: str = "cpu") -> Built:
    """From a traced function to source text for a target. The results at ``donated`` go into the storage of parameters."""
    start = time.perf_counter()
    optimised = verify(optimise(function, check, target))
    passed = time.perf_counter()
    emitted = _writer(target)(optimised, function.name, donated)
    done = time.perf_counter()
    return Built(optimised, emitted, {"passes": passed - start, "emit": done - passed})


def compile_source(emitted: Emitted, target: str = "cpu") -> Callable[..., Any]:
    """Native code for emitted source: from the cache, or compiled now; for a GPU, at the first call."""
    return _loader(target)(emitted.source, emitted.entry, emitted.signature)


def _writer(target: str) -> Callable[..., Emitted]:
    if target == "cpu":
        return emit_cpu
    from .emit.cuda import emit_cuda  # who has no use for a GPU need not wait for it

    return emit_cuda


def _loader(target: str) -> Callable[..., Any]:
    if target == "cpu":
        return load
    from .launch import launcher

    return launcher
