"""``scan`` in a trace: a loop that carries a state and writes what each step gives into arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compiler.ir import ArrayType
from .compiler.ir.types import I64
from .compiler.trace.calls import call
from .compiler.trace.context import active_trace
from .compiler.trace.creation import full
from .compiler.trace.iterables import Indexed
from .compiler.trace.loops import Bounds
from .compiler.trace.operators import OPERATORS
from .compiler.trace.promotion import as_tracer
from .compiler.tree import Tree, flatten


def scan_in_trace(f: Callable[..., Any], init: Any, xs: Any, length: Any, segment: int | None) -> tuple[Any, Any]:
    """The scan as a staged loop; the outputs of a first step, traced aside, say which arrays to make."""
    step = call(f)
    leaves, tree = flatten(xs)
    arrays = [as_tracer(leaf) for leaf in leaves]
    if not arrays and length is None:
        raise ValueError("scan needs xs or length")
    if any(not a.ndim for a in arrays):
        raise ValueError("scan: the arrays of xs need a first axis to run along")
    count = arrays[0].shape[0] if arrays else length
    if any(a.shape[0] != count for a in arrays):
        raise ValueError("scan: the arrays of xs differ in the length of their first axis")
    outputs, output_tree = _outputs(step, init, arrays, tree, count)

    def body(index: Any, carry: Any) -> tuple[Any]:
        carry, y = step(carry, tree.unflatten([a[index] for a in arrays]))
        for out, value in zip(outputs, flatten(y)[0], strict=True):
            out[index] = value
        return (carry,)

    items = Indexed(0, count, 1, lambda k: k, segment)
    carry = OPERATORS.for_(items, body, (init,), ("the carry of scan",))[0]
    return carry, output_tree.unflatten(outputs)


def _outputs(step: Callable[..., Any], init: Any, arrays: list[Any], tree: Tree, count: Any) -> tuple[list[Any], Tree]:
    """Arrays for the outputs of all steps."""
    with active_trace().open_scope() as scope:
        index = Bounds(0, count, 1).tracer(scope.builder.parameter("i", ArrayType(I64)))
        result = step(init, tree.unflatten([a[index] for a in arrays]))
        if not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError("scan: f must return a pair (carry, y)")
        found, output_tree = flatten(result[1])
        shapes = [(as_tracer(leaf).shape, as_tracer(leaf).dtype) for leaf in found]
    return [full((count, *shape), 0, dtype) for shape, dtype in shapes], output_tree
