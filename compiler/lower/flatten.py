"""Kernels with fewer axes: neighbours that are only ever walked together become one.

    for i in range(n):                                  for i in range(size):
        for j in range(m):                                  out[i] = x[i] + y[i]
            out[i, j] = x[i, j] + y[i, j]

In: a launch. Out: the launch of the flat kernel, and for each of its buffers the shape under which it is seen. Elementwise kernels
of all ranks become the same one, and short innermost axes cost nothing.
"""

from __future__ import annotations

import dataclasses

from ..ir import ArrayType, Dim, symbol
from ..ir.sizes import product, symbols
from ..ir.types import I64
from ..ops import OPS
from .kernels import free_integers, step_dims
from .program import Axis, BufferParameter, Kernel, Launch, Let, Load, Local, Position, Reduce, Step, Store, Wrap, atoms

VECTOR = 8  # from how many iterations a loop is worth being vectorised
UNROLLED, CALL = 256, 16  # up to how many steps LLVM unrolls a loop, and for how many of them a function counts


def flatten(launch: Launch) -> tuple[Launch, tuple[ArrayType, ...]]:
    """Merge axes as long as that is possible."""
    types = tuple(p.type for p in launch.kernel.buffers)
    merged = True
    while merged:
        merged = False
        for k in range(len(launch.kernel.axes) - 2, -1, -1):
            places = _places(launch.kernel, k)
            if places is not None:
                launch, types = _merge(launch, k, places, types)
                merged = True
                break
    return _loosened(launch), types


def _loosened(launch: Launch) -> Launch:
    """The launch of a kernel that reads known extents off shapes, so that it serves other sizes too.

    The innermost of several axes keeps its extent, if that is of use: very short loops are unrolled, and long ones need not expect any length.
    """
    kernel = launch.kernel
    for k, axis in enumerate(kernel.axes):
        if isinstance(axis.extent, int) and (k + 1 < len(kernel.axes) or k == 0 or _is_unrolled(kernel, axis, axis.extent)):
            kernel = _with_symbol(kernel, axis)
    return dataclasses.replace(launch, kernel=kernel)


def _is_unrolled(kernel: Kernel, axis: Axis, extent: int) -> bool:
    """Whether LLVM would unroll the innermost loop before it comes to make vectors of it, and leave single numbers."""
    weight = sum(CALL if isinstance(step, Let) and not OPS[step.op].python else 1 for step in kernel.body)
    is_reduced = any(isinstance(step, Reduce) and axis.name in step.axes for step in kernel.body)
    return extent >= VECTOR and extent * weight <= UNROLLED and not is_reduced


def _with_symbol(kernel: Kernel, axis: Axis) -> Kernel:
    """The kernel with a symbol for the extent of an axis, if a buffer shows it."""
    point, spans = (
        symbol(axis.name),
        {(p.name, at) for p in kernel.buffers for at, d in enumerate(p.type.shape) if d == axis.extent},
    )
    shown = {
        (buffer, at) for step in kernel.body if isinstance(step, Load | Store | Reduce) for at, dim in enumerate(step.index)
        if dim == point and (buffer := step.target if isinstance(step, Reduce) else step.buffer, at) in spans
    }  # fmt: skip
    if not shown:
        return kernel
    size = symbol(_fresh_size(kernel))

    def parameter(p: BufferParameter) -> BufferParameter:
        shape = tuple(size if (p.name, at) in shown else dim for at, dim in enumerate(p.type.shape))
        return dataclasses.replace(p, type=p.type.with_shape(shape))

    axes = tuple(Axis(a.name, size) if a is axis else a for a in kernel.axes)
    return dataclasses.replace(kernel, buffers=tuple(map(parameter, kernel.buffers)), axes=axes)


def _fresh_size(kernel: Kernel) -> str:
    """A name for a size that the kernel does not use."""
    taken = frozenset().union(*(p.type.symbols() for p in kernel.buffers), {s.name for s in kernel.scalars})
    taken |= {name for step in kernel.body for name in names_of(step)} | {p.name for p in kernel.buffers}
    return next(name for name in ("size", *(f"size_{i}" for i in range(2, 99))) if name not in taken)


def _places(kernel: Kernel, k: int) -> dict[str, int] | None:
    """Where the axes k and k + 1 stand in the indices of buffers, if they always stand side by side and whole."""
    first, second = kernel.axes[k], kernel.axes[k + 1]
    pair = (symbol(first.name), symbol(second.name))
    shapes = {p.name: p.type.shape for p in kernel.buffers}
    places: dict[str, int | None] = {}
    for step in kernel.body:
        if isinstance(step, Reduce) and ((first.name in step.axes) != (second.name in step.axes) or _is_position(step, pair)):
            return None
        if any(_mentions(dim, first, second) for dim in _other_dims(step)):
            return None
        if not isinstance(step, Load | Store | Reduce) or not step.index:
            continue
        buffer = step.target if isinstance(step, Reduce) else step.buffer
        place = _place(step.index, shapes[buffer], pair, (first, second))
        if place == -1 or places.setdefault(buffer, place) != place:
            return None
    found = {buffer: place for buffer, place in places.items() if place is not None}
    return found or None


def _is_position(step: Reduce, pair: tuple[Dim, Dim]) -> bool:
    return step.op in ("argmax", "argmin") and str(pair[0]) in step.axes


def _mentions(dim: Dim, *axes: Axis) -> bool:
    return not symbols(dim).isdisjoint(axis.name for axis in axes)


def _other_dims(step: Step) -> list[Dim]:
    """Integer expressions that are no index."""
    dims = [a.dim for a in atoms(step) if isinstance(a, Position)]
    return [*dims, step.size] if isinstance(step, Wrap) else dims


def _place(index: tuple[Dim, ...], shape: tuple[Dim, ...], pair: tuple[Dim, Dim], axes: tuple[Axis, Axis]) -> int | None:
    """The position of the pair in an index; None if neither occurs; -1 if they occur in any other way."""
    mentioned = [position for position, dim in enumerate(index) if _mentions(dim, *axes)]
    if not mentioned:
        return None
    at = mentioned[0]
    whole = shape[at : at + 2] == (axes[0].extent, axes[1].extent)
    return at if mentioned == [at, at + 1] and index[at : at + 2] == pair and whole else -1


def _merge(
    launch: Launch, k: int, places: dict[str, int], types: tuple[ArrayType, ...]
) -> tuple[Launch, tuple[ArrayType, ...]]:
    """Make one axis of two; its extent is a new symbol, read off the shape of a buffer."""
    kernel = launch.kernel
    first, second = kernel.axes[k], kernel.axes[k + 1]
    size = symbol(_fresh_size(kernel))

    def index(buffer: str, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
        if buffer not in places:
            return dims
        at = places[buffer]
        return (*dims[:at], symbol(first.name), *dims[at + 2 :])

    def step(s: Step) -> Step:
        match s:
            case Load() | Store():
                return dataclasses.replace(s, index=index(s.buffer, s.index))
            case Reduce():
                axes = tuple(axis for axis in s.axes if axis != second.name)
                return dataclasses.replace(s, axes=axes, index=index(s.target, s.index))
        return s

    def parameter(p: BufferParameter) -> BufferParameter:
        return dataclasses.replace(p, type=_merged(p.type, places.get(p.name), size))

    axes = (*kernel.axes[:k], Axis(first.name, size), *kernel.axes[k + 2 :])
    changed = dataclasses.replace(
        kernel, buffers=tuple(map(parameter, kernel.buffers)), axes=axes, body=tuple(map(step, kernel.body))
    )
    seen = tuple(
        _merged(type, places.get(p.name), product(type.shape[places[p.name] : places[p.name] + 2]) if p.name in places else 0)
        for type, p in zip(types, kernel.buffers, strict=True)
    )
    return _with_scalars(launch, changed), seen


def names_of(step: Step) -> set[str]:
    """All names in a step."""
    found = {a.name for a in atoms(step) if isinstance(a, Local)}
    for dim in step_dims(step):
        found |= symbols(dim)
    name = getattr(step, "name", None) or getattr(step, "target", None)
    return found | ({name} if name else set())


def _merged(type: ArrayType, at: int | None, size: Dim) -> ArrayType:
    return type if at is None else type.with_shape((*type.shape[:at], size, *type.shape[at + 2 :]))


def _with_scalars(launch: Launch, kernel: Kernel) -> Launch:
    """The launch with the sizes as scalars that no shape shows any more, and without those that are not needed."""
    needed = free_integers(kernel)
    floats = {s.name: a for s, a in zip(launch.kernel.scalars, launch.scalars, strict=True)}
    scalars = [s for s in kernel.scalars if s.name in needed or s.dtype.kind != "i"]
    known = {s.name for s in scalars}
    scalars += [Local(name, I64) for name in sorted(needed - known)]
    arguments = tuple(floats.get(s.name, Position(symbol(s.name))) for s in scalars)
    return dataclasses.replace(launch, kernel=dataclasses.replace(kernel, scalars=tuple(scalars)), scalars=arguments)
