"""From a Python function and its arguments to an IR function.

``trace(function, arguments)`` runs the function once. Array leaves of the arguments become parameters whose sizes are symbols
(a size of 1 stays 1), Python ints and floats become scalar parameters, everything else is static. Arrays that the
function finds outside (in its closure or globals) become parameters as well, read anew at each call. An array argument
that the function writes to is returned as an extra result.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from ..errors import DTypeError, UnsupportedError
from ..ir import ArrayType, Dim, Equation, Function, Var, symbol
from ..ir.function import substitute_sizes
from ..ir.sizes import single_symbol
from ..ir.types import BOOL, F64, I64
from ..ops import renumber
from ..tree import Tree, flatten
from . import indexing, operators
from .calls import call, has_traced
from .cells import Cell
from .containers import Contents, ItemChange, containers_of
from .context import RESERVED, UNROLL_FOR_INTS, Trace, tracing
from .dtypes import check_array, check_dtype
from .iterables import Comprehension, Indexed
from .maybe import seen
from .mutation import put_back_changes
from .outdated import Outdated
from .promotion import as_tracer
from .restoring import changed_since, contents_in, put_back, saved_contents
from .rows import present
from .tables import Mapping, returned
from .texts import Text
from .tracer import TracedSize, Tracer, new
from .unbound import Undefined, no_value, require_settled

_PARTS = (indexing, operators)  # importing them gives tracers their operations


@dataclass(frozen=True, slots=True)
class Leaf:
    """How one leaf of the arguments enters the program.

    ``kind`` is "array", "scalar" (a NumPy scalar), "int", "float", or "static"; an array that is the very object that an earlier
    leaf is has that leaf's number in ``same``.
    """

    kind: str
    dtype: np.dtype | None = None
    shape: tuple[int, ...] = ()
    value: Any = None
    same: int | None = None
    sizes: tuple[Any, ...] | None = None  # given sizes: ints and names, for specs

    @property
    def is_parameter(self) -> bool:
        """Whether the leaf is passed to the program at each call."""
        return self.kind != "static" and self.same is None


@dataclass(frozen=True, slots=True)
class Output:
    """How one leaf of the user's result is made from the program's.

    ``kind`` is "array", "scalar" (a NumPy scalar), "python" (an int, float or bool), "argument" (the caller's own array, by number of
    the leaf), or "static".
    """

    kind: str
    index: int = -1
    value: Any = None


@dataclass(frozen=True, slots=True)
class Traced:
    """An IR function and how Python values go in and come out."""

    function: Function
    leaves: tuple[Leaf, ...]
    captured: tuple[np.ndarray, ...]
    outputs: tuple[Output, ...]
    tree: Tree
    written: tuple[tuple[int, int], ...]  # (number of the argument's leaf, number of the result)
    names: tuple[str, ...]  # of the leaves, as in messages
    arguments: Tree  # the structure (args, kwargs) of the leaves
    contiguous: tuple[int, ...] = ()  # leaves that must be in C order
    changes: tuple[ItemChange, ...] = ()  # of the caller's containers; the tree is then that of (result, their values)


def classify(value: Any, name: str) -> Leaf:
    """How a leaf of the arguments enters the program; refuses arrays that hold no numbers."""
    if isinstance(value, np.ndarray):
        return Leaf("array", check_array(value, f"argument {name}"), value.shape)
    if isinstance(value, np.generic):
        if value.dtype.kind in "USO":
            return Leaf("static", value=value)
        return Leaf("scalar", check_dtype(value.dtype, f"argument {name}"))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if isinstance(value, complex):
            raise DTypeError(f"argument {name} is complex: complex numbers are not supported; pass real and imaginary parts")
        if hasattr(value, "__array__") and not isinstance(value, type):
            cls = type(value)
            raise TypeError(
                f"argument {name} is a {cls.__module__}.{cls.__qualname__}; pass a NumPy array, as in np.asarray(x)"
            )
        _check_static(value, name)
        return Leaf("static", value=value)
    if isinstance(value, int):
        if type(value) is not int:
            return Leaf("static", value=value)
        if not -(2**63) <= value < 2**63:
            raise OverflowError(f"argument {name} is {value}, which does not fit into int64")
        return Leaf("int", I64)
    return Leaf("float", F64)


def _check_static(value: Any, name: str) -> None:
    """Refuse what is a part of the program and may change without being another value."""
    try:
        hash(value)
    except TypeError:
        if not isinstance(value, (set, slice)):
            kind = type(getattr(value, "value", value)).__name__
            raise TypeError(
                f"argument {name} is a part of the program, and of type {kind}, which cannot be hashed, so that a change of it "
                "would not be seen; pass a tuple or another value that can be hashed"
            ) from None


def trace(function: Callable[..., Any], name: str, arguments: Any, leaves: Sequence[Leaf], names: Sequence[str]) -> Traced:
    """Trace ``function(*args, **kwargs)`` for arguments = (args, kwargs), whose leaves are described by ``leaves``.

    Where Python needs the number that an int among them is, as of an axis, that number becomes a part of the program. The function is
    traced anew where a ``try`` statement was not taken to catch errors of the run, and does.
    """
    refusal: UnsupportedError | None = None
    foreseen: set[Any] = set()
    needed: set[int] = set()
    while True:
        context = Trace(name)
        context.foreseen, known = foreseen, len(foreseen)
        if needed:
            context.unrolls_at_most = UNROLL_FOR_INTS
        try:
            traced = _trace(context, function, arguments, leaves, names)
            if len(foreseen) == known:
                return traced
            put_back_changes(context.root)  # objects that the function found outside of itself
        except BaseException as error:
            put_back_changes(context.root)
            if not isinstance(error, UnsupportedError):
                raise
            if len(foreseen) > known:
                continue
            refusal = refusal or error
            if not context.wanted <= foreseen:
                foreseen |= context.wanted
                continue
            if context.needed <= needed:
                raise refusal from None
            needed |= context.needed
            values, _ = flatten(arguments)
            leaves = [Leaf("static", value=values[k]) if k in needed else leaf for k, leaf in enumerate(leaves)]


def _trace(
    context: Trace, function: Callable[..., Any], arguments: Any, leaves: Sequence[Leaf], names: Sequence[str]
) -> Traced:
    _, tree = flatten(arguments)
    with tracing(context):
        parameters, inputs = _enter(context, leaves, names)
        args, kwargs = tree.unflatten(inputs)
        contents = Contents((args, kwargs))
        static = {name: leaf.value for leaf, name in zip(leaves, names, strict=True) if leaf.kind == "static"}
        with unchanged(static), contents.followed():
            result = call(function)(*args, **kwargs)
        changes, values = contents.changes()
        result = _with_present_lists(result)
        _refuse_iterators(result)
        for _, thing in containers_of((result, args, kwargs)):
            require_settled(thing)
        traced = _leave(context, (result, values) if changes else result, leaves, names, parameters, inputs, tree)
        return replace(traced, changes=tuple(changes))


@contextmanager
def unchanged(things: dict[str, Any]) -> Iterator[None]:
    """Refuse that objects which are parts of the program, by name, get values that only one call has; they are left as they were."""
    things = {name: getattr(thing, "value", thing) for name, thing in things.items()}  # of what jit was told is static
    saved = {name: saved_contents(thing) for name, thing in things.items() if not callable(thing)}
    try:
        yield
        for name, contents in saved.items():
            for thing, before in changed_since(contents):
                if _depends_on_call(contents_in(thing), before):
                    raise UnsupportedError(
                        f"the function changes argument {name}, of class {type(things[name]).__name__}, which is a part of the program, so that "
                        "later calls would not change it; make the class a dataclass, whose fields are arguments, or return what is new"
                    )
    except BaseException:
        for contents in saved.values():
            put_back(contents)
        raise


def _depends_on_call(after: Any, before: Any) -> bool:
    """Whether the contents of an object have got traced values, or other numbers; what is put there for later calls to find is neither."""
    if isinstance(before, dict):
        pairs = [(before.get(key), after.get(key)) for key in {*before, *after}]
    else:
        pairs = list(zip_longest(before, after))
    return any(a is not b and (has_traced(b) or isinstance(a, (int, float, np.generic))) for a, b in pairs)


def _enter(context: Trace, leaves: Sequence[Leaf], names: Sequence[str]) -> tuple[dict[int, Var], list[Any]]:
    """Make the parameters; returns them by leaf, and the leaves as the function sees them."""
    parameters: dict[int, Var] = {}
    inputs: list[Any] = []
    for k, (leaf, name) in enumerate(zip(leaves, names, strict=True)):
        if leaf.kind == "static":
            inputs.append(leaf.value)
            continue
        if leaf.same is not None:
            inputs.append(inputs[leaf.same])
            continue
        assert leaf.dtype is not None
        shape = _symbolic_shape(context, leaf, name)
        var = context.root.builder.parameter(identifier(name), ArrayType(leaf.dtype, shape))
        parameters[k] = var
        inputs.append(_input(context, leaf, k, var, name))
    return parameters, inputs


def _symbolic_shape(context: Trace, leaf: Leaf, name: str) -> tuple[Dim, ...]:
    if leaf.sizes is not None:
        return tuple(_given_size(context, size, hint) for size, hint in zip(leaf.sizes, leaf.shape, strict=True))
    letters = "nmkpq"
    return tuple(
        1 if size == 1 else context.sizing.axis(letters[axis] if axis < 5 else "d", size)
        for axis, size in enumerate(leaf.shape)
    )


def _given_size(context: Trace, size: Any, hint: int) -> Dim:
    """A size of a spec: a number, or a name that may occur several times."""
    if isinstance(size, int):
        return size
    if size not in context.sizing.hints:
        return context.sizing.axis(size, hint)
    return symbol(size)


def _input(context: Trace, leaf: Leaf, k: int, var: Var, name: str) -> Tracer:
    if leaf.kind == "array":
        return Tracer(Cell(var, context.root, name), var.type)  # type: ignore[arg-type]
    if leaf.kind == "int":
        context.integers[var.name] = k
    tracer = new(var, weak=leaf.kind in ("int", "float"))
    tracer.name = identifier(name)
    tracer.cell.argument = name
    return tracer


def identifier(name: str) -> str:
    """A name for a parameter made from the path of a leaf: ``params['w1']`` becomes ``params_w1``."""
    kept = "".join(c if c.isalnum() or c == "_" else " " for c in name)
    text = "_".join(kept.split())
    return text if text.isidentifier() else f"v_{text}"


def _leave(
    context: Trace, result: Any, leaves: Sequence[Leaf], names: Sequence[str], parameters: dict[int, Var],
    inputs: list[Any], arguments: Tree,
) -> Traced:  # fmt: skip
    """Gather the results and close the function."""
    found, tree = flatten(seen(result))
    results: list[Var] = []
    outputs = [_output(value, results, inputs, leaves) for value in found]
    written = []
    for k, var in parameters.items():
        tracer = inputs[k]
        if leaves[k].kind == "array" and tracer.cell.value is not var:
            written.append((k, len(results)))
            results.append(tracer.cell.value)
    builder = context.root.builder
    function = Function(
        identifier(context.function_name), tuple(builder.parameters), tuple(builder.equations), tuple(results),
        tuple(builder.guards),
    )  # fmt: skip
    captured = tuple(array for array, _ in context.captured_arrays.values())
    _refuse_written_captures(context)
    contiguous = tuple(k for k in parameters if inputs[k].cell.ordered)
    return Traced(unify(renumber(tidy(function))), tuple(leaves), captured, tuple(outputs), tree, tuple(written), tuple(names),
                  arguments, contiguous)  # fmt: skip


def tidy(function: Function) -> Function:
    """Names without the numbers that tracing gave them, wherever regions and symbols stay apart without."""
    symbols: dict[str, Dim] = {}
    taken: set[str] = set()
    for name in [*_symbols_in_order(function), *(e["symbol"] for e in function.walk() if e.get("symbol") is not None)]:
        if name not in symbols:
            symbols[name] = symbol(_fresh(name, taken))
    renamed = substitute_sizes(function, symbols)
    return renamed.replace(equations=tuple(_tidy_equation(e, symbols) for e in renamed.equations))


def _tidy_equation(equation: Equation, symbols: dict[str, Dim]) -> Equation:
    bound = equation.get("symbol")
    if bound is not None:
        attributes = tuple((k, str(symbols[bound]) if k == "symbol" else v) for k, v in equation.attributes)
        equation = equation.replace(attributes=attributes)
    return equation.replace(regions=tuple(_tidy_region(region, symbols) for region in equation.regions))


def _tidy_region(region: Function, symbols: dict[str, Dim]) -> Function:
    taken: set[str] = set()
    names = {p.name: _fresh(p.name, taken) for p in region.parameters}
    region = region.replace(equations=tuple(_tidy_equation(e, symbols) for e in region.equations))
    return renumber(region, lambda name: names[name])


def _fresh(name: str, taken: set[str]) -> str:
    """The name without its number, or with the next that is free."""
    base = re.sub(r"(_\d+)+$", "", name) or name
    candidate, number = base, 1
    while candidate in taken or candidate in RESERVED:
        number += 1
        candidate = f"{base}_{number}"
    taken.add(candidate)
    return candidate


def _refuse_written_captures(context: Trace) -> None:
    for _, tracer in context.captured_arrays.values():
        if tracer.cell.value not in context.root.builder.parameters:
            raise TypeError(
                f"{context.function_name} writes to an array that it found outside of itself; pass the array as an argument, "
                "or write to a copy made in the function with np.array(...)"
            )


def _with_present_lists(value: Any) -> Any:
    """What is returned, with the lists in it that others have taken the place of."""
    value = present(returned(value))
    if isinstance(value, Mapping):
        return Mapping(value.kind, _with_present_lists(value.keys), _with_present_lists(value.values))
    if type(value) is tuple:
        return tuple(map(_with_present_lists, value))
    if type(value) in (list, dict):
        for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
            value[key] = _with_present_lists(part)
    return value


def _refuse_iterators(result: Any) -> None:
    """A range of the program, or an iterator, which would go on from one call to the next, is nothing that it can hand over."""
    is_pythons = isinstance(result, Iterator) and type(result).__module__ in ("builtins", "itertools")
    if is_pythons or isinstance(result, (Indexed, Comprehension)):
        raise TypeError("a traced function returns a range or an iterator; make an array or a list of it")
    if isinstance(result, (list, tuple, dict)):
        for item in result.values() if isinstance(result, dict) else result:
            _refuse_iterators(item)


def _output(value: Any, results: list[Var], inputs: list[Any], leaves: Sequence[Leaf]) -> Output:
    require_settled([value])
    if isinstance(value, Text):
        hash(value)  # says that it is not known now
    if isinstance(value, Undefined):
        raise no_value(value.name)
    if isinstance(value, Outdated):
        raise value.error()
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        value = as_tracer(value)
    if isinstance(value, TracedSize):
        value = as_tracer(value)
    if not isinstance(value, Tracer):
        return Output("static", value=value)
    for k, leaf in enumerate(leaves):
        if leaf.kind == "array" and isinstance(inputs[k], Tracer) and inputs[k].cell is value.cell and not value.views:
            return Output("argument", leaf.same if leaf.same is not None else k)
    results.append(value.value)
    kind = "python" if value.weak else "scalar" if value.is_scalar else "array"
    return Output(kind, len(results) - 1, value.type.dtype)


def unify(function: Function) -> Function:
    """Write sizes that guards say are equal as one symbol, or number."""
    while found := _equalities(function):
        function = substitute_sizes(function, found)
    return without_identities(function)


def without_identities(function: Function) -> Function:
    """Drop the ``assume_shape`` equations that have come to say nothing."""
    known: dict[Var, Var] = {}
    equations = []
    for equation in function.equations:
        operands = tuple(known.get(v, v) for v in equation.operands)
        if equation.op == "assume_shape" and operands[0].type == equation.result.type:
            known[equation.result] = operands[0]
            continue
        regions = tuple(without_identities(region) for region in equation.regions)
        equations.append(equation.replace(operands=operands, regions=regions))
    return renumber(function.replace(equations=tuple(equations), results=tuple(known.get(v, v) for v in function.results)))


def _equalities(function: Function) -> dict[str, Dim]:
    """What symbols equal by guards: earlier symbols or numbers, as replacements that do not build on each other."""
    order = {name: k for k, name in enumerate(_symbols_in_order(function))}
    found: dict[str, Dim] = {}
    used: set[str | None] = set()
    for guard in function.guards:
        if guard.relation != "==":
            continue
        for left, right in ((guard.left, guard.right), (guard.right, guard.left)):
            name, other = single_symbol(left), single_symbol(right)
            if name is None or name not in order or name in found or name in used or other in found:
                continue
            if isinstance(right, int) or (other is not None and order.get(other, 0) < order[name]):
                found[name] = right
                used.add(other)
                break
    return found


def _symbols_in_order(function: Function) -> list[str]:
    names: list[str] = []
    for parameter in function.parameters:
        for dim in parameter.type.shape:  # type: ignore[union-attr]
            name = single_symbol(dim)
            if name is not None and name not in names:
                names.append(name)
    return names


def argument_names(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], tree: Tree) -> list[str]:
    """The user's name for each leaf of the arguments: ``params['w1']``."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += [f"{parameter.name}[{k}]" for k in range(len(args))]
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            positional.append(parameter.name)
    positional += [f"argument_{k}" for k in range(len(positional), len(args))]
    names = []
    for where, first, *rest in tree.paths():
        base = positional[first] if where == 0 else str(first)
        names.append(base + "".join(f"[{key!r}]" if not _is_field(key) else f".{key}" for key in rest))
    return names


def _is_field(key: Any) -> bool:
    return False


__all__ = ["BOOL", "Leaf", "Output", "Traced", "argument_names", "classify", "trace"]
