"""Arguments of compiled functions: which leaves are arrays, numbers or static, and specs in place of arrays."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from .compiler.tree import register

if TYPE_CHECKING:
    from .compiler.trace.trace import Leaf


class Static:
    """An argument whose value is part of the program."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and type(other.value) is type(self.value) and bool(other.value == self.value)

    def __hash__(self) -> int:
        return hash(self.value)


class Instance:
    """The object that a compiled method is called on; its attributes are the children of the node."""

    __slots__ = ("thing",)
    holds_attributes = True

    def __init__(self, thing: Any) -> None:
        self.thing = thing


def _attributes(instance: Instance) -> tuple[tuple[Any, ...], tuple[type, tuple[str, ...]], tuple[str, ...]]:
    state = vars(instance.thing)
    return tuple(state.values()), (type(instance.thing), tuple(state)), tuple(state)


def _with_attributes(metadata: tuple[type, tuple[str, ...]], children: Sequence[Any]) -> Instance:
    cls, names = metadata
    thing: Any = object.__new__(cls)
    vars(thing).update(zip(names, children, strict=True))
    return Instance(thing)


register(Instance, _attributes, _with_attributes)


def rebuild_instance(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Run a method on an instance with traced attributes; returns its result and the attributes that it set."""
    thing = args[0].thing
    before = dict(vars(thing))
    result = function(thing, *args[1:], **kwargs)
    changed = {k: v for k, v in vars(thing).items() if k not in before or before[k] is not v}
    return result, changed


class Spec:
    """A type in place of an array: ``spec("f32[n, 3]")``. Names are sizes known at run time, equal where they are equal."""

    __slots__ = ("text", "type")

    def __init__(self, text: str) -> None:
        from .compiler.ir import ArrayType
        from .compiler.ir.parse import parse_type

        found = parse_type(text)
        if not isinstance(found, ArrayType):
            raise ValueError(f"not the type of an array: {text!r}")
        self.text, self.type = text, found

    def leaf(self) -> Leaf:
        """How the leaf enters the program."""
        from .compiler.trace.trace import Leaf

        sizes = tuple(dim if isinstance(dim, int) else _symbol(dim, self.text) for dim in self.type.shape)
        hints = tuple(s if isinstance(s, int) else 100 + zlib.crc32(s.encode()) % 900 for s in sizes)
        return Leaf("array", self.type.dtype, hints, sizes=sizes)

    def __repr__(self) -> str:
        return f'spec("{self.text}")'


def _symbol(dim: Any, text: str) -> str:
    from .compiler.ir.sizes import single_symbol

    name = single_symbol(dim)
    if name is None:
        raise ValueError(f"the sizes of a spec are numbers and names, found {dim} in {text!r}")
    return name


def spec(text: str) -> Spec:
    """The type of an argument, to look at programs without making arrays.

    Parameters
    ----------
    text : the dtype and the sizes, as in ``"f32[n, 3]"``; names stand for sizes known at run time.

    >>> spec("f64[n, 3]")
    spec("f64[n, 3]")
    """
    return Spec(text)


def leaf_key(value: Any) -> Any:
    """What of a leaf decides which program fits it, its sizes aside."""
    cls = type(value)
    if cls is np.ndarray:
        return value.dtype, value.ndim
    if cls is float or cls is int:
        return cls
    if isinstance(value, np.generic):
        return "scalar", value.dtype
    if isinstance(value, np.ndarray):
        return cls, value.dtype, value.ndim
    try:
        hash(value)
    except TypeError:
        return cls, frozenset(value) if cls is set else repr(value) if cls is slice else id(value)
    thing = value.value if cls is Static else value
    return (cls, value, _contents(thing, {id(thing)})) if has_contents(thing) else (cls, value)


def has_contents(thing: Any) -> bool:
    """Whether a thing is an object that is itself alone, whatever is in its attributes."""
    cls = type(thing)
    if cls.__hash__ is not object.__hash__ or callable(thing) or isinstance(thing, ModuleType):
        return False
    return hasattr(thing, "__dict__") or any("__slots__" in vars(base) for base in cls.__mro__[:-1])


def _contents(thing: Any, seen: set[int]) -> Any:
    """What tells the contents of an object from what they were at another call; arrays are read at each call."""
    if isinstance(thing, (list, tuple, set, frozenset)):
        return type(thing), tuple(_part(part, seen) for part in thing)
    if isinstance(thing, dict):
        return tuple((key, _part(part, seen)) for key, part in thing.items())
    slots = [name for base in type(thing).__mro__ for name in _listed(vars(base).get("__slots__", ())) if hasattr(thing, name)]
    attributes = {**{name: getattr(thing, name) for name in slots}, **getattr(thing, "__dict__", {})}
    return tuple((name, _part(part, seen)) for name, part in attributes.items())


def _listed(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _part(part: Any, seen: set[int]) -> Any:
    if isinstance(part, (bool, int, float, complex, str, bytes, np.generic)):
        return type(part), repr(part)
    if id(part) in seen or not (isinstance(part, (list, tuple, set, frozenset, dict)) or has_contents(part)):
        return id(part)
    seen.add(id(part))
    return _contents(part, seen)


def prepared(value: Any) -> Any:
    """An argument as the driver takes it: contiguous, writable for numba's type, a scalar where it has no axes."""
    if not isinstance(value, np.ndarray):
        return value
    if not value.shape:
        return value[()]
    flags = value.flags
    if type(value) is np.ndarray and flags.c_contiguous and flags.aligned and flags.writeable:
        return value
    return np.array(value, order="C", copy=True, subok=False)


def call_spec(leaves: Sequence[Any], names: Sequence[str]) -> list[Leaf]:
    """How each leaf enters the program; the same array twice is one argument."""
    from .compiler.trace.trace import Leaf, classify

    described: list[Leaf] = []
    seen: dict[int, int] = {}
    for k, (value, name) in enumerate(zip(leaves, names, strict=True)):
        leaf = value.leaf() if isinstance(value, Spec) else classify(value, name)
        if isinstance(value, np.ndarray):
            if id(value) in seen:
                leaf = Leaf(leaf.kind, leaf.dtype, leaf.shape, same=seen[id(value)])
            else:
                seen[id(value)] = k
        described.append(leaf)
    return described
