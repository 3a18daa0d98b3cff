"""Iterations that run side by side give the numbers that they give one after the other."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import Function, parse
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import eliminate_dead_code, run_side_by_side
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg


def roots(x: Any, tolerance: Any) -> Any:
    """Square roots by Newton's method, and the sum of all steps that it takes."""
    found, total = np.zeros(len(x)), 0
    for i in range(len(x)):
        r, steps = 0.5 * (1.0 + x[i]), 0
        while abs(r * r - x[i]) > tolerance:
            r = 0.5 * (r + x[i] / r)
            steps += 1
        found[i] = r
        total += steps
    return found, total


def counted(x: Any) -> Any:
    """How often each number can be halved until it is below 1, from the last to the first, and where the largest count is."""
    counts, most, place = np.zeros(len(x)), -1, -1
    for i in range(len(x) - 1, -1, -1):
        count, rest = 0, x[i]
        while rest >= 1.0:
            rest = 0.5 * rest
            count += 1
        counts[i] = count
        if count >= most:
            most, place = count, i
    return counts, place


def halves(x: Any) -> Any:
    """A while loop with a branch, inside a for loop."""
    total = 0.0
    for i in range(len(x)):
        low, high = 0.0, 1.0 + abs(x[i])
        for k in range(3):
            while high - low > 10.0 ** -(k + 1):
                middle = 0.5 * (low + high)
                if middle * middle > x[i]:
                    high = middle
                else:
                    low = middle
            high += 0.1 * k
        total += high / (1.0 + i)
    return total


def neighbours(x: Any) -> Any:
    """Reads of arrays at places that move with the lane, forwards and backwards, and of rows."""
    n = len(x)
    out = np.zeros(n)
    for i in range(1, n - 1):
        a, b = x[i - 1], x[n - 1 - i]
        while a < 10.0 + b:
            a = 2.0 * a + 1.0 + x[i + 1]
        out[i] = a
    return out


def limited(x: Any) -> Any:
    """A loop that ends with a break or after 20 steps, whose number of steps counts."""
    out = np.zeros(len(x), np.int64)
    for i in range(len(x)):
        y, k = x[i], 0
        for k in range(20):  # noqa: B007
            y = y * y - 0.7
            if y > 4.0:
                break
        out[i] = k
    return out


def nested(x: Any) -> Any:
    """An inner loop that would never end from where a lane stands that has left the outer one; once more inside a for loop."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        y, total = np.floor(x[i]), 0.0
        while y > 0.0:
            z = y
            while z < 10.0:
                z = 2.0 * z
            for _ in range(2):
                while z > y:
                    z = z - y
            total += z
            y -= 1.0
        out[i] = total
    return out


def branches(x: Any) -> Any:
    """Loops in both branches, neither of which would end in the other, and early returns."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = grown(x[i]) if x[i] > 1.0 else shrunk(x[i])
    return out


def grown(x: Any) -> Any:
    for _ in range(60):
        x = x * x
        if x > 1e3:
            return x
    return x


def shrunk(x: Any) -> Any:
    y = 1.0
    while y > 0.1 * x + 0.01:
        y = y * (0.5 + 0.4 * x)
    return y


def all_or_none(x: Any, limit: Any) -> Any:
    """A branch that all lanes take, or none, around a loop and in one."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        y, total = x[i], 0.0
        if limit > 1.0:
            while y > 0.5:
                total += y
                if limit < 9.0:
                    if y > 2.0:
                        total += 1.0
                y = 0.6 * y
        out[i] = y + total
    return out


def summed(x: Any) -> Any:
    """Functions that are added up in order, of numbers that are next to each other."""
    total, product = 0.0, 1.0
    for i in range(len(x)):
        total += np.exp(-(x[i] ** 2)) * np.sin(x[i] - x[i - 1])
        product *= 1.0 + 0.1 * np.tanh(x[i])
    return total, product


def smoothed(x: Any) -> Any:
    """A recurrence, from the last to the first, that a branch feeds."""
    level, out = 0.5, np.zeros(len(x))
    for i in range(len(x) - 1, -1, -1):
        change = np.log(x[i]) if x[i] > 1.0 else np.exp(x[i])
        level = 0.9 * level + change
        out[i] = level
    return out


SIZES = [0, 1, 2, 31, 32, 33, 70]
PROGRAMS = {
    "roots": (roots, 1e-9),
    "all": (all_or_none, 2.0),
    "none": (all_or_none, 0.5),
    **{f.__name__: (f,) for f in (counted, halves, neighbours, limited, nested, branches, summed, smoothed)},
}


def numbers(n: int) -> Any:
    return np.random.default_rng(n).uniform(0.0, 5.0, n)


def widened(function: Callable[..., Any], *arguments: Any) -> tuple[Function, Function]:
    """The function before and after the pass."""
    before = optimise(parse(jg.ir(function, *arguments)))
    return before, verify(eliminate_dead_code(run_side_by_side(before)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_number_is_the_same(name: str) -> None:
    function, *rest = PROGRAMS[name]
    for n in SIZES:
        before, after = widened(function, numbers(70), *rest)
        assert "lanes" in str(after)
        arguments = [numbers(n), *rest]
        for expected, found in zip(interpret(before, arguments), interpret(after, arguments), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled(name: str) -> None:
    function, *rest = PROGRAMS[name]
    compiled = jg.jit(function)
    for n in SIZES:
        found, expected = compiled(numbers(n), *rest), function(numbers(n), *rest)
        for one, other in zip(*((r if isinstance(r, tuple) else (r,)) for r in (found, expected)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0])
def test_one_lane_does_not_disturb_the_others(special: float) -> None:
    x = numbers(40)
    x[[0, 7, 33]] = special

    def steps_below(x: Any) -> Any:
        out = np.zeros(len(x))
        for i in range(len(x)):
            y, limit = x[i], 100
            while y > 1.0 and limit > 0:
                y, limit = y / 3.0, limit - 1
            out[i] = np.log(y)
        return out

    with np.errstate(all="ignore"):
        expected = steps_below(x)
    np.testing.assert_allclose(jg.jit(steps_below)(x), expected, rtol=1e-14)


def test_gradient() -> None:
    x = 1.0 + numbers(40)

    def loss(x: Any) -> Any:
        found, _ = roots(x, 1e-9)
        return np.sum(found)

    assert "lanes" in jg.source(jg.grad(loss), x)
    np.testing.assert_allclose(jg.grad(loss)(x), 0.5 / np.sqrt(x), rtol=1e-6)
    curvature = jg.grad(lambda x: jg.grad(loss)(x)[3])(x)
    np.testing.assert_allclose(curvature, -0.25 * x**-1.5 * (np.arange(40) == 3), rtol=1e-5, atol=1e-12)


def slowed(speed: Any, y: Any) -> Any:
    """Where a lane is done, what it goes on with would be divided by zero."""
    total = 0.0
    for i in range(y.size):
        z = y[i]
        while z > 0.5:
            z = max(z - 0.01 * speed / np.sqrt(z - 0.5), 0.5)
        total += z * speed + i * z * z
    return total


def test_a_lane_that_is_done_does_not_disturb_the_gradient() -> None:
    speed, y = 0.7, np.linspace(0.4, 2.0, 45)
    assert "lanes" in jg.source(jg.grad(slowed, argnums=(0, 1)), speed, y)
    of_speed, of_y = jg.grad(slowed, argnums=(0, 1))(speed, y)
    h, direction = 1e-6, np.cos(y)
    difference = (slowed(speed + h, y + h * direction) - slowed(speed - h, y - h * direction)) / (2 * h)
    np.testing.assert_allclose(of_speed + of_y @ direction, difference, rtol=1e-7)


def pendulums(angle: Any, speed: Any) -> Any:
    """A simulation for each element, of the same number of steps."""
    total = 0.0
    for i in range(angle.size):
        y, v = angle[i], speed
        for k in range(20):
            if k % 5 == 0:
                v = 0.9 * v
            v -= 0.1 * np.sin(y)
            y += 0.1 * v
        total += (1.0 + i) * y * y
    return total


def polynomials(x: Any, c: Any) -> Any:
    """Numbers that all lanes read, to which all of them add in the gradient."""
    out = np.zeros_like(x)
    for i in range(x.size):
        value = 0.0
        for k in range(c.size):
            value = value * x[i] + c[k]
        out[i] = value
    return np.sum(out * out)


@pytest.mark.parametrize(("function", "other"), [(pendulums, 0.3), (polynomials, np.array([0.3, -1.0, 0.7]))])
@pytest.mark.parametrize("n", [0, 5, 33])
def test_gradients_of_loops_without_a_test(function: Callable[..., Any], other: Any, n: int) -> None:
    x = np.linspace(-1.0, 1.0, n)
    assert "lanes" in jg.source(jg.grad(function, argnums=(0, 1)), x, other)
    of_x, of_other = jg.grad(function, argnums=(0, 1))(x, other)
    h, direction, change = 1e-6, np.cos(3.0 * x), np.sin(1.0 + np.arange(np.size(other))).reshape(np.shape(other))
    difference = (function(x + h * direction, other + h * change) - function(x - h * direction, other - h * change)) / (2 * h)
    np.testing.assert_allclose(of_x @ direction + np.sum(of_other * change), difference, rtol=1e-7)


def test_lanes_read_along_rows_and_not_down_columns() -> None:
    def along(A: Any) -> Any:
        out = np.zeros(A.shape[1])
        for i in range(A.shape[1]):
            value = 1.0
            for k in range(len(A)):
                value = np.cos(value) * A[k, i]
            out[i] = value
        return np.sum(out)

    def down(A: Any) -> Any:
        out = np.zeros(len(A))
        for i in range(len(A)):
            value = 1.0
            for k in range(A.shape[1]):
                value = np.cos(value) * A[i, k]
            out[i] = value
        return np.sum(out)

    A = np.random.default_rng(0).normal(size=(4, 37))
    assert "lanes" in jg.source(jg.grad(along), A)
    assert "lanes" not in jg.source(jg.grad(down), A.T)
    np.testing.assert_allclose(jg.grad(along)(A), jg.grad(down)(A.T).T, rtol=1e-13)
    direction = np.sin(A)
    slope = (along(A + 1e-6 * direction) - along(A - 1e-6 * direction)) / 2e-6
    np.testing.assert_allclose(np.sum(jg.grad(along)(A) * direction), slope, rtol=1e-7)


def waits_for_the_one_before(x: Any) -> Any:
    """The inner loop starts where that of the iteration before ended."""
    y, out = 1.0, np.zeros(len(x))
    for i in range(len(x)):
        while y < x[i]:
            y = 1.5 * y
        out[i] = y
    return out


def walks_along(x: Any) -> Any:
    """The inner loop reads an array as far as its own test allows."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        k = i
        while k < len(x) and x[k] > 0.5:
            k += 1
        out[i] = k
    return out


def refuses(x: Any) -> Any:
    """An error protects the inner loop, which would never end."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        if x[i] <= 0.0:
            raise ValueError("not positive")
        y = x[i]
        while y < 10.0:
            y = 2.0 * y
        out[i] = y
    return out


def rarely(x: Any) -> Any:
    """What is seldom computed in the inner loop takes longer than all else."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        y, k = x[i], 0
        while y > 1e-3:
            k += 1
            y = y * np.exp(-x[i]) if k == 7 else 0.5 * y
        out[i] = y
    return out


def few(x: Any) -> Any:
    """Three iterations are not worth it."""
    out = np.zeros(3)
    for i in range(3):
        y = x[i]
        while y < 10.0:
            y = 2.0 * y
        out[i] = y
    return out


def rare_functions(x: Any) -> Any:
    """Most iterations have nothing to compute."""
    total = 0.0
    for i in range(len(x)):
        if x[i] > 2.9:
            total += np.exp(x[i]) * np.sin(x[i]) * np.cos(3 * x[i]) * np.log(x[i]) * np.tanh(x[i])
    return total


def found_later(x: Any) -> Any:
    """What an iteration writes is there when a later one finds no element."""
    total, y = 0.0, np.cos(x)
    for i in range(len(x)):
        x[i] = total
        total += np.exp(-y[i]) * y[2 * i - len(y)]
    return total


def apart(x: Any) -> Any:
    """LLVM may compute these together as it is."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = np.exp(x[i])
    return out


@pytest.mark.parametrize(
    "function", [few, rarely, rare_functions, found_later, apart, waits_for_the_one_before, walks_along, refuses]
)
def test_what_must_run_one_after_the_other(function: Callable[..., Any]) -> None:
    before, after = widened(function, numbers(70))
    assert after == before
    np.testing.assert_allclose(jg.jit(function)(numbers(70)), function(numbers(70)), rtol=1e-14)


def test_rows_are_read_before_functions_of_them_are_computed_together() -> None:
    def energy(places: Any) -> Any:
        total = 0.0
        for i in range(len(places)):
            for j in range(len(places) - 1, i, -1):
                distance = np.sqrt((places[i, 0] - places[j, 0]) ** 2 + (places[i, 1] - places[j, 1]) ** 2)
                total += np.exp(-distance) / distance
        return total

    places, direction = np.random.default_rng(2).normal(size=(2, 50, 2))
    assert re.search(r"part\[\w+\] = places\[", jg.source(energy, places))
    assert jg.jit(energy)(places) == pytest.approx(energy(places), rel=1e-14)
    slope = (energy(places + 1e-6 * direction) - energy(places - 1e-6 * direction)) / 2e-6
    assert np.sum(jg.grad(energy)(places) * direction) == pytest.approx(slope, rel=1e-6)


def test_an_error_comes_before_an_endless_loop() -> None:
    with pytest.raises(ValueError, match="not positive"):
        jg.jit(refuses)(np.array([1.0, 2.0, -1.0]))
