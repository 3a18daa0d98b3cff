"""Variables that have a value on some ways through a program only: Python's value, or Python's error, when the program runs."""

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


PROGRAMS = [value for value in list(globals().values()) if getattr(value, "__module__", "") == __name__]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("n", [-3, 0, 1, 2, 3])
def test_value_or_error_are_pythons(program, n):
    try:
        expected = program(X.copy(), n)
    except UnboundLocalError as error:
        with interpreting(), pytest.raises(UnboundLocalError) as caught:
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


def test_a_key_that_one_branch_sets_is_refused():
    def function(x):
        found = {}
        if x > 0:
            found["k"] = x
        return found["k"]

    with interpreting(), pytest.raises(UnsupportedError, match="set in one branch of an if only"):
        jg.jit(function)(2.0)


@pytest.mark.slow
def test_compiled_programs_raise_too():
    compiled = jg.jit(loop)
    assert compiled(X, 3) == 3.0
    with pytest.raises(UnboundLocalError, match="'y'"):
        compiled(X, 0)
