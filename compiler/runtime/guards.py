"""What a driver expects of its arguments: sizes, and relations between sizes.

In: arrays, sizes, conditions. ValueError("guard") where they do not hold: the caller then looks for another program.
"""

from __future__ import annotations

import functools
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.datamodel.registry import default_manager
from numba.extending import lower_builtin, type_callable


def expect_shape(x: Any, shape: Any) -> None:
    """Refuse an array of another shape; a number stands for a vector's.

    One call in place of a comparison for each axis, which numba would type and branch on one by one: two seconds for the 78 arrays of a
    training step.
    """
    expect(x.shape == (shape if isinstance(shape, tuple) else (shape,)))


def expect(condition: bool) -> None:
    """Refuse arguments for which a condition does not hold."""
    if not condition:
        raise ValueError("guard")


@type_callable(expect_shape)
def _type_expect_shape(context: Any) -> Any:
    def resolve(x: types.Type, shape: types.Type) -> types.Type | None:
        sizes = tuple(shape) if isinstance(shape, types.BaseTuple) else (shape,)
        fits = isinstance(x, types.Array) and x.ndim == len(sizes) and all(isinstance(size, types.Integer) for size in sizes)
        return types.none if fits else None

    return resolve


@type_callable(expect)
def _type_expect(context: Any) -> Any:
    def resolve(condition: types.Type) -> types.Type | None:
        return types.none if isinstance(condition, types.Boolean) else None

    return resolve


@lower_builtin(expect_shape, types.Array, types.Integer)
@lower_builtin(expect_shape, types.Array, types.BaseTuple)
def _lower_expect_shape(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    (x, shape), (kind, kinds) = arguments, signature.args
    sizes = (
        zip(cgutils.unpack_tuple(builder, shape), kinds, strict=True)
        if isinstance(kinds, types.BaseTuple)
        else [(shape, kinds)]
    )
    found = cgutils.unpack_tuple(builder, default_manager.lookup(kind).get(builder, x, "shape"))
    wanted = [context.cast(builder, size, of, types.intp) for size, of in sizes]
    wrong = [builder.icmp_signed("!=", left, right) for left, right in zip(found, wanted, strict=True)]
    return _refuse(context, builder, functools.reduce(builder.or_, wrong, cgutils.false_bit))


@lower_builtin(expect, types.Boolean)
def _lower_expect(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return _refuse(context, builder, builder.not_(arguments[0]))


def _refuse(context: Any, builder: Any, wrong: Any) -> Any:
    with builder.if_then(wrong, likely=False):
        context.call_conv.return_user_exc(builder, ValueError, ("guard",))
    return context.get_dummy_value()
