"""Where a driver says how many numbers a stack held."""

import numpy as np
from jitgrad.compiler.ir import ArrayType
from jitgrad.compiler.ir.types import F64, I64
from jitgrad.compiler.lower.program import For, If, Literal, NewStack, Pop, Push, Remember, Statement
from jitgrad.compiler.lower.remembering import remember_rooms

ZERO = Literal(0, I64)
NEW = NewStack("s", np.dtype(F64), None, 3)
PUSH = Push("s", Literal(1.0, F64), 1, np.dtype(F64))
POP = Pop("s", "x", ArrayType(F64))


def loop(*body: Statement) -> For:
    return For("i", ZERO, ZERO, 1, body)


def test_after_all_pushes_and_before_the_pops() -> None:
    statements = (NEW, loop(PUSH), If(ZERO, (), (PUSH,)), loop(POP))
    assert remember_rooms(statements) == (*statements[:3], Remember("s", 3), statements[3])


def test_in_the_block_of_the_stack() -> None:
    assert remember_rooms((loop(NEW, PUSH, POP),)) == (loop(NEW, PUSH, Remember("s", 3), POP),)
    assert remember_rooms((If(ZERO, (NEW, PUSH), ()),)) == (If(ZERO, (NEW, PUSH, Remember("s", 3)), ()),)


def test_nothing_where_pops_come_between_or_the_size_is_known() -> None:
    for statements in ((NEW, loop(PUSH, POP)), (NEW, PUSH, POP, PUSH), (NewStack("s", np.dtype(F64), 5, 0), PUSH, POP)):
        assert remember_rooms(statements) == statements
