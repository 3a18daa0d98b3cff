"""Ops that are no kernel: views, products, functions of the runtime, sizes, effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ir import ArrayType, Dim, Equation, Var, symbol
from ..ir.sizes import product
from ..ir.types import BOOL
from .elements import Buffer, literal
from .fusion import Group
from .kernels import Surroundings, build
from .launching import run_kernel
from .linalg import LIBRARY, lower_linalg
from .products import is_single
from .program import Atom, Bind, Call, Check, For, Position, Print, Product, Products, Statement, View
from .roles import Role, is_array
from .scope import Scope
from .stacks import lower_pop, lower_push, lower_stack_new
from .striding import repeated, striding

ALONG = {
    "cumsum": ("reverse",), "cumprod": ("reverse",), "cumprod_before": ("reverse",), "linear_recurrence": ("reverse", "shifted"),
    "sort": (), "argsort": (), "take_along": (),
}  # fmt: skip
"""Ops that a function of the runtime computes along an axis, and the flags that it takes."""


def _flat_position(index: Sequence[Dim], shape: Sequence[Dim]) -> Dim:
    """The place of an element in the order of memory."""
    place: Dim = 0
    for position, dim in zip(index, shape, strict=True):
        place = place * dim + position
    return place


def lower_reshape(scope: Scope, equation: Equation) -> None:
    _view(scope, equation.result, scope.buffer(equation.operands[0]), equation)


def lower_index(scope: Scope, equation: Equation) -> None:
    body, base = scope.body(), scope.buffer(equation.operands[0])
    spec = equation["spec"]
    lead = tuple(entry for entry in spec if not isinstance(entry, tuple))
    starts = equation.operands[1:]
    rest = list(zip(spec[len(lead) :], base.type.shape[len(lead) :], strict=True))
    offset: Dim | None = None
    if all(entry == (0, dim, 1) for entry, dim in rest):
        positions = body.selected(lead, starts, ())
    else:
        first = body.selected(spec, starts, (0,) * len(rest))
        positions, offset = (), _flat_position(first, base.type.shape)
    scope.statements += body.steps  # type: ignore[arg-type]
    _view(scope, equation.result, base, equation, positions, offset)


def _view(
    scope: Scope, var: Var, base: Buffer, equation: Equation, positions: tuple[Any, ...] = (), offset: Dim | None = None
) -> None:
    assert isinstance(var.type, ArrayType)
    scope.values[var] = scope.seen_as(base, var.type, positions, equation, offset)


def lower_dot(scope: Scope, equation: Equation) -> None:
    """A canonical product: matrices, vectors, or a batch of matrices."""
    x, y = equation.operands
    (contract_x, contract_y), (batch, _) = equation["contract"], equation["batch"]
    dtype = equation.result.type.dtype  # type: ignore[union-attr]
    flags = (contract_x[0] - len(batch) == 0, contract_y[0] - len(batch) == 1)
    ranks = (x.type.rank - len(batch), y.type.rank - len(batch))  # type: ignore[union-attr]
    if scope.shared.flat and not is_single(equation):
        _strided(scope, equation)
        return
    a, b = scope.buffer(x), scope.buffer(y)
    if not is_array(equation.result):
        out = scope.bind_scalar(equation.result, scope.wish(equation))
    else:
        out = scope.new_buffer(equation.result, scope.wish(equation), source=equation.source).name
    if not batch:
        scope.statements.append(Product(out, a.name, b.name, ranks, flags, dtype, source=equation.source))
        return
    _batched(scope, equation, out, a, b, flags)


def _strided(scope: Scope, equation: Equation) -> None:
    """Products of matrices inside other arrays."""
    plan = striding(equation, scope.definition)
    assert plan is not None
    out = scope.new_buffer(equation.result, scope.wish(equation), source=equation.source)
    operands = (scope.buffer(repeated(v, scope.definition)) for v in equation.operands)
    whole, left, right = (scope.reshaped_buffer(b, (b.type.size,)) for b in (out, *operands))
    scope.statements.append(Products(whole, left, right, plan.sizes, (plan.out, plan.a, plan.b), equation.source))


def _batched(scope: Scope, equation: Equation, out: str, a: Buffer, b: Buffer, flags: tuple[bool, bool]) -> None:
    """One product per entry of the leading axis."""
    index = scope.shared.names.fresh("batch")
    body: list[Statement] = []
    parts = []
    result = equation.result.type
    assert isinstance(result, ArrayType)
    for name, type in ((out, result), (a.name, a.type), (b.name, b.type)):
        part = scope.shared.names.fresh(f"{name}_part")
        body.append(View(part, type.with_shape(type.shape[1:]), name, (symbol(index),)))
        parts.append(part)
    body.append(Product(parts[0], parts[1], parts[2], (2, 2), flags, result.dtype))
    count = result.shape[0]
    scope.statements.append(For(index, Position(0), Position(count), 1, tuple(body), source=equation.source))


def lower_concatenate(scope: Scope, equation: Equation) -> None:
    """One copy per part that is not empty; slices and their like are read where they come from."""
    axis = equation["axis"]
    out = scope.new_buffer(equation.result, scope.wish(equation), source=equation.source)
    start: Any = 0
    for operand in equation.operands:
        shape = operand.type.shape  # type: ignore[union-attr]
        if 0 in shape:
            continue
        spec = tuple((start if k == axis else 0, dim, 1) for k, dim in enumerate(shape))
        update = Equation("update", (equation.result, operand), (equation.result,), (("spec", spec),), (), equation.source)
        group = Group(0, Role.WRITE, shape, [update])
        seen = Surroundings(scope.lookup, scope.definition, scope.shared.sizes)
        run_kernel(scope, build(group, {equation.result: out}, seen))
        start = start + shape[axis]


def _folded(var: Var, axis: int) -> tuple[Any, ...]:
    """The shape with the axes before and after an axis merged."""
    shape = var.type.shape  # type: ignore[union-attr]
    return (product(shape[:axis]), shape[axis], product(shape[axis + 1 :]))


def lower_along(scope: Scope, equation: Equation) -> None:
    """Call a function of the runtime on three-dimensional views whose middle axis is the one that counts."""
    out = scope.new_buffer(equation.result, scope.wish(equation), source=equation.source)
    axis = equation["axis"]
    arguments: list[str | Atom] = [scope.reshaped_buffer(out, _folded(equation.result, axis))]
    arguments += [scope.reshaped(v, _folded(v, axis)) for v in equation.operands]
    arguments += [literal(equation[flag], BOOL) for flag in ALONG[equation.op]]
    scope.statements.append(Call(equation.op, tuple(arguments), (), equation.source))


def lower_put_along_add(scope: Scope, equation: Equation) -> None:
    target, value, order = equation.operands
    buffer, axis = scope.buffer(target), equation["axis"]
    views = [scope.reshaped(v, _folded(v, axis)) for v in (target, value, order)]
    scope.statements.append(Call("put_along_add", tuple(views), (), equation.source))
    scope.values[equation.result] = buffer


def lower_nonzero(scope: Scope, equation: Equation) -> None:
    (operand,) = equation.operands
    flat = scope.reshaped(operand, (operand.type.size,))  # type: ignore[union-attr]
    name = scope.shared.names.fresh(scope.wish(equation))
    assert isinstance(equation.result.type, ArrayType)
    scope.statements.append(Call("nonzero", (flat,), (name, equation["symbol"]), equation.source))
    scope.values[equation.result] = Buffer(name, equation.result.type, name)


def lower_bind_size(scope: Scope, equation: Equation) -> None:
    scope.statements.append(Bind((equation["symbol"],), (scope.atom(equation.operands[0]),), equation.source))


def lower_check(scope: Scope, equation: Equation) -> None:
    test, *values = equation.operands
    operands = tuple(scope.any(v) for v in values)
    scope.statements.append(Check(scope.atom(test), equation["kind"], equation["message"], operands, equation.source))


def lower_print(scope: Scope, equation: Equation) -> None:
    operands = tuple(scope.any(v) for v in equation.operands)
    warning = equation.get("warning", "")
    end = "" if warning else equation.get("end", "\n").replace("{", "{{").replace("}", "}}")
    scope.statements.append(Print(equation["text"] + end, operands, warning, equation.source))


OPAQUE: dict[str, Callable[[Scope, Equation], None]] = {
    "reshape": lower_reshape,
    "assume_shape": lower_reshape,
    "index": lower_index,
    "dot": lower_dot,
    "concatenate": lower_concatenate,
    "put_along_add": lower_put_along_add,
    "nonzero": lower_nonzero,
    "bind_size": lower_bind_size,
    "check": lower_check,
    "print": lower_print,
    "stack_new": lower_stack_new,
    "push": lower_push,
    "pop": lower_pop,
    **dict.fromkeys(ALONG, lower_along),
    **dict.fromkeys(LIBRARY, lower_linalg),
}
