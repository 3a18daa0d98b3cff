"""The cheapest set of vertices that separates sources from sinks in a graph (a minimum vertex cut)."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

V = TypeVar("V", bound=Hashable)

_INFINITE = 1 << 200

Node = tuple[int, object]  # (0, v) where edges enter a vertex, (1, v) where they leave; (2, name) the two ends
_SOURCE: Node = (2, "source")
_SINK: Node = (2, "sink")


def cheapest_cut(prices: Mapping[V, int], sources: Iterable[V], edges: Iterable[tuple[V, V]], sinks: Iterable[V]) -> set[V]:
    """Vertices of least total price that every path from a source to a sink meets; of equal cuts, the one nearest the sinks.

    By augmenting shortest paths (Edmonds and Karp, 1972) in the graph whose edges are the vertices.
    """
    capacity: dict[Node, dict[Node, int]] = {_SOURCE: {}, _SINK: {}}

    def connect(a: Node, b: Node, amount: int) -> None:
        capacity.setdefault(a, {})[b] = amount
        capacity.setdefault(b, {}).setdefault(a, 0)

    for v, price in prices.items():
        connect((0, v), (1, v), price)
    for a, b in edges:
        connect((1, a), (0, b), _INFINITE)
    for v in sources:
        connect(_SOURCE, (0, v), _INFINITE)
    for v in sinks:
        connect((1, v), _SINK, _INFINITE)
    while path := _shortest_path(capacity):
        amount = min(capacity[near][far] for near, far in path)
        for near, far in path:
            capacity[near][far] -= amount
            capacity[far][near] += amount
    beyond = _reaching_sink(capacity)
    return {v for v in prices if (1, v) in beyond and (0, v) not in beyond}


def _shortest_path(capacity: dict[Node, dict[Node, int]]) -> list[tuple[Node, Node]]:
    came: dict[Node, Node] = {_SOURCE: _SOURCE}
    queue = deque([_SOURCE])
    while queue and _SINK not in came:
        a = queue.popleft()
        for b, amount in capacity[a].items():
            if amount > 0 and b not in came:
                came[b] = a
                queue.append(b)
    path = []
    node = _SINK
    while node in came and node != _SOURCE:
        path.append((came[node], node))
        node = came[node]
    return path


def _reaching_sink(capacity: dict[Node, dict[Node, int]]) -> set[Node]:
    """The nodes from which the sink can still be reached."""
    found = {_SINK}
    queue = deque([_SINK])
    while queue:
        b = queue.popleft()
        for a in capacity[b]:
            if a not in found and capacity[a][b] > 0:
                found.add(a)
                queue.append(a)
    return found
