"""Programs that nobody wrote: forward and reverse mode agree, to second order, whatever ops and loops are strung together."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jitgrad.compiler.diff import jvp, vjp
from jitgrad.compiler.ir import ArrayType, Function, Var, symbol
from jitgrad.compiler.ir.types import BOOL, F64, I64
from jitgrad.compiler.ops import Builder, interpret, verify

SIZE = 3
VECTOR = ArrayType(F64, (symbol("n"),))
SCALAR = ArrayType(F64)
INDEX = ArrayType(I64)

UNARY = ["neg", "sin", "tanh", "square", "abs", "logistic", "arctan"]
BINARY = ["add", "sub", "mul", "maximum", "hypot"]


class Draw:
    """Strings random equations together; every choice is Hypothesis's."""

    def __init__(self, data: st.DataObject, b: Builder, depth: int) -> None:
        self.data = data
        self.b = b
        self.depth = depth

    def choose(self, options: Any) -> Any:
        return self.data.draw(st.sampled_from(options))

    def pick(self, pool: list[Var], type: Any) -> Var:
        return self.choose([v for v in pool if v.type == type])

    def steps(self, pool: list[Var], count: int) -> list[Var]:
        """Some more equations; returns all variables there are."""
        kinds = ["unary", "binary", "read", "write", "add_to", "sum", "spread", "select", "dot"]
        kinds += ["loop", "while", "cond"] if self.depth else []
        for _ in range(count):
            pool += getattr(self, self.choose(kinds))(pool)
        return pool

    def unary(self, pool: list[Var]) -> list[Var]:
        return [self.b.emit(self.choose(UNARY), self.pick(pool, self.choose([VECTOR, SCALAR])))]

    def binary(self, pool: list[Var]) -> list[Var]:
        type = self.choose([VECTOR, SCALAR])
        return [self.b.emit(self.choose(BINARY), self.pick(pool, type), self.pick(pool, type))]

    def read(self, pool: list[Var]) -> list[Var]:
        return [self.b.index(self.pick(pool, VECTOR), (None,), self.pick(pool, INDEX))]

    def write(self, pool: list[Var]) -> list[Var]:
        return [self.b.emit("update", self.pick(pool, VECTOR), self.pick(pool, SCALAR), self.pick(pool, INDEX), spec=(None,))]

    def add_to(self, pool: list[Var]) -> list[Var]:
        x, i = self.pick(pool, VECTOR), self.pick(pool, INDEX)
        total = self.b.add(self.b.index(x, (None,), i), self.pick(pool, SCALAR))
        return [self.b.emit("update", x, total, i, spec=(None,))]

    def sum(self, pool: list[Var]) -> list[Var]:
        return [self.b.emit("sin", self.b.sum(self.pick(pool, VECTOR), (0,)))]

    def spread(self, pool: list[Var]) -> list[Var]:
        return [self.b.broadcast(self.pick(pool, SCALAR), (), VECTOR.shape)]

    def dot(self, pool: list[Var]) -> list[Var]:
        x, y = self.pick(pool, VECTOR), self.pick(pool, VECTOR)
        return [self.b.emit("tanh", self.b.emit("dot", x, y, contract=((0,), (0,)), batch=((), ())))]

    def test(self, pool: list[Var]) -> Var:
        return self.b.emit("gt", self.pick(pool, SCALAR), self.pick(pool, SCALAR))

    def select(self, pool: list[Var]) -> list[Var]:
        return [self.b.select(self.test(pool), self.pick(pool, SCALAR), self.pick(pool, SCALAR))]

    def number(self, value: int) -> Var:
        return self.b.emit("constant", value=value, dtype=I64)

    def loop(self, pool: list[Var], test: bool = False) -> list[Var]:
        constants = [self.pick(pool, t) for t in (VECTOR, SCALAR, INDEX)]
        carried = [self.pick(pool, t) for t in self.choose([(VECTOR,), (SCALAR,), (VECTOR, SCALAR), (VECTOR, VECTOR)])]
        start, stop, step = self.choose([(0, SIZE, 1), (SIZE - 1, -1, -1), (0, SIZE, 2), (1, 1, 1)])
        regions = [self.body([*constants, *carried], carried)]
        if test:
            regions.append(self.body([*constants, *carried], None))
        results = self.b.emit(
            "loop", self.number(start), self.number(stop), *constants, *carried,
            regions=regions, step=step, consts=len(constants),
        )  # fmt: skip
        results = results if isinstance(results, tuple) else (results,)
        return [r for r in results if r.type in (VECTOR, SCALAR)]

    def body(self, operands: list[Var], carried: list[Var] | None) -> Function:
        """A loop's body, or its test."""
        inner = Draw(self.data, Builder(), self.depth - 1)
        parameters = [inner.b.parameter("i", INDEX)]
        parameters += [inner.b.parameter(f"p{k}", v.type) for k, v in enumerate(operands)]
        if carried is None:
            return inner.b.finish("test", [inner.test([*parameters, inner.b.constant(0.2, SCALAR)])])
        pool = inner.steps([*parameters, inner.b.constant(0.7, SCALAR)], self.data.draw(st.integers(1, 4)))
        return inner.b.finish("body", [inner.pick(pool[len(parameters) - len(carried) :] + pool, v.type) for v in carried])

    def while_(self, pool: list[Var]) -> list[Var]:
        return self.loop(pool, test=True)

    def cond(self, pool: list[Var]) -> list[Var]:
        operands = [self.pick(pool, t) for t in (VECTOR, SCALAR, SCALAR, INDEX)]
        results = self.choose([(VECTOR,), (SCALAR,), (VECTOR, SCALAR)])
        regions = [self.branch(name, operands, results) for name in ("then", "orelse")]
        found = self.b.emit("cond", self.test(pool), *operands, regions=regions)
        return list(found) if isinstance(found, tuple) else [found]

    def branch(self, name: str, operands: list[Var], results: Any) -> Function:
        inner = Draw(self.data, Builder(), self.depth - 1)
        parameters = [inner.b.parameter(f"p{k}", v.type) for k, v in enumerate(operands)]
        pool = inner.steps(parameters, self.data.draw(st.integers(0, 3)))
        return inner.b.finish(name, [inner.pick(pool, t) for t in results])


setattr(Draw, "while", Draw.while_)


def random_function(data: st.DataObject, depth: int) -> Function:
    b = Builder()
    parameters = [b.parameter("x", VECTOR), b.parameter("y", VECTOR), b.parameter("s", SCALAR)]
    draw = Draw(data, b, depth)
    pool = draw.steps([*parameters, draw.number(1)], data.draw(st.integers(1, 6)))
    results = [v for v in pool[4:] if v.type.dtype != BOOL][-2:] or parameters[:1]
    return verify(b.finish("random", results))


def check_dot_product(function: Function, arguments: list[np.ndarray], wrt: list[int], order: int) -> None:
    """<ct, J t> by forward mode is <J' ct, t> by reverse mode; again for both derivatives."""
    rng = np.random.default_rng(order)
    forward, reverse = verify(jvp(function, wrt), "jvp"), verify(vjp(function, wrt), "vjp")
    count = len(function.results)
    values = interpret(function, arguments)
    tangents = [rng.standard_normal(arguments[k].shape) for k in wrt]
    cotangents = [rng.standard_normal(v.shape) for v in values]
    pushed, pulled = interpret(forward, [*arguments, *tangents]), interpret(reverse, [*arguments, *cotangents])
    for first, second, value in zip(pushed, pulled, values, strict=False):
        np.testing.assert_array_equal(first, value)
        np.testing.assert_array_equal(second, value)
    left = [np.vdot(ct, t) for ct, t in zip(cotangents, pushed[count:], strict=True)]
    right = [np.vdot(ct, t) for ct, t in zip(tangents, pulled[count:], strict=True)]
    scale = max(1.0, *np.abs(left), *np.abs(right))
    assert abs(sum(left) - sum(right)) <= 1e-9 * scale
    if order > 1:
        check_dot_product(forward, [*arguments, *tangents], wrt, order - 1)
        check_dot_product(reverse, [*arguments, *cotangents], wrt, order - 1)


ARGUMENTS = [np.array([0.3, -1.1, 0.8]), np.array([1.4, 0.2, -0.6]), np.array(0.9)]
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@QUICK
@given(st.data())
def test_straight_programs(data: st.DataObject) -> None:
    function = random_function(data, 0)
    check_dot_product(function, ARGUMENTS, data.draw(st.sampled_from([[0], [0, 1, 2], [1, 2]])), 3)


@QUICK
@given(st.data())
def test_programs_with_loops_and_branches(data: st.DataObject) -> None:
    function = random_function(data, 2)
    check_dot_product(function, ARGUMENTS, data.draw(st.sampled_from([[0], [0, 1, 2], [2]])), 2)
