"""Room on stacks: how many numbers a region pushes, where that can be known before it runs."""

from jitgrad.compiler.ir import parse, symbol
from jitgrad.compiler.lower.capacity import pushes
from jitgrad.compiler.lower.lowering import lower
from jitgrad.compiler.lower.program import For, NewStack, Reserve

BRANCHES = """fn f(c: bool[], n: i64[], x: f64[], s: stack<f64>) -> (stack<f64>) {
  %0: stack<f64> = cond c c n x s
    (fn then(c: bool[], n: i64[], x: f64[], s: stack<f64>) -> (stack<f64>) {
      %0: stack<f64> = push s x
      return %0
    })
    (fn orelse(c: bool[], n: i64[], x: f64[], s: stack<f64>) -> (stack<f64>) {
      %0: i64[] = constant {value=0, dtype=i64}
      %1: stack<f64> = loop %0 n x s {step=1, consts=1}
        (fn body(i: i64[], x: f64[], s: stack<f64>) -> (stack<f64>) {
          %0: stack<f64> = push s x
          %1: stack<f64> = push %0 x
          return %1
        })
      return %1
    })
  return %0
}
"""


def room(text: str, known: dict) -> object:
    function = parse(text)
    by_name = {p.name: p for p in function.parameters}
    return pushes(function, by_name["s"], {by_name[name]: dim for name, dim in known.items()})


def test_the_longer_branch_decides() -> None:
    assert room(BRANCHES, {"n": 4}) == 8
    assert room(BRANCHES, {"n": 0}) == 1


def test_a_size_stays_a_symbol() -> None:
    found = room(BRANCHES, {"n": symbol("n")})
    assert [found.evaluate({"n": n}) for n in (0, 1, 5)] == [1, 2, 10]  # type: ignore[attr-defined]


def test_an_unknown_count_inside_branches_is_unknown() -> None:
    """The stack is followed through a branch even where nobody can say how much it pushes."""
    assert room(BRANCHES, {}) is None
    inner = BRANCHES.removeprefix("fn f").replace("\n", "\n  ").rstrip()
    nested = f"""fn g(c: bool[], n: i64[], x: f64[], s: stack<f64>) -> (stack<f64>) {{
  %0: stack<f64> = cond c c n x s
    (fn then{inner})
    (fn orelse(c: bool[], n: i64[], x: f64[], s: stack<f64>) -> (stack<f64>) {{
      return s
    }})
  return %0
}}
"""
    assert room(nested, {}) is None
    assert room(nested, {"n": 3}) == 6


EARLY = """fn f(x: f64[], n: i64[]) -> (stack<f64>) {{
  %0: i64[] = constant {{value=0, dtype=i64}}
  %1: i64[] = constant {{value={most}, dtype=i64}}
  %2: stack<f64> = stack_new {{dtype=f64, capacity=None}}
  %3: i64[], %4: f64[], %5: stack<f64> = loop %0 {stop} x %2 {{step=1, consts=0}}
    (fn body(i: i64[], y: f64[], s: stack<f64>) -> (f64[], stack<f64>) {{
      %0: stack<f64> = push s y
      %1: f64[] = sin y
      return %1, %0
    }})
    (fn test(i: i64[], y: f64[], s: stack<f64>) -> (bool[]) {{
      %0: f64[] = constant {{value=0.1, dtype=f64}}
      %1: bool[] = gt y %0
      return %1
    }})
  return %5
}}
"""


def test_room_ahead_for_a_loop_that_may_end_early_if_it_is_little() -> None:
    for stop, most, ahead in (("%1", 50, True), ("%1", 2000, False), ("n", 50, False)):
        *before, last = lower(parse(EARLY.format(stop=stop, most=most))).body
        assert isinstance(last, For)
        assert [s.capacity for s in before if isinstance(s, NewStack)] == [most if ahead else None]
        assert any(isinstance(s, Reserve) for s in last.body) != ahead
