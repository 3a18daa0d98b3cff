"""The record of an op: all that the compiler knows of it, in one place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import ArrayType, Equation, Type, Var

if TYPE_CHECKING:
    from .builder import Builder

Attrs = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Into:
    """A cotangent that is added into an accumulator in place of being made as an array of its own.

    ``add(builder, accumulator)`` returns the new accumulator. What reads one element of an array in a loop adds one
    element to the array's cotangent in this way. ``place`` says where, if anything: equal places are the same elements.
    """

    add: Callable[[Builder, Var], Var]
    place: Hashable = None


Contribution = Var | Into | Callable[[], Var] | None

ALL = (-1,)  # linear in every operand

Infer = Callable[[Sequence[Any], Attrs, Sequence[Any]], tuple[Type, ...]]
Reference = Callable[..., Any]
Jvp = Callable[["Builder", Equation, Sequence[Any]], Sequence[Var | None]]
Transpose = Callable[["Builder", Equation, Sequence[Any]], Sequence[Contribution]]


@dataclass(frozen=True, slots=True)
class Op:
    """What an op means.

    name          as in the text of the IR.
    infer         ``(operand types, attributes, regions) -> result types``; raises ``VerifyError`` where they do not fit.
    reference     the meaning, in NumPy: ``(*operand arrays, **attributes with sizes as ints) -> array(s)``; None for ops
                  with regions, stacks and effects, whose meaning is in ``interpret``.
    linear        operand positions in which the op is linear, all together; each tangent passes through the op itself.
    multilinear   operand positions in which the op is linear one at a time (products).
    jvp           for what is not linear: ``(builder, equation, tangents of operands) -> tangents of results``; a tangent
                  of None is zero.
                  It is asked where ``linear`` and ``multilinear`` do not settle the matter.
    transpose     for linear ops: ``(builder, equation, cotangents of results) -> contribution per operand``. For a
                  multilinear op it gives the contribution for each operand in ``multilinear`` as if it alone were linear.
                  A contribution may be a function that makes it: it is called only for an operand that is linear.
    no_derivative why there is no derivative: tangents are zero ("constant almost everywhere", "integers").
    python        elementwise ops: the Python text of one element, with ``{0}``, ``{1}`` for the operands; empty means that
                  the scalar function of the op's own name is called.
    expression    elementwise ops: the meaning as a SymPy expression in x, y, z.
    partials      elementwise ops: stated partial derivatives in the operands, in the same expression language; None where
                  SymPy derives them; an empty one is not known.
    """

    name: str
    infer: Infer
    reference: Reference | None = None
    linear: tuple[int, ...] = ()
    multilinear: tuple[int, ...] = ()
    jvp: Jvp | None = None
    transpose: Transpose | None = None
    no_derivative: str = ""
    elementwise: bool = False
    python: str = ""
    expression: str = ""
    partials: tuple[str, ...] | None = None
    commutative: bool = False
    identity: float | None = None
    annihilator: float | None = None
    effect: bool = False


def is_float(value: Var) -> bool:
    """Whether a variable can have a tangent."""
    return isinstance(value.type, ArrayType) and value.type.is_float


def as_dtype(array: Any, dtype: np.dtype) -> np.ndarray:
    """An array of a given dtype, whatever NumPy's promotion made of it."""
    return np.asarray(array).astype(dtype, copy=False)
