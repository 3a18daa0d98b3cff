"""Random numbers that a traced function draws: from generators that it makes itself of a known seed, which give the same at each call."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .context import NotStaged, active_trace
from .rows import Rows
from .tracer import TracedSize, Tracer
from .using_up import made_here

REFUSED = (
    "random numbers drawn by {} while tracing would be the same at each call; draw them outside and pass them as an argument"
)

_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)


def _seeded(maker: Callable[..., Any]) -> Callable[..., Any]:
    """What makes generators, of which those are remembered that are made of a seed."""

    def make(*args: Any, **kwargs: Any) -> Any:
        generator = maker(*args, **kwargs)
        seeds = [*args, *kwargs.values()]
        return made_here(generator) if seeds and None not in seeds else generator

    return make


def drawing(method: Any, own: Callable[[Any], Any]) -> Callable[..., Any] | None:
    """A method of a generator of random numbers, as traced functions may call it; None for any other callee.

    ``own`` makes values of the program of what the method gives.
    """
    owner = getattr(method, "__self__", None)
    if not isinstance(owner, _GENERATORS):
        return None
    name = f"{type(owner).__name__}.{method.__name__}"
    trace = active_trace()
    _, scope = trace.iterators.get(id(owner), (None, None))
    if scope is None:
        raise UnsupportedError(f"{REFUSED.format(name)}, or make the generator in the function, of a seed")
    if scope is not trace.scope:
        raise (NotStaged if trace.short else UnsupportedError)(  # a short loop is unrolled
            f"random numbers are drawn by {name} in a loop or branch that depends on values known only when the program runs; draw all of them "
            "before it, into an array"
        )

    def draw(*args: Any, **kwargs: Any) -> Any:
        known = [_known(arg, name) for arg in args]
        return own(method(*known, **{key: _known(arg, name) for key, arg in kwargs.items()}))

    return draw


def _known(argument: Any, name: str) -> Any:
    """An argument of a generator's method; the program is pinned to sizes in it."""
    if isinstance(argument, (tuple, list)):
        return type(argument)(_known(part, name) for part in argument)
    if isinstance(argument, TracedSize):
        return int(argument)
    if isinstance(argument, (Tracer, Rows)):
        raise UnsupportedError(
            f"what {name} draws depends on values known only when the program runs; draw standard numbers, and compute with them: "
            "mean + scale * rng.standard_normal(size)"
        )
    return argument


MAKERS = {maker: _seeded(maker) for maker in (np.random.default_rng, np.random.RandomState, random.Random)}
"""What traced programs call to make generators."""
