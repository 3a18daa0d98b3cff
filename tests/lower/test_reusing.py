"""Which buffers of a loop may take each other's place."""

from jitgrad.compiler.ir import ArrayType, symbol
from jitgrad.compiler.ir.types import F64, I64
from jitgrad.compiler.lower.program import Allocate, Bind, Clear, For, Literal, Store
from jitgrad.compiler.lower.reusing import _exchanges, allocate_outside


def test_carried_values_that_change_places_have_no_origin():
    zero = Literal(0, I64)
    loop = For("i", zero, zero, 1, (Bind(("a", "b", "c"), ("b", "c", "b")),))
    assert _exchanges(loop) == {}


def test_zeros_are_allocated_once_and_cleared_each_time() -> None:
    zero, kind = Literal(0, I64), ArrayType(F64, (symbol("n"),))
    fill = Store("x", (0,), Literal(1.0, F64), F64)
    loop = For("i", zero, zero, 1, (Allocate("x", kind, True), fill))
    assert allocate_outside((loop,)) == (Allocate("x", kind), For("i", zero, zero, 1, (Clear("x"), fill)))
    carried = For("i", zero, zero, 1, (*loop.body, Bind(("a",), ("x",))))
    exchanged = Bind(("a", "x"), ("x", "a"))
    assert allocate_outside((carried,)) == (Allocate("x", kind), For("i", zero, zero, 1, (Clear("x"), fill, exchanged)))
