"""Machine code of one function at a time: what numba makes of an adopted function.

In: a typed call of a function that carries a digest of all its meaning depends on. Out: an `ObjectLibrary`.

numba's default is to copy the code of every function into its callers and to optimise it again there. Here a function
becomes an object of its own, its symbol is named by its digest, and callers, in this process or a later one, refer to
that name. Functions that are not adopted (NumPy's, elementary functions) are still copied into their callers.
"""

import functools
import hashlib
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
import scipy
from numba import types
from numba.core import compiler
from numba.core.codegen import JITCodeLibrary, get_host_cpu_features
from numba.core.compiler import Compiler, CompileResult
from numba.core.compiler_machinery import PassManager

from .fortran import imported_alone
from .inference import ObjectTypes
from .lowering import ObjectLowering
from .passing import ObjectContext
from .positions import UnsignedPositions
from .sharing import ShareValues


@functools.cache
def fingerprint() -> str:
    """Everything besides a program's own text that decides its machine code: software, processor, settings."""
    versions = [sys.version, *(module.__version__ for module in (numba, llvmlite, np, scipy))]
    machine = [platform.platform(), llvm.get_host_cpu_name(), get_host_cpu_features()]
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_")]
    own = [path.read_text() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256("\0".join([*versions, *machine, *settings, *own]).encode()).hexdigest()


def entry_key(digest: str, parameters: Sequence[types.Type]) -> str:
    """The key of a function with this digest, compiled for these parameters on this machine with this software."""
    text = "\n".join([fingerprint(), digest, *map(str, parameters)])
    return hashlib.sha256(text.encode()).hexdigest()


class ObjectLibrary(JITCodeLibrary):
    """The machine code of one adopted function. `callees` are the keys of the objects it calls by symbol."""

    def __init__(self, codegen: Any, name: str, key: str) -> None:
        super().__init__(codegen, name)
        self.key = key
        self.callees: dict[str, None] = {}
        self.undefined: tuple[str, ...] = ()
        self.has_loops = True
        self.enable_object_caching()

    def add_linking_library(self, library: JITCodeLibrary) -> None:
        if isinstance(library, ObjectLibrary):
            self.callees[library.key] = None
        else:
            super().add_linking_library(library)

    def _get_module_for_linking(self) -> llvm.ModuleRef:
        """Callers get no code to copy: they find the symbol in the engine."""
        self._ensure_finalized()
        return llvm.parse_assembly("")

    def _optimize_functions(self, module: llvm.ModuleRef) -> None:
        """Leave all optimisation to the one run over the whole module."""
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """Hide copied-in functions, whose names only mean something in one process, then optimise.

        Once, where numba does it twice, to find more pairs of reference counts that cancel. A driver that only calls others, however
        long, is not worth more than the simplest optimisations.
        """
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == llvm.Linkage.linkonce_odr:
                function.linkage = llvm.Linkage.internal
        plain = {} if self.has_loops else {"opt": 1, "loop_vectorize": False, "slp_vectorize": False}
        passes, builder = self._codegen._module_pass_manager(**plain)
        passes.run(self._final_module, builder)
        self.undefined = tuple(_undefined_symbols(self._final_module))


def _undefined_symbols(module: llvm.ModuleRef) -> list[str]:
    symbols = [*module.functions, *module.global_variables]
    return [symbol.name for symbol in symbols if symbol.is_declaration and not symbol.name.startswith("llvm.")]


class ObjectCompiler(Compiler):
    """numba's pipeline without the passes that emitted programs have no use for (0.02 s of 0.1 s for a kernel)."""

    def __init__(self, *arguments: Any) -> None:
        """Here numba loads its own functions, and asks whether there is a BLAS: no reason to import all of `scipy.linalg`."""
        with imported_alone("cython_blas"):
            super().__init__(*arguments)
        self.state.typingctx = ObjectTypes.of(self.state.typingctx)
        self.state.targetctx = ObjectContext.of(self.state.targetctx)
        self.state.targetctx.typing_context = self.state.typingctx

    def compile_extra(self, function: Callable[..., Any]) -> CompileResult:
        key = entry_key(function.__digest__, self.state.args)
        self.state.library = ObjectLibrary(self.state.targetctx.codegen(), function.__name__, key)
        self.state.library.has_loops = function.__has_loops__
        return super().compile_extra(function)

    def _compile_bytecode(self) -> CompileResult:
        """Name the symbol after the content: numba would count functions, and counts differ between processes."""
        identity = self.state.func_id
        identity.unique_id = identity.func.__digest__
        identity.unique_name = f"{identity.func_qualname}${identity.unique_id}"
        return super()._compile_bytecode()

    def define_pipelines(self) -> list[PassManager]:
        passes = PassManager("jitgrad")
        passes.add_pass(compiler.TranslateByteCode, "analyse bytecode")
        passes.add_pass(compiler.FixupArgs, "fix up arguments")
        passes.add_pass(compiler.IRProcessing, "process IR")
        passes.add_pass(compiler.GenericRewrites, "rewrite constant subscripts, powers and raises")
        passes.add_pass(ShareValues, "share values")
        passes.add_pass(compiler.InlineInlinables, "inline functions that ask for it")
        passes.add_pass(compiler.NopythonTypeInference, "infer types")
        passes.add_pass(compiler.InlineOverloads, "inline overloads that ask for it")
        passes.add_pass(UnsignedPositions, "make positions unsigned")
        passes.add_pass(compiler.IRLegalization, "legalise IR")
        passes.add_pass(compiler.AnnotateTypes, "annotate types")
        passes.add_pass(ObjectLowering, "lower to LLVM")
        passes.add_pass(compiler.NoPythonBackend, "finish")
        passes.finalize()
        return [passes]
