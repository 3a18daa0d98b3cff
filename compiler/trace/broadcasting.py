"""Shapes of several values: the common one, and values repeated to it."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ShapeError
from ..ir import ArrayType, Dim, Var
from .context import active_trace
from .tracer import Tracer, describe, new


def broadcast_shapes(values: Sequence[Tracer], operation: str) -> tuple[Dim, ...]:
    """The common shape; raises ``ShapeError`` with the operands' shapes."""
    rank = max((v.type.rank for v in values), default=0)
    shape: list[Dim] = [1] * rank
    for value in values:
        for k, dim in enumerate(value.type.shape, start=rank - value.type.rank):
            shape[k] = _common_dim(shape[k], dim, values, operation)
    return tuple(shape)


def _common_dim(left: Dim, right: Dim, values: Sequence[Tracer], operation: str) -> Dim:
    sizing = active_trace().sizing
    if left == right or (isinstance(right, int) and right == 1):
        return left
    if isinstance(left, int) and left == 1:
        return right
    equal = sizing.decide(left, "==", right)
    if equal:
        return left if isinstance(left, int) or not isinstance(right, int) else right
    if equal is None:
        check_equal(left, right, f"{operation}: operands could not be broadcast together", _NOT_REPEATED)
        return left
    if sizing.hint(right) == 1 and sizing.decide(right, "==", 1):
        return left
    if sizing.hint(left) == 1 and sizing.decide(left, "==", 1):
        return right
    listing = " and ".join(describe(v) for v in values if v.type.rank)
    raise ShapeError(
        f"{operation}: operands could not be broadcast together with shapes "
        + " ".join(sizing.shape_text(v.type.shape) for v in values)
        + f" ({listing}); sizes must be equal or 1, aligned from the last axis"
    )


_NOT_REPEATED = " (a size that only the run knows is not repeated where it is 1)"


def check_equal(left: Dim, right: Dim, message: str, note: str = "") -> None:
    """Make the program check at run time that two sizes are equal."""
    trace = active_trace()
    sizes = [trace.emit("size", value=dim) for dim in (left, right)]
    template = message.replace("{", "{{").replace("}", "}}") + ": sizes {} and {} differ" + note
    trace.emit("check", trace.emit("eq", *sizes), *sizes, kind="ValueError", message=template)


def broadcast_to(value: Tracer, shape: tuple[Dim, ...]) -> Var:
    """The value repeated to a shape that broadcasting allows; a variable."""
    var = active_trace().scope.resolve(value.value)
    if value.type.shape == shape:
        return var
    trace = active_trace()
    offset = len(shape) - value.type.rank
    repeats = [_repeats(dim, shape[k + offset]) for k, dim in enumerate(value.type.shape)]
    kept = tuple(k + offset for k, repeated in enumerate(repeats) if not repeated)
    aligned = tuple(1 if repeated else shape[k + offset] for k, repeated in enumerate(repeats))
    var = assume_shape(var, aligned)
    source = tuple(shape[k] for k in kept)
    if source != aligned:
        var = trace.emit("reshape", var, shape=source)
    return var if source == shape else trace.emit("broadcast", var, axes=kept, shape=shape)


def _repeats(dim: Dim, target: Dim) -> bool:
    """Whether an axis is stretched: it has size 1 and the target has another, not one that is equal by a guard or a check."""
    if dim == target or (isinstance(target, int) and target == 1):
        return False
    hint = active_trace().sizing.hint
    return dim == 1 or (hint(dim) == 1 and hint(target) not in (1, None))


def is_smaller(shape: tuple[Dim, ...], target: tuple[Dim, ...]) -> bool:
    """Whether a value of a shape must be repeated to have another."""
    return len(shape) < len(target) or any(map(_repeats, shape, target))


def repeated(value: Tracer, shape: tuple[Dim, ...]) -> Tracer:
    """The value repeated to a shape, as an array of its own."""
    return new(broadcast_to(value, shape), scalar=False)


def assume_shape(var: Var, shape: tuple[Dim, ...]) -> Var:
    """The same value whose sizes are written as other expressions, which guards or checks make equal."""
    assert isinstance(var.type, ArrayType)
    return var if var.type.shape == shape else active_trace().emit("assume_shape", var, shape=shape)


def fit(value: Tracer, shape: tuple[Dim, ...], operation: str = "item assignment") -> Tracer:
    """A value that can be broadcast to a shape, without needless leading axes; raises ``ShapeError`` where it cannot."""
    sizing = active_trace().sizing
    extra = value.type.rank - len(shape)
    if extra > 0 and all(sizing.decide(d, "==", 1) for d in value.type.shape[:extra]):
        value = new(active_trace().emit("reshape", value.value, shape=value.type.shape[extra:]), scalar=False)
    if value.type.rank <= len(shape):
        target = Tracer(value.cell, value.type.with_shape(shape))
        found = broadcast_shapes([target, value], operation)
        if found == shape or all(sizing.decide(a, "==", b) for a, b in zip(found, shape, strict=True)):
            return value
    raise ShapeError(
        f"{operation}: could not broadcast {describe(value)} of shape {sizing.shape_text(value.type.shape)} into shape "
        f"{sizing.shape_text(shape)}"
    )
