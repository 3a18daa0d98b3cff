"""Linear algebra: each op is one call of a function of the runtime, on stacks of matrices.

w: f64[b, n], v: f64[b, n, n] = eigh a {lower=True}         lapack.eigh(w, v, a, True)
w: f64[n], v: f64[n, n] = eigh a {lower=True}               lapack.eigvalsh(w, a, True)         where nobody reads v
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir import ArrayType, Equation, Var
from ..ir.sizes import product
from ..ir.types import BOOL
from ..ops.linalg import LINALG
from .elements import Buffer, literal
from .program import Allocate, Atom, Call, Load
from .roles import is_array

if TYPE_CHECKING:
    from .scope import Scope

LIBRARY = frozenset(op.name for op in LINALG)
_VALUES = {"eigh": (0, "eigvalsh"), "svd": (1, "svdvals")}  # which result is cheaper alone, and what computes it


def lower_linalg(scope: Scope, equation: Equation) -> None:
    """Write results for a stack of matrices; one matrix is a stack of one."""
    function, results = equation.op, equation.results
    if function in _VALUES:
        position, alone = _VALUES[function]
        if not any(scope.uses[r] for k, r in enumerate(results) if k != position):
            function, results = alone, (results[position],)
    batch = equation.operands[0].type.rank - 2  # type: ignore[union-attr]
    buffers = [_result(scope, equation, r) for r in results]
    arguments: list[str | Atom] = [
        _stack(scope, b, batch) if is_array(r) else b.name for r, b in zip(results, buffers, strict=True)
    ]
    arguments += [_stack(scope, scope.buffer(v), batch) if is_array(v) else scope.atom(v) for v in equation.operands]
    arguments += [literal(value, BOOL) for _, value in equation.attributes if isinstance(value, bool)]
    scope.statements.append(Call(f"lapack.{function}", tuple(arguments), (), equation.source))
    for result, buffer in zip(results, buffers, strict=True):
        if not is_array(result):
            name = scope.bind_scalar(result, buffer.name)
            scope.statements.append(Load(name, buffer.type.dtype, buffer.name, (0,), equation.source))


def _result(scope: Scope, equation: Equation, var: Var) -> Buffer:
    """The memory of a result; a number gets a stack of one."""
    wish = scope.wish(equation)
    if is_array(var):
        return scope.new_buffer(var, wish, source=equation.source)
    assert isinstance(var.type, ArrayType)
    single = var.type.with_shape((1,))
    name = scope.shared.names.fresh(wish)
    scope.statements.append(Allocate(name, single, source=equation.source))
    return Buffer(name, single, name)


def _stack(scope: Scope, buffer: Buffer, batch: int) -> str:
    """A view of a buffer in which one axis counts the matrices."""
    shape = buffer.type.shape
    return scope.reshaped_buffer(buffer, (product(shape[:batch]), *shape[batch:]))
