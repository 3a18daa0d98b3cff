"""Lists that ``while`` loops make longer and shorter, and read anywhere, next to plain Python: values, derivatives, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import same, same_slope
from interpreted import interpreting

import jitgrad as jg

RNG = np.random.default_rng(0)
EDGES = (RNG.random((12, 12)) < 0.25).astype(float)
PICTURE = (RNG.random((9, 11)) < 0.4).astype(float)


def simpson(x):
    """Adaptive quadrature with a stack of intervals."""

    def rule(left, right):
        return (right - left) / 6 * (f(left) + 4 * f(0.5 * (left + right)) + f(right))

    def f(t):
        return np.exp(-t * t) * np.sin(5 * x * t)

    total = 0.0
    stack = [(0.0, 2.0 + x)]
    while stack:
        left, right = stack.pop()
        middle = 0.5 * (left + right)
        halves = rule(left, middle) + rule(middle, right)
        if abs(halves - rule(left, right)) < 1e-4:
            total += halves
        else:
            stack.append((left, middle))
            stack.append((middle, right))
    return total


def depth_first(x):
    visited = np.zeros(len(EDGES), bool)
    order, stack = [], [0]
    while stack:
        v = stack.pop()
        if visited[v]:
            continue
        visited[v] = True
        order.append(x * v)
        for w in range(len(EDGES)):
            if EDGES[v, w] > 0 and not visited[w]:
                stack.append(w)
    return np.array(order), visited


def breadth_first(x):
    distance = np.full(len(EDGES), -1.0)
    distance[0] = 0.0
    queue = [0]
    while len(queue) > 0:
        v = queue.pop(0)
        for w in range(len(EDGES)):
            if EDGES[v, w] > 0 and distance[w] < 0:
                distance[w] = distance[v] + x
                queue.append(w)
    return distance


def flooded(x):
    picture = np.array(PICTURE)
    old = picture[4, 4]
    stack = [(4, 4)]
    while stack:
        i, j = stack.pop()
        if 0 <= i < picture.shape[0] and 0 <= j < picture.shape[1] and picture[i, j] == old:
            picture[i, j] = 9.0 * x
            stack.append((i + 1, j))
            stack.append((i - 1, j))
            stack.append((i, j + 1))
            stack.append((i, j - 1))
    return picture


def tree(x):
    stack, total = [(0, x)], 0.0
    while len(stack) > 0:
        depth, v = stack.pop()
        if depth < 5:
            stack.append((depth + 1, 0.5 * v))
            stack.append((depth + 1, 0.3 * v + 0.1))
        else:
            total += np.sin(v)
    return total


def at_times(x):
    out, k = [x], 0
    while k < 30:
        if out[-1] > 1.0 and len(out) > 1:
            x = x + 0.01 * out.pop()
        else:
            out.append(out[-1] * 1.3 + 0.1 * x)
        k += 1
    return np.array(out), x


def in_order(x):
    """The inner loop adds as many items as only the run knows."""
    left, right = np.array([1, 3, 5, -1, -1, -1, -1]), np.array([2, 4, 6, -1, -1, -1, -1])
    stack, out, node = [], [], 0
    while stack or node != -1:
        while node != -1:
            stack.append(node)
            node = left[node]
        node = stack.pop()
        out.append(x * node)
        node = right[node]
    return np.array(out)


def of_each(x):
    """A stack of its own in each iteration of a for loop."""
    total = 0.0
    for k in range(70):
        stack = [x + 0.1 * k]
        while stack:
            y = stack.pop()
            if y > 1.0:
                stack.append(0.5 * y)
                stack.append(0.4 * y)
            else:
                total += y * y
    return total


def around_for_loops(x):
    """The list belongs to the for loop around."""
    stack = [x]
    for k in range(70):
        while len(stack) > 0 and stack[-1] < 0.05 * k:
            stack.pop()
        while len(stack) < 3 or stack[-3] > 0.5 * x:
            stack.append(0.7 * x + 0.01 * k - 0.001 * len(stack) * len(stack))
    return np.array(stack)


def halved(x):
    """Many items, read in the middle."""
    out, k = [x], 0
    while len(out) < 100 * x:
        out.append(out[k // 2] * 0.5)
        k += 1
    return np.array(out)


def averaged(x):
    out = [x]
    while x < 50:
        out.append(x)
        x = x + 1 + np.mean(out)
    return np.array(out)


def of_arrays(x):
    """Arrays as items, and a list that gets an item in each iteration."""
    stack, seen = [np.array([x, 0.5 * x])], []
    while stack:
        v = stack.pop()
        seen.append(v.sum())
        if v[0] > 0.1:
            stack.append(0.5 * v)
            stack.append(v * np.array([0.25, 1.0]))
    return np.array(seen)


def primes(x):
    found, k = [2], 3
    while k < 60 * x:
        is_prime = True
        for p in found:
            if k % p == 0:
                is_prime = False
                break
        if is_prime:
            found.append(k)
        k += 2
    return x * np.array(found)


def interrupted(x):
    """What follows an inner loop that has no room for its items is nobody's error, and ends."""
    table = np.array([1.0])
    out, k = [x], 0
    while len(out) < 40:
        j = 0
        while j < k:
            out.append(out[j // 2] * 0.9)
            j += 1
        assert j == k
        while j != k:
            j += 2
        x = x + table[k - j]
        k += 1
    return np.array(out), x


def emptied(x):
    """The list is empty before and after, and in between."""
    out, k = [], 0
    while k < 20:
        if k % 7 == 6:
            while out:
                x = x + 0.1 * out.pop()
        else:
            out.append(x * k)
        k += 1
    return x, len(out)


class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def take(self):
        return self.items.pop()

    def __len__(self):
        return len(self.items)


def in_an_object(x):
    stack, total = Stack(), 0.0
    stack.push(x)
    while len(stack) > 0:
        y = stack.take()
        total += y
        if y > 0.2:
            stack.push(0.6 * y)
            stack.push(0.3 * y)
    return total


def from_both_ends(x):
    items = [x, 2 * x]
    while len(items) > 1 and len(items) < 40:
        first, last = items.pop(0), items.pop()
        items.append(0.5 * (first + last))
        items.append(0.9 * first)
        items.append(0.8 * last)
    return np.array(items)


def by_priority(x):
    """The least item is looked for, and taken from where it is."""
    waiting, out = [x], []
    while len(out) < 20:
        waiting.append(np.sin(len(out) * x))
        waiting.append(np.cos(len(out) * x))
        best = 0
        for j in range(1, len(waiting)):
            if waiting[j] < waiting[best]:
                best = j
        out.append(waiting.pop(best))
    return np.array(out), len(waiting)


def in_place(x):
    """Items are put where they belong, so that the list stays in order."""
    out, y = [x], x
    while len(out) < 20 * x:
        y = (y * 1.7 + 0.3) % 1.0
        k = 0
        while k < len(out) and out[k] < y:
            k += 1
        out.insert(k, y)
    return np.array(out)


def anywhere(x):
    items, k = [x], 0
    while k < 23:
        items.insert((k * 7) % len(items) if k % 3 else -1, x * k)
        if len(items) > 6:
            x = x + 0.1 * items.pop((k * 5) % len(items))
        if len(items) == 5:
            del items[k % 3]
        k += 1
    return np.array(items), x


def in_slices(x):
    items, total, k = [x], 0.0, 0
    while k < 23:
        items.append(x * k)
        items.append(x + k)
        if len(items) > 9:
            total += sum(items[3:6])
            del items[3:]
        if k % 5 == 4:
            del items[:2]
        k += 1
    return np.array(items), total


def removed(x):
    items, k = [0], 1
    while k < 23:
        items.append(k % 4)
        items.append(k)
        if k % 2 in items:
            items.remove(k % 2)
        k += 1
    return x * np.array(items)


def counted_out(x):
    """All items of a list that is there before leave it one by one."""
    ring, out, at = list(range(int(20 * x))), [], 0
    while ring:
        at = (at + 3) % len(ring)
        out.append(x * ring.pop(at))
    return np.array(out)


def refilled(x):
    """A list that is empty again after each branch that uses it, as a queue around a search."""
    queue, singles, seen, out = [], [], np.zeros(6, dtype=int), 0.0
    for k in range(6):
        if x * (k % 4) > 1:
            singles.append(k)
            while singles:
                out += x * singles.pop(0)
        if seen[k] == 0 and x * k > 2:
            queue.append((k, 0))
            while queue:
                place, depth = queue.pop(0)
                seen[place] = 1
                out += x * depth
                for step in (1, 2):
                    if place + step < 6 and seen[place + step] == 0:
                        queue.append((place + step, depth + 1))
    return out, seen, len(queue), len(singles)


def connected(x):
    """A search that puts all neighbours of an item behind the others, so many as only the run knows."""
    places = x * np.array([0.0, 0.4, 0.7, 3.0, 3.2])
    seen, queue = np.zeros(5, dtype=int), [0]
    while queue:
        at = queue.pop(0)
        if seen[at] == 0:
            seen[at] = 1
            queue += [k for k in range(len(places)) if abs(places[at] - places[k]) <= 0.5]
    return seen


PROGRAMS = [
    simpson, depth_first, breadth_first, flooded, tree, at_times, in_order, of_each, around_for_loops, halved, averaged, of_arrays, primes,
    interrupted, emptied, in_an_object, from_both_ends, by_priority, in_place, anywhere, in_slices, removed,
    counted_out, refilled, connected,
]  # fmt: skip
DERIVED = [
    simpson,
    breadth_first,
    tree,
    at_times,
    in_order,
    around_for_loops,
    halved,
    averaged,
    of_arrays,
    interrupted,
    by_priority,
    anywhere,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_lists_become_longer_and_shorter(program: Any) -> None:
    with interpreting():
        compiled = jg.jit(program)
        for x in (1.3, 0.7):
            same(compiled(x), program(x))


@pytest.mark.parametrize("program", DERIVED, ids=lambda f: f.__name__)
def test_derivatives_go_through_them(program: Any) -> None:
    same_slope(program, 1.3157)


def test_the_kernels_do_what_the_interpreter_does() -> None:
    same(jg.jit(simpson)(1.3), simpson(1.3))


def test_an_empty_list_is_popped_when_the_program_runs() -> None:
    def popped(x):
        stack, total = [x], 0.0
        while total < 10:
            total = total + stack.pop()
            if x > 1:
                stack.append(2 * x)
                stack.append(x)
        return total

    with interpreting():
        compiled = jg.jit(popped)
        same(compiled(1.5), popped(1.5))
        with pytest.raises(IndexError, match="pop from empty list"):
            compiled(0.5)


def remade(x):
    items = [x]
    while len(items) < 9 * x:
        items = items + [x]  # noqa: RUF005
    return items


def sliced(x):
    items = [0]
    while len(items) > 0:
        first = items[0]
        items = items[1:]
        for k in range(70):
            if k * x < 9 and k == first + 1:
                items.append(k)
    return x


def of_texts(x):
    stack = [("a", x)]
    while stack:
        _, y = stack.pop()
        if y > 0.1:
            stack.append(("b", y / 2))
    return x


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (remade, r"items \(\[\*\] and \[\*, \*\]\); change the list itself, with append"),
        (sliced, r"the size of items changes .*; a list can become longer and shorter itself, by append"),
        (of_texts, "do not fit into arrays; put numbers in place of texts"),
    ],
)
def test_what_cannot_be_held_is_refused_in_words(program: Any, words: str) -> None:
    with interpreting(), pytest.raises(NotImplementedError, match=words):
        jg.jit(program)(1.3)
