"""The CUDA writer: a function of the IR becomes the text of a Python module of ``@cuda.jit`` kernels and their driver.

In: what the CPU writer takes. Out: ``Emitted``. The driver takes and returns arrays on the host; between its kernels they stay
on the device. On the way, the lowered program is made to suit a GPU:

    sum_vector_products   products with vectors become reductions
    split_reductions      a kernel reduces over one set of axes
    fuse_products         matrix products become tiled kernels that go on with what their reader does
    fetch_late            the host asks for numbers when it needs them
"""

from __future__ import annotations

from collections.abc import Mapping

from ...ir import Function
from ...lower.lowering import lower
from ...lower.program import Kernel, Launch, Program, walk
from ..cpu import RUNTIME, Emitted, parameter_type
from .driver import driver_lines
from .fusion import fuse_products
from .kernels import kernel_lines
from .late import fetch_late
from .reductions import tree_text
from .split import split_reductions
from .statements import DeviceKernel, KernelNames, Multiply
from .tiles import product_lines
from .vectors import sum_vector_products

SCHEDULE = (sum_vector_products, split_reductions, fuse_products, fetch_late)


def emit_cuda(function: Function, name: str, donated: Mapping[int, int] | None = None) -> Emitted:
    """Write a function as a module; ``donated`` is that of the CPU writer.

    Raises UnsupportedError for what cannot run on a GPU yet.
    """
    program = schedule(lower(function.replace(name=name), donated, flat=False))  # products look for readers of rows and columns
    return Emitted(module_text(program, donated or {}), program.name, tuple(parameter_type(p.type) for p in program.parameters))


def schedule(program: Program) -> Program:
    """Make a lowered program suit a GPU."""
    names = KernelNames(program)
    for step in SCHEDULE:
        program = step(program, names)
    return program


def module_text(program: Program, donated: Mapping[int, int]) -> str:
    """The text of the module for a scheduled program."""
    functions: set[str] = set()
    kernels = [_lines(kernel, functions) for kernel in launched(program)]
    driver = driver_lines(program, donated, functions)
    trees = [tree_text(f.removeprefix("block_")) for f in sorted(functions) if f.startswith("block_")]
    head = f'"""{program.name}: compiled by jitgrad for CUDA."""\n\n' + "\n".join(_imports(functions))
    return "\n\n\n".join([head, *trees, *("\n".join(lines) for lines in [*kernels, driver])]) + "\n"


def launched(program: Program) -> list[DeviceKernel]:
    """The kernels that a program launches, each once, in order."""
    kernels = (s.kernel for s in walk(program.body) if isinstance(s, Launch | Multiply))
    return list({kernel.name: kernel for kernel in kernels}.values())


def _lines(kernel: DeviceKernel, functions: set[str]) -> list[str]:
    return kernel_lines(kernel, functions) if isinstance(kernel, Kernel) else product_lines(kernel, functions)


def _imports(functions: set[str]) -> list[str]:
    """The imports for what a module calls, sorted."""
    lines = ["import math"] if "math" in functions else []
    own = [module for module in ("numeric",) if any(f.startswith(f"{module}.") for f in functions)]
    names = sorted(["device", "gpu", *own])
    lines += ["import numpy as np", "", f"from {RUNTIME} import {', '.join(names)}"]
    lines.append(f"from {RUNTIME}.device import cuda")
    for module in ("elementary", "guards", "texts"):
        if called := sorted(f.partition(".")[2] for f in functions if f.startswith(f"{module}.")):
            lines.append(f"from {RUNTIME}.{module} import {', '.join(called)}")
    return lines
