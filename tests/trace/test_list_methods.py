"""Sorting, counting, finding, comparing, repeating and joining lists whose items or length only the run knows, against Python."""

# ruff: noqa: RUF005

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

X = np.array([0.5, -0.2, 0.9, -0.2, 0.0])


def of_items(x):
    """A list whose items are known one by one."""
    return [x[0], x[1], x[2], x[3] + 0.0]


def of_array(x):
    return [2 * v for v in x]


def numbered(x):
    """A list whose length is known only when the program runs."""
    return [k % 3 for k in range(int(abs(x[0]) * 10) + 2)]


LISTS = [of_items, of_array, numbered]


def repeated(a, n):
    return a * n, n * a, len(a * n), [1, 2.5] * n, a * 2, a * (n - 7), len([0, 1] * (n - 7))


def joined(a, n):
    return a + a, a + list(range(n)) if isinstance(a[0], int) else a + [0.5], [] + a, a[1:] + a


def sorted_in_place(a, n):
    b = a[:]
    a.sort()
    b.sort(reverse=True)
    return a, b


def sorted_by_key(a, n):
    a.sort(key=lambda v: (v - 0.4) ** 2)
    return a


def reversed_in_place(a, n):
    a.reverse()
    return a, a[0]


def sorted_in_a_loop(a, n):
    total = 0.0
    for k in range(n):
        a[0] = a[1] * 2 - k if not isinstance(a[0], int) else a[1] + k
        a.sort()
        total += a[0] + 2 * a[-1]
    return total


def found(a, n):
    return a.index(a[1]), a.count(a[3]), a.count(77), a.index(max(a))


def compared(a, n):
    b = [v + 0 for v in a]
    longer = a + a
    return a == b, a != b, a < b, a <= b, a == longer, a < longer, longer > a, a >= longer, a == [], a > [], [a[0]] < a


def compared_after_a_change(a, n):
    b = [v + 0 for v in a]
    b[2] = b[2] + 1
    return (1 if a == b else 0), a < b, a > b, a != b


def asked(a, n):
    return bool(a), 1 if a else 2, not a


def taken_and_put(a, n):
    place = n - 2
    taken = a.pop(place), a.pop(-place - 1)
    a.insert(place - 5, taken[0] + 1)
    a.insert(n, taken[1])
    a.insert(-place, a[place])
    del a[place]
    return a, taken, len(a)


def removed(a, n):
    a.append(a[1])
    a.remove(a[3])
    a.remove(a[1])
    return a


def taken_in_a_branch(a, n):
    if n > 2:
        a.pop(n - 2)
    else:
        a.insert(n, a[0])
    return a


def taken_in_a_loop(a, n):
    taken = [a[0]]
    for k in range(n - 1):
        a.insert(k % 3, a[k] + k)
        taken.append(a.pop((k + 2) % len(a)))
    return a, taken


def of_its_own(a, n):
    total = 0.0
    for k in range(n):
        own = [a[0], a[1] * k, a[2]]
        total = total + k * own.pop(k % 3)
        own.insert(k % 2, 5 * a[0])
        total = total + own[0] * own[2]
    return total


PROGRAMS = [
    repeated, joined, sorted_in_place, sorted_by_key, reversed_in_place, sorted_in_a_loop, found, compared, compared_after_a_change, asked,
    taken_and_put, removed, taken_in_a_branch, taken_in_a_loop, of_its_own,
]  # fmt: skip


def numbers(result):
    """The numbers of a result, each a float, in nested lists."""
    return [numbers(part) for part in result] if isinstance(result, (list, tuple)) else float(result)


@pytest.mark.parametrize("make", LISTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gives_what_python_gives(program, make):
    def whole(x, n):
        return program(make(x), n)

    with interpreting():
        compiled = jg.jit(whole)
        for x in (X, -1.5 * X):
            assert numbers(compiled(x, 3)) == numbers(whole(x, 3))


def test_compiled():
    def whole(x, n):
        a, b = of_array(x), numbered(x)
        a.sort()
        return a, a * n, b * n, b.count(1), a.index(x[2] * 2)

    assert numbers(jg.jit(whole)(X, 3)) == numbers(whole(X, 3))


def test_gradients_follow_the_items():
    def loss(x, n):
        a = of_array(x)
        a.sort(reverse=True)
        return sum(k * v for k, v in enumerate(a * n)) * a[a.index(x[2] * 2)]

    with interpreting():
        jg.check_grads(lambda x: loss(x, 2), (np.array([0.5, -0.2, 0.9, -0.7]),), order=1)


@pytest.mark.parametrize("make", [of_items, of_array])
def test_what_is_not_in_the_list_is_an_error_of_the_run(make):
    with interpreting(), pytest.raises(ValueError, match="not in list"):
        jg.jit(lambda x: make(x).index(x[0] + 5))(X)
    with interpreting(), pytest.raises(ValueError, match="not in list"):
        jg.jit(lambda x: make(x).remove(x[0] + 5))(X)
    for place in (9, -9):
        with interpreting(), pytest.raises(IndexError, match="pop index out of range"):
            jg.jit(lambda x, k: make(x).pop(k))(X, place)


@pytest.mark.parametrize("between", [(), (1,), (-2,), (0, 2), (0, -1), (1, 9), (7,)])
@pytest.mark.parametrize("items", [(1.0, 2.0, 3.0, 2.0), [1.0, 2.0, 3.0, 2.0], (1, 2, 3, 2)])
def test_where_a_number_is_between_two_places(items, between):
    def program(items, x):
        return items.index(x, *between), items.count(x)

    compiled = jg.jit(program)
    for x in (1.0, 2.0, 3.0, 5.0):
        with interpreting():
            try:
                expected = program(items, x)
            except ValueError:
                with pytest.raises(ValueError, match="not in list"):
                    compiled(items, x)
            else:
                assert compiled(items, x) == expected


def in_place(x):
    a = of_items(x)
    a *= int(x[0])
    return a


def tuples(x):
    return (x[0], x[1]) * int(x[0])


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (in_place, r"repeated in place .* write a = a \* n"),
        (tuples, "a tuple is repeated"),
    ],
)
def test_what_cannot_be_held_is_refused_in_words(program, words):
    with interpreting(), pytest.raises(NotImplementedError, match=words):
        jg.jit(program)(X)


def test_a_loop_whose_lists_need_its_numbers_is_unrolled():
    def program(x):
        out = np.zeros(3)
        for j in range(3):
            others = [0, 1, 2]
            others.remove(j)
            out[j] = x[others].sum() + len(np.array_split(x, j + 1)) + len((x[0],) * j)
        return out

    with interpreting():
        np.testing.assert_allclose(jg.jit(program)(X), program(X))


def test_lists_that_an_array_was_taken_apart_to_lose_rows_at_their_ends():
    def program(x):
        rows = x.tolist()
        second = rows[1]
        path = [rows.pop(0), rows.pop()]
        rows[0][1] = 7.0
        while rows:
            last = path[-1]
            near = [abs(row[0] - last[0]) for row in rows]
            path.append(rows.pop(int(np.argmin(np.array(near)))))
        return path, second, rows

    x = np.random.default_rng(0).normal(size=(5, 2))
    with interpreting():
        assert jg.jit(program)(x) == program(x)
