"""Single rules of ``simplify``: IR text in, IR text out."""

import pytest
from jitgrad.compiler.ir import parse
from jitgrad.compiler.ops import verify
from jitgrad.compiler.passes import eliminate_common_subexpressions, eliminate_dead_code, simplify

RULES = {
    "the transpose of an outer product": (
        """fn f(x: f64[n], y: f64[m]) -> (f64[m, n]) {
  %0: f64[n, m] = dot x y {contract=((), ()), batch=((), ())}
  %1: f64[m, n] = transpose %0 {axes=(1, 0)}
  return %1
}
""",
        """fn f(x: f64[n], y: f64[m]) -> (f64[m, n]) {
  %0: f64[m, n] = dot y x {contract=((), ()), batch=((), ())}
  return %0
}
""",
    ),
    "the transpose of a product over two axes": (
        """fn f(x: f64[n, k, l], y: f64[k, l, m]) -> (f64[m, n]) {
  %0: f64[n, m] = dot x y {contract=((1, 2), (0, 1)), batch=((), ())}
  %1: f64[m, n] = transpose %0 {axes=(1, 0)}
  return %1
}
""",
        """fn f(x: f64[n, k, l], y: f64[k, l, m]) -> (f64[m, n]) {
  %0: f64[m, n] = dot y x {contract=((0, 1), (1, 2)), batch=((), ())}
  return %0
}
""",
    ),
    "an empty array among those joined": (
        """fn f(x: f64[n], y: f64[0], z: f64[m]) -> (f64[n + m], f64[n]) {
  %0: f64[n + m] = concatenate x y z {axis=0}
  %1: f64[n] = concatenate y x {axis=0}
  return %0, %1
}
""",
        """fn f(x: f64[n], y: f64[0], z: f64[m]) -> (f64[n + m], f64[n]) {
  %0: f64[n + m] = concatenate x z {axis=0}
  return %0, x
}
""",
    ),
    "nothing written, nothing added": (
        """fn f(x: f64[n, m], nothing: f64[0, m], none: f64[n, 0]) -> (f64[n, m]) {
  %0: f64[n, m] = index_add x nothing {spec=((n, 0, 1), (0, m, 1))}
  %1: f64[n, m] = update %0 none {spec=((0, n, 1), (m, 0, 1))}
  return %1
}
""",
        """fn f(x: f64[n, m], nothing: f64[0, m], none: f64[n, 0]) -> (f64[n, m]) {
  return x
}
""",
    ),
    "what stands there already": (
        """fn f(x: f64[n, m], i: i64[]) -> (f64[n, m]) {
  %0: f64[m] = index x i {spec=(None, (0, m, 1))}
  %1: f64[n, m] = update x %0 i {spec=(None, (0, m, 1))}
  return %1
}
""",
        """fn f(x: f64[n, m], i: i64[]) -> (f64[n, m]) {
  return x
}
""",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_rule(name: str) -> None:
    before, after = RULES[name]
    assert str(eliminate_dead_code(simplify(verify(parse(before))))) == str(verify(parse(after)))


def test_a_roll_by_nothing_has_a_known_size() -> None:
    from jitgrad.compiler.ir import symbol

    assert 0 % symbol("n") == 0
    assert 0 // symbol("n") == 0


def test_a_position_is_checked_once_whatever_the_error_would_say() -> None:
    before = """fn f(x: f64[n], y: f64[n], i: i64[]) -> (f64[]) {
  %0: i64[] = wrap_index i {size=n, message='out of bounds of x'}
  %1: i64[] = wrap_index i {size=n, message='out of bounds of y'}
  %2: f64[] = index x %0 {spec=(None,)}
  %3: f64[] = index y %1 {spec=(None,)}
  %4: f64[] = add %2 %3
  return %4
}
"""
    after = verify(eliminate_dead_code(eliminate_common_subexpressions(parse(before))))
    assert [e.get("message") for e in after.equations if e.op == "wrap_index"] == ["out of bounds of x"]
