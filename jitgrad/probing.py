"""Intermediate values by name: their values and their gradients.

``probe`` marks a value in a function and gives it back; functions that collect probes ask for them by a name. What a gradient
with respect to a probe is: the derivative of the loss by an array of zeros that is added at that place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

from .compiled import Compiled
from .compiler.errors import UnsupportedError
from .compiler.trace.calls import call
from .compiler.trace.context import active_trace
from .compiler.trace.promotion import as_tracer
from .compiler.trace.state import current_trace
from .compiler.trace.tracer import Tracer
from .transforms import _checked, _name, value_and_grad

_STATE = threading.local()


class _Collector:
    """The probes met so far in one run of a function, and what is added to each."""

    def __init__(self, added: dict[str, Any] | None) -> None:
        self.scope = active_trace().scope
        self.added = added
        self.found: dict[str, Any] = {}

    def meet(self, value: Any, name: str) -> Any:
        tracer = as_tracer(value, f"the probe {name!r}")
        if active_trace().scope is not self.scope:
            raise UnsupportedError(
                f"the probe {name!r} is in a loop, a branch or a function of its own, where it has no one value; put the "
                "values into an array that is written to there, and probe the array after it"
            )
        if name in self.found:
            raise ValueError(f"there are two probes of the name {name!r}; give each a name of its own")
        if self.added is not None and name in self.added:
            tracer = tracer + self.added[name]
        self.found[name] = tracer
        return tracer


@contextmanager
def _collecting(collector: _Collector | None) -> Any:
    before = getattr(_STATE, "collector", None)
    _STATE.collector = collector
    try:
        yield collector
    finally:
        _STATE.collector = before


def probe(value: Any, name: str) -> Any:
    """The value itself, which ``activations`` and ``value_grad_and_probes`` see under this name.

    >>> probe(3.0, "three")
    3.0
    """
    if not isinstance(name, str):
        raise TypeError(f"a probe has a name, as in probe(y, 'y'); found {name!r}")
    collector = getattr(_STATE, "collector", None)
    if collector is None or current_trace() is None:
        return value
    return collector.meet(value, name)


def _run(fun: Callable[..., Any], args: Any, kwargs: Any, added: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
    with _collecting(_Collector(added)) as collector:
        result = call(fun)(*args, **kwargs)
    return result, dict(collector.found)


def activations(fun: Callable[..., Any]) -> Compiled:
    """A function that returns ``(result, probes)``, the values of all probes met by name.

    >>> import numpy as np
    >>> def f(x):
    ...     y = probe(3 * x, "y")
    ...     return np.sum(y**2)
    >>> activations(f)(np.ones(2))
    (np.float64(18.0), {'y': array([3., 3.])})
    """

    def both(*args: Any, **kwargs: Any) -> Any:
        return _run(fun, args, kwargs, None)

    return Compiled(_checked(fun, "activations"), both, f"activations_{_name(fun)}")


def value_grad_and_probes(fun: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Compiled:
    """A function that returns ``(value, gradients, probes)``; a probe is a pair of its value and its gradient.

    Parameters
    ----------
    fun : a function that returns one scalar and calls ``probe``.
    argnums : as for ``grad``.

    Raises NotImplementedError for a probe in a loop or branch that is known only at run time, ValueError for a name used twice.

    >>> import numpy as np
    >>> def f(x):
    ...     y = probe(3 * x, "y")
    ...     return np.sum(y**2)
    >>> value, gradient, probes = value_grad_and_probes(f)(np.ones(2))
    >>> value, gradient
    (np.float64(18.0), array([18., 18.]))
    >>> probes["y"]
    (array([3., 3.]), array([6., 6.]))
    """

    def all_three(*args: Any, **kwargs: Any) -> Any:
        zeros = _zeros(fun, args, kwargs)

        def with_added(added: dict[str, Any], *args: Any) -> Any:
            return _run(fun, args, kwargs, added)

        chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        numbers = tuple(k if k < 0 else k + 1 for k in chosen)
        (value, found), (by_probe, *by_argument) = value_and_grad(with_added, (0, *numbers), has_aux=True)(zeros, *args)
        probes = {name: (found[name], by_probe.get(name)) for name in found}
        return value, by_argument[0] if isinstance(argnums, int) else tuple(by_argument), probes

    return Compiled(_checked(fun, "value_grad_and_probes"), all_three, f"probes_{_name(fun)}")


def _zeros(fun: Callable[..., Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """Zeros of the shapes of all floating-point probes, found by running the function aside."""
    trace = active_trace()
    with trace.open_scope():
        _, found = _run(fun, args, kwargs, None)
        types = {name: (tracer.shape, tracer.dtype) for name, tracer in found.items() if _is_float(tracer)}
    import numpy as np

    return {name: call(np.zeros)(shape, dtype) for name, (shape, dtype) in types.items()}


def _is_float(value: Any) -> bool:
    return isinstance(value, Tracer) and value.dtype.kind == "f"
