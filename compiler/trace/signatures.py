"""Arguments by the names that NumPy gives them, whatever the function that runs in NumPy's place calls them.

In: a NumPy function, the function in its place, the arguments of a call. Out: arguments that the latter takes. What is
given by a name that only NumPy has goes by its place, if it has one; an option that only NumPy has may have its default.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import UnsupportedError

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def fitted(
    func: Callable[..., Any], found: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments of a call of `func`, as `found` takes them; UnsupportedError for an option that it has not."""
    known = _names(found)
    if known is None or kwargs.keys() <= known:
        return args, kwargs
    parameters = _parameters(func)
    by_place, by_name = list(args), dict(kwargs)
    for parameter in parameters[len(args) :]:
        if parameter.kind not in _BY_PLACE or parameter.name not in by_name or by_name.keys() <= known:
            break
        by_place.append(by_name.pop(parameter.name))
    defaults = {p.name: p.default for p in parameters if p.kind is not inspect.Parameter.POSITIONAL_ONLY}
    for name in [name for name in by_name if name not in known and name in defaults]:
        if by_name[name] is not defaults[name] and by_name[name] != defaults[name]:
            raise UnsupportedError(f"np.{func.__name__} with {name}={by_name[name]!r}; leave {name} out, or compute it before")
        del by_name[name]
    return by_place, by_name


@functools.cache
def _names(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names that arguments may be given by; None for any."""
    parameters = _parameters(function)
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters if p.kind is not inspect.Parameter.POSITIONAL_ONLY)


@functools.cache
def _parameters(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    try:
        return tuple(inspect.signature(function).parameters.values())
    except ValueError:  # written in C, with no signature
        return ()
