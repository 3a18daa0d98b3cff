"""The cheapest way to have some vertices of a graph: each can be bought, or made from those before it (a minimum cut)."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

V = TypeVar("V", bound=Hashable)

_INFINITE = 1 << 200

_SOURCE, _SINK = 0, 1


def cheapest_cut(prices: Mapping[V, int], costs: Mapping[V, int], edges: Iterable[tuple[V, V]], sinks: Iterable[V]) -> set[V]:
    """The vertices to buy such that all sinks can be had for the least total; of equal ways, the one that buys nearest the sinks.

    A vertex that is not bought is made, at its cost, from all that edges lead from; one without a cost cannot be made.  By augmenting
    shortest paths (Edmonds and Karp, 1972) in a graph in which a vertex is an edge, cut where it is bought, with another one
    from the source to where it begins, cut where it is made.
    """
    entry = {v: 2 * k + 2 for k, v in enumerate(prices)}  # where edges enter a vertex; they leave it at the next number
    capacity: list[dict[int, int]] = [{} for _ in range(2 * len(entry) + 2)]

    def connect(a: int, b: int, amount: int) -> None:
        capacity[a][b] = amount
        capacity[b].setdefault(a, 0)

    for v, price in prices.items():
        connect(entry[v], entry[v] + 1, price)
        connect(_SOURCE, entry[v], costs.get(v, _INFINITE))
    for v, w in edges:
        connect(entry[v] + 1, entry[w], _INFINITE)
    for v in sinks:
        connect(entry[v] + 1, _SINK, _INFINITE)
    while _SOURCE in (after := _ways_to_sink(capacity)):
        path = _path(after)
        amount = min(capacity[near][far] for near, far in path)
        for near, far in path:
            capacity[near][far] -= amount
            capacity[far][near] += amount
    return {v for v, at in entry.items() if at + 1 in after and at not in after}


def _ways_to_sink(capacity: list[dict[int, int]]) -> dict[int, int]:
    """For nodes from which the sink can still be reached, the next one on a shortest way; for no more once the source is among them."""
    after = {_SINK: _SINK}
    queue = deque([_SINK])
    while queue and _SOURCE not in after:
        b = queue.popleft()
        for a in capacity[b]:
            if a not in after and capacity[a][b] > 0:
                after[a] = b
                queue.append(a)
    return after


def _path(after: dict[int, int]) -> list[tuple[int, int]]:
    """The edges of the way from the source to the sink."""
    path, node = [], _SOURCE
    while node != _SINK:
        path.append((node, after[node]))
        node = after[node]
    return path
