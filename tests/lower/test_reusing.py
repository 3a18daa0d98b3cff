"""Which buffers of a loop may take each other's place."""

from jitgrad.compiler.ir import ArrayType, symbol
from jitgrad.compiler.ir.types import F64, I64
from jitgrad.compiler.lower.program import (
    Allocate,
    Bind,
    Clear,
    For,
    Let,
    Literal,
    Local,
    Position,
    Program,
    Statement,
    Store,
    View,
)
from jitgrad.compiler.lower.reusing import _exchanges, allocate_outside


def outside(*statements: Statement) -> tuple[Statement, ...]:
    return allocate_outside(Program("run", (), (), statements, (), ())).body


def test_carried_values_that_change_places_have_no_origin():
    zero = Literal(0, I64)
    loop = For("i", zero, zero, 1, (Bind(("a", "b", "c"), ("b", "c", "b")),))
    assert _exchanges(loop) == {}


def test_zeros_are_allocated_once_and_cleared_each_time() -> None:
    zero, kind = Literal(0, I64), ArrayType(F64, (symbol("n"),))
    fill = Store("x", (0,), Literal(1.0, F64), F64)
    loop = For("i", zero, zero, 1, (Allocate("x", kind, True), fill))
    assert outside(loop) == (Allocate("x", kind), For("i", zero, zero, 1, (Clear("x"), fill)))
    carried = For("i", zero, zero, 1, (*loop.body, Bind(("a",), ("x",))))
    exchanged = Bind(("a", "x"), ("x", "a"))
    assert outside(carried) == (Allocate("x", kind), For("i", zero, zero, 1, (Clear("x"), fill, exchanged)))


def test_room_for_the_largest_size_is_made_once() -> None:
    zero, n = Literal(0, I64), symbol("n")
    width = Let("width", I64, "minimum", (Position(n - symbol("i")), Position(32)))
    named = Bind(("lanes",), (Local("width", I64),))
    lanes = ArrayType(F64, (symbol("lanes"),))
    fill = Store("x", (0,), Literal(1.0, F64), F64)
    loop = For("i", zero, Position(n), 32, (width, named, Allocate("x", lanes, True), fill))
    inner = For("i", zero, Position(n), 32, (width, named, View("x", lanes, "x_2", (), 0), Clear("x"), fill))
    assert outside(For("k", zero, Position(n), 1, (loop,))) == (
        Allocate("x_2", ArrayType(F64, (32,))),
        For("k", zero, Position(n), 1, (inner,)),
    )
    unknown = For(
        "i", zero, Position(n), 32, (Let("lanes", I64, "minimum", (Position(n), Position(n - 1))), Allocate("x", lanes), fill)
    )
    assert outside(unknown) == (unknown,)
