"""Pytrees: nested containers of leaves, taken apart and put together again.

dict, list, tuple, named tuple, ``OrderedDict``, ``deque`` and ``defaultdict`` are what ``optree`` knows; any dataclass is a
node as well, its fields being its children. None is part of the structure; everything else is a leaf. ``optree`` is imported
when the first pytree is taken apart.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

NAMESPACE = "jitgrad"


class Held(str):
    """The name of a child that stays as it is when the rest of its node is differentiated, as a key of a path."""

    __slots__ = ()


class Node(NamedTuple):
    """How a class of nodes is taken apart, to (children, static data, keys), and put together of static data and children."""

    take_apart: Callable[[Any], tuple[Sequence[Any], Any, Sequence[Any]]]
    put_together: Callable[[Any, Sequence[Any]], Any]


NODES: dict[type, Node] = {}
"""The classes of nodes besides Python's own containers."""

_WAITING: list[type] = []  # nodes that optree has not been told of
_LEAVES: set[type] = set()  # classes that were met as leaves, and are no dataclasses
_LOCK = threading.Lock()


class Tree:
    """The structure of a pytree: what ``unflatten`` needs to put leaves together again."""

    __slots__ = ("spec",)

    def __init__(self, spec: Any) -> None:
        self.spec = spec

    def unflatten(self, leaves: Sequence[Any]) -> Any:
        """The pytree of this structure with the given leaves."""
        return self.spec.unflatten(leaves)

    def paths(self) -> list[tuple[Any, ...]]:
        """For each leaf the keys and indices that lead to it."""
        return [tuple(path) for path in self.spec.paths()]

    @property
    def count(self) -> int:
        """The number of leaves."""
        return self.spec.num_leaves

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(self.spec)

    def __repr__(self) -> str:
        return str(self.spec).removeprefix("PyTreeSpec(").removesuffix(")").removesuffix(f", namespace={NAMESPACE!r}")


def flatten(tree: Any) -> tuple[list[Any], Tree]:
    """The leaves of a pytree, in order, and its structure."""
    import optree

    if _WAITING:
        _make_known()
    leaves, spec = optree.tree_flatten(tree, namespace=NAMESPACE)  # type: ignore[arg-type]
    for leaf in leaves:
        if type(leaf) not in _LEAVES and _is_new_node(type(leaf)):
            return flatten(tree)
    return leaves, Tree(spec)


def is_held(path: Sequence[Any]) -> bool:
    """Whether the leaf at a path is one that is not differentiated, such as a running mean."""
    return any(type(key) is Held for key in path)


def map_leaves(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to corresponding leaves of pytrees of one structure."""
    leaves, structure = flatten(tree)
    others = [flatten(other)[0] for other in rest]
    return structure.unflatten([function(*group) for group in zip(leaves, *others, strict=True)])


def register(cls: type, take_apart: Callable[[Any], Any], put_together: Callable[[Any, Any], Any]) -> None:
    """Make a class a node of pytrees: ``take_apart(x) -> (children, static data, keys)`` and the way back."""
    with _LOCK:
        if cls not in NODES:
            NODES[cls] = Node(take_apart, put_together)
            _WAITING.append(cls)


def _make_known() -> None:
    """Tell ``optree`` of the nodes registered since the last time."""
    import optree

    with _LOCK:
        while _WAITING:
            optree.register_pytree_node(_WAITING[-1], *NODES[_WAITING[-1]], namespace=NAMESPACE)  # type: ignore[arg-type]
            _WAITING.pop()


def _is_new_node(cls: type) -> bool:
    """Whether a class met as a leaf is a dataclass, which is a node from here on."""
    if not dataclasses.is_dataclass(cls):
        _LEAVES.add(cls)
        return False
    _register_dataclass(cls)
    return True


def _register_dataclass(cls: type) -> None:
    names = tuple(field.name for field in dataclasses.fields(cls))

    def take_apart(value: Any) -> tuple[tuple[Any, ...], None, tuple[str, ...]]:
        return tuple(getattr(value, name) for name in names), None, names

    def put_together(_: None, children: Sequence[Any]) -> Any:
        value: Any = object.__new__(cls)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(value, name, child)
        return value

    register(cls, take_apart, put_together)
