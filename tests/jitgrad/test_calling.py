"""Direct calls: whatever comes after the first call, in whatever structure, type or layout, gets NumPy's result."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.calling import MISS, source

Pair = namedtuple("Pair", "left right")


@dataclass
class Spring:
    stiffness: np.ndarray
    label: str = "k"


def only(compiled):
    [[program]] = compiled.programs.values()
    return program


STRUCTURES = {
    "array": (lambda p: p * 2, lambda: np.arange(3.0)),
    "number": (lambda p: p * 2, lambda: 1.5),
    "scalar": (lambda p: p * 2, lambda: np.float32(1.5)),
    "0-d": (lambda p: np.sin(p), lambda: np.array(0.5)),
    "tuple": (lambda p: (p[0] + p[1], None), lambda: (np.ones(2), 2.0)),
    "list": (lambda p: [p[1], p[0] * 2], lambda: [np.ones(2), np.ones((2, 2))]),
    "dict": (lambda p: {"s": p["b"] + p["a"][0]}, lambda: {"b": np.ones(2), "a": (np.ones(2), None)}),
    "numbered dict": (lambda p: {3: p[1] + p[2]}, lambda: {2: np.ones(2), 1: 4}),
    "named tuple": (lambda p: Pair(p.right, p.left * 2), lambda: Pair(np.ones(2), np.zeros(3))),
    "dataclass": (lambda p: Spring(p.stiffness * 2, p.label + "k"), lambda: Spring(np.ones(2))),
    "ordered": (lambda p: p["x"] * 2, lambda: OrderedDict(x=np.ones(2))),
    "static": (lambda p: p[0] * (2 if p[1] == "twice" else 3), lambda: (np.ones(2), "twice")),
    "empty": (lambda p: ((), {}, [p[0]]), lambda: (np.ones(2), (), {})),
}


def same(got, expected):
    if isinstance(expected, np.ndarray | np.generic):
        assert type(got) is type(expected) and got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
    elif isinstance(expected, dict):
        assert type(got) is type(expected) and list(got) == list(expected)
        same(list(got.values()), list(expected.values()))
    elif isinstance(expected, Spring):
        same([got.stiffness, got.label], [expected.stiffness, expected.label])
    elif isinstance(expected, tuple | list):
        assert type(got) is type(expected) and len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            same(a, b)
    else:
        assert type(got) is type(expected) and got == expected


@pytest.mark.parametrize("name", STRUCTURES)
def test_second_call_gives_what_numpy_gives(name):
    function, make = STRUCTURES[name]
    compiled = jg.jit(function)
    same(compiled(make()), function(make()))
    same(compiled(make()), function(make()))
    same(compiled(p=make()), function(make()))
    same(compiled(p=make()), function(make()))


@pytest.mark.parametrize("name", sorted(set(STRUCTURES) - {"ordered"}))
def test_known_structures_need_no_pytree_library(name):
    function, make = STRUCTURES[name]
    compiled = jg.jit(function)
    compiled(make())
    same(only(compiled).direct(make()), function(make()))


OTHERS = {
    "another dtype": {"w": np.ones(3, np.float32), "k": 2.0},
    "another rank": {"w": np.ones((2, 3)), "k": 2.0},
    "another size": {"w": np.ones(7), "k": 2.0},
    "size one": {"w": np.ones(1), "k": 2.0},
    "reversed": {"w": np.arange(3.0)[::-1], "k": 2.0},
    "every second": {"w": np.arange(6.0)[::2], "k": 2.0},
    "integers": {"w": np.arange(3), "k": 2},
    "an array for a number": {"w": np.ones(3), "k": np.full(3, 2.0)},
    "a number for an array": {"w": 4.0, "k": 2.0},
    "a NumPy number": {"w": np.ones(3), "k": np.float32(2)},
    "more": {"w": np.ones(3), "k": 2.0, "extra": np.ones(2)},
    "an ordered dict": OrderedDict(w=np.ones(3), k=2.0),
}


@pytest.mark.parametrize("name", OTHERS)
def test_arguments_of_another_kind_are_not_taken_for_the_first(name):
    def function(p):
        return p["w"] * p["k"] + len(p)

    compiled = jg.jit(function)
    first = {"w": np.arange(3.0), "k": 2.0}
    same(compiled(first), function(first))
    for _ in range(2):
        same(compiled(OTHERS[name]), function(OTHERS[name]))
        same(compiled(first), function(first))


def test_read_only_arrays_are_read():
    array = np.arange(3.0)
    compiled = jg.jit(lambda p: p[0] * 2)
    compiled((array,))
    array.flags.writeable = False
    same(compiled((array,)), array * 2)


def test_missing_keys_raise_the_users_error():
    compiled = jg.jit(lambda p: p["a"] + p["b"])
    compiled({"a": np.ones(2), "b": np.ones(2)})
    with pytest.raises(KeyError, match="b"):
        compiled({"a": np.ones(2), "c": np.ones(2)})


def test_missing_and_unknown_arguments_raise_pythons_error():
    compiled = jg.jit(lambda x, *, scale: x * scale)
    compiled(np.ones(2), scale=2.0)
    with pytest.raises(TypeError, match="scale"):
        compiled(np.ones(2))
    with pytest.raises(TypeError, match="rate"):
        compiled(np.ones(2), rate=2.0)


def test_static_arguments_keep_their_types_apart():
    compiled = jg.jit(lambda x, flag: x * (3 if flag is True else 5), static_argnames="flag")
    same(compiled(np.ones(2), flag=True), np.full(2, 3.0))
    same(compiled(np.ones(2), flag=1), np.full(2, 5.0))
    same(compiled(np.ones(2), flag=True), np.full(2, 3.0))


def test_keywords_that_are_names_of_the_written_function():
    compiled = jg.jit(lambda **k: k["run"] + k["c0"] + k["float64"])
    for _ in range(2):
        same(compiled(run=np.ones(2), c0=2.0, float64=3.0), np.full(2, 6.0))


def test_classes_with_the_names_of_builtins():
    class dict(namedtuple("dict", "x")):
        __slots__ = ()

    local = namedtuple("float64", "x")
    compiled = jg.jit(lambda p: local(p["y"].x * 2))
    for _ in range(2):
        same(compiled({"y": local(np.ones(2))}), local(np.full(2, 2.0)))


def test_shared_arrays_are_not_confused_with_equal_ones():
    def function(x, y):
        x += 1
        return x * y

    compiled = jg.jit(function)
    for _ in range(2):
        x = np.ones(2)
        same(compiled(x, np.ones(2)), np.full(2, 2.0))
        same(compiled(x, x), np.full(2, 9.0))
        same(x, np.full(2, 3.0))


def test_one_array_twice_in_a_dict_of_any_order():
    compiled = jg.jit(lambda p: p["b"] * 2 + p["a"])
    x, y = np.ones(2), np.full(2, 5.0)
    for _ in range(2):
        same(compiled({"b": x, "a": x}), np.full(2, 3.0))
        same(compiled({"b": x, "a": y}), np.full(2, 7.0))
        same(compiled({"a": y, "b": x}), np.full(2, 7.0))


def test_written_arguments_may_not_overlap_others():
    def function(a, b):
        a["x"] += b
        return b * 2

    compiled = jg.jit(function)
    buffer = np.arange(8.0)
    for _ in range(2):
        compiled({"x": buffer[:4]}, buffer[4:])
    with pytest.raises(ValueError, match=r"a\['x'\] and b overlap"):
        compiled({"x": buffer[:4]}, buffer[2:6])


def test_an_array_held_by_a_caller_under_trace_is_read_at_each_call():
    shift = np.ones(3)
    sine = jg.jit(np.sin)
    sine(shift)
    shifted = jg.jit(lambda x: x + sine(shift))
    np.testing.assert_allclose(shifted(np.zeros(3)), np.sin(shift))
    shift[:] = 2
    np.testing.assert_allclose(shifted(np.zeros(3)), np.sin(shift))


def test_errors_of_direct_calls_name_the_call():
    def function(x, index):
        return x[index]

    compiled = jg.jit(function)
    compiled(np.ones(3), np.array([0]))
    with pytest.raises(IndexError) as caught:
        compiled(np.ones(3), np.array([5]))
    assert "function(x: float64(3,), index: int64(1,))" in "".join(caught.value.__notes__)


def test_modules_and_methods_are_called_directly():
    layer = jg.nn.Linear(3, 2, rng=np.random.default_rng(0))
    compiled = jg.jit(layer)
    x = np.ones((4, 3), np.float32)
    compiled(x)
    direct = only(compiled).direct(layer, x)
    assert direct is not MISS
    np.testing.assert_array_equal(compiled(x), direct)
    layer.weight = layer.weight * 0
    np.testing.assert_array_equal(compiled(x), np.broadcast_to(layer.bias, (4, 2)))


def test_text_reads_like_code_a_person_wrote():
    compiled = jg.grad(lambda p, x: np.sum(p["w"] * x))
    compiled({"w": np.ones(2)}, np.ones(2))
    text, _ = source(only(compiled))
    assert "type(v0) is not ndarray or type(a1) is not ndarray" in text
