"""SymPy derives partial derivatives; the only module that imports it, when it is needed and not before.

In: the meaning of an elementwise op as a SymPy expression in x, y, z. Out: one text per operand in the language of
``expressions``. The ops of the table are derived once and for all in ``derived`` (``python -m jitgrad.compiler.diff.derive``
writes it again); what is not there is derived at first use and kept in the user's cache folder.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import math
import re
from functools import lru_cache
from typing import Any

from .. import store
from ..ops import OPS
from ..ops.op import Op
from .derived import DERIVED
from .expressions import NAMES

VERSION = 1  # of the printer below; older entries on disk are derived again

# SymPy's name of a function that has another name here
_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "Abs": "abs", "loggamma": "lgamma", "ceiling": "ceil", "Mod": "remainder",
}  # fmt: skip
_RECIPROCALS = {"sec": "cos", "csc": "sin", "cot": "tan", "sech": "cosh", "csch": "sinh", "coth": "tanh"}
_RELATIONS = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq}


def partials_of(op: Op) -> tuple[str, ...]:
    """The partial derivatives of an elementwise op, stated in its row or derived from its expression."""
    if op.partials is not None:
        return op.partials
    arity = 1 + max((k for k, name in enumerate(NAMES) if name in _words(op.expression)), default=0)
    return partials_of_expression(op.expression, arity)


@lru_cache(maxsize=1024)
def partials_of_expression(expression: str, arity: int) -> tuple[str, ...]:
    """The partial derivatives of a SymPy expression in the first names of x, y, z."""
    if expression in DERIVED:
        return DERIVED[expression]
    key = hashlib.sha256(f"partials {VERSION} {arity} {expression}".encode()).hexdigest()
    found = _read(key, arity)
    if found is None:
        found = derive(expression, arity)
        store.write_entry(key, json.dumps(found).encode())
    return found


def derive(expression: str, arity: int) -> tuple[str, ...]:
    """Differentiate with SymPy."""
    import sympy

    symbols = {name: sympy.Symbol(name, real=True) for name in NAMES[:arity]}
    meaning = sympy.sympify(expression, locals=symbols)
    return tuple(expression_text(sympy.diff(meaning, variable)) for variable in symbols.values())


def expression_text(expression: Any) -> str:
    """The text of a SymPy expression in the language of ``expressions``."""
    return ast.unparse(_tree(expression))


def _tree(e: Any) -> ast.expr:
    import sympy

    if e.is_number:
        return _number(e)
    match e:
        case sympy.Symbol():
            return ast.Name(e.name)
        case sympy.Add():
            first, *others = sorted(e.args, key=_sign_order)
            return functools.reduce(_plus, others, _tree(first))
        case sympy.Mul():
            return _product(e)
        case sympy.exp():  # before Pow: some versions count exp(x) as a power
            return _call("exp", *e.args)
        case sympy.Pow():
            return _power(e.base, e.exp)
        case sympy.Piecewise():
            return _choice(e.args)
        case sympy.Heaviside():  # the derivative of max and min, which share at a tie
            at = _tree(e.args[0])
            return _select(
                _compare(at, ast.Gt()), 1, _select(_compare(at, ast.Lt()), 0, _select(_compare(at, ast.Eq()), 0.5, at))
            )
        case sympy.DiracDelta():
            return ast.Constant(0)
        case sympy.core.relational.Relational():
            return ast.Compare(_tree(e.lhs), [_RELATIONS[e.rel_op]()], [_tree(e.rhs)])
        case sympy.And() | sympy.Or():
            operator = ast.BitAnd() if isinstance(e, sympy.And) else ast.BitOr()
            return functools.reduce(lambda left, right: ast.BinOp(left, operator, right), map(_tree, e.args))
        case sympy.Not():
            return ast.UnaryOp(ast.Invert(), _tree(e.args[0]))
        case sympy.Max() | sympy.Min():
            name = "maximum" if isinstance(e, sympy.Max) else "minimum"
            return functools.reduce(lambda left, right: ast.Call(ast.Name(name), [left, right], []), map(_tree, e.args))
        case sympy.Function():
            name = type(e).__name__
            if name in _RECIPROCALS:
                return ast.BinOp(ast.Constant(1), ast.Div(), _call(_RECIPROCALS[name], *e.args))
            return _call(_NAMES.get(name, name), *e.args)
    raise ValueError(f"the derivative holds {e}, which is not an op")


def _number(e: Any) -> ast.expr:
    value = int(e) if e.is_Integer else float(e)
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _call(name: str, *arguments: Any) -> ast.expr:
    return ast.Call(ast.Name(name), [_tree(argument) for argument in arguments], [])


def _plus(left: ast.expr, term: Any) -> ast.expr:
    if term.could_extract_minus_sign():
        return ast.BinOp(left, ast.Sub(), _tree(-term))
    return ast.BinOp(left, ast.Add(), _tree(term))


def _product(e: Any) -> ast.expr:
    """A coefficient times factors, over the factors with negative powers."""
    coefficient, factors = e.as_coeff_mul()
    numbers = [f for f in factors if f.is_number]
    for number in numbers:
        coefficient = coefficient * number
    below = [1 / f for f in factors if f.is_Pow and f.exp.is_number and f.exp < 0 and not f.is_number]
    above = [f for f in factors if 1 / f not in below and not f.is_number]
    if coefficient < 0:
        return ast.UnaryOp(ast.USub(), _tree(-e))
    trees = [_number(coefficient)] if coefficient != 1 or not above else []
    top = functools.reduce(_times, [*trees, *map(_tree, above)])
    return ast.BinOp(top, ast.Div(), functools.reduce(_times, map(_tree, below))) if below else top


def _times(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.BinOp(left, ast.Mult(), right)


def _power(base: Any, exponent: Any) -> ast.expr:
    if exponent.is_number and exponent < 0:
        return ast.BinOp(ast.Constant(1), ast.Div(), _tree(base**-exponent))
    if exponent == 2:
        return ast.BinOp(_tree(base), ast.Pow(), ast.Constant(2))
    if exponent.is_Integer:
        return _times(_tree(base), _tree(base ** (exponent - 1)))
    return _call("sqrt", base) if 2 * exponent == 1 else _call("pow", base, exponent)


def _choice(pieces: Any) -> ast.expr:
    """The first value whose condition holds; not a number where none does."""
    if not pieces:
        return ast.Constant(math.nan)
    (value, condition), *rest = pieces
    return _tree(value) if condition == True else _select(_tree(condition), _tree(value), _choice(rest))  # noqa: E712


def _select(test: ast.expr, yes: Any, no: Any) -> ast.expr:
    values = [value if isinstance(value, ast.expr) else ast.Constant(value) for value in (yes, no)]
    return ast.Call(ast.Name("select"), [test, *values], [])


def _compare(left: ast.expr, operator: ast.cmpop) -> ast.expr:
    return ast.Compare(left, [operator], [ast.Constant(0)])


def _sign_order(term: Any) -> tuple[bool, str]:
    """Terms without a minus first: 1 - tanh(x)**2."""
    return (bool(term.could_extract_minus_sign()), str(term))


def _words(expression: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", expression))


def _read(key: str, arity: int) -> tuple[str, ...] | None:
    """What an earlier process derived; None where it is missing or damaged."""
    content = store.read_entry(key)
    try:
        found = json.loads(content) if content is not None else None
    except ValueError:
        return None
    if not isinstance(found, list) or len(found) != arity or not all(isinstance(text, str) for text in found):
        return None
    return tuple(found)


def derived_table() -> dict[str, tuple[str, ...]]:
    """What SymPy derives for the ops of the table that need it."""
    needed = [
        op for op in OPS.values()
        if op.elementwise and op.partials is None and not (op.no_derivative or op.linear or op.multilinear or op.jvp)
    ]  # fmt: skip
    return {op.expression: derive(op.expression, 1) for op in needed}


def derived_source() -> str:
    """The source text of the module ``derived``."""
    rows = "".join(f"    {json.dumps(e)}: ({json.dumps(texts[0])},),\n" for e, texts in derived_table().items())
    return (
        '"""Written by ``python -m jitgrad.compiler.diff.derive``: derivatives of the ops, as SymPy derives them."""\n\n'
        f"DERIVED: dict[str, tuple[str, ...]] = {{\n{rows}}}\n"
    )


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name("derived.py").write_text(derived_source())
