"""Kernels that only move elements: one for all places."""

import numpy as np
from jitgrad.compiler.ir import parse
from jitgrad.compiler.lower.lowering import lower
from jitgrad.compiler.lower.program import Launch
from jitgrad.compiler.ops import interpret

ROLLS = """fn f(x: f64[n], y: f64[n]) -> (f64[n], f64[n]) {
  %0: f64[2] = index x {spec=((n - 2, 2, 1),)}
  %1: f64[n - 2] = index x {spec=((0, n - 2, 1),)}
  %2: f64[n] = concatenate %0 %1 {axis=0}
  %3: f64[n - 1] = index y {spec=((1, n - 1, 1),)}
  %4: f64[1] = index y {spec=((0, 1, 1),)}
  %5: f64[n] = concatenate %3 %4 {axis=0}
  return %2, %5
}
"""


def test_rolls_share_one_kernel_and_copy_once() -> None:
    program = lower(parse(ROLLS))
    launches = [s for s in program.body if isinstance(s, Launch)]
    assert len(launches) == 4
    assert len(program.kernels) == 1
    (kernel,) = program.kernels
    assert [s.name for s in kernel.scalars] == ["count", "first", "first_2"]
    x = np.arange(5.0)
    np.testing.assert_array_equal(interpret(parse(ROLLS), [x, x])[0], np.roll(x, 2))


def test_whole_arrays_keep_their_kernel() -> None:
    """A copy of all elements reads its size off the arrays."""
    program = lower(parse("fn f(x: f64[n]) -> (f64[n]) {\n  %0: f64[n] = copy x\n  return %0\n}\n"))
    assert [k.scalars for k in program.kernels] == [()]
