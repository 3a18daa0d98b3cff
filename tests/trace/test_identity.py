"""Lists, dicts and dataclasses that are one object on some ways through the program, or on all: writes to them next to plain Python."""

import operator
from collections import deque, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
from interpreted import interpreting
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg

Pair = namedtuple("Pair", "number items")


@dataclass
class Point:
    x: float
    y: float

    def move(self, by):
        self.x = self.x + by
        return self

    def moved(self, by):
        return Point(self.x + by, self.y)


class Holder:
    def __init__(self, items):
        self.items = items


def run(program, *args):
    with interpreting():
        return jg.jit(program)(*args)


# one object on all ways


def list_named_in_both_branches(t):
    a = [1.0, 2.0]
    if t > 0:
        s, b = a[0] * t, a
    else:
        s, b = a[1] * t, a
    b[0] = 9.0
    return a, b, s


def list_in_both_cases(t):
    a = [1.0, t]
    b = a if t > 0 else (a or a)
    b.append(3.0)
    return a


def dataclass_under_two_names(t):
    p = Point(0.0, t)
    q = p
    if t > 0:
        p.x = 5.0 * t
    p.y = p.y + 7.0
    q.x = q.x + 1.0
    return p.x, p.y, q.x, q.y


def dataclass_moved_by_a_method(t):
    p = Point(0.0, t)
    q = p
    if t > 0:
        p.move(2.0 * t)
    p.move(1.0)
    return q.x, p.x


def dataclass_in_a_loop(t):
    p = Point(0.0, t)
    q = p
    for _ in range(int(t * t)):
        p.x += t
        q.y = q.y + p.x
    p.y = p.y + 1.0
    return p.x, p.y, q.x, q.y


def dataclass_in_a_while_loop(t):
    p = Point(t, 1.0)
    q = p
    while q.x < 3.0:
        p.move(p.y)
    return q.x + p.x


def nested_in_a_list(t):
    points = [Point(0.0, t), Point(1.0, t)]
    first = points[0]
    if t > 0:
        points[0].x = t
    first.y = 3.0
    return points[0].x, points[0].y, first.x


def loop_that_only_reads(t):
    row = [t, 1.0]
    other = row
    total = 0.0
    for k in range(int(t * t)):
        total += row[0] * k
        row = other
    other[0] = 8.0
    return row, other, total


# objects that change places, or that nobody looks at any more


def made_anew_by_each_branch(t):
    a = [1.0, t] if t > 0 else [2.0, 3 * t]
    a[0] = a[1] + 1
    a.append(4.0)
    return a


def only_read(t):
    a, b = [1.0, t], [2.0, t]
    c = a if t > 0 else b
    return c[0] * c[1], a, b


def last_use_of_the_others(t):
    a, b = [1.0, t], [2.0, t]
    a = a if t > 0 else b
    a[0] = 7.0
    return a


def written_before_the_choice(t):
    a, b = [1.0, t], [2.0, t]
    a[0] = 5.0 * t
    c = a if t > 0 else b
    return c, a


def other_item_than_the_one_read(t):
    a, b = [1.0, t], [2.0, 2 * t]
    c = a if t > 0 else b
    c[0] = 7.0
    return a[1], b[1], c


def overwritten_after_it(t):
    a, b = [1.0, t], [2.0, t]
    c = a if t > 0 else b
    c[0] = 7.0
    a[0], b[0] = 1.0, 2.0
    return a, b


def copied(t):
    a, b = {"k": 1.0}, {"k": t}
    c = dict(a) if t > 0 else dict(b)
    c["k"] = 7.0
    return a, b, c


def lists_that_change_places(t):
    now, then = [1.0, t], [0.0, 0.0]
    for _ in range(int(t * t)):
        then[0] = now[0] + now[1]
        then[1] = now[0] * t
        now, then = then, now
    return now


def dataclasses_that_change_places(t):
    now, then = Point(1.0, t), Point(0.0, 0.0)
    for _ in range(int(t * t)):
        then.x, then.y = now.x + now.y, now.x * t
        now, then = then, now
    return now.x, now.y


def list_rotated_by_making_another(t):
    window = [t, 2.0, 3.0]
    for k in range(int(t * t)):
        window = [window[1], window[2], window[0] + k]
        window[0] = window[0] * 2.0
    return window


def dataclass_replaced(t):
    p = Point(t, 1.0)
    for _ in range(int(t * t)):
        p = p.moved(t)
    p.x = p.x + 1.0
    return p.x


def attribute_that_gets_a_list_with_new_contents(t):
    items, holder = [1.0, t], Holder([0.0, 0.0])
    if t > 0:
        items[0] = 5.0 * t
        holder.items = items
    return holder.items


def identity_of_known_objects(t):
    a, b = [1.0], [1.0]
    c = a if t > 0 else (a or b)
    return float(c is a), float(c is b), float(c is not a)


def list_in_arrays_in_both_cases(t):
    a = [v * t for v in np.arange(5.0)]
    b = a if t > 0 else (a or a)
    b[0] = 9.0
    b.append(3.0)
    return a


def attribute_of_the_class(t):
    class Counter:
        count = 0.0
        name = "counter"

        def add(self, by):
            self.count += by

    a, b = Counter(), Counter()
    for k in range(int(t * t)):
        a.add(t * k)
    if t > 1:
        b.add(t)
    return a.count, b.count, Counter.count


def items_that_change_places(t):
    d = {"a": [t], "b": [2 * t]}
    for k in range(int(t * t)):
        d["a"], d["b"] = d["b"], d["a"]
        d["a"][0] += k + 1
    return d["a"], d["b"]


def best_of_lists_made_in_a_loop(t):
    best = [0.0, -1.0]
    for k in range(int(t * t)):
        other = [t * (k - 1) ** 2, float(k)]
        if other[0] > best[0]:
            best = other
    best[1] += 0.5
    return best


FOLLOWED = [
    list_named_in_both_branches, list_in_both_cases, dataclass_under_two_names, dataclass_moved_by_a_method, dataclass_in_a_loop,
    dataclass_in_a_while_loop, nested_in_a_list, loop_that_only_reads, made_anew_by_each_branch, only_read, last_use_of_the_others,
    written_before_the_choice, other_item_than_the_one_read, overwritten_after_it, copied, lists_that_change_places,
    dataclasses_that_change_places, list_rotated_by_making_another, dataclass_replaced, attribute_that_gets_a_list_with_new_contents,
    identity_of_known_objects, items_that_change_places, best_of_lists_made_in_a_loop, list_in_arrays_in_both_cases, attribute_of_the_class,
]  # fmt: skip


@pytest.mark.parametrize("t", [1.8, -1.8, 0.3])
@pytest.mark.parametrize("program", FOLLOWED, ids=lambda program: program.__name__)
def test_gives_what_python_gives(program, t):
    found, expected = run(program, t), program(t)
    np.testing.assert_allclose(_numbers(found), _numbers(expected), rtol=1e-14)


def _numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [number for item in value for number in _numbers(item)] if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("program", [dataclass_in_a_loop, lists_that_change_places, dataclass_under_two_names])
def test_gradients(program):
    def loss(t):
        return sum(v * v for v in _numbers(program(t)))

    with interpreting():
        found = jg.grad(lambda t: np.sum(np.array(program(t)) ** 2))(1.8)
    assert found == pytest.approx((loss(1.8 + 1e-6) - loss(1.8 - 1e-6)) / 2e-6, rel=1e-6)


# what is refused: an item is looked at that a write may have been meant for


def list_chosen(t):
    a, b = [1.0, t], [2.0, t]
    c = a if t > 0 else b
    c[0] = 7.0
    return a, b


def dict_chosen(t):
    a, b = {"k": 1.0}, {"k": 2.0}
    c = a if t > 0 else b
    c["k"] = 7.0
    return a["k"] + b["k"]


def dataclass_chosen(t):
    a, b = Point(1.0, t), Point(2.0, t)
    if t > 0:
        c = a
    else:
        c = b
    c.x = 7.0
    return a.x


def deque_chosen(t):
    a, b = deque([1.0, t]), deque([2.0, t])
    c = a if t > 0 else b
    c[0] = 7.0
    return a[0]


def named_tuple_chosen(t):
    a, b = Pair(1.0, [1.0]), Pair(t, [2.0])
    c = a if t > 0 else b
    c.items[0] = 7.0
    return a.items[0]


def inner_list_chosen(t):
    a, b = [[1.0], [t]], [[2.0], [t]]
    c = a if t > 0 else b
    c[0][0] = 7.0
    return a


def chosen_by_a_function(t):
    a, b = [1.0, t], [2.0, t]

    def pick():
        if t > 0:
            return a
        return b

    pick()[1] = 5.0
    return a, b


def chosen_into_a_dict(t):
    d = {"a": [1.0], "b": [2.0]}
    d["c"] = d["a"] if t > 0 else d["b"]
    d["c"][0] = 5.0
    return d


def both_orders(t):
    a, b = [1.0], [t]
    c, d = (a, b) if t > 0 else (b, a)
    c[0], d[0] = 10.0, 20.0
    return a, b


def made_longer(t):
    a, b = [1.0, t], [2.0, t]
    c = a if t > 0 else b
    c.append(3.0)
    return len(a), len(b)


def unpacked(t):
    a, b = [1.0, t], [2.0, t]
    c = a if t > 0 else b
    c[:] = [5.0, 6.0]
    x, y = a
    return x + y


def original_written(t):
    a, b = [1.0, t], [2.0, t]
    c = a if t > 0 else b
    a[0] = 7.0
    return c


def taken_in_a_loop(t):
    a, c = [1.0], [0.0]
    for _ in range(int(t * t)):
        c = a
    c[0] = 5.0
    return a


def change_places_under_other_names(t):
    a, b = [1.0, 2.0], [0.0, t]
    now, then = a, b
    for k in range(int(t * t)):
        now, then = then, now
        now[0] = then[0] + k
    return a, b


def dataclasses_change_places_under_other_names(t):
    a, b = Point(1.0, 2.0), Point(0.0, t)
    now, then = a, b
    for k in range(int(t * t)):
        now, then = then, now
        now.x = then.x + k
    return a.x, b.x


def read_in_the_next_iteration(t):
    a, c, total = [1.0], [0.0], 0.0
    for k in range(int(t * t)):
        total += a[0]
        c[0] = k
        c = a
    return total


def put_into_an_attribute(t):
    a, holder = [1.0, t], Holder([0.0, 0.0])
    if t > 0:
        holder.items = a
    holder.items[0] = 7.0
    return a


def written_in_a_branch(t):
    a, b = [1.0, t], [2.0, t]
    c = a if t > 0 else b
    if t > 1:
        c[0] = 7.0
    return a


def kept_by_a_name_that_is_not_assigned(t):
    a = [1.0, t]
    b = a
    if t > 0:
        b = [2.0, t]
    b[0] = 7.0
    return a


def asked_for_its_identity(t):
    a, b = [1.0], [1.0]
    c = a if t > 0 else b
    return float(c is a)


def list_in_arrays_made_longer(t):
    a = [v * t for v in np.arange(5.0) * t]
    b = a if t > 0 else [v for v in np.arange(5.0) * t]  # noqa: C416
    b.append(1.0)
    return a


def list_in_arrays_chosen(t):
    a = [v * t for v in np.arange(5.0) * t]
    b = a if t > 0 else [v for v in np.arange(5.0) * t]  # noqa: C416
    b[0] = 1.0
    return a


def chosen_in_nested_branches(t):
    a, b = [0.0, t], [1.0, t]
    if t > 0:
        if t > 1:
            c = a
        else:
            c = b
    else:
        c = a
    a[0] = 3.0
    return c[0]


def asked_whether_it_is_none(t):
    a, b = Point(None, t), Point(None, t)
    c = a if t > 0 else b
    c.x = 5.0
    return 1.0 if a.x is None else 0.0


def asked_for_its_class(t):
    a, b = Point(1.0, t), Point(2, t)
    c = a if t > 0 else b
    c.x = 5.0
    return 1.0 if isinstance(a.x, float) else 0.0


def printed(t):
    a, b = [1.0], [t]
    c = a if t > 0 else b
    c[0] = 5.0
    print(a)
    return c[0]


REFUSED = [
    list_chosen, dict_chosen, dataclass_chosen, deque_chosen, named_tuple_chosen, inner_list_chosen, chosen_by_a_function,
    chosen_into_a_dict, both_orders, made_longer, unpacked, original_written, taken_in_a_loop, change_places_under_other_names,
    dataclasses_change_places_under_other_names, read_in_the_next_iteration, put_into_an_attribute, written_in_a_branch,
    asked_whether_it_is_none, asked_for_its_class, printed, chosen_in_nested_branches, kept_by_a_name_that_is_not_assigned, asked_for_its_identity, list_in_arrays_made_longer, list_in_arrays_chosen,
]  # fmt: skip


@pytest.mark.parametrize("program", REFUSED, ids=lambda program: program.__name__)
def test_refuses_what_only_the_run_knows(program):
    with pytest.raises(UnsupportedError, match="may be"):
        run(program, 1.8)


def test_says_where_the_write_was():
    with pytest.raises(UnsupportedError, match=r"a list is written to at .*test_identity.py:\d+ that may be the one"):
        run(list_chosen, 1.8)


def test_a_write_that_may_reach_the_caller_is_refused():
    def program(a, t):
        b = [0.0, 0.0]
        c = a if t > 0 else b
        c[0] = 7.0
        return c[1]

    with pytest.raises(UnsupportedError, match="may be"):
        run(program, [1.0, 2.0], 1.0)


def test_a_write_to_what_is_one_list_on_all_ways_reaches_the_caller():
    def program(a, t):
        if t > 0:
            s, c = t, a
        else:
            s, c = -t, a
        c[0] = 7.0 * s
        return s

    for t in (2.0, -3.0):
        given, expected = [1.0, 2.0], [1.0, 2.0]
        assert run(program, given, t) == program(expected, t)
        assert given == expected


def test_a_list_in_arrays_that_a_branch_makes_longer_is_so_under_all_names():
    def program(x):
        a = []
        for v in x:
            a.append(v)
        b = a
        if x[0] > 0:
            b.append(3.0)
        return len(a), sum(a), sum(b)

    for x in (np.arange(1.0, 4.0), -np.arange(1.0, 4.0)):
        assert run(program, x) == program(x)


def test_explicit_loops_and_branches_give_new_containers():
    def program(t):
        a, b = [t, 1.0], [2.0, t]
        c = jg.fori_loop(0, 3, lambda k, s: s, a)
        d = jg.cond(t > 0, lambda: a, lambda: b)
        c[0] = d[0] = 9.0
        return a, b, c, d

    for t in (2.0, -2.0):
        a, b, c, d = run(program, t)
        assert (a, b, c, d) == ([t, 1.0], [2.0, t], [9.0, 1.0], [9.0, 1.0 if t > 0 else t])


# changes that jitgrad does not see


def changed_unseen_in_a_branch(t):
    window = deque([1.0, t, 3.0])
    if t > 0:
        operator.methodcaller("rotate", 1)(window)
    return list(window)


def test_refuses_changes_that_it_does_not_see():
    with pytest.raises(UnsupportedError, match="does not follow"):
        run(changed_unseen_in_a_branch, 1.8)
