"""Control flow in explicit form, with JAX's signatures: for functions without source, and for those who prefer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compiled import Compiled
from .compiler.trace.state import current_trace
from .compiler.tree import map_leaves


def _run(name: str, in_trace: Callable[..., Any], *args: Any) -> Any:
    """Run a construct in the trace under way, or compile it by itself; either way the containers in its result are new."""
    if current_trace() is not None:
        return map_leaves(lambda leaf: leaf, in_trace(*args))
    return Compiled(in_trace, in_trace, name)(*args)


def checkpointed_range(*bounds: Any, segment: int | None = None) -> Any:
    """``range`` for a loop whose gradient needs little memory.

    Reverse mode keeps the state of the loop once per ``segment`` iterations (by default about the square root of their number) and
    runs each segment again on its way back. Outside of compiled functions it is ``range``.

    >>> from jitgrad import jit
    >>> @jit
    ... def f(x):
    ...     for _ in checkpointed_range(100):
    ...         x = 0.5 * (x + 2.0 / x)
    ...     return x
    >>> f(1.0)
    1.414213562373095
    """
    if current_trace() is None:
        return range(*bounds)
    import dataclasses

    from .compiler.trace.iterables import as_indexed, traced_range

    items = as_indexed(traced_range(*bounds))
    assert items is not None
    return dataclasses.replace(items, segment=_segment(segment or True))


def _segment(checkpoint: bool | int) -> int | None:
    """The option of a loop as the length of a segment: None for none, 0 for the square root."""
    if checkpoint is True or checkpoint is False:
        return 0 if checkpoint else None
    if checkpoint < 1:
        raise ValueError(f"checkpoint is True, False or the number of iterations per segment, found {checkpoint}")
    return int(checkpoint)


def fori_loop(
    lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any, *, checkpoint: bool | int = False
) -> Any:
    """``for i in range(lower, upper): value = body_fun(i, value)``, as one loop of the program.

    With ``checkpoint`` reverse mode keeps the value only once per segment of that many iterations (True: the square root of
    their number) and runs the segments again.

    >>> fori_loop(0, 5, lambda i, total: total + i, 0)
    10
    """

    def loop(lower: Any, upper: Any, value: Any) -> Any:
        from .compiler.trace.calls import call
        from .compiler.trace.iterables import as_indexed, traced_range
        from .compiler.trace.operators import OPERATORS

        body = call(body_fun)
        items = as_indexed(traced_range(lower, upper))
        assert items is not None
        items.segment = _segment(checkpoint)
        return OPERATORS.for_(items, lambda i, v: (body(i, v),), (value,), ("the loop's value",))[0]

    return _run("fori_loop", loop, lower, upper, init_val)


def while_loop(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any, *, checkpoint: bool | int = False
) -> Any:
    """``while cond_fun(value): value = body_fun(value)``, as one loop of the program.

    With ``checkpoint`` reverse mode keeps the value only once per segment of that many iterations (True: each segment is one
    iteration longer than the one before, which makes about as many segments as the last has iterations) and runs the segments again.

    >>> while_loop(lambda v: v < 100.0, lambda v: 2.0 * v, 1.0)
    128.0
    """

    def loop(value: Any) -> Any:
        from .compiler.trace.calls import call
        from .compiler.trace.operators import OPERATORS

        test, body = call(cond_fun), call(body_fun)
        parts = (lambda v: (body(v),), (value,), ("the loop's value",))
        segment = _segment(checkpoint)
        if segment is None:
            return OPERATORS.while_(lambda v: (test(v), v), *parts)[0]
        return OPERATORS.while_in_segments(test, *parts, segment)[0]

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


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None, *,
    checkpoint: bool | int = False,
) -> tuple[Any, Any]:  # fmt: skip
    """Carry a state along the first axis of ``xs`` and collect what each step gives.

    ``f(carry, x) -> (carry, y)``; returns ``(carry, ys)``, the ys stacked along a new first axis. ``xs`` and ``ys`` are pytrees; with
    ``xs=None`` there are ``length`` steps and x is None. ``checkpoint`` is as for ``fori_loop``.

    >>> import numpy as np
    >>> scan(lambda total, x: (total + x, total), 0.0, np.arange(4.0))
    (np.float64(6.0), array([0., 0., 1., 3.]))
    """

    def run(init: Any, xs: Any) -> tuple[Any, Any]:
        from .scanning import scan_in_trace

        return scan_in_trace(f, init, xs, length, _segment(checkpoint))

    return _run("scan", run, init, xs)
