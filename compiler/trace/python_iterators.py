"""``next``, ``filter``, ``itertools`` and the module ``operator`` for traced values: counterparts for ``python_functions``."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import UnsupportedError
from .calls import OPERATORS, call
from .elementwise import elementwise
from .iterables import Comprehension, Once, as_indexed, iterator_of
from .promotion import as_tracer
from .symbols import BINARY, COMPARE, INPLACE, UNARY
from .tracer import Tracer, new
from .unbound import Undefined, emit_check
from .using_up import made_here, use

_MISSING: Any = object()


def next_(iterator: Any, default: Any = _MISSING) -> Any:
    """``next``."""
    if isinstance(iterator, Once):
        return _next_item(iterator, lambda item: item, default)
    if isinstance(iterator, Comprehension):
        if iterator.flat:
            raise UnsupportedError("next() of a generator expression with a second `for`; loop over it, or make a list")
        if iterator.condition is None:
            return _next_item(iterator.items, iterator.element, default)
        return _next_that_holds(iterator.items, iterator.element, default, iterator.condition)
    use(iterator)
    return next(iterator) if default is _MISSING else next(iterator, default)


def _next_item(items: Once, element: Callable[[Any], Any], default: Any) -> Any:
    """The next item, by its index."""
    rest = items.rest()
    is_one = rest.start < rest.stop if items.is_of_this_scope else elementwise("lt", rest.start, rest.stop)
    if not isinstance(is_one, Tracer) and not is_one:
        if default is _MISSING:
            raise StopIteration
        return default
    if default is _MISSING or not isinstance(is_one, Tracer):
        emit_check(is_one, StopIteration())
        items.move(rest.start + 1)
        position = rest.start if items.is_of_this_scope else new(as_tracer(rest.start).value, weak=True)  # not known here
        return element(rest.item(position))
    found = OPERATORS[0].ifexp(is_one, lambda: element(rest.item(rest.start)), lambda: default)
    items.move(OPERATORS[0].ifexp(is_one, lambda: rest.start + 1, lambda: rest.start))
    return found


def _next_that_holds(items: Once, element: Callable[[Any], Any], default: Any, condition: Callable[[Any], Any]) -> Any:
    """The first item that a condition lets pass, found by a loop."""
    operators, rest = OPERATORS[0], items.rest()
    items.lose()

    def body(item: Any, *state: Any) -> tuple[Any, ...]:
        return operators.if_(condition(item), lambda *_: (True, element(item)), lambda *held: held, state, names)  # type: ignore[no-any-return]

    names = ("is there one", "item")
    start = Undefined("item") if default is _MISSING else default
    found, item = operators.for_(rest, body, (False, start), names, go_on=lambda found, _: operators.not_(found))
    if default is not _MISSING:
        return item
    if isinstance(found, Tracer):
        emit_check(found, StopIteration())
        return operators.bound(item)
    if not found:
        raise StopIteration
    return item


def filter_(function: Any, iterable: Any) -> Any:
    """``filter``."""
    return OPERATORS[0].genexp(iterable, lambda item: item, (lambda item: item) if function is None else call(function))


def _known(function: Any, name: str) -> Callable[..., Any]:
    """A predicate, or key, that Python itself asks for each item, and whose answer must be known."""

    def ask(*items: Any) -> Any:
        answer = call(function)(*items)
        if isinstance(answer, Tracer):
            raise UnsupportedError(
                f"itertools.{name} of values that are known only when the program runs: so is the length of its result; write a loop with "
                "if and break"
            )
        return answer

    return ask


def _accumulate(iterable: Any, function: Any = operator.add, *, initial: Any = None) -> Iterator[Any]:
    """``itertools.accumulate``."""
    return made_here(itertools.accumulate(_items(iterable), call(function), initial=initial))  # type: ignore[no-any-return]


def _items(iterable: Any) -> Any:
    """An iterable for Python's own iterators."""
    return iterable if as_indexed(iterable) is None else list(iterable)


def _asking(name: str) -> Callable[..., Any]:
    python = getattr(itertools, name)
    return lambda function, iterable: made_here(python(_known(function, name), _items(iterable)))


def _groups(iterable: Any, key: Any = None) -> Any:
    """``itertools.groupby``."""
    return made_here(itertools.groupby(_items(iterable), _known(key or (lambda item: item), "groupby")))


ITERATORS: dict[Any, Callable[..., Any]] = {
    iter: iterator_of, next: next_, filter: filter_, itertools.accumulate: _accumulate, itertools.groupby: _groups,
    itertools.starmap: lambda function, iterable: made_here(itertools.starmap(call(function), _items(iterable))),
    **{getattr(itertools, name): _asking(name) for name in ("takewhile", "dropwhile", "filterfalse")},
}  # fmt: skip


def _of_operators(name: str) -> Callable[..., Any]:
    return lambda *args: getattr(OPERATORS[0], name)(*args)


def _with_symbol(name: str, symbol: str) -> Callable[..., Any]:
    return lambda *args: getattr(OPERATORS[0], name)(symbol, *args)


OPERATOR_MODULE: dict[Any, Callable[..., Any]] = {
    **{each.function: _with_symbol("binary", symbol) for symbol, each in BINARY.items()},
    **{each.function: _with_symbol("compare", symbol) for symbol, each in COMPARE.items()},
    **{function: _with_symbol("unary", symbol) for symbol, (function, _) in UNARY.items()},
    **{function: _with_symbol("inplace", symbol) for symbol, (function, _) in INPLACE.items()},
    operator.not_: _of_operators("not_"), operator.truth: lambda x: call(bool)(x), operator.abs: lambda x: call(abs)(x),
    operator.contains: lambda container, item: OPERATORS[0].contains(item, container),
    operator.getitem: _of_operators("getitem"), operator.setitem: _of_operators("setitem"),
    operator.delitem: _of_operators("delitem"), setattr: _of_operators("setattr"), delattr: _of_operators("delattr"),
}  # fmt: skip

__all__ = ["ITERATORS", "OPERATOR_MODULE"]
