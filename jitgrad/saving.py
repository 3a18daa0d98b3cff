"""Models and checkpoints in files: ``save`` and ``load``.

A file is a safetensors file: arrays by name, and in its header one JSON text that says how they belong together. A model's
arrays have the names of its ``state_dict``, so other programs can read them too. Nothing in a file is code: loading makes
lists, dicts, numbers, arrays, NumPy generators and modules whose classes are defined already, and refuses everything else.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .module_layout import CLASSES
from .nn import init
from .nn.module import Module

FORMAT = "jitgrad 1"
DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def save(thing: Any, path: str | os.PathLike[str]) -> None:
    """Write a model, or a tree of models, arrays, numbers, strings and NumPy generators in dicts, lists and tuples, to a file.

    Of a model its class, the arguments that it was made with, its mode and its arrays are kept. The file is replaced as a
    whole, so an interruption leaves the old one. Raises TypeError, naming the place, for what cannot be saved.

    >>> from jitgrad import nn
    >>> folder = tempfile.mkdtemp()
    >>> save({"model": nn.Linear(2, 1, rng=0), "epoch": 3}, os.path.join(folder, "checkpoint"))
    >>> load(os.path.join(folder, "checkpoint"))
    {'model': Linear(in_features=2, out_features=1, bias=True), 'epoch': 3}
    """
    from safetensors.numpy import save_file

    writer = _Writer()
    described = writer.describe(thing, "")
    header = json.dumps({"format": FORMAT, "content": described}, separators=(",", ":"), sort_keys=True)
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=os.path.basename(path) + ".")
    os.close(handle)
    try:
        save_file(writer.arrays, temporary, metadata={"jitgrad": header})
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load(path: str | os.PathLike[str], classes: Iterable[type] = ()) -> Any:
    """Read what ``save`` wrote.

    Parameters
    ----------
    classes : modules to use for their names, in place of those defined under the path in the file, for classes that have moved.

    Raises ValueError for a file that is damaged, not made by ``save``, or asks for a class that is no module that is defined.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = (file.metadata() or {}).get("jitgrad")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is damaged or no safetensors file: {error}") from error
    try:
        content = _content(header)
        return _Reader(arrays, {cls.__name__: cls for cls in classes}).restore(content)
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(f"{os.fspath(path)!r} does not hold what jitgrad saves: {error!r}") from error


def _content(header: str | None) -> Any:
    if header is None:
        raise ValueError("the file holds arrays only, no model; read it with safetensors and use load_state_dict")
    found = json.loads(header)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(
            f"the file has the format {found.get('format') if isinstance(found, dict) else found!r}, expected {FORMAT!r}"
        )
    return found["content"]


def _joined(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)


class _Writer:
    """From things to JSON, the arrays gathered by name on the way."""

    def __init__(self, inside: bool = False) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.inside = inside  # among the arguments of a module, whose arrays are kept already

    def describe(self, thing: Any, place: str) -> Any:
        """What stands for a thing in JSON: itself if it is a plain value, else a dict of its kind and contents."""
        if thing is None or isinstance(thing, (bool, str)) or type(thing) in (int, float):
            return thing if type(thing) is not float or np.isfinite(thing) else {"float": repr(thing)}
        if isinstance(thing, (np.ndarray, np.generic)) and self.inside:
            return {"small": _small(np.asarray(thing), place)}
        if isinstance(thing, (np.ndarray, np.generic)):
            return {"scalar" if isinstance(thing, np.generic) else "array": self.array(np.asarray(thing), place)}
        if isinstance(thing, Module):
            return self.blueprint(thing, place) if self.inside else self.module(thing, place)
        if type(thing) in (list, tuple):
            return {type(thing).__name__: [self.describe(item, _joined(place, k)) for k, item in enumerate(thing)]}
        if isinstance(thing, Mapping):
            return {
                "dict": [[self.describe(key, place), self.describe(item, _joined(place, key))] for key, item in thing.items()]
            }
        if isinstance(thing, np.random.Generator):
            return {"generator": self.describe(thing.bit_generator.state, _joined(place, "generator"))}
        if isinstance(thing, np.dtype) or (isinstance(thing, type) and issubclass(thing, np.generic)):
            return {"dtype": np.dtype(thing).name}
        raise TypeError(f"{place or 'the thing to save'} is {thing!r}, which cannot be saved; {_ADVICE}")

    def array(self, array: np.ndarray, place: str) -> str:
        """Keep an array; returns its name."""
        _check_dtype(array, place)
        name, count = place or "array", 2
        while name in self.arrays:
            name, count = f"{place}#{count}", count + 1
        self.arrays[name] = np.array(array, order="C")
        return name

    def blueprint(self, module: Module, place: str) -> dict[str, Any]:
        """A module as its class and the arguments that it was made with."""
        args, kwargs = vars(module)["_arguments"]
        try:
            arguments = _Writer(inside=True).describe([list(args), dict(kwargs)], "")
        except TypeError as error:
            raise TypeError(f"{place or 'the model'}: an argument of {type(module).__name__}: {error}") from None
        return {"module": f"{type(module).__module__}.{type(module).__qualname__}", "arguments": arguments}

    def module(self, module: Module, place: str) -> dict[str, Any]:
        """A module with its arrays; made anew at once, so that what cannot be made from its arguments is found now."""
        described = self.blueprint(module, place)
        state, cls = module.state_dict(), type(module)
        again = _Reader({}, {cls.__name__: cls}).made(described).state_dict()
        if {name: a.shape for name, a in again.items()} != {name: a.shape for name, a in state.items()}:
            raise TypeError(
                f"{place or 'the model'}: a {cls.__name__} made anew with the same arguments has other arrays than this one, "
                "which was changed after it was made; give its __init__ arguments for that, or save model.state_dict()"
            )
        rest = {name: array for name, array in module.named_buffers() if name not in state}
        modes = [inner.training for inner in module.modules()]
        return {
            **described,
            "arrays": {name: self.array(array, _joined(place, name)) for name, array in state.items()},
            "unsaved": {
                name: _small(array, name) for name, array in rest.items() if array.dtype.kind in "iu" and array.size <= 64
            },
            "training": modes[0] if len(set(modes)) == 1 else modes,
        }


_ADVICE = "save models, arrays, numbers, strings, generators, and dicts, lists and tuples of them"


def _check_dtype(array: np.ndarray, place: str) -> None:
    if array.dtype.name not in DTYPES:
        raise TypeError(f"{place or 'the array to save'} has dtype {array.dtype}, which cannot be saved")


def _small(array: np.ndarray, place: str) -> dict[str, Any]:
    """An array as JSON."""
    _check_dtype(array, place)
    return {"dtype": array.dtype.name, "shape": array.shape, "values": array.ravel().tolist()}


def _from_small(found: dict[str, Any]) -> np.ndarray:
    return np.array(found["values"], _dtype(found["dtype"])).reshape(found["shape"])


def _dtype(name: Any) -> np.dtype:
    if name not in DTYPES:
        raise ValueError(f"the file asks for the dtype {name!r}")
    return np.dtype(name)


class _Reader:
    """From JSON to things."""

    def __init__(self, arrays: Mapping[str, np.ndarray], classes: Mapping[str, type]) -> None:
        self.arrays = arrays
        self.classes = classes

    def restore(self, found: Any) -> Any:
        """The thing that a JSON value stands for."""
        if found is None or isinstance(found, (bool, str, int, float)):
            return found
        if "module" in found:
            return self.module(found) if "arrays" in found else self.made(found)
        ((kind, content),) = found.items()
        match kind:
            case "float":
                return float(content)
            case "array":
                return self.arrays[content]
            case "scalar":
                return self.arrays[content][()]
            case "list":
                return [self.restore(item) for item in content]
            case "tuple":
                return tuple(self.restore(item) for item in content)
            case "dict":
                return {self.restore(key): self.restore(item) for key, item in content}
            case "dtype":
                return _dtype(content)
            case "generator":
                return _generator(self.restore(content))
            case "small":
                return _from_small(content)
        raise ValueError(f"the file holds a {kind!r}, which jitgrad does not save")

    def module(self, found: dict[str, Any]) -> Module:
        """A module made anew, with its arrays, buffers and modes."""
        module = self.made(found)
        own, state = module.state_dict(), {name: self.arrays[place] for name, place in found["arrays"].items()}
        module.load_state_dict(state)
        if any(own[name].dtype != array.dtype for name, array in state.items()):
            module.astype(next(array.dtype for array in state.values() if array.dtype.kind == "f"))
            module.load_state_dict(state)
        buffers = dict(module.named_buffers())
        for name, small in found["unsaved"].items():
            buffers[name][...] = _from_small(small)
        training, modules = found["training"], module.modules()
        for inner, mode in zip(modules, training if isinstance(training, list) else [training] * len(modules), strict=True):
            inner.training = bool(mode)
        return module

    def made(self, found: dict[str, Any]) -> Module:
        """A module as its class makes it from the arguments in the file."""
        name = found["module"]
        cls = self.classes.get(str(name).rpartition(".")[2]) or CLASSES.get(name)
        if cls is None or not issubclass(cls, Module):
            raise ValueError(
                f"the file asks for the class {name!r}, which is no module defined here; import the file that defines it, "
                "or pass it as in load(path, classes=[Net])"
            )
        args, kwargs = self.restore(found["arguments"])
        with init.without_random():
            return cls(*args, **kwargs)


def _generator(state: dict[str, Any]) -> np.random.Generator:
    name = state["bit_generator"]
    if name not in GENERATORS:
        raise ValueError(f"the file asks for the random generator {name!r}")
    bits = getattr(np.random, name)()
    bits.state = state
    return np.random.Generator(bits)
