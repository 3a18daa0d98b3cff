"""The garbage collector rests while a program is traced and compiled, and goes on afterwards."""

import gc

import numpy as np
import pytest

import jitgrad as jg


def test_the_collector_rests_while_compiling_and_goes_on() -> None:
    seen = []

    @jg.jit
    def double(x):
        seen.append(gc.isenabled())
        return 2 * x

    double(np.ones(3))
    assert seen == [False]
    assert gc.isenabled()


def test_the_collector_goes_on_after_an_error() -> None:
    @jg.jit
    def wrong(x):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        wrong(np.ones(3))
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    double = jg.jit(lambda x: 2 * x)
    gc.disable()
    try:
        double(np.ones(3))
        assert not gc.isenabled()
    finally:
        gc.enable()
