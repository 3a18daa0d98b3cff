"""``scipy.special.lambertw`` on the real axis: the inverse of ``w * exp(w)``, in its two real branches.

By Halley's iterations from a first guess, of which the derivatives, of all orders, become right as the value does. First guesses:
Corless and others (1996), On the Lambert W function, section 4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import F64
from .promotion import as_array, convert
from .tracer import Tracer

_LEAST = -math.exp(-1.0)
_ROUNDS = 4  # each makes three times as many digits right; the guesses have one or two


def lambertw(z: Any, k: Any = 0, tol: float = 1e-8) -> Tracer:
    """``scipy.special.lambertw``, as a real number: NaN where it is none."""
    if k not in (0, -1):
        raise UnsupportedError(f"scipy.special.lambertw in the branch {k!r}; 0 and -1 are compiled, on the real axis")
    x = convert(as_array(z), F64)
    is_inside = (x >= _LEAST) & (x < (np.inf if k == 0 else 0.0))
    inside = np.where(is_inside, x, -0.2)
    w = _principal(inside) if k == 0 else _lower(inside)
    for _ in range(_ROUNDS):
        power = np.exp(w)
        above = np.where(w == -1.0, 1.0, w + 1.0)
        miss = w * power - inside
        w = w - miss / (power * above - 0.5 * (w + 2.0) * miss / above)
    end = np.where(x == np.inf, np.inf, np.nan) if k == 0 else np.where(x == 0, -np.inf, np.nan)
    return np.where(is_inside, w, end)[()]  # type: ignore[no-any-return]


def _near_least(x: Tracer, side: float) -> Tracer:
    """A few terms of the series about the point at which the branches meet."""
    p = side * np.sqrt(2.0 * np.maximum(math.e * x + 1.0, 0.0))
    return -1.0 + p * (1.0 + p * (-1.0 / 3.0 + p * (11.0 / 72.0)))  # type: ignore[no-any-return]


def _principal(x: Tracer) -> Tracer:
    size = np.log1p(np.where(x > 0, x, 1.0))
    return np.where(x < 0.3, _near_least(x, 1.0), size * (1.0 - np.log1p(size) / (2.0 + size)))  # type: ignore[return-value]


def _lower(x: Tracer) -> Tracer:
    is_far = x > -0.25
    first = np.log(np.where(is_far, -x, 0.1))
    second = np.log(-first)
    return np.where(is_far, first - second + second / first, _near_least(x, -1.0))  # type: ignore[return-value]
