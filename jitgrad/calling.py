"""The shortest way from a call to its program: a Python function written for one program and one structure of arguments.

In: a program, and the structure of the arguments that it was traced with. Out: a function with the user's arguments, which looks
at their structure and types, passes the leaves to the driver and builds the result, with no pytree library in between; for
arguments of another kind it returns ``MISS``. dtypes, ranks and layouts are the driver's to check, sizes too.

    >>> import jitgrad as jg, numpy as np
    >>> from jitgrad.calling import source
    >>> loss = jg.value_and_grad(lambda params, x: np.sum(params["w"] * x))
    >>> _ = loss({"w": np.ones(3)}, np.ones(3))
    >>> [program] = loss.programs[next(iter(loss.programs))]
    >>> print(source(program)[0])
    def call(a0, a1):
        if type(a0) is not dict or len(a0) != 1:
            return MISS
        v0 = a0[c0]
        if type(v0) is not ndarray or type(a1) is not ndarray:
            return MISS
        r0, r1 = run(v0, a1)
        return (float64(r0), {c0: r1})
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import Static, has_contents, prepared
from .compiler.tree import NODES

if TYPE_CHECKING:
    from .compiler.trace.trace import Leaf, Output
    from .program import Program

MISS = object()
"""What a direct call returns for arguments that its program does not take."""

_TYPES = {cls.__name__: cls for cls in (dict, list, tuple, bool, int, float, np.ndarray, *np.sctypeDict.values())}
_NAMES = {*_TYPES, "MISS", "run", "program", "len", "type"}
_OURS = re.compile(r"[acrv]\d+")
_CASTS = {"b": bool, "i": int, "f": float}


class _Unsupported(Exception):
    """The arguments or results have a structure that only the pytree library knows."""


def direct(program: Program) -> Callable[..., Any] | None:
    """The function that calls a program; None where the program or its structure needs the long way."""
    try:
        text, names = source(program)
    except _Unsupported:
        return None
    exec(compile(text, "<jitgrad call>", "exec"), names)
    return names["call"]  # type: ignore[no-any-return]


def source(program: Program) -> tuple[str, dict[str, Any]]:
    """The text of the function, and the names that it finds outside of itself."""
    writer = _Writer(program)
    return writer.text(), writer.names


class _Place:
    """A leaf of a structure, by number."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Writer:
    def __init__(self, program: Program) -> None:
        self.program, self.traced = program, program.traced
        self.names: dict[str, Any] = {"MISS": MISS, "run": program.run, "program": program, "len": len, "type": type}
        self.constants: dict[int, str] = {}
        self.lines: list[str] = []
        self.tests: list[str] = []
        self.variables: dict[int, str] = {}
        self.fresh = 0

    def text(self) -> str:
        if self.traced.changes:
            raise _Unsupported
        arguments = self.traced.arguments
        args, kwargs = arguments.unflatten([_Place(k) for k in range(arguments.count)])
        if any(
            not name.isidentifier() or keyword.iskeyword(name) or name in _NAMES or _OURS.fullmatch(name) for name in kwargs
        ):
            raise _Unsupported
        header = [f"a{k}" for k in range(len(args))] + ["*"] * bool(kwargs) + list(kwargs)
        for name, value in [*zip(header, args, strict=False), *((name, value) for name, value in kwargs.items())]:
            self.take_apart(name, value)
        for k, leaf in enumerate(self.traced.leaves):  # once all have names: dicts hold them in the user's order
            if leaf.same is not None:
                self.tests.append(f"{self.variables[k]} is not {self.variables[leaf.same]}")
        self.flush()
        self.call()
        return "\n".join([f"def call({', '.join(header)}):", *(f"    {line}" for line in self.lines)])

    def take_apart(self, name: str, value: Any) -> None:
        """Lines that look at a value, whose structure is that of ``value``, and name its leaves."""
        cls = type(value)
        if cls is _Place:
            self.leaf(name, value.number)
        elif value is None:
            self.tests.append(f"{name} is not None")
        elif cls is dict:
            self.test(f"type({name}) is not dict or len({name}) != {len(value)}")
            self.children({f"{name}[{self.constant(key)}]": child for key, child in value.items()})
        elif cls in (tuple, list) or _is_named_tuple(cls):
            self.test(f"type({name}) is not {self.type_name(cls)} or len({name}) != {len(value)}")
            self.children({f"{name}[{k}]": child for k, child in enumerate(value)})
        elif cls in NODES:
            self.registered(name, value)
        else:
            raise _Unsupported

    def registered(self, name: str, value: Any) -> None:
        """Lines for a node of a registered class: its own function takes it apart."""
        children, data, *_ = NODES[type(value)].take_apart(value)
        parts, found = self.variable(), self.variable()
        self.test(f"type({name}) is not {self.type_name(type(value))}")
        self.lines.append(f"{parts}, {found}, _ = {self.constant(NODES[type(value)].take_apart)}({name})")
        self.test(f"{found} != {self.constant(data)} or len({parts}) != {len(children)}")
        self.children({f"{parts}[{k}]": child for k, child in enumerate(children)})

    def children(self, parts: dict[str, Any]) -> None:
        names = [self.variable() for _ in parts]
        self.lines += [f"{name} = {part}" for name, part in zip(names, parts, strict=True)]
        for name, child in zip(names, parts.values(), strict=True):
            self.take_apart(name, child)

    def leaf(self, name: str, number: int) -> None:
        """A test of the type of a leaf, of its value where it is static."""
        leaf: Leaf = self.traced.leaves[number]
        self.variables[number] = name
        if leaf.kind == "static":
            self.static(name, leaf.value.value if isinstance(leaf.value, Static) else leaf.value)
        elif leaf.kind == "array":  # the same array as another leaf is tested last
            self.tests.append(f"type({name}) is not {self.type_name(np.ndarray)}")
        else:
            assert leaf.dtype is not None
            cls = {"int": int, "float": float}.get(leaf.kind, leaf.dtype.type)
            self.tests.append(f"type({name}) is not {self.type_name(cls)}")

    def static(self, name: str, value: Any) -> None:
        if has_contents(value):
            raise _Unsupported
        known = self.constant(value)
        other = f"type({name}) is not {self.type_name(type(value))} or {name} != {known}"
        self.tests.append(f"{name} is not {known}" + (f" and ({other})" if isinstance(value, Hashable) else ""))

    def call(self) -> None:
        """The lines that run the program and build its result."""
        traced = self.traced
        if traced.written or traced.contiguous:
            leaves = ", ".join(self.variables[k] for k in range(len(traced.leaves)))
            self.lines.append(f"return program([{leaves}])")
            return
        taken = [self.argument(k) for k, leaf in enumerate(traced.leaves) if leaf.is_parameter]
        taken += [self.captured(array) for array in traced.captured]
        results = [f"r{k}" for k in range(len(traced.function.results))]
        target = f"{', '.join(results)} = " if results else ""
        run = f"run({', '.join(taken)})"
        built = self.build(traced.tree.unflatten([_Place(k) for k in range(traced.tree.count)]))
        if built == "r0" and len(results) == 1:
            self.lines.append(f"return {run}")
        else:
            self.lines += [f"{target}{run}", f"return {built}"]

    def argument(self, number: int) -> str:
        leaf = self.traced.leaves[number]
        return f"{self.variables[number]}[()]" if leaf.kind == "array" and not leaf.shape else self.variables[number]

    def captured(self, array: np.ndarray) -> str:
        """An array that the function found outside of itself, which is passed as it is."""
        if array.ndim and prepared(array) is not array:
            raise _Unsupported
        return self.constant(array) if array.ndim else f"{self.constant(array)}[()]"

    def build(self, value: Any) -> str:
        """An expression of the structure of ``value``."""
        cls = type(value)
        if cls is _Place:
            return self.output(self.traced.outputs[value.number])
        if value is None:
            return "None"
        if cls is dict:
            return "{" + ", ".join(f"{self.constant(key)}: {self.build(child)}" for key, child in value.items()) + "}"
        if cls is list:
            return f"[{', '.join(map(self.build, value))}]"
        if cls is tuple:
            return f"({', '.join(map(self.build, value))}{',' * (len(value) == 1)})"
        if _is_named_tuple(cls):
            return f"{self.type_name(cls)}({', '.join(map(self.build, value))})"
        if cls in NODES:
            children, data, *_ = NODES[cls].take_apart(value)
            return f"{self.constant(NODES[cls].put_together)}({self.constant(data)}, [{', '.join(map(self.build, children))}])"
        raise _Unsupported

    def output(self, output: Output) -> str:
        if output.kind == "static":
            return self.constant(output.value)
        if output.kind == "argument":
            return self.variables[output.index]
        name = f"r{output.index}"
        if output.kind == "scalar":
            return f"{self.type_name(output.value.type)}({name})"
        if output.kind == "python":
            return f"{self.type_name(_CASTS[output.value.kind])}({name})"
        if self.traced.function.results[output.index].type.shape:  # type: ignore[union-attr]
            return name
        return f"{self.constant(np.array)}({name}, {self.constant(output.value)})"

    def test(self, condition: str) -> None:
        """Return MISS if a condition holds; earlier tests come first."""
        self.flush()
        self.lines += [f"if {condition}:", "    return MISS"]

    def flush(self) -> None:
        """Write the tests of leaves gathered so far as one."""
        if self.tests:
            tests, self.tests = self.tests, []
            self.test(" or ".join(tests))

    def variable(self) -> str:
        self.fresh += 1
        return f"v{self.fresh - 1}"

    def constant(self, value: Any) -> str:
        """A name for a value."""
        if id(value) not in self.constants:
            self.constants[id(value)] = f"c{len(self.constants)}"
            self.names[self.constants[id(value)]] = value
        return self.constants[id(value)]

    def type_name(self, cls: type) -> str:
        """A class by its own name where everyone knows it."""
        if _TYPES.get(cls.__name__) is not cls:
            return self.constant(cls)
        self.names[cls.__name__] = cls
        return cls.__name__


def _is_named_tuple(cls: type) -> bool:
    return issubclass(cls, tuple) and cls.__base__ is tuple and hasattr(cls, "_fields")
