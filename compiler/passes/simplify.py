"""Replaces equations by simpler ones that give the same numbers.

Only what is exact in floating point, NaN, infinities and signed zeros included, with two exceptions: small integer powers become products,
and sums of repeated values become multiples. So ``x * 0`` stays, and ``x + 0`` too, which is 0.0 for -0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..ir import ArrayType, Dim, Equation, Function, Var
from ..ir.sizes import product
from ..ir.types import I64
from ..ops import OPS
from ..ops.products import free_axes
from .constants import constant, constant_of, is_number
from .rewriting import Replacement, Rewriter, rewrite


def simplify(function: Function) -> Function:
    """Apply algebraic identities everywhere.

    %0: f64[m, n] = transpose x {axes=(1, 0)}              return x
    %1: f64[n, m] = transpose %0 {axes=(1, 0)}
    return %1
    """
    return rewrite(function, _simplify)


def _simplify(r: Rewriter, e: Equation) -> Replacement:
    for rule in RULES.get(e.op, ()):
        replacement = rule(r, e)
        if replacement is not None:
            return replacement
    if OPS[e.op].elementwise or e.op == "convert":
        return _of_broadcasts(r, e)
    return None


def _type(var: Var) -> ArrayType:
    assert isinstance(var.type, ArrayType)
    return var.type


# arithmetic


def _identity(r: Rewriter, e: Equation) -> Replacement:
    """x + 0 for integers, x * 1"""
    x, y = e.operands
    identity = OPS[e.op].identity
    if identity is None or (e.op == "add" and _type(x).dtype.kind == "f"):
        return None
    return x if is_number(r, y, identity) else y if is_number(r, x, identity) else None


def _add_negative(r: Rewriter, e: Equation) -> Replacement:
    """x + -y = x - y"""
    x, y = e.operands
    if (negated := r.defined_by(y, "neg")) is not None:
        return r.emit("sub", x, negated.operands[0], like=e)
    if (negated := r.defined_by(x, "neg")) is not None:
        return r.emit("sub", y, negated.operands[0], like=e)
    return None


def _subtract(r: Rewriter, e: Equation) -> Replacement:
    """x - 0 = x, x - -y = x + y"""
    x, y = e.operands
    if is_number(r, y, 0):
        return x
    if (negated := r.defined_by(y, "neg")) is not None:
        return r.emit("add", x, negated.operands[0], like=e)
    return None


def _times_minus_one(r: Rewriter, e: Equation) -> Replacement:
    """x * -1 = -x"""
    x, y = e.operands
    if is_number(r, y, -1):
        return r.emit("neg", x, like=e)
    return r.emit("neg", y, like=e) if is_number(r, x, -1) else None


def _divide(r: Rewriter, e: Equation) -> Replacement:
    """x / 1 = x; dividing by a power of two is multiplying by its inverse"""
    x, y = e.operands
    value = constant_of(r, y)
    if value is None or not np.isfinite(value) or value == 0:
        return None
    if value == 1:
        return x
    mantissa, exponent = np.frexp(value)
    if abs(mantissa) == 0.5 and abs(exponent) < 100:
        return r.emit("mul", x, constant(r, 1 / value, _type(x)), like=e)
    return None


def _double(op: str) -> Callable[[Rewriter, Equation], Replacement]:
    """--x = x, not not x = x"""

    def rule(r: Rewriter, e: Equation) -> Replacement:
        inner = r.defined_by(e.operands[0], op)
        return inner.operands[0] if inner is not None else None

    return rule


def _power(r: Rewriter, e: Equation) -> Replacement:
    """x**1, x**2, x**3, x**4 and x**-1 as products and quotients"""
    x, y = e.operands
    value = constant_of(r, y)
    if value == 1:
        return x
    if value == 2:
        return r.emit("square", x, like=e)
    if value in (3, 4):
        square = r.emit("square", x, like=e)
        return r.emit("mul", square, x if value == 3 else square, like=e)
    if value == -1 and _type(x).is_float:
        return r.emit("div", constant(r, 1, _type(x)), x, like=e)
    return None


def _logic(r: Rewriter, e: Equation) -> Replacement:
    """x and True = x, x or False = x, x and x = x"""
    x, y = e.operands
    if x == y:
        return x
    if _type(x).dtype.kind != "b":
        return None
    for one, other in ((x, y), (y, x)):
        value = constant_of(r, other)
        if value is not None:
            neutral = value if e.op == "and" else not value
            return one if neutral else other
    return None


def _select(r: Rewriter, e: Equation) -> Replacement:
    """select with equal branches, a constant test, or a negated test"""
    test, x, y = e.operands
    if x == y:
        return x
    value = constant_of(r, test)
    if value is not None:
        return x if value else y
    if (negated := r.defined_by(test, "not")) is not None:
        return r.emit("select", negated.operands[0], y, x, like=e)
    return None


def _of_broadcasts(r: Rewriter, e: Equation) -> Replacement:
    """An op on equal broadcasts is the broadcast of the op on what they repeat."""
    inner: list[Equation] = []
    for operand in e.operands:
        found = r.defined_by(operand, "broadcast")
        if found is None:
            return None
        inner.append(found)
    first = inner[0]
    if any(b["axes"] != first["axes"] or _type(b.operands[0]).shape != _type(first.operands[0]).shape for b in inner):
        return None
    small = r.emit(e.op, *(b.operands[0] for b in inner), like=e, **dict(e.attributes))
    return r.emit("broadcast", small, like=e, axes=first["axes"], shape=first["shape"])


def _convert(r: Rewriter, e: Equation) -> Replacement:
    """no conversion at all, or to a wider dtype and back"""
    (x,) = e.operands
    if _type(x).dtype == e["dtype"]:
        return x
    inner = r.defined_by(x, "convert")
    if inner is not None:
        first = _type(inner.operands[0]).dtype
        if np.can_cast(first, inner["dtype"], "safe") and first == e["dtype"]:
            return inner.operands[0]
    return None


# shapes


def _transpose(r: Rewriter, e: Equation) -> Replacement:
    """the identity, two in a row, or of a product to which each operand gives one axis"""
    (x,), axes = e.operands, e["axes"]
    if axes == tuple(range(len(axes))):
        return x
    if (inner := r.defined_by(x, "transpose")) is not None:
        return r.emit("transpose", inner.operands[0], like=e, axes=tuple(inner["axes"][k] for k in axes))
    inner = r.defined_by(x, "dot")
    if inner is not None and axes == (1, 0) and inner["batch"] == ((), ()) and r.used_once(x):
        (a, b), contract = inner.operands, inner["contract"]
        if _type(a).rank - len(contract[0]) == _type(b).rank - len(contract[1]) == 1:
            return r.emit("dot", b, a, like=e, contract=contract[::-1], batch=((), ()))
    return None


def _reshape(r: Rewriter, e: Equation) -> Replacement:
    """the identity, two in a row, or of a number"""
    (x,) = e.operands
    if _type(x).shape == e["shape"]:
        return x
    if not _type(x).shape:
        return r.emit("broadcast", x, like=e, axes=(), shape=e["shape"])
    if (inner := r.defined_by(x, "reshape")) is not None:
        return r.emit("reshape", inner.operands[0], like=e, shape=e["shape"])
    inner = r.defined_by(x, "broadcast")
    if inner is not None and not inner["axes"]:
        return r.emit("broadcast", inner.operands[0], like=e, axes=(), shape=e["shape"])
    return None


def _broadcast(r: Rewriter, e: Equation) -> Replacement:
    """the identity, or two in a row"""
    (x,) = e.operands
    if _type(x).shape == e["shape"]:
        return x
    if (inner := r.defined_by(x, "broadcast")) is not None:
        axes = tuple(e["axes"][k] for k in inner["axes"])
        return r.emit("broadcast", inner.operands[0], like=e, axes=axes, shape=e["shape"])
    return None


def _dot(r: Rewriter, e: Equation) -> Replacement:
    """Transposed operands are contracted along other axes, if the order of the free ones stays."""
    for position, operand in enumerate(e.operands):
        inner = r.defined_by(operand, "transpose")
        if inner is None:
            continue
        axes = inner["axes"]
        contract, batch = list(e["contract"]), list(e["batch"])
        free = free_axes(len(axes), contract[position], batch[position])
        if sorted(axes[k] for k in free) != [axes[k] for k in free]:
            continue
        contract[position] = tuple(axes[k] for k in contract[position])
        batch[position] = tuple(axes[k] for k in batch[position])
        operands = list(e.operands)
        operands[position] = inner.operands[0]
        return r.emit("dot", *operands, like=e, contract=tuple(contract), batch=tuple(batch))
    return None


# reductions


def _reduce(r: Rewriter, e: Equation) -> Replacement:
    """over no axes, or over axes of size 1"""
    (x,), axes = e.operands, e["axes"]
    if not axes:
        return x
    if all(_type(x).shape[k] == 1 for k in axes):
        return r.emit("reshape", x, like=e, shape=_type(e.result).shape)
    return None


def _sum_of_broadcast(r: Rewriter, e: Equation) -> Replacement:
    """n times the value, along axes that only repeat it"""
    inner = r.defined_by(e.operands[0], "broadcast")
    if inner is None or _type(e.result).dtype.kind == "b":
        return None
    small, shape = inner.operands[0], inner["shape"]
    repeated = [k for k in e["axes"] if k not in inner["axes"]]
    count = product(tuple(shape[k] for k in repeated))
    if not repeated or not _is_positive(count):
        return None
    own = tuple(position for position, k in enumerate(inner["axes"]) if k in e["axes"])
    rest = r.emit("sum", small, like=e, axes=own) if own else small
    number = _count(r, count, _type(rest).dtype)
    kept = [k for k in range(len(shape)) if k not in e["axes"]]
    axes = tuple(kept.index(k) for k in inner["axes"] if k in kept)
    factor = r.emit("broadcast", number, axes=(), shape=_type(rest).shape)
    return r.emit("broadcast", r.emit("mul", rest, factor, like=e), like=e, axes=axes, shape=_type(e.result).shape)


def _sum_of_products(r: Rewriter, e: Equation) -> Replacement:
    """Products that are added up sum over one more axis."""
    inner = r.defined_by(e.operands[0], "dot")
    if inner is None or not r.used_once(e.operands[0]):
        return None
    pairs = list(zip(*inner["batch"], strict=True))
    if not e["axes"] or max(e["axes"]) >= len(pairs):
        return None
    summed = [*zip(*inner["contract"], strict=True), *(pairs[k] for k in e["axes"])]
    kept = [pair for k, pair in enumerate(pairs) if k not in e["axes"]]
    contract, batch = ((tuple(x for x, _ in p), tuple(y for _, y in p)) for p in (summed, kept))
    return r.emit("dot", *inner.operands, like=e, contract=contract, batch=batch)


def _is_positive(count: Dim) -> bool:
    return isinstance(count, int) and count > 0


def _count(r: Rewriter, count: Dim, dtype: np.dtype) -> Var:
    number = r.emit("constant", value=count, dtype=I64) if isinstance(count, int) else r.emit("size", value=count)
    return r.emit("convert", number, dtype=dtype)


# parts


def _index(r: Rewriter, e: Equation) -> Replacement:
    """all of an array, or what was just written there"""
    x, *starts = e.operands
    if _is_whole(e["spec"], _type(x).shape):
        return x
    write = r.defined_by(x, "update")
    if write is not None and write["spec"] == e["spec"] and list(write.operands[2:]) == starts:
        return write.operands[1]
    if (inner := r.defined_by(x, "broadcast")) is not None and not inner["axes"]:
        return r.emit("broadcast", inner.operands[0], like=e, axes=(), shape=_type(e.result).shape)
    return None


def _update(r: Rewriter, e: Equation) -> Replacement:
    """all of an array, the same place again, or what stands there already"""
    x, value, *starts = e.operands
    if _is_whole(e["spec"], _type(x).shape):
        return value
    read = r.defined_by(value, "index")
    if read is not None and list(read.operands) == [x, *starts] and read["spec"] == e["spec"]:
        return x
    inner = r.defined_by(x, "update")
    if inner is not None and inner["spec"] == e["spec"] and list(inner.operands[2:]) == starts and r.used_once(x):
        return r.emit("update", inner.operands[0], value, *starts, like=e, spec=e["spec"])
    return None


def _write_nothing(r: Rewriter, e: Equation) -> Replacement:
    """An array into which an empty one is written, or to which one is added, stays as it is: rolls by 0 leave that behind."""
    x, value, *_ = e.operands
    return x if 0 in _type(value).shape else None


def _concatenate(r: Rewriter, e: Equation) -> Replacement:
    """Nothing is joined to what is joined with empty arrays."""
    parts = [v for v in e.operands if _type(v).shape[e["axis"]] != 0]
    if len(parts) == len(e.operands) or not parts:
        return None
    if len(parts) == 1 and parts[0].type == e.result.type:
        return parts[0]
    return r.emit("concatenate", *parts, axis=e["axis"], like=e) if len(parts) > 1 else None


def _is_whole(spec: tuple[Any, ...], shape: tuple[Dim, ...]) -> bool:
    return all(entry == (0, dim, 1) for entry, dim in zip(spec, shape, strict=True))


RULES: Mapping[str, tuple[Callable[[Rewriter, Equation], Replacement], ...]] = {
    "add": (_identity, _add_negative),
    "sub": (_subtract,),
    "mul": (_identity, _times_minus_one),
    "div": (_divide,),
    "neg": (_double("neg"),),
    "not": (_double("not"),),
    "pow": (_power,),
    "and": (_logic,),
    "or": (_logic,),
    "select": (_select,),
    "convert": (_convert,),
    "transpose": (_transpose,),
    "reshape": (_reshape,),
    "broadcast": (_broadcast,),
    "dot": (_dot,),
    "sum": (_reduce, _sum_of_broadcast, _sum_of_products),
    "prod": (_reduce,),
    "max": (_reduce,),
    "min": (_reduce,),
    "index": (_index,),
    "concatenate": (_concatenate,),
    "update": (_write_nothing, _update),
    "index_add": (_write_nothing,),
}
