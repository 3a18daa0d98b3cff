"""What must go through blocks of elements together: loops that share stacks, and all that is done between them.

In: a function or region. Out: groups of its equations, by their places. What only adds up need not wait for what it is added to.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import Function, StackType, Var
from ..ops import Builder


def groups_sharing_stacks(function: Function, before: Sequence[set[int]]) -> list[list[int]]:
    """Equations that share stacks, with all between them, by their places; larger groups first."""
    sharing = _sharing_stacks(function)
    found = []
    for group in sharing:
        inside = set(group)
        while True:
            inside |= _between(inside, before)
            more = set().union(*(other for other in sharing if not inside.isdisjoint(other)))
            if more <= inside:
                break
            inside |= more
        if sorted(inside) not in found:
            found.append(sorted(inside))
    return sorted(found, key=len, reverse=True)


def _sharing_stacks(function: Function) -> list[set[int]]:
    groups: list[tuple[set[Var], set[int]]] = []
    for place, e in enumerate(function.equations):
        stacks = {v for v in (*e.operands, *e.results) if isinstance(v.type, StackType)}
        if stacks:
            joined = [group for group in groups if not stacks.isdisjoint(group[0])]
            groups = [group for group in groups if stacks.isdisjoint(group[0])]
            groups.append((stacks.union(*(s for s, _ in joined)), {place}.union(*(places for _, places in joined))))
    return [places for _, places in groups]


def dependences(function: Function) -> list[set[int]]:
    """For each equation the places of those that it needs directly; sizes count."""
    makers = {r: place for place, e in enumerate(function.equations) for r in e.results}
    binders = {e["symbol"]: place for place, e in enumerate(function.equations) if e.op == "bind_size"}
    before = []
    for place, e in enumerate(function.equations):
        needed = {makers[v] for v in e.operands if v in makers}
        if binders:
            needed |= {binders[name] for name in e.symbols() if binders.get(name, place) < place}
        before.append(needed)
    return before


def _between(group: set[int], before: Sequence[set[int]]) -> set[int]:
    """What needs something of a group and is needed by something of it."""
    needed, pending = set(group), list(group)
    while pending:
        more = before[pending.pop()] - needed
        needed |= more
        pending += more
    return needed & and_after(group, before)


def and_after(group: set[int], before: Sequence[set[int]]) -> set[int]:
    """A group and what needs something of it."""
    after = set(group)
    for place, needed in enumerate(before):
        if not after.isdisjoint(needed):
            after.add(place)
    return after


def start_sums_at_zero(function: Function) -> Function:
    """Let sums in backward loops start at 0 where they wait for a forward loop otherwise, and add what they started with behind."""
    saving = set().union(*_sharing_stacks(function))
    makers = {r: place for place, e in enumerate(function.equations) for r in e.results}
    after = and_after(saving, dependences(function))
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for place, e in enumerate(function.equations):
        late = []
        if place in saving and e.op == "loop" and len(e.regions) == 1:
            (body,), split = e.regions, 2 + e["consts"]
            late = [
                k
                for k, result in enumerate(body.results)
                if makers.get(e.operands[split + k]) in after and _only_grows(body, body.parameters[split - 1 + k], result)
            ]
        results = [builder.fresh(r.type) for r in e.results]
        operands = [environment[v] for v in e.operands]
        for k in late:
            operands[split + k] = builder.zeros_like(operands[split + k])
        builder.append(e.replace(operands=tuple(operands), results=tuple(results)))
        for k in late:
            results[k] = builder.add(environment[e.operands[split + k]], results[k])
        environment.update(zip(e.results, results, strict=True))
    return builder.finish(function.name, [environment[v] for v in function.results]).replace(guards=function.guards)


def _only_grows(region: Function, parameter: Var, result: Var) -> bool:
    """Whether a result is a parameter to which something is added, and nothing else becomes of it."""
    if isinstance(parameter.type, StackType):
        return False
    state, earlier = parameter, set[Var]()
    for e in region.equations:
        if not earlier.isdisjoint(e.operands):
            return False
        if state not in e.operands:
            continue
        if e.operands.count(state) > 1 or not e.results:
            return False
        place, after = e.operands.index(state), e.results[-1]
        if e.op == "loop" and len(e.regions) == 1 and place >= (split := 2 + e["consts"]):
            (body,), after = e.regions, e.results[place - split]
            if not _only_grows(body, body.parameters[place - 1], body.results[place - split]):
                return False
        elif not (e.op == "add" or (e.op in ("sub", "index_add") and place == 0)):
            return False
        earlier.add(state)
        state = after
    return state == result and region.results.count(state) == 1 and earlier.isdisjoint(region.results)
