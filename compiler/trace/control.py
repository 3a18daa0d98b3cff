"""Branches and loops of a rewritten function: decided while tracing, or regions of the program.

On ordinary values each does what Python does. On traced values loops and branches become regions (``branches``, ``loops``), and lists
that become longer in them are held in arrays (``appending``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..ir.types import BOOL, I64
from . import calls
from .appending import belongs_outside, stage_branch, stage_for, stage_while
from .blocks import Holding, NotStaged, hold, snapshot
from .blocks import truth as truth_of_array
from .branches import is_raised_by_user, refused_in_region, staged_if
from .buckets import Bucket, Buckets, walking
from .context import active_trace, user_line
from .elementwise import elementwise
from .items import Grows
from .iterables import Comprehension, Counted, Indexed, Once, as_indexed
from .loops import LAST, Bounds, EffectsOfTest, staged_loop
from .maybe import Maybe, known
from .needed import note_needed
from .one_of import OneOf
from .paths import Fork
from .promotion import as_tracer, convert
from .rows import Rows
from .tables import Table, as_items
from .tracer import Concretize, Tracer, as_dim, new
from .trials import unless_failed
from .trying import Attempt, NeverFails, Site, suppressing, trying
from .unbound import State
from .using_up import lose

SHORT_WHILE = 8
_END: Any = object()


def unchanged(*state: Any) -> State:
    return state


class Control:
    """Conditions, branches and loops."""

    @staticmethod
    def truth(value: Any) -> Any:
        """The truth of a value: a Python bool, or a traced bool scalar."""
        return truth(value)

    # branches

    def if_(
        self, test: Any, then: Callable[..., State], orelse: Callable[..., State], state: State, names: Sequence[str],
        mutated: Sequence[str] = (),
    ) -> State:  # fmt: skip
        """``if test: then else: orelse``."""
        decided = truth(test)
        if not isinstance(decided, Tracer):
            return then(*state) if decided else orelse(*state)

        fork = Fork()
        if found := fork.taken("then", "orelse"):
            return fork.around(found[1], then if found[1] == "then" else orelse)(*state)

        def stage(around: Callable[..., Any], state: State, _: Any) -> State:
            def held(by: Holding) -> State:
                first, second = (by.around(around(fork.around(*each))) for each in (("then", then), ("orelse", orelse)))
                return by.unwrap(staged_if(decided, first, second, by.wrap(state), names))

            return hold(held, state, names[: len(state)], mutated)

        try:
            return stage_branch(stage, state, (then, orelse))
        except UnsupportedError:
            note_needed(decided.cell.value)
            raise
        except RecursionError:
            note_needed(decided.cell.value)
            raise NotStaged(
                "a function calls itself, and whether it stops depends on a value that is known only when the program runs; write "
                "a loop, or make what it depends on a number that is known when tracing (jit has static_argnums)"
            ) from None

    def ifexp(self, test: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
        """``then if test else orelse``."""
        return self.if_(test, lambda: (then(),), lambda: (orelse(),), (), ("the conditional expression",))[0]

    def and_(self, first: Any, *thunks: Callable[[], Any]) -> Any:
        """``first and ...``."""
        return self._and(_as_it_is, first, *thunks)

    def or_(self, first: Any, *thunks: Callable[[], Any]) -> Any:
        """``first or ...``."""
        return self._or(_as_it_is, first, *thunks)

    def both(self, first: Any, *thunks: Callable[[], Any]) -> Any:
        """``first and ...`` of which nothing but the truth is asked."""
        return self._and(truth, first, *thunks)

    def either(self, first: Any, *thunks: Callable[[], Any]) -> Any:
        """``first or ...`` of which nothing but the truth is asked."""
        return self._or(truth, first, *thunks)

    def _and(self, operand: Callable[[Any], Any], first: Any, *thunks: Callable[[], Any]) -> Any:
        if not thunks:
            return first
        decided = truth(first)
        if not isinstance(decided, Tracer):
            return self._and(operand, thunks[0](), *thunks[1:]) if decided else first
        rest = _Remembered(lambda: operand(self._and(operand, thunks[0](), *thunks[1:])))
        found = self.ifexp(decided, rest, lambda: operand(first))
        return False if rest.always(False) and (_is_truth(first) or operand is truth) else found

    def _or(self, operand: Callable[[Any], Any], first: Any, *thunks: Callable[[], Any]) -> Any:
        if not thunks:
            return first
        decided = truth(first)
        if not isinstance(decided, Tracer):
            return first if decided else self._or(operand, thunks[0](), *thunks[1:])
        rest = _Remembered(lambda: operand(self._or(operand, thunks[0](), *thunks[1:])))
        found = self.ifexp(decided, lambda: operand(first.value if isinstance(first, Maybe) else first), rest)
        return True if rest.always(True) and (_is_truth(first) or operand is truth) else found

    def not_(self, value: Any) -> Any:
        """``not value``."""
        decided = truth(value)
        return new(elementwise("not", decided).value, weak=True) if isinstance(decided, Tracer) else not decided

    def assert_(self, test: Any, message: Callable[[], Any] | None = None) -> None:
        """``assert test, message``: checked when the program runs."""
        decided = truth(test)

        def fail() -> State:
            is_static = not isinstance(decided, Tracer)
            raise AssertionError(
                *((message(),) if message is not None else () if is_static else (f"assertion failed at {user_line()}",))
            )

        self.if_(decided, lambda: (), fail, (), ())

    # exceptions

    trying = staticmethod(trying)
    suppressing = staticmethod(suppressing)
    refused = UnsupportedError

    def attempt(self, block: Callable[..., State], state: State, names: Sequence[str], mutated: Sequence[str] = ()) -> State:
        """A statement that may catch exceptions: a way without errors of the run, and one for each place where it may fail."""
        attempt = Attempt(block)
        if not attempt.is_foreseen:
            return attempt.run(state)

        def choose(around: Callable[..., Any], state: State, _: Any) -> State:
            code, sites = attempt.find(state)
            if not sites:
                raise NeverFails

            def way(some: list[Site | None]) -> Callable[..., State]:
                """The ways on which the code is one of these; few branches are within others."""
                if len(some) == 1:
                    return around(lambda *inner: attempt.run(inner, some[0]))  # type: ignore[no-any-return]
                split = len(some) // 2 if some[0] else 1
                first, rest = some[:split], some[split:]
                is_first = code < rest[0].number  # type: ignore[union-attr]
                return lambda *inner: self.if_(is_first, way(first), way(rest), inner, names, mutated)

            return way([None, *sites])(*state)

        try:
            return stage_branch(choose, state, (block,))
        except NeverFails:
            return attempt.run(state)

    # loops

    def while_(
        self, test: Callable[..., Any], body: Callable[..., State], state: State, names: Sequence[str],
        mutated: Sequence[str] = (),
    ) -> State:  # fmt: skip
        """``while test: body``."""
        most = active_trace().unrolls_at_most
        for done in range(most):
            with _dynamic_tests():
                decided, after = _decide(test, state)
            if isinstance(decided, Tracer) or (decided and self._goes_on(test, body, after, 1 if done else SHORT_WHILE)):
                fork = Fork()
                if found := fork.taken("body", "test"):
                    return self._fail_in_while(fork, found, test, body, after, names, mutated)
                first = lambda *inner: _decide(test, body(*inner))  # noqa: E731
                try:
                    return self._stage_while(fork, test, body, state, (*after, decided), names, mutated)
                except (Concretize, NotStaged, ShapeError) as error:
                    if isinstance(decided, Tracer):
                        decided, after = _decide(test, state)
                    if isinstance(decided, Tracer):  # on values, and not on shapes alone
                        note_needed(decided.cell.value)
                        return self.fail_at_once(error, decided, first, after, names, mutated)
                except Exception as error:
                    return self.fail_at_once(error, decided, first, after, names, mutated)
            if not decided:
                return after
            state = body(*after)
        raise UnsupportedError(f"a while loop on Python values was unrolled {most} times; give it a NumPy value to count with")

    @staticmethod
    def _stage_while(
        fork: Fork, test: Callable[..., Any], body: Callable[..., State], state: State, after: State, names: Sequence[str],
        mutated: Sequence[str],
    ) -> State:  # fmt: skip
        """A while loop from a state, of which the state after its test and the test's truth are known."""
        blocks = (body, test)
        body, test = fork.repeated("body", body), fork.repeated("test", test)

        def stage(around: Callable[..., Any], both: State, count: Any) -> State:
            state, after = both[: len(names)], both[len(names) :]

            def held(by: Holding) -> State:
                def tested(*inner: Any) -> State:
                    with _dynamic_tests():
                        decided, after = _decide(test, by.unwrap(inner))
                    return (*by.wrap(after), decided)

                def pure_test(*inner: Any) -> Any:
                    *after, decided = tested(*inner)
                    if any(a is not b for a, b in zip(after, inner, strict=True)):
                        raise EffectsOfTest
                    return decided

                def body_and_test(*inner: Any) -> State:
                    return tested(*by.around(body)(*inner[:-1]))

                extended, more = by.wrap(after), (*names, "the test of the loop")
                if count is not math.inf:  # iterations, as the test has told already
                    bounds = Bounds(0, count, 1)
                    step = lambda number, *inner: around(body_and_test, number)(*inner)  # noqa: E731
                    return by.unwrap(staged_loop(bounds, step, extended, more, None)[:-1])
                try:
                    return by.unwrap(staged_loop(None, around(by.around(body)), by.wrap(state), names, pure_test))
                except EffectsOfTest:
                    pass
                try:
                    return by.unwrap(staged_loop(None, around(body_and_test), extended, more, lambda *inner: inner[-1])[:-1])
                except Grows:
                    raise
                except (Concretize, NotStaged) as error:
                    raise UnsupportedError(str(error)) from None

            return hold(held, state, names, mutated)

        return stage_while(stage, (*state, *after), blocks)

    def _fail_in_while(
        self, fork: Fork, found: tuple[Attempt, str], test: Callable[..., Any], body: Callable[..., State], after: State,
        names: Sequence[str], mutated: Sequence[str],
    ) -> State:  # fmt: skip
        """The same from the state after its test, where it is known to fail, after so many iterations, in its body or in its test."""
        attempt, way = found
        trips = attempt.trips_made()

        def step(_: Any, *inner: Any) -> State:
            return _decide(test, body(*inner))[1]

        whole = trips if way == "body" else trips - 1
        after = self.for_(Indexed(0, whole, 1, lambda k: k), step, after, names, mutated)
        if way == "body":
            return fork.repeated(way, body, trips)(*after)  # type: ignore[no-any-return]
        return fork.repeated(way, test, trips)(*body(*after))  # type: ignore[no-any-return]

    @staticmethod
    def _goes_on(test: Callable[..., Any], body: Callable[..., State], state: State, count: int) -> bool:
        """Whether the test, known now, is known only at run time within some iterations.

        Or holds after so many, of more than one, that computed anything in the program.
        """
        trace = active_trace()
        try:
            with snapshot(state, body), trace.open_scope() as scope, _dynamic_tests():
                for _ in range(count):
                    decided, state = _decide(test, body(*state))
                    if isinstance(decided, Tracer) or not decided:
                        return bool(isinstance(decided, Tracer))
                return count > 1 and bool(scope.builder.equations)
        except (UnsupportedError, TypeError, ValueError, IndexError, KeyError):
            return False

    def for_(
        self, iterable: Any, body: Callable[..., State], state: State, names: Sequence[str],
        mutated: Sequence[str] = (), go_on: Callable[..., Any] | None = None,
    ) -> State:  # fmt: skip
        """``for item in iterable: body``."""
        iterable = known(iterable)
        if isinstance(iterable, (Bucket, Buckets, Table)):
            with walking(iterable):
                return self.for_(as_items(iterable), body, state, names, mutated, go_on)
        if isinstance(iterable, Counted):
            return self._for_counted(iterable, body, state, names, mutated, go_on)
        while isinstance(iterable, Comprehension):
            body, iterable = self._of_passing(iterable, body, names, mutated, go_on), iterable.items
        if isinstance(iterable, Once):
            return self._for_once(iterable, body, state, names, mutated, go_on)
        items = as_indexed(iterable)
        if items is None:
            return self.unrolled(iterable, body, state, names, go_on)
        is_attempted = any(attempt.is_foreseen for attempt in active_trace().attempts)  # which looks at single iterations
        if items.segment is not None and not is_attempted:
            return self._in_segments(items, body, state, names, go_on)
        count = items.static_count()
        if count is not None and count <= 1:
            return self.unrolled(list(items), body, state, names, go_on)

        fork = Fork()
        if found := fork.taken("body"):
            run = lambda part, body, state: self.for_(part, body, state, names, mutated)  # noqa: E731
            return fail_in_loop(fork, found[0], items, body, state, run)

        def stage(items: Indexed, body: Callable[..., State], state: State) -> State:
            inside = fork.repeated("body", body)
            return hold(lambda by: self.staged(items, inside, state, names, by, go_on), state, names, mutated)

        def stage_or_fail() -> State:
            try:
                return stage_for(stage, items, body, state, go_on is not None, count)
            except (Concretize, NotStaged):
                raise
            except Exception as error:
                is_run = self.and_(items.count() > 0, lambda: True if go_on is None else go_on(*state))
                first = lambda *inner: body(items.item(items.start), *inner)  # noqa: E731
                return self.fail_at_once(error, is_run, first, state, names, mutated)

        try:
            return stage_or_fail()
        except (Concretize, NotStaged) as reason:
            if belongs_outside(reason):
                raise
            if count is None:
                count = active_trace().sizing.pin(as_dim(items.count()) or 0)
            if count is None:
                note_needed(as_dim(items.count()) or 0)
                raise
            if count > active_trace().unrolls_at_most:
                raise UnsupportedError(f"this loop must be unrolled, and has {count} iterations: {reason}") from None
            numbered, trace = items.from_zero(), active_trace()
            trace.unrolled.append(body.__code__)
            try:
                return self.unrolled((numbered.item(k) for k in range(count)), body, state, names, go_on)
            finally:
                trace.unrolled.pop()

    def fail_at_once(
        self, error: Exception, is_run: Any, first: Callable[..., Any], state: State, names: Sequence[str] = (),
        mutated: Sequence[str] = (),
    ) -> State:  # fmt: skip
        """A loop whose body raises an exception of the user's whatever the run does: it does so in the first iteration, if there is one."""
        if not is_raised_by_user(error) or any(attempt.thrown is error for attempt in active_trace().attempts):
            raise refused_in_region(error)

        def run(*inner: Any) -> State:
            first(*inner)
            raise NotStaged(f"a loop fails in an iteration after its first, with what that leaves: {error}")

        return self.if_(is_run, run, unchanged, state, names, mutated)

    def _for_counted(
        self, numbered: Counted, body: Callable[..., State], state: State, names: Sequence[str], mutated: Sequence[str],
        go_on: Callable[..., Any] | None,
    ) -> State:  # fmt: skip
        """A loop that counts what passes a condition."""

        def count(item: Any, number: Any, *inner: Any) -> State:
            return number + 1, *body((number, item), *inner)

        test = None if go_on is None else lambda number, *inner: go_on(*inner)
        named = ("the number of an item", *names)
        return self.for_(numbered.elements, count, (numbered.start, *state), named, mutated, test)[1:]

    def _of_passing(
        self, elements: Comprehension, body: Callable[..., State], names: Sequence[str], mutated: Sequence[str],
        go_on: Callable[..., Any] | None,
    ) -> Callable[..., State]:  # fmt: skip
        """The body of a loop over the elements of a generator expression, as that of a loop over its items."""

        def take(item: Any, *state: Any) -> State:
            found = elements.element(item)
            return self.for_(found, body, state, names, mutated, go_on) if elements.flat else body(found, *state)

        def run(item: Any, *state: Any) -> State:
            if elements.condition is None:
                return take(item, *state)
            return self.if_(elements.condition(item), lambda *inner: take(item, *inner), unchanged, state, names, mutated)

        return run

    def _for_once(
        self, iterator: Once, body: Callable[..., State], state: State, names: Sequence[str], mutated: Sequence[str],
        go_on: Callable[..., Any] | None,
    ) -> State:  # fmt: skip
        """A loop over what an iterator has left; how much a ``break`` leaves is not followed."""
        rest = iterator.rest()
        iterator.lose()
        outcome = self.for_(rest, body, state, names, mutated, go_on)
        if go_on is None:
            iterator.move(iterator.stop)
        return outcome

    def staged(
        self, items: Indexed, body: Callable[..., State], state: State, names: Sequence[str], holding: Holding,
        go_on: Callable[..., Any] | None,
    ) -> State:  # fmt: skip
        def step(index: Tracer, *inner: Any) -> State:
            return holding.wrap(body(items.item(index), *holding.unwrap(inner)))

        test = None if go_on is None else lambda *inner: go_on(*holding.unwrap(inner))
        outcome = staged_loop(Bounds(items.start, items.stop, items.step), step, holding.wrap(state), names, test)
        return holding.unwrap(outcome)

    def _in_segments(
        self, items: Indexed, body: Callable[..., State], state: State, names: Sequence[str], go_on: Callable[..., Any] | None
    ) -> State:
        """A loop over segments, each of which reverse mode runs again from the state at its start."""
        from .inner import checkpointed

        numbered = items.from_zero()
        count = numbered.stop
        length = items.segment or new(convert(np.ceil(as_tracer(count) ** 0.5), I64).value, weak=True) + 1
        segments = (count + (length - 1)) // length

        def segment(number: Any, *inner: Any) -> State:
            start = number * length
            part = Indexed(start, calls.call(min)(start + length, count), 1, numbered.at)
            return checkpointed(lambda: self.for_(part, body, inner, names, go_on=go_on))

        return self.for_(calls.call(range)(segments), segment, state, names, go_on=go_on)

    def while_in_segments(
        self, test: Callable[..., Any], body: Callable[..., State], state: State, names: Sequence[str], length: int
    ) -> State:
        """``while test: body`` in segments of so many iterations, each of which reverse mode runs again from the state at its start.

        With length 0 each segment is one iteration longer than the one before: then n iterations make about sqrt(2 n) segments, and the
        last is as long, though n is known only at the end.
        """
        from .inner import checkpointed

        def segment(number: Any, *inner: Any) -> State:
            part = Indexed(0, length or number + 1, 1, lambda k: k)
            return checkpointed(lambda: self.for_(part, lambda _, *s: body(*s), inner, names, go_on=test))

        return self.for_(Indexed(0, LAST, 1, lambda k: k), segment, state, names, go_on=test)

    def unrolled(
        self, iterable: Iterable[Any], body: Callable[..., State], state: State, names: Sequence[str],
        go_on: Callable[..., Any] | None,
    ) -> State:  # fmt: skip
        """Run the body once per item; where a traced test may stop the loop, each iteration is a branch."""
        items, is_known = enumerate(iterable), True
        while True:
            going = True if go_on is None else truth(go_on(*state))
            if not isinstance(going, Tracer) and not going:
                break
            number, item = next(items, (0, _END))
            if item is _END:
                break
            if not isinstance(going, Tracer):
                state = body(item, *state)
                continue
            is_known = False
            if number > active_trace().unrolls_at_most:
                raise UnsupportedError(
                    f"this loop goes through an iterator of Python's, was unrolled {number} times, and whether it is left is known "
                    "only when the program runs; loop over a range, or with while"
                )
            state = self.if_(going, lambda *s, item=item: body(item, *s), unchanged, state, names)
        if not is_known:
            lose(iterable)
        return state


def fail_in_loop(
    fork: Fork,
    attempt: Attempt,
    items: Indexed,
    body: Callable[..., Any],
    state: State,
    run: Callable[[Indexed, Callable[..., Any], State], State],
) -> State:
    """A loop that is known to fail in its body, after so many iterations; ``run`` makes a loop of items."""
    trips = attempt.trips_made()
    state = run(Indexed(0, trips, 1, items.from_zero().at), body, state)
    index = Bounds(items.start, items.stop, items.step).after(trips)
    return fork.repeated("body", body, trips)(items.item(index), *state)  # type: ignore[no-any-return]


def _as_it_is(value: Any) -> Any:
    return value


CONTROL = Control()


class _Remembered:
    """A function without arguments that remembers what it gave."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.given: list[Any] = []

    def __call__(self) -> Any:
        self.given.append(self.function())
        return self.given[-1]

    def always(self, value: bool) -> bool:
        """Whether it gave nothing else."""
        return bool(self.given) and all(found is value for found in self.given)


def _is_truth(value: Any) -> bool:
    """Whether a value is a bool that is known when the program runs."""
    return isinstance(value, Tracer) and value.dtype == BOOL and not value.type.shape


def truth(value: Any) -> Any:
    """The truth of a value: a Python bool, or a traced bool scalar; of the user's object, what its class says."""
    if isinstance(value, Maybe):
        return CONTROL.and_(CONTROL.not_(value.is_none()), lambda: truth(value.known()))
    if isinstance(value, OneOf):
        return value.truth_of(bool)
    if isinstance(value, Rows):
        return truth_of_array(calls.call(bool)(value.length() != 0))
    for name in ("__bool__", "__len__"):
        method = calls.users_method(value, name)
        if method is not None:
            return truth_of_array(method(value))
        if hasattr(type(value), name):
            break
    return truth_of_array(value)


def _decide(test: Callable[..., Any], state: State) -> tuple[Any, State]:
    """The truth of a while loop's test, and the state after it."""
    going, *after = test(*state)
    return unless_failed(truth(going)), tuple(after)


class _dynamic_tests:
    """Leave comparisons of sizes to run time, as the test of a while loop needs it."""

    def __enter__(self) -> None:
        trace = active_trace()
        self.before, trace.dynamic_tests = trace.dynamic_tests, True

    def __exit__(self, *_: object) -> None:
        active_trace().dynamic_tests = self.before
