"""What is known of the variables of a function before its code is written: which are values, and when the others hold something.

In: a function of numba's IR, which deletes each variable where it is not read any more. Out: names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from numba.core import ir
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.controlflow import CFGraph

Blocks = dict[int, ir.Block]
Place = tuple[int, int]
"""A statement: its block, and where it stands there."""


def assigned(blocks: Blocks) -> set[str]:
    """The variables that are assigned anywhere."""
    return {statement.target.name for block in blocks.values() for statement in block.find_insts(ir.Assign)}


def single_values(blocks: Blocks, holds_memory: Any) -> Iterator[str]:
    """The variables that are assigned by one statement, which is passed before any that mentions them.

    One that holds memory must besides be deleted exactly once after each time that it is assigned: a slot of the stack would
    be empty then, so that numba may delete it again.
    """
    assigned: dict[str, list[Place]] = defaultdict(list)
    mentioned: dict[str, list[Place]] = defaultdict(list)
    deleted: dict[str, list[Place]] = defaultdict(list)
    for label, block in blocks.items():
        for k, statement in enumerate(block.body):
            if isinstance(statement, ir.Assign):
                assigned[statement.target.name].append((label, k))
                if isinstance(statement.value, ir.Var):
                    mentioned[statement.value.name].append((label, k))
                elif isinstance(statement.value, ir.Expr):
                    for variable in statement.value.list_vars():
                        mentioned[variable.name].append((label, k))
            elif isinstance(statement, ir.Del):
                deleted[statement.value].append((label, k))
            else:
                for variable in statement.list_vars():
                    mentioned[variable.name].append((label, k))
    graph = compute_cfg_from_blocks(blocks)
    dominators = graph.dominators()
    for name, places in assigned.items():
        if len(places) != 1:
            continue
        [(home, first)] = places
        rest = mentioned[name] + deleted[name]
        if any(label not in dominators for label, _ in rest):
            continue
        passed = all((label == home and k > first) or (label > home and home in dominators[label]) for label, k in rest)
        if passed and (not holds_memory(name) or _is_deleted_once(graph, home, deleted[name])):
            yield name


def _is_deleted_once(graph: CFGraph, home: int, deleted: list[Place]) -> bool:
    """Whether a variable, assigned in one block, is never deleted twice, and always before it is assigned again."""
    labels = [label for label, _ in deleted]
    if len(set(labels)) != len(labels):
        return False
    waiting, seen = [(home, True)], set()
    while waiting:
        label, holds = waiting.pop()
        if label in labels:
            if not holds:
                return False
            holds = False
        for follower, _ in graph.successors(label):
            if follower == home:
                if holds:
                    return False
            elif (follower, holds) not in seen:
                seen.add((follower, holds))
                waiting.append((follower, holds))
    return True


def tidy(blocks: Blocks, names: set[str]) -> tuple[set[str], set[int]]:
    """Those variables among ``names`` of which is known, wherever they are assigned or deleted, whether they hold something; and which
    assignments, by identity, overwrite something.

    Their slots are never looked at where they are empty. LLVM's time grows with the square of the number of those that are.
    """
    graph = compute_cfg_from_blocks(blocks)
    may: dict[int, set[str]] = {graph.entry_point(): set()}  # what holds something as a block begins, by some way or by all
    must: dict[int, set[str]] = {graph.entry_point(): set()}
    waiting = [graph.entry_point()]
    while waiting:
        label = waiting.pop()
        may_after, must_after = set(may[label]), set(must[label])
        for name, assignment in _events(blocks[label], names):
            for held in (may_after, must_after):
                (held.discard if assignment is None else held.add)(name)
        for follower, _ in graph.successors(label):
            before = may.get(follower), must.get(follower)
            may[follower] = may.get(follower, set()) | may_after
            must[follower] = must.get(follower, must_after) & must_after
            if (may[follower], must[follower]) != before:
                waiting.append(follower)
    untidy, overwriting = set(), set()
    for label in may:
        for name, assignment in _events(blocks[label], names):
            if name in must[label]:
                overwriting.add(id(assignment))
            elif assignment is None or name in may[label]:
                untidy.add(name)
            for held in (may[label], must[label]):
                (held.discard if assignment is None else held.add)(name)
    return names - untidy, overwriting


def _events(block: ir.Block, names: set[str]) -> Iterator[tuple[str, ir.Assign | None]]:
    """Which of the variables a block assigns, and how, or else deletes, in order."""
    for statement in block.body:
        if isinstance(statement, ir.Assign) and statement.target.name in names:
            yield statement.target.name, statement
        elif isinstance(statement, ir.Del) and statement.value in names:
            yield statement.value, None
