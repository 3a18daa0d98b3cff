"""Python's operators on two operands, as traced functions mean them: in go a symbol and the operands, out comes the result.

Numbers and arrays know their operators themselves. Here is what they do not know: methods that a class of the user's defines, and which
are followed; lists that are repeated a traced number of times; tuples that are compared item by item; integers divided by zero.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import BOOL
from .blocks import is_number
from .calls import OPERATORS, has_traced, users_method
from .context import active_trace
from .elementwise import elementwise
from .identity import may_be_one
from .list_methods import compared, is_known, joined, repeated
from .maybe import Maybe, known
from .one_of import OneOf, distributed, is_choosable
from .outdated import Outdated
from .promotion import as_tracer, is_python
from .rows import Rows
from .symbols import BINARY, COMPARE, IDENTITY, UNARY, Symbol
from .tracer import HANDLERS, Concretize, TracedSize, Tracer, describe, new
from .unbound import emit_check

_NUMBERS = (Tracer, TracedSize, np.ndarray, np.generic)
_SEQUENCES = (list, tuple, Rows)


def binary(symbol: str, left: Any, right: Any) -> Any:
    """``left + right``, and so on."""
    left, right = known(left), known(right)
    if isinstance(left, OneOf) or isinstance(right, OneOf):
        return distributed(functools.partial(binary, symbol), (left, right), {})
    function, forward, backward = BINARY[symbol]
    if users_method(left, forward) or users_method(right, backward):
        return _by_methods(BINARY[symbol], left, right)
    if symbol == "*" and isinstance(left, _SEQUENCES) and _is_run_time(left, right):
        return _repeated(left, right)
    if symbol == "*" and isinstance(right, _SEQUENCES) and _is_run_time(right, left):
        return _repeated(right, left)
    if symbol == "+" and _are_lists(left, right):
        return joined(left, right)
    left, right = _beside_array(left, right), _beside_array(right, left)
    if symbol in ("/", "//", "%"):
        _check_divisor(symbol, left, right)
    result = function(left, right)
    if symbol == "**":
        _check_power(left, right, result)
    return result


def unary(symbol: str, operand: Any) -> Any:
    """``-operand``, and so on."""
    operand = known(operand)
    function, name = UNARY[symbol]
    method = users_method(operand, name)
    return function(operand) if method is None else method(operand)


def compare(symbol: str, left: Any, right: Any) -> Any:
    """``left < right``, and so on."""
    if symbol in ("is", "is not", "==", "!=") and (isinstance(left, Maybe) or isinstance(right, Maybe)):
        return _compare_where_there(symbol, left, right)
    left, right = known(left), known(right)
    if isinstance(left, OneOf) or isinstance(right, OneOf):
        return _compare_chosen(symbol, left, right)
    if symbol in IDENTITY:
        return _are_one(symbol, left, right)
    function, forward, backward = COMPARE[symbol]
    if type(left) is type(right) and _is_made_by_dataclass(left, forward):
        return compare(symbol, _fields(left), _fields(right))
    if users_method(left, forward) or users_method(right, backward):
        return _by_methods(COMPARE[symbol], left, right)
    for kind in (tuple, list):
        if isinstance(left, kind) and isinstance(right, kind) and has_traced((left, right)):
            return _compare_sequences(symbol, left, right)
    if _are_lists(left, right):
        return compared(symbol, left, right)
    if active_trace().dynamic_tests and _are_sizes(left, right):
        return HANDLERS["binary"](forward.strip("_"), left, right)  # for the run to tell
    return function(_beside_array(left, right), _beside_array(right, left))


def _beside_array(operand: Any, other: Any) -> Any:
    """An operand as NumPy sees it beside an array of its own, which would ask for the elements of a list now."""
    if isinstance(other, np.ndarray) and isinstance(operand, _SEQUENCES) and has_traced(operand):
        return as_tracer(operand)
    return operand


def _compare_where_there(symbol: str, left: Any, right: Any) -> Any:
    """Whether two values are one, or equal, of which one at least may be None."""
    operators = OPERATORS[0]
    if symbol in ("is not", "!="):
        return operators.not_(_compare_where_there("is" if symbol == "is not" else "==", left, right))
    if not isinstance(left, Maybe):
        left, right = right, left
    if right is None:
        return left.is_none()
    return operators.ifexp(left.is_none(), lambda: compare(symbol, None, right), lambda: compare(symbol, left.known(), right))


def _compare_chosen(symbol: str, left: Any, right: Any) -> Any:
    """The same of values of which one at least is one of several."""
    if isinstance(left, OneOf) and is_choosable(right):
        return left.truth_of(lambda value: bool(compare(symbol, value, right)))
    if isinstance(right, OneOf) and is_choosable(left):
        return right.truth_of(lambda value: bool(compare(symbol, left, value)))
    return distributed(functools.partial(compare, symbol), (left, right), {})


def _are_one(symbol: str, left: Any, right: Any) -> Any:
    if _is_bool(left) and _is_bool(right):
        return left == right if symbol == "is" else left != right
    for operand in (left, right):
        if isinstance(operand, Outdated):
            raise operand.error()
    if may_be_one(left, right):
        raise UnsupportedError(
            f"whether {symbol!r} holds of two {type(left).__name__}s is known only when the program runs, since each may be one of several; "
            "compare what is in them, or give each a number"
        )
    return IDENTITY[symbol](left, right)  # type: ignore[no-any-return]


def _is_bool(value: Any) -> bool:
    """Whether a value is one of Python's two bools, now or when the program runs."""
    return type(value) is bool or (isinstance(value, Tracer) and value.weak and value.dtype == BOOL)


def _are_sizes(*operands: Any) -> bool:
    """Whether all are sizes or ints, and not all are ints."""
    return all(isinstance(v, (int, np.integer, TracedSize)) for v in operands) and any(
        isinstance(v, TracedSize) for v in operands
    )


def _by_methods(symbol: Symbol, left: Any, right: Any) -> Any:
    """What the first of both operands says that has an answer, as Python asks them."""
    ways = [(left, symbol.forward, right), (right, symbol.backward, left)]
    if type(left) is type(right) and symbol.function not in _COMPARISONS:
        ways.pop()
    elif type(left) is not type(right) and issubclass(type(right), type(left)) and _has_own(right, left, symbol):
        ways.reverse()
    for owner, name, other in ways:
        method = users_method(owner, name)
        if method is None and isinstance(owner, _NUMBERS):
            _refuse_array_of_objects(owner, other)
            continue
        if method is None:
            method = getattr(type(owner), name, None)
        result = NotImplemented if method is None else method(owner, other)
        if result is not NotImplemented:
            return result
    return symbol.function(left, right)


def _has_own(right: Any, left: Any, symbol: Symbol) -> bool:
    """Whether the class of the right operand has another method than the one above it, or is asked for a comparison."""
    of_right, of_left = (getattr(type(operand), symbol.backward, None) for operand in (right, left))
    return symbol.function in _COMPARISONS or of_right is not of_left


_COMPARISONS = {symbol.function for symbol in COMPARE.values()}


def _refuse_array_of_objects(array: Any, other: Any) -> None:
    if np.ndim(array) and not hasattr(other, "__array_ufunc__"):
        raise UnsupportedError(
            f"NumPy makes an array of objects of {describe(array)} and a {type(other).__name__}; write the {type(other).__name__} on the "
            "left, or say with __array_ufunc__ = None that it is to be asked first"
        )


def _are_lists(left: Any, right: Any) -> bool:
    """Whether both are lists, and one at least is held in arrays."""
    for operand in (left, right):
        if isinstance(operand, Rows):
            operand.require_list()
    return (isinstance(left, Rows) and isinstance(right, (list, Rows))) or (isinstance(right, Rows) and isinstance(left, list))


def _is_traced_int(value: Any) -> bool:
    """Whether a value is an int, known at run time, that Python takes for the number of repetitions."""
    return isinstance(value, Tracer) and (value.weak or value.is_scalar) and value.dtype.kind in "iub"


def inplace(symbol: str, left: Any, right: Any) -> None:
    """Refuse what lists cannot do where they stand."""
    if symbol == "*" and isinstance(left, (list, Rows)) and _is_traced_int(right) and _count(right) is None:
        raise Concretize(
            f"a list is repeated in place {describe(right)} times, which is known only when the program runs; write a = a * n",
            right,
        )


def _is_run_time(items: Any, times: Any) -> bool:
    """Whether the product of a sequence and an int has a length that only the run knows."""
    return _is_traced_int(times) or (isinstance(items, Rows) and isinstance(times, int) and not is_known(items))


def _count(times: Any) -> int | None:
    if not isinstance(times, Tracer):
        return times  # type: ignore[no-any-return]
    return active_trace().sizing.pin(times.dim) if times.dim is not None else None


def _repeated(items: Any, times: Any) -> Any:
    """``items * times``."""
    count = _count(times)
    if count is not None and (not isinstance(items, Rows) or is_known(items)):
        return items * count
    if isinstance(items, tuple):
        raise Concretize(
            f"a tuple is repeated {describe(times)} times, which is known only when the program runs; make a list, or an array with "
            "np.full or np.tile",
            times,
        )
    if isinstance(items, Rows) or len(items) != 1:
        return repeated(items, times)
    indices = OPERATORS[0].call(range)(times)
    return OPERATORS[0].listcomp(indices, lambda _: items[0])


def _check_divisor(symbol: str, left: Any, right: Any) -> None:
    """Python's error where an int is divided by an int that is zero; floats are divided as by NumPy, unless that error is caught."""
    if symbol == "/" or not (_is_int(left) and _is_int(right)):
        if isinstance(right, Tracer) and is_python(left) and is_python(right):
            active_trace().may_raise(_error_of(symbol, 1.0, 0.0), lambda: right != 0)
        return
    dim = right.dim if isinstance(right, Tracer) else None
    if dim is not None and active_trace().sizing.decide(dim, "!=", 0):
        return
    divides = right != 0
    error = _error_of(symbol, 1, 0)
    if isinstance(divides, Tracer):
        emit_check(divides, error)
    elif not divides:
        raise error


def _check_power(base: Any, exponent: Any, power: Any) -> None:
    """Python's errors where a number is raised to a power that is none, or is too large for a float, should they be caught."""
    trace = active_trace()
    if not (trace.handlers and isinstance(power, Tracer) and is_python(base) and is_python(exponent)):
        return
    is_pole = elementwise("and", as_tracer(base == 0), as_tracer(exponent < 0))
    trace.may_raise(_error_of("**", 0.0, -1.0), lambda: elementwise("not", is_pole))
    if not (_is_int(base) and _is_int(exponent)):
        is_finite = elementwise("and", np.isfinite(as_tracer(base)), np.isfinite(as_tracer(exponent)))
        is_large = elementwise("and", np.isinf(power), is_finite)
        trace.may_raise(_error_of("**", 10.0, 400.0), lambda: elementwise("not", is_large))


def _error_of(symbol: str, left: float, right: float) -> Exception:
    """What Python raises of two numbers."""
    try:
        BINARY[symbol].function(left, right)
    except ArithmeticError as error:
        return error.with_traceback(None)
    raise AssertionError(symbol)


def _is_int(value: Any) -> bool:
    """Whether a value stands for one of Python's ints."""
    return is_python(value) and not isinstance(value, float) and not (isinstance(value, Tracer) and value.dtype.kind == "f")


def _compare_sequences(symbol: str, left: Sequence[Any], right: Sequence[Any]) -> Any:
    """Item by item: the first pair that differs decides, or the lengths do."""
    operators = OPERATORS[0]
    if symbol == "!=":
        return operators.not_(_compare_sequences("==", left, right))
    if symbol == "==" and len(left) != len(right):
        return False
    result: Any = COMPARE[symbol].function(len(left), len(right))
    for a, b in reversed(list(zip(left, right, strict=False))):
        equal, rest = operators.truth(compare("==", a, b)), result
        if symbol == "==":
            result = operators.and_(equal, lambda rest=rest: rest)
        elif isinstance(equal, Tracer) and all(map(is_number, (a, b, rest))):  # of numbers without a branch
            result = new(elementwise("select", equal, rest, compare(symbol, a, b)).value, weak=True)
        else:
            result = operators.ifexp(equal, lambda rest=rest: rest, lambda a=a, b=b: compare(symbol, a, b))
    return result


def _is_made_by_dataclass(thing: Any, name: str) -> bool:
    """Whether a method is the one that ``dataclass`` writes, which compares the fields as a tuple."""
    if not dataclasses.is_dataclass(thing):
        return False
    method = getattr(type(thing), "__eq__" if name == "__ne__" else name)
    return isinstance(method, types.FunctionType) and method.__code__.co_filename == "<string>"


def _fields(thing: Any) -> tuple[Any, ...]:
    return tuple(getattr(thing, field.name) for field in dataclasses.fields(thing) if field.compare)


__all__ = ["binary", "compare", "unary"]
