"""Elementwise functions from SymPy expressions, with the derivatives that SymPy finds."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from keyword import iskeyword
from typing import Any

from .compiler.diff.derive import expression_text
from .compiler.diff.expressions import evaluate_expression
from .compiler.ir import ArrayType, Function
from .compiler.ir.types import F64
from .compiler.ops import OPS, Builder
from .compiler.syntax import parse_expression
from .compiler.trace.elementwise import formula
from .transforms import jit


def elementwise(
    expression: Any, arguments: Sequence[Any] | str | None = None, *, derivatives: Sequence[Any] | None = None, name: str = ""
) -> Callable[..., Any]:
    """A function of arrays, element by element, from a SymPy expression; SymPy finds its derivatives, of all orders.

    The function broadcasts as NumPy's do. It computes in float32 where all arguments are float32, in float64 for integers.
    The expression is computed as SymPy writes it, so intermediate values that overflow do so here as well.

    Parameters
    ----------
    expression : a SymPy expression, or its text; texts are evaluated as Python code, so they must come from yourself.
    arguments : the symbols, or their names, in the order of the arguments; alphabetical if not given.
    derivatives : one expression per argument, where SymPy's own would overflow, or where you know a better one.
    name : what the function is called in messages; the text of the expression if not given.

    >>> import numpy as np, jitgrad as jg
    >>> mish = jg.elementwise("x * tanh(log(1 + exp(x)))")
    >>> mish(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8651])
    >>> jg.grad(mish)(0.0)
    np.float64(0.6)
    """
    import sympy

    meaning = _parsed(expression)
    known = {symbol.name: symbol for symbol in meaning.free_symbols}
    names = sorted(known) if arguments is None else _names(arguments)
    if unknown := sorted(set(known) - set(names)):
        raise ValueError(
            f"elementwise: {meaning} holds {', '.join(unknown)}, and its arguments are {', '.join(names) or 'none'}"
        )
    if not names:
        raise ValueError(f"elementwise: {meaning} is a constant; name its arguments, as in arguments='x'")
    plain = [n if n.isidentifier() and not iskeyword(n) else f"argument_{k}" for k, n in enumerate(names)]
    ours = [sympy.Symbol(n, real=True) for n in plain]
    replaced = {known[n]: symbol for n, symbol in zip(names, ours, strict=True) if n in known}
    value = meaning.xreplace(replaced)
    if derivatives is None:
        found = [sympy.diff(value, symbol) for symbol in ours]
    else:
        found = [_parsed(text) for text in derivatives]
        found = [d.xreplace({s: ours[names.index(s.name)] for s in d.free_symbols if s.name in names}) for d in found]
        if len(found) != len(names):
            raise ValueError(f"elementwise: {len(found)} derivatives given for {len(names)} arguments")
    texts = [_text(e, meaning) for e in (value, *found)]
    variables = [symbol.name for symbol in ours]
    label = name or str(meaning)

    def apply(*values: Any) -> Any:
        if len(values) != len(names):
            raise TypeError(f"{label} takes {len(names)} arguments ({', '.join(names)}), found {len(values)}")
        return formula(lambda type, count: _regions(type, variables, texts), values, label)

    apply.__name__ = apply.__qualname__ = name or "formula"
    apply.__doc__ = f"``{meaning}``, element by element."
    _regions(ArrayType(F64, ()), variables, texts)  # errors belong here rather than at the first call
    return jit(apply)  # type: ignore[no-any-return]


def _parsed(expression: Any) -> Any:
    import sympy
    from sympy.codegen import cfunctions

    if not isinstance(expression, str):
        return sympy.sympify(expression)
    words = {name: getattr(cfunctions, name) for name in ("expm1", "log1p", "exp2", "log2", "log10", "Cbrt", "hypot")}
    return sympy.sympify(expression, locals={**words, "maximum": sympy.Max, "minimum": sympy.Min})


def _names(arguments: Sequence[Any] | str) -> list[str]:
    parts = arguments.replace(",", " ").split() if isinstance(arguments, str) else arguments
    return [part if isinstance(part, str) else part.name for part in parts]


def _text(expression: Any, meaning: Any) -> str:
    """The expression in the language of derivatives."""
    try:
        text = expression_text(expression)
    except (ValueError, TypeError) as error:
        raise ValueError(f"elementwise: {error}, in {expression}; state derivatives= where SymPy knows none") from None
    called = {node.func.id for node in ast.walk(parse_expression(text)) if isinstance(node, ast.Call)}  # type: ignore[attr-defined]
    if unknown := sorted(name for name in called if name not in OPS or not OPS[name].elementwise):
        raise ValueError(
            f"elementwise: there is no function {unknown[0]}, in {expression}; write it with others, or state derivatives= where "
            f"it comes from the derivative of {meaning}"
        )
    return text


def _regions(type: ArrayType, names: Sequence[str], texts: Sequence[str]) -> tuple[Function, Function]:
    """The function and its partial derivatives for arrays of one type."""
    made = []
    for name, wanted in (("value", texts[:1]), ("partials", texts[1:])):
        builder = Builder()
        parameters = [builder.parameter(argument, type) for argument in names]
        made.append(builder.finish(name, [evaluate_expression(builder, text, parameters, names) for text in wanted]))
    return made[0], made[1]
