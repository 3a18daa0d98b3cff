"""Comprehensions and generator expressions of a rewritten function: lists made by one loop, and loops that wait to be gone through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import UnsupportedError
from . import calls
from .appending import stage_for
from .blocks import NotStaged, hold
from .buckets import made_of_lists, many_lists
from .context import active_trace
from .control import Control, fail_in_loop, truth, unchanged
from .iterables import Comprehension, Indexed, Once, as_indexed
from .needed import note_needed
from .paths import Fork
from .rows import LISTED_AT_MOST
from .tables import as_items, collected
from .tracer import Concretize, Tracer, as_dim
from .unbound import State
from .using_up import made_here


class Comprehensions(Control):
    """Lists, sets, dicts and generators made of the items of others."""

    def listcomp(
        self, iterable: Any, element: Callable[[Any], Any], condition: Callable[[Any], Any] | None = None
    ) -> list[Any]:
        """``[element for item in iterable if condition]``; over many items, a list made by one loop."""
        iterable = as_items(iterable)
        if condition is not None:
            return self.flatcomp(iterable, lambda item: (element(item),), condition)
        items = as_indexed(iterable)
        count = None if items is None else items.static_count()
        if items is None or (count is not None and count <= LISTED_AT_MOST):
            return made_of_lists(list(self.genexp(iterable if items is None else items, element)))  # type: ignore[no-any-return]
        try:
            return Comprehension(items, element, None).as_rows()  # type: ignore[return-value]
        except (Concretize, NotStaged):
            lists = many_lists(items.count(), lambda: element(items.item(items.start)))
            if lists is not None:
                return lists  # type: ignore[return-value]
            count = active_trace().sizing.pin(as_dim(items.count()) or 0)
            if count is None:
                note_needed(as_dim(items.count()) or 0)
                raise
            if count > active_trace().unrolls_at_most:
                raise
            return list(self.genexp(items, element))
        except Exception as error:
            self.fail_at_once(error, items.count() > 0, lambda: element(items.item(items.start)), ())
            return []

    def genexp(
        self, iterable: Any, element: Callable[[Any], Any], condition: Callable[[Any], Any] | None = None
    ) -> Comprehension:
        """``(element for item in iterable if condition)``."""
        iterable = as_items(iterable)
        if isinstance(iterable, (Iterator, Comprehension)):
            return Comprehension(iterable, element, condition)
        items = as_indexed(iterable)
        return Comprehension(made_here(iter(iterable)) if items is None else Once.of(items), element, condition)

    def _generate(
        self, iterable: Iterable[Any], element: Callable[[Any], Any], condition: Callable[[Any], Any] | None
    ) -> Iterator[Any]:
        for item in iterable:
            kept = True if condition is None else truth(condition(item))
            if isinstance(kept, Tracer):
                raise UnsupportedError(
                    "the condition of a generator expression is known only when the program runs, where the number of its items must be "
                    "known now; make a list of it, or use np.where"
                )
            if kept:
                yield element(item)

    def setcomp(self, *args: Any) -> set[Any]:
        """``{element for item in iterable if condition}``."""
        return set(self.genexp(*args))

    def dictcomp(self, *args: Any) -> dict[Any, Any]:
        """``{key: value for item in iterable if condition}``."""
        return collected(self.genexp(*args))

    def flatcomp(
        self, iterable: Any, inner: Callable[[Any], Iterable[Any]], condition: Callable[[Any], Any] | None = None
    ) -> list[Any]:
        """``[... for item in iterable for ...]``; over many items, or where only the run knows of a condition, by a loop."""
        iterable, names = as_items(iterable), ("the list",)

        def push(part: Any, made: Any) -> State:
            calls.call(made.append)(part)
            return (made,)

        def add(item: Any, made: Any) -> State:
            return self.for_(inner(item), push, (made,), names, names)

        def body(item: Any, made: Any) -> State:
            if condition is None:
                return add(item, made)
            return self.if_(condition(item), lambda made: add(item, made), unchanged, (made,), names, names)

        def stage(items: Indexed, body: Callable[..., State], state: State) -> State:
            inside = fork.repeated("body", body)
            return hold(lambda by: self.staged(items, inside, state, names, by, None), state, names, names)

        fork, items = Fork(), as_indexed(iterable)
        count = None if items is None else items.static_count()
        if items is None or (count is not None and count <= LISTED_AT_MOST):
            return self.unrolled(iterable if items is None else items, body, ([],), names, None)[0]  # type: ignore[no-any-return]
        if found := fork.taken("body"):
            run = lambda part, body, state: stage_for(stage, part, body, state, False, None)  # noqa: E731
            return fail_in_loop(fork, found[0], items, body, ([],), run)  # type: ignore[return-value]
        try:
            return stage_for(stage, items, body, ([],), False, count)[0]  # type: ignore[no-any-return]
        except Exception as error:
            self.fail_at_once(error, items.count() > 0, lambda: body(items.item(items.start), []), ())
            return []

    def flatgen(
        self, iterable: Any, inner: Callable[[Any], Iterable[Any]], condition: Callable[[Any], Any] | None = None
    ) -> Comprehension:
        """The lazy form of ``flatcomp``."""
        return Comprehension(self.genexp(iterable, inner, condition).items, inner, condition, flat=True)
