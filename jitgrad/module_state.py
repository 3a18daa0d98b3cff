"""The arrays of a module by name, and the module without some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .compiler.tree import Held, flatten, is_held
from .module_layout import Node, layout_of


def members(module: Node) -> Iterator[tuple[str, bool, Any]]:
    """Name, whether it is a buffer, and value for each array and module directly inside, containers opened."""
    layout = layout_of(module)
    for key in layout.keys:
        for name, value in _opened(str(key), vars(module)[key]):
            yield name, type(key) is Held, value


def _opened(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a list, tuple or dict, with names such as ``layers.0``; anything else as it is."""
    if isinstance(value, (list, tuple)):
        parts: Any = enumerate(value)
    elif isinstance(value, dict):
        parts = value.items()
    else:
        yield name, value
        return
    for key, part in parts:
        yield from _opened(f"{name}.{key}", part)


def children(module: Node) -> Iterator[tuple[str, Node]]:
    """Name and module for each module directly inside."""
    return ((name, value) for name, _, value in members(module) if isinstance(value, Node))


def distinct(module: Node, prefix: str) -> Iterator[tuple[str, Node]]:
    """What ``walk`` gives, each module once."""
    seen: set[int] = set()
    for name, inner in walk(module, prefix):
        if id(inner) not in seen:
            seen.add(id(inner))
            yield name, inner


def walk(module: Node, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Name and module for a module and all inside, outer ones first."""
    yield prefix, module
    for name, child in children(module):
        yield from walk(child, f"{prefix}.{name}" if prefix else name)


def places(module: Node) -> Iterator[tuple[str, bool, Node, str]]:
    """For each array its full name, whether it is a buffer, the module it belongs to and its name there.

    Of each module first the parameters, then the buffers, then the modules inside, as PyTorch orders them.
    """
    for prefix, owner in walk(module):
        own = [(name, held) for name, held, value in members(owner) if value is not None and not isinstance(value, Node)]
        for name, held in sorted(own, key=lambda item: item[1]):
            yield f"{prefix}.{name}" if prefix else name, held, owner, name


def _get(owner: Node, name: str) -> Any:
    value: Any = owner
    for key in name.split("."):
        if isinstance(value, dict):
            value = next(item for other, item in value.items() if str(other) == key)
        else:
            value = value[int(key)] if isinstance(value, (list, tuple)) else vars(value)[key]
    return value


def _set(owner: Node, name: str, value: Any) -> None:
    *outer, last = name.split(".")
    container = _get(owner, ".".join(outer)) if outer else owner
    if isinstance(container, dict):
        container[next(key for key in container if str(key) == last)] = value
    elif isinstance(container, list):
        container[int(last)] = value
    elif isinstance(container, tuple):
        _set(owner, ".".join(outer), (*container[: int(last)], value, *container[int(last) + 1 :]))
    else:
        setattr(container, last, value)


def arrays(module: Node, held: bool) -> Iterator[tuple[str, Any]]:
    """Name and array for all parameters, or all buffers, each array once."""
    seen: set[int] = set()
    for name, is_buffer, owner, local in places(module):
        array = _get(owner, local)
        if is_buffer == held and id(array) not in seen:
            seen.add(id(array))
            yield name, array


def state_dict(module: Node) -> dict[str, np.ndarray]:
    """Parameters and persistent buffers by name."""
    return {name: _get(owner, local) for name, _, owner, local in places(module) if local.split(".")[0] not in owner._unsaved}


def load_state_dict(module: Node, values: Mapping[str, Any], strict: bool) -> tuple[list[str], list[str]]:
    """Write values into the arrays of a module, all or, where something is wrong, none of them."""
    own = state_dict(module)
    missing = [name for name in own if name not in values]
    unexpected = [name for name in values if name not in own]
    problems = []
    if strict and missing:
        problems.append(f"missing {', '.join(map(repr, missing))}")
    if strict and unexpected:
        problems.append(f"unexpected {', '.join(map(repr, unexpected))}")
    found = {name: as_array(values[name]) for name in own if name in values}
    problems += [
        f"{name!r} has shape {found[name].shape}, the model needs {own[name].shape}"
        for name in found
        if found[name].shape != own[name].shape
    ]
    if problems:
        raise ValueError(f"the state does not fit {type(module).__name__}: {'; '.join(problems)}")
    for name, value in found.items():
        own[name][...] = value
    return missing, unexpected


def as_array(value: Any) -> np.ndarray:
    """A NumPy array of what may be a PyTorch tensor."""
    detach = getattr(value, "detach", None)
    return np.asarray(value if detach is None else detach().cpu().numpy())


def convert(module: Node, dtype: np.dtype) -> None:
    """Replace all arrays of floats by copies of another dtype; arrays that are shared stay shared."""
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"a module computes in float32 or float64, not in {dtype}")
    copies: dict[int, tuple[Any, Any]] = {}
    for _, _, owner, local in list(places(module)):
        array = _get(owner, local)
        if array.dtype.kind == "f" and array.dtype != dtype:
            _, copy = copies.setdefault(id(array), (array, array.astype(dtype)))
            _set(owner, local, copy)
    for _, owner in walk(module):
        if isinstance(vars(owner).get("dtype"), np.dtype):
            owner.dtype = dtype


def partition(tree: Any) -> tuple[Any, Any]:
    """Split a module, or a pytree of modules, into (parameters, buffers): twice the same structure, None in place of the rest.

    >>> from jitgrad import nn
    >>> parameters, buffers = partition(nn.BatchNorm1d(2))
    >>> parameters.weight, parameters.running_mean
    (array([1., 1.], dtype=float32), None)
    >>> buffers.weight, buffers.running_mean
    (None, array([0., 0.], dtype=float32))
    """
    leaves, structure = flatten(tree)
    held = [is_held(path) for path in structure.paths()]
    parameters = [None if h else leaf for leaf, h in zip(leaves, held, strict=True)]
    buffers = [leaf if h else None for leaf, h in zip(leaves, held, strict=True)]
    return structure.unflatten(parameters), structure.unflatten(buffers)


def combine(parameters: Any, buffers: Any) -> Any:
    """Put together what ``partition`` split.

    >>> from jitgrad import nn
    >>> combine(*partition(nn.Linear(2, 1)))
    Linear(in_features=2, out_features=1, bias=True)
    """
    if parameters is None:
        return buffers
    if isinstance(parameters, Node):
        layout = layout_of(parameters)
        whole = object.__new__(type(parameters))
        vars(whole).update(vars(parameters), _layout=layout)
        for name in layout.names:
            vars(whole)[name] = combine(vars(parameters)[name], vars(buffers)[name])
        return whole
    if isinstance(parameters, (list, tuple)):
        return type(parameters)(combine(p, b) for p, b in zip(parameters, buffers, strict=True))
    if isinstance(parameters, dict):
        return type(parameters)((key, combine(value, buffers[key])) for key, value in parameters.items())
    return parameters
