"""What is learned of loops while they are traced: loops in loops are traced a few times each, and come out as if nothing had been known."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from alike import assert_alike
from interpreted import interpreting
from jitgrad.compiler.trace import lessons, loops

import jitgrad as jg


def pairs(x: np.ndarray) -> Any:
    """Lists within lists in three loops, whose lengths only the run knows."""
    found = []
    i = 0
    while i < len(x):
        some = []
        j = 0
        while j < i + 1:
            few = []
            k = 0
            while k < j + 1:
                if x[k] > 0.3:
                    few.append(x[k] * x[j])
                k += 1
            some.append(sum(few))
            j += 1
        found.append(sum(some))
        i += 1
    return sum(found)


def connected(x: np.ndarray) -> Any:
    """The sizes of groups of near points, found one after the other."""
    group = np.full(len(x), -1)
    count = 0
    for i in range(len(x)):
        if group[i] >= 0:
            continue
        waiting = [i]
        while waiting:
            j = waiting.pop()
            if group[j] < 0:
                group[j] = count
                near = []
                for k in range(len(x)):
                    if abs(x[j] - x[k]) < 0.2:
                        near.append(k)
                if len(near) > 1:
                    for k in near:
                        waiting.append(k)
        count += 1
    return count, group, np.sum(x * group)


def attempts(program: Callable[..., Any], x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many times the bodies of loops are traced."""
    made = []
    attempt = loops._attempt
    monkeypatch.setattr(loops, "_attempt", lambda *args: made.append(None) or attempt(*args))
    jg.jit(program).trace(((x,), {}))
    return len(made)


@pytest.mark.parametrize(("program", "most"), [(pairs, 100), (connected, 350)])
def test_loops_in_loops_are_traced_a_few_times(program: Callable[..., Any], most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.array([0.1, 0.9, 0.35, 0.2, 0.75, 0.4])
    assert attempts(program, x, monkeypatch) < most
    with interpreting():
        assert_alike(jg.jit(program)(x), program(x))


class Held:
    """An object that functions find in their globals."""

    def __init__(self) -> None:
        self.step: Any = 1


HELD = Held()


def summed(count: int, start: Any) -> Any:
    total = start
    for _ in range(count):
        for _ in range(count):
            total = total + start
    return total


def counted(count: int) -> Any:
    total = 0
    for _ in range(count):
        for _ in range(2):
            total += HELD.step
    return total


def types_of_numbers(x: np.ndarray) -> Any:
    """One loop with integers, then with floats, then with integers again."""
    count = len(x)
    HELD.step = 1
    first = counted(count)
    HELD.step = 0.5
    second = counted(count)
    HELD.step = 2
    return summed(count, 1), summed(count, 0.5), summed(count, 2), first, second, counted(count), summed(count, x[0])


class Listing:
    """A class that holds a list, which loops change, and another list for each of them."""

    found: ClassVar[list[Any]] = []


def through_classes(x: np.ndarray) -> Any:
    """Loops that change what is held by a class and by a module's variable, made anew for each of them."""
    totals = np.zeros(3)
    for k in range(3):
        HELD.step = [0.0, 1.0]
        for i in range(len(x)):
            for j in range(2):
                if x[i] > j:
                    HELD.step[j] = HELD.step[j] + x[i]
                    Listing.found[j] = Listing.found[j] * x[i]
        totals[k] = HELD.step[0] + 2 * HELD.step[1] + Listing.found[0] + 3 * Listing.found[1]
    return totals


def kept_apart(x: np.ndarray) -> Any:
    """Lists that are the same object in one run of a loop, and two in another."""

    def fill(first: list[Any], second: list[Any]) -> Any:
        for k in range(len(x)):
            for j in range(2):
                first[j] = first[j] + x[k]
                second[j] = 2 * second[j]
        return first[0] + second[1]

    one, other = [1.0, 2.0], [3.0, 4.0]
    return fill(one, other), fill(one, one), fill(other, one)


@pytest.mark.parametrize("program", [types_of_numbers, kept_apart, through_classes])
def test_what_is_learned_holds_in_equal_situations_only(program: Callable[..., Any]) -> None:
    x = np.array([0.5, 1.5, -0.25])
    Listing.found = [1.0, 2.0]
    expected = program(x)
    Listing.found = [1.0, 2.0]
    with interpreting():
        assert_alike(jg.jit(program)(x), expected)


@pytest.mark.parametrize("program", [pairs, connected, types_of_numbers, kept_apart, through_classes])
def test_equal_situations_teach_the_same(program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[Any, Any] = {}
    found = lessons.learn

    def learn(situation: Any, lesson: Any) -> None:
        found(situation, lesson)
        text = re.sub("0x[0-9a-f]+", "", repr(lessons._told(lesson, situation)))
        assert situation.key is not None
        assert known.setdefault(situation.key, text) == text

    for module in (loops, lessons):
        monkeypatch.setattr(module, "recall", lambda situation: None)
        monkeypatch.setattr(module, "learn", learn)
    Listing.found = [1.0, 2.0]
    jg.jit(program).trace(((np.array([0.5, 1.5, -0.25]),), {}))
