"""Integer arguments whose numbers Python needs while a function is traced, as in ``np.sum(x, axis)``.

In: a value that Python asked for and that only the run knows. If it is computed from integer arguments alone, these are noted, and
the function is traced again with them as parts of the program (``trace``).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ir import Dim, Equation, Size, Var
from ..ir.sizes import symbols
from .context import Scope, Trace, active_trace


def note_needed(value: Var | Dim) -> None:
    """Python needs a value, or the number that a dim is, now."""
    trace = active_trace()
    if trace.integers:
        trace.needed |= _integers_behind(value, trace) or set()


def _integers_behind(value: Var | Dim, trace: Trace) -> set[int] | None:
    """The leaves of the integer arguments that a value is computed from; None if it depends on anything else that varies."""
    defined: dict[str, Equation | Var] = {}
    bound: dict[str, Var] = {}
    for scope in _scopes(trace):
        for equation in scope.builder.equations:
            defined.update((result.name, equation) for result in equation.results)
            if equation.op == "bind_size":
                bound[equation["symbol"]] = equation.operands[0]
        defined.update((inside.name, outside) for outside, inside in scope.captured.items())
    found: set[int] = set()
    seen: set[str] = set()
    waiting: list[Var | Dim] = [value]
    while waiting:
        latest = waiting.pop()
        if isinstance(latest, Var):
            if latest.name in trace.integers:
                found.add(trace.integers[latest.name])
            elif latest.name not in seen:
                seen.add(latest.name)
                before = defined.get(latest.name)
                if before is None:
                    return None
                waiting += _operands(before) if isinstance(before, Equation) else [before]
        else:
            computed = symbols(latest) - trace.sizing.hints.keys()
            if not computed <= bound.keys():
                return None
            waiting += [bound[name] for name in computed]
    return found


def _scopes(trace: Trace) -> Iterator[Scope]:
    scope: Scope | None = trace.scope
    while scope is not None:
        yield scope
        scope = scope.parent


def _operands(equation: Equation) -> list[Var | Dim]:
    return [*equation.operands, *(value for _, value in equation.attributes if isinstance(value, Size))]
