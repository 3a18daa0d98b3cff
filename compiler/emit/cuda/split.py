"""Kernels that suit a GPU's blocks: each reduces over one set of axes, and one that reduces over some axes does nothing else.

    mul_sum: mul[i, j] = ...; s[j] = sum over i of mul[i, j]      becomes
    mul_sum: mul[i, j] = ...                                      followed by
    sum_over_i: s[j] = sum over i of mul[i, j]

A reduction of values that are stored anyway reads them from there. One of other values computes them again, before anything is
overwritten.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from ...ir.sizes import single_symbol
from ...lower.program import BufferParameter, Kernel, Launch, Let, Load, Local, Program, Reduce, Step, Store, Wrap
from .reductions import COMBINE
from .statements import KernelNames, kernel_names, map_blocks, names_in, plain_name, with_body


def split_reductions(program: Program, names: KernelNames) -> Program:
    """Split every launch whose kernel reduces over more than one set of axes, or reduces over some and stores."""

    def change(block: list[Any]) -> list[Any]:
        return [part for s in block for part in (_split(s, names) if isinstance(s, Launch) else [s])]

    return with_body(program, map_blocks(program.body, change))


def _split(launch: Launch, names: KernelNames) -> list[Launch]:
    kernel = launch.kernel
    whole = {local.name for local in kernel.returned}
    partial: dict[tuple[str, ...], list[Reduce]] = {}
    for step in kernel.body:
        if isinstance(step, Reduce) and step.target not in whole:
            partial.setdefault(step.axes, []).append(step)
    stores = [step for step in kernel.body if isinstance(step, Store)]
    if not partial or (len(partial) == 1 and not stores and not whole):
        return [launch]
    before, after = [], []
    for axes, reductions in partial.items():
        stored = {r: place for r in reductions if (place := _place(kernel, r)) is not None}
        again = [r for r in reductions if r not in stored]
        if again:
            before.append(_launch(launch, needed(kernel.body, again), (), names, _over(again, axes)))
        if stored:
            steps = [step for r, place in stored.items() for step in _read(kernel, r, place)]
            after.append(_launch(launch, steps, (), names, _over(list(stored), axes)))
    rest = [s for s in kernel.body if isinstance(s, Store | Wrap) or (isinstance(s, Reduce) and s.target in whole)]
    main = [_launch(launch, needed(kernel.body, rest), launch.results, names, _without(kernel, partial))] if rest else []
    return [*before, *main, *after]


def _over(reductions: Sequence[Reduce], axes: Sequence[str]) -> str:
    """A name: what is reduced, and over which axes."""
    return "_".join([*dict.fromkeys(r.op for r in reductions), "over", *axes])


def _without(kernel: Kernel, partial: Container[Sequence[str]]) -> str:
    """The name of what is left of a kernel without its reductions over some axes."""
    kept = {s.op for s in kernel.body if isinstance(s, Reduce) and s.axes not in partial}
    words = plain_name(kernel).split("_")
    while len(words) > 1 and words[-1] in COMBINE and words[-1] not in kept:
        words.pop()
    return "_".join(words)


def _place(kernel: Kernel, r: Reduce) -> Store | None:
    """The store that leaves the reduced value in memory for good."""
    for store in kernel.body:
        if isinstance(store, Store) and store.value == r.value and isinstance(r.value, Local) and not store.add:
            alone = sum(isinstance(s, Store) and s.buffer == store.buffer for s in kernel.body) == 1
            if alone and not kernel.sequential:
                return store
    return None


def _read(kernel: Kernel, r: Reduce, place: Store) -> list[Step]:
    """Steps that read a stored value and reduce it."""
    name = f"{place.buffer}_here"
    while name in kernel_names(kernel):
        name += "_"
    load = Load(name, place.dtype, place.buffer, place.index, place.source)
    return [load, Reduce(r.op, r.target, r.dtype, r.axes, r.index, Local(name, place.dtype), r.source)]


def needed(body: Sequence[Step], wanted: Sequence[Step]) -> list[Step]:
    """The wanted steps and those that compute what they read, in their order."""
    read = {name for step in wanted for name in names_in(step)}
    kept: list[Step] = []
    for step in reversed(body):
        if any(step is one for one in wanted) or (isinstance(step, Let | Load | Wrap) and step.name in read):
            kept.append(step)
            read |= set(names_in(step))
    return kept[::-1]


def _launch(launch: Launch, steps: Sequence[Step], results: tuple[str, ...], names: KernelNames, name: str) -> Launch:
    """Launch a kernel with some steps of another, and with what these steps need of its parameters."""
    old = launch.kernel
    mentioned = {name for step in steps for name in names_in(step)} | set(names_in(old.axes))
    written = {s.buffer for s in steps if isinstance(s, Store)} | {s.target for s in steps if isinstance(s, Reduce)}
    used = [p.name in mentioned for p in old.buffers]
    shown = {single_symbol(d) for p, u in zip(old.buffers, used, strict=True) if u for d in p.type.shape}
    for k, parameter in enumerate(old.buffers):
        missing = {n for d in parameter.type.shape if (n := single_symbol(d)) in mentioned and n not in shown}
        if not used[k] and missing:
            used[k], shown = True, shown | missing
    pairs = [(p, b) for p, b, u in zip(old.buffers, launch.buffers, used, strict=True) if u]
    pairs.sort(key=lambda pair: pair[0].name not in written)
    scalars = [(s, a) for s, a in zip(old.scalars, launch.scalars, strict=True) if s.name in mentioned]
    kernel = Kernel(
        "",
        tuple(BufferParameter(p.name, p.type, p.name in written) for p, _ in pairs),
        tuple(s for s, _ in scalars),
        old.axes,
        tuple(steps),
        old.sequential,
    )
    arguments = tuple(b for _, b in pairs), tuple(a for _, a in scalars)
    return Launch(names.kernel(kernel, name), *arguments, results, launch.source)
