"""Runs loops over arrays block by block, forward and backward together, where elements do not wait for each other.

Many steps of Newton's method for each element of a long array, say: the forward loop saves arrays in every iteration, and by the time the
backward loop reads them they have left the caches. Here both loops run for ``BLOCK`` elements, then for the next ones: what is saved is
read while it is near, and its memory is used again. Each element is computed as before. What the backward loop sums over all elements
goes on from block to block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from ..ir import ArrayType, Dim, Equation, Function, Var, symbol
from ..ir.sizes import symbols
from ..ir.types import I64
from ..ops import Builder
from .blocks import Block, RefusedError, require
from .dce import has_effect
from .together import and_after, dependences, groups_sharing_stacks, start_sums_at_zero

BLOCK = 512  # elements: long enough for the widest vectors, short enough to keep what a hundred iterations save


def run_in_blocks(function: Function) -> Function:
    """Go through arrays in blocks where a loop saves them for a backward loop, and nothing but sums joins their elements.

    %1: f64[n], %2: stack<f64> = loop ... x %0          %0: f64[n] = loop 0 max(n, 1) x ct zeros {step=512, consts=2}
      (fn body(i, x, saved) -> ...)                       (fn block(first, x, ct, ct_x) -> (f64[n]) {
    %3: f64[n], %4: stack<f64> = loop ... ct %2             bind_size min(n - first, 512) {symbol='block'}
      (fn body_backward(i, ct_x, saved) -> ...)             %1: f64[block] = index x first
                                                            %2: f64[block] = index ct first
                                                            %3: f64[block], %4: stack<f64> = loop ... %1 %0
                                                            %5: f64[block], %6: stack<f64> = loop ... %2 %4
                                                            %7: f64[n] = update ct_x %5 first
                                                            return %7
                                                          })
    """
    if not any(e.op == "push" for e in function.walk()):
        return function
    return _inside(function, set(function.symbols()), set())


def _inside(function: Function, taken: set[str], blocks: set[str]) -> Function:
    """``taken`` are the symbols in use, ``blocks`` those of blocks."""
    name = next(name for k in count(1) if (name := f"block_{k}" if k > 1 else "block") not in taken)
    for candidate in _candidates(function):
        before = dependences(candidate)
        for group in groups_sharing_stacks(candidate, before):
            for dim in _dims([candidate.equations[k] for k in group]):
                if symbols(dim).isdisjoint(blocks):
                    try:
                        changed = _in_blocks(candidate, group, and_after(set(group), before), dim, name)
                    except RefusedError:
                        continue
                    taken.add(name)
                    blocks.add(name)
                    return _inside(changed, taken, blocks)
    equations = tuple(
        e.replace(regions=tuple(_inside(region, taken, blocks) for region in e.regions)) if e.regions else e
        for e in function.equations
    )
    return function.replace(equations=equations)


def _candidates(function: Function) -> Iterator[Function]:
    """The function, and a way to write it with less that waits."""
    if any(e.op == "stack_new" for e in function.equations):
        yield function
        if (changed := start_sums_at_zero(function)) != function:
            yield changed


def _dims(equations: Sequence[Equation]) -> Iterator[Dim]:
    """The sizes of what is saved that are known before."""
    inner = [e for equation in equations for e in equation.walk()]
    bound = {e["symbol"] for e in inner if e.op == "bind_size"}
    dims = dict.fromkeys(dim for e in inner if e.op == "push" for dim in e.operands[1].type.shape)  # type: ignore[union-attr]
    return (dim for dim in dims if (not isinstance(dim, int) or dim > BLOCK) and bound.isdisjoint(symbols(dim)))


def _in_blocks(function: Function, group: Sequence[int], after: set[int], dim: Dim, name: str) -> Function:
    """The function with a loop over blocks in place of a group of equations; ``after`` are these and what needs them."""
    chosen = [function.equations[k] for k in group]
    require(not any(has_effect(e) for e in chosen))
    require(not any(has_effect(function.equations[k]) for k in after if group[0] < k < group[-1]))
    read = {v for k, e in enumerate(function.equations) if k not in group for v in e.operands}.union(function.results)
    needed = {v for e in chosen for v in e.operands}
    again = [
        e for k, e in enumerate(function.equations) if k not in group and needed.intersection(e.results) and _repeats(e, dim)
    ]
    scope, exports = _block([*again, *chosen], dim, name, [v for e in chosen for v in e.results if v in read])

    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for place, e in enumerate(function.equations):
        if place not in after:
            builder.copy(e, environment)
    zero = builder.constant(0, ArrayType(I64))
    stop = builder.emit("maximum", builder.emit("size", value=dim), builder.constant(1, ArrayType(I64)))
    starts = [environment[start] if isinstance(start, Var) else builder.zeros(start) for start in scope.starts]
    constants = [environment[v] for v in scope.constants]
    found = builder.emit("loop", zero, stop, *constants, *starts, regions=(scope.finish(),), step=BLOCK, consts=len(constants))
    for v, result in zip(exports, found if isinstance(found, tuple) else (found,), strict=True):
        environment[v] = builder.add(environment[v], result) if v in environment else result
    for place, e in enumerate(function.equations):
        if place in after and place not in group:
            builder.copy(e, environment)
    return builder.finish(function.name, [environment[v] for v in function.results]).replace(guards=function.guards)


def _repeats(e: Equation, dim: Dim) -> bool:
    """Whether an equation only repeats something along an axis that is cut into blocks; each block can do that."""
    return e.op == "broadcast" and dim in e["shape"] and dim not in e.operands[0].type.shape  # type: ignore[union-attr]


def _block(equations: Sequence[Equation], dim: Dim, name: str, exports: Sequence[Var]) -> tuple[Block, list[Var]]:
    """The body of the loop over the blocks, and what its results stand for."""
    builder = Builder()
    scope = Block(builder, dim, symbol(name), builder.parameter("first", ArrayType(I64)))
    width = builder.emit(
        "minimum", builder.sub(builder.emit("size", value=dim), scope.first), builder.constant(BLOCK, ArrayType(I64))
    )
    builder.emit("bind_size", width, symbol=name)
    made = {r for e in equations for r in e.results}
    for v in dict.fromkeys(v for e in equations for v in e.operands if v not in made):
        scope.give(v)
    scope.count_uses(equations, exports)
    for e in equations:
        scope.run(e)
    return scope, scope.export(exports)
