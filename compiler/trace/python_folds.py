"""Python's functions of all items of something, for traced values: counterparts for ``python_functions``."""

from __future__ import annotations

import builtins
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir.types import BOOL
from ..tree import flatten
from . import creation
from .blocks import is_number, truth
from .calls import OPERATORS, call, has_traced, users_method
from .elementwise import elementwise
from .functions import FUNCTIONS
from .iterables import Comprehension, Indexed, Once, as_indexed
from .one_of import OneOf, is_choosable, ordered
from .promotion import is_python
from .python_numbers import as_bool
from .rows import Rows
from .tracer import TracedSize, Tracer, describe, new, python_size
from .unbound import Undefined, emit_check, require_settled
from .using_up import use


def length(x: Any) -> Any:
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


def sum_of(iterable: Any, start: Any = 0) -> Any:
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
        return sum_of(rows.listed, start)
    if rows.tree.paths() != [()]:
        return sum_of(Comprehension(Indexed(0, rows.length(), 1, rows.item), lambda item: item, None), start)
    total = sum_of(rows.settled().arrays[0], start)
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
            is_empty, default = length(values) == 0, kwargs.pop("default")
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
        elements = iterable if isinstance(iterable, Comprehension) else operators.genexp(iterable, _same)
        is_known = elements.is_of_python  # where Python stops, which it does at the element that decides

        def go_on(found: Any) -> bool:
            nonlocal is_known
            is_known = is_known and not isinstance(found, Tracer)
            return not is_known or found is first

        result = elements.fold_lazily(
            lambda found, element: join(found, lambda: truth(element())), first, go_on if is_known else None
        )
        if not is_known or isinstance(result, Tracer):
            elements.lose()
        return as_bool(result)

    return reduce


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


def _sorted(iterable: Any, *, key: Any = None, reverse: bool = False) -> Any:
    if isinstance(iterable, Comprehension):
        iterable = iterable.listed()
    use(iterable)
    if not isinstance(iterable, (Tracer, Rows)):
        iterable = list(iterable)
        ranks = _known_ranks(iterable if key is None else [call(key)(item) for item in iterable])
        if ranks is not None:
            return [iterable[k] for k in sorted(range(len(ranks)), key=ranks.__getitem__, reverse=reverse)]
        if key is not None and builtins.all(isinstance(item, OneOf) or is_choosable(item) for item in iterable):
            return ordered(iterable, _order(in_arrays([call(key)(item) for item in iterable]), reverse))
    items = in_arrays(iterable)
    keys = items if key is None else Comprehension(_all_of(items), call(key), None).as_rows()
    order = _order(keys, reverse)
    return Rows([array[order] for array in items.arrays], items.tree, list(items.weak))


def _order(keys: Rows, reverse: bool) -> Tracer:
    """The places of the items in the order of their keys: numbers, or tuples of them, whose later parts are put in order first."""
    columns = [keys.as_array()] if keys.tree.paths() == [()] else list(keys.arrays)
    order: Any = None
    for column in reversed(columns):
        if column.ndim != 1:
            raise TypeError(f"sorted() compares numbers, found {describe(column)}; sort by one number of each item with key=")
        part = column if order is None else column[order]
        part = part.astype(np.int64) if part.dtype == BOOL else part
        places = FUNCTIONS[np.argsort](-part if reverse else part, kind="stable")
        order = places if order is None else order[places]
    return order  # type: ignore[no-any-return]


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


FOLDS: dict[Any, Callable[..., Any]] = {
    len: length, sum: sum_of, min: _extreme("min"), max: _extreme("max"), all: _truths("all"), any: _truths("any"),
    sorted: _sorted, functools.reduce: _reduce,
}  # fmt: skip
