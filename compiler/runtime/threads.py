"""How many threads SciPy's BLAS uses for one call.

In: a number of threads. Out: the number that was set before.

OpenBLAS shares work among threads that wait for each other in a spin. On a machine whose cores are busy elsewhere that
wait lasts a scheduler's time slice: a product of 128 x 128 matrices took 30 ms instead of 0.1. So small work runs on
one thread. The number is a global of the library: compiled code sets it, calls, and puts it back. Where the library has
no such switch (Accelerate, MKL, Windows) nothing is done.
"""

import ctypes
import functools
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .fortran import extension

_SWITCHES = ("scipy_openblas", "openblas")
_INT = ir.IntType(32)


@intrinsic
def limit_threads(typing_context: Any, count: types.Type) -> Any:
    """Let BLAS use `count` threads, or as it would if it is 0; returns the number to put back, or 0 if none changed.

    A thread that finds the number lowered by another leaves it alone, and only who lowered it puts it back: so the number
    that the user set always returns, however calls of several threads overlap.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if not register_switch():
            return context.get_constant(types.intc, 0)
        context.active_code_library._reload_init.add(register_switch)
        get, set_ = (
            cgutils.get_or_insert_function(builder.module, function_type, f"scipy.linalg.{name}_num_threads")
            for name, function_type in (
                ("get", ir.FunctionType(_INT, [])),
                ("set", ir.FunctionType(ir.VoidType(), [_INT])),
            )
        )
        before = builder.call(get, [])
        wanted = context.cast(builder, values[0], count, types.intc)
        changes = builder.and_(builder.icmp_signed(">", wanted, _INT(0)), builder.icmp_signed("!=", wanted, before))
        with builder.if_then(changes):
            builder.call(set_, [wanted])
        return builder.select(changes, before, _INT(0))  # 0: there is nothing to put back

    return types.intc(count), generate


@functools.cache
def register_switch() -> bool:
    """Tell LLVM where BLAS's thread switch is, if there is one: among the libraries that `cython_blas` depends on."""
    library = ctypes.CDLL(extension("cython_blas").__file__)
    for prefix in _SWITCHES:
        if hasattr(library, f"{prefix}_set_num_threads"):
            for name in ("get", "set"):
                address = ctypes.cast(getattr(library, f"{prefix}_{name}_num_threads"), ctypes.c_void_p).value
                llvm.add_symbol(f"scipy.linalg.{name}_num_threads", address)
            return True
    return False
