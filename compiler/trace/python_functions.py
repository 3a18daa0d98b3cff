"""Python's builtin functions, and those of ``math``, for traced values.

``REPLACED`` gives for each the function that traced programs call in its place; without traced values it does what Python's does.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir.types import BOOL, F64, I64
from ..tree import flatten
from . import creation, numpy_objects
from .blocks import is_number, truth
from .calls import OPERATORS, call, follow, has_traced, users_method
from .context import active_trace
from .elementwise import elementwise
from .functions import FUNCTIONS
from .integers import INTEGERS, OF_MANY
from .iterables import Comprehension, Indexed, Once, as_indexed, backwards, enumerated, traced_range, zipped
from .outdated import Outdated
from .promotion import as_tracer, convert, is_python
from .python_iterators import ITERATORS, OPERATOR_MODULE, ndindex
from .rows import Rows
from .texts import Text, in_format, joined, shown
from .tracer import TracedSize, Tracer, describe, new, python_size
from .trying import Suppressing
from .ufuncs import apply_ufunc
from .unbound import Undefined, emit_check, is_there, require_settled
from .using_up import lose, made_here, use


def _len(x: Any) -> Any:
    require_settled(x)
    method = users_method(x, "__len__")
    if method is not None:
        return method(x)
    if isinstance(x, Tracer):
        if not x.type.shape:
            raise TypeError("len() of unsized object")
        return x.shape[0]
    if isinstance(x, Rows):
        return x.length()
    return x.count() if isinstance(x, Indexed) and not isinstance(x, Once) else len(x)


def _float(x: Any = 0.0) -> Any:
    if isinstance(x, (Tracer, TracedSize)):
        return new(convert(_single(x, "float"), F64).value, weak=True)
    _require_known(x)
    return float(x)


def _int(x: Any = 0, *base: Any) -> Any:
    if isinstance(x, TracedSize):
        return x
    if isinstance(x, Tracer):
        single = _single(x, "int")
        return new(_whole(single).value, weak=True, dim=single.dim)
    _require_known(x)
    return int(x, *base)


def _whole(x: Tracer) -> Tracer:
    """A number as an integer; where there is none, the program raises Python's error, but not in loops, which that would make slower."""
    if x.dtype.kind != "f" or active_trace().scope.is_in_loop():
        return convert(x, I64)
    emit_check(elementwise("eq", x, x), ValueError("cannot convert float NaN to integer"))
    fits = elementwise("and", elementwise("ge", x, -(2.0**63)), elementwise("lt", x, 2.0**63))
    emit_check(fits, OverflowError("cannot convert float infinity to integer, nor one that does not fit into 64 bits"))
    return convert(x, I64)


def _require_known(x: Any) -> None:
    """Refuse the number in a text with traced values."""
    if isinstance(x, Text):
        hash(x)


def _bool(x: Any = False) -> Any:
    decided = OPERATORS[0].truth(x)
    return new(decided.value, weak=True) if isinstance(decided, Tracer) else decided


def _single(x: Any, name: str) -> Tracer:
    tracer = as_tracer(x)
    if not tracer.type.rank:
        return tracer
    if active_trace().sizing.decide(tracer.type.size, "==", 1) is not True:
        raise TypeError(f"only size-1 arrays can be converted with {name}(); found {describe(tracer)}")
    return new(tracer.reshape(()).value)


def _sum(iterable: Any, start: Any = 0) -> Any:
    if isinstance(iterable, Comprehension):
        return iterable.fold(lambda total, item: total + item, start)
    if isinstance(iterable, Rows):
        return _sum_of_rows(iterable, start)
    items = as_indexed(iterable)
    if isinstance(iterable, Tracer):
        total = FUNCTIONS[np.sum](iterable, axis=0, dtype=None if iterable.dtype == BOOL else iterable.dtype)
        return total if isinstance(start, int) and start == 0 else start + total
    if items is not None and not isinstance(iterable, range):
        return Comprehension(items, lambda item: item, None).fold(lambda total, item: total + item, start)
    listed = list(iterable)
    if any(users_method(item, "__add__") or users_method(item, "__radd__") for item in listed):
        return functools.reduce(functools.partial(OPERATORS[0].binary, "+"), listed, start)
    return builtins.sum(listed, start)


def _sum_of_rows(rows: Rows, start: Any) -> Any:
    """The sum of a list: of its array in one go, where its items are numbers or arrays."""
    if rows.listed is not None:
        return _sum(rows.listed, start)
    if rows.tree.paths() != [()]:
        return _sum(Comprehension(Indexed(0, rows.length(), 1, rows.item), lambda item: item, None), start)
    total = _sum(rows.settled().arrays[0], start)
    return new(total.value, weak=True) if rows.weak[0] and is_python(start) else total


def _extreme(name: str) -> Callable[..., Any]:
    python, sign = getattr(builtins, name), "<" if name == "min" else ">"
    sign_name = "lt" if name == "min" else "gt"

    def better(best: Any, other: Any) -> Any:
        operators = OPERATORS[0]
        test = operators.truth(operators.compare(sign, other, best))
        if isinstance(test, Tracer) and is_number(best) and is_number(other):
            return elementwise("select", test, other, best)
        return operators.ifexp(test, lambda: other, lambda: best)

    def of_array(array: Tracer) -> Tracer:
        """As Python compares: a NaN wins at the first place, where nothing beats it, and nowhere else."""
        if array.ndim != 1:
            return functools.reduce(better, array)
        if array.dtype.kind != "f":
            return FUNCTIONS[getattr(np, name)](array, axis=0)  # type: ignore[no-any-return]
        found = FUNCTIONS[getattr(np, f"nan{name}")](array, axis=0)
        return elementwise("select", elementwise("isnan", array[0]), array[0], found)

    def extreme(*args: Any, key: Any = None, **kwargs: Any) -> Any:
        values = args[0] if len(args) == 1 else args
        use(values)
        if isinstance(values, Comprehension):
            if values.condition is not None or values.flat:
                return _extreme_generated(values, _same if key is None else call(key), name, **kwargs)
            values = values.listed()
        elif isinstance(values, Once):
            values = OPERATORS[0].listcomp(values, _same)
        if key is not None:
            return _extreme_by_key(values, call(key), name, lambda: python((), **kwargs))
        if isinstance(values, (Tracer, Rows)) and "default" in kwargs:
            is_empty, default = _len(values) == 0, kwargs.pop("default")
            return OPERATORS[0].ifexp(is_empty, lambda: default, lambda: extreme(values))
        if isinstance(values, Rows) and values.tree.paths() == [()] and values.listed is None:
            found = of_array(values.as_array())
            return new(found.value, weak=True) if values.weak[0] else found
        if isinstance(values, Tracer):
            return of_array(values)
        if isinstance(values, Indexed) or (isinstance(values, Rows) and values.listed is None):
            items = as_indexed(values)
            assert items is not None
            if items.static_count() is None:
                return _extreme_generated(Comprehension(items, _same, None), _same, name)
        values = values if isinstance(values, Indexed) else list(values)
        if not has_traced(values) and not any(users_method(value, f"__{sign_name}__") for value in values):
            return python(values, **kwargs)
        if builtins.all(isinstance(v, (int, TracedSize)) for v in values):
            return _extreme_size(name, values)
        return functools.reduce(better, values)

    return extreme


def _extreme_by_key(values: Any, key: Callable[[Any], Any], name: str, default: Any) -> Any:
    """The first item whose key is the smallest or largest."""
    operators, sign = OPERATORS[0], "<" if name == "min" else ">"
    items = as_indexed(values)
    if items is None or items.static_count() is not None:
        listed = list(items or values)
        keys = [key(item) for item in listed]
        if not has_traced(keys):
            return listed[getattr(builtins, name)(builtins.range(len(keys)), key=keys.__getitem__)] if keys else default()
        pairs: Any = zip(listed[1:], keys[1:], strict=True)
        state = (listed[0], keys[0])
    else:
        first = items.from_zero()
        pairs = Indexed(1, first.stop, 1, lambda k: (first.at(k), key(first.at(k))))
        state = (first.item(0), key(first.item(0)))

    def better(pair: Any, *best: Any) -> Any:
        test = operators.compare(sign, pair[1], best[1])
        return operators.if_(test, lambda *_: pair, lambda *held: held, best, ("the best", "its key"))

    return operators.for_(pairs, better, state, ("the best", "its key"))[0]


def _same(item: Any) -> Any:
    return item


def _extreme_generated(values: Comprehension, key: Callable[[Any], Any], name: str, **default: Any) -> Any:
    """The first element whose key is the smallest or largest, where it is not known now whether there is any."""
    operators, sign = OPERATORS[0], "<" if name == "min" else ">"
    names = ("is there one", "item", "its key")

    def body(item: Any, *best: Any) -> tuple[Any, ...]:
        found = (True, item, key(item))
        is_better = operators.or_(operators.not_(best[0]), lambda: operators.compare(sign, found[2], best[2]))
        return operators.if_(is_better, lambda *_: found, lambda *held: held, best, names)  # type: ignore[no-any-return]

    found, item, _ = operators.for_(values, body, (False, Undefined("item"), Undefined("its key")), names)
    if "default" in default:
        return operators.ifexp(found, lambda: operators.bound(item), lambda: default["default"])
    try:
        getattr(builtins, name)(())
    except ValueError as error:
        emit_check(found, error)
    return operators.bound(item)


def _extreme_size(name: str, values: Sequence[Any]) -> Any:
    """The smaller or larger of sizes: an expression, with no guard."""
    from ..ir.sizes import maximum, minimum
    from .tracer import as_dim

    combine = minimum if name == "min" else maximum
    return python_size(functools.reduce(combine, [as_dim(v) for v in values]))  # type: ignore[arg-type]


def _truths(combine: str) -> Callable[[Any], Any]:
    def reduce(iterable: Any) -> Any:
        if isinstance(iterable, Tracer):
            return new(FUNCTIONS[getattr(np, combine)](iterable, axis=0).value, weak=True)
        operators, first = OPERATORS[0], combine == "all"
        join = operators.and_ if first else operators.or_
        if isinstance(iterable, Comprehension):
            found = _bool(iterable.fold_lazily(lambda total, item: join(total, lambda: truth(item())), first))
            if isinstance(iterable.items, Once):  # Python stops at the item that decides
                iterable.items.lose()
            return found
        use(iterable)
        result: Any = first
        for item in iterable:
            result = join(result, lambda item=item: truth(item))
            if not isinstance(result, Tracer) and result is not first:
                break
        if isinstance(result, Tracer):
            lose(iterable)
        return _bool(result)

    return reduce


def is_instance(x: Any, classes: Any) -> bool:
    if isinstance(x, Outdated):
        raise x.error()
    if isinstance(x, (Tracer, TracedSize, Rows)):
        known = classes if isinstance(classes, tuple) else (classes,)
        return any(issubclass(_python_class(x), c) for c in known if isinstance(c, type))
    return isinstance(x, classes)


def _python_class(x: Any) -> type:
    """The class of the value that a traced value stands for."""
    if isinstance(x, TracedSize):
        return int
    if isinstance(x, Rows):
        return list
    if x.weak:
        return {"b": bool, "i": int, "f": float}[x.dtype.kind]
    return x.dtype.type if x.is_scalar else np.ndarray


def _type(x: Any, *rest: Any) -> Any:
    return _python_class(x) if isinstance(x, (Tracer, TracedSize, Rows)) and not rest else type(x, *rest)


def _round(x: Any, digits: Any = None) -> Any:
    if not isinstance(x, Tracer):
        return round(x, digits) if digits is not None else round(x)
    rounded = FUNCTIONS[np.round](x, digits or 0)
    if digits is None and x.is_scalar:
        return _int(rounded)
    return new(rounded.value, weak=True) if x.weak else rounded


def _pow(x: Any, y: Any, mod: Any = None) -> Any:
    if mod is None:
        return OPERATORS[0].binary("**", x, y)
    return _pow_modulo(x, y, mod) if has_traced((x, y, mod)) else pow(x, y, mod)


def _pow_modulo(x: Any, y: Any, mod: Any) -> Any:
    """``pow`` with a modulus: by squaring."""
    emit_check(as_tracer(y) >= 0, ValueError("pow() with a modulus takes exponents that are not negative"))
    operators, names = OPERATORS[0], ("power", "base", "exponent")
    modulo = functools.partial(operators.binary, "%")

    def step(power: Any, base: Any, exponent: Any) -> Any:
        product = modulo(power * base, mod)
        return elementwise("select", exponent % 2 == 1, product, power), modulo(base * base, mod), exponent // 2

    start = (modulo(as_tracer(1), mod), modulo(as_tracer(x), mod), as_tracer(y))
    return operators.while_(lambda *state: (state[2] > 0, *state), step, start, names)[0]


def _print(*values: Any, sep: str = " ", end: str = "\n", **kwargs: Any) -> None:
    if not has_traced(values) and not any(isinstance(value, Text) for value in values):
        builtins.print(*values, sep=sep, end=end, **kwargs)
        return
    if kwargs.pop("file", None) is not None:
        raise UnsupportedError(
            "print(..., file=) of values that are known only when the program runs; print them to standard output"
        )
    sep, end = (" " if sep is None else sep), ("\n" if end is None else end)
    shown_values = [shown(as_tracer(v) if isinstance(v, TracedSize) else v, str) for v in values]
    text = joined(*[piece for value in shown_values for piece in (sep, value)][1:])
    assert isinstance(text, Text)
    attributes = {} if end == "\n" else {"end": end}
    if active_trace().counting:
        return
    active_trace().emit("print", *(value.value for value in text.values), text=text.template, **attributes)


def _text(show: Callable[..., str]) -> Callable[..., Any]:
    def of(*args: Any, **kwargs: Any) -> Any:
        return (
            joined("", shown(args[0], lambda v: show(v, *args[1:], **kwargs)))
            if has_traced(args[:1])
            else show(*args, **kwargs)
        )

    return of


def _format(value: Any, spec: str = "") -> str:
    return joined("", in_format(value, None, spec)) if has_traced(value) else format(value, spec)


def _hasattr(thing: Any, name: str) -> Any:
    there = hasattr(thing, name)
    return is_there(thing, "attribute", name) if there and name in _own_attributes(thing) else there


def _getattr(thing: Any, name: str, *default: Any) -> Any:
    there = _hasattr(thing, name) if default else True
    if isinstance(there, Tracer):
        return OPERATORS[0].ifexp(there, lambda: getattr(thing, name), lambda: default[0])
    return getattr(thing, name, *default)


def _own_attributes(thing: Any) -> Any:
    return thing.__dict__ if not isinstance(thing, (Tracer, TracedSize, type)) and hasattr(thing, "__dict__") else ()


def _map(function: Any, *iterables: Any) -> Any:
    if len(iterables) == 1 and not isinstance(iterables[0], (list, tuple)):
        return OPERATORS[0].genexp(iterables[0], call(function))
    together = zipped(*iterables)
    if isinstance(together, Indexed):
        return OPERATORS[0].genexp(together, lambda items: call(function)(*items))
    return made_here(itertools.starmap(call(function), together))


def _is_of_unknown_length(x: Any) -> bool:
    """Whether a value is an array of which only the run knows how many items it has."""
    return isinstance(x, Tracer) and bool(x.ndim) and active_trace().sizing.hint(x.type.shape[0]) is None


def _listing(kind: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any) -> Any:
        require_settled(args[0] if args else None)
        use(args[0] if args else None)
        if kind is list and args and (isinstance(args[0], (Indexed, Rows)) or _is_of_unknown_length(args[0])):
            return OPERATORS[0].listcomp(args[0], lambda item: item)
        if kind is list and args and isinstance(args[0], Comprehension):
            return args[0].listed()
        return kind(list(args[0])) if args and isinstance(args[0], (Indexed, Comprehension)) else kind(*args)

    return make


def _sorted(iterable: Any, *, key: Any = None, reverse: bool = False) -> Any:
    if isinstance(iterable, Comprehension):
        iterable = iterable.listed()
    use(iterable)
    if not isinstance(iterable, (Tracer, Rows)):
        iterable = list(iterable)
        ranks = _known_ranks(iterable if key is None else [call(key)(item) for item in iterable])
        if ranks is not None:
            return [iterable[k] for k in sorted(range(len(ranks)), key=ranks.__getitem__, reverse=reverse)]
    items = in_arrays(iterable)
    keys = items if key is None else Comprehension(_all_of(items), call(key), None).as_rows()
    array = keys.as_array()
    if array.ndim != 1:
        raise TypeError(f"sorted() compares numbers, found {describe(array)}; sort by one number of each item with key=")
    order = FUNCTIONS[np.argsort](-array if reverse else array)
    return Rows([array[order] for array in items.arrays], items.tree, list(items.weak))


def _known_ranks(keys: list[Any]) -> list[Any] | None:
    """What decides the order of the keys, if that is known while tracing: of tuples what comes before traced values, if it differs."""
    if not has_traced(keys):
        return keys
    if not builtins.all(isinstance(key, tuple) for key in keys):
        return None
    known = builtins.min(next((k for k, part in enumerate(key) if has_traced(part)), len(key)) for key in keys)
    ranks = [key[:known] for key in keys]
    return None if builtins.any(a == b for a, b in itertools.combinations(ranks, 2)) else ranks


def in_arrays(iterable: Any) -> Rows:
    """The items of an array, or of a list of numbers and arrays, as a list that is held in arrays."""
    if isinstance(iterable, Rows) and iterable.listed is None:
        return iterable.settled()
    if isinstance(iterable, Tracer):
        return Comprehension(_all_of(iterable), lambda item: item, None).as_rows()
    items = [flatten(item) for item in iterable]
    if builtins.any(tree != items[0][1] for _, tree in items):
        raise TypeError(
            "the items of a list differ in structure, and what is asked of it depends on values known only when the program runs"
        )
    arrays = [creation.array([leaves[k] for leaves, _ in items]) for k in range(items[0][1].count)]
    weak = [builtins.all(is_python(leaves[k]) for leaves, _ in items) for k in range(items[0][1].count)]
    return Rows(arrays, items[0][1], weak)


def _all_of(iterable: Any) -> Indexed:
    items = as_indexed(iterable)
    assert items is not None
    return items


def _abs(x: Any) -> Any:
    method = users_method(x, "__abs__")
    if method is not None:
        return method(x)
    return apply_ufunc(np.absolute, x) if isinstance(x, Tracer) else abs(x)


def _divmod(x: Any, y: Any) -> Any:
    operators = OPERATORS[0]
    return (operators.binary("//", x, y), operators.binary("%", x, y)) if has_traced((x, y)) else divmod(x, y)


def _reduce(function: Any, iterable: Any, *initial: Any) -> Any:
    combine, items = call(function), None if isinstance(iterable, Comprehension) else as_indexed(iterable)
    if items is None and not isinstance(iterable, Comprehension):
        return functools.reduce(combine, iterable, *initial)
    if items is not None and not initial:
        numbered = items.from_zero()
        emit_check(numbered.stop > 0, TypeError("reduce() of empty iterable with no initial value"))
        initial, items = (numbered.at(0),), Indexed(1, numbered.stop, 1, numbered.at)
    elif not initial:
        return _reduce(function, iterable.listed())
    names = ("the result of reduce",)
    return OPERATORS[0].for_(iterable if items is None else items, lambda item, total: (combine(total, item),), initial, names)[
        0
    ]


def _math(name: str, ufunc: Any) -> Callable[..., Any]:
    plain = getattr(math, name)

    def apply(*args: Any) -> Any:
        if not has_traced(args):
            return plain(*args)
        for error in _MATH_ERRORS.get(name, ()):
            active_trace().refuse_caught(error)
        result = ufunc(*(as_tracer(_float(a)) if not isinstance(a, int) else a for a in args))
        return new(result.value, weak=True)

    return apply


def _math_log(x: Any, *base: Any) -> Any:
    if not has_traced((x, *base)):
        return math.log(x, *base)
    active_trace().refuse_caught(ValueError)
    result = apply_ufunc(np.log, _float(x))
    return new((result / apply_ufunc(np.log, _float(base[0])) if base else result).value, weak=True)


def _isclose(a: Any, b: Any, *, rel_tol: Any = 1e-9, abs_tol: Any = 0.0) -> Any:
    if not has_traced((a, b, rel_tol, abs_tol)):
        return math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol)
    largest = elementwise("maximum", abs(_float(a)), abs(_float(b)), dtype=F64)
    near = abs(_float(a) - _float(b)) <= elementwise("maximum", rel_tol * largest, abs_tol, dtype=F64)
    return _bool((np.isfinite(largest) & near) | (_float(a) == _float(b)))


def _dist(p: Any, q: Any) -> Any:
    if not has_traced((p, q)):
        return math.dist(p, q)
    return _float(FUNCTIONS[np.linalg.norm](as_tracer(p) - as_tracer(q)))


def _prod(iterable: Any, *, start: Any = 1) -> Any:
    if isinstance(iterable, Comprehension):
        return iterable.fold(lambda total, item: total * item, start)
    return functools.reduce(lambda total, item: total * item, iterable, start)


def _of_integers(plain: Any) -> Callable[..., Any]:
    """A function of ``math`` on integers."""

    def apply(*args: Any) -> Any:
        if not has_traced(args):
            return plain(*args)
        if not all(_is_integer(arg) for arg in args):
            raise TypeError(f"math.{plain.__name__}() takes integers; found {', '.join(map(describe, args))}")
        if plain in INTEGERS:
            return follow(INTEGERS[plain])(*args)  # type: ignore[arg-type]
        function, start = OF_MANY[plain]
        return functools.reduce(follow(function), args, start)  # type: ignore[arg-type]

    return apply


def _is_integer(x: Any) -> bool:
    return isinstance(x, (int, np.integer, TracedSize)) or (isinstance(x, Tracer) and not x.ndim and x.dtype.kind in "iub")


def _modf(x: Any) -> tuple[Any, Any]:
    """``math.modf``."""
    if not has_traced(x):
        return math.modf(x)
    fraction, whole = apply_ufunc(np.modf, _float(x))
    return _float(fraction), _float(whole)


def _ldexp(x: Any, exponent: Any) -> Any:
    """``math.ldexp``."""
    if not has_traced((x, exponent)):
        return math.ldexp(x, exponent)
    if not _is_integer(exponent):
        raise TypeError("Expected an int as second argument to ldexp.")
    active_trace().refuse_caught(OverflowError)
    return _float(apply_ufunc(np.ldexp, as_tracer(_float(x)), as_tracer(_int(exponent))))


def _hypot(*coordinates: Any) -> Any:
    """``math.hypot`` of any number of coordinates."""
    if not has_traced(coordinates):
        return math.hypot(*coordinates)
    return _float(functools.reduce(functools.partial(apply_ufunc, np.hypot), map(_float, coordinates), 0.0))


def _remainder(x: Any, y: Any) -> Any:
    """IEEE 754's remainder, exact: what is left of x beyond the multiple of y that is nearest to it, an even one at a tie."""
    size, of = abs(x), abs(y)
    rest = math.fmod(size, of)
    beyond = of - rest
    half = rest - 2.0 * math.fmod(0.5 * (size - rest), of)
    least = rest if rest < beyond else -beyond if rest > beyond else half
    least = x if math.isinf(y) and math.isfinite(x) else math.copysign(1.0, x) * least
    return least


def _math_remainder(x: Any, y: Any) -> Any:
    """``math.remainder``."""
    return follow(_remainder)(_float(x), _float(y)) if has_traced((x, y)) else math.remainder(x, y)  # type: ignore[arg-type]


def _to_int(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda x: _whole(apply_ufunc(ufunc, x))


_MATH: dict[str, Any] = {
    **{name: functools.partial(apply_ufunc, getattr(np, name)) for name in (
        "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1", "log2", "log10", "log1p", "sqrt", "fabs",
        "copysign", "isnan", "isinf", "isfinite", "degrees", "radians", "fmod", "cbrt", "exp2")},
    "asin": functools.partial(apply_ufunc, np.arcsin), "acos": functools.partial(apply_ufunc, np.arccos),
    "atan": functools.partial(apply_ufunc, np.arctan), "atan2": functools.partial(apply_ufunc, np.arctan2),
    "asinh": functools.partial(apply_ufunc, np.arcsinh), "acosh": functools.partial(apply_ufunc, np.arccosh),
    "atanh": functools.partial(apply_ufunc, np.arctanh), "pow": lambda x, y: x**y,
    "floor": _to_int(np.floor), "ceil": _to_int(np.ceil), "trunc": _to_int(np.trunc),
    "erf": lambda x: elementwise("erf", x, dtype=F64), "erfc": lambda x: elementwise("erfc", x, dtype=F64),
    "lgamma": lambda x: elementwise("lgamma", x, dtype=F64), "gamma": lambda x: elementwise("gamma", x, dtype=F64),
}  # fmt: skip

_MATH_ERRORS: dict[str, tuple[type[Exception], ...]] = {
    **dict.fromkeys(("sqrt", "log1p", "log2", "log10", "asin", "acos", "acosh", "atanh", "fmod", "sin", "cos", "tan"), (ValueError,)),
    **dict.fromkeys(("exp", "expm1", "exp2", "sinh", "cosh"), (OverflowError,)), "pow": (ValueError, OverflowError),
    **dict.fromkeys(("lgamma", "gamma"), (ValueError, OverflowError)), **dict.fromkeys(("floor", "ceil", "trunc"), (ValueError, OverflowError)),
}  # fmt: skip
"""The errors that Python raises where the program has NaN or infinity."""

REPLACED: dict[Any, Callable[..., Any]] = {
    range: traced_range, len: _len, float: _float, int: _int, bool: _bool, sum: _sum, min: _extreme("min"),
    max: _extreme("max"), all: _truths("all"), any: _truths("any"), isinstance: is_instance, type: _type, round: _round,
    np.ndarray: numpy_objects.ndarray, np.ndindex: ndindex, np.ndenumerate: numpy_objects.ndenumerate, np.nditer: numpy_objects.nditer, np.poly1d: numpy_objects.poly1d,
    pow: _pow, print: _print, enumerate: enumerated, zip: zipped, reversed: backwards, map: _map, list: _listing(list),
    tuple: _listing(tuple), hasattr: _hasattr, getattr: _getattr, str: _text(str), repr: _text(repr),
    format: _format, sorted: _sorted, abs: _abs, divmod: _divmod, functools.reduce: _reduce, math.log: _math_log,
    math.isclose: _isclose, math.dist: _dist, math.prod: _prod, math.modf: _modf, math.ldexp: _ldexp,
    math.hypot: _hypot, math.remainder: _math_remainder, **{function: _of_integers(function) for function in (*INTEGERS, *OF_MANY)}, math.fsum: lambda seq: _float(_sum(seq, 0.0)),
    **{getattr(math, name): _math(name, ufunc) for name, ufunc in _MATH.items() if hasattr(math, name)},
    **ITERATORS, **OPERATOR_MODULE, contextlib.suppress: Suppressing,
}  # fmt: skip
