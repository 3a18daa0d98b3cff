"""Loops that make lists longer.

A Python list that a staged loop appends to becomes a ``Growing`` list before the loop, wherever the program holds it, and a list of
many items (``Rows``) after it. How many items an iteration adds is found by tracing: where each adds as many as any other, the length
is an expression in the number of the iteration, and otherwise it is carried through the loop like any variable. A loop is in the
program twice where only the run tells how long its lists become: the first counts, and the second fills arrays of that size. So is a
``while`` loop, whose iterations are counted to make a ``for`` loop of it (``counting``). What the count does not depend on is dropped
from the first like any code whose results are not used.

While they are counted, the first and last few items of a list are kept. Where the loop needs others, or takes the last one away, all are:
the count is tried with ever more room for them (``trials``).
"""

from __future__ import annotations

import functools
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..ir import Dim
from ..ir.sizes import symbols
from .blocks import NotStaged
from .context import active_trace
from .counting import Trips, counted
from .exchanging import forget_looks
from .growing import RECENT, Front, Growing, NotCounted
from .holders import Place, give_back, holds, is_list, places
from .items import Grows, Items, arrays_for, joined, known_items
from .iterables import Indexed
from .lessons import Grown, Thing, learn, recall
from .mutation import Change, note_listed, redo, refill, remember
from .outdated import Moved
from .promotion import as_tracer
from .rows import LISTED_AT_MOST, Queue, Rows, Unordered, present
from .situations import Situation
from .tracer import as_dim, python_size
from .trials import Trial
from .unbound import State

TRIES = 10
UNROLLED_AT_MOST = 500  # values that a loop may come to if it is unrolled for its lists


class Misjudged(NotStaged):
    """An iteration adds more items to a list, or adds them less regularly, than a loop was made for."""

    def __init__(self, growth: Growth, each: Dim | None, regular: bool) -> None:
        super().__init__("how much longer a list becomes changes from one iteration to the next")
        self.growth, self.each, self.regular = growth, each, regular

    def learn(self) -> None:
        """Expect what was found; once more irregularity where something else was found before."""
        growth = self.growth
        growth.regular = growth.regular and self.regular and not growth.found
        is_bound = growth.each is not None and self.each is not None and growth.found and not growth.regular
        growth.each = active_trace().sizing.larger(growth.each, self.each) if is_bound else self.each  # type: ignore[arg-type]
        growth.found.append(self.each)


@dataclass(slots=True, eq=False)
class Growth:
    """How a loop makes one list longer: in each iteration by ``each`` items, or by up to so many where it is not ``regular``.

    With ``each`` None there is no bound that is known before the loop.
    """

    thing: Growing
    each: Dim | None
    regular: bool
    start: Any = 0  # its length before the loop
    room: Dim = 0  # how long it may become
    pushed: Any = 0  # how many items were added to it in this iteration of a loop around, before the loop
    found: list[Dim | None] = field(default_factory=list)  # how many items iterations were seen to add, where a guess was wrong

    def begin(self, number: Any) -> None:
        """The list at the start of an iteration."""
        self.thing.pushed = 0
        if self.regular and not self.thing.is_counted:
            active_trace().scope.owned[id(self.thing)] = self.thing  # its length needs not be carried
            self.thing.size = self._length(number)

    def end(self, number: Any) -> None:
        """Compare what an iteration did with what it was expected to do."""
        if self.each is None or self.thing.is_counted:
            return
        pushed = self.thing.pushed
        if not self.regular:
            bound = _known_outside(pushed)
            if bound is None or (bound not in self.found and not active_trace().sizing.proves(self.each, ">=", bound)):
                raise Misjudged(self, bound, False)
            return
        added = as_dim(self.thing.size) - as_dim(self._length(number))  # type: ignore[operator]
        regular = added == pushed and _known_outside(added) == added
        if not regular or added != self.each:
            raise Misjudged(self, added if regular else _known_outside(pushed), regular)

    def after(self, count: Any) -> None:
        """The list after so many iterations, or infinitely many, and what the loop means for one around it."""
        if self.thing.is_counted:
            return
        trips: Any = count if count is math.inf else active_trace().sizing.at_least_zero(as_dim(count))  # type: ignore[arg-type]
        if self.regular:
            remember(self.thing, "attribute", "size")
            self.thing.size = self._length(python_size(trips))
        if self.each == 0:
            self.thing.pushed = self.pushed
        elif self.each is None or math.inf in (self.pushed, trips):
            self.thing.pushed = math.inf
        else:
            self.thing.pushed = self.pushed + self.each * trips

    def _length(self, number: Any) -> Any:
        if self.each == 0:  # of infinitely many iterations too
            return self.start
        return python_size(as_dim(self.start) + self.each * as_dim(number))  # type: ignore[operator]


def _between(size: Any, low: Dim, high: Dim) -> Dim:
    """A length of which it is known between what bounds it lies."""
    trace = active_trace()
    symbol = trace.sizing.dynamic("length", low, high)
    trace.emit("bind_size", as_tracer(size).value, symbol=str(symbol))
    return symbol


def _known_outside(dim: Any) -> Dim | None:
    """A size, or an upper bound of it, that is not made of what the current scope computes; None if there is none."""
    trace = active_trace()
    if dim == math.inf:
        return None
    inside = {e["symbol"] for equation in trace.scope.builder.equations for e in equation.walk() if e.get("symbol") is not None}
    for bound in trace.sizing.upper_bounds(dim):
        if not symbols(bound) & inside:
            return bound
    return None


@dataclass(slots=True, eq=False)
class Moving:
    """A list of the user's that a loop makes longer."""

    thing: Any
    others: list[Any]  # objects that stand for the same list
    contents: list[Any] | Rows
    places: list[Place]
    items: Items
    growth: Growth
    mark: Moved  # where other names find what has taken its place
    is_tried: bool = False  # whether all its items are kept while they are counted

    @classmethod
    def begin(cls, reason: Grows, holders: tuple[Any, ...], regular: bool) -> Moving:
        """Take the list out of the program."""
        thing = reason.thing
        contents = Rows(thing.arrays, thing.tree, thing.weak) if isinstance(thing, Rows) else list(thing)
        kind = Queue(thing.maxlen) if isinstance(thing, deque) else Unordered() if isinstance(thing, set) else None
        items = joined(known_items(contents), reason.items)
        growing = Growing((), items, 0)
        growing.kind = thing.kind if isinstance(thing, Rows) else kind
        if isinstance(thing, Rows):
            growing.family = thing.family
            forget_looks(thing)
            for array in thing.arrays:
                array.cell.listed = array.cell.listed or (array.ndim > 1 and not thing.has_lists)
        held = list(places(thing, (*holders, active_trace().of_caller), set()))
        found = [v for v in (*holders, *(place.value() for place in held)) if isinstance(v, Rows) and is_list(v, thing)]
        others = [v for v in {id(v): v for v in found}.values() if v is not thing]
        for place in held:
            place.put(growing)
        mark = Moved(growing)
        if not isinstance(thing, Rows):
            refill(thing, [mark])
        for rows in (thing, *others):
            if isinstance(rows, Rows):
                rows.spoil(mark)
        return cls(thing, others, contents, held, items, Growth(growing, reason.each, regular), mark)

    def length(self) -> Any:
        """The number of items before the loop."""
        return self.contents.length() if isinstance(self.contents, Rows) else len(self.contents)

    def largest(self, count: Any) -> Any:
        """The number of items after so many iterations, at most."""
        if self.growth.each == 0:
            return self.length()
        trips = active_trace().sizing.at_least_zero(as_dim(count))  # type: ignore[arg-type]
        return python_size(as_dim(self.length()) + self.growth.each * trips)  # type: ignore[operator]

    def make_room(self, room: Any, first: Any = None) -> None:
        """Arrays for so many items, those before the loop in place."""
        growing, start = self.growth.thing, self.length()
        growing.first, growing.trial, growing.is_full = first, None, self.growth.each == 0
        self.growth.room = as_dim(room)  # type: ignore[assignment]
        growing.tree, growing.weak[:], growing.size, growing.front = self.items.tree, self.items.weak, 0, Front()
        growing.arrays = arrays_for(self.items, python_size(self.growth.room))
        if isinstance(self.contents, Rows):
            growing.size = start
            for array, rows in zip(growing.arrays, self.contents.arrays, strict=True):
                array[:start] = rows
        else:
            growing.fill(self.contents)
            for item in self.contents:
                note_listed(item, [growing.family])
            if len({id(item) for item in self.contents if type(item) is list}) < sum(
                type(item) is list for item in self.contents
            ):
                active_trace().doubled.add(growing.family)
        self.growth.start = start

    def make_room_to_count(self, trial: Trial | None) -> None:
        """Arrays for the items that are kept while it is counted how many there are."""
        start = self.length()
        if self.growth.each == 0:
            self.make_room(start)
        elif self.is_tried:
            assert trial is not None
            self.make_room(start + trial.room)
            self.growth.thing.trial = trial
        else:
            self.make_room(start + 2 * RECENT, first=start + RECENT)

    def settled(self) -> Rows | list[Any]:
        """The list after the loop, held again where it was; the caller's own, which has other names, where it became no longer."""
        growing = self.growth.thing
        is_as_long = isinstance(growing.start, int) and isinstance(growing.size, int) and growing.length() == self.length()
        is_full = self.growth.each == 0 if is_as_long else self.growth.regular and isinstance(growing.start, int)
        if is_full:
            rows = growing.in_rows(growing.arrays)
        else:
            rows = growing.settled(None if is_as_long else _between(growing.length(), 0, self.growth.room))
        is_callers = any(place.owner is active_trace().of_caller for place in self.places)
        if is_callers and is_as_long and isinstance(self.thing, list) and growing.size <= LISTED_AT_MOST:
            give_back(self.thing, self.contents, rows.items(), self.places)  # type: ignore[arg-type]
            return self.thing
        for place in self.places:
            place.put(rows)
        self.mark.target = rows
        return rows

    def give_back(self) -> None:
        """Undo ``begin``."""
        if not isinstance(self.thing, Rows):
            refill(self.thing, self.contents)
        for rows in (self.thing, *self.others):
            if isinstance(rows, Rows):
                redo(Change(rows, "attribute", "_listed", None), None)
        for place in self.places:
            place.put(self.thing)


@contextmanager
def staging(holders: tuple[Any, ...]) -> Iterator[None]:
    """While a loop or branch is staged; its lists can be reached from ``holders``."""
    trace = active_trace()
    trace.staging.append(holders)
    try:
        yield
    finally:
        trace.staging.pop()


Block = Callable[..., State]
Stage = Callable[[Indexed, Block, State], State]
StageBlocks = Callable[[Callable[..., Block], State, Any], State]  # given what is done around each block


def stage_for(stage: Stage, items: Indexed, body: Block, state: State, has_test: bool, count: int | None) -> State:
    """Stage a ``for`` loop of so many iterations, if that is known; where a list becomes longer in it, a short one is unrolled instead."""
    trace, state = active_trace(), tuple(map(present, state))
    learning = _Learning(items, body, state)
    is_foreseen = getattr(body, "__code__", None) in trace.foreseen
    is_short = count is not None and count <= LISTED_AT_MOST and not (learning.known or is_foreseen)
    before = trace.count
    trace.short += is_short
    try:
        with staging((*state, body)):
            if not trace.growing and not learning.known:
                try:
                    return stage(items, body, state)
                except Grows as reason:
                    is_cheap = (trace.count - before) * (count or 0) <= UNROLLED_AT_MOST
                    if is_short and is_cheap and not _is_for_arrays(reason):
                        raise
                    trace.short -= is_short
                    is_short = False
            return _stage_appending(stage, items, body, state, (body,), has_test, learning)
    finally:
        trace.short -= is_short


def _is_for_arrays(reason: Grows) -> bool:
    """Whether a list cannot be one of Python's even in a loop that is unrolled: a set, of which it would have to know what is in it, and rows."""
    is_of_lists = (
        reason.each == 0 and isinstance(reason.thing, list) and all(type(item) in (list, Rows) for item in reason.thing)
    )
    return is_of_lists or isinstance(reason.thing, set)


def stage_while(stage: StageBlocks, state: State, blocks: tuple[Any, ...]) -> State:
    """Stage a ``while`` loop, in which lists may become longer."""
    state = tuple(map(present, state))
    learning = _Learning(math.inf, blocks, state)
    with staging((*state, *blocks)):
        if not active_trace().growing and not learning.known:
            try:
                return stage(_as_it_is, state, math.inf)
            except Grows:
                pass
        return _stage_appending(*_of_blocks(stage, math.inf), state, blocks, False, learning)


def stage_branch(stage: StageBlocks, state: State, blocks: tuple[Any, ...]) -> State:
    """Stage a branch, in which lists may become longer; those that a loop or branch around it holds are left to this."""
    state = tuple(map(present, state))
    learning = _Learning(1, blocks, state)
    with staging((*state, *blocks)):
        if not learning.known:
            try:
                return stage(_as_it_is, state, 1)
            except Grows as reason:
                if belongs_to(active_trace().staging[:-1], reason):
                    raise
        return _stage_appending(*_of_blocks(stage, 1), state, blocks, True, learning)


def _as_it_is(block: Block, number: Any = 0) -> Block:
    return block


def _of_blocks(stage: StageBlocks, count: Any) -> tuple[Stage, Indexed, Block]:
    """What has blocks of its own as a loop of so many iterations: each run of a block is one."""

    def stage_all(items: Indexed, body: Block, state: State) -> State:
        return stage(lambda block, number=0: lambda *inner: body((number, block), *inner), state, items.stop)

    return stage_all, Indexed(0, count, 1, lambda k: k), lambda block, *inner: block(*inner)


class _Learning:
    """What is ``known`` of the lists that a loop or branch makes longer from when it was staged before in an equal situation, if it was."""

    def __init__(self, *situation: Any) -> None:
        self.situation = Situation("lists", *situation)
        self.known: tuple[Grown, ...] = recall(self.situation) or ()

    def begin(self, growths: list[Growth], moving: list[Moving], holders: tuple[Any, ...]) -> None:
        """Take the lists out of the program, and expect of all what was found then."""
        for k, lesson in enumerate(self.known):
            if lesson.thing is not None:
                reason = Grows(lesson.thing.thing, lesson.items, 0)
                moving.append(Moving.begin(reason, holders, lesson.regular))
                moving[-1].is_tried = lesson.is_tried
            growth = growths[k] if lesson.thing is None else moving[-1].growth
            growth.each, growth.regular, growth.found = lesson.each, lesson.regular, list(lesson.found)

    def end(self, growths: list[Growth], moving: list[Moving]) -> None:
        """Remember what they were staged with."""
        if self.known:
            return
        of_others = [Grown(None, g.each, g.regular, tuple(g.found)) for g in growths]
        own = [
            Grown(one.items, one.growth.each, one.growth.regular, tuple(one.growth.found), one.is_tried, Thing(one.thing))
            for one in moving
        ]
        learn(self.situation, (*of_others, *own))


def _stage_appending(
    stage: Stage, items: Indexed, body: Block, state: State, blocks: tuple[Any, ...], has_test: bool, learning: _Learning
) -> State:  # fmt: skip
    """Stage a loop in which lists grow, its own or those of loops around it; ``blocks`` are what it runs of the user's."""
    trace = active_trace()
    numbered = items.from_zero()
    regular = not has_test and numbered.stop is not math.inf
    growths = [Growth(thing, 0, regular, thing.size, pushed=thing.pushed) for thing in trace.growing]
    moving: list[Moving] = []
    listed = dict(trace.listed)
    try:
        learning.begin(growths, moving, (*state, *blocks))
        for _ in range(TRIES):
            try:
                outcome = _attempt(stage, numbered, body, state, growths, moving)
                learning.end(growths, moving)
                return outcome
            except Grows as reason:
                _learn(reason, moving, (*state, *blocks), not has_test)
            except NotCounted as reason:
                known = [one for one in moving if one.growth.thing is reason.thing]
                if not known:
                    raise
                known[0].is_tried = True
            except Misjudged as reason:
                if all(reason.growth is not growth for growth in (*growths, *(m.growth for m in moving))):
                    raise
                reason.learn()
        raise NotStaged("how much longer a list becomes changes from one iteration to the next")
    except BaseException:
        for one in moving:
            one.give_back()
        trace.listed = listed
        raise


def _attempt(stage: Stage, items: Indexed, body: Block, state: State, growths: list[Growth], moving: list[Moving]) -> State:
    everything = [*growths, *(one.growth for one in moving)]
    rooms: dict[int, Any] = {}
    endless = items.stop is math.inf and any(one.growth.each != 0 for one in moving)
    unknown = [one for one in moving if one.growth.each is None or (one.is_tried and not one.growth.regular)]
    if endless or unknown:
        trips = Trips([one.growth for one in moving if one.is_tried])

        def count(trial: Trial | None) -> list[Any]:
            for one in moving:
                one.make_room_to_count(trial)
            _run(stage, items, trips.around(body) if endless else body, state, everything, moving)
            return [trips.number, *(one.growth.thing.size for one in unknown)]

        room, number, *sizes = counted(count, 1 + len(unknown), _least_room(moving), state)
        items = Indexed(0, number, 1, items.at) if endless else items
        rooms = {id(one): one.length() + room if one.is_tried else size for one, size in zip(unknown, sizes, strict=True)}
    for one in moving:
        one.make_room(rooms[id(one)] if id(one) in rooms else one.largest(items.stop))
    outcome = _run(stage, items, body, state, everything, moving)
    settled = {id(one.growth.thing): one.settled() for one in moving}
    return tuple(settled.get(id(value), value) for value in outcome)


def _least_room(moving: list[Moving]) -> Dim | None:
    """Room for what an iteration adds to any list of which all items are kept while they are counted, as far as that is known."""
    steps = [one.growth.each or 0 for one in moving if one.is_tried]
    return functools.reduce(active_trace().sizing.larger, steps) if steps else None


def _run(stage: Stage, items: Indexed, body: Block, state: State, everything: list[Growth], moving: list[Moving]) -> State:
    """Stage the loop with the lists that have been given room."""
    trace = active_trace()

    def followed(numbered_item: Any, *inner: Any) -> State:
        number, item = numbered_item
        for growth in everything:
            growth.begin(number)
        outcome = body(item, *inner)
        for growth in everything:
            growth.end(number)
        return outcome

    held, known = tuple(map(present, state)), len(trace.growing)
    trace.growing += [one.growth.thing for one in moving]
    try:
        outcome = stage(Indexed(0, items.stop, 1, lambda k: (k, items.at(k))), followed, held)
    finally:
        del trace.growing[known:]
        for growth in everything:
            if growth.regular and not growth.thing.is_counted:
                growth.thing.size = growth.start
    for growth in everything:
        growth.after(items.stop)
    return outcome


def _learn(reason: Grows, moving: list[Moving], holders: tuple[Any, ...], regular: bool) -> None:
    """Have a further list grow in arrays, or one in arrays of other dtypes; refuse those of loops around this one."""
    for one in moving:
        if one.growth.thing is reason.thing:
            one.items, growth = joined(one.items, reason.items), one.growth
            growth.each = reason.each if growth.each == 0 else growth.each
            return
    is_known = reason.items is not None or bool(reason.thing)
    if not is_known or belongs_to(active_trace().staging[:-1], reason) or not holds(holders, reason.thing):
        raise reason
    moving.append(Moving.begin(reason, holders, regular))


def belongs_outside(reason: NotStaged) -> bool:
    """Whether a loop around those that are staged now, or have just been, must do something about it, and can."""
    return belongs_to(active_trace().staging, reason)


def belongs_to(loops: Sequence[tuple[Any, ...]], reason: NotStaged) -> bool:
    """Whether what became of a list concerns one of some loops."""
    if not isinstance(reason, Grows) or isinstance(reason.thing, Growing):
        return isinstance(reason, (Grows, Misjudged, NotCounted))
    return any(holds(holders, reason.thing) for holders in loops)
