"""One compiled program: from the leaves of the arguments to the user's result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import prepared
from .calling import direct

if TYPE_CHECKING:
    from .compiler.ir import Function
    from .compiler.trace.trace import Output, Traced


class Program:
    """A traced function with its compiled driver.

    Leaves are numbered in the order of the arguments: `taken` are those that the driver takes, `written` those that it writes
    to, `aliases` those that are the same array as an earlier one. `finish` makes the user's result of what the driver returns.
    """

    def __init__(
        self, traced: Traced, built: Any, run: Callable[..., Any], seconds: dict[str, float], checks: bool = False
    ) -> None:
        self.traced = traced
        self.built = built
        self.run = run
        self.seconds = seconds
        self.function: Function = traced.function
        self.taken = [k for k, leaf in enumerate(traced.leaves) if leaf.is_parameter]
        self.written = {k for k, _ in traced.written}
        self.numbers = [
            (k, leaf.value) for k, leaf in enumerate(traced.leaves) if leaf.kind == "static" and type(leaf.value) is int
        ]
        self.aliases = [k for k, leaf in enumerate(traced.leaves) if leaf.same is not None]
        self._donated = {self.taken.index(k): result for k, result in traced.written if traced.leaves[k].shape}
        self._finish = _finisher(traced, set(self._donated.values()))
        self.checked_by_driver = checks
        self.direct = direct(self) if checks else None

    def finish(self, raw: Any, leaves: Sequence[Any]) -> Any:
        """The user's result, of what the driver returned."""
        result = self._finish(raw, leaves)
        return result[0] if self.traced.changes else result

    def accepts(self, leaves: Sequence[Any]) -> bool:
        """Whether sizes fit the types of the parameters and the guards."""
        from .compiler.ir.sizes import evaluate, single_symbol

        sizes: dict[str, int] = {}
        traced = self.traced
        if not self._same_objects(leaves):
            return False
        for k, parameter in zip(self.taken, self.function.parameters, strict=False):
            dims = parameter.type.shape  # type: ignore[union-attr]
            for dim, size in zip(dims, np.shape(leaves[k]), strict=True):
                name = single_symbol(dim)
                if name is None:
                    if evaluate(dim, sizes) != size:
                        return False
                elif sizes.setdefault(name, size) != size:
                    return False
        if any(
            leaf.kind == "static" and not _same_static(leaf.value, value)
            for leaf, value in zip(traced.leaves, leaves, strict=True)
        ):
            return False
        return all(guard.holds(sizes) for guard in self.function.guards)

    def _same_objects(self, leaves: Sequence[Any]) -> bool:
        """Whether the same arguments are one array as when the program was traced, and ints that are parts of it the same numbers."""
        if any(leaves[k] is not leaves[self.traced.leaves[k].same] for k in self.aliases):  # type: ignore[index]
            return False
        if any(leaves[k] != number for k, number in self.numbers):
            return False
        if not self.written:
            return True
        arrays = [id(leaf) for k, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray) and k not in self.aliases]
        return len(set(arrays)) == len(arrays)

    def __call__(self, leaves: Sequence[Any], containers: Any = None) -> Any:
        """Run on the leaves of the arguments, which are of the program's types; ValueError("guard") if their sizes are not.

        What the program changes in lists, dicts and dataclasses among the arguments is changed in ``containers``, the arguments themselves.
        """
        if not self._same_objects(leaves):
            raise ValueError("guard")
        if self.traced.changes:
            from .compiler.trace.containers import make, refuse_shared

            refuse_shared(self.traced.changes, containers)
        arguments = [prepared(leaves[k]) for k in self.taken]
        if self.written or self.traced.contiguous:
            self._check_written(leaves)
        raw = self.run(*arguments, *map(prepared, self.traced.captured))
        for place in self._donated:
            original = leaves[self.taken[place]]
            if arguments[place] is not original:
                original[...] = arguments[place]
        result = self._finish(raw, leaves)
        if not self.traced.changes:
            return result
        result, values = result
        make(self.traced.changes, values, containers)
        return result

    def _check_written(self, leaves: Sequence[Any]) -> None:
        """NumPy's errors for what cannot be written to, and for overlaps that tracing did not see."""
        for k in self.traced.contiguous:
            if not leaves[k].flags.c_contiguous:
                raise ValueError(
                    f"argument {self.traced.names[k]} is not in C order; the function writes to it and reshapes it, which NumPy does on a "
                    "copy, or takes its elements in the order in which they lie in memory; pass np.ascontiguousarray(x)"
                )
        for k in self.written:
            if not leaves[k].flags.writeable:
                raise ValueError(f"argument {self.traced.names[k]} is read-only, and the function writes to it")
        self._refuse_overlaps(leaves)

    def _refuse_overlaps(self, leaves: Sequence[Any]) -> None:
        """An error where an array that is written shares memory with another argument."""
        spans = sorted((*_span(leaf), k) for k, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray) and leaf.size)
        end, latest = 0, -1
        for start, stop, k in spans:
            if start < end and leaves[k] is not leaves[latest]:
                self._refuse_overlap(leaves, [j for *_, j in spans])
                return
            if stop > end:
                end, latest = stop, k

    def _refuse_overlap(self, leaves: Sequence[Any], arrays: Sequence[int]) -> None:
        for k in sorted(self.written):
            for other in arrays:
                if leaves[other] is not leaves[k] and np.shares_memory(leaves[other], leaves[k]):
                    name = self.traced.names[k]
                    raise ValueError(
                        f"arguments {name} and {self.traced.names[other]} overlap in memory, and the function writes to "
                        f"{name}; pass a copy of one of them"
                    )


def _span(array: np.ndarray) -> tuple[int, int]:
    """The first address of an array's memory, and the one behind its last."""
    if array.flags.c_contiguous:
        start = array.__array_interface__["data"][0]
        return start, start + array.nbytes
    return np.lib.array_utils.byte_bounds(array)


def _is_leaf(traced: Traced) -> bool:
    return traced.tree.paths() == [()]


def _same_static(expected: Any, value: Any) -> bool:
    return expected is value or (type(expected) is type(value) and bool(expected == value))


def _finisher(traced: Traced, donated: set[int]) -> Callable[[Any, Sequence[Any]], Any]:
    """The function that makes the user's result of what the driver returns."""
    count = len(traced.function.results)
    returned = [k for k in range(count) if k not in donated]
    place = {result: position for position, result in enumerate(returned)}
    single = len(returned) == 1
    scalar_writes = [(k, result) for k, result in traced.written if result not in donated]
    makers = [_maker(output, place) for output in traced.outputs]
    leaf_only = _is_leaf(traced)
    unflatten = traced.tree.unflatten

    def finish(raw: Any, leaves: Sequence[Any]) -> Any:
        values = (raw,) if single else raw
        for k, result in scalar_writes:
            leaves[k][()] = values[place[result]]
        if leaf_only:
            return makers[0](values, leaves)
        return unflatten([make(values, leaves) for make in makers])

    return finish


def _maker(output: Output, place: dict[int, int]) -> Callable[[Any, Sequence[Any]], Any]:
    if output.kind == "static":
        return lambda values, leaves: output.value
    if output.kind == "argument":
        return lambda values, leaves: leaves[output.index]
    k = place[output.index]
    if output.kind == "scalar":
        kind = output.value.type
        return lambda values, leaves: kind(values[k])
    if output.kind == "python":
        cast = {"b": bool, "i": int, "f": float}[output.value.kind]
        return lambda values, leaves: cast(values[k])
    dtype = output.value
    return lambda values, leaves: values[k] if isinstance(values[k], np.ndarray) else np.array(values[k], dtype)


def compile_traced(traced: Traced, target: str, tracing: float) -> Program:
    """Run the passes, write and compile a traced function."""
    from .compiler.pipeline import build, compile_source

    taken = [k for k, leaf in enumerate(traced.leaves) if leaf.is_parameter]
    donated = {taken.index(k): result for k, result in traced.written if traced.leaves[k].shape}
    built = build(traced.function, donated, target=target)
    start = time.perf_counter()
    run = compile_source(built.emitted, target)
    seconds = {"trace": tracing, **built.seconds, "compile": time.perf_counter() - start}
    return Program(traced, built, run, seconds, checks=target == "cpu")
