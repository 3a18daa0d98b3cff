"""What the items of a list have in common, by which arrays can hold them: structure, shapes, dtypes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir import Dim
from ..tree import Tree, flatten
from .blocks import NotStaged, is_number
from .context import active_trace
from .creation import full
from .promotion import as_tracer, is_python, promoted
from .rows import Rows
from .tracer import Tracer, python_size

NOT_ARRAYS = (
    "the items of a list are not made of numbers, arrays and tuples and lists of them, so that they do not fit into arrays; put numbers in "
    "place of texts, None and objects, and hold lists that become longer apart"
)


@dataclass(frozen=True, slots=True)
class Items:
    """What is known of the items of a list: their structure, and of each leaf the shape, dtype, and whether it is a Python number."""

    tree: Tree
    shapes: tuple[tuple[Dim, ...], ...]
    dtypes: tuple[np.dtype, ...]
    weak: tuple[bool, ...]


def items_like(item: Any) -> Items:
    """What can be learned of the items of a list from one of them."""
    leaves, tree = flatten(held_in_arrays(item))
    tracers = [as_tracer(leaf) for leaf in leaves]
    return Items(
        tree, tuple(t.type.shape for t in tracers), tuple(t.dtype for t in tracers), tuple(is_python(leaf) for leaf in leaves)
    )


def joined(*found: Items | None) -> Items | None:
    """What items have in common; None if there are none."""
    known = [items for items in found if items is not None]
    if not known:
        return None
    first = known[0]
    tree = functools.reduce(_with_numbers_of, (items.tree for items in known))
    if not all(
        _with_numbers_of(items.tree, tree) == tree and all(map(same_shape, items.shapes, first.shapes)) for items in known
    ):
        raise NotStaged("the items of a list differ in structure or shape, so that they do not fit into arrays")
    columns = [list(zip(*types, strict=True)) for types in ((i.dtypes for i in known), (i.weak for i in known))]
    dtypes = tuple(promoted(*zip(*both, strict=True)) for both in zip(*columns, strict=True))
    return Items(tree, first.shapes, dtypes, tuple(map(all, columns[1])))


def _with_numbers_of(tree: Tree, other: Tree) -> Tree:
    """The structure of an item that is a list, whose numbers are Python's where they are so in another structure as well."""
    one, like = (each.unflatten([0] * each.count) for each in (tree, other))
    if tree == other or not (isinstance(one, Rows) and isinstance(like, Rows)) or one.tree != like.tree:
        return tree
    return flatten(Rows(one.arrays, one.tree, list(map(min, one.weak, like.weak))))[1]


def same_shape(one: tuple[Dim, ...], other: tuple[Dim, ...]) -> bool:
    """Whether two shapes are the same, for the sizes of this call at least, which are all that the program is for then."""
    sizing = active_trace().sizing
    return len(one) == len(other) and all(sizing.decide(a, "==", b) for a, b in zip(one, other, strict=True))


def known_items(contents: Any) -> Items | None:
    """What is known of the items of a list that is there before the loop."""
    if isinstance(contents, Rows):
        types = [array.type for array in contents.arrays]
        return Items(contents.tree, tuple(t.shape[1:] for t in types), tuple(t.dtype for t in types), tuple(contents.weak))
    return joined(*map(items_like, contents))


def held_in_arrays(item: Any) -> Any:
    """An item of a list as it can be put together again from rows of arrays: with lists in it that are rows themselves."""
    if is_number(item) or (type(item) is Rows and item.listed is None):
        return item
    if isinstance(item, tuple):
        parts = [held_in_arrays(part) for part in item]
        if any(isinstance(part, Rows) for part in parts):  # a list that could be changed where it stands
            raise NotStaged(NOT_ARRAYS)
        return type(item)(*parts) if hasattr(item, "_fields") else tuple(parts)
    if not isinstance(item, (list, Rows)) or not len(item):
        raise NotStaged(NOT_ARRAYS)
    flat = [flatten(held_in_arrays(part)) for part in item]
    columns = [_alike(column) for column in zip(*(leaves for leaves, _ in flat), strict=False)]
    weak = [[is_python(leaf) for leaf in column] for column in zip(*(leaves for leaves, _ in flat), strict=False)]
    alike = all(len({c.type for c in column}) == 1 for column in columns)
    if any(tree != flat[0][1] for _, tree in flat) or not alike:
        raise NotStaged("the items of a list are lists of different things, which do not fit into arrays")
    arrays: list[Any] = [np.stack(column) for column in columns]
    return Rows(arrays, flat[0][1], list(map(all, weak)))


def _alike(numbers: Sequence[Any]) -> list[Tracer]:
    """Numbers of a list as arrays: integers that are written out among floats are floats."""
    has_floats = any(as_tracer(number).dtype.kind == "f" for number in numbers)
    return [as_tracer(float(number) if has_floats and type(number) is int else number) for number in numbers]


def arrays_for(items: Items, room: Any) -> tuple[Tracer, ...]:
    """Arrays that hold so many items."""
    kinds = zip(items.shapes, items.dtypes, strict=True)
    return tuple(full((room, *map(python_size, shape)), 0, dtype) for shape, dtype in kinds)


class Grows(NotStaged):
    """A list gets further items in a region of the program: at most ``each`` in one run of it, like ``items``."""

    def __init__(self, thing: Any, items: Items | None, each: int) -> None:
        super().__init__(
            "a list is changed in a loop or branch that depends on values known only when the program runs; make an array that is large "
            "enough with np.empty and write to its elements"
        )
        self.thing = thing
        self.items = items
        self.each = each
