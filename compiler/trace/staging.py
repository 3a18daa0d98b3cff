"""Loops and branches on traced values: a piece of the user's program becomes a region.

A block of the user's program is a function ``block(*state) -> state``, where the state is a tuple of the values of its
variables. It is run once on tracers. What it changes becomes what the loop carries or the branch returns: variables of the state
whose value after differs from before, and arrays that were written to. Which these are is found by running the block
until nothing new comes up; their dtypes are promoted on the way, as Python would promote them from one iteration to the
next.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..ir import ArrayType, Dim, Function, Var
from ..ir.types import BOOL, I64
from ..tree import Tree, flatten, map_leaves
from .broadcasting import broadcast_shapes, broadcast_to
from .context import Scope, active_trace, is_internal
from .elementwise import elementwise
from .mutation import MISSING, Change, confirmed, redo
from .promotion import as_tracer, convert, result_dtype
from .shaping import reshaped
from .tracer import Cell, Concretize, TracedSize, Tracer, as_dim, describe, new

State = tuple[Any, ...]
LAST = 2**63 - 1


class NotStaged(UnsupportedError):
    """A block that cannot become a region; a loop of known length is unrolled in its place."""


class Undefined:
    """The value of a variable that has none yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<no value for {self.name}>"


@dataclass(slots=True, eq=False)
class Perhaps:
    """The value of a variable that some ways through the program leave without one; ``bound`` says whether it has one."""

    name: str
    value: Any
    bound: Any

    def known(self) -> Any:
        """The value; where there is none, the program raises Python's error."""
        error = no_value(self.name)
        if self.bound is False:
            raise error
        if self.bound is not True:
            _emit_check(self.bound, error)
        return self.value


def no_value(name: str) -> UnboundLocalError:
    """The error for a variable that is read before it has a value, in Python's words."""
    return UnboundLocalError(f"cannot access local variable {name!r} where it is not associated with a value")


class Held:
    """A list or dict that a block changes in place: it stays the object that it is, and its items are tracked one by one."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing


class Holding:
    """Wraps the containers of a state that are changed in place, on the way into a staged block and out of it."""

    def __init__(self, state: State, names: Sequence[str], mutated: Sequence[str]) -> None:
        self.held = {
            k: Held(value) for k, (name, value) in enumerate(zip(names, state, strict=True))
            if name in mutated and isinstance(value, (list, dict, set))
        }  # fmt: skip

    def wrap(self, state: State) -> State:
        """The state as staging sees it."""
        return tuple(self.held[k] if k in self.held and value is self.held[k].thing else value for k, value in enumerate(state))

    def unwrap(self, state: State) -> State:
        """The state as the user's program sees it."""
        return tuple(value.thing if isinstance(value, Held) else value for value in state)

    def around(self, block: Callable[..., State]) -> Callable[..., State]:
        """A block from wrapped state to wrapped state."""
        return lambda *state: self.wrap(block(*self.unwrap(state)))


def truth(value: Any) -> Any:
    """The truth of a value: a Python bool, or a traced bool scalar."""
    if isinstance(value, TracedSize):
        return value != 0
    if not isinstance(value, Tracer):
        return bool(value)
    if value.type.rank:
        count = value.type.size
        if active_trace().sizing.decide(count, "==", 1) is not True:
            raise ValueError(
                f"the truth value of {describe(value)}, an array with more than one element, is ambiguous; "
                "use a.any() or a.all(), or np.where(test, a, b) to choose element by element"
            )
        value = new(reshaped(value, ()).value)
    return value if value.dtype == BOOL else elementwise("ne", value, 0)


@dataclass(slots=True)
class Slot:
    """One leaf of a state that a loop carries by value."""

    dtype: np.dtype
    shape: tuple[Dim, ...]
    weak: bool
    scalar: bool

    def type(self) -> ArrayType:
        return ArrayType(self.dtype, self.shape)


def is_number(leaf: Any) -> bool:
    """Whether a leaf of a state can be carried as an array."""
    return isinstance(leaf, (Tracer, TracedSize, bool, int, float, np.generic, np.ndarray))


def unchanged(before: Any, after: Any) -> bool:
    """Whether a leaf has kept its value."""
    if before is after:
        return True
    if isinstance(before, Tracer) or isinstance(after, Tracer):
        return isinstance(before, Tracer) and before.same_place(after) and not before.is_scalar
    if isinstance(before, TracedSize) and isinstance(after, TracedSize):
        return before.dim == after.dim
    if type(before) is not type(after) or isinstance(before, (np.ndarray, Undefined)):
        return isinstance(before, Undefined) and isinstance(after, Undefined)
    return bool(before == after)


def join(name: str, *leaves: Any) -> Slot:
    """The slot that holds each of several leaves: promoted, and broadcast where one is a scalar."""
    known = [leaf for leaf in leaves if not isinstance(leaf, Undefined)]
    odd = [leaf for leaf in known if not is_number(leaf)]
    if odd:
        raise NotStaged(
            f"the variable {_listed([name])} is {_kinds(leaves)}, depending on a value that is known only when the program runs; "
            "give it an array or a number in every case"
        )
    tracers = [as_tracer(leaf) for leaf in known]
    shape = (
        broadcast_shapes(tracers, f"the values of {name}")
        if len({t.type.shape for t in tracers}) > 1
        else tracers[0].type.shape
    )
    return Slot(result_dtype(*known), shape, all(t.weak for t in tracers), not shape and all(t.is_scalar for t in tracers))


def _kinds(leaves: Sequence[Any]) -> str:
    names = [("undefined" if isinstance(v, Undefined) else describe(v) if is_number(v) else repr(v)) for v in leaves]
    return " or ".join(dict.fromkeys(names))


def fill(slot: Slot, leaf: Any) -> Var:
    """A leaf as a variable of the slot's type; what has no value yet is zero."""
    if isinstance(leaf, Undefined):
        return active_trace().scope.builder.zeros(slot.type())
    return broadcast_to(convert(as_tracer(leaf), slot.dtype), slot.shape)


def unfill(slot: Slot, var: Var) -> Tracer:
    """A variable of a slot's type as the leaf that the user's program sees."""
    return new(var, weak=slot.weak, scalar=slot.scalar)


@dataclass(slots=True)
class Block:
    """What tracing a block gave: its scope and its outcome."""

    scope: Scope
    leaves: list[Any]
    tree: Tree


def run_block(scope: Scope, block: Callable[..., State], state: State) -> Block:
    """Run a block of the user's program in an open scope."""
    after = block(*state)
    leaves, tree = flatten(after)
    return Block(scope, leaves, tree)


# branches


def staged_if(
    test: Tracer, then: Callable[..., State], orelse: Callable[..., State], state: State, names: Sequence[str]
) -> State:
    """Both branches traced; the ``cond`` picks one when the program runs."""
    trace = active_trace()
    before, _ = flatten(state)
    blocks: list[Block] = []
    changes: list[Change] = []
    for branch, other in ((then, orelse), (orelse, then)):
        failure = None
        with trace.open_scope() as scope, snapshot(state):
            try:
                blocks.append(run_block(scope, branch, state))
            except Exception as error:
                if not _is_raised_by_user(error):
                    raise
                failure = error
        if failure is not None:  # a branch that raises becomes a check; the other one goes on
            _emit_check(test if branch is orelse else elementwise("not", test), failure)
            return other(*state)
        if scope.changes:
            with trace.open_scope() as again, snapshot(state):
                branch(*state)
            changes += [c for c in confirmed(scope.changes, again.changes) if c.name not in {d.name for d in changes}]
    if not changes:
        return merge_branches(test, blocks, before, names)
    _refuse_whole(changes)

    def with_changes(branch: Callable[..., State]) -> Callable[..., State]:
        return lambda *inner: (*branch(*inner[: len(state)]), *(_present(c) for c in changes))

    extended = (*state, *(_present(c) for c in changes))
    blocks = []
    for branch in (then, orelse):
        with trace.open_scope() as scope, snapshot(state):
            blocks.append(run_block(scope, with_changes(branch), extended))
    result = merge_branches(test, blocks, flatten(extended)[0], [*names, *(c.label for c in changes)])
    _make_changes(changes, result[len(state) :])
    return result[: len(state)]


_RAISED = (ValueError, IndexError, ZeroDivisionError, RuntimeError, AssertionError)


def _is_raised_by_user(error: Exception) -> bool:
    """Whether an exception comes from the user's own statement: a ``raise``, or an operation that fails whenever it is run."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or is_internal(last.tb_frame.f_code.co_filename) or isinstance(error, (UnsupportedError, RecursionError)):
        return False
    return isinstance(error, _RAISED) or last.tb_frame.f_code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _emit_check(test: Tracer, error: Exception) -> None:
    """Raise the exception when the program runs and the test fails; of the user's own class its builtin base."""
    kind = next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == "builtins")
    message = str(error.args[0]) if len(error.args) == 1 else str(error)
    active_trace().emit("check", test.value, kind=kind, message=message)


def _present(change: Change) -> Any:
    """The present value of what a change is about, as a variable's."""
    value = change.read()
    return Undefined(change.label) if value is MISSING else value


def _make_changes(changes: Sequence[Change], values: Sequence[Any]) -> None:
    for change, value in zip(changes, values, strict=True):
        if not isinstance(value, Undefined):
            redo(change, value)


def _refuse_whole(changes: Sequence[Change]) -> None:
    """A list that grows or shrinks has no place in a region."""
    for change in changes:
        if change.kind == "whole":
            raise NotStaged(
                f"a {type(change.thing).__name__} is changed in a loop or branch that depends on values known only when the program "
                "runs; make an array of the right size with np.empty and write to its elements"
            )


def merge_branches(test: Tracer, blocks: list[Block], before: list[Any], names: Sequence[str]) -> State:
    """Make the ``cond`` of two traced branches; returns the state after it."""
    first, second = _alike(blocks[0], blocks[1], names)
    if first.tree != second.tree:
        raise NotStaged(
            f"the branches of an if leave different structures in {_listed(names)}: {_drawn(first.tree)} and {_drawn(second.tree)}; give it the "
            "same structure of arrays and numbers in each"
        )
    label = leaf_names(first.tree, names)
    slots: dict[int, Slot] = {}
    for k, (a, b) in enumerate(zip(first.leaves, second.leaves, strict=True)):
        if _same_outcome(a, b, first.scope, second.scope):
            continue
        with active_trace().reopen(first.scope):
            slot_a = join(label[k], a) if not isinstance(a, Undefined) else None
        with active_trace().reopen(second.scope):
            slot_b = join(label[k], b) if not isinstance(b, Undefined) else None
        slots[k] = _merge_slots(label[k], slot_a, slot_b, a, b)
    cells = list(dict.fromkeys([*first.scope.final, *second.scope.final]))
    regions = []
    for block in (first, second):
        with active_trace().reopen(block.scope):
            outcome = [fill(slots[k], block.leaves[k]) for k in slots]
            outcome += [block.scope.resolve(cell.value) for cell in cells]
        regions.append((block.scope, outcome))
    outputs = emit_cond(test, regions)
    results: list[Any] = list(first.leaves)
    for (k, slot), var in zip(slots.items(), outputs, strict=False):
        results[k] = unfill(slot, var)
        mark_ambiguous(results[k], first.leaves[k], second.leaves[k])
    for cell, var in zip(cells, outputs[len(slots) :], strict=True):
        cell.assign(var)
    return first.tree.unflatten(results)


def _alike(first: Block, second: Block, names: Sequence[str]) -> tuple[Block, Block]:
    """Two outcomes in which a variable without a value has the structure that it has in the other."""
    states = [block.tree.unflatten(block.leaves) for block in (first, second)]
    for name, *values in zip(names, *states, strict=True):
        if not name.isidentifier() and sum(isinstance(value, Undefined) for value in values) == 1:
            raise NotStaged(
                f"{name} is set in one branch of an if only, on a value known when the program runs; set it before the if"
            )
    places = [k for k, name in enumerate(names) if is_perhaps(name, states[0][k], states[1][k])]
    if first.tree == second.tree and not places:
        return first, second
    one, other = (doubted(state, places, names) for state in states)
    matched = [with_structure(one, other), with_structure(other, one)]
    return tuple(Block(block.scope, *flatten(state)) for block, state in zip((first, second), matched, strict=True))  # type: ignore[return-value]


def is_perhaps(name: str, *values: Any) -> bool:
    """Whether a variable of the user's has a value on some of several ways only."""
    lacking = sum(isinstance(value, Undefined) for value in values)
    doubtful = any(isinstance(value, Perhaps) for value in values)
    return name.isidentifier() and not name.startswith("jg_") and (0 < lacking < len(values) or doubtful)


def doubted(state: State, places: Sequence[int], names: Sequence[str]) -> State:
    """A state whose variables at some places say whether they have a value."""
    return tuple(
        Perhaps(names[k], value, not isinstance(value, Undefined)) if k in places and not isinstance(value, Perhaps) else value
        for k, value in enumerate(state)
    )


def with_structure(state: State, other: State) -> State:
    """A state whose variables without a value are made of as many parts as in another state, none of which has one."""
    return tuple(_with_structure(a, b) for a, b in zip(state, other, strict=True))


def _with_structure(a: Any, b: Any) -> Any:
    if isinstance(a, Perhaps) and isinstance(b, Perhaps):
        return Perhaps(a.name, _with_structure(a.value, b.value), a.bound)
    return map_leaves(lambda _: Undefined(a.name), b) if isinstance(a, Undefined) else a


def _listed(names: Sequence[str]) -> str:
    """The names of variables in a message."""
    shown = ("what is returned" if name == "jg_result" else name for name in names if name != "jg_returned")
    return ", ".join(shown) or "their result"


def _drawn(tree: Tree) -> str:
    """A structure in a message: ``{'a': *}``."""
    return repr(tree.unflatten([_STAR] * tree.count))


_STAR = type("Star", (), {"__repr__": lambda self: "*"})()


def mark_ambiguous(result: Tracer, *sources: Any) -> None:
    """Remember that a value may be a caller's array: writes to it could not be told to reach the caller or not."""
    for source in sources:
        if isinstance(source, Tracer) and not source.is_scalar:
            result.cell.ambiguous = result.cell.ambiguous or source.cell.argument or source.cell.ambiguous


def _same_outcome(a: Any, b: Any, first: Scope, second: Scope) -> bool:
    """Whether two branches leave the same thing, which then needs no choice."""
    if isinstance(a, Tracer) and isinstance(b, Tracer):
        if a is b or a.same_place(b):
            owner = active_trace().owner[a.cell.value.name]
            return owner is not first and owner is not second
        return False
    return unchanged(a, b)


def _merge_slots(name: str, a: Slot | None, b: Slot | None, x: Any, y: Any) -> Slot:
    if a is None or b is None:
        slot = a or b
        assert slot is not None
        return slot
    dtype = _merge_dtypes(a, b)
    shape = a.shape
    if a.shape != b.shape:
        fake = [Tracer(Cell(Var("?", s.type()), active_trace().scope), s.type()) for s in (a, b)]
        shape = broadcast_shapes(fake, f"the values that the branches give {name}")
    return Slot(dtype, shape, a.weak and b.weak, a.scalar and b.scalar)


def _merge_dtypes(a: Slot, b: Slot) -> np.dtype:
    python = {"b": False, "i": 0, "f": 0.0}
    return (
        np.result_type(*(python[s.dtype.kind] if s.weak and s.dtype.kind != "b" else s.dtype for s in (a, b)))
        if not (a.weak and b.weak)
        else np.promote_types(a.dtype, b.dtype)
    )


def emit_cond(test: Tracer, regions: list[tuple[Scope, list[Var]]]) -> tuple[Var, ...]:
    """The ``cond`` equation; both regions take what either captured."""
    trace = active_trace()
    captured = list(dict.fromkeys(var for scope, _ in regions for var in scope.captured))
    functions = []
    for name, (scope, results) in zip(("then", "orelse"), regions, strict=True):
        parameters = tuple(scope.resolve(var) for var in captured)
        functions.append(close(scope, name, parameters, results))
    outputs = trace.emit("cond", truth(test).value, *captured, regions=tuple(functions))
    return outputs if isinstance(outputs, tuple) else (outputs,)


def close(scope: Scope, name: str, parameters: Sequence[Var], results: Sequence[Var]) -> Function:
    """The function that a scope has built."""
    return Function(name, tuple(parameters), tuple(scope.builder.equations), tuple(results))


def leaf_names(tree: Tree, names: Sequence[str]) -> list[str]:
    """The name of the variable that each leaf of a state belongs to."""
    return [
        names[path[0]] if path and isinstance(path[0], int) and path[0] < len(names) else "the result" for path in tree.paths()
    ]


class snapshot:
    """Undo what a block does to lists and dicts of the state, so that it can be run again."""

    def __init__(self, state: State) -> None:
        self.saved: list[tuple[Any, Any]] = []
        _remember(state, self.saved, set())

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        for thing, contents in self.saved:
            if isinstance(thing, list):
                thing[:] = contents
            elif isinstance(thing, dict):
                thing.clear()
                thing.update(contents)
            else:
                vars(thing).clear()
                vars(thing).update(contents)


def _remember(thing: Any, saved: list[tuple[Any, Any]], seen: set[int]) -> None:
    if id(thing) in seen or isinstance(thing, (Tracer, np.ndarray, str, int, float)):
        return
    seen.add(id(thing))
    if isinstance(thing, list):
        saved.append((thing, list(thing)))
        children: Sequence[Any] = thing
    elif isinstance(thing, dict):
        saved.append((thing, dict(thing)))
        children = list(thing.values())
    elif isinstance(thing, tuple):
        children = thing
    elif hasattr(thing, "__dict__") and not callable(thing) and not isinstance(thing, type):
        saved.append((thing, dict(vars(thing))))
        children = list(vars(thing).values())
    else:
        return
    for child in children:
        _remember(child, saved, seen)


# loops


@dataclass(slots=True)
class Bounds:
    """The index range of a loop: from start up to (down to, for a negative step) stop."""

    start: Any
    stop: Any
    step: int

    def tracer(self, index: Var) -> Tracer:
        """The loop's index in its body, as a size with bounds."""
        trace = active_trace()
        low, high = as_dim(self.start), as_dim(self.stop)
        if self.step > 0:
            bounds = (low, None if high is None else high - 1)
        else:
            bounds = (None if high is None else high + 1, low)
        size = trace.sizing.dynamic(index.name, *bounds)
        trace.emit("bind_size", index, symbol=str(size))
        return new(index, weak=True, dim=size)


def staged_loop(
    bounds: Bounds | None,
    body: Callable[..., State],
    state: State,
    names: Sequence[str],
    test: Callable[..., Any] | None,
    carried: Sequence[Change] = (),
) -> State:
    """A ``loop``: with bounds ``body(index, *state)``, without them ``body(*state)`` as long as the test holds."""
    before, tree = flatten(state)
    label = leaf_names(tree, names)
    slots: dict[int, Slot] = {}
    cells: list[Cell] = []
    previous: dict[Any, Change] = {}
    guards = active_trace().root.builder.guards
    known = len(guards)
    for _ in range(20):
        del guards[known:]  # what an attempt that is thrown away took for granted
        attempt = _attempt(bounds, body, state, before, tree, slots, cells, test, label)
        outcome = attempt.tree.unflatten(attempt.leaves)
        places = [k for k, name in enumerate(names) if _becomes_perhaps(name, state[k], outcome[k])]
        if places:
            return _loop_with_doubts(bounds, body, state, names, test, carried, places)
        if attempt.tree != tree:
            matched = with_structure(state, outcome)
            if flatten(matched)[1] != tree:
                return staged_loop(bounds, body, matched, names, test, carried)
            raise NotStaged(
                f"a loop changes the structure of {_listed(names)} from {_drawn(tree)} to {_drawn(attempt.tree)}; arrays whose size is known "
                "before the loop can be made with np.empty and written to"
            )
        known_changes = {change.name for change in carried}
        made = {name: change for name, change in attempt.body.changes.items() if name not in known_changes}
        changes = confirmed(made, previous)
        if changes:
            return _loop_with_changes(bounds, body, state, names, test, changes)
        grown = _grow(slots, cells, attempt, before, label) or (bool(made) and not previous)
        previous = made or previous
        if not grown:
            return _emit_loop(bounds, attempt, before, tree, slots, cells)
    raise NotStaged(f"the values of {_listed(names)} keep changing their type from one iteration to the next")


def _becomes_perhaps(name: str, before: Any, after: Any) -> bool:
    """Whether a loop that is not run leaves a variable without a value, or may do so."""
    return is_perhaps(name, before, after) and not (isinstance(before, Perhaps) and isinstance(after, Perhaps))


def _loop_with_doubts(
    bounds: Bounds | None, body: Callable[..., State], state: State, names: Sequence[str], test: Callable[..., Any] | None,
    carried: Sequence[Change], places: Sequence[int],
) -> State:  # fmt: skip
    """A loop after which some variables have a value only if it, or some part of it, was run."""
    always: dict[int, bool] = {}

    def doubting(*arguments: Any) -> State:
        outcome = doubted(body(*arguments), places, names)
        always.update((k, outcome[k].bound is True) for k in places)
        return outcome

    result = staged_loop(bounds, doubting, doubted(state, places, names), names, test, carried)
    if bounds is None or test is not None:
        return result
    first, last = (bounds.start, bounds.stop) if bounds.step > 0 else (bounds.stop, bounds.start)
    is_run = first < last if isinstance(first, int) and isinstance(last, int) else elementwise("lt", first, last)
    return tuple(_after(value, state[k], is_run) if always.get(k) else value for k, value in enumerate(result))


def _after(value: Perhaps, before: Any, is_run: Any) -> Any:
    """A variable to which each iteration of a loop gives a value."""
    if is_run is True:
        return value.value
    bound = before.bound if isinstance(before, Perhaps) else False
    return Perhaps(value.name, value.value, elementwise("or", bound, is_run) if isinstance(bound, Tracer) else bound or is_run)


def _loop_with_changes(
    bounds: Bounds | None, body: Callable[..., State], state: State, names: Sequence[str], test: Callable[..., Any] | None,
    changes: list[Change],
) -> State:  # fmt: skip
    """A loop whose body changes objects: their attributes and items are carried like variables."""
    _refuse_whole(changes)
    count = len(changes)

    def put_in_place(arguments: State) -> State:
        _make_changes(changes, arguments[-count:])
        return arguments[:-count]

    def changing(*arguments: Any) -> State:
        return (*body(*put_in_place(arguments)), *(_present(c) for c in changes))

    def testing(*arguments: Any) -> Any:
        assert test is not None
        return test(*put_in_place(arguments))

    extended = (*state, *(_present(c) for c in changes))
    labels = [*names, *(c.label for c in changes)]
    result = staged_loop(bounds, changing, extended, labels, testing if test is not None else None, changes)
    _make_changes(changes, result[-count:])
    return result[:-count]


@dataclass(slots=True)
class Attempt:
    """One tracing of a loop's body and test, for given carried values."""

    body: Scope
    index: Var
    parameters: list[Var]
    leaves: list[Any]
    inputs: list[Any]
    tree: Tree
    test: Scope | None
    test_parameters: list[Var]
    test_result: Var | None


def _attempt(
    bounds: Bounds | None, body: Callable[..., State], state: State, before: list[Any], tree: Tree,
    slots: dict[int, Slot], cells: list[Cell], test: Callable[..., Any] | None, label: list[str],
) -> Attempt:  # fmt: skip
    trace = active_trace()
    test_scope, test_result = None, None
    test_parameters: list[Var] = []
    if test is not None:
        with trace.open_scope() as test_scope:
            index = test_scope.builder.parameter(_counter(test_scope), ArrayType(I64))
            inputs, test_parameters = _enter(test_scope, before, slots, cells, label)
            if bounds is not None:
                bounds.tracer(index)
            test_parameters.insert(0, index)
            result = truth(test(*tree.unflatten(inputs)))
            test_result = test_scope.resolve(as_tracer(result).value)
    with trace.open_scope() as scope, snapshot(state):
        index = scope.builder.parameter(_counter(scope), ArrayType(I64))
        inputs, parameters = _enter(scope, before, slots, cells, label)
        arguments = tree.unflatten(inputs)
        if bounds is not None:
            arguments = (bounds.tracer(index), *arguments)
        outcome = run_block(scope, body, arguments)
        return Attempt(scope, index, parameters, outcome.leaves, inputs, outcome.tree,
                       test_scope, test_parameters, test_result)  # fmt: skip


def _counter(scope: Scope) -> str:
    """The name of a loop's index: i, in it j, and so on."""
    depth = -2
    outer: Scope | None = scope
    while outer is not None:
        outer, depth = outer.parent, depth + 1
    return "ijkl"[min(depth, 3)]


def _enter(
    scope: Scope, before: list[Any], slots: dict[int, Slot], cells: list[Cell], label: list[str]
) -> tuple[list[Any], list[Var]]:
    """Give a region its parameters for what is carried; returns the state's leaves as seen inside."""
    inputs = list(before)
    parameters = []
    for k, slot in slots.items():
        var = scope.builder.parameter(label[k] if label[k].isidentifier() else "s", slot.type())
        parameters.append(var)
        inputs[k] = unfill(slot, var)
    for cell in cells:
        type = cell.value.type
        scope.written[cell] = cell.value
        cell.value = scope.builder.parameter(cell.argument or "a", type)
        parameters.append(cell.value)
    return inputs, parameters


def _grow(slots: dict[int, Slot], cells: list[Cell], attempt: Attempt, before: list[Any], label: list[str]) -> bool:
    """Learn from an attempt what else must be carried, or in what type; returns whether there was anything."""
    grown = False
    for cell in attempt.body.final:
        if cell not in cells:
            cells.append(cell)
            grown = True
    with active_trace().reopen(attempt.body):
        for k, (source, after) in enumerate(zip(attempt.inputs, attempt.leaves, strict=True)):
            if k not in slots and unchanged(source, after):
                continue
            if isinstance(after, Undefined):
                continue
            own = attempt.inputs[k] if k in slots else before[k]
            slot = join(label[k], own, after)
            _check_sizes(slot, attempt.body, label[k])
            if slots.get(k) != slot:
                slots[k] = slot
                grown = True
    return grown


def _check_sizes(slot: Slot, body: Scope, name: str) -> None:
    """Refuse a carried array whose size is made in the loop."""
    made = {e["symbol"] for e in body.builder.equations if e.get("symbol") is not None}
    if slot.type().symbols() & made:
        raise NotStaged(
            f"the size of {name} changes from one iteration to the next ({slot.type()}); make it as large as it becomes and "
            "write to slices of it"
        )


def _emit_loop(
    bounds: Bounds | None, attempt: Attempt, before: list[Any], tree: Tree, slots: dict[int, Slot], cells: list[Cell]
) -> State:
    trace = active_trace()
    with active_trace().reopen(attempt.body):
        results = [fill(slots[k], attempt.leaves[k]) for k in slots]
        results += [attempt.body.resolve(cell.value) for cell in cells]
        _refuse_lost_writes(attempt, before, slots)
    initial = [trace.scope.resolve(fill(slots[k], before[k])) for k in slots]
    initial += [trace.scope.resolve(cell.value) for cell in cells]
    scopes = [attempt.body] + ([attempt.test] if attempt.test is not None else [])
    captured = list(dict.fromkeys(var for scope in scopes for var in scope.captured))
    constants = [attempt.body.resolve(var) for var in captured]
    regions = [close(attempt.body, "body", (attempt.index, *constants, *attempt.parameters), results)]
    if attempt.test is not None:
        assert attempt.test_result is not None
        own = [attempt.test.resolve(var) for var in captured]
        index, *carried = attempt.test_parameters
        regions.append(close(attempt.test, "test", (index, *own, *carried), [attempt.test_result]))
    start, stop, step = _limits(bounds)
    outputs = trace.emit("loop", start, stop, *captured, *initial, regions=tuple(regions), step=step, consts=len(captured))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    if attempt.test is not None:
        outputs = outputs[1:]
    leaves: list[Any] = list(before)
    for (k, slot), var in zip(slots.items(), outputs, strict=False):
        leaves[k] = unfill(slot, var)
        mark_ambiguous(leaves[k], before[k])
    for cell, var in zip(cells, outputs[len(slots) :], strict=True):
        cell.assign(var)
    return tree.unflatten(leaves)


def _refuse_lost_writes(attempt: Attempt, before: list[Any], slots: dict[int, Slot]) -> None:
    """A name that is rebound in a loop is carried by value; writes through it would not reach the caller's array."""
    for n, k in enumerate(slots):
        source, inside = before[k], attempt.inputs[k]
        is_argument = isinstance(source, Tracer) and not source.is_scalar and source.cell.argument
        if is_argument and inside.cell.value is not attempt.parameters[n]:
            raise UnsupportedError(
                f"{describe(source)} is written to in a loop that also gives its name another value; write to a copy: "
                f"{source.cell.argument} = {source.cell.argument}.copy() before the loop"
            )


def _limits(bounds: Bounds | None) -> tuple[Var, Var, int]:
    if bounds is None:
        return as_tracer(0).value, as_tracer(LAST).value, 1
    start, stop = (convert(as_tracer(v), I64).value for v in (bounds.start, bounds.stop))
    return start, stop, bounds.step


__all__ = ["Bounds", "Concretize", "NotStaged", "Perhaps", "Undefined", "snapshot", "staged_if", "staged_loop", "truth"]
