"""Compiled functions: what ``jit``, ``grad`` and their like return.

At the first call with new dtypes, ranks or structure the function is traced and compiled; each later call finds that program by
what its arguments look like and runs it. Plain ndarrays go in and come out.
"""

from __future__ import annotations

import functools
import threading
import time
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

from .arguments import Instance, Static, call_spec, leaf_key, rebuild_instance
from .calling import MISS
from .collector import collector_paused
from .compiler.trace.state import STATE, current_trace
from .compiler.tree import flatten
from .program import Program, compile_traced
from .tracebacks import at_users_line, described_call

MANY = 16  # programs for values of one integer, of which a function warns


class Compiled:
    """A function that is traced and compiled when it is called, and may be called in traced functions too."""

    def __init__(
        self,
        function: Callable[..., Any],
        in_trace: Callable[..., Any],
        name: str,
        target: str = "cpu",
        static_argnums: Sequence[int] = (),
        static_argnames: Sequence[str] = (),
    ) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.in_trace = in_trace
        self.name = name
        self.target = target
        self.static_argnums = tuple(static_argnums)
        self.static_argnames = tuple(static_argnames)
        self.programs: dict[Hashable, list[Program]] = {}
        self._lock = threading.RLock()
        self._direct: Callable[..., Any] | None = None

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        direct = self._direct
        if direct is not None and STATE.trace is None:
            try:
                result = direct(*args, **kwargs)
                if result is not MISS:
                    return result
            except (TypeError, KeyError):  # arguments of another type or structure
                pass
            except Exception as error:
                if error.args != ("guard",):
                    raise self._at_users_line(error, args, kwargs)  # noqa: B904
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if current_trace() is not None:
            return self.in_trace(*args, **kwargs)
        try:
            arguments = self._wrapped(args, kwargs)
            leaves, tree = flatten(arguments)
            key = (tree, tuple(map(leaf_key, leaves)))
            latest = self.programs.get(key)
            if latest and latest[0].checked_by_driver:
                try:
                    return latest[0](leaves, arguments)
                except ValueError as error:
                    if error.args != ("guard",):
                        raise
            return self.find(key, arguments, leaves)(leaves, arguments)
        except Exception as error:
            raise self._at_users_line(error, args, kwargs)  # noqa: B904

    def _at_users_line(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
        return at_users_line(error, described_call(self.function, self.name, args, kwargs), self.programs)

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call as one pytree, for ``trace`` and ``compile``."""
        return self._wrapped(args, kwargs)

    def _wrapped(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Static arguments wrapped so that they are leaves."""
        if self.static_argnums or self.static_argnames:
            numbers = {k % len(args) for k in self.static_argnums if -len(args) <= k < len(args)}
            args = tuple(Static(a) if k in numbers else a for k, a in enumerate(args))
            kwargs = {k: Static(v) if k in self.static_argnames else v for k, v in kwargs.items()}
        return args, kwargs

    def find(self, key: Hashable, arguments: Any, leaves: list[Any]) -> Program:
        """The program for these arguments; traced and compiled if there is none."""
        program = self._match(key, leaves)
        if program is None:
            with self._lock:
                program = self._match(key, leaves)
                if program is None:
                    program = self.compile(arguments)
                    self.programs.setdefault(key, []).insert(0, program)
                    self._warn_of_many(self.programs[key])
        self._direct = program.direct
        return program

    def _warn_of_many(self, programs: list[Program]) -> None:
        """Tell where one program after another is compiled for the numbers of integers."""
        if len(programs) != MANY:
            return
        names = [programs[0].traced.names[k] for k, _ in programs[0].numbers]
        if names:
            warnings.warn(
                f"{self.name} was compiled {MANY} times, once for each value of {', '.join(names)}, since Python code that runs while it is "
                "traced depends on the number, as on the depth of a recursion; pass it in an array where the function can do without",
                stacklevel=5,
            )

    def _match(self, key: Hashable, leaves: list[Any]) -> Program | None:
        for program in self.programs.get(key, ()):
            if program.accepts(leaves):
                return program
        return None

    def compile(self, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> Program:
        """Trace and compile for arguments like these (args, kwargs)."""
        with collector_paused():
            start = time.perf_counter()
            traced = self.trace(arguments)
            return compile_traced(traced, self.target, time.perf_counter() - start)

    def trace(self, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
        """The IR function for arguments like these, and how values go in and out."""
        from .compiler.trace.trace import argument_names, trace

        leaves, tree = flatten(arguments)
        names = argument_names(self.function, *arguments, tree)
        described = call_spec(leaves, names)
        return trace(self._traced, self.name, arguments, described, names)

    def _traced(self, *args: Any, **kwargs: Any) -> Any:
        """The function as it is traced: static arguments and the instance of a method unwrapped."""
        args = tuple(a.value if isinstance(a, Static) else a for a in args)
        kwargs = {k: v.value if isinstance(v, Static) else v for k, v in kwargs.items()}
        if args and isinstance(args[0], Instance):
            return rebuild_instance(self.in_trace, args, kwargs)
        return self.in_trace(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(_bound, (self, instance))

    def __repr__(self) -> str:
        count = sum(map(len, self.programs.values()))
        return f"<jitgrad {self.name}, compiled for {count} kind{'s' * (count != 1)} of arguments>"


class CompiledModule(Compiled):
    """A callable pytree, such as a module, compiled: its arrays are arguments of the program, read anew at each call."""

    def __init__(self, module: Any, target: str, static_argnums: Sequence[int], static_argnames: Sequence[str]) -> None:
        from .compiler.trace.calls import call

        cls = type(module)
        numbers = tuple(k + 1 if k >= 0 else k for k in static_argnums)
        super().__init__(
            cls.__call__, lambda *a, **k: call(cls.__call__)(*a, **k), cls.__name__.lower(), target, numbers, static_argnames
        )
        self.module = module

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(self.module, *args, **kwargs)

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call, the module before them."""
        return super().arguments((self.module, *args), kwargs)


def _bound(pair: tuple[Compiled, Any], *args: Any, **kwargs: Any) -> Any:
    """Call a compiled method: the attributes of the instance are arguments, so that changing them is seen."""
    compiled, instance = pair
    if current_trace() is not None:
        return compiled.in_trace(instance, *args, **kwargs)
    result, changed = compiled(Instance(instance), *args, **kwargs)
    for name, value in changed.items():
        setattr(instance, name, value)
    return result


@dataclass(slots=True)
class Options:
    """What ``jit`` takes besides the function."""

    target: str = "cpu"
    static_argnums: tuple[int, ...] = field(default=())
    static_argnames: tuple[str, ...] = field(default=())
