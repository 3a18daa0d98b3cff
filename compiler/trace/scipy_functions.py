"""SciPy's functions in traced programs: those that are compiled, by the module in which users find them and by name.

The ufuncs of ``scipy.special`` come in by themselves, as ufuncs (``ufuncs``, ``special``); distributions have a module of their own.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from . import calculus, distributions, scipy_linalg, special
from .promotion import as_array
from .reductions import running
from .shaping import normal_axis


def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """``scipy.integrate.cumulative_trapezoid``."""
    values = as_array(y)
    number = normal_axis(axis, values.ndim)
    step = dx
    if x is not None:
        places = as_array(x)
        step = calculus.diff(places, axis=number if places.ndim > 1 else -1)
        step = step.reshape((-1,) + (1,) * (values.ndim - number - 1)) if places.ndim == 1 else step
    before = (slice(None),) * number
    sides = values[(*before, slice(1, None))] + values[(*before, slice(None, -1))]
    found = running("cumsum")(step * sides / 2.0, number)
    if initial is None:
        return found
    return np.concatenate([np.zeros_like(found[(*before, slice(0, 1))]) + initial, found], axis=number)


FUNCTIONS: dict[str, dict[str, Callable[..., Any]]] = {
    "scipy.special": special.SPECIAL,
    "scipy.linalg": scipy_linalg.FUNCTIONS,
    "scipy.integrate": {"trapezoid": calculus.trapezoid, "cumulative_trapezoid": cumulative_trapezoid},
    "scipy.stats": distributions.FUNCTIONS,
}


def public_module(function: types.FunctionType) -> str:
    """The module in which users find a function."""
    return ".".join(part for part in (function.__module__ or "").split(".") if not part.startswith("_"))


OF_LIBRARY: dict[str, Callable[..., Any]] = {"apply_where": distributions.apply_where, "_lazywhere": distributions.lazywhere}
"""Helpers of SciPy's own code that choose by elements."""

_FOLLOWED = ("scipy.stats._continuous_distns", "scipy.stats._discrete_distns")


def counterpart(function: types.FunctionType) -> Callable[..., Any] | None:
    """What runs in place of a function of SciPy's on traced arguments."""
    if (function.__module__ or "").startswith("scipy._"):
        return OF_LIBRARY.get(function.__name__)
    return FUNCTIONS.get(public_module(function), {}).get(function.__name__)


def is_formula(function: types.FunctionType) -> bool:
    """Whether a function of SciPy's states a formula in terms of NumPy's functions, and can be followed."""
    return function.__module__ in _FOLLOWED
