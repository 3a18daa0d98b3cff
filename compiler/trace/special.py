"""The functions of ``scipy.special`` that are no ufuncs, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .elementwise import elementwise
from .promotion import as_tracer
from .reductions import reduce
from .shaping import normal_axes, squeeze


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """``scipy.special.logsumexp``."""
    x = as_tracer(a) * 1.0
    largest = reduce("max", x, axis, keepdims=True)
    shift = elementwise("select", np.isfinite(largest), largest, 0.0)
    total = reduce("sum", np.exp(x - shift) if b is None else b * np.exp(x - shift), axis, keepdims=True)
    result = np.log(total) + shift
    axes = normal_axes(axis, x.ndim)
    return result if keepdims else squeeze(result, axes) if result.ndim > len(axes) else result.reshape(())[()]


def softmax(x: Any, axis: Any = None) -> Any:
    """``scipy.special.softmax``."""
    x = as_tracer(x) * 1.0
    powers = np.exp(x - reduce("max", x, axis, keepdims=True))
    return powers / reduce("sum", powers, axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """``scipy.special.log_softmax``."""
    return as_tracer(x) * 1.0 - logsumexp(x, axis, keepdims=True)


SPECIAL: dict[str, Callable[..., Any]] = {"logsumexp": logsumexp, "softmax": softmax, "log_softmax": log_softmax}
