"""Branches on traced values: both are traced, and a ``cond`` picks one of them when the program runs."""

from __future__ import annotations

import dis
import os
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DTypeError, LoweringError, UnsupportedError, VerifyError
from ..ir import Var
from ..ops import OPS
from ..tree import flatten
from .aliasing import adopt, kin_of_branches
from .blocks import (
    Block,
    NotStaged,
    Slot,
    array_cell,
    close,
    common_shape,
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
from .chosen import Choice, Ways, choice_of, way_of
from .context import Scope, active_trace, is_internal
from .elementwise import elementwise
from .identity import Path, after_branch, containers_in
from .lessons import learn, recall
from .maybe import all_seen, matched, path_in
from .mutation import Change, note_seen, outer_changes, own_changes, spoil_again
from .needed import note_needed
from .one_of import OneOf, differ
from .outdated import Unkept
from .promotion import as_tracer, promoted
from .relisting import refuse_grown, refuse_whole
from .rewrite import is_rewritten_code
from .rooms import Room, room_for
from .situations import Situation
from .texts import Text
from .tracer import Tracer
from .unbound import Perhaps, State, Undefined, as_variable, doubted, emit_check, is_perhaps, message_of, with_structure


def staged_if(
    test: Tracer, then: Callable[..., State], orelse: Callable[..., State], state: State, names: Sequence[str]
) -> State:
    """Both branches traced; the ``cond`` picks one when the program runs."""
    blocks: list[Block] = []
    for branch, other in ((then, orelse), (orelse, then)):
        block = _run_branch(branch, state, (test.value, branch is then))
        if isinstance(block, Raised):
            block.emit(test, branch is then)
            return other(*state)
        blocks.append(block)
    for block in blocks:
        refuse_grown(state, state, block.scope)
    changes = list({change.name: change for block in blocks for change in outer_changes(block.scope)}.values())
    if not changes:
        return merge_branches(test, blocks, names)
    refuse_whole(changes, *(block.scope for block in blocks))
    result = merge_branches(test, [_with_changes(block, changes) for block in blocks], [*names, *(c.label for c in changes)])
    make_changes(changes, result[-len(changes) :])
    return result[: -len(changes)]


@dataclass(frozen=True, slots=True)
class Raised:
    """A branch that raises an exception, and its scope."""

    scope: Scope
    error: Exception

    def emit(self, test: Tracer, is_then: bool) -> None:
        """Raise it when the program runs, where the test chooses the branch; the other branch goes on."""
        is_known = not isinstance(message_of(self.error), Text) and not any(isinstance(v, OneOf) for v in self.error.args)
        if is_known and not any(OPS[e.op].effect for e in self.scope.builder.equations):
            emit_check(elementwise("not", test) if is_then else test, self.error)
            return
        trace = active_trace()
        with trace.reopen(self.scope):
            emit_check(as_tracer(False), self.error)
        with trace.open_scope() as other:
            pass
        regions: list[tuple[Scope, list[Var]]] = [(self.scope, []), (other, [])]
        emit_cond(test, regions if is_then else regions[::-1])


def _run_branch(branch: Callable[..., State], state: State, fact: tuple[Var, bool]) -> Block | Raised:
    """Trace a branch; again, if it changes objects that have not been seen before, to tell its own from others, where that is not known."""
    trace = active_trace()
    pushed = [(thing, thing.pushed) for thing in trace.growing]  # which a run that is not kept leaves as it was
    situation: Situation | None = None
    for thing in trace.growing:
        note_seen(thing)
        note_seen(thing.front)
    for _ in range(2):
        for thing, before in pushed:
            thing.pushed = before
        try:
            with snapshot(state, branch), trace.open_scope() as scope:
                scope.fact = fact
                block = run_block(scope, branch, state)
        except Exception as error:
            if not is_raised_by_user(error):
                for thing, before in pushed:
                    thing.pushed = before
                raise refused_in_region(error) from None
            return Raised(scope, error)
        if situation is not None:
            learn(situation, OWN)
            break
        own = own_changes(scope)
        if not own:
            break
        situation = Situation("branch", branch, state)
        if recall(situation) == OWN and not any(situation.has(change.thing) for change in own):
            break
    return block


def _with_changes(block: Block, changes: Sequence[Change]) -> Block:
    """A branch whose state has the places that it or the other branch changes as further variables."""
    made = block.scope.changes
    count = len(block.tree.unflatten(block.leaves))
    with active_trace().reopen(block.scope):
        values = [as_variable(c, made[c.name].left if c.name in made else c.read()) for c in changes]
        left = [as_variable(c, made[c.name].after if c.name in made else c.read()) for c in changes]
    containers = {(count + path[0], *path[1:]): thing for path, thing in containers_in(tuple(left)).items()}
    return Block(block.scope, *flatten((*block.tree.unflatten(block.leaves), *values)), {**block.containers, **containers})


OWN = "own"
"""What is learned of a branch: that what it changes, and was not seen before, is its own."""

_RAISED = (ValueError, LookupError, ZeroDivisionError, RuntimeError, AssertionError, NameError)
_REFUSED = (ValueError, LookupError, ZeroDivisionError, DTypeError)
"""What ``raise`` statements of this package refuse as NumPy does."""


_HERE = os.path.join(os.path.dirname(__file__), "")


def _modules(*names: str) -> tuple[str, ...]:
    return tuple(f"{_HERE}{name}.py" for name in names)


_READING = _modules(
    "arithmetic", "attributes", "calls", "comprehending", "control", "indexing", "iterables", "linalg", "list_methods", "one_of",
    "operators", "promotion", "python_folds", "python_functions", "python_math", "python_numbers", "reductions", "trying", "unbound", "views",
)  # fmt: skip
"""What these do for the user fails as it does in Python and NumPy."""

_LIMITING = _modules("dtypes", "promotion")  # to what jitgrad knows of NumPy


def is_raised_by_user(error: Exception) -> bool:
    """Whether an exception comes from the user's own statement: a ``raise``, or an operation that fails whenever it is run."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or isinstance(error, (UnsupportedError, RecursionError, VerifyError, LoweringError)):
        return False
    code = last.tb_frame.f_code
    is_raise = code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    if not is_internal(code.co_filename) or is_rewritten_code(code):
        if is_raise:
            return True
    elif is_raise and code.co_filename.startswith(_HERE) and isinstance(error, _REFUSED):
        return not (isinstance(error, DTypeError) and code.co_filename in _LIMITING)
    elif code.co_filename not in _READING:
        return False
    if isinstance(error, AttributeError):
        return error.obj is None or (hasattr(error.obj, "__dict__") and not isinstance(error.obj, (type, types.ModuleType)))
    if isinstance(error, TypeError):  # others may be due to what stands for a value while it is traced
        return "None" in str(error)
    return isinstance(error, _RAISED)


def refused_in_region(error: Exception) -> Exception:
    """An exception that was raised while a branch or loop was traced, which no handler around may catch: only the run tells whether it gets there."""
    trace = active_trace()
    is_thrown = any(attempt.thrown is error for attempt in trace.attempts)  # where the run is known to come to it
    if is_thrown or isinstance(error, UnsupportedError) or not any(handler.catches(type(error)) for handler in trace.handlers):
        return error
    return UnsupportedError(
        f"whether this is done, which jitgrad refuses, is known only when the program runs, and a try statement around would catch it: {error}"
    )


def merge_branches(test: Tracer, blocks: list[Block], names: Sequence[str]) -> State:
    """Make the ``cond`` of two traced branches; returns the state after it."""
    first, second = _alike(blocks[0], blocks[1], names)
    if first.tree != second.tree:
        one, other = (block.tree.unflatten(block.leaves) for block in (first, second))
        raise NotStaged(f"the branches of an if leave different structures in {different(names, one, other)}")
    label = leaf_names(first.tree, names)
    slots: dict[int, Slot] = {}
    rooms: dict[int, Room] = {}
    choices: dict[int, Choice] = {}
    unknowns: dict[int, Unkept] = {}
    for k, (a, b) in enumerate(zip(first.leaves, second.leaves, strict=True)):
        if _same_outcome(a, b, first.scope, second.scope):
            continue
        choice = choice_of(a, b, (first.scope, second.scope))
        if choice is not None:
            choices[k] = choice
            continue
        unknown = _unknown(label[k], a, b)
        if unknown is not None:
            unknowns[k] = unknown
            continue
        with active_trace().reopen(first.scope):
            slot_a = join(label[k], a) if not isinstance(a, Undefined) else None
        with active_trace().reopen(second.scope):
            slot_b = join(label[k], b) if not isinstance(b, Undefined) else None
        room = room_for(slot_a, slot_b, (first.scope, second.scope))
        if room is not None:
            slots[k], rooms[k] = room.slot, room
            continue
        for slot, scope in ((slot_a, first.scope), (slot_b, second.scope)):
            _check_size(slot, scope, label[k])
        slots[k] = _merge_slots(label[k], slot_a, slot_b, a, b)
        if slots[k].stretched:
            note_needed(test.cell.value)  # should it matter which of two shapes it has
    written = {
        k: [way_of(block.leaves[k], block.scope) for block in (first, second)]
        for k, slot in slots.items()
        if k not in rooms and _are_arrays(slot, [block.leaves[k] for block in (first, second)])
    }
    ways = [
        (block, way) for pair in written.values() for block, way in zip((first, second), pair, strict=True) if way is not None
    ]
    cells = list(dict.fromkeys([*first.scope.final, *second.scope.final]))
    regions = []
    for block in (first, second):
        with active_trace().reopen(block.scope):
            outcome = [rooms[k].fill(block.leaves[k]) if k in rooms else fill(slots[k], block.leaves[k]) for k in slots]
            outcome += [block.scope.resolve(cell.value) for cell in cells]
            outcome += [size for k, room in rooms.items() for size in room.sizes(block.leaves[k])]
            outcome += [block.scope.resolve(place) for k, choice in choices.items() for place in choice.places(block.leaves[k])]
            for owner, way in ways:
                outcome += way.places(way.one) if owner is block else [as_tracer(0).value for _ in way.axes]
        regions.append((block.scope, outcome))
    outputs = emit_cond(test, regions)
    for block in (first, second):
        adopt(block.scope)
        spoil_again(block.scope)
    results: list[Any] = list(first.leaves)
    sizes = list(outputs[len(slots) + len(cells) :])
    for (k, slot), var in zip(slots.items(), outputs, strict=False):
        if k in rooms:
            count = len(rooms[k].axes)
            results[k], sizes = rooms[k].unfill(var, sizes[:count]), sizes[count:]
        else:
            results[k] = unfill(slot, var)
    for k, choice in choices.items():
        count = len(choice.axes)
        results[k], sizes = choice.view(sizes[:count]), sizes[count:]
    for k, unknown in unknowns.items():
        results[k] = unknown
    for k, pair in written.items():
        arrays: list[Tracer | None] = []
        for way in pair:
            count = 0 if way is None else len(way.axes)
            arrays.append(None if way is None else way.view(sizes[:count]))
            sizes = sizes[count:]
        if any(array is not None for array in arrays):
            results[k].cell.ways = Ways(test, tuple(arrays))
    for cell, var in zip(cells, outputs[len(slots) :], strict=False):
        cell.assign(var)
    kinship = kin_of_branches([[array_cell(block.leaves[k]) for k in slots] for block in (first, second)])
    kinship.apply([array_cell(results[k]) for k in slots])
    return all_seen(after_branch(first.tree.unflatten(results), [block.containers for block in (first, second)]))


def _unknown(name: str, *leaves: Any) -> Unkept | None:
    """What is left of a text of values that one way alone makes: it says so to whoever looks at it."""
    if any(isinstance(leaf, Text) for leaf in leaves):
        return Unkept(name)
    return next((leaf for leaf in leaves if isinstance(leaf, Unkept)), None)


def _are_arrays(slot: Slot, leaves: Sequence[Any]) -> bool:
    """Whether two branches leave arrays of the type of a slot."""
    return not slot.stretched and all(
        isinstance(leaf, Tracer) and array_cell(leaf) is not None and leaf.type == slot.type() for leaf in leaves
    )


def _alike(first: Block, second: Block, names: Sequence[str]) -> tuple[Block, Block]:
    """Two outcomes in which a variable without a value has the structure that it has in the other."""
    if first.tree != second.tree or differ(first.leaves, second.leaves):
        one, other = (block.tree.unflatten(block.leaves) for block in (first, second))
        first, second = _with_none(first, matched(one, other)), _with_none(second, matched(other, one))
    states = [block.tree.unflatten(block.leaves) for block in (first, second)]
    places = [k for k, name in enumerate(names) if is_perhaps(name, states[0][k], states[1][k])]
    if first.tree == second.tree and not places:
        return first, second
    one, other = (doubted(state, places, names) for state in states)
    alike = [with_structure(one, other), with_structure(other, one)]
    return tuple(
        Block(
            block.scope, *flatten(state), {_in_perhaps(path, before, places): thing for path, thing in block.containers.items()}
        )
        for block, state, before in zip((first, second), alike, states, strict=True)
    )  # type: ignore[return-value]


def _with_none(block: Block, state: State) -> Block:
    """An outcome in which some values are such that may be None."""
    return Block(block.scope, *flatten(state), {path_in(path, state): thing for path, thing in block.containers.items()})


def _in_perhaps(path: Path, state: State, places: Sequence[int]) -> Path:
    """The path of a container when variables at some places say whether they have a value."""
    return (path[0], "value", *path[1:]) if path[0] in places and not isinstance(state[path[0]], Perhaps) else path


def _same_outcome(a: Any, b: Any, first: Scope, second: Scope) -> bool:
    """Whether two branches leave the same thing, which then needs no choice."""
    if isinstance(a, Tracer) and isinstance(b, Tracer):
        if a is b or a.same_place(b):
            owner = active_trace().owner[a.cell.value.name]
            return owner is not first and owner is not second
        return False
    return unchanged(a, b)


def _check_size(slot: Slot | None, scope: Scope, name: str) -> None:
    """Refuse an array whose size is made in a branch: after it the size would be that of either branch."""
    if slot is not None and slot.type().symbols() & made_in(scope):
        raise NotStaged(
            f"a branch of an if gives {listed([name])} a size that is known only when the program runs ({slot.type()}); keep the "
            "size, as np.where(mask, x, 0) does in place of x[mask], or compute what does not depend on it in the branch"
        )


def _merge_slots(name: str, a: Slot | None, b: Slot | None, x: Any, y: Any) -> Slot:
    if a is None or b is None:
        slot = a or b
        assert slot is not None
        return slot
    dtype = promoted((a.dtype, a.weak), (b.dtype, b.weak))
    shape = a.shape
    if a.shape != b.shape:
        fake = [Tracer(Cell(Var("?", s.type()), active_trace().scope), s.type()) for s in (a, b)]
        shape = common_shape(name, fake)
    stretched = a.stretched or b.stretched or is_smaller(a.shape, shape) or is_smaller(b.shape, shape)
    is_item = a.listed or b.listed
    return Slot(dtype, shape, a.weak and b.weak, a.scalar and b.scalar, listed([name]) if stretched else "", is_item)


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
