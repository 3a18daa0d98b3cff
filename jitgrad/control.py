"""Control flow in explicit form, with JAX's signatures: for functions without source, and for those who prefer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compiled import Compiled
from .compiler.trace.context import current_trace


def _run(name: str, in_trace: Callable[..., Any], *args: Any) -> Any:
    """Run a construct in the trace under way, or compile it by itself."""
    if current_trace() is not None:
        return in_trace(*args)
    return Compiled(in_trace, in_trace, name)(*args)


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """``for i in range(lower, upper): value = body_fun(i, value)``, as one loop of the program.

    >>> fori_loop(0, 5, lambda i, total: total + i, 0)
    10
    """

    def loop(lower: Any, upper: Any, value: Any) -> Any:
        from .compiler.trace.calls import call
        from .compiler.trace.iterables import traced_range
        from .compiler.trace.operators import OPERATORS

        body = call(body_fun)
        return OPERATORS.for_(traced_range(lower, upper), lambda i, v: (body(i, v),), (value,), ("the loop's value",))[0]

    return _run("fori_loop", loop, lower, upper, init_val)


def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    """``while cond_fun(value): value = body_fun(value)``, as one loop of the program.

    >>> while_loop(lambda v: v < 100.0, lambda v: 2.0 * v, 1.0)
    128.0
    """

    def loop(value: Any) -> Any:
        from .compiler.trace.calls import call
        from .compiler.trace.operators import OPERATORS

        test, body = call(cond_fun), call(body_fun)
        return OPERATORS.while_(lambda v: test(v), lambda v: (body(v),), (value,), ("the loop's value",))[0]

    return _run("while_loop", loop, init_val)


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """``true_fun(*operands) if pred else false_fun(*operands)``; only the branch chosen is run.

    >>> cond(True, lambda x: x + 1, lambda x: x - 1, 3)
    4
    """

    def choose(pred: Any, *operands: Any) -> Any:
        from .compiler.trace.calls import call
        from .compiler.trace.operators import OPERATORS

        return OPERATORS.ifexp(pred, lambda: call(true_fun)(*operands), lambda: call(false_fun)(*operands))

    return _run("cond", choose, pred, *operands)


def scan(f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None) -> tuple[Any, Any]:
    """Carry a state along the first axis of ``xs`` and collect what each step gives.

    ``f(carry, x) -> (carry, y)``; returns ``(carry, ys)``, the ys stacked along a new first axis. ``xs`` and ``ys`` are pytrees; with
    ``xs=None`` there are ``length`` steps and x is None.

    >>> import numpy as np
    >>> scan(lambda total, x: (total + x, total), 0.0, np.arange(4.0))
    (np.float64(6.0), array([0., 0., 1., 3.]))
    """

    def run(init: Any, xs: Any) -> tuple[Any, Any]:
        from .scanning import scan_in_trace

        return scan_in_trace(f, init, xs, length)

    return _run("scan", run, init, xs)
