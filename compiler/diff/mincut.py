"""The cheapest way to have some vertices of a graph: each can be bought, or made from those before it (a minimum cut)."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

V = TypeVar("V", bound=Hashable)

_INFINITE = 1 << 200

Node = tuple[int, object]  # (0, v) where edges enter a vertex, (1, v) where they leave; (2, name) the two ends
_SOURCE: Node = (2, "source")
_SINK: Node = (2, "sink")


def cheapest_cut(prices: Mapping[V, int], costs: Mapping[V, int], edges: Iterable[tuple[V, V]], sinks: Iterable[V]) -> set[V]:
    """The vertices to buy such that all sinks can be had for the least total; of equal ways, the one that buys nearest the sinks.

    A vertex that is not bought is made, at its cost, from all that edges lead from; one without a cost cannot be made.  By augmenting
    shortest paths (Edmonds and Karp, 1972) in a graph in which a vertex is an edge, cut where it is bought, with another one
    from the source to where it begins, cut where it is made.
    """
    capacity: dict[Node, dict[Node, int]] = {_SOURCE: {}, _SINK: {}}

    def connect(a: Node, b: Node, amount: int) -> None:
        capacity.setdefault(a, {})[b] = amount
        capacity.setdefault(b, {}).setdefault(a, 0)

    for v, price in prices.items():
        connect((0, v), (1, v), price)
        connect(_SOURCE, (0, v), costs.get(v, _INFINITE))
    for a, b in edges:
        connect((1, a), (0, b), _INFINITE)
    for v in sinks:
        connect((1, v), _SINK, _INFINITE)
    while _SOURCE in (after := _ways_to_sink(capacity)):
        path = _path(after)
        amount = min(capacity[near][far] for near, far in path)
        for near, far in path:
            capacity[near][far] -= amount
            capacity[far][near] += amount
    return {v for v in prices if (1, v) in after and (0, v) not in after}


def _ways_to_sink(capacity: dict[Node, dict[Node, int]]) -> dict[Node, Node]:
    """For nodes from which the sink can still be reached, the next one on a shortest way; for no more once the source is among them."""
    after: dict[Node, Node] = {_SINK: _SINK}
    queue = deque([_SINK])
    while queue and _SOURCE not in after:
        b = queue.popleft()
        for a in capacity[b]:
            if a not in after and capacity[a][b] > 0:
                after[a] = b
                queue.append(a)
    return after


def _path(after: dict[Node, Node]) -> list[tuple[Node, Node]]:
    """The edges of the way from the source to the sink."""
    path, node = [], _SOURCE
    while node != _SINK:
        path.append((node, after[node]))
        node = after[node]
    return path
