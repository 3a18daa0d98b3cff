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
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
import scipy
from llvmlite import ir as llvm_ir
from numba import types
from numba.core import cgutils, compiler
from numba.core.codegen import CodeLibrary, CPUCodegen, CPUCodeLibrary, get_host_cpu_features
from numba.core.compiler import Compiler, CompileResult
from numba.core.compiler_machinery import PassManager
from numba.core.imputils import builtin_registry
from numba.core.registry import cpu_target

from .fortran import imported_alone
from .inference import ObjectTypes
from .liveness import DeleteMemory
from .lowering import ObjectLowering
from .machine import MachineCode, begin, defined_names, load_code, machine_code, optimised
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


class ObjectLibrary(CodeLibrary):
    """The machine code of one adopted function: first its text, then at LLVM, then in this process.

    `callees` are the objects that it calls by symbol, by their keys; `code` may come from the disk.
    """

    def __init__(
        self, codegen: CPUCodegen, name: str, key: str, has_loops: bool = True, code: MachineCode | None = None
    ) -> None:
        super().__init__(codegen, name)
        self.key = key
        self.has_loops = has_loops
        self.callees: dict[str, ObjectLibrary] = {}
        self.code = code
        self.texts: list[str] = []
        self._offered: dict[CPUCodeLibrary, None] = {}
        self._copied: list[CPUCodeLibrary] = []
        self._making: Future | None = None

    def create_ir_module(self, name: str) -> llvm_ir.Module:
        """An empty module. numba asks LLVM for the target each time, and would wait for its thread."""
        module = llvm_ir.Module(cgutils.normalize_ir_text(name))
        module.triple, module.data_layout = _triple(), self._codegen._data_layout
        return module

    def add_ir_module(self, ir_module: llvm_ir.Module) -> None:
        self.texts.append(cgutils.normalize_ir_text(str(ir_module)))

    def add_linking_library(self, library: CodeLibrary) -> None:
        if isinstance(library, ObjectLibrary):
            self.callees[library.key] = library
        else:
            library._ensure_finalized()
            self._offered[library] = None

    def begin(self) -> None:
        """All is written: LLVM may begin. numba offers libraries that a function might use; those are copied from whose names stand in its text."""
        text = "".join(self.texts)
        self._copied = [library for library in self._offered if any(name in text for name in defined_names(library))]
        for library in self._copied:
            self._reload_init.update(library._reload_init)
        self._making = begin(self._make)

    def finalize(self) -> None:
        """Be callable in this process."""
        for callee in self.callees.values():
            callee._ensure_finalized()
        if self.code is None:
            self.code = machine_code(*(self._making.result() if self._making is not None else self._make()))
        load_code(self._codegen, self.code)
        self._finalized = True

    def _make(self) -> tuple[llvm.ModuleRef, bytes]:
        """LLVM's work. Each call of LLVM may wait for the interpreter afterwards: there are as few of them as can be."""
        module = self._optimised()
        return module, self._codegen._tm.emit_object(module)

    def _optimised(self) -> llvm.ModuleRef:
        if not self.texts:
            raise RuntimeError(f"{self.name} comes from the disk: there is nothing but its machine code")
        return optimised(self._codegen, self.texts, self._copied, self.has_loops)

    @property
    def has_dynamic_globals(self) -> bool:
        """Whether the code holds addresses that mean something in this process alone."""
        self._ensure_finalized()
        assert self.code is not None
        return any(name.startswith("numba.dynamic.globals") for name in self.code.variables)

    def _get_module_for_linking(self) -> llvm.ModuleRef:
        """Callers get no code to copy: they find the symbol in the engine."""
        self._ensure_finalized()
        return llvm.parse_assembly("")

    def get_pointer_to_function(self, name: str) -> int:
        """The address of a function, 0 if this is not where it is defined."""
        self._ensure_finalized()
        assert self.code is not None
        return self._codegen._engine.get_function_address(name) if name in self.code.functions else 0

    def get_function(self, name: str) -> llvm.ValueRef:
        return self._optimised().get_function(name)

    def get_llvm_str(self) -> str:
        return str(self._optimised())

    def get_asm_str(self) -> str:
        return self._codegen._tm.emit_assembly(self._optimised())


@functools.cache
def _triple() -> str:
    return llvm.get_process_triple()


@functools.cache
def _load_registries() -> None:
    """Have numba load its own functions, and keep it from looking for new ones again for each of 250 of them."""
    target = cpu_target.target_context
    target.load_additional_registries()
    target.install_registry(builtin_registry)
    target.refresh = lambda: None
    try:
        target.typing_context.refresh()
    finally:
        del target.refresh


class ObjectCompiler(Compiler):
    """numba's pipeline without the passes that emitted programs have no use for (0.02 s of 0.1 s for a kernel)."""

    def __init__(self, *arguments: Any) -> None:
        """Here numba loads its own functions, and asks whether there is a BLAS: no reason to import all of `scipy.linalg`."""
        with imported_alone("cython_blas"):
            _load_registries()
            super().__init__(*arguments)
        self.state.typingctx = ObjectTypes.of(self.state.typingctx)
        self.state.targetctx = ObjectContext.of(self.state.targetctx)
        self.state.targetctx.typing_context = self.state.typingctx

    def compile_extra(self, function: Callable[..., Any]) -> CompileResult:
        key = entry_key(function.__digest__, self.state.args)
        self.state.library = ObjectLibrary(self.state.targetctx.codegen(), function.__name__, key, function.__has_loops__)
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
        passes.add_pass(DeleteMemory, "delete what holds memory")
        passes.add_pass(compiler.AnnotateTypes, "annotate types")
        passes.add_pass(ObjectLowering, "lower to LLVM")
        passes.add_pass(compiler.NoPythonBackend, "finish")
        passes.finalize()
        return [passes]
