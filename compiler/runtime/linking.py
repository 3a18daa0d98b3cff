"""From numba functions to programs that outlive the process.

In: numba dispatchers, each with a digest of all its meaning depends on. Out: a `Program`, linked from objects that were
compiled now, earlier in this process, or by another process of this user.
"""

import functools
import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import _dispatcher, types
from numba.core import errors
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult, compile_result
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.environment import Environment
from numba.core.funcdesc import FunctionDescriptor
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.runtime import rtsys
from numba.core.serialize import dumps
from numba.core.typeconv.rules import default_type_manager
from numba.core.typing import Signature
from numba.core.typing.typeof import Purpose, typeof
from numba.np.numpy_support import from_dtype, map_layout

from ..store import read_entry, write_entry
from .liveness import quick_liveness
from .machine import MachineCode, has_thread, in_a_thread, is_defined
from .objects import ObjectCompiler, ObjectLibrary, entry_key
from .passing import ObjectContext

_linked: dict[str, CompileResult] = {}
"""What this process already holds, by key: machine code is never unloaded, and never loaded twice."""

_compiled: list[CompileResult] = []
"""What has been compiled and is not in the above yet: LLVM may still be at work on it."""


class Program(_dispatcher.Dispatcher):
    """A compiled driver: takes arguments of its types, by position or name, and converts none; TypeError otherwise."""

    def __init__(self, compiled: CompileResult) -> None:
        descriptor = compiled.fndesc
        super().__init__(
            default_type_manager.get_pointer(), len(descriptor.args), True, descriptor.args, (), False, False, True
        )
        self.__name__ = self.__qualname__ = descriptor.qualname
        self.__code__ = (lambda: None).__code__.replace(co_name=descriptor.qualname)  # profilers ask for it
        self.compiled = compiled
        self._insert([parameter._code for parameter in compiled.signature.args], compiled.entry_point, False)
        self._accepted: list[list[types.Type]] = []  # numba forgets the number of a type that nobody holds
        self._can_compile = False

    def typeof_pyval(self, value: object) -> types.Type:
        """The numba type of an argument that numba's C code has not met yet."""
        if type(value) is np.ndarray and not value.dtype.hasobject:  # numba's own way imports numpy.ma first: 0.04 s
            return _type_of_array(value)
        try:
            return typeof(value, Purpose.argument) or types.pyobject
        except (errors.NumbaValueError, ValueError):
            return types.pyobject

    def _explain_matching_error(self, *arguments: object) -> None:
        found = ", ".join(str(self.typeof_pyval(argument)) for argument in arguments)
        expected = ", ".join(map(str, self.compiled.signature.args))
        raise TypeError(f"{self.__name__}: compiled for ({expected}), called with ({found})")

    def _search_new_conversions(self, *arguments: object) -> bool:
        """Whether arguments that fit no known types fit after all; numba's C code then looks again."""
        found = [self.typeof_pyval(argument) for argument in arguments]
        fits = all(map(_takes, self.compiled.signature.args, found))
        if fits:
            self._insert([kind._code for kind in found], self.compiled.entry_point, False)
            self._accepted.append(found)
        return fits


def _type_of_array(array: np.ndarray) -> types.Type:
    try:
        dtype = from_dtype(array.dtype)
    except errors.NumbaNotImplementedError:
        return types.pyobject
    flags = array.flags
    return types.Array(dtype, array.ndim, map_layout(array), readonly=not flags.writeable, aligned=flags.aligned)


def _takes(parameter: types.Type, found: types.Type) -> bool:
    """Equal, or an array that promises more: contiguous where any strides will do, writable where nobody writes."""
    if not isinstance(parameter, types.Array) or not isinstance(found, types.Array):
        return parameter == found
    layout = "A" if parameter.layout == "A" else found.layout
    readonly = not (parameter.mutable and found.mutable)
    return found.copy(layout=layout, readonly=readonly) == parameter


class Frozen(NamedTuple):
    """A compiled function as it is pickled."""

    descriptor: FunctionDescriptor
    signature: Signature
    code: MachineCode
    callees: tuple[str, ...]
    preparations: tuple[Callable[[], None], ...]
    environments: tuple[tuple[str, tuple[object, ...]], ...]


class EntryCache(NullCache):
    """What a dispatcher asks before it compiles, and tells after: this process first, then the disk."""

    def __init__(self, digest: str) -> None:
        self.digest = digest

    def load_overload(self, parameters: Sequence[types.Type], target: Any) -> CompileResult | None:
        return link_entry(entry_key(self.digest, parameters))

    def save_overload(self, parameters: Sequence[types.Type], compiled: CompileResult) -> None:
        _compiled.append(compiled)
        if not has_thread():
            _keep_compiled()


def compile_program(driver: Dispatcher, parameters: tuple[types.Type, ...]) -> CompileResult:
    """Compile a driver and all that it calls, with LLVM in a thread of its own."""
    with global_compiler_lock:
        try:
            with in_a_thread(), quick_liveness():
                driver.compile(parameters)
        finally:
            _keep_compiled()
        return _linked[driver.overloads[parameters].library.key]


def _keep_compiled() -> None:
    """Link what was compiled as though it came from the disk, and put it there."""
    while _compiled:
        compiled = _compiled.pop(0)
        library, frozen = compiled.library, _freeze(compiled)
        _linked[library.key] = _thaw(library, frozen)
        if not library.has_dynamic_globals:
            write_entry(library.key, dumps(frozen))


def adopt(
    dispatcher: Dispatcher, digest: str, python_callable: bool, has_loops: bool = True, keeps_apart: bool = False
) -> None:
    """Have numba compile `dispatcher` as described above; only a driver needs to be called from Python.

    One that keeps apart is given no memory twice, if it writes there: LLVM then need not look at run time whether its arrays overlap.
    """
    dispatcher.py_func.__digest__ = digest
    dispatcher.py_func.__has_loops__ = has_loops
    dispatcher.py_func.__keeps_apart__ = keeps_apart
    dispatcher.targetoptions.update(no_cfunc_wrapper=True, no_cpython_wrapper=not python_callable)
    dispatcher._compiler.pipeline_class = ObjectCompiler
    dispatcher._cache = EntryCache(digest)
    dispatcher.targetctx = ObjectContext.of(dispatcher.targetctx)
    dispatcher.get_call_template = functools.partial(_call_template, dispatcher)  # type: ignore[method-assign]


def _call_template(dispatcher: Dispatcher, args: Sequence[types.Type], kws: Mapping[str, types.Type]) -> Any:
    """As numba's own, but for types alone: numba compiles a function anew for each number or truth value it is called with."""
    plain = {name: types.unliteral(kind) for name, kind in kws.items()}
    return CPUDispatcher.get_call_template(dispatcher, tuple(map(types.unliteral, args)), plain)


def kernel(function: Callable[..., Any], allocates: bool = False) -> Dispatcher:
    """Decorate a function of the runtime that is compiled once and called by symbol, as an emitted kernel is.

    One that makes no arrays counts no references to them either: in a function that calls others that costs 40 ns.
    """
    dispatcher = CPUDispatcher(function, targetoptions={"nopython": True, "error_model": "numpy", "_nrt": allocates})
    adopt(dispatcher, f"{function.__module__}.{function.__qualname__}", python_callable=False)
    return dispatcher


def stands_for(function: Callable[..., Any], allocates: bool = False) -> Callable[[Callable[..., Any]], Dispatcher]:
    """Decorate the kernel that compiled code runs where it calls the plain Python `function`."""

    def register(implementation: Callable[..., Any]) -> Dispatcher:
        dispatcher = kernel(implementation, allocates)
        cpu_target.typing_context.insert_global(function, types.Dispatcher(dispatcher))
        return dispatcher

    return register


@global_compiler_lock
def link_entry(key: str) -> CompileResult | None:
    """The function of this key with all it calls, from this process or the disk; None if any of it is missing."""
    if key not in _linked:
        frozen = _read_frozen(key)
        if frozen is None or any(link_entry(callee) is None for callee in frozen.callees):
            return None
        rtsys.initialize(cpu_target.target_context)
        for prepare in frozen.preparations:
            prepare()
        codegen = cpu_target.target_context.codegen()
        if not all(is_defined(codegen, symbol) for symbol in frozen.code.undefined):
            return None
        library = ObjectLibrary(codegen, frozen.descriptor.unique_name, key, code=frozen.code)
        _linked[key] = _thaw(library, frozen)
    return _linked[key]


def _read_frozen(key: str) -> Frozen | None:
    content = read_entry(key)
    if content is None:
        return None
    try:
        return pickle.loads(content)
    except Exception:  # ours, yet unreadable: some package has changed without changing its version
        return None


def _freeze(compiled: CompileResult) -> Frozen:
    library, descriptor = compiled.library, compiled.fndesc
    library._ensure_finalized()
    descriptor.typemap = descriptor.calltypes = None
    environments = [Environment._memo[name] for name in library.code.variables if name in Environment._memo]
    return Frozen(
        descriptor,
        compiled.signature,
        library.code,
        tuple(library.callees),
        tuple(library._reload_init),
        tuple((environment.env_name, tuple(environment.consts)) for environment in environments),
    )


def _thaw(library: ObjectLibrary, frozen: Frozen) -> CompileResult:
    target, descriptor = cpu_target.target_context, frozen.descriptor
    library._ensure_finalized()
    environments = [_restore_environment(name, constants) for name, constants in frozen.environments]
    for environment in environments:
        library.codegen.set_env(environment.env_name, environment)
    own = Environment._memo[descriptor.env_name]
    return compile_result(
        typing_context=target.typing_context,
        target_context=target,
        library=library,
        environment=own,
        entry_point=target.get_executable(library, descriptor, own),
        fndesc=descriptor,
        signature=frozen.signature,
        objectmode=False,
        lifted=(),
        reload_init=list(frozen.preparations),
        referenced_envs=environments,
    )


def _restore_environment(name: str, constants: tuple[object, ...]) -> Environment:
    environment = Environment._memo.get(name)
    if environment is None:
        environment = Environment({})
        environment.consts[:] = constants
        environment.env_name = name
        Environment._memo[name] = environment
    return environment
