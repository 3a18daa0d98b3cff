"""From the text of an emitted CUDA module to a callable.

In: source text that defines ``@cuda.jit`` kernels and a driver that launches them, the driver's name, the types of its
parameters. Out: a callable of exactly these types. numba compiles the kernels at the first call, for the device that is there.

This module imports no numba before that, so the source of a CUDA program can be made and read on a machine without CUDA.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .ir.types import DTYPES
from .load import execute

_programs: dict[tuple[str, str], DeviceProgram] = {}


def launcher(source: str, entry: str, signature: tuple[str, ...]) -> DeviceProgram:
    """The function ``entry`` of the CUDA module ``source``, for parameters of the types in ``signature``."""
    return _programs.setdefault((source, entry), DeviceProgram(source, entry, signature))


class DeviceProgram:
    """A driver that is loaded when it is first called; TypeError for arguments of other types."""

    def __init__(self, source: str, entry: str, signature: tuple[str, ...]) -> None:
        self.source, self.entry = source, entry
        self.parameters = tuple(map(_parameter, signature))
        self._lock = threading.Lock()
        self._driver: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        if len(arguments) != len(self.parameters):
            raise TypeError(f"{self.entry} takes {len(self.parameters)} arguments, found {len(arguments)}")
        taken = [take(argument) for take, argument in zip(self.parameters, arguments, strict=True)]
        driver = self._driver or self._load()
        with np.errstate(all="ignore"):
            return driver(*taken)

    def _load(self) -> Callable[..., Any]:
        with self._lock:
            if self._driver is None:
                require_cuda()
                self._driver = execute(self.source, f"{self.entry}-cuda.py")[self.entry]
            return self._driver


def require_cuda() -> None:
    """Raise RuntimeError in one sentence where nothing can run CUDA kernels: a GPU with numba-cuda, or numba's simulator."""
    try:
        import numba
        from numba import cuda

        numba.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # small arrays are no mistake
        found = bool(numba.config.ENABLE_CUDASIM) or cuda.is_available()
    except ImportError:
        found = False
    if not found:
        raise RuntimeError(
            'target="cuda" needs an NVIDIA GPU with its driver and the package numba-cuda (pip install "jitgrad[cuda]"), '
            'and found none; use target="cpu"'
        ) from None


def _parameter(text: str) -> Callable[[Any], Any]:
    """What makes an argument of a parameter's type, or raises TypeError."""
    name, _, axes = text.partition("[")
    dtype = DTYPES["bool" if name == "b1" else name]
    if not axes:
        return lambda value: _number(value, dtype)
    rank = axes.count(",") + 1
    return lambda value: _array(value, dtype, rank)


def _number(value: Any, dtype: np.dtype) -> Any:
    if isinstance(value, np.ndarray) or np.result_type(type(value)) != dtype:
        raise TypeError(f"expected a number of type {dtype}, found {value!r}")
    return int(value) if dtype == DTYPES["i64"] else dtype.type(value)


def _array(value: Any, dtype: np.dtype, rank: int) -> Any:
    fits = type(value) is np.ndarray and value.dtype == dtype and value.ndim == rank
    if not fits or not value.flags.c_contiguous or not value.flags.aligned:
        raise TypeError(f"expected a contiguous array of {dtype} with {rank} axes")
    return value
