"""What a staged loop can run over: anything whose items are a function of an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir import ArrayType
from ..ir.types import I64
from ..tree import flatten
from .aliasing import relate_copy
from .blocks import NotStaged, made_in, truth
from .context import Scope, active_trace, user_line
from .elementwise import elementwise
from .items import NOT_ARRAYS, held_in_arrays
from .loops import Bounds, staged_loop
from .mutation import remember
from .outdated import Outdated
from .paths import Fork
from .promotion import as_tracer, convert, is_python
from .rows import Rows, Unordered
from .tracer import Concretize, TracedSize, Tracer, as_dim, new, python_size
from .unbound import emit_check, require_settled
from .using_up import lose, made_here, use


@dataclass(slots=True)
class Indexed:
    """The items ``at(start), at(start + step), ...`` before ``stop``."""

    start: Any
    stop: Any
    step: int
    at: Callable[[Any], Any]
    segment: int | None = None  # of a loop that reverse mode runs again: iterations per segment; 0: the square root of all

    def item(self, index: Any) -> Any:
        """The item at a loop's index."""
        return self.at(index)

    def count(self) -> Any:
        """How many items there are."""
        span = self.stop - self.start if self.step > 0 else self.start - self.stop
        size = abs(self.step)
        number = span if size == 1 else (span + (size - 1)) // size
        if isinstance(number, int):
            return max(number, 0)
        dim = as_dim(number)
        return (
            elementwise("maximum", number, 0, dtype=I64)
            if dim is None
            else python_size(active_trace().sizing.at_least_zero(dim))
        )

    def static_count(self) -> int | None:
        """The number of items if it is a Python int."""
        numbers = (self.start, self.stop)
        if not all(isinstance(v, int) for v in numbers):
            return None
        return len(range(self.start, self.stop, self.step))

    def from_zero(self) -> Indexed:
        """The same items by their number."""
        start, step, at = self.start, self.step, self.at
        as_they_are = isinstance(start, int) and start == 0 and step == 1
        if as_they_are and self._is_number(self.stop):
            return self
        return Indexed(0, self.count(), 1, at if as_they_are else lambda k: at(start + k * step), self.segment)

    @staticmethod
    def _is_number(stop: Any) -> bool:
        """Whether what a range from zero ends before is the number of its items: it is where that is not negative, or infinite."""
        dim = as_dim(stop)
        return dim is None or active_trace().sizing.proves(dim, ">=", 0)

    def as_array(self) -> Tracer:
        """What NumPy makes of a range."""
        return Comprehension(self, lambda item: item, None).as_array()

    def __iter__(self) -> Iterator[Any]:
        count = self.static_count()
        if count is None:
            count = active_trace().sizing.pin(as_dim(self.count()))  # type: ignore[arg-type]
        if count is None:
            raise Concretize(
                "Python goes through something whose length is known only when the program runs; loop over it with for in a function whose "
                "source jitgrad can read, which functions made by exec lack, or with jg.fori_loop",
                as_dim(self.count()),
            )
        numbered = self.from_zero()
        return (numbered.item(k) for k in range(count))

    def contains(self, value: Any) -> Any:
        """Whether a number is one of those of a range; of other items, whether it equals one."""
        if self.at is not _same:
            return Comprehension(self, lambda item: item == value, None).fold_lazily(_or, False)
        if not isinstance(value, (Tracer, TracedSize, int, float, np.generic)):
            return False
        low, high = (self.start, self.stop - 1) if self.step > 0 else (self.stop + 1, self.start)
        return (value >= low) & (value <= high) & ((value - self.start) % self.step == 0)

    def __len__(self) -> int:
        return sum(1 for _ in self)  # list() would ask for the length

    def __getitem__(self, index: Any) -> Any:
        from .operators import OPERATORS

        numbered = self.from_zero()
        if isinstance(index, slice):
            return numbered.part(index)
        place = OPERATORS.ifexp(index < 0, lambda: numbered.stop + index, lambda: index)
        emit_check(OPERATORS.and_(place >= 0, lambda: place < numbered.stop), IndexError("range object index out of range"))
        return numbered.item(place)

    def part(self, part: slice) -> Indexed:
        """A slice of items that are numbered from zero."""
        from .calls import call
        from .operators import OPERATORS

        step = 1 if part.step is None else part.step
        least, most = (0, self.stop) if step > 0 else (-1, self.stop - 1)

        def place(bound: Any, default: Any) -> Any:
            if bound is None:
                return default
            bound = OPERATORS.ifexp(bound < 0, lambda: self.stop + bound, lambda: bound)
            return call(min)(call(max)(bound, least), most)

        start, stop = place(part.start, least if step > 0 else most), place(part.stop, most if step > 0 else least)
        return Indexed(start, stop, step, self.at)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from .functions import function

        return function(func)(*args, **kwargs)


class ByIndex:
    """Objects that a loop goes through by index."""

    def indexed(self) -> Indexed:
        """Their items."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        return iter(self.indexed())


class Once(Indexed):
    """What gives each of its items once, such as ``zip``: ``start`` moves on, and is outdated where it is not known how far."""

    __slots__ = ("scope",)
    scope: Scope

    @classmethod
    def of(cls, items: Indexed) -> Once:
        """Items by index as an iterator, made in the current scope."""
        numbered = items.from_zero()
        made = cls(numbered.start, numbered.stop, 1, numbered.at, items.segment)
        made.scope = active_trace().scope
        return made

    def rest(self) -> Indexed:
        """The items that it has not given yet."""
        if isinstance(self.start, Outdated):
            raise self.start.error()
        return Indexed(self.start, self.stop, 1, self.at, self.segment)

    def take(self) -> Indexed:
        """The same, of which it gives none any more."""
        rest = self.rest()
        self.move(self.stop)
        return rest

    def lose(self) -> None:
        """Others take items from it from here on, and may leave some."""
        line = user_line()
        message = (
            f"an iterator is used again after a part of its items was taken from it{f' at {line}' if line is not None else ''}, and how many those "
            "are is not followed; make a list or array of the items, and take them by index"
        )
        self.move(Outdated(message))

    def move(self, start: Any) -> None:
        """Go on to an item."""
        if not self.is_of_this_scope:
            remember(self, "attribute", "start")
        self.start = start

    @property
    def is_of_this_scope(self) -> bool:
        """Whether it was made where items are taken now, so that it is known which come next."""
        return getattr(self, "scope", None) is active_trace().scope

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        rest = self.rest()
        count = rest.static_count()
        if count is None:
            count = active_trace().sizing.pin(as_dim(rest.count()))  # type: ignore[arg-type]
        if count is None:
            message = "this iterator has a length that is known only when the program runs; loop over it with for"
            raise Concretize(message, as_dim(rest.count()))
        if not count:
            raise StopIteration
        self.move(rest.start + 1)
        return rest.item(rest.start)

    def __len__(self) -> int:
        raise TypeError("object of type 'iterator' has no len()")

    def __getitem__(self, index: Any) -> Any:
        raise TypeError("'iterator' object is not subscriptable")


def _same(index: Any) -> Any:
    """The item of a range at an index."""
    return index


def _or(found: Any, item: Callable[[], Any]) -> Any:
    from .operators import OPERATORS

    return OPERATORS.or_(found, item)


def traced_range(*args: Any) -> Any:
    """``range`` whose bounds may be traced."""
    if not any(isinstance(a, (Tracer, TracedSize)) for a in args):
        return range(*args)
    start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
    for bound in (start, stop, step):
        if as_dim(bound) is None:
            raise TypeError(f"'{as_tracer(bound).dtype}' object cannot be interpreted as an integer: range() takes integers")
    start, stop, step = map(_as_int, (start, stop, step))
    stride = active_trace().sizing.pin(as_dim(step))  # type: ignore[arg-type]
    if stride is None:
        return _range_of_unknown_step(start, stop, step)
    if stride == 0:
        raise ValueError("range() arg 3 must not be zero")
    return Indexed(_simple(start), _simple(stop), stride, _same)


def _as_int(bound: Any) -> Any:
    """A bound of any integer type as the int that Python counts with."""
    if isinstance(bound, Tracer) and not bound.weak:
        return new(convert(bound, I64).value, weak=True, dim=as_dim(bound))
    return bound


@dataclass(slots=True)
class _Stepped(Indexed):
    """A range whose step is known only when the program runs; ``at`` takes the number of an item."""

    number: Any = 0

    def count(self) -> Any:
        return self.number

    def static_count(self) -> int | None:
        return None

    def from_zero(self) -> Indexed:
        return Indexed(0, self.number, 1, self.at)


def _range_of_unknown_step(start: Any, stop: Any, step: Any) -> Indexed:
    """A range whose step is known only when the program runs, counted from zero."""
    forward = (stop - start + step - 1) // step
    backward = (start - stop - step - 1) // -step
    emit_check(step != 0, ValueError("range() arg 3 must not be zero"))
    count = np.maximum(elementwise("select", step > 0, forward, backward, dtype=I64), 0)
    return _Stepped(start, stop, step, lambda k: start + k * step, number=count)


def _simple(value: Any) -> Any:
    """A bound as an int or a size where it is one."""
    if isinstance(value, Tracer) and value.dim is not None:
        return value if active_trace().sizing.is_static(value.dim) is False else python_size(value.dim)
    return value


def as_indexed(iterable: Any) -> Indexed | None:
    """The iterable by index, or None for Python containers and iterators."""
    if isinstance(iterable, Once):
        return iterable.take()
    if isinstance(iterable, ByIndex):
        return iterable.indexed()
    if isinstance(iterable, Indexed):
        return iterable.from_zero() if isinstance(iterable, _Stepped) else iterable
    if isinstance(iterable, Comprehension) and is_by_index(iterable):
        items, element = as_indexed(iterable.items), iterable.element
        if iterable.flat:
            return iterable.numbered
        assert items is not None
        return Indexed(items.start, items.stop, items.step, lambda k: element(items.at(k)))
    if isinstance(iterable, range):
        return Indexed(iterable.start, iterable.stop, iterable.step, lambda k: k)
    if isinstance(iterable, Rows) and iterable.listed is None:
        if isinstance(iterable.kind, Unordered):
            raise Concretize(
                "a loop goes through a set whose items only the run knows, in an order that is not followed; sort it first"
            )
        return Indexed(0, iterable.length(), 1, iterable.item)
    if isinstance(iterable, Tracer):
        if not iterable.type.shape:
            raise TypeError("iteration over a 0-d array")
        return Indexed(0, iterable.shape[0], 1, lambda k: iterable[k])
    require_settled(iterable)
    use(iterable)
    return None


def handed_on(iterable: Any) -> Indexed | None:
    """The same for another iterator, which takes the items one by one."""
    items = as_indexed(iterable)
    source = iterable.items if isinstance(iterable, Comprehension) else iterable
    if isinstance(source, Once):
        source.lose()
    return items


def is_by_index(iterable: Any) -> bool:
    """Whether ``as_indexed`` has the items by index; it is not asked, since it would take them."""
    if isinstance(iterable, Comprehension):
        return iterable.numbered is not None if iterable.flat else iterable.condition is None and is_by_index(iterable.items)
    return isinstance(iterable, (Indexed, range, Tracer)) or (isinstance(iterable, Rows) and iterable.listed is None)


@dataclass(frozen=True, slots=True)
class Counted:
    """``enumerate`` of a generator expression of which only the run knows which elements it has: a loop counts them."""

    elements: Comprehension
    start: Any

    def __iter__(self) -> Iterator[Any]:
        return enumerate(self.elements, self.start)


def enumerated(iterable: Any, start: Any = 0) -> Any:
    """``enumerate``."""
    if isinstance(iterable, Comprehension) and not is_by_index(iterable) and not iterable.is_of_python:
        return Counted(iterable, start)
    items = handed_on(iterable)
    if items is None:
        return made_here(enumerate(iterable, start))
    numbered = items.from_zero()
    at = numbered.at
    return Once.of(Indexed(0, numbered.stop, 1, lambda k: (k if isinstance(start, int) and start == 0 else start + k, at(k))))


def zipped(*iterables: Any, strict: bool = False) -> Any:
    """``zip``: by index where every part can be."""
    if any(a is b for k, a in enumerate(iterables) if isinstance(a, (Once, Comprehension)) for b in iterables[:k]):
        raise UnsupportedError(
            "zip() takes items from one iterator for several of its arguments; index an array, as in zip(x[::2], x[1::2])"
        )
    if not iterables or not all(map(is_by_index, iterables)):
        for iterable in iterables:
            require_settled(iterable)
            use(iterable)
        return made_here(zip(*iterables, strict=strict))
    parts = [handed_on(i) for i in iterables]
    numbered = [p.from_zero() for p in parts if p is not None]
    stop = numbered[0].stop
    for number, part in enumerate(numbered[1:], start=2):
        if strict:
            _require_as_many(number, stop, part.stop)
        shorter = part.stop < stop
        if isinstance(shorter, Tracer):
            stop = elementwise("minimum", stop, part.stop, dtype=I64)
        elif shorter:
            stop = part.stop
    return Once.of(Indexed(0, stop, 1, lambda k: tuple(p.at(k) for p in numbered)))


def _require_as_many(number: int, first: Any, count: Any) -> None:
    """Python's error where ``zip(strict=True)`` meets iterables of different lengths."""
    before = "argument 1" if number == 2 else f"arguments 1-{number - 1}"
    for test, word in ((count >= first, "shorter"), (count <= first, "longer")):
        error = ValueError(f"zip() argument {number} is {word} than {before}")
        if isinstance(test, Tracer):
            emit_check(test, error)
        elif not test:
            raise error


def backwards(iterable: Any) -> Any:
    """``reversed``."""
    items = as_indexed(iterable)
    if items is None:
        return made_here(reversed(iterable))
    numbered = items.from_zero()
    return Once.of(Indexed(numbered.stop - 1, -1, -1, numbered.at))


def iterator_of(iterable: Any, *sentinel: Any) -> Any:
    """``iter``."""
    if sentinel or isinstance(iterable, (Once, Comprehension, Iterator)):
        return made_here(iter(iterable, *sentinel)) if sentinel else iterable
    items = as_indexed(iterable)
    return made_here(iter(iterable)) if items is None else Once.of(items)


class Comprehension:
    """A generator expression: iterated, or reduced by one loop, which is staged where it is over items by index.

    ``element`` makes an element of an item, or, of a ``flat`` one (with a second ``for``), an iterable of elements; ``numbered`` has the
    elements of such a one by their number, where there is a formula for them.
    """

    def __init__(
        self, items: Any, element: Callable[[Any], Any], condition: Callable[[Any], Any] | None, flat: bool = False,
        numbered: Indexed | None = None,
    ) -> None:  # fmt: skip
        self.items = items
        self.element = element
        self.condition = condition
        self.flat = flat
        self.numbered = numbered

    def __iter__(self) -> Iterator[Any]:
        from .operators import OPERATORS

        use(self.items)
        found = OPERATORS._generate(iter(self.items), self.element, self.condition)
        return (part for parts in found for part in parts) if self.flat else found

    @property
    def is_of_python(self) -> bool:
        """Whether it goes through an iterator of Python's own, which gives its items while tracing."""
        return self.items.is_of_python if isinstance(self.items, Comprehension) else not isinstance(self.items, (Indexed, list))

    def lose(self) -> None:
        """Only the run knows how many elements are taken from it, and so how many items from what it goes through."""
        if isinstance(self.items, (Once, Comprehension)):
            self.items.lose()
        else:
            lose(self.items)

    def fold(self, combine: Callable[[Any, Any], Any], start: Any) -> Any:
        """Combine all elements, first to last, in one loop."""
        return self.fold_lazily(lambda total, element: combine(total, element()), start)

    def fold_lazily(
        self, combine: Callable[[Any, Callable[[], Any]], Any], start: Any, go_on: Callable[[Any], Any] | None = None
    ) -> Any:
        """The same, where an element is computed when it is asked for, for as long as ``go_on`` says of what there is so far."""
        from .operators import OPERATORS

        if self.flat:
            return OPERATORS.for_(
                self, lambda part, total: (combine(total, lambda: part),), (start,), ("the sum",), go_on=go_on
            )[0]

        def body(item: Any, total: Any) -> tuple[Any]:
            def include() -> tuple[Any]:
                return (combine(total, lambda: self.element(item)),)

            if self.condition is None:
                return include()
            return OPERATORS.if_(self.condition(item), include, lambda: (total,), (), ("the sum",))  # type: ignore[return-value]

        return OPERATORS.for_(self.items, body, (start,), ("the sum",), go_on=go_on)[0]

    def listed(self) -> list[Any] | Rows:
        """What ``list`` makes of it."""
        from .operators import OPERATORS

        make = OPERATORS.flatcomp if self.flat else OPERATORS.listcomp
        return make(self.items, self.element, self.condition)

    def as_array(self) -> Tracer:
        """All elements in one array, written by one loop."""
        return self.as_rows().as_array()

    def as_rows(self) -> Rows:
        """All elements as a list, made by one loop."""
        from .creation import full

        items = as_indexed(self.items)
        assert items is not None
        numbered, fork = items.from_zero(), Fork()
        if found := fork.taken("body"):
            trips = found[0].trips_made()
            Comprehension(Indexed(0, trips, 1, numbered.at), self.element, None).as_rows()
            return fork.repeated("body", self.element, trips)(numbered.at(Bounds(0, numbered.stop, 1).after(trips)))  # type: ignore[no-any-return]
        with active_trace().open_scope() as scope:
            index = Bounds(0, numbered.stop, 1).tracer(scope.builder.parameter("i", ArrayType(I64)))
            leaves, tree = flatten(held_in_arrays(self.element(numbered.at(index))))
            if not leaves:
                raise NotStaged(NOT_ARRAYS)
            samples = [as_tracer(leaf) for leaf in leaves]
            shared = [sample if sample.ndim and sample.cell.scope is not scope else None for sample in samples]
            made = [(sample.shape, sample.dtype) for sample in samples]
            weak = [is_python(leaf) for leaf in leaves]
            if any(sample.type.symbols() & made_in(scope) for sample in samples):
                raise NotStaged(
                    "the items of a list have sizes that depend on values known only when the program runs, so that they do not fit into "
                    "one array; where all are equally long, take them with one index: x[starts[:, None] + np.arange(length)]"
                )
        arrays = [full((numbered.stop, *shape), 0, dtype) for shape, dtype in made]

        def body(index: Any) -> tuple[()]:
            leaves, found = flatten(held_in_arrays(self.element(numbered.at(index))))
            if found != tree:
                raise NotStaged("the items of a list differ in structure")
            for array, leaf in zip(arrays, leaves, strict=True):
                array[index] = leaf
            return ()

        staged_loop(Bounds(0, numbered.stop, 1), fork.repeated("body", body), (), (), None)
        for array, sample in zip(arrays, shared, strict=True):
            if sample is not None:  # the items are parts of another array, and these are copies of them
                relate_copy(array.cell, sample.cell)
        return Rows(arrays, tree, weak)


__all__ = [
    "ByIndex",
    "Comprehension",
    "Indexed",
    "Once",
    "as_indexed",
    "backwards",
    "enumerated",
    "handed_on",
    "is_by_index",
    "iterator_of",
    "traced_range",
    "truth",
    "zipped",
]
