"""Which buffers of a loop may take each other's place."""

from jitgrad.compiler.ir.types import I64
from jitgrad.compiler.lower.program import Bind, For, Literal
from jitgrad.compiler.lower.reusing import _exchanges


def test_carried_values_that_change_places_have_no_origin():
    zero = Literal(0, I64)
    loop = For("i", zero, zero, 1, (Bind(("a", "b", "c"), ("b", "c", "b")),))
    assert _exchanges(loop) == {}
