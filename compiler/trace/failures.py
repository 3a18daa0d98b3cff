"""Where the first failure of a run is: in go equations that may fail, out come ones that tell where, and that never fail themselves.

A check that has a ``site`` fails where its operand is false, and nothing after it is done:

    check %1 {site=1}               %4: i64[] = cond %1 %x
    %2: f64[n] = exp %x               then: %2: f64[n] = exp %x
    %3: bool[] = ...                        %3: bool[] = ...
    check %3 {site=2}                       %5: i64[] = select %3 0 2
                                            return %5
                                      orelse: return 1

A loop is left where an iteration fails. Further operands of a check, integers, are told as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..ir import ArrayType, Equation, Function, Var
from ..ir.types import I64
from .blocks import close
from .branches import emit_cond
from .context import Scope, active_trace
from .elementwise import elementwise
from .promotion import as_tracer
from .tracer import Tracer, new

ELSEWHERE = -1
"""The site of a check that is looked after by others."""

Environment = dict[Var, Var]


def sites_in(equations: Iterable[Equation]) -> set[int]:
    """The sites of the checks in some equations."""
    return {inner["site"] for equation in equations for inner in equation.walk() if _is_exit(inner)}


def first_failure(scope: Scope, width: int) -> list[Tracer]:
    """The site of the first check that fails in a closed scope, 0 for none, and so many integers that the check has."""
    environment = {inner: outer for outer, inner in scope.captured.items()}
    return [new(var, weak=True) for var in _Failures(width).run(scope.builder.equations, environment, ())]


def _is_exit(equation: Equation) -> bool:
    return equation.op == "check" and equation.get("site") is not None


def _has_exits(equation: Equation) -> bool:
    return any(map(_is_exit, equation.walk()))


@dataclass(frozen=True, slots=True)
class _Failures:
    """Copies equations into the scope that is open; after its results each block gives its status: the site of a failure and its integers."""

    width: int

    def none(self) -> list[Var]:
        """The status of what has not failed."""
        return [as_tracer(0).value] * (1 + self.width)

    def run(
        self, equations: Sequence[Equation], environment: Environment, results: Sequence[Var], spare: Sequence[Var] = ()
    ) -> list[Var]:
        """Some equations, up to a failure; where there is one the results are zeros, or the spare ones."""
        for k, equation in enumerate(equations):
            if not _has_exits(equation):
                _copy(equation, environment)
                continue
            test, status = self.status(equation, environment)
            rest = equations[k + 1 :]
            if not results and not any(map(_has_exits, rest)):
                return [elementwise("select", new(test), 0, new(each)).value for each in status]

            def failed(status: list[Var] = status) -> list[Var]:
                return [*(spare or map(active_trace().scope.builder.zeros, (v.type for v in results))), *status]

            return _either(test, lambda: self.run(rest, environment, results, spare), failed)  # noqa: B023
        return [*(environment[v] for v in results), *self.none()]

    def status(self, equation: Equation, environment: Environment) -> tuple[Var, list[Var]]:
        """Whether an equation has not failed, and its status where it has; its results are in the environment."""
        if equation.op == "check":
            test, *numbers = (environment[v] for v in equation.operands)
            return test, [as_tracer(equation["site"]).value, *numbers, *self.none()[1 + len(numbers) :]]
        match equation.op:
            case "cond":
                found = self.cond(equation, environment)
            case "loop":
                found = self.loop(equation, environment)
            case _:  # a function, with or without a derivative of its own
                region = equation.regions[0]
                inside = dict(zip(region.parameters, (environment[v] for v in equation.operands), strict=True))
                found = self.run(region.equations, inside, region.results)
        count = len(equation.results)
        environment.update(zip(equation.results, found[:count], strict=True))
        return _is_zero(found[count]), found[count:]

    def cond(self, equation: Equation, environment: Environment) -> list[Var]:
        """A branch."""
        test, *arguments = (environment[v] for v in equation.operands)

        def taken(region: Function) -> Callable[[], list[Var]]:
            inside = dict(zip(region.parameters, arguments, strict=True))
            return lambda: self.run(region.equations, inside, region.results)

        return _either(test, *map(taken, equation.regions))

    def loop(self, equation: Equation, environment: Environment) -> list[Var]:
        """A loop. A test that may fail is made before the loop and at the end of the body, where it is carried."""
        start, stop, *operands = (environment[v] for v in equation.operands)
        count = equation["consts"]
        body, *tests = equation.regions
        step = equation["step"]
        fails_in_test = bool(sites_in(tests[0].equations)) if tests else False

        def run(region: Function, index: Var, carried: Sequence[Var], spare: Sequence[Var] = ()) -> list[Var]:
            inside = dict(zip(region.parameters, (index, *operands[:count], *carried), strict=True))
            return self.run(region.equations, inside, region.results, spare)

        def tested(index: Var, carried: Sequence[Var]) -> list[Var]:
            return run(tests[0], index, carried) if fails_in_test else [as_tracer(True).value, *self.none()]

        def iterate(index: Var, carried: list[Var]) -> list[Var]:
            own = carried[: -2 - self.width]
            *after, code = (outcome := run(body, index, own, own))[: len(own) + 1]
            following = elementwise("add", new(index), step).value

            def stopped() -> list[Var]:
                return [as_tracer(True).value, *outcome[len(own) :]]

            last = _either(_is_zero(code), lambda: tested(following, after), stopped) if fails_in_test else stopped()
            return [*after, *last]

        def goes_on(index: Var, carried: list[Var]) -> list[Var]:
            *own, going, code = carried[: len(carried) - self.width]
            going = elementwise("and", new(going), new(_is_zero(code))).value
            if not tests or fails_in_test:
                return [going]
            return _either(going, lambda: run(tests[0], index, own)[:1], lambda: [as_tracer(False).value])

        initial = operands[count:]
        trips, *after = _emit_loop(start, stop, step, [*initial, *tested(start, initial)], iterate, goes_on)
        found = [trips, *after] if tests else after
        del found[len(equation.results)]  # whether the loop goes on
        return found


def _emit_loop(
    start: Var, stop: Var, step: int, initial: list[Var], body: Callable[[Var, list[Var]], list[Var]],
    test: Callable[[Var, list[Var]], list[Var]],
) -> list[Var]:  # fmt: skip
    """A loop with a test; the number of its iterations, and what it carries."""
    trace = active_trace()
    traced = []
    for block in (body, test):
        with trace.open_scope() as scope:
            scope.is_repeated = True
            index, *carried = (scope.builder.parameter("s", v_type) for v_type in (ArrayType(I64), *(v.type for v in initial)))
            results = [scope.resolve(v) for v in block(index, carried)]
        traced.append((scope, [index, *carried], results))
    captured = list(dict.fromkeys(var for scope, _, _ in traced for var in scope.captured))
    regions = tuple(
        close(scope, name, (index, *(scope.resolve(var) for var in captured), *carried), results)
        for name, (scope, (index, *carried), results) in zip(("body", "test"), traced, strict=True)
    )
    return list(trace.emit("loop", start, stop, *captured, *initial, regions=regions, step=step, consts=len(captured)))


def _copy(equation: Equation, environment: Environment) -> None:
    """The equation in the scope that is open."""
    scope = active_trace().scope
    local = {v: scope.resolve(environment[v]) for v in equation.operands}
    environment.update(zip(equation.results, scope.builder.copy(equation, local), strict=True))


def _either(test: Var, then: Callable[[], list[Var]], orelse: Callable[[], list[Var]]) -> list[Var]:
    """What one of two blocks gives, as a test says."""
    regions = []
    for block in (then, orelse):
        with active_trace().open_scope() as scope:
            results = [scope.resolve(v) for v in block()]
        regions.append((scope, results))
    return list(emit_cond(new(test), regions))


def _is_zero(code: Var) -> Var:
    return elementwise("eq", new(code), 0).value


__all__ = ["ELSEWHERE", "first_failure", "sites_in"]
