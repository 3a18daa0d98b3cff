"""Calls of BLAS and LAPACK routines from compiled code, by name.

In: the name of a routine of `scipy.linalg.cython_blas` or `cython_lapack`, without the letter for the element type.
Out: a function for numba code. The code it becomes refers to the routine by a symbol, not by its address, so it can be
kept on disk; whoever loads it calls `register` first.
"""

import contextlib
import ctypes
import functools
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite.binding as llvm
import scipy
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LETTERS = {types.float32: "s", types.float64: "d", types.complex64: "c", types.complex128: "z"}


def fortran(module: str, name: str, returns: bool = False) -> Callable[..., Any]:
    """The routine `name` of `scipy.linalg.<module>`, of the element type of the first array it is given.

    Arrays go as their data, everything else by address: bools as 'T' or 'N' (transposed or not), uint8 as a character,
    other integers as C ints, floats converted to the element type. It returns an element if it `returns` anything.
    For element types without such routines it compiles to nothing, or zero: the caller has another branch for them.
    """

    @intrinsic
    def call(typing_context: Any, *arguments: types.Type) -> Any:
        element = next(argument.dtype for argument in arguments if isinstance(argument, types.Array))
        routine = LETTERS.get(element, "?") + name

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            result = context.get_value_type(element) if returns else ir.VoidType()
            if element not in LETTERS:
                return ir.Constant(result, 0) if returns else context.get_dummy_value()
            register(module, routine)
            context.active_code_library._reload_init.add(functools.partial(register, module, routine))
            passed = [
                _pass(context, builder, element, kind, value)
                for kind, value in zip(arguments, cgutils.unpack_tuple(builder, values[0]), strict=True)
            ]
            function_type = ir.FunctionType(result, [value.type for value in passed])
            function = cgutils.get_or_insert_function(builder.module, function_type, _symbol(module, routine))
            returned = builder.call(function, passed)
            return returned if returns else context.get_dummy_value()

        return (element if returns else types.void)(types.StarArgTuple(arguments)), generate

    return call


@intrinsic
def has_routines(typing_context: Any, array: types.Type) -> Any:
    """Whether BLAS knows the element type of `array`; a constant."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return context.get_constant(types.boolean, array.dtype in LETTERS)

    return types.boolean(array), generate


def _pass(context: Any, builder: Any, element: types.Type, kind: types.Type, value: ir.Value) -> ir.Value:
    """What Fortran takes for an argument: always an address."""
    match kind:
        case types.Array():
            return context.make_array(kind)(context, builder, value).data
        case types.Boolean():
            value = builder.select(context.cast(builder, value, kind, types.boolean), _character("T"), _character("N"))
        case types.Integer() if kind != types.uint8:
            value = context.cast(builder, value, kind, types.intc)
        case types.Float() | types.Complex():
            value = context.cast(builder, value, kind, element)
    return cgutils.alloca_once_value(builder, value)


def _character(letter: str) -> ir.Constant:
    return ir.Constant(ir.IntType(8), ord(letter))


def _symbol(module: str, routine: str) -> str:
    return f"scipy.linalg.{module}.{routine}"


@functools.cache
def register(module: str, routine: str) -> None:
    """Tell LLVM where `scipy.linalg.<module>.<routine>` is."""
    capsule = extension(module).__pyx_capi__[routine]
    prototype = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
    llvm.add_symbol(_symbol(module, routine), pointer(capsule, prototype(capsule)))


@contextlib.contextmanager
def imported_alone(module: str) -> Iterator[None]:
    """Let `import scipy.linalg.<module>` be content with the extension, for as long as this lasts."""
    name = f"scipy.linalg.{module}"
    already = name in sys.modules
    sys.modules[name] = extension(module)
    try:
        yield
    finally:
        if not already:
            sys.modules.pop(name, None)


@functools.cache
def extension(module: str) -> ModuleType:
    """`scipy.linalg.<module>`, without the 0.15 s that the rest of `scipy.linalg` takes to import."""
    name = f"scipy.linalg.{module}"
    if name in sys.modules:
        return sys.modules[name]
    loaders = (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)
    spec = importlib.machinery.FileFinder(str(Path(scipy.__file__).parent / "linalg"), loaders).find_spec(name)
    if spec is None or spec.loader is None:
        return importlib.import_module(name)
    alone = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(alone)
    sys.modules.pop(name, None)  # whoever imports it later sets it up as a submodule, and gets the same module
    return alone
