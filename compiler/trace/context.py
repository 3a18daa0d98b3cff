"""The state of one trace: open scopes, symbols of sizes, what is known of them, and captured arrays.

A ``Scope`` builds one IR function: the traced function itself, or a region in it (a loop's body, a branch, a function that is
differentiated). Variables of outer scopes that are used in an inner one become parameters of the inner one.
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir import ArrayType, Function, SourceLine, Type, Var
from ..ir.types import DTYPE_NAMES
from ..ops import Builder
from .sizing import Sizing
from .state import STATE, current_trace

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INTERNAL = tuple(
    os.path.join(folder, "")
    for folder in {
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))),  # the compiler
        os.path.dirname(os.path.dirname(os.path.realpath(__file__))),
        os.path.dirname(os.path.abspath(np.__file__)),
    }
)


class TraceBuilder(Builder):
    """A builder whose variables are unique in the whole trace, so that a variable tells its scope."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def fresh(self, type: Type) -> Var:
        trace = self.scope.trace
        trace.count += 1
        var = Var(f"%{trace.count}", type)
        trace.owner[var.name] = self.scope
        return var

    def parameter(self, name: str, type: Type) -> Var:
        var = Var(self.scope.trace.unique(name), type)
        self.scope.trace.owner[var.name] = self.scope
        self.parameters.append(var)
        return var


class Scope:
    """One function under construction, and the scope around it."""

    def __init__(self, trace: Trace, parent: Scope | None) -> None:
        self.trace = trace
        self.parent = parent
        self.builder = TraceBuilder(self)
        self.captured: dict[Var, Var] = {}  # variable of the parent -> parameter here
        self.written: dict[Any, Var] = {}  # cells written here -> their value before
        self.final: dict[Any, Var] = {}  # and their value when the scope was closed
        self.changes: dict[Any, Any] = {}  # what was done to Python objects (``mutation``)
        self.fact: tuple[Var, bool] | None = None  # of a branch: a test, and what it is where the branch is taken
        self.is_repeated = False  # whether this is the body of a loop, or its test
        self.known = len(trace.changed)  # so many objects had been seen to change when this scope was opened
        self.owned: dict[int, Any] = {}  # cells of variables that are in the state of the block
        self.read: set[Any] = set()  # cells of arrays that were read here, in loops and branches (``aliasing``)
        self.outdated: dict[Any, Any] = {}  # cells of which a write here may have been meant -> the line of the write

    def resolve(self, var: Var) -> Var:
        """The variable as seen from this scope; captures it from outer scopes."""
        if self.trace.owner[var.name] is self:
            return var
        if self.parent is None:
            raise UnsupportedError(
                "a value that was made in a loop, branch or comprehension is used outside of it, and did not come there in a variable, "
                "item or attribute that jitgrad follows; assign it to a variable of the function"
            )
        outer = self.parent.resolve(var)
        if outer not in self.captured:
            self.captured[outer] = self.builder.parameter(outer.name.lstrip("%") or "c", outer.type)
        return self.captured[outer]

    def is_in_loop(self) -> bool:
        """Whether it is the body of a loop, or its test, or lies within one."""
        return self.is_repeated or (self.parent is not None and self.parent.is_in_loop())

    def inside(self, other: Scope | None) -> bool:
        """Whether this scope is the other one or lies within it."""
        scope: Scope | None = self
        while scope is not None:
            if scope is other:
                return True
            scope = scope.parent
        return False


class NotStaged(UnsupportedError):
    """A block that cannot become a region; a loop of known length is unrolled in its place."""


UNROLL_AT_MOST = 10_000  # iterations of a loop that cannot be one of the program
UNROLL_FOR_INTS = 256  # the same, where it is unrolled for one value of an int among the arguments alone


class Trace:
    """All state of one trace of a user's function."""

    def __init__(self, function_name: str) -> None:
        self.function_name = function_name
        self.count = 0
        self.owner: dict[str, Scope] = {}
        self.names: set[str] = set()
        self.numbers: dict[str, int] = {}  # the last number that was given to a name
        self.changed: dict[int, tuple[int, Any]] = {}  # id of each object seen to change -> its number, and the object
        self.sizing = Sizing(self)
        self.root = Scope(self, None)
        self.scope = self.root
        self.captured_arrays: dict[int, tuple[np.ndarray, Any]] = {}  # id -> the array and its tracer
        self.handlers: list[Any] = []  # of the ``try`` statements around (``trying``)
        self.foreseen: set[Any] = (
            set()
        )  # the code of those that are known to catch errors of the run, of loops not to be unrolled, and lines that make tables
        self.attempts: list[Any] = []  # such statements around
        self.recording: list[Any] = []  # those of them that are traced to see where they may fail
        self.effects = 0  # writes to arrays and objects, and prints, so far
        self.levels: list[Any] = []  # the blocks around, in attempts (``paths``)
        self.raised: Any = None  # the last exception that left a block, and where that was
        self.dynamic_tests = False  # whether comparisons of sizes are left to run time, as in the test of a while loop
        self.expanding: set[int] = set()  # functions with a derivative of their own whose passes are being traced
        self.staging: list[Any] = []  # what holds the lists of the loops that are being staged (``appending``)
        self.dicts: dict[int, tuple[Any, Any]] = {}  # dicts that the function makes, by id, and where (``tables``)
        self.wanted: set[Any] = set()  # where dicts are made that are asked for keys which only the run knows
        self.unrolled: list[Any] = []  # the code of such loops that are being unrolled
        self.short = 0  # how many of these are `for` loops that are unrolled where they cannot be staged
        self.growing: list[Any] = []  # lists that these make longer
        self.of_caller: list[Any] = []  # lists among the arguments, or what they have become
        self.counting = 0  # how many loops around are run only to count the items of such lists
        self.trials: list[Any] = []  # those of them that may run out of room (``trials``)
        self.outdated: set[Any] = set()  # cells that are outdated in some scope
        self.iterators: dict[int, tuple[Any, Scope | None]] = {}  # Python's iterators by id, and the scopes that may use them
        self.listed: dict[
            int, Any
        ] = {}  # by id: a list of which others in arrays hold a copy, and which ones (``family``), and where
        self.doubled: set[Any] = set()  # those of these others that hold a list at two places
        self.exchange: Any = None  # stores into a list of lists that have just been made (``exchanging``)
        self.boxes: dict[int, Any] = {}  # containers that may be the same objects as others, by id (``identity``)
        self.writing: list[Any] = []  # cells of which a write is being handed on to the arrays that they are (``chosen``)
        self.keys_found: list[tuple[Any, Var, Scope]] = []  # dicts, keys that they have, and where that is known (``lookups``)
        self.choices: list[Any] = []  # what branches choose among, by number (``one_of``)
        self.opposites: dict[Var, Var] = {}  # tests that hold where others do not (``maybe``)
        self.lessons: dict[Any, Any] = {}  # what was learned of loops and branches, by their situation (``lessons``)
        self.global_objects: dict[Any, list[Any]] = {}  # what functions find in their globals, by their code (``situations``)
        self.integers: dict[str, int] = {}  # variables of arguments that are Python's ints, and which leaves these are
        self.unrolls_at_most = UNROLL_AT_MOST
        self.needed: set[int] = set()  # leaves of them that Python needs as numbers (``needed``)

    def unique(self, name: str) -> str:
        """The name, with a number where it is taken in this trace or is a dtype's or a keyword of IR text."""
        name = name if name.isidentifier() else f"v{name}"
        candidate, number = name, self.numbers.get(name, 1)
        while candidate in self.names or candidate in RESERVED:
            number += 1
            candidate = f"{name}_{number}"
        self.names.add(candidate)
        self.numbers[name] = number
        return candidate

    @contextmanager
    def open_scope(self) -> Iterator[Scope]:
        """A new scope inside the current one; closed at exit, where cells written in it get their outer values back."""
        outer = self.scope
        self.end_exchange()
        self.scope = Scope(self, outer)
        try:
            yield self.scope
            self.end_exchange()
        finally:
            self.exchange = None
            self.scope.final = {cell: cell.value for cell in self.scope.written}
            for cell, before in self.scope.written.items():
                cell.value = before
            undo(self.scope)
            self.scope = outer

    @contextmanager
    def reopen(self, scope: Scope) -> Iterator[Scope]:
        """Go on building in a scope that was closed, arrays being again as they were at its end."""
        outer, self.scope = self.scope, scope
        before = {cell: cell.value for cell in scope.final}
        for cell, value in scope.final.items():
            cell.value = value
        try:
            yield scope
        finally:
            for cell, value in before.items():
                cell.value = value
            self.scope = outer

    def end_exchange(self) -> None:
        """Something else happens than stores into one list."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.end()

    def emit(
        self, op: str, *operands: Var, regions: tuple[Function, ...] = (), source: SourceLine | None = None, **attributes: Any
    ) -> Any:
        """Append an equation to the current scope, marked with the user's line."""
        if self.handlers and op in _FAILING and self.handlers[-1].may_fail(op, operands, attributes):
            return ()
        return self.append(op, *operands, regions=regions, source=source, **attributes)

    def append(
        self, op: str, *operands: Var, regions: tuple[Function, ...] = (), source: SourceLine | None = None, **attributes: Any
    ) -> Any:
        """The same for what no ``try`` around has anything to do with."""
        builder = self.scope.builder
        builder.source = source or user_line()
        for trial in self.trials:
            operands = trial.excuse(op, operands)
        return builder.emit(op, *(self.scope.resolve(v) for v in operands), regions=regions, **attributes)

    def may_raise(self, error: BaseException, holds: Callable[[], Any]) -> bool:
        """The program raises an error unless something holds; whether a ``try`` around sees to it, so that it is not to be raised."""
        for handler in reversed(self.handlers):
            if handler.catches(type(error)):
                return bool(handler.meets(error, holds))
        return False


_FAILING = frozenset(("check", "wrap_index", "lu_solve", "cholesky", "svd", "pinv"))
"""The ops that may raise errors."""

RESERVED = {*DTYPE_NAMES.values(), "inf", "nan", "min", "max", "True", "False", "None", "return", "guard", "fn"}


LEAKED = (
    "this value was made while jitgrad traced another function, or another call, and means nothing outside of it; return what "
    "is needed later rather than storing it in a global, an attribute or a list"
)


def active_trace() -> Trace:
    """The trace under way in this thread."""
    trace = current_trace()
    if trace is None:
        raise RuntimeError(LEAKED)
    return trace


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Make a trace the active one."""
    before = current_trace()
    STATE.trace = trace
    try:
        yield trace
    finally:
        STATE.trace = before


@functools.cache
def is_internal(filename: str) -> bool:
    """Whether a file belongs to jitgrad or NumPy rather than to the user."""
    return filename.startswith(_INTERNAL) and not filename.startswith(_FOLLOWED)


_FACE = os.path.join(PACKAGE, "jitgrad", "") if os.path.isdir(os.path.join(PACKAGE, "jitgrad")) else os.path.join(PACKAGE, "")
_FOLLOWED = tuple(_FACE + name for name in (f"nn{os.sep}", f"models{os.sep}", "random.py"))  # NumPy programs like the user's
_INTERNAL = (*INTERNAL, _FACE, "<__array_function__", "<jitgrad call>")


def user_line() -> SourceLine | None:
    """The innermost line of the user's program that is being run."""
    frame = user_frame()
    return None if frame is None else SourceLine(frame.f_code.co_filename, frame.f_lineno)


def user_frame() -> FrameType | None:
    """The innermost function of the user's program that is being run."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def line_of(error: Exception) -> SourceLine | None:
    """The innermost line of the user's program that an error came through, if it was raised."""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [SourceLine(frame.f_code.co_filename, line) for frame, line in frames if not is_internal(frame.f_code.co_filename)]
    return lines[-1] if lines else None


def array_type_text(type: ArrayType) -> str:
    """A type as users know it: ``float64[3, n]``."""
    return f"{type.dtype.name}[{', '.join(map(str, type.shape))}]"


from .mutation import undo  # noqa: E402  (it needs the classes above)
