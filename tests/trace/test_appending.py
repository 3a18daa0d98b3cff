"""Lists that loops and branches of the program make longer, next to plain Python: values, types, derivatives, aliases, errors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from alike import same, same_slope
from interpreted import interpreting

import jitgrad as jg

x3 = np.array([0.3, -0.5, 0.8])


def epidemic(x, n):
    """Three lists whose last items are read."""
    s, i, r = [1 - 0.1 * x], [0.1 * x], [0.0]
    for _ in range(n):
        new, healed = 0.5 * s[-1] * i[-1], 0.2 * i[-1]
        s.append(s[-1] - new)
        i.append(i[-1] + new - healed)
        r.append(r[-1] + healed)
    return np.array([s, i, r]).T


def plain(x, n):
    out = []
    for k in range(n):
        out.append(x * k)
    return out


def sometimes(x, n):
    out = []
    for k in range(n):
        if np.sin(x * k) > 0:
            out.append(x * k)
    return out, len(out)


def until(x, n):
    out = [x]
    for _ in range(n):
        if out[-1] > 100:
            break
        out.append(out[-1] * 2)
    return np.array(out)


def nested(x, n):
    out = []
    for k in range(n):
        for j in range(n + 1):
            out.append(x * k + j)
        out.append(0.5 * x)
    return np.array(out)


def triangle(x, n):
    out = []
    for k in range(n):
        for j in range(k):
            out.append(x * k + j)
    return np.array(out)


def rows(x, n):
    table = []
    for k in range(n):
        row = []
        for j in range(3):
            row.append(x * k + j)
        table.append(row)
    return np.array(table), table


def trajectory(x, n):
    path = [x]
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
        path.append(x)
    return np.array(path), path[-1], path[0]


class Simulation:
    def __init__(self, x):
        self.x = x
        self.history = []

    def step(self):
        self.x = 0.9 * self.x + 1
        self.history.append(self.x)


def attribute(x, n):
    simulation = Simulation(x)
    for _ in range(n):
        simulation.step()
    return np.array(simulation.history), len(simulation.history)


def closure(x, n):
    log = []

    def record(value):
        log.append(value)

    for k in range(n):
        record(x * k)
    return sum(log), log


def in_a_dict(x, n):
    out = {"t": [], "y": []}
    for k in range(n):
        out["t"].append(k)
        out["y"].append(np.cos(x * k))
    return out


class Point(NamedTuple):
    t: float
    y: float


def pairs(x, n):
    out = []
    for k in range(n):
        out.append((k, x * k))
    return out, [b for _, b in out]


def named(x, n):
    out = []
    for k in range(n):
        out.append(Point(0.5 * k, x * k))
    return [p.y for p in out]


def stack(x, n):
    held = [0.0]
    for k in range(n):
        if k % 3 == 2:
            held.pop()
        else:
            held.append(x * k)
    return np.array(held), held[-1]


def more(x, n):
    """After the loop the list goes on growing, first one by one, then in a second loop."""
    out = []
    for k in range(n):
        out.append(x * k)
    out.append(-1.0)
    for k in range(n):
        out.append(x + k)
    total = 0.0
    for value in out:
        total += value**2
    return total, out, max(out), len(out), out[1:3]


def added(x, n):
    out = []
    for k in range(n):
        out += [x * k, x]
    return np.array(out)


def extended(x, n):
    out = [x]
    for k in range(n):
        out.extend([x * k, x])
    return np.array(out)


def promoted(x, n):
    out, total = [0.0], 0
    for _ in range(n):
        total = total + x
        out.append(total)
    return out


def branch(x, n):
    out = [x]
    if x * n > 0:
        out.append(2 * x)
    return np.array(out), len(out)


def written(x, n):
    out = [x]
    for k in range(n):
        out.append(x * k)
        out[0] += 1.0
        out[-1] = out[-1] + out[k // 2]
    return np.array(out)


def read_whole(x, n):
    out, totals = [x], []
    for k in range(n):
        out.append(x * k)
        totals.append(sum(out) + np.max(np.array(out)) + len(out))
    return np.array(totals)


def restarted(x, n):
    sums = []
    for k in range(n):
        inner = []
        for j in range(k + 1):
            inner.append(x * j)
        sums.append(sum(inner))
    return np.array(sums)


def literal(x, n):
    out = []
    for k in range(200):
        out.append(x * k)
    return np.array(out)


def left_in_the_middle(x, n):
    out = []
    for k in range(n):
        for j in range(n):
            out.append(x * j)
            if j >= k:
                break
    return out


def under_a_condition(x, n):
    out, seen = [x], np.zeros(2)
    if x > 0:
        seen += 1
        for k in range(n):
            out.append(x * k)
    return np.array(out), seen


def window(x, n):
    """A queue, of which some functions take all items."""
    held, means = [], []
    for k in range(n):
        held.append(x * k * (n - k))
        if len(held) > 3:
            held.pop(0)
        if k == 5:
            held.sort()
        means.append(sum(held) / len(held) + max(held) + held[0] - held[-1] + np.mean(held))
    return np.array(means), held, len(held)


def taken_at_the_front(x, n):
    out = []
    for k in range(n + 2):
        out.append(x * k)
    first, second = out.pop(0), out.pop()
    return out, first, second, sum(out)


def held_and_summed(x, n):
    held, total = [], 0.0
    for k in range(n):
        held.append(x * k)
        if k % 3 == 2:
            total = total + held.pop() + sum(held)
    return total, held


def longer_in_between(x, n):
    """Each iteration adds one item, and has one more in between."""
    out = [x]
    for k in range(n):
        out.append(x * k)
        out.append(x + k)
        x = x + 0.1 * out.pop()
    return out, x


def countdown(x, n):
    out = []
    for k in range(n, 0, -2):
        out.append(x / k)
    return out


PROGRAMS = [
    epidemic, plain, sometimes, until, nested, triangle, rows, attribute, closure, in_a_dict, pairs, named, stack, more, added,
    extended, promoted, branch, written, read_whole, restarted, literal, left_in_the_middle, under_a_condition,
    window, taken_at_the_front, held_and_summed, longer_in_between, countdown,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [9, 2])
def test_lists_grow_in_loops(program: Any, n: int) -> None:
    with interpreting():
        same(jg.jit(program)(1.25, n), program(1.25, n))


@pytest.mark.parametrize("program", [trajectory], ids=lambda f: f.__name__)
def test_lists_of_arrays_grow(program: Any) -> None:
    with interpreting():
        same(jg.jit(program)(x3, 4), program(x3, 4))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives_go_through_lists(program: Any) -> None:
    def loss(x, n):
        result = program(x, n)
        if program is in_a_dict:
            result = result["y"]
        if program is rows:
            result = result[0]
        if program is pairs:
            result = result[1]
        if isinstance(result, tuple):
            result = result[0]
        return np.sum(np.sin(np.array(result)))

    step = 1e-6
    expected = (loss(1.25 + step, 5) - loss(1.25 - step, 5)) / (2 * step)
    with interpreting():
        np.testing.assert_allclose(jg.grad(loss)(1.25, 5), expected, rtol=1e-6)


def test_one_program_serves_all_lengths() -> None:
    with interpreting():
        compiled = jg.jit(sometimes)
        for n in (0, 1, 7, 30):
            same(compiled(1.25, n), sometimes(1.25, n))
        same(compiled(1.25, -3), sometimes(1.25, -3))
    assert repr(compiled) == "<jitgrad sometimes, compiled for 1 kind of arguments>"


def test_a_long_loop_over_a_list_is_not_unrolled() -> None:
    assert jg.ir(literal, 1.25, 3).count("mul") < 5


def test_an_item_outside_of_the_list_is_an_error_at_run_time() -> None:
    def early(x, n):
        out = []
        for k in range(n):
            out.append(x + out[k])
        return out

    with interpreting(), pytest.raises(IndexError, match="list index out of range"):
        jg.jit(early)(1.0, 3)


def test_an_array_that_is_written_to_after_it_was_appended_is_refused() -> None:
    def aliased(x, n):
        x, out = x.copy(), []
        for _ in range(n):
            x += 1
            out.append(x)
        return np.array(out)

    def copied(x, n):
        x, out = x.copy(), []
        for _ in range(n):
            x += 1
            out.append(x.copy())
        return np.array(out)

    with interpreting():
        same(jg.jit(copied)(x3, 3), copied(x3, 3))
        with pytest.raises(NotImplementedError, match=r"an item of a list.*items\.append\(x\.copy\(\)\)"):
            jg.jit(aliased)(x3, 3)


def written_after(x, n):
    rows = []
    for k in range(n):
        row = [x, 1.0 * k]
        rows.append(row)
        row[0] = 7.0
    return rows


def written_before_it_is_appended_again(x, n):
    rows, row = [], [x, 0.0]
    for k in range(n):
        row[0] = 1.0 * k
        rows.append(row)
    return rows


def written_after_the_loop(x, n):
    rows, row = [], [x, 0.0]
    for _ in range(n):
        rows.append(row)
    row[0] = 7.0
    return rows


def written_in_the_next_iteration(x, n):
    rows, row = [], [x, 0.0]
    for _ in range(n):
        row[1] = 5.0
        row = [row[0] + 1.0, row[1]]
        rows.append(row)
    return rows


def written_where_a_branch_appended_it(x, n):
    rows, row = [], [x, 0.0]
    for k in range(n):
        if x < k:
            row = [row[0] + 1.0, row[1]]
            rows.append(row)
    row[1] = 3.0
    return rows


def written_in_copies(x, n):
    rows, row = [], [x, 0.0]
    for k in range(n):
        row[0] = row[0] + k
        rows.append(row[:])
        row = [row[0] + 1.0, row[1]]
    row[1] = 3.0
    return rows, row


def test_a_list_that_is_written_to_after_it_was_appended_is_refused() -> None:
    refused = (
        written_after, written_before_it_is_appended_again, written_after_the_loop, written_in_the_next_iteration,
        written_where_a_branch_appended_it,
    )  # fmt: skip
    with interpreting():
        same(jg.jit(written_in_copies)(1.5, 70), written_in_copies(1.5, 70))
        for program in refused:
            with pytest.raises(NotImplementedError, match=r"an item of another list.*items\.append\(x\.copy\(\)\)"):
                jg.jit(program)(1.5, 70)


def popped_in_a_branch(x, n):
    out = [x, 2 * x]
    if x * n > 1:
        out.pop()
    return out


def test_a_list_becomes_shorter_in_a_branch() -> None:
    with interpreting():
        for x in (1.0, -1.0):
            same(jg.jit(popped_in_a_branch)(x, 3), popped_in_a_branch(x, 3))


def test_items_of_different_shapes_are_refused() -> None:
    def ragged(x, n):
        out = []
        for k in range(n):
            out.append(x[:k])
        return out

    with interpreting(), pytest.raises(NotImplementedError):
        jg.jit(ragged)(x3, np.int64(3))


def test_the_list_of_the_caller_is_not_made_longer() -> None:
    def grow(items, n):
        for k in range(n):
            items.append(items[-1] * k)
        return items

    def grow_a_copy(items, n):
        return grow(list(items), n)

    mine = [1.0, 2.0]
    with interpreting():
        same(jg.jit(grow_a_copy)(mine, 4), grow_a_copy(mine, 4))
        with pytest.raises(NotImplementedError, match=r"work on a copy, such as items = list\(items\)"):
            jg.jit(lambda items: grow(items, int(items[1])))(mine)


def test_two_names_of_one_list_see_the_same_items() -> None:
    def shared(x, n):
        one = two = [x]
        for k in range(n):
            one.append(x * k)
        return len(two), two

    with interpreting():
        same(jg.jit(shared)(1.5, 4), shared(1.5, 4))


def append_larger(items, xs):
    for x in xs:
        if x > 0.3:
            items.append(x)


def moved_up(items, k):
    while k > 0 and items[k] > items[k - 1]:
        items[k], items[k - 1] = items[k - 1], items[k]
        k -= 1


def by_helpers(x):
    """A list of this function's that others make longer, twice."""
    found = []
    append_larger(found, x)
    append_larger(found, x * x)
    return sum(found) * len(found), found


def put_in_order(x):
    items = [x[0], x[1], x[2]]
    moved_up(items, 1)
    moved_up(items, 2)
    return items[0] + 2.0 * items[1], items


def held_elsewhere(x):
    found = []
    holders = {"found": found, "others": (found, [0.0])}
    append_larger(found, x)
    append_larger(holders["found"], 0.5 * x)
    return sum(holders["others"][0]) * len(found), holders["found"], found


def written_to_before(x):
    """Items are written to at known places, and then where only the run knows."""
    items = [0.0] * (len(x) + 1)
    items[0] = items[1] = x[1]
    for k in range(len(x)):
        items[int(2 * x[k])] = x[k]
    return sum(items), items


@pytest.mark.parametrize("program", [by_helpers, put_in_order, held_elsewhere, written_to_before], ids=lambda p: p.__name__)
def test_lists_that_other_functions_change(program: Any) -> None:
    x = np.array([0.2, 0.9, 0.4, 0.7])
    with interpreting():
        same(jg.jit(program)(x), program(x))
    same_slope(lambda t: program(np.array([0.2, 0.9 * t, 0.4, 0.7 + t])), 1.0)


def test_an_item_of_a_tuple_is_picked_at_run_time() -> None:
    def pick(x, k):
        choices = (x, 2 * x, x**2)
        return choices[k] + choices[np.argmax(choices)], [(1.0, x), (2.0, -x)][k % 2][1]

    with interpreting():
        compiled = jg.jit(pick)
        for k in (0, 2, -1, -3):
            same(compiled(1.5, k), pick(1.5, k))
        with pytest.raises(IndexError, match="index out of range"):
            compiled(1.5, 3)


def test_arrays_picked_from_a_list_are_not_written_to() -> None:
    def pick(x, k):
        layers = [x, 2 * x]
        layer = layers[k]
        layer += 1.0
        return layers[0]

    with interpreting(), pytest.raises(NotImplementedError, match="an item of a list"):
        jg.jit(pick)(x3, 1)


def test_layers_in_a_list_are_not_stacked() -> None:
    def network(x, layers):
        for k in range(len(layers)):
            x = np.tanh(layers[k] * x)
        return x

    assert "loop" not in jg.ir(network, x3, [x3, 2 * x3, 3 * x3])


def test_a_short_loop_of_much_work_is_not_unrolled() -> None:
    def program(x: Any, steps: int) -> Any:
        path = []
        for _ in range(20):
            for _ in range(steps):
                x = np.sin(x) + x[::-1] * np.cos(x) * 0.1 - np.tanh(x * x) / (1.0 + x * x)
            y = x * x * 0.5 + np.exp(-x) - np.sqrt(1.0 + x * x) + np.arctan(x)
            x = 0.5 * (x + y) + np.maximum(x, y) * 0.1
            path.append(x)
        return np.sum(np.array(path) ** 2)

    assert jg.ir(lambda x: program(x, 2), np.ones(3)).count("= arctan") == 1
    x = np.linspace(-1.0, 1.0, 3)
    with interpreting():
        np.testing.assert_allclose(jg.jit(program)(x, 2), program(x, 2), rtol=1e-12)


def test_a_list_of_candidates_grows_under_conditions_in_a_loop() -> None:
    def path(costs):
        best = np.zeros(len(costs))
        for k in range(len(costs)):
            ways = [costs[k]]
            if k > 0:
                ways.append(best[k - 1] + 0.5 * costs[k])
            if k > 1 and costs[k] > 0.5:
                ways.append(best[k - 2] + costs[k])
            best[k] = max(ways) + sum(np.exp(w - ways[-1]) for w in ways) + len(ways)
        return best

    costs = np.sin(np.arange(30.0))
    with interpreting():
        same(jg.jit(path)(costs), path(costs))
    assert len(jg.source(path, costs).splitlines()) < 200


def edit_distance(a, b, cost):
    """Two rows that are lists, of which one takes the other's place."""
    above = [j * cost for j in range(len(b) + 1)]
    for i in range(1, len(a) + 1):
        row = [i * cost] + [0.0] * len(b)
        for j in range(1, len(b) + 1):
            row[j] = min(above[j] + cost, row[j - 1] + cost, above[j - 1] + (a[i - 1] - b[j - 1]) ** 2)
        above = row
    return above[len(b)]


def knapsack(weights, values, room):
    best = [0.0] * (room + 1)
    for k in range(len(weights)):
        for r in range(room, 0, -1):
            if weights[k] <= r:
                best[r] = max(best[r], best[r - weights[k]] + values[k])
    return best


def primes(n):
    is_prime, found = [True] * (n + 1), []
    for k in range(2, n + 1):
        if is_prime[k]:
            found.append(k)
            for j in range(k * k, n + 1, k):
                is_prime[j] = False
    return found


def table(n, x):
    out = [[0.0] * 3, [1.0] * 3]
    for k in range(n):
        row = out[k % 2]
        row[k % 3] += x
    return out


def test_lists_are_written_to_at_places_that_the_run_knows() -> None:
    rng = np.random.default_rng(0)
    a, b, step = rng.random(70), rng.random(80), 1e-6
    with interpreting():
        for ours, theirs in zip(jg.jit(knapsack)(np.array([3, 1, 4]), a[:3], 70), knapsack([3, 1, 4], a[:3], 70), strict=True):
            assert ours == theirs
        assert jg.jit(primes)(100) == primes(100)
        slope = (edit_distance(a, b, 0.3 + step) - edit_distance(a, b, 0.3 - step)) / (2 * step)
        np.testing.assert_allclose(jg.jit(edit_distance)(a, b, 0.3), edit_distance(a, b, 0.3))
        np.testing.assert_allclose(jg.grad(edit_distance, 2)(a, b, 0.3), slope, rtol=1e-6)
    assert len(jg.ir(edit_distance, a, b, 0.3).splitlines()) < 400


def test_a_row_of_a_list_that_only_the_run_knows_is_written_to() -> None:
    with interpreting():
        same(jg.jit(table)(4, 1.5), table(4, 1.5))


def levels(x, limit):
    """Items of a list are set in a short loop inside a while loop."""
    held, total = [0.0, 0.0, 0.0], x
    while total < limit:
        for k in range(3):
            held[k] = held[k] + total * (k + 1)
        total = total + held[0]
    return held, total


def sieved_twice(n, x):
    """A list of a loop around is written to, and another made longer, two loops further in."""
    flags, found = [0.0] * (n + 1), []
    for k in range(n):
        for j in range(k, n + 1, 2):
            flags[j] = flags[j] + x
            if flags[j] > 2 * x:
                found.append(flags[j] * k)
    return flags, found


def test_lists_in_nests_of_loops_of_several_kinds() -> None:
    with interpreting():
        same(jg.jit(levels)(1.0, 50.0), levels(1.0, 50.0))
        same(jg.jit(sieved_twice)(7, 1.5), sieved_twice(7, 1.5))


def left_early(x):
    """A short loop, which is unrolled."""
    out = [x]
    for k in range(6):
        if abs(out[-1]) < 0.3:
            break
        if k % 2 == 0 or out[-1] < 0.9:
            out.append(0.7 * out[-1] + 0.01 * k)
    return np.array(out)


def test_lists_grow_in_branches_of_branches() -> None:
    with interpreting():
        for x in (1.0, 0.5, 0.1):
            same(jg.jit(left_early)(x), left_early(x))
        np.testing.assert_allclose(
            jg.grad(lambda x: np.sum(left_early(x)))(1.0),
            (np.sum(left_early(1.0 + 1e-6)) - np.sum(left_early(1.0 - 1e-6))) / 2e-6,
            rtol=1e-6,
        )
