"""The CPU writer: a function of the IR becomes the text of a Python module that numba compiles.

In: a verified function without custom_vjp, formula, checkpoint and barrier. Out: ``Emitted``: the text, the name of the driver in it, and the types
of the driver's parameters as ``load`` takes them. The text also runs as plain Python if ``njit`` is the identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..ir import ArrayType, Function
from ..ir.types import DTYPE_NAMES
from ..lower.checking import check_ends
from ..lower.filling import leave_unfilled
from ..lower.jamming import jam_loops
from ..lower.lowering import lower
from ..lower.program import Program
from ..lower.remembering import remember_rooms
from ..lower.reusing import allocate_outside
from ..lower.scalars import name_elements
from .driver import driver_lines
from .gathering import gathering_lines
from .nests import kernel_lines

RUNTIME = "jitgrad.compiler.runtime"


@dataclass(frozen=True, slots=True)
class Emitted:
    """A module's text, its driver, and the types of the driver's parameters."""

    source: str
    entry: str
    signature: tuple[str, ...]


def emit_cpu(function: Function, name: str, donated: Mapping[int, int] | None = None) -> Emitted:
    """Write a function as a module.

    ``donated`` maps positions of parameters to positions of results: the memory of such a parameter belongs to the program, its result
    is written there, and not returned.
    """
    program = lower(function.replace(name=name), donated, reuse=True)
    program = allocate_outside(name_elements(leave_unfilled(program)))
    program = replace(program, body=check_ends(remember_rooms(program.body)))
    program = jam_loops(program)
    return Emitted(module_text(program), program.name, tuple(parameter_type(p.type) for p in program.parameters))


def module_text(program: Program) -> str:
    """The text of the module for a program."""
    functions: set[str] = set()
    kernels = [gathering_lines(kernel, functions) or kernel_lines(kernel, functions) for kernel in program.kernels]
    driver = driver_lines(program, functions)
    parts = [f'"""{program.name}: compiled by jitgrad."""', "\n".join(_imports(functions))]
    parts += ["\n".join(['@njit(error_model="numpy")', *lines]) for lines in kernels]
    parts.append("\n".join(['@njit(error_model="numpy", nogil=True)', *driver]))
    return f"{parts[0]}\n\n{parts[1]}\n\n\n" + "\n\n\n".join(parts[2:]) + "\n"


def parameter_type(type: ArrayType) -> str:
    """A type as ``load`` reads it."""
    name = "b1" if DTYPE_NAMES[type.dtype] == "bool" else DTYPE_NAMES[type.dtype]
    if not type.shape:
        return name
    return f"{name}[{':, ' * (len(type.shape) - 1)}::1]"


def _imports(functions: set[str]) -> list[str]:
    """The imports for the functions that a module calls, sorted."""
    lines = ["import numpy as np", "from numba import njit"]
    own: list[str] = []
    modules = [
        module for module in ("lapack", "numeric", "special") if any(name.startswith(f"{module}.") for name in functions)
    ]
    if modules:
        own.append(f"from {RUNTIME} import {', '.join(modules)}")
    for module in ("arrays", "blas", "buffers", "choosing", "elementary", "guards", "reducing", "texts"):
        names = sorted(name.partition(".")[2] for name in functions if name.startswith(f"{module}."))
        if names:
            own.append(f"from {RUNTIME}.{module} import {', '.join(names)}")
    return [*lines, "", *own] if own else lines
