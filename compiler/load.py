"""From the text of an emitted module to a compiled function.

In: source text that defines numba kernels and one driver that calls them, the driver's name, the types of its
parameters. Out: a callable of exactly these types.

    >>> import numpy as np
    >>> source = '''
    ... import numpy as np
    ... from numba import njit
    ...
    ... @njit(error_model="numpy")
    ... def double(out, x):
    ...     for i in range(x.size):
    ...         out[i] = 2.0 * x[i]
    ...
    ... @njit(error_model="numpy")
    ... def run(x):
    ...     out = np.empty(x.size)
    ...     double(out, x)
    ...     return out
    ... '''
    >>> run = load(source, "run", ("f64[::1]",))
    >>> run(np.ones(3))
    array([2., 2., 2.])

A parameter is a dtype of the IR (`f64`, `i32`, `u8`, `b1`, `c128`), alone for a scalar; followed by `[]`, `[:]` or
`[:, :]` for an aligned array of any strides; with `::1` last for a C-contiguous one, as in `f64[:, ::1]`; after
`readonly` for an array that nobody writes to. Any strides take a contiguous array too, and `readonly` a writable one;
nothing else is converted. Subclasses of ndarray count as arrays: whoever calls looks out for masked ones.

Each function of the module is compiled by itself and kept under a digest of its own text and of what it refers to, so
programs share kernels, in one process and on disk. The text itself is kept beside, under the file name that tracebacks
show. A kernel must be given no memory under two names if it writes there: LLVM takes that for granted. The module must
import nothing but numba, NumPy, the standard library and `jitgrad.compiler.runtime`: other files are not
part of the digest. With NUMBA_DISABLE_JIT=1 the driver runs as plain Python.
"""

import ast
import hashlib
import linecache
import re
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .store import write_source
from .syntax import parse_module

if TYPE_CHECKING:
    from numba import types

_programs: dict[tuple[str, str, tuple[str, ...]], Callable[..., Any]] = {}
_locks: dict[tuple[str, str, tuple[str, ...]], threading.Lock] = {}

_PARAMETER = re.compile(r"(?P<readonly>readonly )?(?P<dtype>[a-z]+\d+)(\[(?P<axes>(:(, :)*)?|(:, )*::1)\])?")
_KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex"}


def load(source: str, entry: str, signature: tuple[str, ...]) -> Callable[..., Any]:
    """The function `entry` of the module `source`, compiled for parameters of the types in `signature`.

    Compiles at most once per process, whatever the number of threads, and not at all once it is on disk. Raises
    ValueError for a malformed signature; whatever numba says about the source goes through.
    """
    request = (source, entry, signature)
    if (program := _programs.get(request)) is not None:
        return program
    with _locks.setdefault(request, threading.Lock()):
        if request not in _programs:
            _programs[request] = _link_or_compile(*request)
        return _programs[request]


def parse_parameter(text: str) -> "types.Type":
    """The numba type that a parameter's text stands for."""
    from numba import types

    if (match := _PARAMETER.fullmatch(text)) is None:
        raise ValueError(f"{text!r} is not a parameter type; write for example 'f64', 'f64[:, ::1]' or 'readonly i32[:]'")
    dtype = _parse_dtype(match["dtype"])
    if (axes := match["axes"]) is None:
        return dtype
    layout = "C" if axes.endswith("1") or not axes else "A"
    return types.Array(dtype, axes.count(",") + bool(axes), layout, readonly=match["readonly"] is not None)


def _parse_dtype(name: str) -> "types.Type":
    from numba import types

    if name == "b1":
        return types.boolean
    dtype = getattr(types, _KINDS.get(name[0], "") + name[1:], None)
    if not isinstance(dtype, types.Number):
        raise ValueError(f"{name!r} is not a dtype; known are b1, i8 to i64, u8 to u64, f32, f64, c64 and c128")
    return dtype


def _link_or_compile(source: str, entry: str, signature: tuple[str, ...]) -> Callable[..., Any]:
    import numba

    if numba.config.DISABLE_JIT:
        return execute(source, f"{entry}-plain.py")[entry]
    from .runtime import elementary
    from .runtime.linking import Program, adopt, compile_program, link_entry
    from .runtime.memory import keep_freed_memory
    from .runtime.objects import entry_key

    elementary.register()
    keep_freed_memory()
    parameters = tuple(map(parse_parameter, signature))
    digest = _digest([entry, source])
    compiled = link_entry(entry_key(digest, parameters))
    if compiled is None:
        namespace = execute(source, f"{entry}-{digest[:16]}.py")
        tree = parse_module(source)
        for name, kernel_digest in _kernel_digests(tree).items():
            adopt(namespace[name], kernel_digest, python_callable=False, keeps_apart=True)
        adopt(namespace[entry], digest, python_callable=True, has_loops=_has_loops(tree, entry))
        compiled = compile_program(namespace[entry], parameters)
    return Program(compiled)


def _has_loops(module: ast.Module, name: str) -> bool:
    """Whether a function of the module has loops of its own."""
    (function,) = (node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return any(isinstance(node, ast.For | ast.While | ast.comprehension) for node in ast.walk(function))


def execute(source: str, file_name: str) -> dict[str, Any]:
    """The module's names, compiled under the path of a real file, or of one that only linecache knows."""
    path = str(write_source(file_name, source) or f"<jitgrad {file_name}>")
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    namespace: dict[str, Any] = {"__name__": "jitgrad.program", "__file__": path}
    exec(compile(source, path, "exec"), namespace)
    return namespace


def _kernel_digests(module: ast.Module) -> dict[str, str]:
    """A digest per function of the module: of its code, and of all at the module's top level that it refers to."""
    statements = {name: node for node in module.body for name in _bound_names(node)}
    functions = [name for name, node in statements.items() if isinstance(node, ast.FunctionDef)]
    return {name: _digest(ast.unparse(node) for node in _reached(name, statements)) for name in functions}


def _reached(name: str, statements: dict[str, ast.stmt]) -> Iterable[ast.stmt]:
    """The statement that binds `name`, and those that bind what it refers to, directly or not."""
    waiting, seen = [name], {}
    while waiting:
        found = waiting.pop()
        if found in statements and found not in seen:
            seen[found] = statements[found]
            waiting += [node.id for node in ast.walk(statements[found]) if isinstance(node, ast.Name)]
    return seen.values()


def _bound_names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
