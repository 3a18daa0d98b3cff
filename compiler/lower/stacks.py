"""Stacks, on which the forward pass leaves what the backward pass reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import LoweringError
from ..ir import ArrayType, Dim, Equation, SourceLine
from ..ir.types import I64
from .capacity import is_little, pushes, trip_count
from .elements import Value, atom_dim
from .program import NewStack, Pop, Push, Reserve
from .roles import is_array
from .scope import Scope, Stack


def lower_stack_new(scope: Scope, equation: Equation) -> None:
    name = scope.shared.names.fresh(equation.hint or "saved")
    capacity = equation.get("capacity")
    scope.values[equation.result] = Stack(name, capacity is not None)
    scope.statements.append(NewStack(name, equation["dtype"], capacity, scope.shared.stacks, equation.source))
    scope.shared.stacks += capacity is None


def lower_push(scope: Scope, equation: Equation) -> None:
    stack, value = scope.stack(equation.operands[0]), equation.operands[1]
    stack.was_used = True
    if stack.was_read:
        raise LoweringError(f"in {scope.function.name}: a stack grows again whose memory is in use")
    type = value.type
    assert isinstance(type, ArrayType)
    kept = None if value in scope.kept and scope.pushes[value] is equation else scope.any(value)
    if kept is not None:
        scope.make_room(stack, type.size, equation.source)
    scope.statements.append(Push(stack.name, kept, type.size, type.dtype, equation.source))
    scope.values[equation.result] = stack


def lower_pop(scope: Scope, equation: Equation) -> None:
    stack = scope.stack(equation.operands[0])
    rest, value = equation.results
    scope.values[rest] = stack
    assert isinstance(value.type, ArrayType)
    name = scope.bind_scalar(value, equation.hint or "popped")
    stack.was_read = True
    if is_array(value):
        scope.shared.borrowed.add(name)
    scope.statements.append(Pop(stack.name, name, value.type, equation.source))


def reserve(scope: Scope, equation: Equation, carried: Sequence[Value | Stack]) -> list[Stack]:
    """Make room on stacks for all that a loop pushes, where that is known; returns these stacks."""
    reserved = []
    body, split = equation.regions[0], 1 + equation["consts"]
    for parameter, value in zip(body.parameters[split:], carried, strict=True):
        if not isinstance(value, Stack) or value.has_room:
            continue
        known = {
            p: atom_dim(scope.atom(v))
            for p, v in zip(body.parameters[1:], equation.operands[2:], strict=True)
            if v.type == ArrayType(I64)
        }
        each = pushes(body, parameter, known)
        if each is None or each == 0:
            continue
        trips = trip_count(
            atom_dim(scope.atom(equation.operands[0])), atom_dim(scope.atom(equation.operands[1])), equation["step"]
        )
        if len(equation.regions) > 1 and not is_little(trips * each):
            continue
        reserve_at_once(scope, value, trips * each, equation.source)
        value.has_room = True
        reserved.append(value)
    return reserved


def reserve_at_once(scope: Scope, stack: Stack, size: Dim, source: SourceLine | None) -> None:
    """Make room on a stack for all that a loop pushes; a stack that was just made is made with it."""
    made = next((s for s in scope.statements if isinstance(s, NewStack) and s.name == stack.name), None)
    if made is None or stack.was_used:
        scope.statements.append(Reserve(stack.name, size, source))
    else:
        scope.statements.remove(made)
        scope.statements.append(replace(made, capacity=size))
