"""Blocks of the user's program, which become regions: their states, and what of them a region carries.

A block is a function ``block(*state) -> state``, where the state is a tuple of the values of its variables. It is run on tracers.
What it changes becomes what a loop carries or a branch returns: variables of the state whose value after differs from before, and
arrays that were written to; attributes and items of objects join the state as further variables (``mutation``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import ArrayType, Dim, Function, Var
from ..ir.types import BOOL
from ..tree import Tree, flatten
from .broadcasting import broadcast_shapes, broadcast_to, is_smaller
from .cells import Cell
from .context import NotStaged, Scope, active_trace
from .elementwise import elementwise
from .identity import Containers, containers_in, is_container
from .mutation import MISSING, UNKNOWN, Change, redo
from .outdated import Moved, Outdated, outdated_in
from .promotion import as_tracer, convert, result_dtype
from .restoring import put_back, saved_contents
from .shaping import reshaped
from .tracer import TracedSize, Tracer, describe, new
from .unbound import Perhaps, State, Undefined, is_missing, put_perhaps, require_settled


class Held:
    """A list, dict or dataclass that a block changes in place: it stays the object that it is, and its items are tracked one by one."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing


class Holding:
    """Wraps the containers of a state that are changed in place, on the way into a staged block and out of it."""

    def __init__(self, state: State, names: Sequence[str], mutated: Sequence[str]) -> None:
        self.names = names
        self.held = {
            k: Held(value) for k, (name, value) in enumerate(zip(names, state, strict=True))
            if name in mutated and (isinstance(value, (list, dict, set)) or is_container(value))
        }  # fmt: skip
        self.others: set[str] = set()  # variables that a block gave another object

    def wrap(self, state: State) -> State:
        """The state as a region sees it."""
        self.others.update(self.names[k] for k, held in self.held.items() if state[k] is not held.thing)
        return tuple(self.held[k] if k in self.held and value is self.held[k].thing else value for k, value in enumerate(state))

    def unwrap(self, state: State) -> State:
        """The state as the user's program sees it."""
        return tuple(value.thing if isinstance(value, Held) else value for value in state)

    def around(self, block: Callable[..., State]) -> Callable[..., State]:
        """A block from wrapped state to wrapped state."""
        return lambda *state: self.wrap(block(*self.unwrap(state)))


def hold(run: Callable[[Holding], State], state: State, names: Sequence[str], mutated: Sequence[str]) -> State:
    """Stage something with the containers of a state held; those in whose place it puts others are handed on by what is in them."""
    held = Holding(state, names, mutated)
    guards = active_trace().root.builder.guards
    known = len(guards)
    try:
        return run(held)
    except NotStaged:
        if not held.others:
            raise
    del guards[known:]
    return run(Holding(state, names, [name for name in mutated if name not in held.others]))


def truth(value: Any) -> Any:
    """The truth of a value: a Python bool, or a traced bool scalar."""
    if isinstance(value, TracedSize):
        return value != 0
    if not isinstance(value, Tracer):
        require_settled(value)
        return bool(value)
    if value.type.rank:
        count = value.type.size
        if active_trace().sizing.decide(count, "==", 1) is False:
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
    stretched: str = ""  # the name, if a value of a smaller shape is repeated to this one
    listed: bool = False  # whether it may be an array that a list in arrays holds a copy of

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
    if isinstance(type(before).__eq__, FunctionType):  # what the user's class calls equal may still be two objects
        return False
    return bool(before == after)


def join(name: str, *leaves: Any) -> Slot:
    """The slot that holds each of several leaves: promoted, and broadcast where one is a scalar."""
    known = [leaf for leaf in leaves if not isinstance(leaf, Undefined)]
    odd = [leaf for leaf in known if not is_number(leaf)]
    if outdated := [leaf for leaf in odd if isinstance(leaf, Outdated)]:
        raise outdated[0].error()
    if odd:
        remedy = "call each where it is chosen" if all(map(callable, odd)) else "give it an array or a number in every case"
        raise NotStaged(
            f"{listed([name])} is {_kinds(leaves)}, depending on a value that is known only when the program runs; {remedy}"
        )
    tracers = [as_tracer(leaf) for leaf in known]
    shape = common_shape(name, tracers)
    stretched = any(t.cell.stretched or is_smaller(t.type.shape, shape) for t in tracers)
    scalar = not shape and all(t.is_scalar for t in tracers)
    is_item = any(bool(t.cell.listed) for t in tracers)
    return Slot(result_dtype(*known), shape, all(t.weak for t in tracers), scalar, listed([name]) if stretched else "", is_item)


def common_shape(name: str, values: Sequence[Tracer]) -> tuple[Dim, ...]:
    """The shape of a variable that holds each of several values: that of the largest, where the others are parts of it repeated."""
    if len({value.type.shape for value in values}) == 1:
        return values[0].type.shape
    try:
        return broadcast_shapes(values, f"the values of {name}")
    except ShapeError:
        text = active_trace().sizing.shape_text
        shapes = " or ".join(dict.fromkeys(text(value.type.shape) for value in values))
        raise NotStaged(
            f"{listed([name])} is of shape {shapes}, depending on values known only when the program runs; make it as large as it becomes, "
            "as with np.zeros, and write to slices of it"
        ) from None


def _kinds(leaves: Sequence[Any]) -> str:
    return " or ".join(dict.fromkeys(map(_kind, leaves)))


def _kind(leaf: Any) -> str:
    if isinstance(leaf, Undefined):
        return "undefined"
    if callable(leaf) and hasattr(leaf, "__name__"):
        return f"the function {leaf.__name__}"
    return describe(leaf) if is_number(leaf) else repr(leaf)


def fill(slot: Slot, leaf: Any) -> Var:
    """A leaf as a variable of the slot's type; what has no value yet is zero."""
    if isinstance(leaf, Undefined):
        return active_trace().scope.builder.zeros(slot.type())
    value = as_tracer(leaf)
    return broadcast_to(convert(value.renewed() if value.cell.stretched else value, slot.dtype), slot.shape)


def unfill(slot: Slot, var: Var) -> Tracer:
    """A variable of a slot's type as the leaf that the user's program sees."""
    value = new(var, weak=slot.weak, scalar=slot.scalar)
    value.cell.stretched = slot.stretched
    value.cell.family = UNKNOWN if slot.shape else None
    value.cell.listed = slot.listed
    return value


@dataclass(slots=True)
class Block:
    """What tracing a block gave: its scope and its outcome."""

    scope: Scope
    leaves: list[Any]
    tree: Tree
    containers: Containers


def run_block(scope: Scope, block: Callable[..., State], state: State) -> Block:
    """Run a block of the user's program in an open scope."""
    after = block(*state)
    leaves, tree = flatten(after)
    return Block(scope, leaves, tree, containers_in(after))


def close(scope: Scope, name: str, parameters: Sequence[Var], results: Sequence[Var]) -> Function:
    """The function that a scope has built."""
    return Function(name, tuple(parameters), tuple(scope.builder.equations), tuple(results))


def made_in(scope: Scope) -> set[str]:
    """The symbols of the sizes that are made in a scope."""
    return {e["symbol"] for e in scope.builder.equations if e.get("symbol") is not None}


def leaf_names(tree: Tree, names: Sequence[str]) -> list[str]:
    """The name of the variable that each leaf of a state belongs to."""
    return [
        names[path[0]] if path and isinstance(path[0], int) and path[0] < len(names) else "the result" for path in tree.paths()
    ]


def listed(names: Sequence[str]) -> str:
    """The names of variables in a message."""
    shown = ("what is returned" if name == "jg_result" else name for name in names if name != "jg_returned")
    return ", ".join(shown) or "their result"


CHANGE_THE_LIST = "change the list itself, with append, extend, insert, pop or del, in place of making another one"


def different(names: Sequence[str], one: State, other: State) -> str:
    """Which variables have not the same structure in two states, in a message, and what to write instead."""
    pairs = [(name, flatten(a), flatten(b)) for name, a, b in zip(names, one, other, strict=False)]
    unlike = [(name, a, b) for name, a, b in pairs if a[1] != b[1]]
    listing = ", ".join(f"{listed([name])} ({_drawn(a[1])} and {_drawn(b[1])})" for name, a, b in unlike)
    if any(
        isinstance(a, list) and isinstance(b, list) for a, b in zip(one, other, strict=False) if flatten(a)[1] != flatten(b)[1]
    ):
        return f"{listing}; {CHANGE_THE_LIST}"
    if any(not a[0] or not b[0] for _, a, b in unlike):
        return f"{listing}; start with a number or array in place of None, such as -1, np.nan or np.zeros, and ask for that"
    return f"{listing}; give each the same structure of arrays and numbers, or make an array with np.empty and write to it"


def _drawn(tree: Tree) -> str:
    """A structure in a message: ``{'a': *}``."""
    return repr(tree.unflatten([_STAR] * tree.count))


_STAR = type("Star", (), {"__repr__": lambda self: "*"})()


class snapshot:
    """Undo what blocks do unseen to containers of the state, or around them, so that they can be run again, and refuse it."""

    def __init__(self, state: State, *blocks: Callable[..., Any] | None) -> None:
        self.saved = saved_contents(*state, *blocks)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, *_: object) -> None:
        moved = [thing for thing, _ in self.saved if isinstance(outdated_in(thing), Moved)]
        changed = [thing for thing in put_back(self.saved) if all(thing is not other for other in moved)]
        if changed and kind is None:
            raise NotStaged(
                f"a {type(changed[0]).__name__} is changed in a loop or branch by a function that jitgrad does not follow, which would happen "
                "whatever the program does when it runs; write its items or attributes, as in x[k] = v"
            )


def array_cell(leaf: Any) -> Cell | None:
    """The cell of a value that is an array, which can be written to; None for numbers and all else."""
    if isinstance(leaf, np.ndarray):
        return as_tracer(leaf).cell
    return leaf.cell if isinstance(leaf, Tracer) and not leaf.is_scalar and not leaf.weak else None


def make_changes(changes: Sequence[Change], values: Sequence[Any]) -> None:
    """Put values in the places that a block changes, and take away what it leaves without one."""
    for change, value in zip(changes, values, strict=True):
        if is_missing(value):
            if change.read() is not MISSING:
                redo(change, MISSING)
        elif isinstance(value, Perhaps):
            redo(change, value.value if value.bound is True else put_perhaps(change, value))
        else:
            redo(change, value)
