"""Lists of lists and of arrays whose items are written to, set and exchanged where only the run knows which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_alike
from interpreted import interpreting

import jitgrad as jg


def solved(a, b):
    """Gaussian elimination with pivoting."""
    n = len(b)
    m = [[a[i][j] for j in range(n)] + [b[i]] for i in range(n)]
    for i in range(n):
        p = i
        for j in range(i + 1, n):
            if abs(m[j][i]) > abs(m[p][i]):
                p = j
        m[i], m[p] = m[p], m[i]
        for j in range(i + 1, n):
            f = m[j][i] / m[i][i]
            for k in range(i, n + 1):
                m[j][k] -= f * m[i][k]
    x = [0.0] * n
    for i in range(n - 1, -1, -1):
        s = m[i][n]
        for j in range(i + 1, n):
            s -= m[i][j] * x[j]
        x[i] = s / m[i][i]
    return x


def triangular(a, b):
    """The same in another style: rows are made anew, and change places in a branch by a third name."""
    a = [list(row) for row in a]
    b = list(b)
    for i in range(len(a)):
        p = max(range(i, len(a)), key=lambda r: abs(a[r][i]))
        if p != i:
            row = a[i]
            a[i] = a[p]
            a[p] = row
            b[i], b[p] = b[p], b[i]
        for j in range(i + 1, len(a)):
            f = a[j][i] / a[i][i]
            a[j] = [u - f * v for u, v in zip(a[j], a[i])]
            b[j] -= f * b[i]
    return a, b


A, B = np.array([[0.3, -1.5, 0.8], [2.0, 1.0, -1.0], [4.0, -3.0, 0.5]]), np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize("program", [solved, triangular])
def test_elimination_on_lists_of_lists(program: Callable[..., Any]) -> None:
    with interpreting():
        for a, b in ((A, B), (A.tolist(), B.tolist())):
            assert_alike(jg.jit(program)(a, b), program(a, b))


def test_gradient_of_elimination() -> None:
    with interpreting():
        found = jg.grad(lambda a, b: np.sum(np.array(solved(a, b)) ** 2), (0, 1))(A, B)
    x = np.linalg.solve(A, B)
    by_b = np.linalg.solve(A.T, 2 * x)
    np.testing.assert_allclose(found[0], -np.outer(by_b, x), rtol=1e-10)
    np.testing.assert_allclose(found[1], by_b, rtol=1e-10)


def sorted_by_hand(n, x):
    rows = [[k * 1.0, x, 2] for k in range(n)]
    for i in range(n):
        for j in range(n - 1 - i):
            if rows[j][0] * x % 3 > rows[j + 1][0] * x % 3:
                rows[j], rows[j + 1] = rows[j + 1], rows[j]
    return rows


def looked_at_in_a_branch(n, x):
    rows = [[x * k, 1.0] for k in range(n)]
    if x > 0.4:
        rows[1][1] += 5.0
    row = rows[1]
    rows[1] = rows[0]
    rows[0] = row
    return rows


def left_in_order(n, x):
    rows, k = [[k * 1.0, x] for k in range(n)], 0
    while k < n - 1 and rows[k][0] < 8 * x:
        rows[k], rows[k + 1] = rows[k + 1], rows[k]
        rows[k][1] = rows[k + 1][0] * x
        k += 1
    return rows, k


def floats_for_integers(n, x):
    rows = [[0] * 3 for _ in range(n)]
    found = []
    for k in range(n):
        i = int(x * 3 + k) % n
        rows[i][k % 3] += x * k
        rows[k] = [1, 2, 3]
        found.append([0, 1])
        found[k][1] = rows[i][0] * x
    return rows, found


def walk(n, x):
    grid, path, place = [[0] * 5 for _ in range(5)], [], [0, 0]
    for k in range(n):
        place = [(place[0] + k) % 5, (place[1] + 1) % 5]
        grid[place[0]][place[1]] += 1
        path.append(place)
    return grid, path, place


def in_turn(n, x):
    rows, k = [[k * x, 1.0] for k in range(n)], 0
    while rows[0][0] < 1 and k < n:
        rows.append(rows.pop(0))
        k += 1
    return rows


def sorted_rows(n, x):
    rows = [[x, k - 2.0, -x * k] for k in range(n)]
    rows = [list(column) for column in zip(rows[0], rows[1], rows[2])]
    for k in range(3):
        rows[k].sort()
    return rows


def arrays_in_order(n, x):
    arrays = [np.array([x * ((k * 7) % 5), 1.0 * k]) for k in range(n)]
    first = arrays[0]
    arrays.sort(key=lambda v: v[0])
    return arrays, first


def arrays_set(n, x):
    arrays = [np.array([x, 1.0 * k]) for k in range(n)]
    first = arrays[0]
    for k in range(n):
        arrays[k] = arrays[k] * 2
        arrays[k], arrays[(k * 3) % n] = arrays[(k * 3) % n], arrays[k]
    return arrays, first


def population(n, x):
    found = [(x * ((k * 7) % 5), np.array([x, 1.0 * k])) for k in range(n)]
    for _ in range(3):
        found.sort(key=lambda pair: pair[0])
        worst = found[-1]
        found[-1] = (worst[0] - 1.0, worst[1] * 0.5 + found[0][1])
    return found, min(found, key=lambda pair: pair[0]), max(found, key=lambda pair: pair[1][1])


@pytest.mark.parametrize(
    "program",
    [
        arrays_in_order,
        arrays_set,
        population,
        looked_at_in_a_branch,
        sorted_by_hand,
        left_in_order,
        floats_for_integers,
        walk,
        in_turn,
        sorted_rows,
    ],
)
def test_gives_what_python_gives(program: Callable[..., Any]) -> None:
    with interpreting():
        for n, x in ((5, 0.3), (9, 1.5)):
            assert_alike(jg.jit(program)(np.int64(n), x), program(n, x))


def looked_at_after_an_exchange(n, x):
    rows = [[k * 1.0, x] for k in range(n)]
    row = rows[0]
    for k in range(n):
        i = int(x * 3 + k) % n
        rows[i], rows[k] = rows[k], rows[i]
    return row[0]


def written_after_an_exchange(n, x):
    rows = [[k * 1.0, x] for k in range(n)]
    for k in range(n):
        i = int(x * 3 + k) % n
        row = rows[i]
        rows[i] = rows[k]
        rows[k] = row
        row[0] = x
    return rows


def at_two_places(n, x):
    rows = [[k * 1.0, x] for k in range(n)]
    for k in range(n):
        rows[int(x * 3 + k) % n] = rows[k]
    rows[0][0] = 7.0
    return rows


def of_another_list(n, x):
    rows, others = [[k * 1.0, x] for k in range(n)], [[0.0, 1.0] for k in range(n)]
    for k in range(n):
        rows[int(x * 3 + k) % n] = others[k]
    others[0][0] = 7.0
    return rows


def new_and_written_to_elsewhere(n, x):
    rows = [[k * 1.0, x] for k in range(n)]
    for k in range(n):
        i = int(x * 3 + k) % n
        row = [rows[i][0] * 2, x]
        rows[i] = row
        rows[i][0] += 1
        rows[k][1] += row[0]
    return rows


def appended_and_written_to_elsewhere(n, x):
    rows, row = [], [x, 0.0]
    for _ in range(n):
        row = [row[0] + 1, x]
        rows.append(row)
    rows[-1][0] = 100.0
    return row[0]


def array_written_after_it_was_put(n, x):
    arrays = [np.array([x, 1.0 * k]) for k in range(n)]
    for k in range(n):
        array = arrays[k] * 2
        arrays[k] = array
        array[0] = 3.0
    return arrays


def array_written_that_was_an_item(n, x):
    arrays = [np.array([x, 1.0 * k]) for k in range(n)]
    first = arrays[0]
    for k in range(n):
        arrays[k] = arrays[k] * 2
    first[0] = 7.0
    return arrays


def put_in_each_iteration(n, x):
    rows, row = [[k * 1.0, x] for k in range(n)], [x, 0.5]
    for k in range(n):
        rows[int(x * 5 + k) % n] = row
    rows[1][1] += 1.0
    return rows


def read_where_its_place_was_written_to(n, x):
    rows, row = [[x, k * 1.0] for k in range(n)], [0.25, x]
    rows[1] = row
    for k in range(n):
        rows[k][1] += 1.0
    return rows, row


def picked_before_a_write(n, x):
    rows = [[0.5, x], [x, 2.0], [3.0, 1.0]]
    row = rows[int(x * 3) % 3]
    for k in range(n):
        rows[k % 3][0] += 1.0
    return rows, row


def picked_array_before_a_write(n, x):
    arrays = [np.array([0.5, x]), np.array([x, 2.0])]
    array = arrays[int(x * 3) % 2]
    arrays[0][1] = 7.0
    return arrays, array


def picked_in_a_loop(n, x):
    rows = [[0.5, x], [x, 2.0], [3.0, 1.0]]
    for k in range(n):
        row = rows[int(x * 5 + k) % 3]
    row[1] = 0.5
    return rows


def written_after_the_loop_that_appended_it(n, x):
    arrays, array = [], np.array([x, 1.0])
    for _ in range(n):
        array = array * 1.5
        arrays.append(array)
    array[0] = 9.0
    return arrays


def looked_at_on_one_way(n, x):
    rows = [[0.5, x], [x, 2.0], [3.0, 1.0]]
    row = rows[int(x * 3) % 3]
    if x > 0.4:
        row = rows[int(x * 3) % 3]
        rows.append([0.0, x])
    rows[int(x * 3) % 3][0] += 1.0
    return rows, row


REFUSED = {
    picked_in_a_loop: "an item of a list",
    written_after_the_loop_that_appended_it: "an item of a list",
    looked_at_on_one_way: "is known only when the program runs|put a copy",
    put_in_each_iteration: "put a copy there",
    read_where_its_place_was_written_to: "put a copy into that list",
    picked_before_a_write: "put a copy into that list",
    picked_array_before_a_write: "an item of a list",
    array_written_after_it_was_put: "an item of a list",
    array_written_that_was_an_item: "an item of a list",
    looked_at_after_an_exchange: "look it up again",
    written_after_an_exchange: "look it up again",
    at_two_places: "put a copy there",
    of_another_list: "put a copy there",
    new_and_written_to_elsewhere: "put a copy into that list",
    appended_and_written_to_elsewhere: "put a copy into that list",
}


@pytest.mark.parametrize(("program", "said"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_lists_that_would_be_one_in_python_are_refused(program: Callable[..., Any], said: str) -> None:
    with interpreting(), pytest.raises(NotImplementedError, match=said):
        jg.jit(program)(np.int64(70), 0.3)
