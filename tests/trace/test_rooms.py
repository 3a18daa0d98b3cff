"""Arrays whose sizes depend on which branch of an if is taken, which is known only when the program runs."""

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

X = np.array([0.5, 0.2, -0.9, 0.4, 0.7])
A = np.linspace(-1, 1, 12).reshape(3, 4)


def first_few_or_all(x, k):
    y = x[:k] if x[0] > 0 else x
    return y * 2, len(y), y.sum()


def returned_early(x, k):
    if k == x.shape[0]:
        return x
    return np.full(k, x[0])


def kept(x, k):
    if np.max(x) > 0.6:
        x = x[x > 0]
    return x


def longer(x, k):
    if x[1] > 0:
        x = np.append(x, k)
    else:
        x = np.concatenate([x, x, x[:k]])
    return np.cumsum(x)


def made_of_numbers(x, k):
    return np.zeros(3) if k > 2 else np.arange(4)


def again_and_again(x, k):
    for i in range(3):
        if x[i % 2] > 0:
            x = x[1:] * 2
        elif k > 3:
            x = x[:-1]
    return x


def in_branches_of_branches(x, k):
    if k > 1:
        if x[0] > 0.3:
            x = x[::2]
        elif x[1] > 0:
            x = x[x > 0.1]
        x = x + 1
    return x


def in_a_loop(x, n):
    total = 0.0
    for k in range(n):
        part = x[:k] if x[k] > 0 else x[k:]
        total += np.sum(part**2) * len(part)
    return total


def of_two_axes(x, k):
    table = np.outer(x, x)
    if x[0] > 0:
        table = table[:k]
    elif k > 3:
        table = table[1:, :k]
    return table, table.sum(0), table.T @ np.ones(len(table))


def several(x, k):
    if x[0] > 0:
        a, b, c = x[:k], x[k:], 2
    else:
        a, b, c = x, x[:2] * 2, 3
    return np.sum(a) * c, np.concatenate([b, a])


def lists(x, k):
    items = [2 * v for v in x[:k]] if x[0] > 0 else [v + 0 for v in x]
    return items, sum(items)


def cut_at_a_value(x, k):
    if x[0] > 0:
        x = x[: int(x[1] * 4) + k]
    return np.sort(x)


def without_zeros_at_the_end(x, k):
    """As NumPy's own functions of polynomials do it."""
    x = np.append(x, [0.0] * (k % 2))
    for i in range(len(x) - 1, -1, -1):
        if x[i] != 0:
            break
    return x[: i + 1], np.polynomial.polynomial.polyadd(x, x[:2])


PROGRAMS = [
    cut_at_a_value, without_zeros_at_the_end,
    first_few_or_all, returned_early, kept, longer, made_of_numbers, again_and_again, in_branches_of_branches, in_a_loop, of_two_axes,
    several, lists,
]  # fmt: skip


def flat(result):
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize("way", ["interpreted", "compiled"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gives_what_python_gives(program, way):
    if way == "compiled" and program not in (first_few_or_all, in_a_loop, several):
        pytest.skip("the interpreter tells as much")
    with interpreting() if way == "interpreted" else np.errstate():
        compiled = jg.jit(program)
        for x in (X, -X, X[::-1].copy()):
            for k in (3, 2, 5, 4):
                for found, expected in zip(flat(compiled(x.copy(), k)), flat(program(x.copy(), k)), strict=True):
                    assert found.shape == expected.shape
                    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p not in (made_of_numbers, lists)], ids=lambda f: f.__name__)
def test_gradients(program):
    def loss(x, k):
        return sum(np.sum(np.sin(np.asarray(part)) * 1.0) for part in flat_of(program(x, k)))

    def flat_of(result):
        return [
            part for part in (result if isinstance(result, tuple) else (result,)) if not isinstance(part, (int, np.integer))
        ]

    with interpreting():
        for x in (X, -X):
            jg.check_grads(lambda x: loss(x, 3), (x,), order=2)


def test_writes_after_the_if():
    def program(x, k):
        if x[0] > 0:
            y = x[:k].copy()
        else:
            y = x * 2
        y[0] = 5.0
        y[-1] += x[1]
        return x, y

    with interpreting():
        compiled = jg.jit(program)
        for x in (X, -X):
            for found, expected in zip(compiled(x.copy(), 3), program(x.copy(), 3), strict=True):
                np.testing.assert_array_equal(found, expected)


def test_a_view_in_one_branch_is_not_silently_a_copy():
    def program(x, k):
        if x[0] > 0:
            y = x[:k]
        else:
            y = x[1:]
        y[0] = 5.0
        return x

    with interpreting():
        for x in (X, -X):
            mine, expected = x.copy(), x.copy()
            program(expected, 3)
            try:
                result = jg.jit(program)(mine, 3)
            except NotImplementedError:
                continue
            np.testing.assert_array_equal(result, expected)
            np.testing.assert_array_equal(mine, expected)
