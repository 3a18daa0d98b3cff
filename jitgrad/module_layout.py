"""Objects that are pytrees of the arrays and objects in their attributes: the structural half of ``Module``.

The children of a node are its attributes that hold arrays or nodes, also in lists, tuples and dicts; everything else is
static and part of a compiled program. Arrays of floats are parameters. Arrays of integers and truth values, and whatever
``register_buffer`` names, are buffers: they travel with the node, may be written to in place, and have no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arguments import Spec
from .compiler.trace.tracer import Tracer
from .compiler.tree import Held, register

CLASSES: dict[str, type] = {}
"""Every subclass of Node, by module and name: all that a file may ask to have made."""

_ARRAYS = (np.ndarray, Tracer, Spec)


class Node:
    """An object whose attributes are the children and the static data of a pytree node."""

    training: bool
    _buffers: tuple[str, ...]
    _unsaved: tuple[str, ...]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        node = object.__new__(cls)
        vars(node).update(training=True, _buffers=(), _unsaved=(), _arguments=(args, kwargs))
        return node

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        register(cls, _take_apart, _put_together)
        CLASSES[f"{cls.__module__}.{cls.__qualname__}"] = cls

    def __setattr__(self, name: str, value: Any) -> None:
        vars(self).pop("_layout", None)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        vars(self).pop("_layout", None)
        object.__delattr__(self, name)

    def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
        """Set an attribute that is no parameter; ``state_dict`` leaves it out unless it is persistent."""
        setattr(self, name, value)
        self._buffers = (*(n for n in self._buffers if n != name), name)
        self._unsaved = tuple(n for n in self._unsaved if n != name) + (() if persistent else (name,))


class Layout:
    """The structure of a node: names of its children, and the static attributes, by whose values programs differ."""

    __slots__ = ("arguments", "cls", "hash", "keys", "names", "statics", "token")

    def __init__(self, node: Node) -> None:
        attributes = vars(node)
        held = attributes["_buffers"]
        self.cls = type(node)
        self.arguments = attributes["_arguments"]
        self.names = tuple(name for name, value in attributes.items() if name not in _OWN and holds_arrays(value))
        self.keys = tuple(Held(name) if name in held or _is_discrete(attributes[name]) else name for name in self.names)
        self.statics = {
            name: value
            for name, value in attributes.items()
            if name not in self.names and name not in ("_layout", "_arguments")
        }
        frozen = tuple((name, freeze(value, name, self.cls)) for name, value in self.statics.items())
        self.token = (self.cls, self.names, tuple(type(key) is Held for key in self.keys), frozen)
        self.hash = hash(self.token)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Layout) and self.hash == other.hash and self.token == other.token)

    def __hash__(self) -> int:
        return self.hash

    def __repr__(self) -> str:
        return self.cls.__name__


_OWN = ("training", "_buffers", "_unsaved", "_arguments", "_layout")


def layout_of(node: Node) -> Layout:
    """The structure of a node; kept until an attribute is set, unless there are containers, which change unseen."""
    attributes = vars(node)
    layout = attributes.get("_layout")
    if layout is None:
        layout = Layout(node)
        if not any(isinstance(value, (list, dict, set)) for value in attributes.values()):
            attributes["_layout"] = layout
    return layout


def _take_apart(node: Node) -> tuple[list[Any], Layout, tuple[str, ...]]:
    layout = layout_of(node)
    attributes = vars(node)
    return [attributes[name] for name in layout.names], layout, layout.keys


def _put_together(layout: Layout, children: Sequence[Any]) -> Node:
    node = object.__new__(layout.cls)
    vars(node).update(
        layout.statics, _arguments=layout.arguments, _layout=layout, **dict(zip(layout.names, children, strict=True))
    )
    return node


def holds_arrays(value: Any) -> bool:
    """Whether an attribute is, or contains, an array or a node."""
    if isinstance(value, (Node, *_ARRAYS)):
        return True
    if isinstance(value, (list, tuple)):
        return any(map(holds_arrays, value))
    return isinstance(value, dict) and any(map(holds_arrays, value.values()))


def _is_discrete(value: Any) -> bool:
    return isinstance(value, (np.ndarray, Tracer)) and value.dtype.kind != "f"


def freeze(value: Any, name: str, cls: type) -> Any:
    """A static attribute as something to compare and hash: of equal values that differ in type, none is taken for the other."""
    if isinstance(value, (list, tuple)):
        return type(value), tuple(freeze(item, name, cls) for item in value)
    if isinstance(value, dict):
        return dict, tuple((key, freeze(item, name, cls)) for key, item in value.items())
    if type(value).__hash__ is None or isinstance(value, np.random.Generator):
        raise TypeError(
            f"attribute {name} of {cls.__name__} is a {type(value).__name__}, which cannot be part of a compiled program; "
            "keep arrays, modules, numbers, strings and functions in a module"
        )
    return type(value), value
