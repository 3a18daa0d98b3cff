"""Ops that hold functions as regions, ops on stacks, and ops with effects. Their meaning is in ``interpret``.

loop       operands: start, stop (i64 scalars), constants, carried values; attributes: ``step`` (an int, not 0) and
           ``consts`` (how many constants); regions: the body ``(index, *constants, *carried) -> carried`` and, if given, the
           test ``(index, *constants, *carried) -> bool`` made before each iteration. Results: the carried values at the
           end; with a test, the number of iterations made comes first.
cond       operands: a bool scalar, arguments; regions: two functions of the arguments.
custom_vjp operands: arguments; regions: the function, the forward ``arguments -> (results, saved)`` and the backward
           ``(saved, cotangents) -> cotangents of the arguments``.
formula    operands: arrays of floats of one type; regions: an elementwise function of them, and its partial derivatives.
checkpoint operands: arguments; region: the function, whose inner values reverse mode computes again.
bind_size  gives the value of an i64 scalar to a symbol of sizes, from here on in this function and its regions.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from ..errors import VerifyError
from ..ir import ArrayType, Equation, Function, StackType, Type, Var
from ..ir.types import BOOL, I64
from .builder import Builder
from .op import ALL, Attrs, Contribution, Op


def _types(variables: Sequence[Any]) -> tuple[Type, ...]:
    return tuple(v.type for v in variables)


def _infer_loop(types: Sequence[Any], a: Attrs, regions: Sequence[Function]) -> tuple[Type, ...]:
    if len(types) < 2 or any(t != ArrayType(I64) for t in types[:2]):
        raise VerifyError(f"loop starts with two i64 scalars, found {list(types[:2])}")
    if a["step"] == 0:
        raise VerifyError("the step of a loop must not be 0")
    inner, carried = tuple(types[2:]), tuple(types[2 + a["consts"] :])
    body, *test = regions
    if _types(body.parameters) != (ArrayType(I64), *inner):
        raise VerifyError(f"the loop's body takes {_types(body.parameters)}, the loop gives {(ArrayType(I64), *inner)}")
    if _types(body.results) != carried:
        raise VerifyError(f"the loop carries {carried}, its body returns {_types(body.results)}")
    if not test:
        return carried
    if _types(test[0].parameters) != (ArrayType(I64), *inner) or _types(test[0].results) != (ArrayType(BOOL),):
        raise VerifyError("the loop's test takes what its body takes and returns a bool scalar")
    return (ArrayType(I64), *carried)


def _infer_cond(types: Sequence[Any], a: Attrs, regions: Sequence[Function]) -> tuple[Type, ...]:
    then, orelse = regions
    if types[0] != ArrayType(BOOL):
        raise VerifyError(f"cond takes a bool scalar first, found {types[0]}")
    if not _types(then.parameters) == _types(orelse.parameters) == tuple(types[1:]):
        raise VerifyError(f"the branches of cond take {_types(then.parameters)} and {_types(orelse.parameters)}")
    if _types(then.results) != _types(orelse.results):
        raise VerifyError(f"the branches of cond return {_types(then.results)} and {_types(orelse.results)}")
    return _types(then.results)


def _infer_custom(types: Sequence[Any], a: Attrs, regions: Sequence[Function]) -> tuple[Type, ...]:
    primal, forward, backward = regions
    count = len(primal.results)
    if not _types(primal.parameters) == _types(forward.parameters) == tuple(types):
        raise VerifyError(f"custom_vjp takes {_types(primal.parameters)}, found {tuple(types)}")
    if _types(forward.results[:count]) != _types(primal.results):
        raise VerifyError("the forward function of custom_vjp must return what the function returns, then what it saves")
    expected = (*_types(forward.results[count:]), *_types(primal.results))
    if _types(backward.parameters) != expected or _types(backward.results) != tuple(types):
        raise VerifyError(f"the backward function of custom_vjp takes {_types(backward.parameters)}, expected {expected}")
    return _types(primal.results)


def _infer_formula(types: Sequence[Any], a: Attrs, regions: Sequence[Function]) -> tuple[Type, ...]:
    value, partials = regions
    if not types or any(t != types[0] for t in types) or types[0].dtype.kind != "f":
        raise VerifyError(f"formula takes arrays of floats of one type, found {', '.join(map(str, types))}")
    if not _types(value.parameters) == _types(partials.parameters) == _types(partials.results) == tuple(types):
        raise VerifyError(f"the partial derivatives of formula must be one {types[0]} per operand")
    if _types(value.results) != (types[0],):
        raise VerifyError(f"formula gives one {types[0]}, found {_types(value.results)}")
    return (types[0],)


def _jvp_formula(b: Builder, e: Equation, tangents: Sequence[Var | None]) -> tuple[Var | None, ...]:
    terms = [
        b.mul(tangent, partial)
        for partial, tangent in zip(b.inline(e.regions[1], e.operands), tangents, strict=True)
        if tangent is not None
    ]
    return (functools.reduce(b.add, terms),)


def _infer_checkpoint(types: Sequence[Any], a: Attrs, regions: Sequence[Function]) -> tuple[Type, ...]:
    if _types(regions[0].parameters) != tuple(types):
        raise VerifyError(f"checkpoint takes {_types(regions[0].parameters)}, found {tuple(types)}")
    return _types(regions[0].results)


def _infer_push(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    stack, value = types
    if not isinstance(stack, StackType) or stack.dtype != value.dtype:
        raise VerifyError(f"push of {value} onto {stack}")
    return (stack,)


def _infer_pop(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    (stack,) = types
    if not isinstance(stack, StackType):
        raise VerifyError(f"pop takes a stack, found {stack}")
    return (stack, ArrayType(stack.dtype, a["shape"]))


def _transpose_push(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    return b.emit("pop", ct[0], shape=e.operands[1].type.shape)  # type: ignore[union-attr, no-any-return]


def _transpose_pop(b: Builder, e: Equation, ct: Sequence[Var]) -> tuple[Contribution, ...]:
    return (b.emit("push", *ct),)


def _infer_bind(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    if tuple(types) != (ArrayType(I64),):
        raise VerifyError(f"bind_size takes an i64 scalar, found {list(types)}")
    return ()


def _infer_check(types: Sequence[Any], a: Attrs, regions: Sequence[Any]) -> tuple[Type, ...]:
    if not types or types[0] != ArrayType(BOOL) or not all(isinstance(type, ArrayType) for type in types):
        raise VerifyError(f"check takes a bool scalar, and arrays that its message shows, found {list(types)}")
    return ()


REGIONS: tuple[Op, ...] = (
    Op("loop", _infer_loop),
    Op("cond", _infer_cond),
    Op("custom_vjp", _infer_custom),
    Op("formula", _infer_formula, jvp=_jvp_formula),
    Op("checkpoint", _infer_checkpoint),
    Op("bind_size", _infer_bind, no_derivative="sizes"),
    # a stack that is empty; "capacity" (a dim or None) says how many numbers will be pushed, where that is known
    Op("stack_new", lambda types, a, regions: (StackType(a["dtype"]),), no_derivative="empty"),
    # all elements of an array go onto the stack; a pop takes as many as its shape has, of one array or of several, in the order of the pushes
    Op("push", _infer_push, linear=ALL, transpose=_transpose_push),
    Op("pop", _infer_pop, linear=ALL, transpose=_transpose_pop),
    # raises the error named by "kind" with "message" unless the first operand is true; further operands go into the message, a format string
    Op("check", _infer_check, effect=True, no_derivative="an effect"),
    # prints "text", a format string, with the operands, and a line end, or what "end" says
    Op("print", lambda types, a, regions: (), effect=True, no_derivative="an effect"),
)
