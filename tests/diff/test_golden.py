"""The backward pass of a two-layer net, as text: what a reader sees, and what no refactoring may change."""

from __future__ import annotations

from collections.abc import Callable

from jitgrad.compiler.diff import vjp
from jitgrad.compiler.ir import parse

NET = """
fn two_layer_net(x: f32[b, n], w1: f32[n, h], b1: f32[h], w2: f32[h, c], y: f32[b, c]) -> (f32[]) {
  %0: f32[b, h] = dot x w1 {contract=((1,), (0,)), batch=((), ())}
  %1: f32[b, h] = broadcast b1 {axes=(1,), shape=(b, h)}
  %2: f32[b, h] = add %0 %1
  %3: f32[b, h] = tanh %2
  %4: f32[b, c] = dot %3 w2 {contract=((1,), (0,)), batch=((), ())}
  %5: f32[b, c] = sub %4 y
  %6: f32[b, c] = square %5
  %7: f32[] = sum %6 {axes=(0, 1)}
  return %7
}
"""


def test_two_layer_net(golden: Callable[[str, str], None]) -> None:
    text = str(vjp(parse(NET), [1, 2, 3]))
    golden("diff/two_layer_net_vjp.ir", text)
    assert str(parse(text)) == text
