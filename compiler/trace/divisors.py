"""``np.gcd`` and ``np.lcm``, by Euclid's algorithm on all elements at once."""

from __future__ import annotations

import numpy as np

from .elementwise import elementwise
from .loops import staged_loop
from .tracer import Tracer


def greatest_divisor(x: Tracer, y: Tracer) -> Tracer:
    """The greatest common divisor; of 0 and 0 it is 0."""
    x, y = np.broadcast_arrays(np.abs(x), np.abs(y))
    zero = x.dtype.type(0)

    def is_left(a: Tracer, b: Tracer) -> Tracer:
        return np.any(b != 0)  # type: ignore[return-value]

    def divide(a: Tracer, b: Tracer) -> tuple[Tracer, Tracer]:
        rest = elementwise("remainder", a, np.where(b == 0, x.dtype.type(1), b))
        return np.where(b == 0, a, b), np.where(b == 0, zero, rest)  # type: ignore[return-value]

    return staged_loop(None, divide, (x, y), ("a", "b"), is_left)[0]  # type: ignore[no-any-return]


def least_multiple(x: Tracer, y: Tracer) -> Tracer:
    """The least common multiple; 0 where one of the numbers is."""
    divisor = greatest_divisor(x, y)
    one = x.dtype.type(1)
    return np.abs(elementwise("floor_divide", x, np.where(divisor == 0, one, divisor)) * y)  # type: ignore[no-any-return]
