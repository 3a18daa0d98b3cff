"""Loops, branches, stacks and in-place writes: the emitted module, run as plain Python, against the interpreter."""

import numpy as np
import pytest
from jitgrad.compiler.emit.cpu import emit_cpu
from jitgrad.compiler.errors import LoweringError
from jitgrad.compiler.ir import parse

SEIDEL = """fn f(u: f64[n, m], sweeps: i64[]) -> (f64[n, m]) {
  %0: i64[] = constant {value=0, dtype=i64}
  %1: i64[] = constant {value=1, dtype=i64}
  %2: i64[] = size {value=n - 1}
  %3: i64[] = size {value=m - 1}
  %4: f64[n, m] = loop %0 sweeps %1 %2 %3 u {step=1, consts=3}
    (fn sweep(s: i64[], one: i64[], rows: i64[], columns: i64[], u: f64[n, m]) -> (f64[n, m]) {
      %0: f64[n, m] = loop one rows one columns u {step=1, consts=2}
        (fn row(i: i64[], one: i64[], columns: i64[], u: f64[n, m]) -> (f64[n, m]) {
          %0: f64[n, m] = loop one columns i one u {step=1, consts=2}
            (fn cell(j: i64[], i: i64[], one: i64[], u: f64[n, m]) -> (f64[n, m]) {
              %0: i64[] = sub i one
              %1: f64[] = index u %0 j {spec=(None, None)}
              %2: i64[] = add i one
              %3: f64[] = index u %2 j {spec=(None, None)}
              %4: f64[] = add %1 %3
              %5: i64[] = sub j one
              %6: f64[] = index u i %5 {spec=(None, None)}
              %7: f64[] = add %4 %6
              %8: i64[] = add j one
              %9: f64[] = index u i %8 {spec=(None, None)}
              %10: f64[] = add %7 %9
              %11: f64[] = constant {value=0.25, dtype=f64}
              %12: f64[] = mul %11 %10
              %13: f64[n, m] = update u %12 i j {spec=(None, None)}
              return %13
            })
          return %0
        })
      return %0
    })
  return %4
}
"""

PROGRAMS = {
    "an argument is copied once": (SEIDEL, lambda rng: [rng.normal(size=(5, 6)), 3]),
    "no iteration": (SEIDEL, lambda rng: [rng.normal(size=(5, 6)), 0]),
    "swapped buffers": (
        """fn f(x: f64[n], y: f64[n], steps: i64[]) -> (f64[n], f64[n]) {
          %0: i64[] = constant {value=0, dtype=i64}
          %1: f64[n], %2: f64[n] = loop %0 steps x y {step=1, consts=0}
            (fn body(i: i64[], a: f64[n], b: f64[n]) -> (f64[n], f64[n]) {
              %0: f64[] = convert i {dtype=f64}
              %1: f64[n] = index_add a %0 {spec=(0,)}
              return b, %1
            })
          return %1, %2
        }""",
        lambda rng: [rng.normal(size=4), rng.normal(size=4), 3],
    ),
    "new arrays in every iteration": (
        """fn f(x: f64[n], steps: i64[]) -> (f64[n], f64[], i64[]) {
          %0: i64[] = constant {value=0, dtype=i64}
          %1: f64[] = constant {value=0.0, dtype=f64}
          %2: f64[n], %3: f64[], %4: i64[] = loop %0 steps x %1 %0 {step=1, consts=0}
            (fn body(i: i64[], a: f64[n], s: f64[], k: i64[]) -> (f64[n], f64[], i64[]) {
              %0: f64[n] = mul a a
              %1: f64[n] = sin %0
              %2: f64[] = sum %1 {axes=(0,)}
              %3: f64[] = add s %2
              %4: i64[] = add k i
              return %1, %3, %4
            })
          return %2, %3, %4
        }""",
        lambda rng: [rng.normal(size=4), 3],
    ),
    "a test and a count": (
        """fn f(x: f64[n], limit: f64[]) -> (i64[], f64[n]) {
          %0: i64[] = constant {value=0, dtype=i64}
          %1: i64[] = constant {value=9223372036854775807, dtype=i64}
          %2: i64[], %3: f64[n] = loop %0 %1 limit x {step=1, consts=1}
            (fn body(i: i64[], limit: f64[], a: f64[n]) -> (f64[n]) {
              %0: f64[n] = add a a
              return %0
            })
            (fn test(i: i64[], limit: f64[], a: f64[n]) -> (bool[]) {
              %0: f64[] = index a {spec=(0,)}
              %1: bool[] = lt %0 limit
              return %1
            })
          return %2, %3
        }""",
        lambda rng: [np.array([1.0, 2.0]), 10.0],
    ),
    "backwards": (
        """fn f(x: f64[n]) -> (f64[n]) {
          %0: i64[] = size {value=n - 1}
          %1: i64[] = constant {value=-1, dtype=i64}
          %2: f64[n] = loop %0 %1 x {step=-2, consts=0}
            (fn body(i: i64[], a: f64[n]) -> (f64[n]) {
              %0: f64[] = index a i {spec=(None,)}
              %1: f64[n] = index_add a %0 i {spec=(None,)}
              return %1
            })
          return %2
        }""",
        lambda rng: [rng.normal(size=5)],
    ),
    "branches in place": (
        """fn f(x: f64[n], limit: f64[]) -> (f64[n]) {
          %0: i64[] = constant {value=0, dtype=i64}
          %1: i64[] = size {value=n}
          %2: f64[n] = loop %0 %1 limit x {step=1, consts=1}
            (fn body(i: i64[], limit: f64[], a: f64[n]) -> (f64[n]) {
              %0: f64[] = index a i {spec=(None,)}
              %1: bool[] = gt %0 limit
              %2: f64[n] = cond %1 i limit a
                (fn then(i: i64[], limit: f64[], a: f64[n]) -> (f64[n]) {
                  %0: f64[n] = update a limit i {spec=(None,)}
                  return %0
                })
                (fn orelse(i: i64[], limit: f64[], a: f64[n]) -> (f64[n]) {
                  return a
                })
              return %2
            })
          return %2
        }""",
        lambda rng: [rng.normal(size=5), 0.1],
    ),
    "branches that make arrays": (
        """fn f(x: f64[n], y: f64[n], c: bool[]) -> (f64[n], f64[], f64[n]) {
          %0: f64[n], %1: f64[] = cond c x y
            (fn then(x: f64[n], y: f64[n]) -> (f64[n], f64[]) {
              %0: f64[n] = add x y
              %1: f64[] = sum %0 {axes=(0,)}
              return %0, %1
            })
            (fn orelse(x: f64[n], y: f64[n]) -> (f64[n], f64[]) {
              %0: f64[] = index y {spec=(1,)}
              return x, %0
            })
          return %0, %1, x
        }""",
        lambda rng: [rng.normal(size=5), rng.normal(size=5), False],
    ),
    "a row outlives its array": (
        """fn f(x: f64[n, m]) -> (f64[n, m], f64[m]) {
          %0: f64[m] = index x {spec=(0, (0, m, 1))}
          %1: f64[] = constant {value=7.0, dtype=f64}
          %2: f64[n, m] = copy x
          %3: f64[m] = index %2 {spec=(1, (0, m, 1))}
          %4: f64[n, m] = update %2 %1 {spec=(1, 0)}
          %5: f64[m] = add %3 %0
          return %4, %5
        }""",
        lambda rng: [rng.normal(size=(2, 3))],
    ),
    "stacks of numbers and arrays": (
        """fn f(x: f64[n], steps: i64[]) -> (f64[n], f64[]) {
          %0: i64[] = constant {value=0, dtype=i64}
          %1: f64[] = constant {value=0.0, dtype=f64}
          %2: stack<f64> = stack_new {dtype=f64, capacity=None}
          %3: stack<f64> = stack_new {dtype=f64, capacity=n}
          %4: stack<f64>, %5: stack<f64>, %6: f64[n] = loop %0 steps %2 %3 x {step=1, consts=0}
            (fn body(i: i64[], s: stack<f64>, t: stack<f64>, a: f64[n]) -> (stack<f64>, stack<f64>, f64[n]) {
              %0: stack<f64> = push s a
              %1: f64[] = index a {spec=(0,)}
              %2: stack<f64> = push t %1
              %3: f64[n] = cos a
              return %0, %2, %3
            })
          %7: stack<f64>, %8: stack<f64>, %9: f64[n], %10: f64[] = loop %0 steps %4 %5 %6 %1 {step=1, consts=0}
            (fn back(i: i64[], s: stack<f64>, t: stack<f64>, a: f64[n], b: f64[]) -> (stack<f64>, stack<f64>, f64[n], f64[]) {
              %0: stack<f64>, %1: f64[n] = pop s {shape=(n,)}
              %2: stack<f64>, %3: f64[] = pop t {shape=()}
              %4: f64[n] = mul a %1
              %5: f64[] = sub %3 b
              return %0, %2, %4, %5
            })
          return %9, %10
        }""",
        lambda rng: [rng.normal(size=5), 4],
    ),
    "an array off a stack is returned": (
        """fn f(x: f64[n, m]) -> (f64[n, m], f64[n, m]) {
          %0: stack<f64> = stack_new {dtype=f64, capacity=None}
          %1: f64[n, m] = cos x
          %2: stack<f64> = push %0 x
          %3: stack<f64> = push %2 %1
          %4: stack<f64>, %5: f64[n, m] = pop %3 {shape=(n, m)}
          %6: stack<f64>, %7: f64[n, m] = pop %4 {shape=(n, m)}
          %8: f64[n, m] = add %7 %1
          return %5, %8
        }""",
        lambda rng: [rng.normal(size=(2, 3))],
    ),
    "an array off a stack is carried": (
        """fn f(x: f64[n], steps: i64[]) -> (f64[n], f64[n]) {
          %0: i64[] = constant {value=0, dtype=i64}
          %1: stack<f64> = stack_new {dtype=f64, capacity=None}
          %2: stack<f64>, %3: f64[n] = loop %0 steps %1 x {step=1, consts=0}
            (fn body(i: i64[], s: stack<f64>, a: f64[n]) -> (stack<f64>, f64[n]) {
              %0: stack<f64> = push s a
              %1: f64[n] = cos a
              return %0, %1
            })
          %4: stack<f64>, %5: f64[n], %6: f64[n] = loop %0 steps %2 %3 %3 {step=1, consts=0}
            (fn back(i: i64[], s: stack<f64>, a: f64[n], b: f64[n]) -> (stack<f64>, f64[n], f64[n]) {
              %0: stack<f64>, %1: f64[n] = pop s {shape=(n,)}
              return %0, b, %1
            })
          return %5, %6
        }""",
        lambda rng: [rng.normal(size=5), 3],
    ),
    "a part of a row": (
        """fn f(x: f64[n, m], i: i64[], v: f64[]) -> (f64[], f64[n, m], f64[m - 1]) {
          %0: f64[m - 1] = index x i {spec=(None, (1, m - 1, 1))}
          %1: f64[] = dot %0 %0 {contract=((0,), (0,)), batch=((), ())}
          %2: f64[n, m] = update x v {spec=(1, 2)}
          return %1, %2, %0
        }""",
        lambda rng: [rng.normal(size=(3, 4)), 1, 5.0],
    ),
    "parts joined, rolled and moved": (
        """fn f(x: f64[n, m], k: i64[]) -> (f64[n, m], f64[n, m]) {
          %0: f64[1, m] = index x {spec=((n - 1, 1, 1), (0, m, 1))}
          %1: f64[n - 1, m] = index x {spec=((0, n - 1, 1), (0, m, 1))}
          %2: f64[n, m] = concatenate %0 %1 {axis=0}
          %3: f64[n, m - 1] = index %2 {spec=((n - 1, n, -1), (1, m - 1, 1))}
          %4: f64[n, 1] = index %2 {spec=((0, n, 1), (0, 1, 1))}
          %5: f64[n, m] = concatenate %3 %4 {axis=1}
          %6: f64[m] = index %5 k {spec=(None, (0, m, 1))}
          %7: f64[n, m] = index_add %2 %6 {spec=(0, (0, m, 1))}
          return %5, %7
        }""",
        lambda rng: [rng.normal(size=(3, 4)), 1],
    ),
    "sizes found while running": (
        """fn f(x: f64[n], k: i64[]) -> (f64[q]) {
          bind_size k {symbol='q'}
          %0: f64[q] = iota {size=q, dtype=f64}
          return %0
        }""",
        lambda rng: [rng.normal(size=3), 4],
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_with_regions(check, name):
    text, arguments = PROGRAMS[name]
    check(text, *arguments(np.random.default_rng(0)))


def test_cells_of_nested_loops_are_written_in_place(check):
    rng = np.random.default_rng(0)
    source = check(SEIDEL, rng.normal(size=(4, 4)), 2).source
    assert source.count(" = empty(") == 1
    assert "[j, k] = 0.25 * (" in source


def test_a_part_of_a_row_is_not_copied(check):
    text, arguments = PROGRAMS["a part of a row"]
    assert "within(x, i*m + 1, m - 1)" in check(text, *arguments(np.random.default_rng(0))).source


def test_a_stack_that_was_read_does_not_grow_again():
    text = """fn f(x: f64[n]) -> (f64[n]) {
      %0: stack<f64> = stack_new {dtype=f64, capacity=None}
      %1: stack<f64> = push %0 x
      %2: stack<f64>, %3: f64[n] = pop %1 {shape=(n,)}
      %4: stack<f64> = push %2 x
      %5: stack<f64>, %6: f64[n] = pop %4 {shape=(n,)}
      %7: f64[n] = add %3 %6
      return %7
    }"""
    with pytest.raises(LoweringError, match="grows again"):
        emit_cpu(parse(text), "f")


def test_checks_raise_what_they_say(check):
    text = """fn f(x: f64[]) -> (f64[]) {
      %0: bool[] = eq x x
      check %0 {kind='ValueError', message='x is not a number'}
      return x
    }"""
    check(text, 1.0)
    with pytest.raises(ValueError, match="x is not a number"):
        check(text, np.nan)


def test_print_writes_words_and_numbers(check, capsys):
    check("""fn f(x: f64[]) -> (f64[]) {
      print x {text='x is {}'}
      return x
    }""", 1.5)  # fmt: skip
    assert capsys.readouterr().out.splitlines()[0] == "x is 1.5"
