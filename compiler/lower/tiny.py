"""Kernels over a handful of points, written out in the driver: a call would cost more than the work.

    for j in range(n):                                  for j in range(n):
        scale(part, a, j)       # 2 points                  part[0] = 2.0 * a[j, 0]
                                                            part[1] = 2.0 * a[j, 1]

In: a launch as ``kernels`` builds it, whose buffers and scalars have their names in the driver. Out: statements of the driver.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from ..ir import Dim, symbol
from ..ir.types import F32, F64
from .elements import atom_dtype
from .kernels import rename_step
from .program import Atom, Kernel, Launch, Let, Load, Local, Reduce, Step, Wrap

MOST_POINTS, MOST_STEPS = 4, 64


def is_tiny(kernel: Kernel) -> bool:
    """Whether a kernel is best written out: few points and few steps, and of reductions only sums of all to one number."""
    points = 1
    for axis in kernel.axes:
        if not isinstance(axis.extent, int):
            return False
        points *= axis.extent
    reductions = [step for step in kernel.body if isinstance(step, Reduce)]
    return 0 < points <= MOST_POINTS and points * len(kernel.body) <= MOST_STEPS and all(map(_is_plain_sum, reductions))


def _is_plain_sum(step: Reduce) -> bool:
    return step.op == "sum" and not step.index and step.dtype in (F32, F64) and atom_dtype(step.value) == step.dtype


def write_out(launch: Launch, fresh: Callable[[str], str]) -> tuple[list[Step], list[Atom]]:
    """The steps at all points, one after the other, and what the kernel returns."""
    kernel = launch.kernel
    steps: list[Step] = []
    totals: dict[str, Atom] = {}
    for point in itertools.product(*(range(axis.extent) for axis in kernel.axes)):  # type: ignore[arg-type]
        names: dict[str, str] = {}
        dims: dict[str, Dim] = {axis.name: place for axis, place in zip(kernel.axes, point, strict=True)}
        for step in kernel.body:
            if isinstance(step, Let | Load | Wrap):
                names[step.name] = fresh(step.name)
                dims[step.name] = symbol(names[step.name])
            new = rename_step(step, names, dims)
            if not isinstance(new, Reduce):
                steps.append(new)
            elif new.target not in totals:
                totals[new.target] = new.value
            else:
                total = Local(fresh(new.target), new.dtype)
                steps.append(Let(total.name, new.dtype, "add", (totals[new.target], new.value), new.source))
                totals[new.target] = total
    return steps, [totals[local.name] for local in kernel.returned]
