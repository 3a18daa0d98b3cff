"""Loops on traced values: the body is traced until nothing new comes up that it changes, and becomes the region of a ``loop``.

The dtypes of what the loop carries are promoted on the way, as Python would promote them from one iteration to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UnsupportedError
from ..ir import ArrayType, Var
from ..ir.types import I64
from ..tree import Tree, flatten
from .aliasing import Cells, Kinship, adopt, check_iterations, kin_in_loop
from .blocks import (
    NotStaged,
    Slot,
    array_cell,
    close,
    different,
    fill,
    join,
    leaf_names,
    listed,
    made_in,
    make_changes,
    run_block,
    snapshot,
    truth,
    unchanged,
    unfill,
)
from .broadcasting import is_smaller
from .cells import Cell
from .context import Scope, active_trace
from .elementwise import elementwise
from .identity import Containers, after_loop, apply_inside, containers_in, kin_of_loop, listed_in, note, note_all_listed
from .lessons import Carried, Changes, Doubted, learn, recall
from .maybe import all_seen, matched
from .mutation import MISSING, Change, outdated_by, outer_changes, own_changes, redo, spoil_again
from .one_of import differ
from .outdated import Outdated
from .promotion import as_tracer, convert
from .relisting import listed_alike, refuse_grown, refuse_whole
from .rewrite.nodes import RESULT
from .situations import Situation
from .tracer import TracedSize, Tracer, as_dim, new
from .unbound import Perhaps, State, Undefined, as_variable, doubted, is_perhaps, is_users, take_perhaps, with_structure

LAST = 2**63 - 1


class EffectsOfTest(UnsupportedError):
    """The test of a loop changes variables, objects or arrays, so that it cannot be run apart from the body."""

    def __init__(self) -> None:
        super().__init__("the test of a loop changes a variable, an object or an array; change it in the loop's body")


@dataclass(slots=True)
class Bounds:
    """The index range of a loop: from start up to (down to, for a negative step) stop."""

    start: Any
    stop: Any
    step: int

    def are_apart(self) -> Any:
        """Whether the range has any index: a bool, or a traced one."""
        first, last = (self.start, self.stop) if self.step > 0 else (self.stop, self.start)
        of_shapes = isinstance(first, (int, TracedSize)) and isinstance(last, (int, TracedSize))
        return first < last if of_shapes else elementwise("lt", first, last)

    def tracer(self, index: Var, name: str = "") -> Tracer:
        """The loop's index in its body, as a size with bounds, which has the name of the variable unless one is given."""
        trace = active_trace()
        low, high = as_dim(self.start), as_dim(self.stop)
        if self.step > 0:
            bounds = (low, None if high is None else high - 1)
        else:
            bounds = (None if high is None else high + 1, low)
        size = trace.sizing.dynamic(name or index.name, *bounds)
        trace.emit("bind_size", index, symbol=str(size))
        return new(index, weak=True, dim=size)

    def after(self, trips: Any) -> Tracer:
        """The index after so many iterations, where there is one more."""
        return self.tracer(convert(as_tracer(self.start + trips * self.step), I64).value, "index")


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop to be traced: with bounds ``body(index, *state)``, without them ``body(*state)`` as long as the test holds."""

    bounds: Bounds | None
    body: Callable[..., State]
    state: State
    names: Sequence[str]
    test: Callable[..., Any] | None
    carried: tuple[Change, ...] = ()  # the changes of objects that are in the state


def staged_loop(
    bounds: Bounds | None, body: Callable[..., State], state: State, names: Sequence[str], test: Callable[..., Any] | None
) -> State:
    """Trace a loop of the user's program and emit the ``loop``; returns the state after it."""
    return _stage(Loop(bounds, body, state, names, test), {}, [])


def _stage(loop: Loop, slots: dict[int, Slot], cells: list[Cell]) -> State:
    """Trace a loop anew until nothing is found to be carried, or to change its type, that was not known before.

    ``slots`` and ``cells`` are what is known to be carried; they grow. Where an iteration starts, what the function returns is no array
    yet, for a loop that returns is left.
    """
    names, state = loop.names, loop.state
    lacking = [k for k, name in enumerate(names) if isinstance(state[k], Undefined) and is_users(name)]
    if lacking:
        return _with_doubts(loop, lacking)
    situation = Situation("carried", loop.bounds, loop.body, state, loop.test)
    situation.note_objects()
    lesson = recall(situation)
    kinship: tuple[Kinship, Kinship] | None = None
    match lesson:
        case Doubted(doubtful):
            return _with_doubts(loop, doubtful)
        case Changes(changes):
            return _with_changes(loop, changes, slots, cells)
        case Carried(known_slots, known_cells, kinship):
            slots.clear()
            slots.update(known_slots)
            cells[:] = known_cells
    before, tree = flatten(state)
    label = leaf_names(tree, names)
    carried = {change.name for change in loop.carried}
    unsure = lesson is not None
    outdated: dict[Any, Change] = {}
    held: set[Any] = set()  # lists that are items of others, in arrays
    guards = active_trace().root.builder.guards
    known = len(guards)
    for _ in range(20):
        del guards[known:]  # what an attempt that is thrown away took for granted
        attempt = _attempt(loop, before, tree, slots, cells, label, kinship, outdated, held)
        _refuse_effects_of_test(attempt, carried | outdated.keys(), cells)
        outcome = attempt.tree.unflatten(attempt.leaves)
        places = [k for k, name in enumerate(names) if _becomes_perhaps(name, state[k], outcome[k])]
        if places:
            learn(situation, Doubted(tuple(places)))
            return _with_doubts(loop, places)
        if attempt.tree != tree or differ(attempt.leaves, before):
            may_be_none = matched(state, outcome)
            if flatten(may_be_none)[1] != tree or flatten(matched(outcome, may_be_none))[1] == tree != attempt.tree:
                return _with_none(loop, may_be_none)
        if attempt.tree != tree:
            alike = listed_alike(with_structure(state, outcome), outcome)
            if flatten(alike)[1] != tree:
                return _stage(replace(loop, state=alike), {}, [])
            raise NotStaged(f"a loop changes the structure of {different(names, state, outcome)}")
        outer = outer_changes(attempt.body)
        changes = tuple(change for change in outer if change.name not in carried)
        if changes:
            refuse_whole(changes, attempt.body)
            learn(situation, Changes(changes))
            return _with_changes(loop, changes, slots, cells, attempt)
        earlier = dict(slots)
        grown = _grow(slots, cells, attempt, before, label)
        found = outdated_by(attempt.body)
        again = not unsure and (attempt.unknown or bool(own_changes(attempt.body)))  # of new objects the next attempt tells
        unsure = unsure or again
        again = again or found.keys() != outdated.keys()
        outdated |= found
        again = again or not listed_in(attempt.containers) <= held
        held |= listed_in(attempt.containers)
        known_kinship, kinship = kinship, _kinship(loop, attempt, before, slots)
        again = again or (kinship != known_kinship and attempt.writes(slots))
        if not grown and not again:
            if lesson is None and not outdated:
                learn(situation, Carried(dict(slots), tuple(cells), kinship))
            return _emit_loop(loop, attempt, before, tree, slots, cells, kinship)
    changing = [label[k] for k in slots if k in earlier and slots[k] != earlier[k]]
    raise NotStaged(
        f"{listed(changing or names)} has another dtype or number of axes after each iteration of a loop; give it one that it keeps"
    )


def _with_none(loop: Loop, state: State) -> State:
    """A loop of which some variables are None on some ways; ``state`` has them before it."""
    test = loop.test

    def body(*arguments: Any) -> State:
        return tuple(matched(value, like) for value, like in zip(loop.body(*all_seen(arguments)), state, strict=True))

    outcome = _stage(
        replace(loop, state=state, body=body, test=None if test is None else lambda *arguments: test(*all_seen(arguments))),
        {},
        [],
    )
    return all_seen(outcome)


def _becomes_perhaps(name: str, before: Any, after: Any) -> bool:
    """Whether a loop that is not run leaves a variable without a value, or may do so."""
    return is_perhaps(name, before, after) and not (isinstance(before, Perhaps) and isinstance(after, Perhaps))


def _with_doubts(loop: Loop, places: Sequence[int]) -> State:
    """A loop after which some variables have a value only if it, or some part of it, was run."""
    always: dict[int, bool] = {}

    def doubting(*arguments: Any) -> State:
        outcome = doubted(loop.body(*arguments), places, loop.names)
        always.update((k, outcome[k].bound is True) for k in places)
        return outcome

    result = _stage(replace(loop, body=doubting, state=doubted(loop.state, places, loop.names)), {}, [])
    if loop.bounds is None or loop.test is not None:
        return result
    is_run = loop.bounds.are_apart()
    return tuple(_after(value, loop.state[k], is_run) if always.get(k) else value for k, value in enumerate(result))


def _after(value: Perhaps, before: Any, is_run: Any) -> Any:
    """A variable to which each iteration of a loop gives a value."""
    if is_run is True:
        return value.value
    bound = before.bound if isinstance(before, Perhaps) else False
    return Perhaps(value.name, value.value, elementwise("or", bound, is_run) if isinstance(bound, Tracer) else bound or is_run)


def _refuse_effects_of_test(attempt: Attempt, carried: set[Any], cells: list[Cell]) -> None:
    test = attempt.test
    if test is None:
        return
    given = dict(zip(cells, attempt.test_parameters[len(attempt.test_parameters) - len(cells) :], strict=True))
    writes = any(given.get(cell) is not value for cell, value in test.final.items())
    prints = any(inner.op == "print" for equation in test.builder.equations for inner in equation.walk())
    if writes or prints or test.changes.keys() - carried:
        raise EffectsOfTest


def _with_changes(
    loop: Loop, changes: tuple[Change, ...], slots: dict[int, Slot], cells: list[Cell], attempt: Attempt | None = None
) -> State:  # fmt: skip
    """A loop whose body changes objects: their attributes and items are carried like variables; it may be known from an attempt, in what types."""
    found, changes = changes, tuple(Change(c.thing, c.kind, c.key, MISSING) for c in changes)
    count = len(changes)

    spoiled: set[Any] = set()  # of these places that are outdated when the body ends

    def put_in_place(arguments: State) -> State:
        for change, value in zip(changes, arguments[-count:], strict=True):
            if not isinstance(change.read(), Outdated):
                make_changes([change], [value])
        return arguments[:-count]

    def changing(*arguments: Any) -> State:
        outcome = loop.body(*put_in_place(arguments))
        spoiled.update(c.name for c in changes if isinstance(c.read(), Outdated))
        given = zip(changes, arguments[-count:], strict=True)
        return (*outcome, *(value if c.name in spoiled else take_perhaps(c) for c, value in given))

    def testing(*arguments: Any) -> Any:
        assert loop.test is not None
        inner = put_in_place(arguments)
        before = [c.read() for c in changes]
        result = loop.test(*inner)
        if any(c.read() is not value for c, value in zip(changes, before, strict=True)):
            raise EffectsOfTest
        return result

    extended = Loop(
        loop.bounds,
        changing,
        (*loop.state, *(take_perhaps(c) for c in changes)),
        (*loop.names, *(c.label for c in changes)),
        testing if loop.test is not None else None,
        (*loop.carried, *changes),
    )
    if attempt is not None:
        _grow_by_changes(slots, cells, attempt, extended, found)
    result = _stage(extended, slots, cells)
    for change, value in zip(changes, result[-count:], strict=True):
        if change.name not in spoiled:
            make_changes([change], [value])
    return result[:-count]


def _grow_by_changes(
    slots: dict[int, Slot], cells: list[Cell], attempt: Attempt, extended: Loop, changes: Sequence[Change]
) -> None:
    """Learn what must be carried from an attempt of a loop that did not carry changes of objects."""
    before, tree = flatten(extended.state)
    with active_trace().reopen(attempt.body):
        leaves, after = flatten((*attempt.tree.unflatten(attempt.leaves), *(as_variable(c, c.after) for c in changes)))
    if after == tree:
        attempt.inputs += before[len(attempt.inputs) :]
        attempt.leaves = leaves
        _grow(slots, cells, attempt, before, leaf_names(tree, extended.names))


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
    given: Containers  # those that the body is given
    containers: Containers  # and those that it leaves
    unknown: bool  # whether some of these were not seen before

    def writes(self, slots: Iterable[int]) -> bool:
        """Whether an array or container that was made outside of the body may be written to in it."""
        inputs = [self.inputs[k] for k in slots]
        return bool(self.body.final or (self.given and self.body.changes)) or any(
            x.cell.value is not p for x, p in zip(inputs, self.parameters, strict=False)
        )


def _kinship(
    loop: Loop, attempt: Attempt, before: list[Any], slots: dict[int, Slot]
) -> tuple[Kinship, Kinship]:  # fmt: skip
    """Which arrays that the loop carries may be the same, and which containers, as an attempt shows it."""

    def cells(leaves: list[Any]) -> Cells:
        return [array_cell(leaf) if k in slots else None for k, leaf in enumerate(leaves)]

    arrays = kin_in_loop(cells(before), cells(attempt.inputs), cells(attempt.leaves))
    return arrays, kin_of_loop(containers_in(loop.state), attempt.given, attempt.containers, attempt.body)


def _attempt(
    loop: Loop, before: list[Any], tree: Tree, slots: dict[int, Slot], cells: list[Cell], label: list[str],
    kinship: tuple[Kinship, Kinship] | None, outdated: dict[Any, Change], held: set[Any],
) -> Attempt:  # fmt: skip
    trace = active_trace()
    bounds, test = loop.bounds, loop.test
    test_scope, test_result = None, None
    test_parameters: list[Var] = []
    if test is not None:
        with trace.open_scope() as test_scope:
            test_scope.is_repeated = True
            index = test_scope.builder.parameter(_counter(test_scope), ArrayType(I64))
            inputs, test_parameters = _enter(test_scope, before, slots, cells, label)
            if bounds is not None:
                bounds.tracer(index)
            test_parameters.insert(0, index)
            _put_outdated(outdated)
            result = truth(test(*tree.unflatten(inputs)))
            test_result = test_scope.resolve(as_tracer(result).value)
    around = containers_in(loop.state)
    note(around)
    with snapshot(loop.state, loop.body), trace.open_scope() as scope:
        scope.is_repeated = True
        index = scope.builder.parameter(_counter(scope), ArrayType(I64))
        inputs, parameters = _enter(scope, before, slots, cells, label)
        if kinship is not None:
            kinship[0].apply([array_cell(leaf) if k in slots and label[k] != RESULT else None for k, leaf in enumerate(inputs)])
        arguments = tree.unflatten(inputs)
        given = containers_in(arguments)
        apply_inside(None if kinship is None else kinship[1], around, given)
        note_all_listed(held | listed_in(around), given)
        _put_outdated(outdated)
        if bounds is not None:
            arguments = (bounds.tracer(index), *arguments)
        outcome = run_block(scope, loop.body, arguments)
        unknown = note(outcome.containers)
    refuse_grown(loop.state, arguments[len(arguments) - len(loop.state) :], scope)
    return Attempt(scope, index, parameters, outcome.leaves, inputs, outcome.tree,
                   test_scope, test_parameters, test_result, given, outcome.containers, unknown)  # fmt: skip


def _put_outdated(outdated: dict[Any, Change]) -> None:
    """Leave outdated what an iteration before has."""
    for change in outdated.values():
        redo(change, change.after)


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
        cell.remember(scope)
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
            if isinstance(after, Tracer):
                _check_size(after, attempt.body, label[k])
            slot = join(label[k], own, after)
            if slots.get(k) != slot:
                slots[k] = slot
                grown = True
    return grown


def _check_size(after: Tracer, body: Scope, name: str) -> None:
    """Refuse a carried array whose size is made in the loop."""
    if after.type.symbols() & made_in(body):
        raise NotStaged(
            f"the size of {name} changes from one iteration to the next ({after.type}); make it as large as it becomes and "
            "write to slices of it; a list can become longer and shorter itself, by append, extend, insert, pop and del"
        )


def _emit_loop(
    loop: Loop, attempt: Attempt, before: list[Any], tree: Tree, slots: dict[int, Slot], cells: list[Cell],
    kinship: tuple[Kinship, Kinship],
) -> State:  # fmt: skip
    trace = active_trace()
    with active_trace().reopen(attempt.body):
        results = [fill(slots[k], attempt.leaves[k]) for k in slots]
        results += [attempt.body.resolve(cell.value) for cell in cells]
        last = {k: as_tracer(attempt.leaves[k]) for k in slots}
    initial = [trace.scope.resolve(fill(slots[k], before[k])) for k in slots]
    initial += [trace.scope.resolve(cell.value) for cell in cells]
    scopes = [attempt.body] + ([attempt.test] if attempt.test is not None else [])
    check_iterations(attempt.body, scopes)
    for scope in scopes:
        adopt(scope)
        spoil_again(scope)
    captured = list(dict.fromkeys(var for scope in scopes for var in scope.captured))
    constants = [attempt.body.resolve(var) for var in captured]
    regions = [close(attempt.body, "body", (attempt.index, *constants, *attempt.parameters), results)]
    if attempt.test is not None:
        assert attempt.test_result is not None
        own = [attempt.test.resolve(var) for var in captured]
        index, *carried = attempt.test_parameters
        regions.append(close(attempt.test, "test", (index, *own, *carried), [attempt.test_result]))
    start, stop, step = _limits(loop.bounds)
    outputs = trace.emit("loop", start, stop, *captured, *initial, regions=tuple(regions), step=step, consts=len(captured))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    if attempt.test is not None:
        outputs = outputs[1:]
    leaves: list[Any] = list(before)
    for (k, slot), var in zip(slots.items(), outputs, strict=False):
        if not last[k].cell.stretched and not is_smaller(last[k].type.shape, slot.shape):
            slot = replace(slot, stretched="")  # where the loop is not run, a number stands for an array of it
        leaves[k] = unfill(slot, var)
    for cell, var in zip(cells, outputs[len(slots) :], strict=True):
        cell.assign(var)
    kinship[0].apply([array_cell(leaf) if k in slots else None for k, leaf in enumerate(leaves)])
    changed = [tree.paths()[k] for k in slots]
    return after_loop(tree.unflatten(leaves), kinship[1], containers_in(loop.state), attempt.given, attempt.containers, changed)


def _limits(bounds: Bounds | None) -> tuple[Var, Var, int]:
    if bounds is None:
        return as_tracer(0).value, as_tracer(LAST).value, 1
    start, stop = (convert(as_tracer(v), I64).value for v in (bounds.start, bounds.stop))
    return start, stop, bounds.step
