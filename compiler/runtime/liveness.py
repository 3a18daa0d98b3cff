"""Where variables are alive, which numba asks in order to delete them after their last use.

numba finds it four times for a function, three of them in vain, and carries sets of all names from block to block, for a time that grows with the
square of the function's length: two thirds of all for a driver of two thousand lines. Here it is found once, for those variables that hold
memory, which is what there is to be given back.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from numba.core import analysis, ir, postproc
from numba.core.compiler_machinery import register_pass
from numba.core.controlflow import CFGraph
from numba.core.transforms import canonicalize_cfg
from numba.core.typed_passes import IRLegalization

from .passing import holds_memory

Names = Mapping[int, set[str]]
"""Names of variables for each block."""


_run_of_numba = postproc.PostProcessor.run


@contextmanager
def quick_liveness() -> Iterator[None]:
    """Have numba find it so within the block. Hold numba's lock around it."""
    before = analysis.compute_live_map, postproc.PostProcessor.run
    analysis.compute_live_map, postproc.PostProcessor.run = live_map, _run  # type: ignore[method-assign]
    try:
        yield
    finally:
        analysis.compute_live_map, postproc.PostProcessor.run = before  # type: ignore[method-assign]


def _run(processor: postproc.PostProcessor, emit_dels: bool = False, extend_lifetimes: bool = False) -> None:
    """``PostProcessor.run``; for adopted functions without what is asked of others: which variables have values as a block begins."""
    function = processor.func_ir
    if not hasattr(function.func_id.func, "__digest__"):
        _run_of_numba(processor, emit_dels, extend_lifetimes)
        return
    function.blocks = canonicalize_cfg(function.blocks)
    function.variable_lifetime = Lifetimes(function.blocks, getattr(function, "without_memory", frozenset()))
    function.generator_info = None
    if emit_dels:
        processor._insert_var_dels(extend_lifetimes=extend_lifetimes)


class Lifetimes(postproc.VariableLifetime):
    """numba's account of where variables are alive, but for some of them."""

    def __init__(self, blocks: dict[int, ir.Block], others: frozenset[str]) -> None:
        super().__init__(blocks)
        self.others = others

    @functools.cached_property
    def usedefs(self) -> Any:
        """The variables that each block uses and defines."""
        found = super().usedefs
        return type(found)(*({label: names - self.others for label, names in each.items()} for each in found))


@register_pass(mutates_CFG=False, analysis_only=True)
class DeleteMemory(IRLegalization):
    """numba's last pass over its IR, which has variables deleted: here those that hold memory."""

    _name = "jitgrad_delete_memory"

    def run_pass(self, state: Any) -> bool:
        """Run after types are inferred."""
        state.func_ir.without_memory = frozenset(name for name, kind in state.typemap.items() if not holds_memory(kind))
        return super().run_pass(state)  # type: ignore[no-any-return]


def live_map(graph: CFGraph, blocks: Mapping[int, Any], used: Names, defined: Names) -> dict[int, set[str]]:
    """The variables that are alive as each block begins: those used from there on, before they are defined, that some way to there mentions."""
    bits = _Bits()
    uses, definitions = ({label: bits.of(names[label]) for label in blocks} for names in (used, defined))
    order = graph.topo_order()
    followers = {label: [follower for follower, _ in graph.successors(label)] for label in order}
    mentioned = dict.fromkeys(blocks, 0)
    is_settled = False
    while not is_settled:
        is_settled = True
        for label in order:
            mentioned[label] |= uses[label] | definitions[label]
            for follower in followers[label]:
                more = mentioned[follower] | mentioned[label]
                is_settled = is_settled and more == mentioned[follower]
                mentioned[follower] = more
    alive = dict(uses)
    is_settled = False
    while not is_settled:
        is_settled = True
        for label in reversed(order):
            more = alive[label]
            for follower in followers[label]:
                more |= alive[follower] & mentioned[label] & ~definitions[label]
            is_settled = is_settled and more == alive[label]
            alive[label] = more
    return dict(zip(blocks, bits.names(alive[label] for label in blocks), strict=True))


class _Bits:
    """Sets of names as numbers, each name being a bit."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def of(self, names: Iterable[str]) -> int:
        """The number of a set."""
        number = 0
        for name in names:
            number |= 1 << self.places.setdefault(name, len(self.places))
        return number

    def names(self, numbers: Iterable[int]) -> Iterator[set[str]]:
        """The sets of numbers; one is made of the one before, which has much in common with it."""
        known, before, found = list(self.places), 0, frozenset[str]()
        for number in numbers:
            changes = number ^ before
            changed = set()
            while changes:
                low = changes & -changes
                changed.add(known[low.bit_length() - 1])
                changes ^= low
            before, found = number, found ^ changed
            yield set(found)
