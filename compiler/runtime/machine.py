"""LLVM's part of the work: from the text of a function's code to machine code, and into this process.

In: modules in LLVM's language, as text. Out: `MachineCode`, which can be kept on disk.

LLVM needs no interpreter: it works in a thread of its own, on one function, while Python writes the next (`in_a_thread`). It takes a third of the
time to compile a program.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from numba.core.codegen import CPUCodegen, CPUCodeLibrary

SWITCH_INTERVAL = 1e-4  # seconds for which a Python thread may go on while another waits


class MachineCode(NamedTuple):
    """What LLVM makes of a function: an object file, and names of what it offers. `undefined` symbols must exist before it is loaded."""

    content: bytes
    functions: tuple[str, ...]
    variables: tuple[str, ...]
    undefined: tuple[str, ...]


def optimised(codegen: CPUCodegen, texts: Sequence[str], copied: Sequence[CPUCodeLibrary], has_loops: bool) -> llvm.ModuleRef:
    """One module of several, and of functions that are copied into it, optimised.

    What callers need not find is private, and so has no name in the machine code: LLVM passes its arguments as it likes, and numba's own code
    would find it by a name that each process gives anew. All is optimised once, where numba does it twice, to find more pairs of reference
    counts that cancel. Without loops, the simplest optimisations are enough, however long the code is.
    """
    module, *others = map(llvm.parse_assembly, texts)
    for other in others:
        module.link_in(other)
    for library in copied:
        module.link_in(library._get_module_for_linking(), preserve=True)
    module.verify()
    for function in module.functions if copied or any(" linkonce_odr " in text for text in texts) else ():
        if function.linkage == llvm.Linkage.linkonce_odr and not function.is_declaration:
            function.linkage = llvm.Linkage.private
    plain = {} if has_loops else {"opt": 1, "loop_vectorize": False, "slp_vectorize": False}
    builder = codegen._pass_builder(**plain)
    passes = builder.getModulePassManager()
    passes.add_refprune_pass(
        llvm.RefPruneSubpasses.PER_BB
    )  # numba looks across branches too: in vain here, for a time that grows with the square
    passes.run(module, builder)
    return module


@functools.cache
def defined_names(library: CPUCodeLibrary) -> tuple[str, ...]:
    """The names of the functions that a library defines."""
    return tuple(function.name for function in library.get_defined_functions())


def machine_code(module: llvm.ModuleRef, content: bytes) -> MachineCode:
    """Machine code of an optimised module, with the names in it."""
    functions, variables = list(module.functions), list(module.global_variables)
    return MachineCode(
        content,
        tuple(
            function.name for function in functions if not function.is_declaration and function.linkage != llvm.Linkage.private
        ),
        tuple(variable.name for variable in variables),
        tuple(
            symbol.name for symbol in [*functions, *variables] if symbol.is_declaration and not symbol.name.startswith("llvm.")
        ),
    )


def load_code(codegen: CPUCodegen, code: MachineCode) -> None:
    """Put machine code into this process, for good. RuntimeError if a symbol is missing."""
    if missing := [symbol for symbol in code.undefined if not is_defined(codegen, symbol)]:
        raise RuntimeError(f"machine code refers to unknown symbols: {', '.join(missing)}")
    codegen._engine._ee.add_object_file(llvm.ObjectFileRef.from_data(code.content))
    codegen._engine.finalize_object()
    codegen._engine._defined_symbols.update(code.functions)


def is_defined(codegen: CPUCodegen, symbol: str) -> bool:
    """Whether code may refer to a symbol. LLVM ends the process if it loads code that refers to an unknown one."""
    return codegen._engine.is_symbol_defined(symbol) or llvm.address_of_symbol(symbol) is not None


_thread: ThreadPoolExecutor | None = None


@contextmanager
def in_a_thread() -> Iterator[None]:
    """Let LLVM work beside the block. The thread ends with the block, so that no process is ever forked with it. Hold numba's lock around it.

    The thread asks for the interpreter between two calls of LLVM, and would wait 5 ms each time.
    """
    global _thread
    interval = sys.getswitchinterval()
    with ThreadPoolExecutor(1, "jitgrad-llvm") as _thread:
        sys.setswitchinterval(SWITCH_INTERVAL)
        try:
            yield
        finally:
            _thread = None
            sys.setswitchinterval(interval)


def has_thread() -> bool:
    """Whether LLVM has a thread of its own now."""
    return _thread is not None


def begin(work: Any, *arguments: Any) -> Future | None:
    """Begin some work in LLVM's thread; None where it has none, or where no thread can be started any more."""
    try:
        return _thread.submit(work, *arguments) if _thread is not None else None
    except RuntimeError:
        return None
