"""``next``, ``filter``, ``itertools`` and the module ``operator`` for traced values: counterparts for ``python_functions``."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .calls import OPERATORS, call
from .elementwise import elementwise
from .iterables import Comprehension, Indexed, Once, as_indexed, handed_on, iterator_of, traced_range
from .loops import LAST
from .promotion import as_tracer
from .rows import Rows
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
        if iterator.condition is None and not iterator.flat and isinstance(iterator.items, Once):
            return _next_item(iterator.items, iterator.element, default)
        return _next_of_loop(iterator, default)
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


def _next_of_loop(iterator: Comprehension, default: Any) -> Any:
    """The first element, found by a loop."""
    operators, names = OPERATORS[0], ("is there one", "item")
    start = Undefined("item") if default is _MISSING else default

    def body(item: Any, *_: Any) -> tuple[Any, ...]:
        return True, item

    found, item = operators.for_(iterator, body, (False, start), names, go_on=lambda found, _: operators.not_(found))
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


def _generated(items: Any, element: Callable[[Any], Any], flat: bool = False, numbered: Indexed | None = None) -> Comprehension:
    """What goes through items once, and through the items of each where it is ``flat``."""
    items = Once.of(items) if isinstance(items, Indexed) and not isinstance(items, Once) else items
    return Comprehension(items, element, None, flat, numbered)


def _product(*iterables: Any, repeat: int = 1) -> Any:
    """``itertools.product``."""
    parts = [as_indexed(i) for i in iterables] * repeat
    if not parts or any(part is None for part in parts):
        return made_here(itertools.product(*map(_items, iterables), repeat=repeat))
    return _nest([part.from_zero() for part in parts if part is not None])


def _nest(parts: Sequence[Indexed]) -> Comprehension:
    """A tuple for each choice of one item of each part: by a nest of loops, or by its number."""
    first, *others = parts
    if not others:
        return _generated(first, lambda item: (item,))

    def choice(number: Any) -> tuple[Any, ...]:
        items: list[Any] = []
        for part in reversed(parts[1:]):
            items.append(part.at(number % part.stop))
            number = number // part.stop
        return (first.at(number), *reversed(items))

    numbered = Indexed(0, math.prod(part.stop for part in parts), 1, choice)
    return _generated(first, lambda item: _with(item, _nest(others)), flat=True, numbered=numbered)


def _with(item: Any, rests: Comprehension) -> Comprehension:
    """Tuples with an item in front of each."""
    if rests.flat:
        return Comprehension(rests.items, lambda inner: _with(item, rests.element(inner)), None, flat=True)
    return Comprehension(rests.items, lambda inner: (item, *rests.element(inner)), None)


def ndindex(*shape: Any) -> Any:
    """``np.ndindex``."""
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    return _product(*map(traced_range, sizes)) if sizes else np.ndindex(*shape)


def _combinations(is_apart: bool) -> Callable[..., Any]:
    """``itertools.combinations``, and ``combinations_with_replacement`` where an item may be chosen again."""
    python = itertools.combinations if is_apart else itertools.combinations_with_replacement

    def choose(iterable: Any, r: int) -> Any:
        items = as_indexed(iterable)
        if items is None or r == 0:
            return made_here(python(_items(iterable) if items is None else list(items), r))
        numbered = items.from_zero()

        def after(start: Any, count: int) -> Comprehension:
            places = as_indexed(traced_range(start, numbered.stop))
            if count == 1:
                return _generated(places, lambda k: (numbered.at(k),))
            return _generated(places, lambda k: _with(numbered.at(k), after(k + is_apart, count - 1)), flat=True)

        return after(0, r)

    return choose


def _permutations(iterable: Any, r: int | None = None) -> Any:
    """``itertools.permutations`` of a number of items that is known."""
    items = as_indexed(iterable)
    if items is None or not r:
        return made_here(itertools.permutations(_items(iterable) if items is None else list(items), r))
    numbered, operators = items.from_zero(), OPERATORS[0]

    def is_choice(places: Any) -> Any:
        pairs = itertools.combinations(places, 2)
        return operators.and_(True, *(lambda pair=pair: pair[0] != pair[1] for pair in pairs))

    places = _product(traced_range(numbered.stop), repeat=r)
    return Comprehension(places, lambda chosen: tuple(map(numbered.at, chosen)), is_choice)


def _pairwise(iterable: Any) -> Any:
    """``itertools.pairwise``."""
    items = handed_on(iterable)
    if items is None:
        return made_here(itertools.pairwise(iterable))
    numbered = items.from_zero()
    return Once.of(Indexed(0, numbered.stop - 1, 1, lambda k: (numbered.at(k), numbered.at(k + 1))))


def _islice(iterable: Any, *bounds: Any) -> Any:
    """``itertools.islice``."""
    items = None if isinstance(iterable, (Once, Comprehension)) else as_indexed(iterable)  # it would take more of an iterator
    if items is None:
        return made_here(itertools.islice(iterable, *bounds))
    part = slice(*bounds)
    numbered = items.from_zero()
    stop = numbered.stop if part.stop is None else call(min)(part.stop, numbered.stop)
    return _generated(as_indexed(traced_range(part.start or 0, stop, part.step or 1)), numbered.at)


def _chain(*iterables: Any) -> Any:
    """``itertools.chain``."""
    if not any(isinstance(i, (Indexed, Comprehension, Rows, Tracer)) for i in iterables):
        return made_here(itertools.chain(*iterables))
    return _generated(list(iterables), lambda part: part, flat=True)


def _chained(iterable: Any) -> Any:
    """``itertools.chain.from_iterable``."""
    if isinstance(iterable, Comprehension):
        return _generated(iterable, lambda part: part, flat=True)
    items = as_indexed(iterable)
    return _chain(*iterable) if items is None else _generated(items, lambda part: part, flat=True)


def _repeat(item: Any, times: Any = LAST) -> Once:
    """``itertools.repeat``."""
    return Once.of(Indexed(0, times, 1, lambda _: item))


def _counter(start: Any = 0, step: Any = 1) -> Once:
    """``itertools.count``."""
    return Once.of(Indexed(0, LAST, 1, lambda k: start + k * step))


def _starmap(function: Any, iterable: Any) -> Any:
    """``itertools.starmap``."""
    return OPERATORS[0].genexp(iterable, lambda items: call(function)(*items))


ITERATORS: dict[Any, Callable[..., Any]] = {
    iter: iterator_of, next: next_, filter: filter_, itertools.accumulate: _accumulate, itertools.groupby: _groups,
    itertools.starmap: _starmap, itertools.product: _product, itertools.combinations: _combinations(True),
    itertools.combinations_with_replacement: _combinations(False), itertools.permutations: _permutations,
    itertools.pairwise: _pairwise, itertools.islice: _islice, itertools.chain: _chain,
    itertools.chain.from_iterable: _chained, itertools.repeat: _repeat, itertools.count: _counter,
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

__all__ = ["ITERATORS", "OPERATOR_MODULE", "ndindex"]
