"""The cheapest cut, and what backward regions get saved, passed or computed again."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.diff import vjp
from jitgrad.compiler.diff.mincut import cheapest_cut
from jitgrad.compiler.diff.trips import upper_bound
from jitgrad.compiler.ir import Function, StackType, parse
from jitgrad.compiler.ir.sizes import evaluate, parse_dim
from jitgrad.compiler.ops import interpret


def total(
    bought: set[str], prices: dict[str, int], costs: dict[str, int], edges: list[tuple[str, str]], sinks: list[str]
) -> float:
    """What it costs to have the sinks: to buy these, and to make what else is needed."""
    made: set[str] = set()
    pending = [v for v in sinks if v not in bought]
    while pending:
        v = pending.pop()
        if v not in made:
            made.add(v)
            pending += [a for a, b in edges if b == v and a not in bought]
    return sum(prices[v] for v in bought) + sum(costs.get(v, float("inf")) for v in made)


@pytest.mark.parametrize("seed", range(30))
def test_no_cut_is_cheaper(seed: int) -> None:
    """Against all subsets of small random graphs, in which nothing can be made of nothing."""
    rng = np.random.default_rng(seed)
    names = [f"v{k}" for k in range(7)]
    prices = {v: int(rng.integers(1, 6)) for v in names}
    edges = [(a, b) for a, b in itertools.combinations(names, 2) if rng.random() < 0.4]
    costs = {v: int(rng.integers(0, 4)) for v in names[2:]}
    sinks = names[-2:]
    cut = cheapest_cut(prices, costs, edges, sinks)
    subsets = itertools.chain.from_iterable(itertools.combinations(names, k) for k in range(8))
    assert total(cut, prices, costs, edges, sinks) == min(total(set(s), prices, costs, edges, sinks) for s in subsets)


def test_of_equal_cuts_the_nearest_to_the_sinks_is_taken() -> None:
    assert cheapest_cut({"a": 1, "b": 1}, {"b": 0}, [("a", "b")], ["b"]) == {"b"}


def test_what_takes_more_work_than_it_weighs_is_bought() -> None:
    edges = [("a", "b"), ("b", "c"), ("b", "d")]
    assert cheapest_cut({"a": 2, "b": 3, "c": 3, "d": 3}, {"b": 2, "c": 1, "d": 1}, edges, ["c", "d"]) == {"b"}


LOOP = """
fn f(x: f64[n], y: f64[n], w: f64[]) -> (f64[]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[] = loop %0 %1 x y w {step=1, consts=2}
    (fn body(i: i64[], x: f64[n], y: f64[n], s: f64[]) -> (f64[]) {
BODY
    })
  return %2
}
"""


def saved(body: str) -> list[str]:
    """The ops whose results the forward loop pushes, or the names of parameters that it pushes."""
    reverse = vjp(parse(LOOP.replace("BODY", body)), [0, 1, 2])
    forward = next(e for e in reverse.equations if e.op == "loop").regions[0]
    made_by = {r: e.op for e in forward.equations for r in e.results}
    return [made_by.get(e.operands[1], e.operands[1].name) for e in forward.equations if e.op == "push"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # linear: nothing
        ("%0: f64[] = index x i {spec=(None,)}\n%1: f64[] = add s %0\nreturn %1", []),
        # elements of constants are read again
        ("%0: f64[] = index x i {spec=(None,)}\n%1: f64[] = index y i {spec=(None,)}\n"
         "%2: f64[] = mul %0 %1\n%3: f64[] = add s %2\nreturn %3", []),
        # the carried value, from which all else follows
        ("%0: f64[] = square s\n%1: f64[] = mul %0 s\n%2: f64[] = abs %1\nreturn %2", ["s"]),
        # s, and the derivative of tanh: it follows from what s is at the end, with which the next iteration starts
        ("%0: f64[] = index x i {spec=(None,)}\n%1: f64[] = mul %0 s\n%2: f64[] = tanh %1\nreturn %2", ["s"]),
        # a comparison is a flag: one byte, not eight
        ("%0: f64[] = index x i {spec=(None,)}\n%1: bool[] = gt s %0\n%2: f64[] = select %1 s %0\n"
         "%3: f64[] = sin s\nreturn %2", ["gt"]),
        # the first sum, from which all else follows, though it takes many operations
        ("%0: f64[] = index x i {spec=(None,)}\n%1: f64[] = add s %0\n%2: f64[] = abs %1\n%3: f64[] = add %2 %0\n%4: f64[] = abs %3\n"
         "%5: f64[] = add %4 %0\n%6: f64[] = abs %5\n%7: f64[] = add %6 %0\n%8: f64[] = abs %7\n%9: f64[] = minimum %8 %0\n"
         "%10: f64[] = square %9\n%11: f64[] = maximum %9 %0\n%12: f64[] = mul %10 %11\nreturn %12", ["add"]),
    ],
)  # fmt: skip
def test_plan(body: str, expected: list[str]) -> None:
    assert saved(body) == expected


STACKED = {
    "ragged": """
fn ragged(x: f64[n]) -> (f64[]) {
  %0: i64[] = constant {value=START, dtype=i64}
  %1: i64[] = size {value=n}
  %2: f64[] = constant {value=0.5, dtype=f64}
  %3: f64[] = loop %0 %1 x %2 {step=STEP, consts=1}
    (fn outer(i: i64[], x: f64[n], s: f64[]) -> (f64[]) {
      bind_size i {symbol='k'}
      %0: i64[] = size {value=LOW}
      %1: i64[] = size {value=HIGH}
      %2: f64[] = loop %0 %1 x s {step=1, consts=1}
        (fn inner(j: i64[], x: f64[n], s: f64[]) -> (f64[]) {
          %0: f64[] = index x j {spec=(None,)}
          %1: f64[] = mul %0 s
          %2: f64[] = sin %1
          return %2
        })
      return %2
    })
  return %3
}
""",
}


@pytest.mark.parametrize(
    ("low", "high"), [("0", "k"), ("k", "n"), ("k + 1", "n"), ("0", "min(k + 2, n)"), ("max(0, k - 2)", "k")]
)
@pytest.mark.parametrize(("start", "step"), [("0", 1), ("1", 2)])
@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_stacks_have_room(low: str, high: str, start: str, step: int, size: int, check_derivatives: Any) -> None:
    """What is pushed fits into the capacity stated, whatever the inner loop's range."""
    text = STACKED["ragged"].replace("LOW", low).replace("HIGH", high).replace("START", start).replace("STEP", str(step))
    reverse = check_derivatives(parse(text), [np.linspace(0.2, 0.9, size)], [0], order=1)
    forward = next(e for e in reverse.equations if e.op == "loop")
    stacks = [v for v in forward.results if isinstance(v.type, StackType)]
    made = {e.result: e for e in reverse.equations if e.op == "stack_new"}
    rooms = [made[v]["capacity"] for v in forward.operands if v in made]
    values = interpret(Function("f", reverse.parameters, reverse.equations, tuple(stacks)), [np.linspace(0.2, 0.9, size), 1.0])
    for pushed, room in zip(values, rooms, strict=True):
        assert room is not None
        assert sum(part.size for part in pushed) <= evaluate(room, {"n": size})


@pytest.mark.parametrize(
    ("dim", "expected"),
    [
        ("n + k", "2*n - 1"),
        ("n - k", "n - 2"),
        ("k*n", "n*n - n"),
        ("n//2", "n//2"),
        ("max(0, n - k)", "max(0, n - 2)"),
        ("k//2", None),
    ],
)
def test_upper_bound(dim: str, expected: str | None) -> None:
    """With k from 2 to n - 1."""
    bounds = {"k": (2, parse_dim("n - 1"))}
    found = upper_bound(parse_dim(dim), bounds)
    assert found == (None if expected is None else parse_dim(expected))
