"""Variables, items and attributes with a value on some ways through a program only: Python's value or error when it runs."""
# ruff: noqa: F821, F841, SIM401

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError
from jitgrad.compiler.ir import parse
from jitgrad.compiler.pipeline import optimise

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([1.0, -2.0, 3.0])


def one_branch(x, n):
    if x[0] > n:
        y = x * 2
    return y


def both_times_the_same_test(x, n):
    if n > 0:
        y = x
    z = x * 3
    if n > 0:
        z = z + y
    return z


def loop(x, n):
    for i in range(n):
        y = x[i]
    return y


def loop_variable(x, n):
    for i in range(n):
        x = x + i
    return x * i


def while_loop(x, n):
    while n > 1:
        n = n - 1
        y = x * n
    return y


def found_in_loop(x, n):
    for i in range(3):
        if x[i] < n:
            place = i
            break
    return x * place


def of_two_parts(x, n):
    if n > 0:
        pair = x, 2.0
    return pair[0] * pair[1]


def added_to(x, n):
    if n > 0:
        total = 1.0
    for i in range(3):
        total += x[i]
    return total


def in_each_branch_of_a_loop(x, n):
    for i in range(n):
        if x[i] > 0:
            y = 1.0
        else:
            y = -x[i]
    return y


def deleted(x, n):
    y = x
    if n > 0:
        del y
    return y


def returned_early(x, n):
    if n > 0:
        y = x
        if n > 1:
            return y * 2
    return y


def without_a_range(x, n):
    for value in x[:n]:
        last = value
    return last


def read_in_later_iterations(x, n):
    total = 0.0
    for i in range(n):
        if i > 0:
            total = total + last * x[i]
        last = x[i]
    return total


def read_in_the_wrong_iterations(x, n):
    total = 0.0
    for i in range(n):
        if i < 1:
            total = total + last
        last = x[i]
    return total


class Box:
    pass


def key_set_in_a_loop(x, n):
    found = {}
    for i in range(n):
        found["last"] = x[i] * 2
    return found["last"]


def attribute_set_in_a_loop(x, n):
    box = Box()
    while n > 0:
        n = n - 1
        box.last = x * n
    return box.last


def key_of_one_branch(x, n):
    found = {}
    if n > 1:
        found["k"] = x
    return found["k"] * 2


def attribute_of_one_branch(x, n):
    box = Box()
    if n > 1:
        box.value = (x, 2.0)
    return box.value[0] * box.value[1]


def key_set_by_two_loops(x, n):
    found = {}
    for i in range(n - 1):
        found["k"] = x[i]
    for i in range(n):
        found["k"] = -x[i]
    return found["k"]


def key_asked_for(x, n):
    found = {}
    for i in range(n):
        if "least" not in found:
            found["least"] = -x[i]
        else:
            found["least"] = min(found["least"], -x[i])
    return found["least"] if "least" in found else 5.0


def key_with_default(x, n):
    found = {}
    for i in range(n):
        found["product"] = found.get("product", 1.0) * x[i]
    return found.setdefault("product", -1.0)


def attribute_asked_for(x, n):
    box = Box()
    for i in range(n):
        if hasattr(box, "product"):
            box.product *= x[i]
        else:
            box.product = x[i]
    return getattr(box, "product", 7.0)


def key_of_later_iterations(x, n):
    total, found = 0.0, {}
    for i in range(n):
        if i > 0:
            total = total + found["last"] * x[i]
        found["last"] = x[i]
    return total


def attribute_of_later_iterations(x, n):
    total, box = 0.0, Box()
    for i in range(n):
        if i > 0:
            total = total + box.last * x[i]
        box.last = x[i]
    return total


def key_deleted_in_one_branch(x, n):
    found = {"k": x}
    if n > 1:
        del found["k"]
    return found["k"]


def attribute_deleted_in_one_branch(x, n):
    box = Box()
    box.value = x
    if n > 1:
        del box.value
    return box.value


def key_that_is_not_read(x, n):
    found = {"kept": x}
    if n > 1:
        found["other"] = x * 2
    return found["kept"]


def part_of_an_array_is_written(x, n):
    found = {}
    if n > 1:
        found["k"] = x.copy()
    found["k"][0] = 5.0
    return found["k"]


ERRORS = (UnboundLocalError, KeyError, AttributeError)
PROGRAMS = [value for value in list(globals().values()) if getattr(value, "__module__", "") == __name__ and value is not Box]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("n", [-3, 0, 1, 2, 3])
def test_value_or_error_are_pythons(program, n):
    try:
        expected = program(X.copy(), n)
    except ERRORS as error:
        with interpreting(), pytest.raises(type(error)) as caught:
            jg.jit(program)(X.copy(), n)
        assert str(caught.value) == str(error)
    else:
        with interpreting():
            np.testing.assert_array_equal(jg.jit(program)(X.copy(), n), expected)


def test_one_program_serves_both():
    with interpreting():
        compiled = jg.jit(loop)
        assert compiled(X, 2) == -2.0
        with pytest.raises(UnboundLocalError):
            compiled(X, 0)
        assert sum(map(len, compiled.programs.values())) == 1


def test_loops_that_run_need_no_flag():
    function = optimise(parse(jg.ir(sum_of_last, jg.spec("f64[3]"))))
    assert "bool" not in str(function)


def sum_of_last(x):
    total = 0.0
    for i in range(3):
        for j in range(2):
            last = x[i] * j
        total = total + last
    return total


def test_gradient():
    with interpreting():
        np.testing.assert_array_equal(jg.grad(found_in_loop_scalar)(X, 0), [0, 2 * X[1], 0])


def found_in_loop_scalar(x, n):
    for i in range(3):
        if x[i] < n:
            hit = x[i]
            break
    return hit**2


def test_gradient_of_a_key():
    with interpreting():
        np.testing.assert_array_equal(jg.grad(sum_with_key)(X, 0), np.ones(3))
        np.testing.assert_array_equal(jg.grad(sum_with_key)(X, 2), np.full(3, 3.0))


def sum_with_key(x, n):
    found = {}
    if n > 1:
        found["k"] = x * 2
    if "k" in found:
        x = x + found["k"]
    return np.sum(x)


def count_items(found):
    return len(found)


def go_through_items(found):
    return sum(found[key] for key in found)


def list_values(found):
    return list(found.values())


def return_it(found):
    return [1.0, found]


@pytest.mark.parametrize("use", [count_items, go_through_items, list_values, return_it], ids=lambda use: use.__name__)
def test_a_dict_whose_keys_are_not_known_cannot_be_gone_through(use):
    def function(x):
        found = {"a": x}
        if x > 0:
            found["b"] = x
        return use(found)

    with interpreting(), pytest.raises(UnsupportedError, match="item 'b' of a dict is there on some ways"):
        jg.jit(function)(2.0)


@pytest.mark.slow
def test_compiled_programs_raise_too():
    compiled = jg.jit(loop)
    assert compiled(X, 3) == 3.0
    with pytest.raises(UnboundLocalError, match="'y'"):
        compiled(X, 0)
