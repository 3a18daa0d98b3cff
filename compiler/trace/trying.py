"""``try`` in traced functions: statements that may catch exceptions, and what they catch of the errors that only the run tells of.

Such a statement, with its handlers, is a block: an attempt. What is known while tracing is raised and handled by Python itself. So
is what only the run tells, once it is known where: the block is traced without errors, so as to see where the run may fail, and the
program finds the first place where it does (``failures``). Then the block is traced for each of these places, and once more for none,
and the program takes one of these ways. On the way to a place that fails every branch is known, and each loop around it makes as
many iterations as the run has told, and is left in the next (``paths``); there the exception is raised, and Python goes on from there.

A statement is taken to catch nothing of the kind until it is seen to; then the program is traced anew.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir import SourceLine, Var
from ..ir.types import I64
from .blocks import snapshot
from .branches import is_raised_by_user
from .context import NotStaged, active_trace, user_line
from .counting import as_size
from .elementwise import elementwise
from .failures import ELSEWHERE, first_failure, sites_in
from .paths import RAISES, Moment, Path, entered, has_effects
from .promotion import as_tracer, convert
from .reductions import reduce
from .texts import Text
from .tracer import Tracer, as_dim, new, python_size
from .unbound import State, message_of

OTHERWISE = (
    "a try statement catches an error that only the run tells of, and was traced in another way the second time; test before with if, or leave "
    "the try statement to the caller"
)


class Unforeseen(UnsupportedError):
    """A statement was not taken to catch an error of the run, and does."""


class NeverFails(Exception):
    """A block raises no errors of the run that it catches."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place in an attempt where the run may fail, by its number and its path; it is within so many loops.

    What is raised there, and at which line, is the same each time.
    """

    number: int
    path: Path
    depth: int
    kind: type[BaseException]
    line: SourceLine | None
    message: str

    def is_like(self, other: Site) -> bool:
        """Whether the same is raised at another site."""
        return (self.kind, self.message) == (other.kind, other.message)


@dataclass(slots=True, eq=False)
class Attempt:
    """A block that may catch exceptions."""

    block: Callable[..., State]
    is_foreseen: bool = False
    is_silent: bool = False  # whether its handlers do not look at what an exception says
    sites: dict[Path, Site] = field(default_factory=dict)
    spoiled: set[int] = field(default_factory=set)  # sites at which something may have been done that cannot be done again
    told: list[Tracer] = field(default_factory=list)  # iterations that the loops around a failure have made
    trips: list[Tracer] = field(default_factory=list)  # the same as sizes, where the block fails
    base: int = 0  # levels around the block
    target: Site | None = None  # where it is known to fail
    thrown: BaseException | None = None  # what was raised there

    def __post_init__(self) -> None:
        self.is_foreseen = self.block.__code__ in active_trace().foreseen

    def run(self, state: State, site: Site | None = None) -> State:
        """The block, which fails at a site if one is given."""
        trace = active_trace()
        self.base, self.thrown, self.target = len(trace.levels), None, site
        if site is not None:
            self.trips = [new(number.value, weak=True, dim=as_dim(as_size(number))) for number in self.told[: site.depth]]
        trace.attempts.append(self)
        try:
            with entered("attempt"):
                after = self.block(*state)
        finally:
            trace.attempts.pop()
        if site is not None and self.thrown is None:
            raise NotStaged(OTHERWISE)
        return after

    def find(self, state: State) -> tuple[Any, list[Site]]:
        """The number of the site at which a run of the block fails first, 0 or less for none, and all sites, by number."""
        trace = active_trace()
        pushed = [(thing, thing.pushed) for thing in trace.growing]
        trace.counting += 1
        trace.recording.append(self)
        try:
            with snapshot(state, self.block), trace.open_scope() as scope:
                try:
                    self.run(state)
                except Exception as error:
                    if not is_raised_by_user(error):
                        raise
        finally:
            trace.recording.pop()
            trace.counting -= 1
            for thing, before in pushed:
                thing.pushed = before
        numbers = sites_in(scope.builder.equations)
        sites = sorted((site for site in self.sites.values() if site.number in numbers), key=lambda site: site.number)
        if numbers & self.spoiled:
            raise UnsupportedError(
                "an error that only the run tells of is caught, and raised within a function that runs the user's code, after that has written to "
                "arrays or objects; write a loop in its place, or test before with if"
            )
        if not sites:
            return 0, []
        code, *self.told = first_failure(scope, max(site.depth for site in sites))
        return code, sites

    def leads(self, place: Any) -> bool:
        """Whether the site at which it fails is within a block that is entered now."""
        if self.target is None:
            return False
        path = (*(level.place for level in active_trace().levels[self.base + 1 :]), place)
        return self.target.path[: len(path)] == path

    def note_raised(self, places: Path, error: BaseException) -> None:
        """A block at some places raises an exception itself."""
        if self.target is not None and self.target.path == (*places[self.base + 1 :], RAISES):
            self.thrown = error

    def trips_made(self) -> Any:
        """How many iterations of a loop that is entered now are known not to fail."""
        return self.trips[len(self._trips())]

    def meets(self, error: BaseException, holds: Callable[[], Any]) -> bool:
        """An error that the run raises unless something holds, and that is caught; whether it is seen to."""
        trace = active_trace()
        if not self.is_foreseen:
            trace.foreseen.add(self.block.__code__)
            raise Unforeseen("a try statement catches an error that only the run tells of")
        path, line = self._path(error), user_line()
        if self.target is not None and path == self.target.path:
            if (type(error), line) != (self.target.kind, self.target.line):
                raise NotStaged(OTHERWISE)
            self.thrown = error
            raise error
        if not trace.recording:
            return False
        site = self._note(path, error, line) if trace.recording[-1] is self else None
        numbers = [] if site is None else [convert(as_tracer(number), I64).value for number in self._trips()]
        number = ELSEWHERE if site is None else site.number
        trace.append("check", as_tracer(holds()).value, *numbers, kind="Exception", message="", site=number)
        return True

    def _note(self, path: Path, error: BaseException, line: SourceLine | None) -> Site:
        """A site; the last one, where nothing has happened since that a handler could see."""
        level = active_trace().levels[-1]
        number = self.sites[path].number if path in self.sites else len(self.sites) + 1
        site = Site(number, path, len(self._trips()), type(error), line, "" if self.is_silent else _said(error))
        if path[-1] == level.count - 1:
            moment = Moment(path[-1])
            last, level.last = level.last, (site, moment)
            if last is not None and moment.follows(last[1]) and last[0].is_like(site):
                level.last = last[0], moment
                return last[0]
        elif path[-1] != RAISES and has_effects():
            self.spoiled.add(number)
        self.sites[path] = site
        return site

    def _trips(self) -> list[Any]:
        return [level.trips for level in active_trace().levels[self.base + 1 :] if level.trips is not None]

    def _path(self, error: BaseException) -> Path:
        """The way to an error that is met now, or that a branch raised just before."""
        trace = active_trace()
        if trace.raised is not None and trace.raised[0] is error:
            return (*trace.raised[1][self.base + 1 :], RAISES)
        places, level = [level.place for level in trace.levels[self.base + 1 :]], trace.levels[-1]
        if level.scope is trace.scope:
            return (*places, level.next())
        return (*places, level.count, str(user_line()), type(error).__name__, _said(error))


@dataclass(slots=True, eq=False)
class Handler:
    """What the handlers of a statement catch; without an attempt these are left to Python."""

    types: Callable[[], tuple[Any, ...]]
    attempt: Attempt | None

    def catches(self, kind: type[BaseException]) -> bool:
        """Whether it catches exceptions of a class."""
        return issubclass(kind, _classes(self.types()))

    def meets(self, error: BaseException, holds: Callable[[], Any]) -> bool:
        """The same as ``Attempt.meets``."""
        if self.attempt is None:
            raise UnsupportedError(
                f"whether this raises {type(error).__name__} is known only when the program runs, and the handlers of the try statement "
                "around it are not a part of the program; test before with if, or with np.where, or leave the try statement to the caller"
            )
        return self.attempt.meets(error, holds)

    @staticmethod
    def may_fail(op: str, operands: tuple[Var, ...], attributes: dict[str, Any]) -> bool:
        """An op may raise an error; whether that stands for the op itself."""
        trace, operand = active_trace(), new(operands[0])
        match op:
            case "check":
                return trace.may_raise(getattr(builtins, attributes["kind"])(attributes["message"]), lambda: operand)
            case "wrap_index":
                error: Exception = IndexError(attributes["message"])
                trace.may_raise(error, lambda: _is_within(operand, python_size(attributes["size"])))
            case "cholesky":
                error = np.linalg.LinAlgError("Matrix is not positive definite")
                trace.may_raise(error, lambda: new(trace.append("is_positive_definite", operands[0])))
            case "lu_solve":
                error = np.linalg.LinAlgError("Singular matrix")
                trace.may_raise(error, lambda: new(trace.append("is_regular", *operands[:2])))
            case "svd" | "pinv":
                error = np.linalg.LinAlgError("SVD did not converge")
                trace.may_raise(error, lambda: reduce("all", operand == operand))
        return False


def _said(error: BaseException) -> str:
    """What an exception says, but for the values in it."""
    said = message_of(error)
    return said.template if isinstance(said, Text) else said


def _classes(types: Any) -> tuple[type, ...]:
    """The classes in what ``except`` takes: classes, and tuples of them."""
    return tuple(each for one in types for each in (_classes(one) if isinstance(one, tuple) else (one,)))


def _is_within(positions: Tracer, size: Any) -> Tracer:
    """Whether positions, which may count from the end, are within an axis."""
    inside = elementwise("and", elementwise("ge", positions, -size), elementwise("lt", positions, size))
    return reduce("all", inside) if inside.type.rank else inside


@contextlib.contextmanager
def trying(types: Callable[[], tuple[Any, ...]], handles: bool, is_silent: bool) -> Iterator[None]:
    """The body of a ``try`` whose handlers catch exceptions of the types, as an attempt if it ``handles`` them."""
    trace = active_trace()
    handler = Handler(types, trace.attempts[-1] if handles else None)
    if handler.attempt is not None:
        handler.attempt.is_silent = is_silent
    trace.handlers.append(handler)
    try:
        yield
    finally:
        trace.handlers.remove(handler)


class Suppressing(contextlib.suppress):
    """``contextlib.suppress``, which does not suppress what jitgrad refuses."""

    handler: Handler

    def __init__(self, *types: Any) -> None:
        super().__init__(*types)
        self.handler = Handler(lambda: types, None)

    def __enter__(self) -> None:
        active_trace().handlers.append(self.handler)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        active_trace().handlers.remove(self.handler)
        return bool(super().__exit__(kind, error, traceback)) and not isinstance(error, UnsupportedError)


def suppressing(context: Any) -> Any:
    """The context that an attempt enters."""
    if isinstance(context, Suppressing):
        context.handler.attempt = active_trace().attempts[-1]
        context.handler.attempt.is_silent = True
    return context


__all__ = ["Attempt", "NeverFails", "Site", "Suppressing", "suppressing", "trying"]
