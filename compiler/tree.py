"""Pytrees: nested containers of leaves, taken apart and put together again.

dict, list, tuple, named tuple, ``OrderedDict``, ``deque`` and ``defaultdict`` are what ``optree`` knows; any dataclass is a
node as well, its fields being its children. None is part of the structure; everything else is a leaf.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

NAMESPACE = "jitgrad"
_REGISTERED: set[type] = set()


class Held(str):
    """The name of a child that stays as it is when the rest of its node is differentiated, as a key of a path."""

    __slots__ = ()


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
        return str(self.spec).removeprefix("PyTreeSpec(").removesuffix(f", namespace={NAMESPACE!r})")


def flatten(tree: Any) -> tuple[list[Any], Tree]:
    """The leaves of a pytree, in order, and its structure."""
    import optree

    leaves, spec = optree.tree_flatten(tree, _is_leaf, namespace=NAMESPACE)
    return leaves, Tree(spec)


def is_held(path: Sequence[Any]) -> bool:
    """Whether the leaf at a path is one that is not differentiated, such as a running mean."""
    return any(type(key) is Held for key in path)


def is_node(cls: type) -> bool:
    """Whether ``register`` has made a class a node of pytrees."""
    return cls in _REGISTERED


def map_leaves(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to corresponding leaves of pytrees of one structure."""
    leaves, structure = flatten(tree)
    others = [flatten(other)[0] for other in rest]
    return structure.unflatten([function(*group) for group in zip(leaves, *others, strict=True)])


def register(cls: type, flatten_node: Callable[[Any], Any], unflatten_node: Callable[[Any, Any], Any]) -> None:
    """Make a class a node of pytrees: ``flatten_node(x) -> (children, static data)`` and the way back."""
    import optree

    optree.register_pytree_node(cls, flatten_node, unflatten_node, namespace=NAMESPACE)
    _REGISTERED.add(cls)


def _is_leaf(value: Any) -> bool:
    """Nothing is forced to be a leaf; dataclasses are made known to optree when they are first seen."""
    cls = type(value)
    if cls not in _REGISTERED and dataclasses.is_dataclass(cls):
        _register_dataclass(cls)
    return False


def _register_dataclass(cls: type) -> None:
    names = tuple(field.name for field in dataclasses.fields(cls))

    def take_apart(value: Any) -> tuple[tuple[Any, ...], None, tuple[str, ...]]:
        return tuple(getattr(value, name) for name in names), None, names

    def put_together(_: None, children: Sequence[Any]) -> Any:
        value: Any = object.__new__(cls)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(value, name, child)
        return value

    import optree

    optree.register_pytree_node(cls, take_apart, put_together, namespace=NAMESPACE)  # type: ignore[arg-type]
    _REGISTERED.add(cls)
