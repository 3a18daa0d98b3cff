"""`runtime.arrays`: sums that vectorise and stay accurate, stacks that grow."""

import math
import os

import numpy as np
import pytest
from jitgrad.compiler.load import load
from jitgrad.compiler.runtime.arrays import (
    FIRST_ROOM,
    MOST_ROOM,
    SUM_BLOCK,
    add_any_order,
    grow,
    remember,
    remembered,
    rounding_error,
)
from jitgrad.compiler.runtime.buffers import clear, empty, zeros

SOURCE = """
import numpy as np
from numba import njit
from jitgrad.compiler.runtime.arrays import SUM_BLOCK, add_any_order, grow, remember, remembered, rounding_error
from jitgrad.compiler.runtime.buffers import clear, empty, zeros

@njit(error_model="numpy")
def total(x):
    acc = x.dtype.type(0)
    for i in range(x.size):
        acc = add_any_order(acc, x[i])
    return acc

@njit(error_model="numpy")
def careful(x):
    zero = x.dtype.type(0)
    total, lost = zero, zero
    for start in range(0, x.size, SUM_BLOCK):
        block = x[start : start + SUM_BLOCK]
        part = zero
        for i in range(block.size):
            part = add_any_order(part, block[i])
        lost += rounding_error(total, part)
        total += part
    return total + lost

@njit(error_model="numpy")
def error(a, b):
    return rounding_error(a, b)

@njit(error_model="numpy")
def made(n, m):
    return empty((n, m), np.float32)

@njit(error_model="numpy")
def cleared(n):
    return zeros((n, 2, 3), np.bool_), zeros(n, np.int64)

@njit(error_model="numpy")
def emptied(x):
    clear(x)

@njit(error_model="numpy")
def grown(buffer, needed):
    return grow(buffer, needed)

@njit(error_model="numpy")
def rooms(one, other):
    found = remembered(0), remembered(1)
    remember(0, one)
    remember(1, other)
    return found

@njit(error_model="numpy")
def push_all(buffer, n):
    count = 0
    for i in range(n):
        if count == buffer.size:
            buffer = grow(buffer, count + 1)
        buffer[count] = i
        count += 1
    return buffer[:count]
"""


@pytest.mark.parametrize(("dtype", "kind"), [("f64", np.float64), ("f32", np.float32)])
def test_sum_in_any_order(dtype: str, kind: type) -> None:
    total = load(SOURCE, "total", (f"{dtype}[::1]",))
    for size in (0, 1, 2, 31, 1000):
        x = np.arange(size, dtype=kind)
        assert total(x) == x.sum() == add_any_order(kind(0), x.sum())
    for odd in (np.nan, np.inf, -np.inf):
        for place in (0, 17, 99):
            x = np.ones(100, kind)
            x[place] = odd
            np.testing.assert_equal(float(total(x)), odd)
    x = np.ones(100, kind)
    x[3], x[50] = np.inf, -np.inf
    assert math.isnan(total(x))


@pytest.mark.parametrize(("dtype", "kind"), [("f64", np.float64), ("f32", np.float32)])
@pytest.mark.parametrize("size", [0, 1, SUM_BLOCK, SUM_BLOCK + 1, 300_000])
def test_careful_sum_is_as_accurate_as_numpy(dtype: str, kind: type, size: int) -> None:
    """On the average: which single sums are rounded well depends on how wide the machine's vectors are."""
    careful = load(SOURCE, "careful", (f"{dtype}[::1]",))
    epsilon, draws = float(np.finfo(kind).eps), 20 if size < 1e4 else 3
    for draw in (
        lambda rng: rng.random(size),
        lambda rng: rng.normal(size=size),
        lambda rng: rng.normal(size=size) * 10.0 ** rng.integers(-6, 7, size),
    ):
        arrays = [draw(np.random.default_rng(seed)).astype(kind) for seed in range(draws)]
        exact = [math.fsum(x) for x in arrays]
        found, numpy_errors = (
            math.sqrt(np.mean([(float(total(x)) - e) ** 2 for x, e in zip(arrays, exact, strict=True)]))
            for total in (careful, np.sum)
        )
        largest = max(map(abs, exact)), max(math.fsum(np.abs(x)) for x in arrays)
        assert found <= max(1.5 * numpy_errors, epsilon * largest[0], 0.1 * epsilon * largest[1] * (size > 1e4))
    for odd in (np.inf, -np.inf, np.nan):
        x = np.ones(size, kind)
        x[size // 2 :] = odd
        np.testing.assert_equal(float(careful(x)), float(x.sum()))


def test_rounding_error() -> None:
    compiled = load(SOURCE, "error", ("f64", "f64"))
    for function in (rounding_error, compiled):
        assert function(np.float64(1e16), np.float64(1.0)) == 1.0
        assert function(np.float64(1.0), np.float64(1e16)) == 1.0
        assert function(np.float64(1.0), np.float64(2.0**-60)) == 2.0**-60
        for a, b in ((np.inf, 1.0), (1.0, -np.inf), (np.inf, -np.inf), (np.nan, 1.0), (1.7e308, 1.7e308)):
            with np.errstate(over="ignore", invalid="ignore"):
                assert function(np.float64(a), np.float64(b)) == 0.0


def test_room_is_remembered_from_call_to_call() -> None:
    """Each place by itself, with a quarter more, within limits; plain Python starts anew each time."""
    rooms = load(SOURCE + f"# {os.getpid()}\n", "rooms", ("i64", "i64"))
    assert rooms(1000, 3) == (FIRST_ROOM, FIRST_ROOM)
    assert rooms(0, 200) == (1250, FIRST_ROOM)
    assert rooms(2**40, 200) == (FIRST_ROOM, 250)
    assert rooms(0, 0) == (MOST_ROOM, 250)
    remember(0, 1000)
    assert remembered(0) == FIRST_ROOM


def test_empty() -> None:
    result = load(SOURCE, "made", ("i64", "i64"))(3, 4)
    assert (result.shape, result.dtype, empty((3, 4), np.float32).shape) == ((3, 4), np.float32, (3, 4))


def test_zeros() -> None:
    for n in (0, 1, 5, 100_000):
        many, flat = load(SOURCE, "cleared", ("i64",))(n)
        assert (many.shape, many.dtype, flat.shape, flat.dtype) == ((n, 2, 3), np.bool_, (n,), np.int64)
        assert not many.any()
        assert not flat.any()
        assert many.flags.c_contiguous
    assert zeros(3, np.float32).dtype == np.float32


@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (3, 5), (2, 0, 4)])
@pytest.mark.parametrize(("dtype", "kind"), [("f64", np.float64), ("i32", np.int32), ("b1", np.bool_)])
def test_clear(shape: tuple[int, ...], dtype: str, kind: type) -> None:
    axes = ", ".join([":"] * (len(shape) - 1) + ["::1"])
    for function in (clear, load(SOURCE, "emptied", (f"{dtype}[{axes}]",))):
        x = np.ones(shape, kind)
        function(x)
        assert not x.any()


@pytest.mark.parametrize(("shape", "message"), [((-1, 2), "negative"), ((2, -1), "negative"), ((2**40, 2**40), "too big")])
def test_impossible_sizes(shape: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(SOURCE, "made", ("i64", "i64"))(*shape)


def test_more_than_there_is() -> None:
    with pytest.raises(MemoryError):
        load(SOURCE, "made", ("i64", "i64"))(2**50, 2)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_the_loop_vectorises(dtype: str) -> None:
    fresh = SOURCE + f"# {os.getpid()}\n"
    machine_code = load(fresh, "total", (f"{dtype}[::1]",)).compiled.library.get_asm_str()
    assert any(packed in machine_code for packed in ("addpd", "addps", "fadd.2d", "fadd.4s", "fadd\tv"))


def test_grow() -> None:
    compiled = load(SOURCE, "grown", ("f64[::1]", "i64"))
    for function in (grow, compiled):
        buffer = np.arange(4.0)
        same = function(buffer, 4)
        assert np.shares_memory(same, buffer) and same.size == 4
        for needed, size in ((5, 8), (8, 8), (100, 100)):
            longer = function(buffer, needed)
            assert longer.size == size
            np.testing.assert_array_equal(longer[:4], buffer)
            assert not np.shares_memory(longer, buffer)
        assert function(np.empty(0), 1).size == 1
        assert function(np.empty(0), 0).size == 0


@pytest.mark.parametrize("start", [0, 1, 7, 2000])
def test_push(start: int) -> None:
    push_all = load(SOURCE, "push_all", ("i64[::1]", "i64"))
    np.testing.assert_array_equal(push_all(np.empty(start, np.int64), 1000), np.arange(1000))
